//! How much requests say about a share of users: those of one user do not fall independently.

use super::scenario::{Requests, Scenario};

/// So many requests of users who are each another say as much about a share as `requests` of
/// the scenario's do.
///
/// Kish's effective size, (Σr)²/Σr² over the requests r of each user, with the squares that
/// are to be expected: where users are drawn, of a Poisson variable of mean m they are m + m²;
/// in rounds each user has made as many as any other, or one more.
pub(super) fn effective_requests(scenario: &Scenario, requests: u64) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
    let all = requests as f64;
    let whole = scenario.requests();
    if requests == 0 || whole <= 0.0 {
        return 0;
    }
    let squares: f64 = (0..scenario.populations.len())
        .map(|number| {
            let plan = &scenario.populations[number];
            let of_it = all * plan.requests() / whole;
            match plan.requests_per_user {
                Requests::OnAverage(_) => {
                    let same_user = scenario.population(number).same_user();
                    of_it + of_it * of_it * same_user
                }
                Requests::Exactly(_) => {
                    #[expect(clippy::cast_precision_loss, reason = "users are far below 2^52")]
                    let users = plan.users as f64;
                    let rounds = (of_it / users).floor();
                    let ahead = of_it / users - rounds;
                    users * ((1.0 - ahead) * rounds.powi(2) + ahead * (rounds + 1.0).powi(2))
                }
            }
        })
        .sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to the number of requests"
    )]
    let effective = (all * all / squares).round() as u64;
    effective.clamp(1, requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(population: &str) -> Scenario {
        let text = format!(
            "title = \"t\"\nlength = \"1h\"\n[[population]]\n{population}\n\
             [[version]]\ncode_version = \"1\"\n[[deployment]]\nat = \"0s\"\n\
             code_versions = [{{ code_version = \"1\", percentage = 100 }}]\n"
        );
        Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn heavy_users_say_less_about_a_share() {
        let alike = scenario("users = 1_000\nrequests_per_user = 10");
        assert_eq!(effective_requests(&alike, 0), 0);
        assert_eq!(effective_requests(&alike, 1), 1);
        // 10,000/(1 + 10).
        assert_eq!(effective_requests(&alike, 10_000), 909);
        let heavy = "users = 1_000\nrequests_per_user = 10\nheavy_users = 1\nheavy_share = 0.5";
        // The one alone is a quarter of all squares.
        assert_eq!(effective_requests(&scenario(heavy), 10_000), 4);
    }

    #[test]
    fn in_rounds_a_user_is_one_observation() {
        let rounds = scenario("users = 1_000\nrequests_per_user = 10\npace = \"rounds\"");
        assert_eq!(effective_requests(&rounds, 700), 700);
        assert_eq!(effective_requests(&rounds, 1_000), 1_000);
        assert_eq!(effective_requests(&rounds, 10_000), 1_000);
        // Half have asked twice: 1,500²/(500 + 4·500).
        assert_eq!(effective_requests(&rounds, 1_500), 900);
    }
}

//! `[[population]]`: who asks, from where, how often and when.

use std::collections::HashSet;

use super::super::scenario::{PopulationPlan, Requests};
use super::{number, or, share};
use crate::document::{Table, Value};
use crate::population::{Population, Rhythm};

/// As often as every second of a month.
const REQUESTS_PER_USER_MAX: f64 = 2_678_400.0;

const REGIONS_MAX: usize = 64;

const POPULATIONS_MAX: usize = 100;

/// Parts of a day: as many as there are minutes.
const DAY_PARTS_MAX: usize = 1_440;

/// The only region of those who have none.
const EVERYWHERE: &str = "everywhere";

pub(super) const KEYS: [&str; 9] = [
    "users",
    "key_prefix",
    "requests_per_user",
    "pace",
    "exponent",
    "heavy_users",
    "heavy_share",
    "day",
    "regions",
];

/// Every population, and every region that they name; `None` where one has a mistake.
pub(super) fn populations(root: &Table<'_>) -> (Option<Vec<PopulationPlan>>, Vec<String>) {
    let mut regions = Vec::new();
    if root.required("population").is_none() {
        return (None, regions);
    }
    let tables = root.tables("population", &KEYS);
    let mut prefixes = HashSet::new();
    let mut plans = Vec::new();
    for table in &tables {
        let plan = population(table, &mut regions);
        if let Some(plan) = &plan
            && !prefixes.insert(plan.key_prefix.clone())
        {
            table.refuse_together("another population has the same keys: write a `key_prefix`");
        }
        plans.push(plan);
    }
    if regions.len() > REGIONS_MAX || plans.len() > POPULATIONS_MAX || plans.is_empty() {
        root.refuse_together(format!(
            "there must be from 1 to {POPULATIONS_MAX} populations, in at most {REGIONS_MAX} regions"
        ));
        return (None, regions);
    }
    (plans.into_iter().collect(), regions)
}

fn population(table: &Table<'_>, regions: &mut Vec<String>) -> Option<PopulationPlan> {
    let users = table.required("users").and_then(|value| {
        let users = value.whole()?;
        Population::new(users, 0).map_err(|error| value.refuse(error)).ok()?;
        Some(users)
    });
    let key_prefix =
        or(table, "key_prefix", None, |value| value.text().map(|it| Some(it.to_owned())));
    let requests_per_user = requests_per_user(table);
    let exponent = or(table, "exponent", 0.0, Value::number);
    let heavy = heavy(table);
    let rhythm = or(table, "day", Rhythm::even(), day);
    let of_regions = regions_of(table, regions);
    let plan = PopulationPlan {
        users: users?,
        key_prefix: key_prefix?,
        exponent: exponent?,
        heavy: heavy?,
        regions: of_regions?,
        rhythm: rhythm?,
        requests_per_user: requests_per_user?,
    };
    if let Requests::Exactly(_) = plan.requests_per_user
        && (plan.heavy.is_some() || plan.exponent > 0.0)
    {
        table.refuse_together(
            "in rounds all users are alike: leave out `exponent` and `heavy_users`",
        );
        return None;
    }
    plan.build(0).map_err(|error| table.refuse_together(error)).ok()?;
    Some(plan)
}

fn requests_per_user(table: &Table<'_>) -> Option<Requests> {
    let in_rounds = or(table, "pace", false, |value| {
        value.parsed(|text| match text {
            "random" => Ok(false),
            "rounds" => Ok(true),
            _ => Err(format!("`{text}` must be `random` or `rounds`")),
        })
    });
    let requests = table.required("requests_per_user");
    let (value, in_rounds) = (requests?, in_rounds?);
    let requests = number(&value, 0.0, REQUESTS_PER_USER_MAX)?;
    if in_rounds {
        value.whole().map(Requests::Exactly)
    } else {
        Some(Requests::OnAverage(requests))
    }
}

#[expect(clippy::option_option, reason = "a mistake, none, or some of them")]
fn heavy(table: &Table<'_>) -> Option<Option<(u64, f64)>> {
    let users = table.get("heavy_users");
    let of_requests = table.get("heavy_share");
    match (users, of_requests) {
        (None, None) => Some(None),
        (Some(users), Some(of_requests)) => {
            let heavy = (users.whole(), share(&of_requests));
            Some(Some((heavy.0?, heavy.1?)))
        }
        (Some(one), None) | (None, Some(one)) => {
            one.refuse_together("`heavy_users` and `heavy_share` go together");
            None
        }
    }
}

fn day(value: &Value<'_>) -> Option<Rhythm> {
    let parts = value.list()?;
    if parts.len() > DAY_PARTS_MAX {
        value
            .refuse(format!("must be at most {DAY_PARTS_MAX} parts of a day, not {}", parts.len()));
        return None;
    }
    let weights: Option<Vec<f64>> = parts.iter().map(Value::number).collect();
    let rhythm = Rhythm::of_day(&weights?);
    if rhythm.is_none() {
        value.refuse("must be rates of equal parts of a day, none below 0 and one above");
    }
    rhythm
}

fn regions_of(table: &Table<'_>, regions: &mut Vec<String>) -> Option<Vec<(usize, f64)>> {
    let mut numbered = |name: &str| {
        let known = regions.iter().position(|region| region == name);
        known.unwrap_or_else(|| {
            regions.push(name.to_owned());
            regions.len() - 1
        })
    };
    let Some(value) = table.get("regions") else {
        return Some(vec![(numbered(EVERYWHERE), 1.0)]);
    };
    let mut of_regions: Vec<(usize, f64)> = Vec::new();
    for value in value.list()? {
        let region = value.table(&["name", "share"])?;
        let name = region.required("name").and_then(|value| {
            let name = value.text()?;
            if name.is_empty() || name.chars().any(char::is_control) {
                value.refuse("must be a name");
                return None;
            }
            Some(name)
        });
        let share = region.required("share").and_then(|value| value.number());
        let number = numbered(name?);
        if of_regions.iter().any(|(known, _)| *known == number) {
            value.refuse("is there twice");
            return None;
        }
        of_regions.push((number, share?));
    }
    Some(of_regions)
}

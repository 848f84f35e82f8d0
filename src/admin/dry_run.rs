//! What a deployment would do to the users who came lately, without making it.
//!
//! Keys may be secrets, as a session's cookie is. So of a user no more is told than the bucket
//! of the key, which a ten thousandth of all keys share.

use schemars::JsonSchema;
use serde::Serialize;

use super::Admin;
use crate::control::{
    Amount, Command, CommandError, Consequence, Danger, Heavy, HistoryPage, Load, Move, Overlap,
    User, VersionLoad, Weighing, Who, apply, last_canary,
};
use crate::model::{
    Catalog, CodeVersion, Environment, Percent, Position, RoutineName, Shares, Split,
};
use crate::observe::{RECENT_WINDOW, RecentUsers};
use crate::routing::SubjectName;

/// So many deployments are looked through for the last canary.
const HISTORY_MAX: u32 = 100;

/// Of those who came in this window of [`RECENT_WINDOW`] and the last, as far as Serin has
/// run. Counts of users are estimates where not all are held; the heavy are held in any case.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(
    rename = "DryRun",
    description = "Of those who came in the last hour or less. Counts of users are estimates where not all are held; the heavy are held in any case."
)]
pub(super) struct Told {
    /// Nothing was deployed.
    dry_run: bool,
    /// Who came longer ago is forgotten.
    at_most_minutes: u64,
    users: u64,
    requests: u64,
    /// Of these, those that had no key: they take turns.
    keyless_requests: u64,
    /// The share of users that is held and looked at, 0 to 100.
    sampled_percentage: f64,
    moved: AmountShape,
    /// How few could be expected to move under these percentages.
    least: LeastShape,
    /// False where a user's key was too long to be held: of those is told what is to be
    /// expected.
    exact: bool,
    /// Of those who move, how many are to be expected to see both versions in one session, if
    /// the deployment is made at any moment between the first request that is known and the
    /// last; null where those are of the same second.
    see_both_in_a_session: Option<f64>,
    /// Older first.
    versions: Vec<VersionShape>,
    moves: Vec<MoveShape>,
    /// Who asks most, the heaviest first.
    heaviest: Vec<HeavyShape>,
    /// How many of the canary's users were among those of the last one, of another version;
    /// null where there was none, or nothing is divided.
    overlap: Option<OverlapShape>,
    dangers: Vec<DangerShape>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Amount")]
struct AmountShape {
    users: u64,
    requests: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LeastMoved")]
struct LeastShape {
    percent: u8,
    users: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VersionLoad")]
struct VersionShape {
    code_version: String,
    before: LoadShape,
    after: LoadShape,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Load")]
struct LoadShape {
    percentage: u8,
    users: u64,
    requests: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Move")]
struct MoveShape {
    from: String,
    to: String,
    users: u64,
    requests: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Heavy")]
struct HeavyShape {
    /// Where the key stands, 0 to 9999; null where nothing is divided, or of a key that was
    /// too long to be held.
    #[schemars(range(max = 9_999))]
    bucket: Option<u16>,
    requests: u64,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Overlap")]
struct OverlapShape {
    last: LastShape,
    /// Of the canary now.
    users: u64,
    in_both: u64,
    share: f64,
    /// What it would be if the two had nothing to do with each other.
    share_if_independent: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LastCanary")]
struct LastShape {
    code_version: String,
    percentage: u8,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Danger")]
struct DangerShape {
    danger: &'static str,
    text: String,
}

/// Judges the deployment as a real one would be, by the catalog as it is, and weighs it.
pub(super) async fn dry_run(
    admin: &Admin,
    name: &RoutineName,
    environment: Environment,
    shares: Shares,
) -> Result<Told, CommandError> {
    let mut catalog = admin.control.catalog().await?;
    let before = catalog.routine(name).and_then(|routine| {
        let live = routine.deployment(environment)?;
        Some(routine.split(&live.shares))
    });
    let after = catalog.routine(name).map(|routine| routine.split(&shares));
    let command = Command::Deploy { name: name.clone(), environment, shares };
    apply(&mut catalog, command, None, (admin.clock)())?;
    let after = after.expect("a routine that is not there has no deployment");
    let last = last(admin, &catalog, name, environment, &after).await?;
    let overlap = last.and_then(|(last, seed)| Overlap::new(&after, last, seed));
    let subject = SubjectName::Routine(name.clone());
    let number = admin.table.read(|table| table.split_number(&subject, environment));
    let recent =
        number.map_or_else(RecentUsers::default, |(it, placing)| admin.users.recent(it.0, placing));
    Ok(Told::of(before.as_ref(), &after, overlap, &recent))
}

/// The last canary of the routine, and the seed under which its users were placed.
async fn last(
    admin: &Admin,
    catalog: &Catalog,
    name: &RoutineName,
    environment: Environment,
    planned: &Split,
) -> Result<Option<((CodeVersion, Percent), u64)>, CommandError> {
    let page = HistoryPage {
        name: name.clone(),
        environment: Some(environment),
        before: None,
        limit: HISTORY_MAX,
    };
    let history = admin.control.history(page).await?;
    let Some(routine) = catalog.routine(name) else { return Ok(None) };
    let splits = history.iter().map(|record| routine.split(&record.deployment.shares));
    let last = last_canary(planned, splits);
    Ok(last.map(|last| {
        let seed = routine.release().seed(&last.0);
        (last, seed)
    }))
}

impl Told {
    fn of(
        before: Option<&Split>,
        after: &Split,
        mut overlap: Option<Overlap>,
        recent: &RecentUsers,
    ) -> Self {
        let mut weighing = Weighing::new(before, after);
        let seed = after.seed().or(before.and_then(Split::seed));
        // Of no split, so that what is not held is not known.
        let unplaced = User::At { seed: !seed.unwrap_or(0), position: Position::from_digest(0) };
        let mut in_session_s = 0.0;
        for user in &recent.users {
            let who = user.key.as_deref().map_or(unplaced, User::Key);
            weighing.add(who, user.requests, user.weight);
            let Some(key) = &user.key else { continue };
            let version = after.version(key);
            if before.is_some_and(|before| before.version(key) != version) {
                let stands_for = u32::try_from(user.weight).unwrap_or(u32::MAX);
                in_session_s += user.in_session.as_secs_f64() * f64::from(stands_for);
            }
            if let Some(overlap) = &mut overlap {
                overlap.count(key, version, user.weight);
            }
        }
        weighing.add_keyless(recent.keyless);
        let told = Self::new(weighing.end(), overlap.as_ref(), seed, recent.share);
        let span_s = recent.span.as_secs_f64();
        let in_session = (span_s > 0.0).then(|| in_session_s / span_s);
        Self { see_both_in_a_session: in_session, ..told }
    }

    fn new(
        consequence: Consequence,
        overlap: Option<&Overlap>,
        seed: Option<u64>,
        share: f64,
    ) -> Self {
        let Amount { users, requests } = consequence.moved();
        let moved = AmountShape { users, requests };
        let least =
            LeastShape { percent: consequence.least_percent, users: consequence.least_users() };
        let requests = consequence.requests();
        let Consequence { total, keyless, exact, versions, moves, heaviest, dangers, .. } =
            consequence;
        Self {
            dry_run: true,
            at_most_minutes: 2 * RECENT_WINDOW.as_secs() / 60,
            users: total.users,
            requests,
            keyless_requests: keyless,
            sampled_percentage: share * 100.0,
            moved,
            least,
            exact,
            see_both_in_a_session: None,
            versions: versions.into_iter().map(VersionShape::of).collect(),
            moves: moves.into_iter().map(MoveShape::of).collect(),
            heaviest: heaviest.into_iter().map(|heavy| HeavyShape::of(&heavy, seed)).collect(),
            overlap: overlap.map(OverlapShape::of),
            dangers: dangers
                .into_iter()
                .map(|danger| DangerShape::of(danger, seed))
                .chain(overlap.and_then(Overlap::danger).map(DangerShape::of_the_same_users))
                .collect(),
        }
    }
}

/// Where the key of somebody stands; `None` where nothing is divided, or of whom it is not
/// known.
fn bucket(who: &Who, seed: Option<u64>) -> Option<u16> {
    match who {
        Who::Key(key) => Some(Position::of(seed?, key).bucket()),
        Who::In(bucket) => Some(*bucket),
        Who::At(_) | Who::Unnamed => None,
    }
}

impl VersionShape {
    fn of(load: VersionLoad) -> Self {
        let VersionLoad { version, before, after } = load;
        let shape = |load: Load| LoadShape {
            percentage: load.percent,
            users: load.amount.users,
            requests: load.requests(),
        };
        Self { code_version: version.to_string(), before: shape(before), after: shape(after) }
    }
}

impl MoveShape {
    fn of(Move { from, to, amount: Amount { users, requests } }: Move) -> Self {
        Self { from: from.to_string(), to: to.to_string(), users, requests }
    }
}

impl HeavyShape {
    fn of(heavy: &Heavy, seed: Option<u64>) -> Self {
        Self {
            bucket: bucket(&heavy.who, seed),
            requests: heavy.requests,
            before: heavy.before.as_ref().map(ToString::to_string),
            after: heavy.after.as_ref().map(ToString::to_string),
        }
    }
}

impl OverlapShape {
    fn of(overlap: &Overlap) -> Self {
        let (version, percent) = &overlap.last;
        Self {
            last: LastShape { code_version: version.to_string(), percentage: percent.get() },
            users: overlap.of,
            in_both: overlap.both,
            share: overlap.share(),
            share_if_independent: overlap.share_if_independent(),
        }
    }
}

impl DangerShape {
    fn of_the_same_users(text: String) -> Self {
        Self { danger: Overlap::DANGER_NAME, text }
    }

    fn of(mut danger: Danger, seed: Option<u64>) -> Self {
        if let Danger::HeavyKey { heavy, .. } = &mut danger {
            heavy.who = bucket(&heavy.who, seed).map_or(Who::Unnamed, Who::In);
        }
        Self { danger: danger.name(), text: danger.to_string() }
    }
}

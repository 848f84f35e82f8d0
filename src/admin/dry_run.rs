//! What a deployment would do to the users who came lately, without making it.
//!
//! Keys may be secrets, as a session's cookie is. So of a user no more is told than the bucket
//! of the key, which a ten thousandth of all keys share.

use serde::Serialize;

use super::Admin;
use crate::control::{
    Amount, Command, CommandError, Consequence, Danger, Heavy, HistoryPage, Load, Move, Overlap,
    User, VersionLoad, Weighing, Who, apply, last_canary,
};
use crate::model::{
    Catalog, CodeVersion, Environment, Kind, Percent, Position, Release, RoutineName, Shares, Split,
};
use crate::observe::{RECENT_WINDOW, RecentUsers};
use crate::routing::SubjectName;

/// So many deployments are looked through for the last canary.
const HISTORY_MAX: u32 = 100;

/// Of those who came in this window of [`RECENT_WINDOW`] and the last, as far as Serin has
/// run. Counts of users are estimates where not all are held; the heavy are held in any case.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// Nothing was deployed.
    dry_run: bool,
    /// Who came longer ago is forgotten.
    at_most_minutes: u64,
    users: u64,
    /// Of users: those that had a key.
    requests: u64,
    /// Those that had none: they take turns.
    keyless_requests: u64,
    /// The share of users that is held and looked at, 0 to 100.
    sampled_percentage: f64,
    moved_users: u64,
    moved_requests: u64,
    /// How few could move under these percentages.
    least_users: u64,
    /// False where a user's key was too long to be held: of those is told what is to be
    /// expected.
    exact: bool,
    /// Older first.
    versions: Vec<VersionShape>,
    moves: Vec<MoveShape>,
    /// Who asks most, the heaviest first.
    heaviest: Vec<HeavyShape>,
    /// How many of the canary's users were among those of the last one, of another version;
    /// null where there was none, or nothing is divided.
    last_canary: Option<LastShape>,
    dangers: Vec<DangerShape>,
}

#[derive(Debug, Serialize)]
struct VersionShape {
    code_version: String,
    before: LoadShape,
    after: LoadShape,
}

#[derive(Debug, Serialize)]
struct LoadShape {
    percentage: u8,
    users: u64,
    requests: u64,
}

#[derive(Debug, Serialize)]
struct MoveShape {
    from: String,
    to: String,
    users: u64,
    requests: u64,
}

#[derive(Debug, Serialize)]
struct HeavyShape {
    /// Where the key stands, 0 to 9999; null where nothing is divided, or of a key that was
    /// too long to be held.
    bucket: Option<u16>,
    requests: u64,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Debug, Serialize)]
struct LastShape {
    code_version: String,
    percentage: u8,
    /// Of the users of the canary now, those who were in that one, too.
    users_in_both: u64,
    /// How many would be if the two had nothing to do with each other.
    expected_in_both: u64,
}

#[derive(Debug, Serialize)]
struct DangerShape {
    name: &'static str,
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
    let last = last(admin, &catalog, name, environment, before.as_ref()).await?;
    let overlap = last.and_then(|(last, seed)| Overlap::new(&after, last, seed));
    let subject = SubjectName::Routine(name.clone());
    let number = admin.table.read(|table| table.split_number(&subject, environment));
    let recent = number.map_or_else(RecentUsers::default, |it| admin.users.recent(it.0));
    Ok(Told::of(before.as_ref(), &after, overlap, &recent))
}

/// The last canary of the routine, and the seed under which its users were placed.
async fn last(
    admin: &Admin,
    catalog: &Catalog,
    name: &RoutineName,
    environment: Environment,
    live: Option<&Split>,
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
    let last = last_canary(live, splits);
    Ok(last.map(|last| {
        let release = Release { kind: Kind::Routine, name: name.as_str(), cohort: &routine.cohort };
        let seed = release.seed(&last.0);
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
        let seed = seed(after).or(before.and_then(seed));
        // Of no split, so that what is not held is not known.
        let unplaced = User::At { seed: !seed.unwrap_or(0), position: Position::from_digest(0) };
        for user in &recent.users {
            let who = user.key.as_deref().map_or(unplaced, User::Key);
            weighing.add(who, user.requests, user.weight);
            if let (Some(overlap), Some(key)) = (&mut overlap, &user.key) {
                let version = after.version(key);
                let is_newer = matches!(after, Split::Canary { newer, .. } if newer == version);
                overlap.count(key, is_newer, user.weight);
            }
        }
        weighing.add_keyless(recent.keyless);
        Self::new(weighing.end(), overlap.as_ref(), seed, recent.share)
    }

    fn new(
        consequence: Consequence,
        overlap: Option<&Overlap>,
        seed: Option<u64>,
        share: f64,
    ) -> Self {
        let Amount { users: moved_users, requests: moved_requests } = consequence.moved();
        let least_users = consequence.least_users();
        let Consequence { total, keyless, exact, versions, moves, heaviest, dangers, .. } =
            consequence;
        Self {
            dry_run: true,
            at_most_minutes: 2 * RECENT_WINDOW.as_secs() / 60,
            users: total.users,
            requests: total.requests,
            keyless_requests: keyless,
            sampled_percentage: share * 100.0,
            moved_users,
            moved_requests,
            least_users,
            exact,
            versions: versions.into_iter().map(VersionShape::of).collect(),
            moves: moves.into_iter().map(MoveShape::of).collect(),
            heaviest: heaviest.into_iter().map(|heavy| HeavyShape::of(&heavy, seed)).collect(),
            last_canary: overlap.map(LastShape::of),
            dangers: dangers
                .into_iter()
                .map(|danger| DangerShape::of(danger, seed))
                .chain(overlap.and_then(Overlap::danger).map(DangerShape::of_the_same_users))
                .collect(),
        }
    }
}

fn seed(split: &Split) -> Option<u64> {
    match split {
        Split::Canary { seed, .. } => Some(*seed),
        Split::Whole(_) => None,
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
        let shape = |Load { percent, amount, .. }| LoadShape {
            percentage: percent,
            users: amount.users,
            requests: amount.requests,
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

impl LastShape {
    fn of(overlap: &Overlap) -> Self {
        let (version, percent) = &overlap.last;
        let expected =
            u128::from(overlap.of) * u128::from(overlap.in_last) / u128::from(overlap.users.max(1));
        Self {
            code_version: version.to_string(),
            percentage: percent.get(),
            users_in_both: overlap.both,
            expected_in_both: u64::try_from(expected).unwrap_or(u64::MAX),
        }
    }
}

impl DangerShape {
    fn of_the_same_users(text: String) -> Self {
        Self { name: "same_users", text }
    }

    fn of(mut danger: Danger, seed: Option<u64>) -> Self {
        if let Danger::HeavyKey { heavy, .. } = &mut danger {
            heavy.who = bucket(&heavy.who, seed).map_or(Who::Unnamed, Who::In);
        }
        Self { name: danger.name(), text: danger.to_string() }
    }
}

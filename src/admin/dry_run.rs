//! What a deployment would do to the users who came lately, without making it.
//!
//! Keys may be secrets, as a session's cookie is. So of a user no more is told than the bucket
//! of the key, which a ten thousandth of all keys share.

use serde::Serialize;

use super::Admin;
use crate::control::{
    Amount, Command, CommandError, Consequence, Danger, Heavy, Load, Move, User, VersionLoad,
    Weighing, Who, apply,
};
use crate::model::{Environment, Position, RoutineName, Shares, Split};
use crate::observe::{RECENT_WINDOW, RecentUsers};
use crate::routing::SubjectName;

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
    let subject = SubjectName::Routine(name.clone());
    let number = admin.table.read(|table| table.split_number(&subject, environment));
    let recent = number.map_or_else(RecentUsers::default, |it| admin.users.recent(it.0));
    Ok(Told::of(before.as_ref(), &after, &recent))
}

impl Told {
    fn of(before: Option<&Split>, after: &Split, recent: &RecentUsers) -> Self {
        let mut weighing = Weighing::new(before, after);
        let seed = seed(after).or(before.and_then(seed));
        // Of no split, so that what is not held is not known.
        let unplaced = User::At { seed: !seed.unwrap_or(0), position: Position::from_digest(0) };
        for user in &recent.users {
            let who = user.key.as_deref().map_or(unplaced, User::Key);
            weighing.add(who, user.requests, user.weight);
        }
        weighing.add_keyless(recent.keyless);
        Self::new(weighing.end(), seed, recent.share)
    }

    fn new(consequence: Consequence, seed: Option<u64>, share: f64) -> Self {
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
            dangers: dangers.into_iter().map(|danger| DangerShape::of(danger, seed)).collect(),
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

impl DangerShape {
    fn of(mut danger: Danger, seed: Option<u64>) -> Self {
        if let Danger::HeavyKey { heavy, .. } = &mut danger {
            heavy.who = bucket(&heavy.who, seed).map_or(Who::Unnamed, Who::In);
        }
        Self { name: danger.name(), text: danger.to_string() }
    }
}

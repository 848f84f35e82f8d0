//! What a deployment would do to the users who came lately, without making it.
//!
//! Keys may be secrets, as a session's cookie is. So a user is told by where the key
//! stands, and never by the key.

use serde::Serialize;

use super::Admin;
use crate::control::{
    Amount, Command, CommandError, Consequence, Danger, Heavy, Load, Move, User, VersionLoad,
    Weighing, Who, apply,
};
use crate::model::{Environment, Position, RoutineName, Shares, Split};
use crate::observe::RecentUsers;
use crate::routing::SubjectName;

/// Of users who came in the last 30 to 60 minutes and brought a key. Counts are estimates
/// where not all of them are held.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// Nothing was deployed.
    dry_run: bool,
    users: u64,
    requests: u64,
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
    /// Where the key stands under the seed that would decide, in hexadecimal; null of a key
    /// that was too long to be held.
    position: Option<String>,
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
        // A sample's share is a power of two.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the share is above 0, and a sample of one in 2^64 has no users"
        )]
        let weight = (1.0 / recent.share).round() as u64;
        let seed = seed(after).or(before.and_then(seed)).unwrap_or(0);
        // Nobody stands there under any split, so that what is not held is not known.
        let unplaced = User::At { seed: !seed, position: Position::from_digest(0) };
        for user in &recent.users {
            let who = user.key.as_deref().map_or(unplaced, User::Key);
            weighing.add(who, user.requests, weight);
        }
        Self::new(weighing.end(), seed, recent.share)
    }

    fn new(consequence: Consequence, seed: u64, share: f64) -> Self {
        let Amount { users: moved_users, requests: moved_requests } = consequence.moved();
        let least_users = consequence.least_users();
        let Consequence { total, exact, versions, moves, heaviest, dangers, .. } = consequence;
        Self {
            dry_run: true,
            users: total.users,
            requests: total.requests,
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

/// By where the key stands, in the place of the key.
fn without_key(who: &Who, seed: u64) -> Who {
    match who {
        Who::Key(key) => Who::At(Position::of(seed, key)),
        Who::At(position) => Who::At(*position),
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
    fn of(heavy: &Heavy, seed: u64) -> Self {
        let position = match &heavy.who {
            Who::Key(key) => Some(format!("{:016x}", Position::of(seed, key).get())),
            Who::At(_) => None,
        };
        Self {
            position,
            requests: heavy.requests,
            before: heavy.before.as_ref().map(ToString::to_string),
            after: heavy.after.as_ref().map(ToString::to_string),
        }
    }
}

impl DangerShape {
    fn of(mut danger: Danger, seed: u64) -> Self {
        if let Danger::HeavyKey { heavy, .. } = &mut danger {
            heavy.who = without_key(&heavy.who, seed);
        }
        Self { name: danger.name(), text: danger.to_string() }
    }
}

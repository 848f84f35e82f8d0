//! `status`: what is deployed, and how it goes.

use serde_json::{Map, Value, json};

use super::error::OperateError;
use super::find::{find, is_refused_as};
use super::output::Output;
use super::subject::{ENVIRONMENTS, Release, Served, Share};
use super::told::{Check, EndpointState, OfSubject, read};
use crate::client::{self, ClientError, Endpoint, Subject};
use crate::report::{Column, Table, count, one_line, plural};

/// More are not told at once.
const LISTED_MAX: usize = 100_000;

/// Of what the status is asked.
#[derive(Debug, Clone)]
pub struct Status {
    /// A routine or an app; all of them, where none is named.
    pub name: Option<String>,
    /// Both, where none is named.
    pub environment: Option<&'static str>,
}

/// Tells what is deployed, and how it goes: an error where something is not well.
pub fn status(
    admin: &Endpoint,
    asked: &Status,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    let environments: Vec<_> = ENVIRONMENTS
        .into_iter()
        .filter(|environment| asked.environment.is_none_or(|asked| asked == *environment))
        .collect();
    let listed = match &asked.name {
        Some(name) => vec![find(admin, name)?],
        None => everything(admin)?,
    };
    let seen: Vec<Seen> = listed
        .into_iter()
        .map(|(subject, value)| Seen::look(admin, &subject, value, &environments, output.as_json))
        // What was deleted since it was listed is not told.
        .filter(|seen| !matches!(seen, Err(OperateError::Client(error)) if is_gone(error)))
        .collect::<Result<_, _>>()?;
    let mut endpoints = client::endpoints(admin, LISTED_MAX)?;
    if asked.name.is_some() {
        let of_these = seen.iter().flat_map(|it| it.served.endpoints()).collect::<Vec<_>>();
        if let Some(listed) = endpoints["endpoints"].as_array_mut() {
            listed.retain(|it| it["endpoint"].as_str().is_some_and(|it| of_these.contains(&it)));
        }
    }
    let states: Vec<EndpointState> = read(admin, &endpoints["endpoints"])?;
    if output.as_json {
        output.json(&document(&seen, &endpoints["endpoints"]))?;
    } else {
        print(&seen, &environments, &states, output)?;
    }
    let is_sick = states.iter().any(|it| !it.healthy);
    let is_wrong = seen.iter().flat_map(|it| &it.checks).any(|(_, check, _)| check.is_mismatch());
    if is_sick || is_wrong { Err(OperateError::Found) } else { Ok(()) }
}

fn is_gone(error: &ClientError) -> bool {
    is_refused_as(error, "routine_not_found") || is_refused_as(error, "app_not_found")
}

/// All routines, then all apps.
fn everything(admin: &Endpoint) -> Result<Vec<(Subject, Value)>, OperateError> {
    let mut routines = client::routines(admin, "", LISTED_MAX)?;
    let mut apps = client::apps(admin, "", LISTED_MAX)?;
    let named = |list: Value, key: &str, subject: fn(String) -> Subject| {
        let Value::Array(list) = list else { return Vec::new() };
        let name = |value: &Value| value[key].as_str().unwrap_or_default().to_owned();
        list.into_iter().map(|value| (subject(name(&value)), value)).collect::<Vec<_>>()
    };
    let mut all = named(routines["routines"].take(), "name", Subject::Routine);
    all.extend(named(apps["apps"].take(), "app_id", Subject::App));
    Ok(all)
}

/// A routine or an app, and how it goes.
struct Seen {
    value: Value,
    served: Served,
    traffic: Value,
    tallies: OfSubject,
    /// By environment: what was found of a split that is live there.
    checks: Vec<(&'static str, Check, Value)>,
}

impl Seen {
    /// What has one version has nothing to check, and is asked about it for a `document` alone.
    fn look(
        admin: &Endpoint,
        subject: &Subject,
        value: Value,
        environments: &[&'static str],
        document: bool,
    ) -> Result<Self, OperateError> {
        let served = Served::read(admin, subject, &value)?;
        let traffic = client::traffic_of(admin, subject)?;
        let tallies = read(admin, &traffic)?;
        let mut checks = Vec::new();
        for &environment in environments {
            let release = served.live.iter().find(|it| it.environment == environment);
            if release.is_some_and(|release| document || release.is_split()) {
                let check = client::check(admin, subject, environment)?;
                checks.push((environment, read(admin, &check)?, check));
            }
        }
        Ok(Self { value, served, traffic, tallies, checks })
    }

    fn check(&self, release: &Release) -> Option<&Check> {
        let found =
            self.checks.iter().find(|(environment, ..)| *environment == release.environment);
        // What was found of another deployment says nothing of this one.
        found.map(|(_, check, _)| check).filter(|it| it.deployment_id.as_ref() == Some(&release.id))
    }
}

/// In the API's own shapes.
fn document(seen: &[Seen], endpoints: &Value) -> Value {
    let list = |is_asked: fn(&Subject) -> bool, key: &str| {
        let of = seen.iter().filter(|it| is_asked(&it.served.subject)).map(|it| {
            let checks = it.checks.iter().map(|(name, _, value)| (*name, value.clone()));
            let checks: Map<String, Value> =
                checks.map(|(name, value)| (name.to_owned(), value)).collect();
            json!({ key: it.value, "checks": checks, "traffic": it.traffic })
        });
        of.collect::<Vec<_>>()
    };
    json!({
        "routines": list(|it| matches!(it, Subject::Routine(_)), "routine"),
        "apps": list(|it| matches!(it, Subject::App(_)), "app"),
        "endpoints": endpoints,
    })
}

fn print(
    seen: &[Seen],
    environments: &[&'static str],
    states: &[EndpointState],
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    if seen.is_empty() {
        return output.line("no routine and no app; `serin routines create NAME` makes a routine");
    }
    let (table, alarms) = table(seen, environments);
    output.table(&table, &alarms)?;
    let sick: Vec<_> = states.iter().filter_map(|it| Some((it, it.ailment()?))).collect();
    let endpoints = plural(states.len() as u64, "endpoint");
    match (states.is_empty(), sick.is_empty()) {
        (true, _) => Ok(()),
        (_, true) => output.line(format_args!("\n{endpoints}, all well")),
        _ => {
            output.line(format_args!("\n{endpoints}, of which are not well"))?;
            for (state, ailment) in sick {
                output.alarm(format_args!("  {} {}", state.endpoint, one_line(&ailment)))?;
            }
            Ok(())
        }
    }
}

/// A row for each version that is live; and which rows must not be overlooked.
fn table(seen: &[Seen], environments: &[&'static str]) -> (Table, Vec<usize>) {
    let mut table = Table::new(&[
        Column::Left("routine"),
        Column::Left("environment"),
        Column::Left("version"),
        Column::Right("asked"),
        Column::Right("users"),
        Column::Right("share"),
        Column::Right("expected"),
        Column::Right("requests"),
        Column::Right("failed"),
        Column::Left("check"),
    ]);
    let (mut rows, mut alarms) = (0, Vec::new());
    for of in seen {
        let live = of.served.live.iter().filter(|it| environments.contains(&&*it.environment));
        let mut is_live = false;
        for release in live {
            is_live = true;
            let check = of.check(release);
            for (number, share) in release.shares.iter().enumerate() {
                let verdict = check.filter(|_| number == 0).map(Check::words).unwrap_or_default();
                table.row(row(of, release, share, check).into_iter().chain([verdict]));
                if check.is_some_and(Check::is_mismatch) {
                    alarms.push(rows);
                }
                rows += 1;
            }
        }
        if !is_live {
            table.row([of.served.name.clone(), "nothing is deployed".to_owned()]);
            rows += 1;
        }
    }
    (table, alarms)
}

fn row(of: &Seen, release: &Release, share: &Share, check: Option<&Check>) -> [String; 9] {
    let tallied = of.tallies.of(&release.environment, &share.version);
    let checked = check.and_then(|check| {
        let version = check.versions.iter().find(|it| it.code_version == share.version)?;
        (check.users > 0).then_some((check.users, version))
    });
    let [users, observed, expected] = checked.map_or_else(Default::default, |(all, version)| {
        let observed = version.observed_percentage.map(|it| format!("{it:.2} %"));
        let [least, most] =
            [version.expected_least, version.expected_most].map(|it| of_all(it, all));
        [count(version.users), observed.unwrap_or_default(), format!("{least:.2} to {most:.2} %")]
    });
    [
        of.served.name.clone(),
        release.environment.clone(),
        share.version.clone(),
        share.whom.words(),
        users,
        observed,
        expected,
        tallied.map(|it| count(it.assigned)).unwrap_or_default(),
        tallied.map(|it| count(it.failed)).unwrap_or_default(),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "counts of users are far below 2^52")]
fn of_all(users: u64, all: u64) -> f64 {
    users as f64 * 100.0 / all as f64
}

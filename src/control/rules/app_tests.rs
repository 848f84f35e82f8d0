//! What is allowed about apps, and what comes of it.

use super::declare_app::declare_apps;
use super::*;
use crate::control::app_command::{AppCommand, AppRefused, NewApp, NewAppVersion};
use crate::model::{
    Allotment, AppId, AppName, DeclaredApp, DeclaredAppVersion, Environment, Percent, Publish,
    Reach, VersionId,
};
use Environment::Production;

struct Desk {
    catalog: Catalog,
    now: i64,
}

impl Desk {
    fn try_tell(&mut self, command: AppCommand) -> Result<Reply, Refused> {
        let now = Timestamp(self.now);
        apply(&mut self.catalog, Command::App(command), None, now).map(|applied| applied.reply)
    }

    fn tell(&mut self, command: AppCommand) -> Reply {
        self.try_tell(command).unwrap()
    }

    fn app(&mut self, name: &str) -> AppId {
        let new = NewApp {
            name: AppName::new(name).unwrap(),
            remarks: String::new(),
            service_port: 80,
            target_port: 80,
            health_check: "{}".to_owned(),
        };
        match self.tell(AppCommand::Create(new)) {
            Reply::App(app) => app.id.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn version(&mut self, id: &AppId) -> VersionId {
        let version = NewAppVersion {
            name: "release".to_owned(),
            remarks: String::new(),
            containers: "[]".to_owned(),
            upstream: None,
        };
        match self.tell(AppCommand::AddVersion { id: id.clone(), version }) {
            Reply::AppVersion(version) => version.version_id.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn publish(&mut self, id: &AppId, version: &VersionId, percent: u64, start: Option<i64>) {
        self.tell(AppCommand::Publish {
            id: id.clone(),
            environment: Production,
            version_id: version.clone(),
            reach: Reach::Percent(Percent::new(percent).unwrap()),
            remarks: String::new(),
            start: start.map(Timestamp),
        });
    }

    fn live(&self, id: &AppId) -> &Publish {
        self.catalog.app(id).unwrap().publish(Production).unwrap()
    }

    /// The versions that production serves, and how much.
    fn shares(&self, id: &AppId) -> Vec<(String, u8)> {
        match self.live(id).allotment() {
            Allotment::Shares(shares) => shares
                .iter()
                .map(|(version, percent)| (version.to_string(), percent.get()))
                .collect(),
            other @ Allotment::Regional { .. } => panic!("{other:?}"),
        }
    }
}

fn desk() -> Desk {
    Desk { catalog: Catalog::default(), now: 10 }
}

#[test]
fn the_rest_stays_on_the_version_that_last_had_everybody() {
    let mut desk = desk();
    let id = desk.app("storefront");
    let [one, two, three] = std::array::from_fn(|_| desk.version(&id));
    let named = |shares: &[(&VersionId, u8)]| -> Vec<_> {
        shares.iter().map(|(version, percent)| (version.to_string(), *percent)).collect()
    };
    desk.publish(&id, &one, 20, None);
    assert_eq!(desk.shares(&id), named(&[(&one, 100)]));
    desk.publish(&id, &two, 20, None);
    assert_eq!(desk.shares(&id), named(&[(&one, 80), (&two, 20)]));
    // Another canary replaces the first one, and not the baseline.
    desk.publish(&id, &three, 30, None);
    assert_eq!(desk.shares(&id), named(&[(&one, 70), (&three, 30)]));
    desk.publish(&id, &three, 5, None);
    assert_eq!(desk.shares(&id), named(&[(&one, 95), (&three, 5)]));
    desk.publish(&id, &one, 5, None);
    assert_eq!(desk.shares(&id), named(&[(&one, 100)]));
    desk.publish(&id, &two, 100, None);
    assert_eq!(desk.live(&id).settled(), Some(&two));
    // What nobody needs can go; its id does not come back.
    let delete = |version_id: &VersionId| AppCommand::DeleteVersion {
        id: id.clone(),
        version_id: version_id.clone(),
    };
    desk.tell(delete(&one));
    let refused = desk.try_tell(delete(&two)).unwrap_err();
    assert_eq!(refused, AppRefused::VersionNeeded(two, Production).into());
}

#[test]
fn what_is_due_happens_in_its_order_and_nothing_sooner() {
    let mut desk = desk();
    let id = desk.app("storefront");
    let [one, two] = std::array::from_fn(|_| desk.version(&id));
    desk.publish(&id, &one, 100, None);
    desk.publish(&id, &two, 50, Some(30));
    desk.publish(&id, &two, 10, Some(20));
    desk.publish(&id, &two, 100, Some(40));
    // A start that is no longer to come is now.
    desk.publish(&id, &one, 100, Some(10));
    assert_eq!(desk.live(&id).id.0, 2);
    assert!(take_up_due(&mut desk.catalog, Timestamp(19)).is_empty());
    assert!(!take_up_due(&mut desk.catalog, Timestamp(30)).is_empty());
    assert_eq!(desk.shares(&id), [(one.to_string(), 50), (two.to_string(), 50)]);
    assert_eq!(desk.live(&id).created, Timestamp(30));
    assert_eq!(desk.catalog.schedule.len(), 1);
    desk.tell(AppCommand::Delete { id });
    assert!(desk.catalog.schedule.is_empty());
    assert!(take_up_due(&mut desk.catalog, Timestamp(99)).is_empty());
}

#[test]
fn the_config_owns_what_it_declares_and_nothing_else() {
    let mut desk = desk();
    let declared = || DeclaredApp {
        id: AppId::new("app-880688675783790000").unwrap(),
        name: AppName::new("storefront").unwrap(),
        sticky: None,
        cohort: None,
        versions: vec![DeclaredAppVersion {
            version_id: VersionId::new("ver-879626371616510000").unwrap(),
            upstream: None,
        }],
    };
    let declare = |catalog: &mut Catalog, apps| declare_apps(catalog, apps, Timestamp(11));
    let (changes, warnings) = declare(&mut desk.catalog, vec![declared()]);
    assert_eq!((changes.len(), warnings), (2, vec![]));
    // Again, and nothing is other than before.
    assert_eq!(declare(&mut desk.catalog, vec![declared()]), (vec![], vec![]));

    // Published, it stays although it is no longer declared.
    let (id, version) = (declared().id, declared().versions[0].version_id.clone());
    desk.publish(&id, &version, 100, None);
    let (_, warnings) = declare(&mut desk.catalog, vec![]);
    assert_eq!(warnings, [Warning::AppKept(id.clone())]);
    // Deleted through the API, it stays deleted.
    desk.tell(AppCommand::Delete { id: id.clone() });
    let (changes, warnings) = declare(&mut desk.catalog, vec![declared()]);
    assert_eq!((changes, warnings), (vec![], vec![Warning::AppDeleted(id)]));
}

#[test]
fn a_name_that_is_taken_is_not_declared_over() {
    let mut desk = desk();
    let id = desk.app("storefront");
    let declared = DeclaredApp {
        id: AppId::new("app-880688675783790000").unwrap(),
        name: AppName::new("storefront").unwrap(),
        sticky: None,
        cohort: None,
        versions: Vec::new(),
    };
    let (changes, warnings) = declare_apps(&mut desk.catalog, vec![declared], Timestamp(11));
    assert_eq!(changes, []);
    let [Warning::AppLeftOut(..)] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(desk.catalog.app_names.values().collect::<Vec<_>>(), [&id]);
}

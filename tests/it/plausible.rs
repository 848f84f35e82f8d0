//! What has nothing behind it still answers in the shape that typed clients read.

use std::collections::BTreeSet;

use crate::support::desk::Desk;

/// Actions about one app, and the fields of their answers in the clients' models.
const ANSWERS: &[(&str, &[&str])] = &[
    ("CreateEdgeContainerAppImageSecret", &[]),
    ("DeleteEdgeContainerAppImageSecret", &[]),
    (
        "DescribeEdgeContainerAppStats",
        &[
            "CpuUsageSecondsQuotaRateAvg",
            "CpuUsageSecondsTotalAvg",
            "FsReadsBytesAvgAvg",
            "FsWritesBytesAvgAvg",
            "MemoryRssAvg",
            "MemoryRssQuotaRateAvg",
            "PodReadyRateAvg",
            "Points",
        ],
    ),
    ("GetEdgeContainerAppLogRiver", &["Path", "Stdout"]),
    ("GetEdgeContainerAppResourceCapacity", &["Regions"]),
    ("GetEdgeContainerAppResourceReserve", &["DurationTime", "Enable", "Forever", "ReserveSet"]),
    ("GetEdgeContainerAppResourceStatus", &["Regions"]),
    ("GetEdgeContainerDeployRegions", &["Regions"]),
    ("GetEdgeContainerLogs", &["Items"]),
    (
        "GetEdgeContainerStagingDeployStatus",
        &[
            "ContainersReady",
            "CreationTimestamp",
            "Initialized",
            "Phase",
            "PodRestartState",
            "Ready",
            "Scheduled",
            "VIPs",
        ],
    ),
    (
        "GetEdgeContainerTerminal",
        &["Cluster", "Container", "Namespace", "Pod", "SessionId", "Token"],
    ),
    ("ListEdgeContainerAppImageSecrets", &["ImageSecretList"]),
    ("ListEdgeContainerRecords", &["PageNumber", "PageSize", "Records", "TotalCount"]),
    ("RebuildEdgeContainerAppStagingEnv", &[]),
    ("UpdateEdgeContainerAppLogRiver", &["Path", "Stdout"]),
    ("UpdateEdgeContainerAppResourceReserve", &["DurationTime", "Enable", "Forever", "ReserveSet"]),
];

#[test]
fn what_has_nothing_behind_it_answers_in_the_shape_that_clients_read() {
    let desk = Desk::start();
    let app = [("Name", "storefront"), ("ServicePort", "80"), ("TargetPort", "80")];
    let app = desk.call("CreateEdgeContainerApp", &app).with(200);
    let app = app["AppId"].as_str().unwrap();
    for (action, fields) in ANSWERS {
        let answer = desk.call(action, &[("AppId", app), ("Lines", "10"), ("Stdout", "True")]);
        let answer = answer.with(200);
        let found: BTreeSet<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        let expected: BTreeSet<_> = fields.iter().copied().chain(["RequestId"]).collect();
        assert_eq!(found, expected, "{action}");
    }
}

#[test]
fn the_hosts_of_a_site_are_told_with_what_they_point_at() {
    let desk = Desk::with_sites(&[(1001, "example.com")]);
    let app = [("Name", "storefront"), ("ServicePort", "80"), ("TargetPort", "80")];
    let app = desk.call("CreateEdgeContainerApp", &app).with(200);
    let app = app["AppId"].as_str().unwrap();
    for host in ["a.example.com", "b.example.com"] {
        let record = [("AppId", app), ("RecordName", host), ("SiteId", "1001")];
        desk.call("CreateEdgeContainerAppRecord", &record).with(200);
    }
    let listed = desk.call("ListEdgeContainerRecords", &[("SiteId", "1001")]).with(200);
    assert_eq!(listed["TotalCount"], 2);
    let first = &listed["Records"][0];
    assert_eq!(first["RecordName"], "a.example.com");
    assert_eq!(first["RecordCname"], "storefront.localhost");
    assert_eq!(first["SiteName"], "example.com");
    let sought = [("SiteId", "1001"), ("RecordName", "b."), ("RecordMatchType", "prefix")];
    let sought = desk.call("ListEdgeContainerRecords", &sought).with(200);
    assert_eq!(sought["TotalCount"], 1);
    assert_eq!(
        desk.call("ListEdgeContainerRecords", &[("SiteId", "7")]).with(200)["TotalCount"],
        0
    );
}

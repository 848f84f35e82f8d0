//! Simple mode: the rules that `esa-cli` writes for `host/path`, and reads back.

use super::display::quoted;
use super::field::Field;
use super::tree::{Node, Test, Text, TextTest};
use crate::model::{HostPattern, PathPattern, Route};

pub(super) fn rule_of(route: &Route) -> String {
    let path = match &route.path {
        PathPattern::Exact(path) => format!("http.request.uri.path eq {}", quoted(path)),
        PathPattern::Prefix(path) => {
            format!("starts_with(http.request.uri.path, {})", quoted(path))
        }
    };
    match &route.host {
        HostPattern::Exact(host) => format!("(http.host eq {} and {path})", quoted(host)),
        HostPattern::Suffix(suffix) => {
            format!("(ends_with(http.host, {}) and {path})", quoted(suffix))
        }
        HostPattern::Any => format!("({path})"),
    }
}

pub(super) fn route_of(node: &Node) -> Option<Route> {
    let route = match node {
        Node::All(nodes) => match &**nodes {
            [Node::Test(host), Node::Test(path)] => {
                Route { host: host_of(host)?, path: path_of(path)? }
            }
            _ => return None,
        },
        Node::Test(path) => Route { host: HostPattern::Any, path: path_of(path)? },
        _ => return None,
    };
    // What a rule says of hosts and paths is free; a route's are of one form.
    (Route::new(&route.to_string()) == Ok(route.clone())).then_some(route)
}

fn host_of(test: &Test) -> Option<HostPattern> {
    match test {
        Test::Text(Text::Field(Field::Host), TextTest::OneOf(hosts)) => match hosts.texts() {
            [host] => Some(HostPattern::Exact((&**host).into())),
            _ => None,
        },
        Test::Text(Text::Field(Field::Host), TextTest::EndsWith(suffix)) => {
            Some(HostPattern::Suffix(suffix.text().into()))
        }
        _ => None,
    }
}

fn path_of(test: &Test) -> Option<PathPattern> {
    match test {
        Test::Text(Text::Field(Field::Path), TextTest::OneOf(paths)) => match paths.texts() {
            [path] => Some(PathPattern::Exact((&**path).into())),
            _ => None,
        },
        Test::Text(Text::Field(Field::Path), TextTest::StartsWith(prefix)) => {
            Some(PathPattern::Prefix(prefix.clone().into()))
        }
        _ => None,
    }
}

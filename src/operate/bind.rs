//! `bind`: where a version answers.

use super::error::OperateError;
use super::find::{advise_of_versions, find};
use super::output::Output;
use super::subject::Served;
use super::versions::BUILT_IN;
use crate::client::{self, Endpoint, Subject};
use crate::report::one_line;

/// Has a version answer at `upstream`, and tells who gets it.
pub fn bind(
    admin: &Endpoint,
    name: &str,
    version: &str,
    upstream: &str,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    let (subject, value) = find(admin, name)?;
    let bound = Some(upstream).filter(|upstream| *upstream != BUILT_IN);
    let told = client::bind(admin, &subject, version, bound).map_err(|error| match &subject {
        Subject::Routine(routine) => advise_of_versions(admin, routine, [version], error),
        Subject::App(_) => error.into(),
    })?;
    if output.as_json {
        return output.json(&told);
    }
    let answers = one_line(told["upstream"].as_str().unwrap_or(BUILT_IN));
    output.line(format_args!("version {version} of `{name}` is {answers} from now on"))?;
    let served = Served::read(admin, &subject, &value)?;
    let mut is_live = false;
    for release in &served.live {
        for share in release.shares.iter().filter(|share| share.version == version) {
            is_live = true;
            let (whom, environment) = (share.whom.words(), &release.environment);
            output.line(format_args!("  {whom:>5}  of the users in {environment} get it"))?;
        }
    }
    output.line(if is_live { "nobody moves" } else { "nobody gets it before it is deployed" })
}

//! A deployment that was made: the split that came of it, and who moves.

use super::error::OperateError;
use super::output::Output;
use crate::client::{Deployed, Flow, Moved, Share};

pub(super) fn print_deployed(
    deployed: &Deployed,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    let Deployed { routine, environment, deployment_id, code_versions, .. } = deployed;
    output.line(format_args!("deployment {deployment_id}: {routine} in {environment}"))?;
    for Share { code_version, percentage } in code_versions {
        output.line(format_args!("  {percentage:>3} %  {code_version}"))?;
    }
    match &deployed.moved {
        None => {
            output.line(format_args!("nobody moves: it is the first deployment in {environment}"))
        }
        Some(Moved { flows, .. }) if flows.is_empty() => output.line("nobody moves"),
        Some(Moved { percent, exact, flows }) => {
            let kind = if *exact {
                "exact"
            } else {
                "expected: the newer version changes, so users are placed anew"
            };
            output.line(format_args!("{percent} % of users move ({kind})"))?;
            for Flow { from, to, percent } in flows {
                output.line(format_args!("  {percent} %  {from} -> {to}"))?;
            }
            Ok(())
        }
    }
}

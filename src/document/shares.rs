//! How a file writes who gets how much.

use std::fmt::Display;

use super::table::Value;

/// `[{ code_version = "1", percentage = 90 }, ..]`: what `whole` makes of all of them, if
/// each is something to `version` and to `percent`.
pub fn shares<V, P, S, E: Display>(
    list: &Value<'_>,
    version: impl Fn(&Value<'_>) -> Option<V>,
    percent: impl Fn(u64) -> Option<P>,
    whole: impl FnOnce(Vec<(V, P)>) -> Result<S, E>,
) -> Option<S> {
    let share = |value: &Value<'_>| {
        let table = value.table(&["code_version", "percentage"])?;
        let code_version = table.required("code_version").and_then(|value| version(&value));
        let percent = table.required("percentage").and_then(|value| {
            let number = value.whole()?;
            let percent = percent(number);
            if percent.is_none() {
                value.refuse(format!("must be 1 to 100, not {number}"));
            }
            percent
        });
        Some((code_version?, percent?))
    };
    // Each is looked at, whatever is wrong with the ones before.
    let shares: Vec<_> = list.list()?.iter().map(share).collect();
    let shares = shares.into_iter().collect::<Option<Vec<_>>>()?;
    whole(shares).map_err(|error| list.refuse_together(error)).ok()
}

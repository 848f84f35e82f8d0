//! Numbers that Serin gives: each greater than all before, over all that is made.

use crate::control::command::Refused;
use crate::model::{Catalog, CodeVersion, Routine, Timestamp};

/// The next code version, and the moment it names: now, or later when the clock
/// stands still or goes back.
pub(super) fn mint_version(
    catalog: &mut Catalog,
    routine: &Routine,
    now: Timestamp,
) -> Result<(CodeVersion, Timestamp), Refused> {
    loop {
        let nanoseconds = mint_number(catalog, now)?;
        let code_version =
            CodeVersion::new(&format!("{nanoseconds:019}")).expect("19 digits are a code version");
        let key = (routine.name.clone(), code_version);
        // Whoever deleted a version by this number meant another one.
        if !routine.versions.contains_key(&key.1) && !catalog.deleted_versions.contains(&key) {
            return Ok((key.1, Timestamp(nanoseconds)));
        }
    }
}

/// A number that was never given before and is greater than all that were.
pub(super) fn mint_number(catalog: &mut Catalog, now: Timestamp) -> Result<i64, Refused> {
    let exhausted = || Refused::Invalid("there is no code version left to mint".to_owned());
    let least = catalog.last_minted.checked_add(1).ok_or_else(exhausted)?;
    catalog.last_minted = least.max(now.0);
    Ok(catalog.last_minted)
}

/// A number that clients hold exactly: they do so up to 2^53 alone, and microseconds
/// are that.
pub(super) fn mint_small(catalog: &mut Catalog, now: Timestamp) -> Result<i64, Refused> {
    const STEP: i64 = 1_000;
    // Two in one microsecond would be one number.
    let next = (catalog.last_minted / STEP).saturating_add(1).saturating_mul(STEP);
    let number = mint_number(catalog, Timestamp(now.0.max(next)))?;
    Ok(number / STEP)
}

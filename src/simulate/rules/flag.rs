//! Rules that have a flag: the newer version is behind it, whatever the order of the list.

use sha2::{Digest, Sha256};

use super::hash::murmur3;

/// Unleash's gradual rollout: murmur3 of `groupId:userId`, from 1 to 100, is on up to the
/// percentage (its client specification). `scratch` holds the group and the colon.
pub(super) fn unleash(percent: u32, scratch: &mut Vec<u8>, key: &[u8]) -> bool {
    unleash_value(scratch, key) <= percent
}

fn unleash_value(scratch: &mut Vec<u8>, key: &[u8]) -> u32 {
    let group_len = scratch.len();
    scratch.extend_from_slice(key);
    let value = murmur3(scratch, 0) % 100 + 1;
    scratch.truncate(group_len);
    value
}

/// Statsig's gate: the first 8 bytes of the SHA-256 of the gate's salt, the rule's salt and
/// the unit, modulo 10,000, are on below a hundredfold of the percentage (its server SDKs,
/// `evalPassPercent`). `prefix` has taken up the salts.
pub(super) fn statsig(percent: u32, prefix: &Sha256, key: &[u8]) -> bool {
    let digest = prefix.clone().chain_update(key).finalize();
    leading(&digest) % 10_000 < u64::from(percent) * 100
}

/// What [`statsig`] hashes before the unit.
pub(super) fn statsig_prefix(gate: &str, rule: &str) -> Sha256 {
    Sha256::new().chain_update(gate).chain_update(".").chain_update(rule).chain_update(".")
}

fn leading(digest: &[u8]) -> u64 {
    u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unleash's clients test their hash by these two.
    #[test]
    fn unleash_has_the_values_of_its_specification() {
        assert_eq!(unleash_value(&mut b"gr1:".to_vec(), b"123"), 73);
        assert_eq!(unleash_value(&mut b"groupX:".to_vec(), b"999"), 25);
        let mut scratch = b"gr1:".to_vec();
        assert!(unleash(73, &mut scratch, b"123") && !unleash(72, &mut scratch, b"123"));
    }

    /// Statsig's SDK tests its hash by these two.
    #[test]
    fn statsig_takes_the_first_eight_bytes() {
        assert_eq!(leading(&Sha256::digest(b"")), 0xe3b0_c442_98fc_1c14);
        assert_eq!(leading(&Sha256::digest(b"blargh")), 0x0ac3_3512_d18e_20d5);
        let prefix = statsig_prefix("gate", "rule");
        let whole = leading(&Sha256::digest(b"gate.rule.user-1")) % 10_000;
        let percent = u32::try_from(whole / 100).unwrap();
        assert!(statsig(percent + 1, &prefix, b"user-1") && !statsig(percent, &prefix, b"user-1"));
    }
}

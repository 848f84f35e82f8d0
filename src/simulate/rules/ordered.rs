//! Rules that lay versions side by side in the order in which the operator listed them:
//! whoever lists them another way moves people.

use sha1::{Digest, Sha1};
use xxhash_rust::xxh64::xxh64;

use super::hash::{FNV_BASIS, fnv1a, murmur2, sdbm};
use super::{Listed, VersionIndex};

/// nginx's `split_clients`: `MurmurHash2` of the key, held against thresholds that are summed
/// in list order; the last version is `*` and takes the rest, so that rounding leaves
/// nobody over (`ngx_http_split_clients_module.c`).
pub(super) fn nginx(listed: &[Listed], key: &[u8]) -> VersionIndex {
    let hash = murmur2(key, 0);
    first_above(listed, |end| u64::from(hash) < end, |percent| percent * 100 * 0xffff_ffff / 10_000)
}

/// Envoy's weighted clusters under a hash policy: xxHash64 of the key, modulo the total
/// weight, walked through intervals in list order (`weighted_cluster_specifier.cc`,
/// `hash_policy.cc`).
pub(super) fn envoy(listed: &[Listed], key: &[u8]) -> VersionIndex {
    let total: u64 = listed.iter().map(|(_, percent)| u64::from(percent.get())).sum();
    let selected = xxh64(key, 0) % total;
    first_above(listed, |end| selected < end, |percent| percent)
}

/// `LaunchDarkly`'s percentage rollout: the first 15 hexadecimal digits of the SHA-1 of flag,
/// salt and key, as a number from 0 to 1, walked through weights of 100,000 in the order of
/// the variations (go-server-sdk-evaluation, `evaluator_bucketing.go`). Who is beyond the last
/// weight by rounding gets the last variation.
pub(super) fn launchdarkly(listed: &[Listed], prefix: &Sha1, key: &[u8]) -> VersionIndex {
    let bucket = launchdarkly_bucket(prefix, key);
    let mut sum = 0.0;
    let found = listed.iter().find(|(_, percent)| {
        sum += f64::from(u32::from(percent.get()) * 1_000) / 100_000.0;
        bucket < sum
    });
    found.or(listed.last()).expect("a deployment lists a version").0
}

/// `prefix` has taken up flag and salt.
fn launchdarkly_bucket(prefix: &Sha1, key: &[u8]) -> f64 {
    const LONGEST: u64 = 0xfff_ffff_ffff_ffff;
    let digest = prefix.clone().chain_update(key).finalize();
    let first = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 20 bytes"));
    // Fifteen digits are 60 bits.
    #[expect(clippy::cast_precision_loss, reason = "as published: divided as doubles")]
    let bucket = (first >> 4) as f64 / LONGEST as f64;
    bucket
}

/// What [`launchdarkly`] hashes before the key.
pub(super) fn launchdarkly_prefix(flag: &str, salt: &str) -> Sha1 {
    Sha1::new().chain_update(flag).chain_update(".").chain_update(salt).chain_update(".")
}

/// `GrowthBook`'s hash of version 2: FNV-1a of the decimal text of FNV-1a of seed and key,
/// modulo 10,000, in ranges that follow each other in the order of the variations (its SDK
/// specification, `hash` and `getBucketRanges`). `seeded` has taken up the seed.
pub(super) fn growthbook(listed: &[Listed], seeded: u32, key: &[u8]) -> VersionIndex {
    let bucket = growthbook_bucket(seeded, key);
    first_above(listed, |end| u64::from(bucket) < end, |percent| percent * 100)
}

/// In ten thousandths.
fn growthbook_bucket(seeded: u32, key: &[u8]) -> u32 {
    let mut inner = fnv1a(seeded, key);
    let mut text = [0_u8; 10];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = b'0' + (inner % 10) as u8;
        inner /= 10;
        if inner == 0 {
            break;
        }
    }
    fnv1a(FNV_BASIS, &text[start..]) % 10_000
}

pub(super) fn growthbook_seeded(seed: &str) -> u32 {
    fnv1a(FNV_BASIS, seed.as_bytes())
}

/// The map of `HAProxy`'s `hash-type map-based`: as many places as the weights, less their
/// common divisor, come to; each goes to the server that is furthest behind its due, of
/// equals to the first listed (`lb_map.c`, `recalc_server_map`).
pub(super) fn haproxy_map(listed: &[Listed]) -> Vec<VersionIndex> {
    let weights: Vec<u32> = listed.iter().map(|(_, percent)| u32::from(percent.get())).collect();
    let divisor = weights.iter().copied().fold(0, greatest_common_divisor);
    let weights: Vec<i64> = weights.iter().map(|weight| i64::from(weight / divisor)).collect();
    let total: i64 = weights.iter().sum();
    let mut scores = vec![0_i64; weights.len()];
    let place = |_| {
        let (mut best, mut most) = (0, i64::MIN);
        for (server, weight) in weights.iter().enumerate() {
            scores[server] += weight;
            let behind = (scores[server] + total) / total;
            if behind > most {
                (best, most) = (server, behind);
            }
        }
        scores[best] -= total;
        listed[best].0
    };
    (0..total).map(place).collect()
}

/// `HAProxy`'s `balance hdr()`: sdbm of the key, modulo the length of the map.
pub(super) fn haproxy(map: &[VersionIndex], key: &[u8]) -> VersionIndex {
    map[sdbm(key) as usize % map.len()]
}

/// The first version, in list order, whose end is above what was hashed; the last one has
/// no end. `width` is what a percentage is in the units of the hash.
fn first_above(
    listed: &[Listed],
    is_below: impl Fn(u64) -> bool,
    width: impl Fn(u64) -> u64,
) -> VersionIndex {
    let mut end = 0;
    let found = listed.iter().find(|(_, percent)| {
        end += width(u64::from(percent.get()));
        is_below(end)
    });
    found.or(listed.last()).expect("a deployment lists a version").0
}

fn greatest_common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Percent;

    fn listed(percents: &[u64]) -> Vec<Listed> {
        let listed = |(index, &percent): (usize, &u64)| {
            (VersionIndex::try_from(index).unwrap(), Percent::new(percent).unwrap())
        };
        percents.iter().enumerate().map(listed).collect()
    }

    /// nginx's documentation: of 0.5 % and 2 % the values end at 21474835 and 107374180.
    #[test]
    fn nginx_has_the_thresholds_of_its_documentation() {
        let width = |basis_points: u64| basis_points * 0xffff_ffff / 10_000;
        assert_eq!(width(50) - 1, 21_474_835);
        assert_eq!(width(50) + width(200) - 1, 107_374_180);
    }

    /// go-server-sdk-evaluation, `evaluator_bucketing_testdata_test.go`.
    #[test]
    fn launchdarkly_has_the_buckets_of_its_tests() {
        let prefix = launchdarkly_prefix("hashKey", "saltyA");
        for (key, bucket) in
            [("userKeyA", 0.421_575_87), ("userKeyB", 0.670_848_5), ("userKeyC", 0.103_431_06)]
        {
            let found = launchdarkly_bucket(&prefix, key.as_bytes());
            assert!((found - bucket).abs() < 1e-7, "{key}: {found}");
        }
        let shares = listed(&[60, 40]);
        assert_eq!(launchdarkly(&shares, &prefix, b"userKeyA"), 0);
        assert_eq!(launchdarkly(&shares, &prefix, b"userKeyB"), 1);
    }

    /// `GrowthBook`'s `cases.json`, under `hash`, of version 2; and FNV's own digits.
    #[test]
    fn growthbook_has_the_buckets_of_its_cases() {
        let seeded = growthbook_seeded("seed");
        assert_eq!(growthbook_bucket(seeded, b"a"), 505);
        assert_eq!(growthbook_bucket(seeded, b"b"), 2_696);
    }

    /// By hand, of three quarters: the first listed is never further behind than the other
    /// until the last place.
    #[test]
    fn haproxy_fills_its_map_as_published() {
        assert_eq!(haproxy_map(&listed(&[50, 50])), [0, 1]);
        assert_eq!(haproxy_map(&listed(&[75, 25])), [0, 0, 0, 1]);
        assert_eq!(haproxy_map(&listed(&[100])), [0]);
        let map = haproxy_map(&listed(&[99, 1]));
        assert_eq!((map.len(), map.iter().map(|server| usize::from(*server)).sum()), (100, 1));
    }

    #[test]
    fn the_last_version_takes_the_rest() {
        let thirds = listed(&[33, 33, 34]);
        for choose in [nginx, envoy] {
            let mut counts = [0_u32; 3];
            for user in 0..30_000 {
                counts[usize::from(choose(&thirds, format!("user-{user}").as_bytes()))] += 1;
            }
            assert!(counts.iter().all(|count| count.abs_diff(10_000) < 400), "{counts:?}");
        }
    }
}

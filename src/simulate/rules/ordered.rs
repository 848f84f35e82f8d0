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
    first_above(listed, |end| u64::from(hash) < end, |percent| nginx_width(percent * 100))
}

/// How many hashes a part of so many hundredths of a percent has.
const fn nginx_width(hundredths: u64) -> u64 {
    hundredths * 0xffff_ffff / 10_000
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
/// the variations, all of it in single precision (go-server-sdk-evaluation,
/// `evaluator_bucketing.go` and `evaluator.go`).
pub(super) fn launchdarkly(listed: &[Listed], prefix: &Sha1, key: &[u8]) -> VersionIndex {
    launchdarkly_variation(listed, launchdarkly_bucket(prefix, key))
}

/// Who is beyond the last weight by rounding gets the last variation.
fn launchdarkly_variation(listed: &[Listed], bucket: f32) -> VersionIndex {
    let mut sum = 0.0_f32;
    let found = listed.iter().find(|(_, percent)| {
        sum += f32::from(u16::from(percent.get())) * 1_000.0 / 100_000.0;
        bucket < sum
    });
    found.or(listed.last()).expect("a deployment lists a version").0
}

/// `prefix` has taken up flag and salt.
fn launchdarkly_bucket(prefix: &Sha1, key: &[u8]) -> f32 {
    const LONGEST: u64 = 0xfff_ffff_ffff_ffff;
    let digest = prefix.clone().chain_update(key).finalize();
    let first = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 20 bytes"));
    // Fifteen digits are 60 bits.
    #[expect(clippy::cast_precision_loss, reason = "as published: each is rounded, then divided")]
    let bucket = (first >> 4) as f32 / LONGEST as f32;
    bucket
}

/// What [`launchdarkly`] hashes before the key.
pub(super) fn launchdarkly_prefix(flag: &str, salt: &str) -> Sha1 {
    Sha1::new().chain_update(flag).chain_update(".").chain_update(salt).chain_update(".")
}

/// `GrowthBook`'s hash of version 2: FNV-1a of the decimal text of FNV-1a of seed and key,
/// modulo 10,000, in ranges that follow each other in the order of the variations (its SDK
/// specification, `hash` and `getBucketRanges`). The SDKs divide bucket and percentage to be
/// fractions, which compare as these whole numbers do. `seeded` has taken up the seed.
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
        assert_eq!(nginx_width(50) - 1, 21_474_835);
        assert_eq!(nginx_width(50) + nginx_width(200) - 1, 107_374_180);
        // Each part is rounded down before they are summed, and `*` has what is left.
        assert_eq!(nginx_width(9_000), 3_865_470_565);
        assert_eq!(nginx_width(10_000), 0xffff_ffff);
    }

    /// Beside the hash, which `SMHasher` verifies: a key goes where its hash lies.
    #[test]
    fn nginx_gives_a_key_the_part_of_its_hash() {
        let end = nginx_width(9_000);
        for user in 0..1_000 {
            let key = format!("user-{user}");
            let first = u64::from(murmur2(key.as_bytes(), 0)) < end;
            assert_eq!(nginx(&listed(&[90, 10]), key.as_bytes()), u8::from(!first), "{key}");
        }
    }

    /// `hash_test.cc` of Envoy.
    #[test]
    fn envoy_has_the_hashes_of_its_tests() {
        for (key, hash) in [
            ("foo", 3_728_699_739_546_630_719_u64),
            ("bar", 5_234_164_152_756_840_025),
            ("foo\nbar", 8_917_841_378_505_826_757),
            ("lyft", 4_400_747_396_090_729_504),
            ("", 17_241_709_254_077_376_921),
        ] {
            let of_total = hash % 100;
            for first in 1..=99_u64 {
                let selected = envoy(&listed(&[first, 100 - first]), key.as_bytes());
                assert_eq!(selected, u8::from(of_total >= first), "{key}: {of_total} at {first}");
            }
        }
    }

    /// go-server-sdk-evaluation, `evaluator_bucketing_testdata_test.go`: to the last bit.
    #[test]
    fn launchdarkly_has_the_buckets_of_its_tests() {
        let prefix = launchdarkly_prefix("hashKey", "saltyA");
        for (key, bucket) in [
            ("userKeyA", 0.421_575_87_f32),
            ("userKeyB", 0.670_848_5),
            ("userKeyC", 0.103_431_06),
            ("33333", 0.547_714_23),
            ("99999", 0.730_965_8),
        ] {
            let found = launchdarkly_bucket(&prefix, key.as_bytes());
            assert_eq!(found.to_bits(), bucket.to_bits(), "{key}: {found}");
        }
        let shares = listed(&[60, 40]);
        assert_eq!(launchdarkly(&shares, &prefix, b"userKeyA"), 0);
        assert_eq!(launchdarkly(&shares, &prefix, b"userKeyB"), 1);
    }

    /// In double precision the bucket that is 0.7 in single lies below 70 %.
    #[test]
    fn launchdarkly_compares_in_single_precision() {
        assert_eq!(launchdarkly_variation(&listed(&[70, 30]), 0.7), 1);
        assert_eq!(launchdarkly_variation(&listed(&[70, 30]), 0.7_f32.next_down()), 0);
        assert_eq!(launchdarkly_variation(&listed(&[99, 1]), 1.0), 1, "beyond the last weight");
    }

    /// `GrowthBook`'s `cases.json`, under `hash`, of version 2; and FNV's own digits.
    #[test]
    fn growthbook_has_the_buckets_of_its_cases() {
        for (seed, key, bucket) in
            [("seed", "a", 505), ("seed", "b", 2_696), ("foo", "ab", 2_575), ("foo", "def", 2_019)]
        {
            let found = growthbook_bucket(growthbook_seeded(seed), key.as_bytes());
            assert_eq!(found, bucket, "{seed} {key}");
        }
    }

    /// `getBucketRanges` and `inRange` work in fractions: whole numbers say the same.
    #[test]
    fn growthbook_ranges_of_fractions_hold_what_whole_numbers_say() {
        for percent in 1..=99_u32 {
            let (first, second) = (f64::from(percent) / 100.0, f64::from(100 - percent) / 100.0);
            let end = first + second;
            for bucket in 0..10_000_u32 {
                let n = f64::from(bucket) / 10_000.0;
                assert_eq!(n < first, bucket < percent * 100, "{bucket} at {percent} %");
                assert!(n < end, "{bucket} at {percent} %");
            }
        }
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

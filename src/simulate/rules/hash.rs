//! The hashes of other systems, as they were published.

/// `MurmurHash2` of 32 bits (Appleby, `SMHasher`, `MurmurHash2.cpp`).
pub(super) fn murmur2(key: &[u8], seed: u32) -> u32 {
    const M: u32 = 0x5bd1_e995;
    #[expect(clippy::cast_possible_truncation, reason = "as published: of 32 bits")]
    let mut hash = seed ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut k = little_endian(word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash = (hash ^ little_endian(rest)).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// `MurmurHash3_x86_32` (Appleby, `SMHasher`, `MurmurHash3.cpp`).
pub(super) fn murmur3(key: &[u8], seed: u32) -> u32 {
    let scrambled = |word: &[u8]| {
        little_endian(word).wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
    };
    let mut hash = seed;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        hash = (hash ^ scrambled(word)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !words.remainder().is_empty() {
        hash ^= scrambled(words.remainder());
    }
    #[expect(clippy::cast_possible_truncation, reason = "as published: of 32 bits")]
    let length = key.len() as u32;
    hash ^= length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// FNV-1a of 32 bits (RFC 9923), of a text in parts: `hash` is what the parts before
/// came to, or [`FNV_BASIS`].
pub(super) fn fnv1a(hash: u32, part: &[u8]) -> u32 {
    part.iter().fold(hash, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

pub(super) const FNV_BASIS: u32 = 0x811c_9dc5;

/// sdbm's hash, as `HAProxy`'s `hash_sdbm`.
pub(super) fn sdbm(key: &[u8]) -> u32 {
    key.iter().fold(0, |hash: u32, byte| {
        let shifted = (hash << 6).wrapping_add(hash << 16);
        u32::from(*byte).wrapping_add(shifted).wrapping_sub(hash)
    })
}

/// Of up to four bytes.
fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SMHasher`'s verification value: the hash of the hashes of the keys 0, 0 1, 0 1 2 and
    /// so on, each under a seed of its own.
    fn verification(hash: fn(&[u8], u32) -> u32) -> u32 {
        let key: Vec<u8> = (0..=255).collect();
        let hashes = (0..256_usize).flat_map(|length| {
            let seed = u32::try_from(256 - length).unwrap();
            hash(&key[..length], seed).to_le_bytes()
        });
        hash(&hashes.collect::<Vec<_>>(), 0)
    }

    #[test]
    fn murmurs_are_those_that_smhasher_verifies() {
        assert_eq!(verification(murmur2), 0x2786_4c1e);
        assert_eq!(verification(murmur3), 0xb0f5_7ee3);
    }

    /// RFC 9923, appendix C.
    #[test]
    fn fnv_is_that_of_the_rfc() {
        assert_eq!(fnv1a(FNV_BASIS, b""), 0x811c_9dc5);
        assert_eq!(fnv1a(FNV_BASIS, b"a"), 0xe40c_292c);
        assert_eq!(fnv1a(FNV_BASIS, b"foobar"), 0xbf9c_f968);
        assert_eq!(fnv1a(fnv1a(FNV_BASIS, b"foo"), b"bar"), 0xbf9c_f968);
    }

    /// 65599 times the hash so far and the byte, as sdbm's source explains its shifts.
    #[test]
    fn sdbm_multiplies_by_65599() {
        let by_product = |key: &[u8]| {
            let step =
                |hash: u32, byte: &u8| hash.wrapping_mul(65_599).wrapping_add(u32::from(*byte));
            key.iter().fold(0, step)
        };
        for key in [b"" as &[u8], b"a", b"user-17", &[0xff; 40]] {
            assert_eq!(sdbm(key), by_product(key));
        }
    }
}

//! Keys such as services have, the same in every run.

use std::fmt::{self, Write};

/// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; `end` is small, so that the remainder's bias is nothing.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }

    /// 1 to 1,024 arbitrary octets; half of them are shorter than 32.
    pub(crate) fn octets(&mut self, into: &mut Vec<u8>) {
        into.clear();
        let longest = if self.below(2) == 0 { 31 } else { 1024 };
        let length = usize::try_from(1 + self.below(longest)).unwrap();
        while into.len() < length {
            into.extend_from_slice(&self.next().to_le_bytes());
        }
        into.truncate(length);
    }
}

/// What a service's keys look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    SequentialIntegers,
    ZeroPaddedIds,
    Ipv4,
    UuidV4,
    UuidV7,
    Emails,
}

impl Family {
    pub(crate) const ALL: [Self; 6] = [
        Self::SequentialIntegers,
        Self::ZeroPaddedIds,
        Self::Ipv4,
        Self::UuidV4,
        Self::UuidV7,
        Self::Emails,
    ];

    /// Shows the family's first `count` keys to `see`; all of them are distinct.
    pub(crate) fn each(self, count: u32, mut see: impl FnMut(&[u8])) {
        let mut draw = Draw::new(42);
        let mut key = String::new();
        for number in 0..count {
            key.clear();
            self.write(&mut key, number, &mut draw).unwrap();
            see(key.as_bytes());
        }
    }

    fn write(self, key: &mut String, number: u32, draw: &mut Draw) -> fmt::Result {
        match self {
            Self::SequentialIntegers => write!(key, "{number}"),
            Self::ZeroPaddedIds => write!(key, "user-{number:012}"),
            Self::Ipv4 => {
                // An odd factor permutes the addresses, so that none comes twice.
                let [a, b, c, d] = number.wrapping_mul(0x9e37_79b1).to_be_bytes();
                write!(key, "{a}.{b}.{c}.{d}")
            }
            Self::UuidV4 => uuid(key, 4, u128::from(draw.next()) << 64 | u128::from(draw.next())),
            Self::UuidV7 => {
                // Twenty in each millisecond, from a moment of 2024 on.
                let milliseconds = 1_723_599_747_213 + u128::from(number / 20);
                let drawn = u128::from(draw.below(1 << 12)) << 64 | u128::from(draw.next());
                uuid(key, 7, milliseconds << 80 | drawn)
            }
            Self::Emails => {
                let first = draw.one_of(&["anna", "bo", "chen.wei", "d", "maria-jose"]);
                let host = draw.one_of(&["example.com", "mail.example.org", "example.net"]);
                write!(key, "{first}{number}@{host}")
            }
        }
    }
}

/// RFC 9562: the version is the 13th digit, and the 17th begins with the bits `10`.
fn uuid(key: &mut String, version: u128, bits: u128) -> fmt::Result {
    let bits = bits & !(0xf << 76) | version << 76;
    let bits = bits & !(0b11 << 62) | 0b10 << 62;
    let digits = format!("{bits:032x}");
    write!(
        key,
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

#[test]
fn families_look_as_they_are_called() {
    let first = |family: Family| {
        let mut first = String::new();
        family.each(1, |key| first = String::from_utf8(key.to_vec()).unwrap());
        first
    };
    assert_eq!(first(Family::SequentialIntegers), "0");
    assert_eq!(first(Family::ZeroPaddedIds), "user-000000000000");
    assert_eq!(first(Family::Ipv4), "0.0.0.0");
    assert_eq!(&first(Family::UuidV4)[14..15], "4");
    assert!(first(Family::UuidV7).starts_with("01914e8c-f88d-7"), "{}", first(Family::UuidV7));
    assert_eq!(first(Family::UuidV7).len(), 36);
    assert!(first(Family::Emails).contains("0@"), "{}", first(Family::Emails));
}

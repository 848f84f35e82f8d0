//! How a request ended that did not end well, in the short codes that Envoy has for it.

use std::ops::BitOr;

/// A set of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u16);

/// Each code, in the order in which it is written.
const CODES: [&str; 9] = ["NR", "UH", "UF", "UO", "UC", "UPE", "UT", "DPE", "DC"];

impl Flags {
    pub const NONE: Self = Self(0);
    /// Nothing answers for this host and path, or nothing is deployed there.
    pub const NO_ROUTE: Self = Self(1);
    /// No endpoint of the upstream is healthy.
    pub const NO_HEALTHY_UPSTREAM: Self = Self(1 << 1);
    /// The upstream took no connection.
    pub const UPSTREAM_CONNECT: Self = Self(1 << 2);
    /// As many connections and requests as are allowed are on their way already.
    pub const UPSTREAM_OVERFLOW: Self = Self(1 << 3);
    /// The upstream broke off.
    pub const UPSTREAM_CLOSED: Self = Self(1 << 4);
    /// The upstream said what cannot be passed on.
    pub const UPSTREAM_PROTOCOL: Self = Self(1 << 5);
    /// The upstream took too long.
    pub const UPSTREAM_TIMEOUT: Self = Self(1 << 6);
    /// The client said what is refused.
    pub const CLIENT_PROTOCOL: Self = Self(1 << 7);
    /// The client broke off, or was left because it took nothing for too long.
    pub const CLIENT_CLOSED: Self = Self(1 << 8);
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The codes, with commas between them.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let mut is_first = true;
        for (bit, code) in CODES.iter().enumerate() {
            if self.0 & 1 << bit != 0 {
                if !is_first {
                    out.push(b',');
                }
                out.extend_from_slice(code.as_bytes());
                is_first = false;
            }
        }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_codes_with_commas() {
        let written = |flags: Flags| {
            let mut out = Vec::new();
            flags.write(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(Flags::NONE), "");
        assert_eq!(written(Flags::NO_ROUTE), "NR");
        assert_eq!(written(Flags::CLIENT_CLOSED | Flags::UPSTREAM_CONNECT), "UF,DC");
    }
}

//! The keys of users, as requests carry them.

/// Beside the digits of a number, as much as a cookie or a header takes with ease.
pub const KEY_PREFIX_MAX_BYTES: usize = 256;

const DIGITS_MAX: usize = 20;

/// Writes keys, `user-17` for user 17, into one buffer: none is allocated.
#[derive(Debug, Clone)]
pub struct KeyText {
    /// The prefix, and room for digits.
    text: Vec<u8>,
    prefix_len: usize,
}

impl KeyText {
    pub fn new(prefix: &str) -> Self {
        let mut text = prefix.as_bytes().to_vec();
        text.resize(prefix.len() + DIGITS_MAX, b'0');
        Self { text, prefix_len: prefix.len() }
    }

    /// The key of `user`, until the next one is written.
    #[inline]
    pub fn of(&mut self, user: u64) -> &[u8] {
        let digits = user.checked_ilog10().map_or(1, |log| log as usize + 1);
        let end = self.prefix_len + digits;
        let mut rest = user;
        for place in self.text[self.prefix_len..end].iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        &self.text[..end]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_is_its_prefix_and_its_number(users: Vec<u64>, prefix in ".{0,8}") {
            let mut text = KeyText::new(&prefix);
            for user in users.into_iter().chain([0, 9, 10, u64::MAX]) {
                let key = format!("{prefix}{user}");
                prop_assert_eq!(text.of(user), key.as_bytes());
            }
        }
    }
}

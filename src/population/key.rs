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
        let places = &mut self.text[self.prefix_len..];
        let digits = match u32::try_from(user) {
            Ok(user) => {
                let digits = user.checked_ilog10().map_or(1, |log| log as usize + 1);
                write_digits(user, &mut places[..digits]);
                digits
            }
            Err(_) => write_long(user, places),
        };
        &self.text[..self.prefix_len + digits]
    }
}

/// The digits of all numbers below a hundred: two are written for one division.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

/// Writes what does not fit 32 bits, and says how many digits it has.
#[cold]
fn write_long(user: u64, places: &mut [u8]) -> usize {
    const BILLION: u64 = 1_000_000_000;
    let digits = user.ilog10() as usize + 1;
    let (before, last) = places[..digits].split_at_mut(digits - 9);
    let mut rest = user / BILLION;
    for place in before.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    write_digits((user % BILLION) as u32, last);
    digits
}

/// Fills `places` with the last digits of a number.
#[inline]
fn write_digits(number: u32, places: &mut [u8]) {
    let (first, pairs) = places.as_rchunks_mut::<2>();
    let mut rest = number;
    for pair in pairs.iter_mut().rev() {
        *pair = PAIRS[(rest % 100) as usize];
        rest /= 100;
    }
    if let [place] = first {
        *place = b'0' + (rest % 10) as u8;
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
            let edges = [0, 9, 10, 99, 100, u64::from(u32::MAX), 1 << 32, 10_u64.pow(10), u64::MAX];
            for user in users.into_iter().chain(edges) {
                let key = format!("{prefix}{user}");
                prop_assert_eq!(text.of(user), key.as_bytes());
            }
        }
    }
}

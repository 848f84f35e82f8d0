//! Who is asked for.

use std::fmt;

use crate::model::{Position, Split};

/// Of a key, people are shown so many characters.
const KEY_SHOWN_CHARS: usize = 64;

/// A user, by what is known of them.
#[derive(Debug, Clone, Copy)]
pub enum User<'a> {
    /// By their key: where they stand follows under every seed.
    Key(&'a [u8]),
    /// By where their key stands under `seed`. Under another one nobody knows.
    At { seed: u64, position: Position },
}

/// A user who is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Key(Box<[u8]>),
    At(Position),
    /// Somebody in this bucket, 0 to 9999.
    In(u16),
    /// Of whom nothing is to be told.
    Unnamed,
}

impl User<'_> {
    /// Which of the versions of `split` the user gets, the older being 0 and the newer, or
    /// an only one, 1; `None` where that is not known.
    #[inline]
    pub(super) fn place(self, split: &Split) -> Option<usize> {
        let Split::Canary { seed, threshold, .. } = *split else { return Some(1) };
        let position = match self {
            Self::Key(key) => Position::of(seed, key),
            Self::At { seed: known, position } if known == seed => position,
            Self::At { .. } => return None,
        };
        // As the table decides it.
        Some(position.side(threshold) as usize)
    }

    /// Whether the user stands before `who` in the order of names.
    #[inline]
    pub(super) fn is_before(self, who: &Who) -> bool {
        match (self, who) {
            (Self::Key(key), Who::Key(other)) => *key < **other,
            (Self::At { position, .. }, Who::At(other)) => position < *other,
            (Self::Key(_), Who::At(_) | Who::In(_) | Who::Unnamed)
            | (Self::At { .. }, Who::In(_) | Who::Unnamed) => true,
            (Self::At { .. }, Who::Key(_)) => false,
        }
    }

    pub(super) fn named(self) -> Who {
        match self {
            Self::Key(key) => Who::Key(key.into()),
            Self::At { position, .. } => Who::At(position),
        }
    }
}

impl fmt::Display for Who {
    /// On one line, and without what a terminal would obey.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(position) => write!(f, "at position {:016x}", position.get()),
            Self::In(bucket) => write!(f, "in bucket {bucket} of 10000"),
            Self::Unnamed => f.write_str("that is not known"),
            Self::Key(key) => {
                let text = String::from_utf8_lossy(key);
                let mut chars = text.chars();
                for c in chars.by_ref().take(KEY_SHOWN_CHARS) {
                    let c = if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
                    write!(f, "{c}")?;
                }
                if chars.next().is_some() { f.write_str("…") } else { Ok(()) }
            }
        }
    }
}

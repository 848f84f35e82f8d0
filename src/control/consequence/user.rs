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

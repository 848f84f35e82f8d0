//! The value of a text in a request, handed on piece by piece: a text that functions
//! make is never put together, unless a regular expression has to read it.

use std::fmt::{self, Write as _};
use std::ops::ControlFlow;

use super::facts::Facts;
use super::field::Field;
use super::tree::Text;

/// Takes pieces in order. It breaks when it needs no more.
pub(super) type Take<'t> = dyn FnMut(&[u8]) -> ControlFlow<()> + 't;

/// Up to here a made text that a regular expression reads lies on the stack.
const ON_STACK_BYTES: usize = 4 * 1024;
/// A longer one is read by none: what a request makes of a rule has to have a bound.
const MADE_MAX_BYTES: usize = 64 * 1024;

impl Text {
    pub(super) fn pieces(&self, facts: &Facts<'_>, take: &mut Take<'_>) -> ControlFlow<()> {
        match self {
            Self::Field(field) => field_pieces(field, facts, take),
            Self::Literal(text) => take(text.as_bytes()),
            Self::Lower(text) => text.pieces(facts, &mut |piece| lower(piece, take)),
            Self::Concat(parts) => parts.iter().try_for_each(|part| part.pieces(facts, take)),
            Self::Replace(replace) => {
                let replaced = replace.source.with_whole(facts, |source| {
                    replace.to.pieces(&replace.pattern, source).try_for_each(&mut *take)
                });
                replaced.unwrap_or_else(|TooLong| replace.source.pieces(facts, take))
            }
        }
    }

    /// What is compared where case is ignored.
    pub(super) fn lower_pieces(&self, facts: &Facts<'_>, take: &mut Take<'_>) -> ControlFlow<()> {
        self.pieces(facts, &mut |piece| lower(piece, take))
    }

    /// Reads the text in one piece.
    pub(super) fn with_whole<R>(
        &self,
        facts: &Facts<'_>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, TooLong> {
        if let Self::Field(field) = self
            && !field.is_made()
        {
            return Ok(read(facts.octets(field).unwrap_or_default()));
        }
        let mut made = Made::new();
        match self.pieces(facts, &mut |piece| made.push(piece)) {
            ControlFlow::Continue(()) => Ok(read(made.as_bytes())),
            ControlFlow::Break(()) => Err(TooLong),
        }
    }
}

/// A made text beyond its bound.
pub(super) struct TooLong;

impl Field {
    /// Whether the request holds no such text in one piece.
    fn is_made(&self) -> bool {
        matches!(self, Self::FullUri | Self::Extension | Self::Address | Self::AsNumber)
    }
}

fn field_pieces(field: &Field, facts: &Facts<'_>, take: &mut Take<'_>) -> ControlFlow<()> {
    match field {
        Field::FullUri => {
            take(facts.scheme.as_bytes())?;
            take(b"://")?;
            take(facts.host)?;
            take(facts.uri.as_str().as_bytes())
        }
        Field::Extension => lower(facts.octets(field).unwrap_or_default(), take),
        Field::Address => shown(facts.client.to_canonical(), take),
        Field::AsNumber => {
            facts.as_number.map_or(ControlFlow::Continue(()), |as_number| shown(as_number, take))
        }
        held => take(facts.octets(held).unwrap_or_default()),
    }
}

fn lower(piece: &[u8], take: &mut Take<'_>) -> ControlFlow<()> {
    if !piece.iter().any(u8::is_ascii_uppercase) {
        return take(piece);
    }
    let mut folded = [0; 64];
    piece.chunks(folded.len()).try_for_each(|chunk| {
        let folded = &mut folded[..chunk.len()];
        folded.copy_from_slice(chunk);
        folded.make_ascii_lowercase();
        take(folded)
    })
}

/// Hands on what `value` displays. Formatting ends early where no more is needed.
fn shown(value: impl fmt::Display, take: &mut Take<'_>) -> ControlFlow<()> {
    struct Pieces<'t, 'k>(&'t mut Take<'k>);
    impl fmt::Write for Pieces<'_, '_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            match (self.0)(piece.as_bytes()) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(fmt::Error),
            }
        }
    }
    match write!(Pieces(take), "{value}") {
        Ok(()) => ControlFlow::Continue(()),
        Err(fmt::Error) => ControlFlow::Break(()),
    }
}

/// A made text, put together.
struct Made {
    stack: [u8; ON_STACK_BYTES],
    len: usize,
    /// All of it, once it has left the stack.
    heap: Vec<u8>,
}

impl Made {
    fn new() -> Self {
        Self { stack: [0; ON_STACK_BYTES], len: 0, heap: Vec::new() }
    }

    fn push(&mut self, piece: &[u8]) -> ControlFlow<()> {
        let len = self.len + piece.len();
        if len > MADE_MAX_BYTES {
            return ControlFlow::Break(());
        }
        if len <= ON_STACK_BYTES {
            self.stack[self.len..len].copy_from_slice(piece);
        } else {
            if self.heap.is_empty() {
                self.heap.extend_from_slice(&self.stack[..self.len]);
            }
            self.heap.extend_from_slice(piece);
        }
        self.len = len;
        ControlFlow::Continue(())
    }

    fn as_bytes(&self) -> &[u8] {
        if self.len <= ON_STACK_BYTES { &self.stack[..self.len] } else { &self.heap }
    }
}

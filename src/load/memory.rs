//! What is remembered of each user.

/// What is remembered of a user, in 32 bits: the last version and its period, the last
/// period whose line it stands in, and whether it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Memory(pub(super) u32);

impl Memory {
    pub(super) const CHANGED: u32 = 1 << 24;

    pub(super) fn version(self) -> Option<usize> {
        (self.0 as usize & 0xFF).checked_sub(1)
    }

    pub(super) const fn period(self) -> usize {
        (self.0 >> 8) as usize & 0xFF
    }

    pub(super) fn stands_in(self, period: usize) -> bool {
        (self.0 >> 16) as usize & 0xFF == period + 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "versions and periods are below 255")]
    pub(super) const fn seen(self, version: usize, period: usize) -> Self {
        Self(self.0 & 0xFFFF_0000 | (period as u32) << 8 | (version as u32 + 1))
    }

    #[expect(clippy::cast_possible_truncation, reason = "periods are below 255")]
    pub(super) const fn standing(self, period: usize) -> Self {
        Self(self.0 & 0xFF00_FFFF | (period as u32 + 1) << 16)
    }

    pub(super) const fn standing_nowhere(self) -> Self {
        Self(self.0 & 0xFF00_FFFF)
    }
}

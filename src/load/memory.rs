//! What is remembered of each user.

use super::plan::DEPLOYMENTS_MAX;
use super::version::NUMBERS;

/// What is remembered of a user, in 32 bits: the last version and its period, whether it
/// has changed without a deployment, the last period whose line it stands in, and the last
/// period in which a request of its ended, with whether any was answered in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Memory(pub(super) u32);

const _: () = assert!(NUMBERS < 0xFF && DEPLOYMENTS_MAX < 0x7F, "what must fit its bits");

impl Memory {
    pub(super) const CHANGED: u32 = 1 << 15;
    const ANSWERED: u32 = 1 << 31;

    pub(super) fn version(self) -> Option<usize> {
        (self.0 as usize & 0xFF).checked_sub(1)
    }

    pub(super) const fn period(self) -> usize {
        (self.0 >> 8) as usize & 0x7F
    }

    pub(super) fn stands_in(self, period: usize) -> bool {
        (self.0 >> 16) as usize & 0xFF == period + 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "versions and periods are few")]
    pub(super) const fn seen(self, version: usize, period: usize) -> Self {
        Self(self.0 & 0xFFFF_8000 | (period as u32) << 8 | (version as u32 + 1))
    }

    #[expect(clippy::cast_possible_truncation, reason = "periods are few")]
    pub(super) const fn standing(self, period: usize) -> Self {
        Self(self.0 & 0xFF00_FFFF | (period as u32 + 1) << 16)
    }

    pub(super) const fn standing_nowhere(self) -> Self {
        Self(self.0 & 0xFF00_FFFF)
    }

    /// The last period in which a request ended.
    fn ended(self) -> Option<usize> {
        ((self.0 >> 24) as usize & 0x7F).checked_sub(1)
    }

    const fn is_answered(self) -> bool {
        self.0 & Self::ANSWERED != 0
    }

    /// A request of `period` has ended, answered or not: what is remembered then, and by
    /// how much more users of that period are without an answer. `None` where nothing is
    /// news.
    #[expect(clippy::cast_possible_truncation, reason = "periods are few")]
    pub(super) fn ending(self, period: usize, answered: bool) -> Option<(Self, i64)> {
        let more = match self.ended() {
            Some(last) if last > period => return None,
            Some(last) if last == period && (self.is_answered() || !answered) => return None,
            Some(last) if last == period => -1,
            _ => i64::from(!answered),
        };
        let mark = (period as u32 + 1) << 24 | if answered { Self::ANSWERED } else { 0 };
        Some((Self(self.0 & 0x00FF_FFFF | mark), more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_does_not_mix() {
        let (version, period) = (NUMBERS - 1, DEPLOYMENTS_MAX);
        let memory = Memory::default().seen(version, period).standing(period);
        let memory = Memory(memory.0 | Memory::CHANGED);
        let (memory, more) = memory.ending(period, false).unwrap();
        assert_eq!((memory.version(), memory.period(), more), (Some(version), period, 1));
        assert!(memory.stands_in(period) && memory.0 & Memory::CHANGED != 0);
        let memory = memory.standing_nowhere().seen(0, 0);
        assert!(!memory.stands_in(period) && memory.0 & Memory::CHANGED != 0);
        assert_eq!((memory.version(), memory.period()), (Some(0), 0));
        assert_eq!(memory.ending(period, false), None);
        assert_eq!(memory.ending(period, true).unwrap().1, -1);
    }

    #[test]
    fn a_user_without_an_answer_is_one_until_an_answer_comes() {
        let after = |ends: &[(usize, bool)]| {
            ends.iter().fold((Memory::default(), 0), |(memory, count), &(period, answered)| {
                let (next, more) = memory.ending(period, answered).unwrap_or((memory, 0));
                (next, count + more)
            })
        };
        assert_eq!(after(&[(0, false), (0, false)]).1, 1);
        assert_eq!(after(&[(0, false), (0, true), (0, false)]).1, 0);
        assert_eq!(after(&[(0, true), (0, false)]).1, 0);
        // Once in each of two periods, and late answers of the first change nothing more.
        assert_eq!(after(&[(0, false), (1, false), (0, true)]).1, 2);
        assert_eq!(after(&[(0, true), (1, false), (1, true)]).1, 0);
    }
}

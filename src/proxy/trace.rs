//! Where requests stand in traces, and what upstreams are told of it (W3C's Trace Context).

use std::cell::Cell;

use http::HeaderMap;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::model::{TRACEPARENT, TraceParent};

/// The ids that a worker gives: of its own counter, under a seed that nobody else has.
pub(super) struct TraceIds {
    seed: u64,
    given: Cell<u64>,
}

/// Where one request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traced {
    /// What stands in the log, and what upstreams are told.
    pub(super) parent: TraceParent,
    /// Whether the trace begins here: the client has said nothing of one, or nothing that is
    /// understood. Then `tracestate` belongs to nothing.
    pub(super) begins: bool,
}

impl TraceIds {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, given: Cell::new(0) }
    }

    /// Where a request with these fields stands, which goes on as it came, or begins a trace
    /// that nobody records.
    pub(super) fn follow(&self, headers: &HeaderMap) -> Traced {
        match parent(headers) {
            Some(parent) => Traced { parent, begins: false },
            None => Traced { parent: self.begin(), begins: true },
        }
    }

    fn begin(&self) -> TraceParent {
        let span = self.draw();
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash")]
        TraceParent::begun(self.draw(), span as u64, false)
    }

    fn draw(&self) -> u128 {
        let number = self.given.get();
        self.given.set(number.wrapping_add(1));
        xxh3_128_with_seed(&number.to_le_bytes(), self.seed)
    }
}

/// What the one field says; several say nothing.
fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut lines = headers.get_all(TRACEPARENT).iter();
    let parent = TraceParent::parse(lines.next()?.as_bytes())?;
    lines.next().is_none().then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn followed(ids: &TraceIds, lines: &[&'static str]) -> Traced {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(TRACEPARENT, http::HeaderValue::from_static(line));
        }
        ids.follow(&headers)
    }

    #[test]
    fn a_trace_goes_on_or_begins() {
        let ids = TraceIds::new(7);
        let goes_on = followed(&ids, &[GIVEN]);
        assert_eq!((&goes_on.parent.text()[..], goes_on.begins), (GIVEN.as_bytes(), false));
        for lines in [&[][..], &["nonsense"], &[GIVEN, GIVEN]] {
            let begun = followed(&ids, lines);
            assert!(begun.begins && !begun.parent.is_sampled(), "{lines:?}");
        }
    }

    #[test]
    fn no_two_traces_are_the_same() {
        let (ids, others) = (TraceIds::new(7), TraceIds::new(8));
        let begun = |ids| followed(ids, &[]).parent;
        let all = [begun(&ids), begun(&ids), begun(&others)];
        assert!(all[0].trace != all[1].trace && all[0].trace != all[2].trace);
        assert!(all[0].span != all[1].span && all[1].trace != all[2].trace);
    }
}

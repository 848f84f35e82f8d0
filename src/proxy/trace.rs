//! Where requests stand in traces, and what upstreams are told of it (W3C's Trace Context).

use std::cell::Cell;

use http::HeaderMap;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::model::{TRACEPARENT, TraceParent, Tracing};

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
    /// The span that called, if the trace goes on.
    pub(super) caller: Option<u64>,
    /// Whether a span of ours is recorded: that of `parent`.
    pub(super) is_recorded: bool,
}

impl Traced {
    /// Whether the trace begins here: the client has said nothing of one, or nothing that is
    /// understood. Then `tracestate` belongs to nothing (section 4.3).
    pub(super) fn begins(&self) -> bool {
        self.caller.is_none()
    }

    /// Whether upstreams are told something else than what the client says.
    pub(super) fn is_said_anew(&self) -> bool {
        self.begins() || self.is_recorded
    }
}

impl TraceIds {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, given: Cell::new(0) }
    }

    /// Where a request with these fields stands: a trace goes on, or begins. Spans are
    /// recorded if there is someone to send them to and whoever began the trace wants it.
    pub(super) fn follow(&self, headers: &HeaderMap, tracing: Option<&Tracing>) -> Traced {
        let Some(came) = parent(headers) else {
            let is_recorded = tracing.is_some_and(|tracing| tracing.sample.takes(self.number()));
            let parent = TraceParent::begun(self.draw(), self.number(), is_recorded);
            return Traced { parent, caller: None, is_recorded };
        };
        let is_recorded = tracing.is_some() && came.is_sampled();
        let parent = if is_recorded { came.under(self.number(), true) } else { came };
        Traced { parent, caller: Some(came.span), is_recorded }
    }

    fn number(&self) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash")]
        let number = self.draw() as u64;
        number
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
    use crate::model::{Collector, Sample};

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    fn followed(ids: &TraceIds, lines: &[&'static str], tracing: Option<&Tracing>) -> Traced {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(TRACEPARENT, http::HeaderValue::from_static(line));
        }
        ids.follow(&headers, tracing)
    }

    fn tracing(percent: f64) -> Tracing {
        let collector = Collector::new("http://127.0.0.1").unwrap();
        Tracing { collector, sample: Sample::percent(percent).unwrap(), service: "serin".into() }
    }

    #[test]
    fn without_a_collector_a_trace_goes_on_as_it_came_or_begins_unrecorded() {
        let ids = TraceIds::new(7);
        let goes_on = followed(&ids, &[GIVEN], None);
        assert_eq!(goes_on.parent.text(), GIVEN.as_bytes());
        assert!(!goes_on.is_said_anew());
        for lines in [&[][..], &["nonsense"], &[GIVEN, GIVEN]] {
            let begun = followed(&ids, lines, None);
            assert!(begun.begins() && begun.is_said_anew(), "{lines:?}");
            assert!(!begun.parent.is_sampled() && !begun.is_recorded, "{lines:?}");
        }
    }

    #[test]
    fn a_collector_gets_what_the_caller_or_the_sample_wants() {
        let ids = TraceIds::new(7);
        let (all, none) = (tracing(100.0), tracing(0.0));
        let wanted = followed(&ids, &[GIVEN], Some(&none));
        assert!(wanted.is_recorded && wanted.is_said_anew() && !wanted.begins());
        assert_eq!(wanted.caller, Some(0x00f0_67aa_0ba9_02b7));
        assert_ne!(wanted.parent.span, 0x00f0_67aa_0ba9_02b7);
        let unwanted = followed(&ids, &[UNSAMPLED], Some(&all));
        assert!(!unwanted.is_recorded && !unwanted.is_said_anew());
        for (tracing, is_recorded) in [(&all, true), (&none, false)] {
            let begun = followed(&ids, &[], Some(tracing));
            assert_eq!((begun.is_recorded, begun.parent.is_sampled()), (is_recorded, is_recorded));
        }
    }

    #[test]
    fn no_two_traces_are_the_same() {
        let (ids, others) = (TraceIds::new(7), TraceIds::new(8));
        let begun = |ids| followed(ids, &[], None).parent;
        let all = [begun(&ids), begun(&ids), begun(&others)];
        assert!(all[0].trace != all[1].trace && all[0].trace != all[2].trace);
        assert!(all[0].span != all[1].span && all[1].trace != all[2].trace);
    }
}

//! `[tracing]`.

use super::access_log::sample;
use crate::document::Table;
use crate::model::{Collector, Sample, Tracing};

/// What Serin is called unless it is written.
const SERVICE: &str = "serin";

/// Of a name of a service, in characters.
const SERVICE_MAX: usize = 128;

/// `None` where it is not written: then no span is made.
pub(super) fn tracing(root: &Table<'_>) -> Option<Tracing> {
    let table = root.get("tracing")?.table(&["otlp", "sample", "service"])?;
    let collector = table.required("otlp").and_then(|value| value.parsed(Collector::new));
    let sample = table.get("sample").and_then(|value| sample(&value));
    let service = table.get("service").and_then(|value| value.parsed(service));
    Some(Tracing {
        collector: collector?,
        sample: sample.unwrap_or(Sample::ALL),
        service: service.unwrap_or_else(|| SERVICE.into()),
    })
}

fn service(text: &str) -> Result<Box<str>, String> {
    let length = text.chars().count();
    if !(1..=SERVICE_MAX).contains(&length) || text.chars().any(char::is_control) {
        return Err(format!("must be 1 to {SERVICE_MAX} characters, and none that controls"));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};
    use super::*;

    #[test]
    fn spans_are_made_where_a_collector_is_written() {
        let read = |text: &str| Config::parse(text).unwrap().policy.tracing;
        assert_eq!(read(""), None);
        let plain = read("[tracing]\notlp = \"http://127.0.0.1:4318\"").unwrap();
        assert_eq!((plain.sample, &*plain.service), (Sample::ALL, "serin"));
        let full =
            read("[tracing]\notlp = \"http://a\"\nsample = 0.5\nservice = \"edge\"").unwrap();
        assert_eq!(full.collector, Collector::new("http://a").unwrap());
        assert_eq!((full.sample, &*full.service), (Sample::percent(0.5).unwrap(), "edge"));
    }

    #[test]
    fn what_is_no_collector_is_refused() {
        assert_eq!(mistakes_of("[tracing]"), ["line 1: tracing.otlp: is missing"]);
        let text = "[tracing]\notlp = \"https://a\"\nsample = -1\nservice = \"\"";
        assert_eq!(
            mistakes_of(text),
            [
                "line 2: tracing.otlp: `https://a` must be the URL of a collector, as in `http://127.0.0.1:4318`",
                "line 3: tracing.sample: must be 0 to 100, with four decimals at most, not -1",
                "line 4: tracing.service: must be 1 to 128 characters, and none that controls",
            ]
        );
    }
}

//! The two texts in which Prometheus and its kin read metrics: text format 0.0.4 and
//! `OpenMetrics` 1.0.

use std::fmt::{self, Display, Write};

use http::HeaderMap;
use http::header::ACCEPT;

use crate::observe::Durations;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    OpenMetrics,
}

impl Format {
    /// What a request would rather have; the older one where it does not say.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let (mut text, mut open) = (0.0_f32, 0.0_f32);
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        for range in lines.flat_map(|line| line.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1.0_f32, None);
            for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
                match &*name.trim().to_ascii_lowercase() {
                    "q" => quality = value.trim().parse().unwrap_or(0.0),
                    "version" => version = Some(value.trim().trim_matches('"').to_owned()),
                    _ => {}
                }
            }
            let version = version.as_deref();
            match &*media {
                "application/openmetrics-text" if matches!(version, None | Some("1.0.0")) => {
                    open = quality.max(open);
                }
                "text/plain" if matches!(version, None | Some("0.0.4")) => {
                    text = quality.max(text);
                }
                "text/*" | "*/*" => text = quality.max(text),
                _ => {}
            }
        }
        if open > 0.0 && open >= text { Self::OpenMetrics } else { Self::Text }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its samples end in `_total`, and its name does not.
    Counter,
    Gauge,
    Histogram,
    /// Its sample ends in `_info`, and its name does not.
    Info,
}

/// What a metric is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The name ends in it.
    pub(super) unit: Option<&'static str>,
    pub(super) help: &'static str,
}

/// Names and values.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

/// A page of metrics.
pub(super) struct Page {
    format: Format,
    text: String,
    metric: Option<Metric>,
}

/// Bounds of histograms as they are told: of those that are counted one in two, in steps of
/// 1, 2.5 and 5, from a tenth of a millisecond on.
fn told(durations: &Durations) -> impl Iterator<Item = (f64, u64)> {
    const FIRST: usize = 4;
    let cumulative = durations.cumulative().skip(FIRST).step_by(2);
    cumulative.map(|(bound, count)| (bound.as_secs_f64(), count))
}

impl Page {
    pub(super) fn new(format: Format) -> Self {
        Self { format, text: String::new(), metric: None }
    }

    /// Begins with the samples of a metric.
    pub(super) fn begin(&mut self, metric: Metric) {
        let Metric { name, kind, unit, help } = metric;
        self.metric = Some(metric);
        let (suffix, kind) = match (self.format, kind) {
            (Format::OpenMetrics, Kind::Counter) => ("", "counter"),
            (Format::OpenMetrics, Kind::Info) => ("", "info"),
            (Format::Text, Kind::Counter) => ("_total", "counter"),
            // The older text has no word for it.
            (Format::Text, Kind::Info) => ("_info", "gauge"),
            (_, Kind::Gauge) => ("", "gauge"),
            (_, Kind::Histogram) => ("", "histogram"),
        };
        let help = Escaped { text: help, quote: self.format == Format::OpenMetrics };
        self.line(format_args!("# HELP {name}{suffix} {help}"));
        self.line(format_args!("# TYPE {name}{suffix} {kind}"));
        if let Some(unit) = unit.filter(|_| self.format == Format::OpenMetrics) {
            self.line(format_args!("# UNIT {name} {unit}"));
        }
    }

    /// One sample of the metric that was begun.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Into<Value>) {
        let suffix = match self.kind() {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.write(suffix, labels, None, &value.into());
    }

    /// The samples of a histogram.
    pub(super) fn durations(&mut self, labels: Labels<'_>, durations: &Durations) {
        debug_assert_eq!(self.kind(), Kind::Histogram);
        for (bound, count) in told(durations) {
            self.write("_bucket", labels, Some(bound), &count.into());
        }
        let count = durations.count();
        self.write("_bucket", labels, Some(f64::INFINITY), &count.into());
        self.write("_sum", labels, None, &durations.sum().as_secs_f64().into());
        self.write("_count", labels, None, &count.into());
    }

    /// A metric with one sample that has no labels; none, if there is nothing to say.
    pub(super) fn single(&mut self, metric: Metric, value: Option<impl Into<Value>>) {
        self.begin(metric);
        if let Some(value) = value {
            self.sample(&[], value);
        }
    }

    pub(super) fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.line(format_args!("# EOF"));
        }
        self.text
    }

    fn kind(&self) -> Kind {
        self.metric.expect("a metric was begun").kind
    }

    fn write(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<f64>, value: &Value) {
        let name = self.metric.expect("a metric was begun").name;
        let text = &mut self.text;
        text.push_str(name);
        text.push_str(suffix);
        let mut opening = '{';
        for (name, value) in labels {
            let value = Escaped { text: value, quote: true };
            to(text, format_args!("{opening}{name}=\"{value}\""));
            opening = ',';
        }
        if let Some(bound) = bound {
            to(text, format_args!("{opening}le=\"{}\"", Value::Float(bound)));
            opening = ',';
        }
        if opening == ',' {
            text.push('}');
        }
        to(text, format_args!(" {value}\n"));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        to(&mut self.text, line);
        self.text.push('\n');
    }
}

fn to(text: &mut String, written: fmt::Arguments<'_>) {
    text.write_fmt(written).expect("a text takes what is written");
}

/// The number of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Whole(u64),
    Float(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Whole(value) => value.fmt(f),
            Self::Float(value) if value.is_nan() => f.write_str("NaN"),
            Self::Float(value) if value.is_infinite() => {
                f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
            }
            // With a point, so that a bound is spelled the same in both formats.
            Self::Float(value) => write!(f, "{value:?}"),
        }
    }
}

/// A text in which a line end would end the line, and a quote the value.
struct Escaped<'a> {
    text: &'a str,
    quote: bool,
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.text;
        while let Some(at) = rest.find(['\\', '\n', '"']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'\\' => "\\\\",
                b'\n' => "\\n",
                _ if self.quote => "\\\"",
                _ => "\"",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn chosen(accept: &[&'static str]) -> Format {
        let mut headers = HeaderMap::new();
        for line in accept {
            headers.append(ACCEPT, HeaderValue::from_static(line));
        }
        Format::of(&headers)
    }

    #[test]
    fn who_asks_gets_the_format_that_it_would_rather_have() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;\
             escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for accept in [
            &[prometheus][..],
            &["application/openmetrics-text"],
            &["text/plain;q=0.5", "application/openmetrics-text; version=\"1.0.0\""],
            &["text/plain, Application/OpenMetrics-Text"],
        ] {
            assert_eq!(chosen(accept), Format::OpenMetrics, "{accept:?}");
        }
        for accept in [
            &[][..],
            &["*/*"],
            &["text/plain;version=0.0.4"],
            &["application/openmetrics-text;version=2.0.0"],
            &["application/openmetrics-text;q=0, */*;q=0.1"],
            &["application/openmetrics-text;q=0.1, text/plain;q=0.2"],
            &["application/openmetrics-text;q=nonsense"],
            &[";;=,q"],
        ] {
            assert_eq!(chosen(accept), Format::Text, "{accept:?}");
        }
    }

    fn page(format: Format) -> String {
        let mut page = Page::new(format);
        page.begin(Metric {
            name: "a_seconds",
            kind: Kind::Counter,
            unit: Some("seconds"),
            help: "A \"line\\\nand another",
        });
        page.sample(&[("b", "c\"d\\e\nf"), ("g", "h{}")], 7_u64);
        page.sample(&[], 0.25);
        let (unit, help) = (None, "B");
        page.begin(Metric { name: "b", kind: Kind::Info, unit, help });
        page.sample(&[("c", "d")], 1_u64);
        page.single(Metric { name: "c", kind: Kind::Gauge, unit, help }, Some(f64::INFINITY));
        page.single(Metric { name: "d", kind: Kind::Gauge, unit, help }, None::<u64>);
        page.end()
    }

    #[test]
    fn the_older_text_names_samples_and_has_neither_units_nor_an_end() {
        let expected = "# HELP a_seconds_total A \"line\\\\\\nand another\n\
            # TYPE a_seconds_total counter\n\
            a_seconds_total{b=\"c\\\"d\\\\e\\nf\",g=\"h{}\"} 7\n\
            a_seconds_total 0.25\n\
            # HELP b_info B\n\
            # TYPE b_info gauge\n\
            b_info{c=\"d\"} 1\n\
            # HELP c B\n\
            # TYPE c gauge\n\
            c +Inf\n\
            # HELP d B\n\
            # TYPE d gauge\n";
        assert_eq!(page(Format::Text), expected);
    }

    #[test]
    fn open_metrics_names_families_and_their_units_and_ends() {
        let expected = "# HELP a_seconds A \\\"line\\\\\\nand another\n\
            # TYPE a_seconds counter\n\
            # UNIT a_seconds seconds\n\
            a_seconds_total{b=\"c\\\"d\\\\e\\nf\",g=\"h{}\"} 7\n\
            a_seconds_total 0.25\n\
            # HELP b B\n\
            # TYPE b info\n\
            b_info{c=\"d\"} 1\n\
            # HELP c B\n\
            # TYPE c gauge\n\
            c +Inf\n\
            # HELP d B\n\
            # TYPE d gauge\n\
            # EOF\n";
        assert_eq!(page(Format::OpenMetrics), expected);
    }

    #[test]
    fn a_histogram_ends_with_all_that_was_counted() {
        let mut page = Page::new(Format::Text);
        let (name, kind, unit) = ("a_seconds", Kind::Histogram, Some("seconds"));
        page.begin(Metric { name, kind, unit, help: "A" });
        page.durations(&[("b", "c")], &Durations::default());
        let text = page.end();
        let bounds: Vec<_> = text.lines().filter_map(|line| line.split("le=\"").nth(1)).collect();
        let bounds: Vec<_> = bounds.iter().map(|rest| rest.split('"').next().unwrap()).collect();
        let all = "0.0001 0.00025 0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 \
             1.0 2.5 5.0 10.0 25.0 50.0 +Inf";
        assert_eq!(bounds.join(" "), all);
        assert!(text.ends_with("a_seconds_sum{b=\"c\"} 0.0\na_seconds_count{b=\"c\"} 0\n"));
    }
}

//! Numbers in words.

use std::time::Duration;

pub(super) fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

/// Odds to one, of their natural logarithm.
pub(super) fn odds(ln: f64) -> String {
    let log10 = ln / std::f64::consts::LN_10;
    match log10 {
        -3.0..6.0 => format!("{:.3}", libm::exp(ln)),
        _ => format!("10^{log10:.0}"),
    }
}

/// `1h30m`, `20s`, `1m0.250s`.
pub(super) fn span(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let whole = |number: u64, unit| match number {
        0 => String::new(),
        _ => format!("{number}{unit}"),
    };
    let rest = match (seconds, millis) {
        (0, 0) if hours + minutes > 0 => String::new(),
        (_, 0) => format!("{seconds}s"),
        _ => format!("{seconds}.{millis:03}s"),
    };
    whole(hours, "h") + &whole(minutes, "m") + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (ms, text) in
            [(0, "0s"), (250, "0.250s"), (60_000, "1m"), (5_400_000, "1h30m"), (86_400_000, "24h")]
        {
            assert_eq!(span(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn odds_are_numbers_where_one_can_read_them() {
        assert_eq!(odds(0.0), "1.000");
        assert_eq!(odds(1_000.0_f64.ln()), "1000.000");
        assert_eq!(odds(100.0), "10^43");
        assert_eq!(odds(-100.0), "10^-43");
    }
}

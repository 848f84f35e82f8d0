//! Durations as they are written, in a file or as an option.

use std::time::Duration;

/// What is finer than a nanosecond is no duration.
const DECIMALS_MAX: usize = 15;

/// `500ms`, `2.5s`, `1m`, `1h`: at most `max`, which is told in whole hours.
pub fn duration(text: &str, max: Duration) -> Result<Duration, String> {
    let spelling =
        || format!("`{text}` must be a number and `ms`, `s`, `m` or `h`, as in `2s` or `1.5h`");
    let is_of_number = |c: char| c.is_ascii_digit() || c == '.';
    let unit_start = text.find(|c| !is_of_number(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_start);
    let unit_ns = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 60 * 60 * 1_000_000_000,
        _ => return Err(spelling()),
    };
    let (whole, decimals) = match number.split_once('.') {
        Some((_, decimals)) if !is_digits(decimals) || decimals.len() > DECIMALS_MAX => {
            return Err(spelling());
        }
        Some((whole, decimals)) => (whole, decimals),
        None => (number, ""),
    };
    if !is_digits(whole) {
        return Err(spelling());
    }
    // What does not fit 64 bits is too long, too.
    let whole_ns = whole.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ns));
    whole_ns
        .map(|whole_ns| {
            Duration::from_nanos(whole_ns) + Duration::from_nanos(part(decimals, unit_ns))
        })
        .filter(|duration| *duration <= max)
        .ok_or_else(|| format!("`{text}` must be at most `{}h`", max.as_secs() / 3600))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What the digits behind the point are of a unit, in whole nanoseconds.
fn part(decimals: &str, unit_ns: u64) -> u64 {
    let (sum, scale) = decimals.bytes().fold((0_u128, 1_u128), |(sum, scale), digit| {
        (sum * 10 + u128::from(digit - b'0'), scale * 10)
    });
    u64::try_from(sum * u128::from(unit_ns) / scale).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, us) in [
            ("500ms", 500_000),
            ("0s", 0),
            ("2.5s", 2_500_000),
            ("0.25ms", 250),
            ("1.5h", 5_400_000_000),
            ("0.1m", 6_000_000),
            ("24h", 86_400_000_000),
            ("24.000h", 86_400_000_000),
        ] {
            assert_eq!(duration(text, DAY), Ok(Duration::from_micros(us)), "{text}");
        }
        assert_eq!(duration("0.000000001s", DAY), Ok(Duration::from_nanos(1)));
    }

    #[test]
    fn what_is_no_duration_says_how_to_write_one() {
        for text in [
            "",
            "2",
            "s",
            "2 s",
            "-2s",
            "+2s",
            ".5s",
            "2.s",
            "1.2.3s",
            ".s",
            "2S",
            "2sec",
            "2d",
            "٢s",
            "0.0000000000000001s",
        ] {
            assert!(duration(text, DAY).unwrap_err().contains("must be a number and"), "{text}");
        }
        for text in ["24.1h", "86400001ms", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(text, DAY).unwrap_err().contains("at most `24h`"), "{text}");
        }
    }
}

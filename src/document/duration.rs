//! Durations as they are written.

use std::time::Duration;

/// `500ms`, `2s`, `1m`, `1h`: at most `max`, which is told in whole hours.
pub fn duration(text: &str, max: Duration) -> Result<Duration, String> {
    let spelling =
        || format!("`{text}` must be a whole number and `ms`, `s`, `m` or `h`, as in `2s`");
    let unit_start = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_start);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err(spelling()),
    };
    if number.is_empty() {
        return Err(spelling());
    }
    // What does not fit 64 bits is too long, too.
    let duration = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_ms));
    duration
        .map(Duration::from_millis)
        .filter(|duration| *duration <= max)
        .ok_or_else(|| format!("`{text}` must be at most `{}h`", max.as_secs() / 3600))
}

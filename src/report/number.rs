//! Numbers as people read them.

/// With a comma between thousands.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things.
pub fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(number)) }
}

/// A share, 0 to 1, in percent.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// A time in the unit that leaves few digits, three of them.
pub fn time_ms(ms: f64) -> String {
    let (value, unit) = match ms {
        ms if ms < 1.0 => (ms * 1e3, "µs"),
        ms if ms < 1e3 => (ms, "ms"),
        ms => (ms / 1e3, "s"),
    };
    let digits = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// What others have said, on one line and without what a terminal would obey.
pub fn one_line(text: &str) -> String {
    let shown = |c: char| if is_obeyed(c) { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

/// Controls, ends of lines, and what turns the direction of writing (Unicode Standard Annex
/// 9, section 2): it would have a text read as another one.
const fn is_obeyed(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_enough() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(percent(0.1), "10.00 %");
        assert_eq!(time_ms(0.0123), "12.3 µs");
        assert_eq!(time_ms(0.345), "345 µs");
        assert_eq!(time_ms(1.234), "1.23 ms");
        assert_eq!(time_ms(123.4), "123 ms");
        assert_eq!(time_ms(2_345.0), "2.35 s");
    }

    #[test]
    fn what_a_peer_says_does_not_move_the_cursor() {
        assert_eq!(one_line("v1\r\n\x1b[2J"), "v1\u{fffd}\u{fffd}\u{fffd}[2J");
        assert_eq!(one_line("a\u{202e}b\u{9b}c\u{2028}é"), "a\u{fffd}b\u{fffd}c\u{fffd}é");
        assert_eq!([plural(0, "key"), plural(1, "key")], ["0 keys", "1 key"]);
    }
}

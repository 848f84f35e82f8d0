//! Guesses which key was meant.

/// The one of `known` that `written` is a slip of, if one is near enough.
pub(super) fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let folded = fold(written);
    // A key far longer than any known one is no slip of it.
    let plausible = known.iter().filter(|key| folded.len() <= key.len() * 2);
    let (distance, key) = plausible.map(|&key| (distance(&folded, &fold(key)), key)).min()?;
    (distance <= (key.len() / 3).clamp(1, SLIPS_MAX)).then_some(key)
}

/// More differences than this are another word.
const SLIPS_MAX: usize = 3;

/// Case is no difference to a guess.
fn fold(key: &str) -> Vec<char> {
    key.chars().map(|c| c.to_ascii_lowercase()).collect()
}

/// How many characters differ, where two neighbours swapped count once
/// (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["code_version", "upstream", "name", "env"];

    #[test]
    fn a_slip_finds_its_key() {
        for (written, meant) in [
            ("CodeVersion", "code_version"),
            ("code-version", "code_version"),
            ("upstraem", "upstream"),
            ("upstreams", "upstream"),
            ("nmae", "name"),
            ("evn", "env"),
            ("NAME", "name"),
        ] {
            assert_eq!(nearest(written, &KNOWN), Some(meant), "{written}");
        }
    }

    #[test]
    fn another_word_finds_nothing() {
        for written in ["", "port", "x", "weight", &"name".repeat(1000)] {
            assert_eq!(nearest(written, &KNOWN), None, "{written}");
        }
    }
}

//! The paths of one host: exact ones first, then the longest prefix.

use std::sync::Arc;

use hashbrown::HashTable;

use super::index::Hash;
use crate::model::PathPattern;

/// A place in the table of routines.
pub(super) type Slot = u32;

/// The paths of one host. A lookup costs one hash for the whole path and one for
/// each distinct length of a prefix, however many prefixes there are.
#[derive(Clone, Default)]
pub(super) struct Paths {
    exact: Patterns,
    /// By length in bytes, longest first.
    prefixes: Vec<(usize, Patterns)>,
}

#[derive(Clone, Default)]
struct Patterns(HashTable<(Arc<str>, Slot)>);

impl Paths {
    /// The routine of `path`, and the pattern that says so.
    #[inline]
    pub(super) fn find(&self, path: &[u8]) -> Option<(Slot, FoundPath<'_>)> {
        if let Some((text, slot)) = self.exact.get(path) {
            return Some((slot, FoundPath::Exact(text)));
        }
        self.prefixes.iter().find_map(|(len, patterns)| {
            let (text, slot) = patterns.get(path.get(..*len)?)?;
            Some((slot, FoundPath::Prefix(text)))
        })
    }

    pub(super) fn insert(&mut self, pattern: &PathPattern, slot: Slot) {
        match pattern {
            PathPattern::Exact(path) => self.exact.insert(path, slot),
            PathPattern::Prefix(path) => {
                let at = self.prefixes.partition_point(|(len, _)| *len > path.len());
                if self.prefixes.get(at).is_none_or(|(len, _)| *len != path.len()) {
                    self.prefixes.insert(at, (path.len(), Patterns::default()));
                }
                self.prefixes[at].1.insert(path, slot);
            }
        }
    }

    /// Removes `pattern` where it leads to `slot`.
    pub(super) fn remove(&mut self, pattern: &PathPattern, slot: Slot) {
        match pattern {
            PathPattern::Exact(path) => self.exact.remove(path, slot),
            PathPattern::Prefix(path) => {
                for (len, patterns) in &mut self.prefixes {
                    if *len == path.len() {
                        patterns.remove(path, slot);
                    }
                }
                self.prefixes.retain(|(_, patterns)| !patterns.0.is_empty());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.0.is_empty() && self.prefixes.is_empty()
    }
}

/// The pattern that a path matched.
#[derive(Clone, Copy)]
pub(super) enum FoundPath<'a> {
    Exact(&'a str),
    /// Without its final `*`.
    Prefix(&'a str),
}

impl Patterns {
    #[inline]
    fn get(&self, text: &[u8]) -> Option<(&str, Slot)> {
        if self.0.is_empty() {
            return None;
        }
        let hash = Hash::of(text);
        self.0
            .find(hash.value(), |(known, _)| known.as_bytes() == text)
            .map(|(known, slot)| (&**known, *slot))
    }

    fn insert(&mut self, text: &Arc<str>, slot: Slot) {
        let hash = Hash::of(text.as_bytes());
        self.0
            .entry(
                hash.value(),
                |(known, _)| known == text,
                |(known, _)| Hash::of(known.as_bytes()).value(),
            )
            .insert((text.clone(), slot));
    }

    fn remove(&mut self, text: &str, slot: Slot) {
        let hash = Hash::of(text.as_bytes());
        let found = self.0.find_entry(hash.value(), |known| &*known.0 == text && known.1 == slot);
        if let Ok(found) = found {
            found.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Route;

    fn paths(routes: &[(&str, Slot)]) -> Paths {
        let mut paths = Paths::default();
        for (path, slot) in routes {
            paths.insert(&Route::new(&format!("a.test{path}")).unwrap().path, *slot);
        }
        paths
    }

    fn find(paths: &Paths, path: &str) -> Option<Slot> {
        paths.find(path.as_bytes()).map(|(slot, _)| slot)
    }

    #[test]
    fn an_exact_path_beats_a_prefix_and_a_longer_prefix_a_shorter() {
        let paths = paths(&[("/*", 1), ("/api*", 2), ("/api/v1/*", 3), ("/api/v1/x", 4)]);
        assert_eq!(find(&paths, "/"), Some(1));
        assert_eq!(find(&paths, "/ap"), Some(1));
        assert_eq!(find(&paths, "/apis"), Some(2));
        assert_eq!(find(&paths, "/api/v1"), Some(2));
        assert_eq!(find(&paths, "/api/v1/y"), Some(3));
        assert_eq!(find(&paths, "/api/v1/x"), Some(4));
        assert_eq!(find(&paths, "/api/v1/xy"), Some(3));
        assert_eq!(find(&paths, "*"), None);
    }

    #[test]
    fn a_removed_path_falls_to_the_next() {
        let mut paths = paths(&[("/*", 1), ("/api*", 2)]);
        let pattern = Route::new("a.test/api*").unwrap().path;
        paths.remove(&pattern, 9);
        assert_eq!(find(&paths, "/api"), Some(2));
        paths.remove(&pattern, 2);
        assert_eq!(find(&paths, "/api"), Some(1));
        paths.remove(&Route::new("a.test/*").unwrap().path, 1);
        assert!(paths.is_empty());
    }
}

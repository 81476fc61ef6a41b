//! The bundles that were taken lately, so that none is taken twice.

use std::borrow::ToOwned;
use std::collections::{HashSet, VecDeque};
use std::string::String;

/// The identities of the last so many bundles. An engine forgets a bundle once it has
/// delivered it, and takes another copy of it for a new one.
#[derive(Debug)]
pub(super) struct Seen {
    order: VecDeque<String>,
    all: HashSet<String>,
    most: usize,
}

impl Seen {
    /// Remembers `most` bundles.
    pub(super) fn new(most: usize) -> Self {
        Self { order: VecDeque::new(), all: HashSet::new(), most }
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.all.contains(id)
    }

    /// Notes a bundle; false when it was noted before. The oldest gives way.
    pub(super) fn note(&mut self, id: &str) -> bool {
        if !self.all.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut seen = Seen::new(3);
        for number in 0..4 {
            assert!(seen.note(&number.to_string()));
            assert!(!seen.note(&number.to_string()));
        }
        assert!(!seen.contains("0"));
        for number in 1..4 {
            assert!(seen.contains(&number.to_string()));
        }
        assert_eq!((seen.order.len(), seen.all.len()), (3, 3));
    }
}

//! Octets of many owners in one lent buffer, without holes.

use crate::wire::{NoSpace, Writer};

/// Where octets lie in an [`Arena`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Span {
    start: u16,
    length: u16,
}

impl Span {
    /// The part of it from `at` on, of at most `length` octets.
    pub(crate) const fn part(self, at: u16, length: u16) -> Self {
        let rest = self.length.saturating_sub(at);
        let length = if length < rest { length } else { rest };
        Self { start: self.start.saturating_add(at), length }
    }

    /// Where it lies once `gone` has been cut.
    const fn move_up(&mut self, gone: Self) {
        if self.start > gone.start {
            self.start = self.start.saturating_sub(gone.length);
        }
    }
}

/// Spans of octets one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Arena<'s> {
    octets: &'s mut [u8],
    used: u16,
}

impl<'s> Arena<'s> {
    /// An empty arena. Octets past 65,535 are not used.
    pub(crate) const fn new(octets: &'s mut [u8]) -> Self {
        Self { octets, used: 0 }
    }

    /// Puts `parts`, one after the other, behind all there is.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) -> Result<Span, NoSpace> {
        let start = self.used;
        let have = self.octets.len();
        let room = self.octets.get_mut(usize::from(start)..).unwrap_or_default();
        let mut writer = Writer::new(room);
        for part in parts {
            writer.octets(part)?;
        }
        let need = usize::from(start).saturating_add(writer.len());
        let used = u16::try_from(need).map_err(|_| NoSpace::new(need, have))?;
        self.used = used;
        Ok(Span { start, length: used.saturating_sub(start) })
    }

    pub(crate) fn get(&self, span: Span) -> &[u8] {
        let start = usize::from(span.start);
        let end = start.saturating_add(usize::from(span.length));
        self.octets.get(start..end).unwrap_or_default()
    }

    /// Takes the octets of `span` away. What lies behind moves up, and so do `others`, which
    /// are all other spans there are.
    pub(crate) fn cut<'a>(&mut self, span: Span, others: impl Iterator<Item = &'a mut Span>) {
        let to = usize::from(span.start);
        let from = to.saturating_add(usize::from(span.length));
        let behind = usize::from(self.used).saturating_sub(from);
        // Not `copy_within`: it keeps a panic path.
        for at in 0..behind {
            let octet = self.octets.get(from.saturating_add(at)).copied().unwrap_or_default();
            if let Some(place) = self.octets.get_mut(to.saturating_add(at)) {
                *place = octet;
            }
        }
        self.used = self.used.saturating_sub(span.length);
        others.for_each(|other| other.move_up(span));
    }

    /// Octets that are taken.
    pub(crate) const fn used(&self) -> u16 {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn spans_keep_their_octets(operations in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..12), any::<usize>()), 0..60))
        {
            let mut octets = [0; 64];
            let mut arena = Arena::new(&mut octets);
            let mut kept: Vec<(Span, Vec<u8>)> = Vec::new();
            for (push, part, which) in operations {
                if push {
                    let used: usize = kept.iter().map(|(_, part)| part.len()).sum();
                    let pushed = arena.push(&[&part[..part.len() / 2], &part[part.len() / 2..]]);
                    prop_assert_eq!(pushed.is_ok(), used + part.len() <= 64);
                    if let Ok(span) = pushed {
                        kept.push((span, part));
                    }
                } else if !kept.is_empty() {
                    let (gone, _) = kept.remove(which % kept.len());
                    arena.cut(gone, kept.iter_mut().map(|(span, _)| span));
                }
                for (span, part) in &kept {
                    prop_assert_eq!(arena.get(*span), &part[..]);
                }
            }
        }
    }
}

//! The slots of a week on boards: little code and little memory, where a search may take some
//! thousand instructions near the wanted start, and some ten thousand where nothing is near.
//! `quick` answers the same on hosts; the tests of `week` hold both against one slot at a time.
//!
//! There is no octet beside the bits to be kept right, and one way to search for three: the
//! slots are folded upon themselves until a clear bit is a start at which all of a shape is
//! free. Words are as wide as a board's registers, and a week is so many without a rest.

use core::cell::Cell;

use super::pattern::{Pattern, Shape};
use super::week::Search;

/// Words that hold the slots of a week, 32 to a word, the earliest in the lowest bit.
const WORDS: usize = 315;

/// How far from the wanted start is looked at first, in minutes, and how many times as far
/// next, for what is folded is what is looked at, and few searches go far: 256, 4,096, and all.
const NEAR: u16 = 256;
const FARTHER: u16 = 16;

/// Words after which an hour begins with a word again: eight hours.
const EIGHT_HOURS: usize = 15;

/// Which slots of a week are taken, a bit each: 1,264 octets. What is past the week, a word,
/// is taken too.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Slots([u32; WORDS + 1]);

impl Slots {
    pub(super) const EMPTY: Self = {
        let mut taken = [0; WORDS + 1];
        let [.., past] = &mut taken;
        *past = u32::MAX;
        Self(taken)
    };

    pub(super) fn book(&mut self, pattern: &Pattern) {
        self.change(pattern, true);
    }

    pub(super) fn cancel(&mut self, pattern: &Pattern) {
        self.change(pattern, false);
    }

    #[inline(never)]
    fn change(&mut self, pattern: &Pattern, taken: bool) {
        for (word, mask) in Masks::of(pattern) {
            if let Some(slots) = self.0.get_mut(word) {
                *slots = if taken { *slots | mask } else { *slots & !mask };
            }
        }
    }

    #[inline(never)]
    pub(super) fn exact(&self, pattern: &Pattern) -> Result<(), u16> {
        for (word, mask) in Masks::of(pattern) {
            let taken = self.0.get(word).copied().unwrap_or(u32::MAX) & mask;
            if taken != 0 {
                return Err(slot_of(word, taken.trailing_zeros()));
            }
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn nearest(&self, shape: Shape, search: &Search) -> Option<u16> {
        // No start is farther.
        let latest = shape.latest_start();
        let farthest = search.wanted.max(latest.saturating_sub(search.wanted));
        let farthest = search.max_shift.unwrap_or(farthest).min(farthest);
        let mut shift = NEAR.min(farthest);
        loop {
            let mut taken = self.0;
            let found = nearest(&mut taken, shape, search, shift);
            if found.is_some() || shift == farthest {
                return found;
            }
            shift = shift.saturating_mul(FARTHER).min(farthest);
        }
    }

    /// The same in two weeks, of which `next` is the second.
    // Two weeks on the stack that few requests need.
    #[inline(never)]
    pub(super) fn nearest_in_both(
        &self,
        next: &Self,
        shape: Shape,
        search: &Search,
    ) -> Option<u16> {
        let mut taken = [0; 2 * WORDS + 1];
        let (first, second) = taken.split_at_mut(WORDS);
        for (week, slots) in [(first, self), (second, next)] {
            week.iter_mut().zip(&slots.0).for_each(|(to, from)| *to = *from);
        }
        nearest(&mut taken, shape, search, search.max_shift.unwrap_or(u16::MAX))
    }

    pub(super) fn is_free(&self, slot: u16) -> bool {
        let word = self.0.get(usize::from(slot / 32)).copied().unwrap_or(u32::MAX);
        word.wrapping_shr(u32::from(slot % 32)) & 1 == 0
    }

    pub(super) fn free_minutes(&self) -> u16 {
        let free = self.0.iter().fold(0_u32, |sum, word| sum.wrapping_add(word.count_zeros()));
        u16::try_from(free).unwrap_or(0)
    }
}

/// The slots of a pattern, word by word: where the word is, and which bits of it.
struct Masks {
    shape: Shape,
    /// The start of an occurrence, and how many minutes of it are done.
    start: u16,
    done: u16,
    /// Occurrences after this one.
    left: u16,
}

impl Masks {
    fn of(pattern: &Pattern) -> Self {
        let shape = pattern.shape();
        Self { shape, start: pattern.start(), done: 0, left: shape.repeats() }
    }
}

impl Iterator for Masks {
    type Item = (usize, u32);

    #[inline(never)]
    fn next(&mut self) -> Option<(usize, u32)> {
        if self.done == self.shape.minutes() {
            self.left = self.left.checked_sub(1)?;
            self.start = self.start.wrapping_add(self.shape.offset());
            self.done = 0;
        }
        let slot = self.start.wrapping_add(self.done);
        let bit = slot % 32;
        let count = self.shape.minutes().wrapping_sub(self.done).min(32_u16.wrapping_sub(bit));
        self.done = self.done.wrapping_add(count);
        let mask = u32::MAX.wrapping_shr(32_u32.wrapping_sub(count.into()));
        Some((usize::from(slot / 32), mask.wrapping_shl(bit.into())))
    }
}

/// The slot of bit `bit` of word `word`.
fn slot_of(word: usize, bit: u32) -> u16 {
    let base = u16::try_from(word).unwrap_or(u16::MAX).wrapping_mul(32);
    base.wrapping_add(u16::try_from(bit).unwrap_or(0))
}

/// The start of `shape` at most `shift` from the wanted one and nearest to it, the earlier of
/// two as near. All slots but those of the last word are meant, and what they are is lost.
#[inline(never)]
fn nearest(taken: &mut [u32], shape: Shape, search: &Search, shift: u16) -> Option<u16> {
    let end = slot_of(taken.len().wrapping_sub(1), 0);
    let latest = end.checked_sub(shape.span())?;
    let wanted = search.wanted;
    let low = search.earliest.max(wanted.saturating_sub(shift));
    let high = latest.min(wanted.saturating_add(shift));
    if low > high {
        return None;
    }
    // Only the words of these starts are folded: from a full hour on to the end of the last.
    let from = usize::from(low / 480).wrapping_mul(EIGHT_HOURS);
    let last = high.wrapping_add(shape.span()).wrapping_sub(1);
    let words = taken.get_mut(from..usize::from(last / 32).wrapping_add(2))?;
    if !search.reserve.is_none() {
        reserve(words, search.reserve.bits());
    }
    // All occurrences upon the first, and that upon its first slot.
    overlay(words, shape.repeats().wrapping_add(1), shape.offset());
    overlay(words, shape.minutes(), 1);
    let middle = wanted.max(low).min(high);
    let after = first_free(taken, middle, high);
    // Before the wanted start only what is not farther is of interest.
    let shift = after.map_or(u16::MAX, |after| after.abs_diff(wanted));
    let low = low.max(wanted.saturating_sub(shift));
    first_free(taken, middle, low).or(after)
}

/// Takes the slots of each hour whose bit is set in `hour`.
fn reserve(words: &mut [u32], hour: u64) {
    let mut hour = hour;
    for word in words {
        // What the next word begins with: 60 bits go round by 32.
        let (low, high) = (hour & u64::from(u32::MAX), hour.wrapping_shr(32));
        *word |= u32::try_from(low).unwrap_or(u32::MAX);
        hour = high | low.wrapping_shl(28);
    }
}

/// Replaces each bit by whether any of `count` bits is set that begin with it and lie `step`
/// apart, by doubling: after a pass every bit speaks for twice as many. Bits past the end
/// do not count, and those of the last word mean nothing after.
#[inline(never)]
fn overlay(words: &mut [u32], count: u16, step: u16) {
    // What is read lies behind what has been written.
    let words = Cell::from_mut(words).as_slice_of_cells();
    let mut have = 1_u16;
    while have < count {
        let more = have.min(count.wrapping_sub(have));
        have = have.wrapping_add(more);
        let shift = more.wrapping_mul(step);
        let bit = u32::from(shift % 32);
        let mut behind = words.get(usize::from(shift / 32)..).unwrap_or_default().iter();
        let mut low = behind.next().map_or(0, Cell::get);
        let mut free = 0;
        for (word, high) in words.iter().zip(behind) {
            let high = high.get();
            // Two shifts, for one by 32 there is none.
            let spliced = low.wrapping_shr(bit) | (high << 1).wrapping_shl(bit ^ 31);
            let taken = word.get() | spliced;
            word.set(taken);
            free |= !taken;
            low = high;
        }
        // Nothing is left to speak for.
        if free == 0 {
            return;
        }
    }
}

/// The first clear bit from `from` on, up or down, and not past `to`.
#[inline(never)]
fn first_free(words: &[u32], from: u16, to: u16) -> Option<u16> {
    let up = from <= to;
    let bit = u32::from(from % 32);
    let (mut word, last) = (usize::from(from / 32), usize::from(to / 32));
    let mut mask = if up { u32::MAX.wrapping_shl(bit) } else { u32::MAX.wrapping_shr(bit ^ 31) };
    loop {
        let free = !*words.get(word)? & mask;
        if free != 0 {
            let bit = if up { free.trailing_zeros() } else { free.leading_zeros() ^ 31 };
            let found = slot_of(word, bit);
            return if up { found <= to } else { found >= to }.then_some(found);
        }
        if word == last {
            return None;
        }
        mask = u32::MAX;
        word = if up { word.wrapping_add(1) } else { word.wrapping_sub(1) };
    }
}

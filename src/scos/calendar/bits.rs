//! Slots as bits: 64 to a word, the earliest in the lowest bit. A set bit is a
//! slot that is taken; what lies past the week is taken too.

use crate::time::Week;

/// Words that hold the slots of a week; of the last one the upper half is past
/// the week.
pub(super) const WORDS: usize = 158;

/// The slots of a week.
pub(super) type Words = [u64; WORDS];

/// The part of the last word that is past the week.
pub(super) const PAST_THE_WEEK: u64 = u64::MAX << (Week::MINUTES % 64);

/// The index of the word that holds `slot`.
pub(super) fn word_of(slot: u16) -> usize {
    usize::from(slot / 64)
}

/// The place of `slot` in its word.
pub(super) fn bit_of(slot: u16) -> u32 {
    u32::from(slot % 64)
}

/// The slot of bit `bit` of word `word`.
pub(super) fn slot_of(word: usize, bit: u32) -> u16 {
    let base = u16::try_from(word).unwrap_or(u16::MAX).saturating_mul(64);
    base.saturating_add(u16::try_from(bit).unwrap_or(64))
}

/// The lowest `count` bits; all of them from 64 on.
pub(super) const fn low_bits(count: u32) -> u64 {
    !u64::MAX.unbounded_shl(count)
}

/// The 64 slots from `slot` on.
pub(super) fn window(taken: &Words, slot: u16) -> u64 {
    let (word, bit) = (word_of(slot), bit_of(slot));
    let low = taken.get(word).copied().unwrap_or(u64::MAX);
    let high = taken.get(word.wrapping_add(1)).copied().unwrap_or(u64::MAX);
    splice(low, high, bit)
}

/// The 64 bits that begin with bit `bit` (0 to 63) of `low` and go on in `high`.
pub(super) const fn splice(low: u64, high: u64, bit: u32) -> u64 {
    // Two shifts, for one by 64 there is none.
    low.wrapping_shr(bit) | (high << 1).wrapping_shl(bit ^ 63)
}

/// Where in `free` runs of `length` set bits (1 to 64) begin.
pub(super) fn runs_of(free: u64, length: u32) -> u64 {
    let mut runs = free;
    let mut have = 1_u32;
    while have < length {
        // Twice as long, or the rest.
        let more = have.min(length.wrapping_sub(have));
        runs &= runs.wrapping_shr(more);
        have = have.wrapping_add(more);
    }
    runs
}

/// The length of the longest run of set bits in `free`, 0 to 64.
pub(super) fn longest_run(free: u64) -> u8 {
    if free == 0 {
        return 0;
    }
    // Runs of 2, 4, 8, 16 and 32 begin at the set bits of these.
    let two = free & (free >> 1);
    let four = two & (two >> 2);
    let eight = four & (four >> 4);
    let sixteen = eight & (eight >> 8);
    let thirty_two = sixteen & (sixteen >> 16);
    if thirty_two & (thirty_two >> 32) != 0 {
        return 64;
    }
    // Lengthen the longest by each power of two that still leaves one.
    let mut length = 0_u8;
    let mut runs = u64::MAX;
    for (power, of_power) in
        [(32, thirty_two), (16, sixteen), (8, eight), (4, four), (2, two), (1, free)]
    {
        let longer = runs & of_power.wrapping_shr(length.into());
        if longer != 0 {
            runs = longer;
            length |= power;
        }
    }
    length
}

/// Replaces each bit by whether any of `count` bits is set that begin with it
/// and lie `step` apart, by doubling: after a pass every bit speaks for twice as
/// many. The cost depends on `count` alone, not on what is taken.
///
/// The first `length` bits (at most a week) mean something before; how many do
/// after is returned: those whose last bit is among them.
pub(super) fn overlay(taken: &mut Words, length: u16, count: u16, step: u16) -> u16 {
    let mut length = length;
    let mut have = 1_u16;
    while have < count {
        let more = have.min(count.wrapping_sub(have));
        let shift = more.saturating_mul(step);
        have = have.wrapping_add(more);
        length = length.saturating_sub(shift);
        let words = word_of(length).wrapping_add(1);
        // A copy, for what the compiler knows not to alias it does with vectors.
        let mut from = [u64::MAX; WORDS + 1];
        from.iter_mut().zip(taken.iter()).for_each(|(to, from)| *to = *from);
        let low = from.get(word_of(shift)..).unwrap_or_default();
        let high = low.get(1..).unwrap_or_default();
        for ((word, low), high) in taken.iter_mut().take(words).zip(low).zip(high) {
            *word |= splice(*low, *high, bit_of(shift));
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive_longest(free: u64) -> u8 {
        let (mut run, mut best) = (0, 0);
        for bit in 0..64 {
            run = if free >> bit & 1 == 1 { run + 1 } else { 0 };
            best = best.max(run);
        }
        best
    }

    proptest! {
        #[test]
        fn runs_are_what_they_seem(a in any::<u64>(), b in any::<u64>(), c in any::<u64>(),
            length in 1_u32..=64)
        {
            for free in [a, a | b, a | b | c, u64::MAX, 0, a | u64::MAX << (length % 64)] {
                prop_assert_eq!(longest_run(free), naive_longest(free));
                let runs = runs_of(free, length);
                for bit in 0..64 {
                    let run = bit + length <= 64 && free >> bit & low_bits(length) == low_bits(length);
                    prop_assert_eq!(runs >> bit & 1 == 1, run);
                }
            }
        }
    }
}

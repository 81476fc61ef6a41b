//! Slots as bits: 64 to a word, the earliest in the lowest bit. A set bit is a
//! slot that is taken; what lies past the week is taken too.

use core::num::NonZeroU64;

use crate::time::Week;

/// Words that hold the slots of a week; of the last one the upper half is past
/// the week.
pub(super) const WORDS: usize = 158;

/// The slots of a week.
pub(super) type Words = [u64; WORDS];

/// Words that hold the slots of two weeks, 315, and one that is past them.
pub(super) const TWO_WEEKS: usize = 316;

/// The slots of two weeks, one after the other.
pub(super) type WideWords = [u64; TWO_WEEKS];

/// Writes the slots of one week and those of the next over all of `wide`.
pub(super) fn join(wide: &mut WideWords, this: &Words, next: &Words) {
    // A week ends in the middle of its last word.
    let (first, last) = wide.split_at_mut(WORDS.wrapping_sub(1));
    first.iter_mut().zip(this).for_each(|(to, from)| *to = *from);
    let mut before = this.last().copied().unwrap_or(u64::MAX).wrapping_shl(32);
    for (to, from) in last.iter_mut().zip(next) {
        *to = before.wrapping_shr(32) | from.wrapping_shl(32);
        before = *from;
    }
    // Two weeks end where a word does, and one more is past them.
    if let Some(past) = wide.last_mut() {
        *past = u64::MAX;
    }
}

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

/// Of the slots of `word`, those from `from` up to `to`, which is not one of them.
pub(super) fn slots_within(word: usize, from: u16, to: u16) -> u64 {
    let base = slot_of(word, 0);
    let before = u32::from(from.saturating_sub(base));
    u64::MAX.unbounded_shl(before) & low_bits(to.saturating_sub(base).into())
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

/// Where in `free` runs of `length` set bits (1 to 64) begin, which may go on in
/// `next`.
pub(super) fn runs_of(free: u64, next: u64, length: u32) -> u64 {
    let (mut free, mut next) = (free, next);
    let mut have = 1_u32;
    while have < length {
        // Twice as long, or the rest.
        let more = have.min(length.wrapping_sub(have));
        free &= splice(free, next, more);
        next &= next.wrapping_shr(more);
        have = have.wrapping_add(more);
    }
    free
}

/// The length of the longest run of clear bits that begins in `taken`, what it
/// has of `next` included: 0 to 128.
pub(super) fn longest_free_run(taken: u64, next: u64) -> u8 {
    let ahead = next.trailing_zeros();
    let length = match NonZeroU64::new(taken) {
        None => ahead.wrapping_add(64),
        Some(highest) => {
            let tail = highest.leading_zeros();
            let across = if tail == 0 { 0 } else { tail.wrapping_add(ahead) };
            // Every other run ends before the highest set bit.
            let others = 63_u32.wrapping_sub(tail);
            if across >= others { across } else { across.max(longest_run(!taken)) }
        }
    };
    u8::try_from(length).unwrap_or(128)
}

/// What [`longest_free_run`] is once the bits of `freed`, which follow one another, are
/// clear in `taken`, and some perhaps in `next`, given what it was: no run is shorter
/// then, and only these are longer.
pub(super) fn grown_free_run(was: u8, taken: u64, next: u64, freed: u64) -> u8 {
    let tail = taken.leading_zeros();
    let across = if tail == 0 { 0 } else { tail.wrapping_add(next.trailing_zeros()) };
    // The run of the freed bits, unless it is the one that goes on in `next`.
    let (from, to) = (freed.trailing_zeros(), 64_u32.wrapping_sub(freed.leading_zeros()));
    let above = taken.unbounded_shr(to);
    let merged = if above == 0 {
        0
    } else {
        let below = (taken & low_bits(from)).leading_zeros();
        let end = to.wrapping_add(above.trailing_zeros());
        end.wrapping_sub(64_u32.wrapping_sub(below))
    };
    was.max(u8::try_from(across.max(merged)).unwrap_or(128))
}

/// The length of the longest run of set bits, at most 63.
fn longest_run(bits: u64) -> u32 {
    // Runs of 2, 4, 8, 16 and 32 begin at the set bits of these.
    let two = bits & (bits >> 1);
    let four = two & (two >> 2);
    let eight = four & (four >> 4);
    let short = [(4, four), (2, two), (1, bits)];
    if eight == 0 {
        return lengthen(0, u64::MAX, short).0;
    }
    let sixteen = eight & (eight >> 8);
    let thirty_two = sixteen & (sixteen >> 16);
    let (length, runs) = lengthen(0, u64::MAX, [(32, thirty_two), (16, sixteen), (8, eight)]);
    lengthen(length, runs, short).0
}

/// Lengthens runs of `length`, which begin at the set bits of `runs`, by each
/// power of two that still leaves one, given where runs of that power begin.
fn lengthen(length: u32, runs: u64, powers: [(u32, u64); 3]) -> (u32, u64) {
    powers.into_iter().fold((length, runs), |(length, runs), (power, of_power)| {
        match runs & of_power.wrapping_shr(length) {
            0 => (length, runs),
            longer => (length | power, longer),
        }
    })
}

/// Replaces each bit by whether any of `count` bits is set that begin with it
/// and lie `step` apart, by doubling: after a pass every bit speaks for twice as
/// many. The cost depends on `count` alone, not on what is taken.
///
/// The first `length` bits (at most two weeks) mean something before; how many do
/// after is returned: those whose last bit is among them.
pub(super) fn overlay<const N: usize, const MORE: usize>(
    taken: &mut [u64; N],
    length: u16,
    count: u16,
    step: u16,
) -> u16 {
    const { assert!(MORE == N + 1, "a word after the last") }
    let mut length = length;
    let mut have = 1_u16;
    while have < count {
        let more = have.min(count.wrapping_sub(have));
        let shift = more.saturating_mul(step);
        have = have.wrapping_add(more);
        length = length.saturating_sub(shift);
        let words = word_of(length).wrapping_add(1);
        // A copy, for what the compiler knows not to alias it does with vectors.
        let mut from = [u64::MAX; MORE];
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

    proptest! {
        #[test]
        fn runs_are_what_they_seem(a in any::<u64>(), b in any::<u64>(), c in any::<u64>(),
            length in 1_u32..=64)
        {
            let edge = a | u64::MAX << (length % 64);
            let words = [a, a | b, a | b | c, u64::MAX, 0, edge, !edge, a & b & c];
            for (free, next) in words.iter().flat_map(|free| words.map(|next| (*free, next))) {
                let both = u128::from(next) << 64 | u128::from(free);
                let longest = (0..64).map(|bit| (both >> bit).trailing_ones()).max();
                prop_assert_eq!(longest, Some(longest_free_run(!free, !next).into()));
                let runs = runs_of(free, next, length);
                for bit in 0..64 {
                    let fits = (both >> bit).trailing_ones() >= length;
                    prop_assert_eq!(runs >> bit & 1 == 1, fits);
                }
            }
        }

        #[test]
        fn freed_runs_are_what_they_seem(a in any::<u64>(), b in any::<u64>(), c in any::<u64>(),
            from in 0_u32..64, length in 1_u32..=64, freed_next in 0_u32..=64)
        {
            let freed = low_bits(length) << from;
            for (taken, next) in [(a, b), (a | b, b | c), (a & b, c), (u64::MAX, u64::MAX), (0, a)] {
                let was = longest_free_run(taken, next);
                // What is freed in the next word begins with it, and only if this one ends so.
                let on = if freed >> 63 == 1 { freed_next } else { 0 };
                let (taken, next) = (taken & !freed, next & !low_bits(on));
                let now = grown_free_run(was, taken, next, freed);
                prop_assert_eq!(now, longest_free_run(taken, next));
            }
        }

        #[test]
        fn two_weeks_are_one_after_the_other(a in any::<u64>(), b in any::<u64>()) {
            let mut weeks = [[0; WORDS]; 2];
            for (week, seed) in weeks.iter_mut().zip([a, b]) {
                for (word, at) in week.iter_mut().zip(1..) {
                    *word = seed.wrapping_mul(at) ^ b.rotate_left(at as u32);
                }
                week[WORDS - 1] |= PAST_THE_WEEK;
            }
            let mut wide = [0; TWO_WEEKS];
            join(&mut wide, &weeks[0], &weeks[1]);
            for slot in 0..20_224_u16 {
                let week = weeks.get(usize::from(slot / 10_080));
                let taken = week.is_none_or(|week| window(week, slot % 10_080) & 1 == 1);
                prop_assert_eq!(wide[word_of(slot)] >> bit_of(slot) & 1 == 1, taken);
            }
        }
    }
}

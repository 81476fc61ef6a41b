//! What a request was granted: occurrences in one week, or in two that follow one
//! another.

use serde::{Deserialize, Serialize};

use super::pattern::{Pattern, Shape};
use super::week::WeekPlan;
use crate::scos::Series;
use crate::time::{Utc, Week};

/// The slots a request was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Grant {
    /// The occurrences, at most two weeks from the start of the first to the end of the last.
    pub series: Series,
}

impl Grant {
    /// `shape` with its first occurrence at minute `start`.
    pub(super) const fn new(start: i64, shape: Shape) -> Self {
        let (minutes, repeats, offset) = (shape.minutes(), shape.repeats(), shape.offset());
        Self { series: Series { start, minutes, repeats, offset } }
    }

    /// The start of each occurrence, in ascending order.
    pub fn starts(
        &self,
    ) -> impl DoubleEndedIterator<Item = Utc> + ExactSizeIterator + Clone + use<> {
        let series = self.series;
        (0..series.occurrences()).map(move |index| series.start_of(index))
    }

    /// The week the first occurrence begins in.
    #[must_use]
    pub fn week(&self) -> Week {
        Week::of_minute(self.series.start).0
    }

    /// The week the last occurrence ends in.
    #[must_use]
    pub fn last_week(&self) -> Week {
        let end = self.series.end_of(self.series.repeats).unix_minute();
        Week::of_minute(end.saturating_sub(1)).0
    }

    /// The minutes of it that lie in `week`.
    #[must_use]
    pub fn minutes_in(&self, week: Week) -> u16 {
        let minutes = self.parts_in(week).map(|part| part.shape().total_minutes());
        minutes.fold(0, u16::saturating_add)
    }

    /// What of it lies in `week`, in order: the end of an occurrence that began before, whole
    /// occurrences, the begin of one that goes on after.
    pub fn parts_in(&self, week: Week) -> impl Iterator<Item = Pattern> + Clone + use<> {
        self.parts(week).into_iter().flatten()
    }

    /// The occurrences before number `index`, and those from there on.
    #[must_use]
    pub fn split_at(&self, index: u16) -> (Option<Self>, Option<Self>) {
        let Series { minutes, repeats, offset, .. } = self.series;
        let of = |start, count: u16| {
            let repeats = count.checked_sub(1)?;
            let offset = if repeats == 0 { 0 } else { offset };
            Some(Self { series: Series { start, minutes, repeats, offset } })
        };
        let before = of(self.series.start, index.min(self.series.occurrences()));
        let left = repeats.saturating_add(1).saturating_sub(index);
        (before, of(self.series.start_of(index).unix_minute(), left))
    }

    /// Whether it is something a calendar can hold.
    pub(super) fn is_sound(&self) -> bool {
        let Series { start, minutes, repeats, offset } = self.series;
        Shape::wide(minutes, repeats, offset).is_ok() && start.checked_mul(60_000_000).is_some()
    }

    fn parts(&self, week: Week) -> [Option<Pattern>; 3] {
        let Series { start, minutes, offset, .. } = self.series;
        let count = i64::from(self.series.occurrences());
        let (length, step, size) =
            (i64::from(minutes), i64::from(offset), i64::from(Week::MINUTES));
        let first = start.saturating_sub(week.first_minute());
        let at = |index: i64| first.saturating_add(index.saturating_mul(step));
        // The first occurrence that does not begin before the week, and the first that
        // does not end within it.
        let from = steps(first.saturating_neg(), step).min(count);
        let last = size.saturating_sub(length).saturating_sub(first);
        let to = steps(last.saturating_add(1), step).min(count);
        let single = |start: i64, end: i64| part(start, end.saturating_sub(start), 1, 0);
        let before = from.saturating_sub(1);
        let end = at(before).saturating_add(length).min(size);
        let head = if from > 0 && end > 0 { single(0, end) } else { None };
        let whole = part(at(from), length, to.saturating_sub(from), offset);
        let tail =
            if to < count && at(to) >= 0 && at(to) < size { single(at(to), size) } else { None };
        [head, whole, tail]
    }
}

/// How many steps reach `distance`; without steps, none or more than there are.
fn steps(distance: i64, step: i64) -> i64 {
    if distance <= 0 {
        return 0;
    }
    let up = distance.saturating_add(step).saturating_sub(1);
    up.checked_div(step).unwrap_or(i64::MAX)
}

fn part(start: i64, minutes: i64, count: i64, offset: u16) -> Option<Pattern> {
    let repeats = u16::try_from(count.checked_sub(1)?).ok()?;
    let shape = Shape::new(u16::try_from(minutes).ok()?, repeats, offset).ok()?;
    Pattern::new(u16::try_from(start).ok()?, shape).ok()
}

/// The first minute of `grant` in `week` that is taken in its `plan`.
pub(super) fn first_taken(plan: &WeekPlan, week: Week, grant: &Grant) -> Option<i64> {
    let slot = grant.parts_in(week).find_map(|part| plan.exact(&part).err())?;
    Some(week.first_minute().saturating_add(slot.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        /// Every minute of an occurrence is in one part of one week, and no other minute is.
        #[test]
        fn parts_are_what_lies_in_a_week(start in -12_000_i64..22_000,
            minutes in prop_oneof![1_u16..9, 1_u16..=10_080], repeats in 0_u16..9,
            extra in prop_oneof![0_u16..30, 0_u16..3_000], week in -1_i64..3)
        {
            let shape = Shape::wide(minutes, repeats, minutes + extra)
                .or_else(|_| Shape::wide(minutes, 0, 0)).unwrap();
            let grant = Grant::new(Week(0).first_minute() + start, shape);
            let expected: Vec<_> = grant.starts().flat_map(|start| {
                let start = start.unix_minute();
                start..start + i64::from(minutes)
            }).filter(|minute| Week::of_minute(*minute).0 == Week(week)).collect();
            let parts: Vec<_> = grant.parts_in(Week(week)).flat_map(|part| {
                let minutes = part.shape().minutes();
                part.starts().flat_map(move |start| start..start + minutes)
            }).map(|slot| Week(week).first_minute() + i64::from(slot)).collect();
            prop_assert_eq!(usize::from(grant.minutes_in(Week(week))), expected.len());
            prop_assert_eq!(parts, expected);
        }

        #[test]
        fn splitting_keeps_every_occurrence(repeats in 0_u16..9, index in 0_u16..12) {
            let grant = Grant::new(100, Shape::wide(3, repeats, 7).unwrap());
            let (before, after) = grant.split_at(index);
            let both = before.iter().chain(&after).flat_map(Grant::starts);
            prop_assert!(both.eq(grant.starts()));
            prop_assert_eq!(
                before.map_or(0, |part| part.series.occurrences()), index.min(repeats + 1));
        }
    }
}

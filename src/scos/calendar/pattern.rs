//! What a scan request asks of a week: occurrences of one length at one
//! distance, first without a place ([`Shape`]), then with one ([`Pattern`]).

use core::fmt;

use crate::time::Week;

/// Why there is no such pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PatternError {
    /// An occurrence of no minutes.
    ZeroMinutes,
    /// An occurrence longer than a week, [`Week::MINUTES`].
    TooLong,
    /// The next occurrence would begin before the one before it ends.
    OverlapsItself,
    /// The last occurrence would end after the week, or after the next where a pattern may
    /// lie in both.
    CrossesWeek,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroMinutes => "a scan takes at least one minute",
            Self::TooLong => "a scan takes at most the 10,080 minutes of a week",
            Self::OverlapsItself => "the offset is less than the minutes of an occurrence",
            Self::CrossesWeek => "the last occurrence ends after the week",
        })
    }
}

impl core::error::Error for PatternError {}

/// Occurrences relative to the first: how long, how many, how far apart. From the
/// start of the first to the end of the last it spans at most a week, or two if it is
/// [`Shape::wide`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    minutes: u16,
    repeats: u16,
    offset: u16,
    /// From the start of the first to the end of the last.
    span: u16,
}

impl Shape {
    /// One occurrence of `minutes` (1 to 10,080) and `repeats` more, each `offset`
    /// minutes after the start of the one before. Without repeats the offset
    /// means nothing and is kept as 0.
    ///
    /// # Errors
    /// [`PatternError`]; [`PatternError::CrossesWeek`] when no week is long enough.
    pub const fn new(minutes: u16, repeats: u16, offset: u16) -> Result<Self, PatternError> {
        Self::within(minutes, repeats, offset, Week::MINUTES)
    }

    /// The same, for a pattern that may lie in two weeks.
    ///
    /// # Errors
    /// [`PatternError`]; [`PatternError::CrossesWeek`] when two weeks are not long enough.
    pub const fn wide(minutes: u16, repeats: u16, offset: u16) -> Result<Self, PatternError> {
        Self::within(minutes, repeats, offset, Self::TWO_WEEKS)
    }

    /// Minutes of two weeks.
    pub(super) const TWO_WEEKS: u16 = 20_160;

    const fn within(
        minutes: u16,
        repeats: u16,
        offset: u16,
        limit: u16,
    ) -> Result<Self, PatternError> {
        if minutes == 0 {
            return Err(PatternError::ZeroMinutes);
        }
        if minutes > Week::MINUTES {
            return Err(PatternError::TooLong);
        }
        if repeats == 0 {
            return Ok(Self { minutes, repeats, offset: 0, span: minutes });
        }
        if offset < minutes {
            return Err(PatternError::OverlapsItself);
        }
        // A product of more than 16 bits is longer than two weeks, and so is what
        // it saturates to.
        let span = offset.saturating_mul(repeats).saturating_add(minutes);
        if span > limit {
            return Err(PatternError::CrossesWeek);
        }
        Ok(Self { minutes, repeats, offset, span })
    }

    /// Minutes of an occurrence, 1 to 10,080.
    #[must_use]
    pub const fn minutes(&self) -> u16 {
        self.minutes
    }

    /// Occurrences after the first, 0 to 20,159.
    #[must_use]
    pub const fn repeats(&self) -> u16 {
        self.repeats
    }

    /// Minutes from the start of an occurrence to the start of the next; 0 when
    /// there is only one.
    #[must_use]
    pub const fn offset(&self) -> u16 {
        self.offset
    }

    /// Minutes of all occurrences together, at most those of the week, or of both.
    #[must_use]
    pub const fn total_minutes(&self) -> u16 {
        self.minutes.saturating_mul(self.repeats.saturating_add(1))
    }

    /// The latest slot of a week this shape can start in; 0 where no week is long enough.
    #[must_use]
    pub const fn latest_start(&self) -> u16 {
        Week::MINUTES.saturating_sub(self.span)
    }

    /// From the start of the first occurrence to the end of the last, in minutes.
    #[must_use]
    pub const fn span(&self) -> u16 {
        self.span
    }
}

/// A [`Shape`] at its place in a week. All of it lies inside the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pattern {
    start: u16,
    shape: Shape,
}

impl Pattern {
    /// `shape` with its first occurrence in slot `start`: minutes since Monday
    /// 00:00 UTC.
    ///
    /// # Errors
    /// [`PatternError::CrossesWeek`] when it does not end within the week.
    pub const fn new(start: u16, shape: Shape) -> Result<Self, PatternError> {
        if start.saturating_add(shape.span) > Week::MINUTES {
            return Err(PatternError::CrossesWeek);
        }
        Ok(Self { start, shape })
    }

    /// The slot of the first occurrence, 0 to 10,079.
    #[must_use]
    pub const fn start(&self) -> u16 {
        self.start
    }

    /// How its occurrences lie to one another.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The first slot of each occurrence, in ascending order.
    pub fn starts(
        &self,
    ) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + Clone + use<> {
        let Self { start, shape } = *self;
        // A `Range` has an exact size; there is no pattern of 65,536 occurrences.
        (0..shape.repeats.saturating_add(1))
            .map(move |nth| start.wrapping_add(nth.wrapping_mul(shape.offset)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_shape_is_named() {
        assert_eq!(Shape::new(0, 0, 0), Err(PatternError::ZeroMinutes));
        assert_eq!(Shape::new(10_081, 0, 0), Err(PatternError::TooLong));
        assert_eq!(Shape::new(5, 1, 4), Err(PatternError::OverlapsItself));
        assert_eq!(Shape::new(5, 7, 1_440), Err(PatternError::CrossesWeek));
        assert_eq!(Shape::new(1, u16::MAX, u16::MAX), Err(PatternError::CrossesWeek));
        assert!(Shape::new(10_080, 0, 0).is_ok());
        assert!(Shape::new(5, 1, 5).is_ok(), "back to back is not overlapping");
        assert_eq!(Shape::new(5, 0, 3), Shape::new(5, 0, 0), "one occurrence has no offset");
    }

    #[test]
    fn a_pattern_ends_with_the_week_at_the_latest() {
        let shape = Shape::new(5, 6, 1_440).unwrap();
        assert_eq!(shape.total_minutes(), 35);
        assert_eq!(shape.latest_start(), 1_435);
        let pattern = Pattern::new(1_435, shape).unwrap();
        assert_eq!(pattern.starts().next_back(), Some(10_075));
        assert_eq!(Pattern::new(1_436, shape), Err(PatternError::CrossesWeek));
        let wide = Shape::wide(5, 13, 1_440).unwrap();
        assert_eq!((wide.span(), wide.total_minutes(), wide.latest_start()), (18_725, 70, 0));
        assert_eq!(Pattern::new(0, wide), Err(PatternError::CrossesWeek));
        assert_eq!(Shape::wide(5, 14, 1_440), Err(PatternError::CrossesWeek));
        assert_eq!(Shape::wide(10_081, 0, 0), Err(PatternError::TooLong));
    }
}

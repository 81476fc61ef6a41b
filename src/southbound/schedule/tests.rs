use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::arena::{Arena, Holder};
use super::{Moment, ScheduleRow};
use crate::southbound::agent::Answer;
use crate::southbound::controller::RequestRow;
use crate::storage::{Row, Slot, Table};
use crate::time::Utc;

#[derive(Clone, Copy, Debug)]
struct Part {
    key: u8,
    at: u32,
}

impl Row for Part {
    type Key = u8;

    fn key(&self) -> u8 {
        self.key
    }
}

impl Holder for Part {
    fn part(&self) -> Option<u32> {
        Some(self.at)
    }

    fn moved(&mut self, to: u32) {
        self.at = to;
    }
}

#[test]
fn rows_are_as_long_as_the_document_says() {
    assert_eq!(size_of::<Slot<ScheduleRow>>(), 56);
    assert_eq!(size_of::<Answer>(), 16);
    assert_eq!(size_of::<Slot<RequestRow>>(), 40);
}

#[test]
fn moments_are_of_the_years_that_there_are() {
    assert!(Moment::new(0, 999_999_999).is_some());
    assert!(Moment::new(0, 1_000_000_000).is_none());
    assert!(Moment::new(-62_135_596_800, 0).is_some_and(|first| first > Moment::EARLIEST));
    assert!(Moment::new(-62_135_596_801, 999_999_999).is_none());
    assert!(Moment::new(253_402_300_799, 0).is_some());
    assert!(Moment::new(253_402_300_800, 0).is_none());
    // A clock shows an instant that is between two of its own at the second of them.
    let between = Moment::new(-1, 999_999_001).unwrap();
    assert_eq!(between.utc(), Utc::from_unix_micros(0));
    assert_eq!(Moment::new(-1, 999_999_000).unwrap().utc(), Utc::from_unix_micros(-1));
}

proptest! {
    #[test]
    fn a_clock_shows_a_moment_when_it_is_there_and_not_before(micros in -1_000_000_000_000_i64..1 << 50) {
        let utc = Utc::from_unix_micros(micros);
        prop_assert_eq!(Moment::of(utc).utc(), utc);
        let later = Moment::of(utc);
        let later = Moment::new(later.seconds(), later.nanos() + 1).unwrap();
        prop_assert!(Moment::of(later.utc()) >= later);
        prop_assert!(Moment::of(utc) < later);
    }

    #[test]
    fn parts_stay_what_they_are_whatever_is_given_back(
        steps in proptest::collection::vec((any::<u8>(), 0..40_usize), 0..120),
        room in 0..300_usize,
    ) {
        let mut octets = std::vec![0; room];
        let mut slots = [const { Slot::EMPTY }; 12];
        let (mut arena, mut rows) = (Arena::new(&mut octets), Table::new(&mut slots));
        let mut model: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for (number, length) in steps {
            let key = number % 16;
            if let Some(row) = rows.remove(key) {
                let row: Part = row;
                arena.give_back(row.at);
                model.remove(&key);
            } else if rows.len() < 12 {
                let used: usize = model.values().map(|part| part.len() + 8).sum();
                let taken = arena.take(length, &mut rows);
                prop_assert_eq!(taken.is_some(), used + length + 8 <= room);
                if let Some(at) = taken {
                    let part = std::vec![number; length];
                    arena.get_mut(at).copy_from_slice(&part);
                    rows.insert(Part { key, at }).unwrap();
                    model.insert(key, part);
                }
            }
            for row in rows.iter() {
                prop_assert_eq!(arena.get(Some(row.at)), &model[&row.key][..]);
            }
            let used: usize = model.values().map(|part| part.len() + 8).sum();
            prop_assert_eq!(arena.room(), room - used);
        }
    }
}

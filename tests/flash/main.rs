//! A store in flash that fails, wears and loses power.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod nor;
mod operations;

use farpost::storage::Slot;
use farpost::store::flash::{FlashConfig, FlashStore, OpenError};
use farpost::store::{RECORD_MAX, Store, StoreError};
use nor::{Fails, Nor};
use operations::{Ask, Board, Model, contents, key, play};
use proptest::prelude::*;

/// Records change, come and go, long enough that every segment is left several times.
fn story(rounds: u8) -> Vec<Ask> {
    let mut story = Vec::new();
    for round in 0..rounds {
        let put = |key_number, length: usize, fill| Ask::Put(key(key_number), vec![fill; length]);
        story.push(put(1, 700, round));
        story.push(put(10 + round % 3, 1_200, round));
        story.push(Ask::Sync);
        story.push(put(100 + round % 5, usize::from(round) * 3, round));
        story.push(Ask::Remove(key(10 + (round + 1) % 3)));
        // Never there, and so nothing to be done.
        story.push(Ask::Remove(key(99)));
        story.push(Ask::Sync);
    }
    story
}

/// Plays a story until power is lost. Returns how much of it was done then.
fn play_until_dead<const W: usize, const R: usize, const E: usize>(
    board: &Board<W, R, E>,
    story: &[Ask],
    model: &mut Model,
) -> Option<usize> {
    let interrupted = board.with(|store| {
        story.iter().position(|ask| match ask.of(store) {
            Ok(()) => {
                ask.apply(model);
                false
            }
            Err(StoreError::Failed) => true,
            Err(error) => panic!("{ask:?}: {error}"),
        })
    });
    interrupted.expect("it opens")
}

/// Loses power in every write and erasure of a story, and twice more soon after. Returns
/// in how many.
fn lose_power_everywhere<const W: usize, const R: usize, const E: usize>(
    sectors: usize,
    rounds: u8,
) -> u64 {
    let story = story(rounds);
    for nth in 1.. {
        let board = Board::<W, R, E>::new(sectors, 0, 16, nth);
        let (mut model, mut at, mut losses) = (Model::new(), 0, 0);
        for after in [nth, nth % 7 + 1, nth % 3 + 1] {
            board.nor.die_at(after);
            let Some(done) = play_until_dead(&board, &story[at..], &mut model) else { break };
            assert!(board.nor.is_dead());
            (at, losses) = (at + done, losses + 1);
            board.nor.revive();
            let (found, damaged) = board.contents();
            assert_eq!(damaged, 0, "operation {nth}");
            if found != model {
                story[at].apply(&mut model);
                assert_eq!(found, model, "operation {nth}: {:?}", story[at]);
            }
        }
        if losses == 0 {
            return nth - 1;
        }
        board.nor.revive();
        assert_eq!(play_until_dead(&board, &story[at..], &mut model), None);
        assert_eq!(board.contents(), (model, 0), "operation {nth}");
    }
    unreachable!("every story has an end")
}

#[test]
fn what_returned_is_there_after_a_loss_of_power_in_any_write_or_erasure() {
    let geometries: [fn() -> u64; 5] = [
        || lose_power_everywhere::<4, 1, 4_096>(3, 12),
        || lose_power_everywhere::<8, 4, 2_048>(6, 12),
        || lose_power_everywhere::<32, 1, 4_096>(3, 12),
        || lose_power_everywhere::<1, 1, 512>(32, 12),
        || lose_power_everywhere::<16, 32, 8_192>(2, 16),
    ];
    for play in geometries {
        let operations = play();
        assert!(operations > 250, "{operations}");
    }
}

#[test]
fn all_segments_wear_alike_whatever_stays_and_whatever_changes() {
    let board = Board::<8, 8, 4_096>::new(9, 0, 32, 1);
    let (erased, puts) = board
        .with(|store| {
            for number in 0..8 {
                store.put(&key(number), &[number; 1_000]).unwrap();
            }
            let mut puts = 0_u32;
            for turn in 0..4_000_u32 {
                store.put(&key(100), &turn.to_le_bytes().repeat(30)).unwrap();
                puts += store.stats().copied.min(1);
            }
            (store.stats().erased, puts)
        })
        .unwrap();
    assert!(puts > 3_000 && erased > 150, "{erased}");
    let each = board.nor.cells().erased.clone();
    assert_eq!(each.iter().sum::<u32>(), erased);
    let (most, least) = (each.iter().max().unwrap(), each.iter().min().unwrap());
    assert!(most - least <= 1, "{each:?}");
    // 144 octets a record: with a third of the room taken by what stays, half as much again is
    // erased as is written.
    let written = 4_000 * 144 / 4_096;
    assert!(erased < written * 2, "{erased} segments erased for {written} that were written");
}

#[test]
fn full_is_refused_with_nothing_lost_and_removing_makes_room() {
    let board = Board::<4, 1, 4_096>::new(4, 0, 100, 1);
    let mut model = Model::new();
    let checked = board.with(|store| {
        let refused = (0..100).find(|number| {
            let put = store.put(&key(*number), &[*number; 500]);
            let taken = put.is_ok();
            if taken {
                model.insert(key(*number), vec![*number; 500]);
            }
            assert!(taken || put == Err(StoreError::Full));
            !taken
        });
        let refused = refused.expect("it is full at some time");
        // Two thirds of the three segments that are not always free.
        assert_eq!(model.len(), 15);
        assert_eq!((store.used(), store.room()), (15 * 528, 3 * (4_032 - 1_224)));
        assert_eq!(contents(store), (model.clone(), 0));
        // What is there changes as often as need be.
        for turn in 0..200 {
            store.put(&key(turn % 15), &[turn; 500]).unwrap();
            model.insert(key(turn % 15), vec![turn; 500]);
        }
        assert_eq!(store.put(&key(refused), &[1; 500]), Err(StoreError::Full));
        assert_eq!(store.put(&key(3), &[1; 1_200]), Err(StoreError::Full));
        assert_eq!(contents(store), (model.clone(), 0));
        store.remove(&key(7)).unwrap();
        store.put(&key(refused), &[1; 500]).unwrap();
        model.remove(&key(7));
        model.insert(key(refused), vec![1; 500]);
        for number in 0..=refused {
            store.remove(&key(number)).unwrap();
        }
        for turn in 0..100 {
            store.put(&key(turn), b"small").unwrap();
        }
        assert_eq!(store.put(&key(100), b"one too many"), Err(StoreError::Full));
        assert_eq!(store.put(&key(1), &[0; RECORD_MAX + 1]), Err(StoreError::Full));
        assert_eq!(store.records(), 100);
    });
    checked.unwrap();
    assert_eq!(board.contents().0.len(), 100);
}

#[test]
fn with_fewer_rows_than_records_it_is_not_opened() {
    let mut board = Board::<4, 1, 4_096>::new(4, 0, 8, 1);
    board.with(|store| (0..8).for_each(|number| store.put(&key(number), b"x").unwrap())).unwrap();
    board.rows = 7;
    assert_eq!(board.with(|_| ()), Err(OpenError::Store(StoreError::Full)));
    board.rows = 8;
    assert_eq!(board.contents().0.len(), 8);
}

#[test]
fn what_is_no_store_is_named_and_left_alone() {
    let board = Board::<4, 1, 4_096>::new(4, 0, 8, 1);
    board.nor.cells().octets[3 * 4_096 + 100] = 0;
    let before = board.nor.cells().octets.clone();
    let foreign = Err(OpenError::Store(StoreError::Foreign));
    assert_eq!(board.with(|_| ()), foreign);
    assert_eq!(board.nor.cells().octets, before);
    FlashStore::format(board.nor.clone(), &board.config).unwrap();
    board.with(|store| store.put(&key(1), b"one").unwrap()).unwrap();
    // A store, but of another region, or with other words.
    let other = FlashConfig { region: 0..3 * 4_096, spares: 0 };
    let open = |config: &FlashConfig| {
        FlashStore::open(board.nor.clone(), config, &mut [Slot::EMPTY; 8]).map(|_| ())
    };
    assert_eq!(open(&other), foreign);
    assert_eq!(open(&board.config), Ok(()));
    // More spares need no other division.
    assert_eq!(open(&FlashConfig { spares: 2, ..board.config.clone() }), Ok(()));
}

#[test]
fn the_first_record_of_all_may_be_cut_short_as_often_as_there_are_segments_but_one() {
    let board = Board::<4, 1, 4_096>::new(3, 0, 8, 5);
    for _ in 0..2 {
        board.nor.die_at(1);
        assert_eq!(board.with(|store| store.put(&key(1), b"one")), Ok(Err(StoreError::Failed)));
        board.nor.revive();
        assert_eq!(board.contents(), (Model::new(), 0));
    }
    board.with(|store| store.put(&key(1), b"one").unwrap()).unwrap();
    assert_eq!(board.contents().0[&key(1)], b"one");
}

#[test]
fn flash_that_does_not_suit_is_named() {
    fn open<const W: usize, const R: usize, const E: usize>(
        region: core::ops::Range<u32>,
    ) -> (OpenError, String) {
        let config = FlashConfig { region, spares: 1 };
        let nor = Nor::<W, R, E>::new(2, 1);
        let error = FlashStore::open(nor, &config, &mut [Slot::EMPTY; 8]).map(|_| ()).unwrap_err();
        (error, error.to_string())
    }
    assert_eq!(open::<64, 1, 4_096>(0..8_192).0, OpenError::Word);
    assert_eq!(open::<4, 3, 4_096>(0..8_192).0, OpenError::Word);
    assert_eq!(open::<4, 1, 1_048_576>(0..2_097_152).0, OpenError::Sector);
    assert_eq!(open::<4, 1, 4_096>(1_024..8_192).0, OpenError::Region);
    assert_eq!(open::<4, 1, 4_096>(0..12_288).0, OpenError::Region);
    #[expect(clippy::reversed_empty_ranges, reason = "nothing a board should do")]
    let backwards = open::<4, 1, 4_096>(8_192..4_096).0;
    assert_eq!(backwards, OpenError::Region);
    let (error, text) = open::<4, 1, 4_096>(0..8_192);
    assert_eq!(error, OpenError::TooSmall { have: 2, need: 3 });
    assert_eq!(text, "the region has 2 segments, and it takes 3");
}

#[test]
fn a_bit_that_flips_is_told_and_never_gives_a_value_that_was_not_put() {
    let board = Board::<4, 1, 4_096>::new(3, 0, 16, 1);
    let mut model = Model::new();
    assert_eq!(play_until_dead(&board, &story(9), &mut model), None);
    board.with(|store| store.sync().unwrap()).unwrap();
    let whole = board.nor.cells().octets.clone();
    let (mut told, mut harmless) = (0, 0);
    for octet in (0..whole.len()).step_by(3) {
        board.nor.flip(octet * 8 + octet % 8);
        let (found, damaged) = board.contents();
        if damaged == 0 {
            assert_eq!(found, model, "octet {octet}");
            harmless += 1;
        } else {
            told += 1;
            // Of what is left none was altered, but what was replaced or forgotten may be there.
            for (key, value) in found {
                let fill = value.first().copied().unwrap_or_default();
                assert!(value.iter().all(|octet| *octet == fill), "{key:?} after octet {octet}");
            }
        }
        board.nor.cells().octets.clone_from(&whole);
    }
    assert!(told > 500 && harmless > 500, "{told} {harmless}");
}

#[test]
fn damage_is_told_until_something_was_kept_and_then_no_more() {
    let board = Board::<4, 1, 4_096>::new(5, 0, 16, 1);
    board.with(|store| (1..=9).for_each(|n| store.put(&key(n), &[n; 900]).unwrap())).unwrap();
    board.with(|store| store.sync().unwrap()).unwrap();
    // In the value of the first.
    board.nor.flip((64 + 24 + 100) * 8);
    for _ in 0..2 {
        let (found, damaged) = board.contents();
        assert_eq!((found.len(), damaged), (8, 1));
        assert!(!found.contains_key(&key(1)));
    }
    board
        .with(|store| {
            contents(store);
            for turn in 0..5 {
                assert_eq!(contents(store).1, u32::from(turn < 3), "turn {turn}");
                store.put(&key(50), &[turn]).unwrap();
                store.sync().unwrap();
            }
        })
        .unwrap();
    let (found, damaged) = board.contents();
    assert_eq!((found.len(), damaged), (9, 0));
}

#[test]
fn octets_that_cannot_be_read_are_damage_and_flash_that_cannot_be_is_a_failure() {
    let board = Board::<4, 1, 4_096>::new(4, 0, 16, 1);
    board.with(|store| (1..=5).for_each(|n| store.put(&key(n), &[n; 300]).unwrap())).unwrap();
    let failed = board
        .with(|store| {
            board.nor.cells().unreadable = 0..4 * 4_096;
            let loaded = store.load(&mut |_, _| panic!("nothing can be read"));
            board.nor.cells().unreadable = 0..0;
            (loaded, contents(store))
        })
        .unwrap();
    assert_eq!(failed.0, Err(StoreError::Failed));
    assert_eq!((failed.1.0.len(), failed.1.1), (5, 0), "nothing is forgotten");
    board.nor.cells().unreadable = 0..4 * 4_096;
    assert_eq!(board.with(|_| ()), Err(OpenError::Store(StoreError::Failed)));
    board.nor.cells().unreadable = 64 + 30..64 + 31;
    let (found, damaged) = board.contents();
    assert_eq!((found.len(), damaged), (4, 1));
}

#[test]
fn a_segment_that_fails_is_passed_over() {
    for fails in [Fails::Loudly, Fails::Silently] {
        for bad in 0..5 {
            let board = Board::<4, 1, 4_096>::new(5, 1, 16, 1);
            let mut model = Model::new();
            assert_eq!(play_until_dead(&board, &story(6), &mut model), None);
            board.nor.fail(&[bad], fails);
            assert_eq!(play_until_dead(&board, &story(40), &mut model), None, "{bad} {fails:?}");
            assert_eq!(board.contents(), (model.clone(), 0));
            // It is tried again, and works again.
            board.nor.fail(&[], fails);
            let before = board.nor.cells().erased[bad];
            assert_eq!(play_until_dead(&board, &story(20), &mut model), None);
            assert_eq!(board.contents(), (model, 0));
            assert!(board.nor.cells().erased[bad] > before);
        }
    }
}

#[test]
fn more_segments_that_fail_than_spares_are_a_failure_with_nothing_lost() {
    let board = Board::<4, 1, 4_096>::new(4, 1, 16, 1);
    let mut model = Model::new();
    assert_eq!(play_until_dead(&board, &story(9), &mut model), None);
    board.nor.fail(&[0, 1, 2, 3], Fails::Loudly);
    let asked = story(9);
    assert!(play_until_dead(&board, &asked, &mut model).is_some());
    assert_eq!(board.contents(), (model.clone(), 0));
    board.nor.fail(&[], Fails::Loudly);
    assert_eq!(play_until_dead(&board, &asked, &mut model), None);
    assert_eq!(board.contents(), (model, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn it_is_a_map_whatever_happens(octets in proptest::collection::vec(any::<u8>(), 0..700)) {
        play(&octets);
    }
}

//! Octets as a life of a store in flash, beside a map that says what must be there.
//! The property test and the fuzz target `flash_store` play them.

use std::collections::{BTreeMap, BTreeSet};

use farpost::storage::Slot;
use farpost::store::flash::{FlashConfig, FlashRow, FlashStore, OpenError};
use farpost::store::{RecordKey, Store, StoreError};

use super::nor::{Fails, Nor};

pub(crate) type Model = BTreeMap<RecordKey, Vec<u8>>;

pub(crate) fn key(number: u8) -> RecordKey {
    RecordKey::new([number, 0, 0, 0, number, 0, 0, 0, 0, 0, number])
}

/// A flash and what a store is opened with.
pub(crate) struct Board<const WRITE: usize, const READ: usize, const ERASE: usize> {
    pub(crate) nor: Nor<WRITE, READ, ERASE>,
    pub(crate) config: FlashConfig,
    pub(crate) rows: usize,
}

impl<const WRITE: usize, const READ: usize, const ERASE: usize> Board<WRITE, READ, ERASE> {
    /// A store in all of a flash of so many sectors.
    pub(crate) fn new(sectors: usize, spares: u16, rows: usize, seed: u64) -> Self {
        let region = 0..u32::try_from(sectors * ERASE).unwrap();
        let nor = Nor::new(sectors, seed);
        Self { nor, config: FlashConfig { region, spares }, rows }
    }

    pub(crate) fn octets(&self, value: usize) -> usize {
        let word = WRITE.max(READ).max(8);
        24_usize.next_multiple_of(word) + value.next_multiple_of(word)
    }

    pub(crate) fn used(&self, model: &Model) -> usize {
        model.values().map(|value| self.octets(value.len())).sum()
    }

    /// Does something with the store, opened anew.
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&mut FlashStore<'_, Nor<WRITE, READ, ERASE>>) -> R,
    ) -> Result<R, OpenError> {
        self.nor.start();
        let mut rows = vec![Slot::EMPTY; self.rows];
        let rows: &mut [Slot<FlashRow>] = &mut rows;
        FlashStore::open(self.nor.clone(), &self.config, rows).map(|mut store| act(&mut store))
    }

    /// What is there when it is opened now, and how much of it is damaged.
    pub(crate) fn contents(&self) -> (Model, u32) {
        self.with(|store| contents(store)).expect("it opens")
    }
}

pub(crate) fn contents(store: &mut impl Store) -> (Model, u32) {
    let mut found = Model::new();
    let loaded = store.load(&mut |key, value| {
        assert!(found.insert(*key, value.to_vec()).is_none(), "{key:?} is given twice");
    });
    (found, loaded.expect("it is read").damaged)
}

/// What a store is asked.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Put(RecordKey, Vec<u8>),
    Remove(RecordKey),
    Sync,
}

impl Ask {
    pub(crate) fn of(&self, store: &mut impl Store) -> Result<(), StoreError> {
        match self {
            Self::Put(key, value) => store.put(key, value),
            Self::Remove(key) => store.remove(key),
            Self::Sync => store.sync(),
        }
    }

    pub(crate) fn apply(&self, model: &mut Model) {
        match self {
            Self::Put(key, value) => drop(model.insert(*key, value.clone())),
            Self::Remove(key) => drop(model.remove(key)),
            Self::Sync => {}
        }
    }
}

/// Octets that run out.
struct Octets<'a>(&'a [u8]);

impl Octets<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn two(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_le_bytes([self.next()?, self.next()?])))
    }
}

/// The first octet says what flash it is, the others what happens.
pub(crate) fn play(octets: &[u8]) {
    let mut octets = Octets(octets);
    match octets.next().unwrap_or(0) % 5 {
        0 => Life::<4, 1, 4_096>::new(5).play(&mut octets),
        1 => Life::<8, 4, 2_048>::new(10).play(&mut octets),
        2 => Life::<32, 1, 4_096>::new(4).play(&mut octets),
        3 => Life::<1, 1, 1_024>::new(20).play(&mut octets),
        _ => Life::<16, 16, 8_192>::new(3).play(&mut octets),
    }
}

/// Records there is room for.
const ROWS: usize = 12;

struct Life<const WRITE: usize, const READ: usize, const ERASE: usize> {
    board: Board<WRITE, READ, ERASE>,
    model: Model,
    /// Every value there was under a key.
    history: BTreeMap<RecordKey, BTreeSet<Vec<u8>>>,
    losses: u32,
    /// Sectors have failed.
    failed: bool,
    /// Something was kept, so that this is a store for ever.
    begun: bool,
}

impl<const WRITE: usize, const READ: usize, const ERASE: usize> Life<WRITE, READ, ERASE> {
    fn new(sectors: usize) -> Self {
        Self {
            board: Board::new(sectors, 1, ROWS, 7),
            model: Model::new(),
            history: BTreeMap::new(),
            losses: 0,
            failed: false,
            begun: false,
        }
    }

    fn play(&mut self, octets: &mut Octets<'_>) {
        while self.run(octets).is_some() {}
        self.board.nor.revive();
        self.board.nor.fail(&[], Fails::Loudly);
        let found = self.board.contents();
        assert_eq!(found, (self.model.clone(), 0));
        if !self.failed {
            let erased = &self.board.nor.cells().erased;
            let (most, least) = (erased.iter().max().unwrap(), erased.iter().min().unwrap());
            assert!(most - least <= 1 + self.losses, "{erased:?} after {} losses", self.losses);
        }
    }

    /// One run of the store: until it is opened anew, or power is lost.
    fn run(&mut self, octets: &mut Octets<'_>) -> Option<()> {
        let mut rows = [const { Slot::EMPTY }; ROWS];
        let nor = self.board.nor.clone();
        nor.start();
        let mut store = match FlashStore::open(nor.clone(), &self.board.config, &mut rows) {
            Ok(store) => store,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(contents(&mut store), (self.model.clone(), 0));
        loop {
            let operation = octets.next()?;
            let ask = match operation % 16 {
                0..=6 => {
                    let key = key(octets.next()? % 16);
                    let length = octets.two()? % 1_201;
                    Ask::Put(key, vec![octets.next()?; length])
                }
                7..=8 => Ask::Remove(key(octets.next()? % 16)),
                9..=10 => Ask::Sync,
                11 => return Some(()),
                12 => {
                    nor.die_at(1 + u64::from(octets.next()? % 64));
                    continue;
                }
                13 => {
                    self.fail(octets.next()?);
                    continue;
                }
                14 => {
                    let bit = octets.two()? << 8 | usize::from(octets.next()?);
                    if store.sync().is_err() {
                        return self.begin_again(&Ask::Sync);
                    }
                    drop(store);
                    if self.begun {
                        self.flip(bit);
                    }
                    return Some(());
                }
                _ => {
                    assert_eq!(contents(&mut store), (self.model.clone(), 0));
                    continue;
                }
            };
            if let Ask::Put(key, value) = &ask {
                self.history.entry(*key).or_default().insert(value.clone());
            }
            let expected = self.full(&ask, store.room());
            match ask.of(&mut store) {
                Ok(()) => {
                    assert!(!expected, "{ask:?} was taken, and there is no room");
                    ask.apply(&mut self.model);
                    self.begun |= !self.model.is_empty();
                    assert_eq!(store.used() as usize, self.board.used(&self.model));
                    assert_eq!(store.records(), self.model.len());
                }
                Err(StoreError::Full) => assert!(expected, "{ask:?} was refused"),
                Err(error) => {
                    assert!(error == StoreError::Failed && (nor.is_dead() || self.failed));
                    return self.begin_again(&ask);
                }
            }
        }
    }

    /// Power was lost, or the flash failed, while this was done: it is done, or not.
    fn begin_again(&mut self, ask: &Ask) -> Option<()> {
        if self.board.nor.is_dead() {
            self.losses += 1;
            self.board.nor.revive();
        }
        let (found, damaged) = self.board.contents();
        assert_eq!(damaged, 0);
        if found != self.model {
            ask.apply(&mut self.model);
            assert_eq!(found, self.model, "after {ask:?}");
        }
        Some(())
    }

    fn full(&self, ask: &Ask, room: u32) -> bool {
        let Ask::Put(key, value) = ask else { return false };
        let mut model = self.model.clone();
        model.insert(*key, value.clone());
        model.len() > ROWS || self.board.used(&model) > room as usize
    }

    /// A segment fails, or works again.
    fn fail(&mut self, how: u8) {
        let nor = &self.board.nor;
        let sectors = nor.cells().erased.len();
        let fails = if how & 1 == 0 { Fails::Loudly } else { Fails::Silently };
        let sector = usize::from(how >> 1) % (sectors + sectors / 2);
        self.failed |= sector < sectors;
        nor.fail(&if sector < sectors { vec![sector] } else { vec![] }, fails);
    }

    /// A bit flips while nobody looks. Whatever that harms is told, and what is told is
    /// forgotten once something was kept after it.
    fn flip(&mut self, bit: usize) {
        let nor = self.board.nor.clone();
        nor.revive();
        nor.fail(&[], Fails::Loudly);
        let bits = nor.cells().octets.len() * 8;
        nor.flip(bit % bits);
        let (found, damaged) = self.board.contents();
        if damaged == 0 {
            assert_eq!(found, self.model, "bit {bit} was not told");
        }
        for (key, value) in &found {
            assert!(self.history[key].contains(value), "{key:?} was never so");
        }
        self.model = found;
        let told = self.board.with(|store| {
            contents(store);
            // Whether there is room for it or not.
            let _ = store.put(&key(200), b"");
            for _ in 0..20 {
                store.sync().expect("it works");
            }
            let _ = store.remove(&key(200));
        });
        told.expect("it opens");
        self.model.remove(&key(200));
        self.history.entry(key(200)).or_default().insert(vec![]);
        assert_eq!(self.board.contents(), (self.model.clone(), 0), "damage is told for ever");
    }
}

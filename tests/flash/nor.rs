//! A NOR flash in memory, as bad as real ones: writing only clears bits, a word is
//! written once between erasures, power is lost in the middle, bits flip and sectors fail.

use core::ops::Range;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::vec;
use std::vec::Vec;

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

/// Clones are the same flash.
#[derive(Clone, Debug)]
pub(crate) struct Nor<const WRITE: usize, const READ: usize, const ERASE: usize>(Arc<Mutex<Cells>>);

/// How a sector fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fails {
    /// Writing and erasing say so.
    Loudly,
    /// Writing does nothing, and says nothing.
    Silently,
}

#[derive(Debug)]
pub(crate) struct Cells {
    pub(crate) octets: Vec<u8>,
    /// Words that are not to be written before they are erased.
    used: Vec<bool>,
    /// How often each sector was erased.
    pub(crate) erased: Vec<u32>,
    /// Writes and erasures so far.
    pub(crate) operations: u64,
    dies_at: Option<u64>,
    dead: bool,
    random: u64,
    /// A write that power is lost in may leave no trace: it is not the first of a start.
    may_vanish: bool,
    failing: BTreeSet<usize>,
    fails: Fails,
    /// Octets that cannot be read.
    pub(crate) unreadable: Range<usize>,
}

impl Cells {
    /// SplitMix64.
    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// Some bits of an octet are cleared that `to` has cleared.
    fn in_part(&mut self, at: usize, to: u8) {
        let kept = self.below(256) as u8;
        self.octets[at] &= to | kept;
    }

    /// A write that power is lost in. Words may be written in any order.
    fn tear_write(&mut self, at: usize, octets: &[u8], word: usize, sector: usize) {
        let words = octets.len() / word;
        let in_order = self.below(2) == 0;
        let torn = self.below(words as u64) as usize;
        for nth in 0..words {
            let place = at + nth * word..at + (nth + 1) * word;
            let to = &octets[nth * word..(nth + 1) * word];
            let how = match nth {
                _ if !in_order => self.below(4),
                nth if nth < torn => 0,
                nth if nth == torn => 1 + self.below(2),
                _ => 3,
            };
            let before = self.octets[place.clone()].to_vec();
            match how {
                0 => place.clone().zip(to).for_each(|(at, to)| self.octets[at] &= to),
                1 => place.clone().zip(to).for_each(|(at, to)| self.in_part(at, *to)),
                2 => {}
                _ => continue,
            }
            if self.octets[place.clone()] == before {
                // Begun, and nothing to be seen of it. Not so where a sector begins: the first
                // words there ever are may be written again as they were.
                if !self.may_vanish || at.is_multiple_of(sector) {
                    continue;
                }
                self.may_vanish = false;
            }
            self.used[place.start / word] = true;
        }
    }

    /// An erasure that power is lost in: anything may be there, and it is not to be
    /// written to, even if it reads as erased.
    fn tear_erase(&mut self, sector: Range<usize>, word: usize) {
        let how = self.below(4);
        for at in sector.clone() {
            let some = self.below(256) as u8;
            match how {
                0 => self.octets[at] |= some,
                1 => self.octets[at] = some,
                2 if some < 128 => self.octets[at] = 0xff,
                2 => {}
                _ => self.octets[at] = 0xff,
            }
        }
        self.used[sector.start / word..sector.end / word].fill(true);
    }

    /// Whether this operation is done: power may be lost in it.
    fn operate(&mut self) -> Result<bool, NorFlashErrorKind> {
        if self.dead {
            return Err(NorFlashErrorKind::Other);
        }
        self.operations += 1;
        self.dead = self.dies_at.is_some_and(|at| self.operations >= at);
        Ok(!self.dead)
    }
}

impl<const WRITE: usize, const READ: usize, const ERASE: usize> Nor<WRITE, READ, ERASE> {
    /// So many sectors, erased.
    pub(crate) fn new(sectors: usize, seed: u64) -> Self {
        let octets = sectors * ERASE;
        Self(Arc::new(Mutex::new(Cells {
            octets: vec![0xff; octets],
            used: vec![false; octets / WRITE],
            erased: vec![0; sectors],
            operations: 0,
            dies_at: None,
            dead: false,
            random: seed,
            may_vanish: false,
            failing: BTreeSet::new(),
            fails: Fails::Loudly,
            unreadable: 0..0,
        })))
    }

    pub(crate) fn cells(&self) -> MutexGuard<'_, Cells> {
        self.0.lock().unwrap()
    }

    /// Power is lost in the `operation`-th from now on.
    pub(crate) fn die_at(&self, operation: u64) {
        let mut cells = self.cells();
        cells.dies_at = Some(cells.operations + operation);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.cells().dead
    }

    /// Power comes back.
    pub(crate) fn revive(&self) {
        let mut cells = self.cells();
        (cells.dead, cells.dies_at) = (false, None);
    }

    /// These sectors fail, and no others.
    pub(crate) fn fail(&self, sectors: &[usize], fails: Fails) {
        let mut cells = self.cells();
        cells.failing = sectors.iter().copied().collect();
        cells.fails = fails;
    }

    /// Somebody begins to work with it.
    pub(crate) fn start(&self) {
        self.cells().may_vanish = false;
    }

    pub(crate) fn flip(&self, bit: usize) {
        let mut cells = self.cells();
        cells.octets[bit / 8] ^= 1 << (bit % 8);
    }
}

impl<const WRITE: usize, const READ: usize, const ERASE: usize> ErrorType
    for Nor<WRITE, READ, ERASE>
{
    type Error = NorFlashErrorKind;
}

impl<const WRITE: usize, const READ: usize, const ERASE: usize> ReadNorFlash
    for Nor<WRITE, READ, ERASE>
{
    const READ_SIZE: usize = READ;

    fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let cells = self.cells();
        let at = offset as usize..offset as usize + octets.len();
        assert!(at.start.is_multiple_of(READ) && at.end.is_multiple_of(READ), "{at:?}");
        let unreadable = &cells.unreadable;
        if cells.dead || at.start < unreadable.end && unreadable.start < at.end {
            return Err(NorFlashErrorKind::Other);
        }
        octets.copy_from_slice(&cells.octets[at]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells().octets.len()
    }
}

impl<const WRITE: usize, const READ: usize, const ERASE: usize> NorFlash
    for Nor<WRITE, READ, ERASE>
{
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), NorFlashErrorKind> {
        let mut cells = self.cells();
        let at = offset as usize;
        let end = at + octets.len();
        assert!(at.is_multiple_of(WRITE) && end.is_multiple_of(WRITE), "{at} to {end}");
        let fails = cells.failing.contains(&(at / ERASE)).then_some(cells.fails);
        if !cells.operate()? {
            cells.tear_write(at, octets, WRITE, ERASE);
            return Err(NorFlashErrorKind::Other);
        }
        let used = &mut cells.used[at / WRITE..end / WRITE];
        assert!(!used.contains(&true), "a word of {at} to {end} is written twice");
        match fails {
            Some(Fails::Loudly) => return Err(NorFlashErrorKind::Other),
            Some(Fails::Silently) => return Ok(()),
            None => used.fill(true),
        }
        cells.may_vanish = true;
        (at..end).zip(octets).for_each(|(at, octet)| cells.octets[at] &= octet);
        Ok(())
    }

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let mut cells = self.cells();
        let (from, to) = (from as usize, to as usize);
        assert!(from.is_multiple_of(ERASE) && to.is_multiple_of(ERASE) && from < to);
        for sector in from / ERASE..to / ERASE {
            let octets = sector * ERASE..(sector + 1) * ERASE;
            cells.erased[sector] += 1;
            if !cells.operate()? {
                cells.tear_erase(octets, WRITE);
                return Err(NorFlashErrorKind::Other);
            }
            if cells.failing.contains(&sector) && cells.fails == Fails::Loudly {
                return Err(NorFlashErrorKind::Other);
            }
            cells.octets[octets.clone()].fill(0xff);
            cells.used[octets.start / WRITE..octets.end / WRITE].fill(false);
        }
        Ok(())
    }
}

//! Holds what copies and fills memory on the boards (`src/memory.rs`) to what it is to do, for
//! every length, place and overlap within some words.
#![no_std]
#![no_main]

#[path = "../memory.rs"]
mod memory;
#[path = "../panic.rs"]
mod panic;
#[path = "../vectors.rs"]
mod vectors;

use core::hint::black_box;

use cortex_m as _; // its critical section
use cortex_m_rt::entry;
use semihosting::{println, process};

/// Octets of the memory that is worked on: there is always some around what changes.
const LENGTH: usize = 40;
const LONGEST: usize = 20;
const PLACES: core::ops::Range<usize> = 4..16;

unsafe extern "C" {
    fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
    fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
    fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8;
    fn __aeabi_memset(to: *mut u8, count: usize, value: i32);
    fn __aeabi_memclr(to: *mut u8, count: usize);
}

#[entry]
fn main() -> ! {
    let mut right = true;
    for (name, wrong) in [("moved", moved()), ("copied", copied()), ("filled", filled())] {
        println!("{name}: {} cases, {} wrong", wrong.cases, wrong.wrong);
        right &= wrong.wrong == 0 && wrong.cases > 0;
    }
    process::exit(i32::from(!right))
}

#[derive(Default)]
struct Count {
    cases: u32,
    wrong: u32,
}

impl Count {
    fn note(&mut self, is: &[u8; LENGTH], ought: &[u8; LENGTH], returned: bool) {
        self.cases += 1;
        // Octet by octet: not by what is examined here.
        let same = is.iter().zip(ought).all(|(is, ought)| black_box(*is) == *ought);
        self.wrong += u32::from(!same || !returned);
    }
}

/// Octets that all differ.
fn fresh(first: u8) -> [u8; LENGTH] {
    core::array::from_fn(|place| first.wrapping_add(place as u8))
}

fn moved() -> Count {
    let mut count = Count::default();
    for (from, to, length) in cases() {
        let mut is = fresh(1);
        let ought = core::array::from_fn(|place| {
            let source = if (to..to + length).contains(&place) { place - to + from } else { place };
            1 + source as u8
        });
        let start = is.as_mut_ptr();
        // SAFETY: all places are within `is`.
        let returned = unsafe { memmove(start.add(to), start.add(from), length) };
        count.note(&is, &ought, returned == start.wrapping_add(to));
    }
    count
}

fn copied() -> Count {
    let mut count = Count::default();
    for (from, to, length) in cases() {
        let (source, mut is) = (fresh(101), fresh(1));
        let ought = core::array::from_fn(|place| {
            let inside = (to..to + length).contains(&place);
            if inside { 101 + (place - to + from) as u8 } else { 1 + place as u8 }
        });
        let start = is.as_mut_ptr();
        // SAFETY: all places are within `is` and `source`.
        let returned = unsafe { memcpy(start.add(to), source.as_ptr().add(from), length) };
        count.note(&is, &ought, returned == start.wrapping_add(to));
    }
    count
}

fn filled() -> Count {
    let mut count = Count::default();
    for (kind, to, length) in cases() {
        let mut is = fresh(1);
        let value = if kind % 3 == 2 { 0 } else { 0xa5 };
        let ought = core::array::from_fn(|place| {
            if (to..to + length).contains(&place) { value } else { 1 + place as u8 }
        });
        let start = is.as_mut_ptr();
        // SAFETY: all places are within `is`. Of the value the low octet counts.
        let returned = unsafe {
            let (start, value) = (start.add(to), i32::from(value) | 0x100);
            match kind % 3 {
                0 => memset(start, value, length) == start,
                1 => {
                    __aeabi_memset(start, length, value);
                    true
                }
                _ => {
                    __aeabi_memclr(start, length);
                    true
                }
            }
        };
        count.note(&is, &ought, returned);
    }
    count
}

/// From where, to where, how many.
fn cases() -> impl Iterator<Item = (usize, usize, usize)> {
    PLACES.flat_map(|from| {
        PLACES.flat_map(move |to| (0..=LONGEST).map(move |length| (from, to, length)))
    })
}

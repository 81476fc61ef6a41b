//! How deep the stack gets: what is free of it is painted, and looked at afterwards.

use core::ptr;

const PAINT: u32 = 0xc5c5_a3a3;

/// The part of the stack that was free when it was painted.
pub struct Painted {
    bottom: *mut u32,
    top: *mut u32,
}

impl Painted {
    /// Paints all that is free.
    #[inline(never)]
    pub fn fresh() -> Self {
        let bottom = cortex_m_rt::heap_start();
        let top = cortex_m::register::msp::read() as usize & !3;
        let top = ptr::with_exposed_provenance_mut(top);
        let mut place = bottom;
        while place < top {
            // SAFETY: between the end of the statics and the stack pointer there is
            // nothing; interrupts are masked where this is used.
            unsafe {
                place.write_volatile(PAINT);
                place = place.add(1);
            }
        }
        Self { bottom, top }
    }

    /// Octets of it that have been used since.
    #[inline(never)]
    pub fn depth(&self) -> usize {
        let mut place = self.bottom;
        // SAFETY: as above; reading what is in use now does no harm.
        while place < self.top && unsafe { place.read_volatile() } == PAINT {
            place = unsafe { place.add(1) };
        }
        (self.top as usize).saturating_sub(place as usize)
    }

    /// Octets of the whole stack that have been used at most, with what was in use when the
    /// rest was painted.
    #[allow(dead_code, reason = "not all ask for it")]
    pub fn total(&self) -> usize {
        unsafe extern "C" {
            static _stack_start: u32;
        }
        let start = &raw const _stack_start;
        (start as usize).saturating_sub(self.top as usize).saturating_add(self.depth())
    }
}

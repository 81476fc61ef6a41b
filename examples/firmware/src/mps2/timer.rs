//! The APB timer of ARM's CMSDK: it counts down, and from 0 begins anew.

use core::cell::Cell;

use super::registers::Registers;

const CONTROL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;
const CLEAR: usize = 0xc;

const ENABLE: u32 = 1;
const INTERRUPT: u32 = 1 << 3;

/// One of the timers.
pub struct Timer {
    registers: Registers,
    last: Cell<u32>,
    wraps: Cell<u32>,
}

impl Timer {
    pub(super) const fn new(registers: Registers) -> Self {
        Self { registers, last: Cell::new(0), wraps: Cell::new(0) }
    }

    /// Begins to count ticks from 0.
    pub fn start(&self) {
        self.registers.write(CONTROL, 0);
        self.registers.write(RELOAD, u32::MAX);
        self.registers.write(VALUE, u32::MAX);
        self.registers.write(CONTROL, ENABLE);
    }

    /// Ticks since [`Timer::start`], if it is asked at least once in 2³² of them, 171 s.
    pub fn ticks(&self) -> u64 {
        let low = self.ticks_of().low();
        if low < self.last.replace(low) {
            self.wraps.set(self.wraps.get().wrapping_add(1));
        }
        u64::from(self.wraps.get()) << 32 | u64::from(low)
    }

    /// A way to read it, for those who wait a little.
    pub const fn ticks_of(&self) -> Ticks {
        Ticks(self.registers)
    }

    /// Interrupts in `ticks`, and again each time they are over.
    pub fn set(&self, ticks: u32) {
        self.registers.write(CONTROL, 0);
        self.registers.write(CLEAR, 1);
        self.registers.write(RELOAD, ticks);
        self.registers.write(VALUE, ticks);
        self.registers.write(CONTROL, ENABLE | INTERRUPT);
    }

    /// Interrupts no more.
    pub fn stop(&self) {
        self.registers.write(CONTROL, 0);
        self.registers.write(CLEAR, 1);
    }
}

/// The ticks of a timer.
#[derive(Clone, Copy)]
pub struct Ticks(Registers);

impl Ticks {
    /// The low 32 bits of the ticks since [`Timer::start`].
    pub fn low(self) -> u32 {
        !self.0.read(VALUE)
    }
}

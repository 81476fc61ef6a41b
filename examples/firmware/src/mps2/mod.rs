//! The board `mps2-an386` as QEMU has it: a Cortex-M4 at 25 MHz, two timers, a UART
//! and an Ethernet controller. The UART is the log's. Another board replaces this folder.
#![allow(dead_code, reason = "not every binary uses all of the board")]

pub mod lan9118;
pub mod log;
mod registers;
pub mod timer;
pub mod uart;
#[path = "../vectors.rs"]
mod vectors;

use core::time::Duration;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

use registers::Registers;
use timer::Timer;
use uart::Uart;

/// Ticks of the timers in a microsecond: 25 MHz.
pub const TICKS_PER_MICROSECOND: u32 = 25;

/// What is on the board besides its clock.
pub struct Board {
    /// Ends a wait.
    alarm: Timer,
    pub ethernet: lan9118::Lan9118,
}

impl Board {
    /// The board, and the timer that is to tell the time. Interrupts are masked: they
    /// end waits, and nobody handles them.
    ///
    /// # Safety
    /// To be called once, and nobody else may touch these peripherals.
    pub unsafe fn take() -> (Self, Timer) {
        cortex_m::interrupt::disable();
        // SAFETY: the memory map of the board (ARM DAI 0386), each part taken once.
        unsafe {
            NVIC::unmask(Interrupt::ALARM);
            NVIC::unmask(Interrupt::ETHERNET);
            log::to(Uart::new(Registers::at(0x4000_4000)));
            let board = Self {
                alarm: Timer::new(Registers::at(0x4000_1000)),
                ethernet: lan9118::Lan9118::new(Registers::at(0x4020_0000)),
            };
            (board, Timer::new(Registers::at(0x4000_0000)))
        }
    }

    /// Sleeps until a frame has arrived or `at_most` is over.
    pub fn wait(&mut self, at_most: Duration) {
        let ticks = at_most.as_micros().saturating_mul(TICKS_PER_MICROSECOND.into());
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        if ticks == 0 || self.ethernet.has_frame() {
            return;
        }
        self.alarm.set(ticks);
        // A masked interrupt that is pending ends the sleep, or keeps it from beginning.
        cortex_m::asm::wfi();
        self.alarm.stop();
        self.ethernet.clear_interrupt();
        NVIC::unpend(Interrupt::ALARM);
        NVIC::unpend(Interrupt::ETHERNET);
    }
}

#[derive(Clone, Copy)]
struct Interrupt(u16);

impl Interrupt {
    const ALARM: Self = Self(9);
    const ETHERNET: Self = Self(13);
}

// SAFETY: these are numbers of interrupts of this board.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

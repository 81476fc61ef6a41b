//! The APB UART of ARM's CMSDK, to write to.

use core::convert::Infallible;

use embedded_io::{ErrorType, Write};

use super::registers::Registers;

const DATA: usize = 0x0;
const STATE: usize = 0x4;
const CONTROL: usize = 0x8;
const DIVIDER: usize = 0x10;

const TRANSMIT_FULL: u32 = 1;
const TRANSMIT_ENABLE: u32 = 1;

/// The UART. Copies are the same one, and what they write may mingle.
#[derive(Clone, Copy)]
pub struct Uart(Registers);

impl Uart {
    pub(super) fn new(registers: Registers) -> Self {
        // 115,200 baud at 25 MHz.
        registers.write(DIVIDER, 217);
        registers.write(CONTROL, TRANSMIT_ENABLE);
        Self(registers)
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Write for Uart {
    fn write(&mut self, octets: &[u8]) -> Result<usize, Infallible> {
        for octet in octets {
            while self.0.read(STATE) & TRANSMIT_FULL != 0 {}
            self.0.write(DATA, u32::from(*octet));
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

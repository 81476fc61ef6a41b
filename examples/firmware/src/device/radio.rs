//! The front-end: a tuner at the end of an SPI bus, with step attenuators at two pins.
//!
//! The driver knows the traits of `embedded-hal` alone. What is behind them is a
//! simulation here ([`simulated`](crate::device::simulated)) and a bus on a real board.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::{Operation, SpiDevice};
use microfft::Complex32;

/// Frames to the tuner: an octet of register, then three of its value.
const FREQUENCY_KHZ: u8 = 0x01;
const RATE_HZ: u8 = 0x02;
/// Read, it answers whether the synthesiser is locked.
const LOCK: u8 = 0x80;

/// How often the lock is asked for, and how long between.
const ATTEMPTS: u8 = 20;
const SETTLING_MICROS: u32 = 50;

/// Samples on their way: an ADC with its DMA, or what simulates them.
pub trait Samples {
    /// Fills `room` with the samples that come next, in units of full scale.
    fn take(&mut self, room: &mut [Complex32]);
}

/// Why the front-end is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunerFault {
    /// The bus or a pin failed.
    Bus,
    /// The synthesiser does not lock.
    NoLock,
    /// The frequency or the rate do not fit its registers.
    OutOfRange,
}

/// The front-end with its bus, pins and delay.
pub struct Tuner<S, P, D> {
    spi: S,
    ten_db: P,
    twenty_db: P,
    delay: D,
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs> Tuner<S, P, D> {
    /// The gain in decibels without attenuation; attenuators take away 10 and 20.
    pub const MAX_GAIN_DB: i8 = 30;

    pub const fn new(spi: S, ten_db: P, twenty_db: P, delay: D) -> Self {
        Self { spi, ten_db, twenty_db, delay }
    }

    /// Tunes to `center_hz` with `rate_hz` complex samples a second and the greatest
    /// gain that is not above `gain_db`. Returns that gain.
    pub fn tune(&mut self, center_hz: u64, rate_hz: u32, gain_db: i8) -> Result<i8, TunerFault> {
        let khz = u32::try_from(center_hz / 1_000).map_err(|_| TunerFault::OutOfRange)?;
        self.write(FREQUENCY_KHZ, khz)?;
        self.write(RATE_HZ, rate_hz)?;
        let attenuation = match Self::MAX_GAIN_DB.saturating_sub(gain_db) {
            ..=0 => 0,
            1..=10 => 10,
            11..=20 => 20,
            _ => 30,
        };
        let (ten, twenty) = (attenuation % 20 == 10, attenuation >= 20);
        self.ten_db.set_state(ten.into()).map_err(|_| TunerFault::Bus)?;
        self.twenty_db.set_state(twenty.into()).map_err(|_| TunerFault::Bus)?;
        for _attempt in 0..ATTEMPTS {
            self.delay.delay_us(SETTLING_MICROS);
            let mut lock = [0];
            self.spi
                .transaction(&mut [Operation::Write(&[LOCK]), Operation::Read(&mut lock)])
                .map_err(|_| TunerFault::Bus)?;
            if lock != [0] {
                return Ok(Self::MAX_GAIN_DB - attenuation);
            }
        }
        Err(TunerFault::NoLock)
    }

    fn write(&mut self, register: u8, value: u32) -> Result<(), TunerFault> {
        let [0, high, middle, low] = value.to_be_bytes() else {
            return Err(TunerFault::OutOfRange);
        };
        self.spi.write(&[register, high, middle, low]).map_err(|_| TunerFault::Bus)
    }
}

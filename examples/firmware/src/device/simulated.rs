//! What is behind the bus and the pins in QEMU, which has no radio: a tuner, its
//! attenuators, and a band with two transmitters and noise.

use core::cell::Cell;
use core::convert::Infallible;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType as PinErrorType, OutputPin};
use embedded_hal::spi::{ErrorType as SpiErrorType, Operation, SpiDevice};
use microfft::Complex32;

use crate::device::radio::Samples;
use crate::device::wave::{amplitude, turned};
use crate::mps2::TICKS_PER_MICROSECOND;
use crate::mps2::timer::Ticks;

/// Transmitters: where, and how strong at the antenna in dBm. Full scale is 0 dBm at
/// a gain of 0.
const TRANSMITTERS: [(f32, f32); 2] = [(98_100.0, -52.0), (433_920.0, -68.0)];
/// Of the receiver, at the antenna, in dBm a hertz.
const NOISE_DBM_HZ: f32 = -166.0;
/// Parts of a turn.
const TURN: f32 = 4_294_967_296.0;

/// The state of the tuner.
#[derive(Default)]
pub struct Air {
    frequency_khz: Cell<u32>,
    rate_hz: Cell<u32>,
    ten_db: Cell<bool>,
    twenty_db: Cell<bool>,
    /// The place in the stream of samples, and the dice of the noise.
    sample: Cell<u32>,
    dice: Cell<u32>,
    /// How much more noise there is than the receiver's, in dB.
    interference_db: Cell<f32>,
}

impl Air {
    pub fn spi(&self) -> Spi<'_> {
        Spi(self)
    }

    /// The pins of the attenuators of 10 and 20 dB.
    pub fn pins(&self) -> (Pin<'_>, Pin<'_>) {
        (Pin(&self.ten_db), Pin(&self.twenty_db))
    }

    pub fn samples(&self) -> Adc<'_> {
        Adc(self)
    }

    /// Somebody begins to disturb the whole band: so much more noise, in dB.
    #[allow(dead_code, reason = "not every post is disturbed")]
    pub fn disturb(&self, db: f32) {
        self.interference_db.set(db);
    }

    fn gain_db(&self) -> f32 {
        let ten = if self.ten_db.get() { 10.0 } else { 0.0 };
        let twenty = if self.twenty_db.get() { 20.0 } else { 0.0 };
        30.0 - ten - twenty
    }

    fn write(&self, frame: &[u8]) {
        if let [register, high, middle, low] = *frame {
            let value = u32::from_be_bytes([0, high, middle, low]);
            match register {
                0x01 => self.frequency_khz.set(value),
                0x02 => self.rate_hz.set(value),
                _ => {}
            }
        }
    }

    /// A number from -1 to 1 (xorshift).
    fn throw(&self) -> f32 {
        let mut dice = self.dice.get().max(1);
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        self.dice.set(dice);
        dice.cast_signed() as f32 / 2_147_483_648.0
    }
}

pub struct Spi<'a>(&'a Air);

impl SpiErrorType for Spi<'_> {
    type Error = Infallible;
}

impl SpiDevice for Spi<'_> {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        for operation in operations {
            match operation {
                Operation::Write(frame) => self.0.write(frame),
                Operation::Read(room) => room.fill(u8::from(self.0.frequency_khz.get() != 0)),
                Operation::Transfer(room, frame) => {
                    self.0.write(frame);
                    room.fill(0);
                }
                Operation::TransferInPlace(_) | Operation::DelayNs(_) => {}
            }
        }
        Ok(())
    }
}

pub struct Pin<'a>(&'a Cell<bool>);

impl PinErrorType for Pin<'_> {
    type Error = Infallible;
}

impl OutputPin for Pin<'_> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.set(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.set(true);
        Ok(())
    }
}

pub struct Adc<'a>(&'a Air);

impl Samples for Adc<'_> {
    fn take(&mut self, room: &mut [Complex32]) {
        let air = self.0;
        let rate = air.rate_hz.get() as f32;
        let noise_dbm_hz = NOISE_DBM_HZ + air.interference_db.get();
        let noise = amplitude(noise_dbm_hz + 10.0 * libm::log10f(rate.max(1.0)) + air.gain_db());
        // The variance of what is thrown is a third, and there are two of it: the root of 1.5.
        let noise = noise * 1.224_745;
        for sample in room.iter_mut() {
            *sample = Complex32::new(air.throw() * noise, air.throw() * noise);
        }
        let first = air.sample.get();
        for (khz, dbm) in TRANSMITTERS {
            let offset = (khz - air.frequency_khz.get() as f32) * 1_000.0;
            if rate < 1.0 || offset.abs() * 2.0 > rate {
                continue;
            }
            let size = amplitude(dbm + air.gain_db());
            // Parts of a turn between two samples, and since the first: 2³² are a whole one,
            // and whole ones fall away by themselves.
            let turn = (offset / rate * TURN) as i32;
            let mut phase = turn.wrapping_mul(first.cast_signed());
            for sample in room.iter_mut() {
                *sample += turned(phase as f32 / TURN) * size;
                phase = phase.wrapping_add(turn);
            }
        }
        air.sample.set(first.wrapping_add(room.len() as u32));
    }
}

/// Waits by the board's timer.
pub struct Delay(pub Ticks);

impl DelayNs for Delay {
    fn delay_ns(&mut self, nanoseconds: u32) {
        let ticks = nanoseconds.div_ceil(1_000) * TICKS_PER_MICROSECOND;
        let start = self.0.low();
        while self.0.low().wrapping_sub(start) < ticks {}
    }
}

//! The front-end of the post, which measures the level of what it receives.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use farpost::management::agent::{Collected, Failed};
use farpost::management::amp::Value;
use farpost::time::Now;
use microfft::Complex32;
use semihosting::println;

use crate::agents::agreed::adm::datum;
use crate::agents::agreed::modem::MODEM;
use crate::agents::{Receiver, measured};
use crate::device::radio::{Samples, Tuner};
use crate::device::wave::round;

/// Samples of a measurement.
const SAMPLES: usize = 256;

/// The front-end as it is tuned.
pub struct FrontEnd<S, P, D, A> {
    tuner: Tuner<S, P, D>,
    samples: A,
    center_hz: u64,
    rate_hz: u32,
    pub gain_db: i8,
    /// The level as it was measured last, and when.
    pub level_dbfs: i32,
    measured: Option<Now>,
    /// How often it was.
    times: u32,
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples> FrontEnd<S, P, D, A> {
    /// At rest, with all of its gain.
    pub const fn new(tuner: Tuner<S, P, D>, samples: A) -> Self {
        Self {
            tuner,
            samples,
            center_hz: 0,
            rate_hz: 0,
            gain_db: Tuner::<S, P, D>::MAX_GAIN_DB,
            level_dbfs: 0,
            measured: None,
            times: 0,
        }
    }

    /// Tunes to where it is to be.
    fn tuned(&mut self) -> Result<(), Failed> {
        let tuned = self.tuner.tune(self.center_hz, self.rate_hz, self.gain_db);
        self.gain_db = tuned.map_err(|_| Failed)?;
        Ok(())
    }

    /// Measures the level.
    pub fn measure(&mut self, now: Now) {
        let mut samples = [Complex32::new(0.0, 0.0); SAMPLES];
        self.samples.take(&mut samples);
        let power: f32 = samples.iter().map(Complex32::norm_sqr).sum();
        let mean = power / samples.len() as f32;
        self.level_dbfs = round(10.0 * libm::log10f(mean.max(1e-20)));
        self.measured = Some(now);
        self.times += 1;
    }
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples> Receiver for FrontEnd<S, P, D, A> {
    fn datum(&self, now: Now, index: u32) -> Option<Collected<'static>> {
        Some(match u8::try_from(index).ok()? {
            datum::LEVEL => measured(now, self.measured?, Value::Int(self.level_dbfs)),
            datum::GAIN => Collected::fresh(Value::Int(self.gain_db.into())),
            datum::SCANS => Collected::fresh(Value::Uint(self.times)),
            datum::SAMPLES => {
                Collected::fresh(Value::Uvast(u64::from(self.times) * SAMPLES as u64))
            }
            datum::REST => {
                Collected::fresh(Value::Uint(u32::try_from(self.center_hz / 1_000).ok()?))
            }
            // Its stack is not watched here.
            _ => return None,
        })
    }

    fn set_gain(&mut self, gain_db: i8) -> Result<(), Failed> {
        self.gain_db = gain_db;
        self.tuned()?;
        println!("rule: the gain is {} dB now", self.gain_db);
        Ok(())
    }

    fn tune(&mut self, center_hz: u64, rate_hz: u32) -> Result<(), Failed> {
        (self.center_hz, self.rate_hz) = (center_hz, rate_hz);
        self.tuned()?;
        println!("schedule: {MODEM} receives at {} kHz", center_hz / 1_000);
        Ok(())
    }
}

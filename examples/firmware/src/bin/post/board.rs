//! What the agents of the post manage: its front-end, with the level of what it receives.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use farpost::management::adm::{Adm, ConstDef, CtrlDef, EddDef, Field, Label};
use farpost::management::agent::{Application, Collected, Failed, Object};
use farpost::management::amp::{TypeCode, Value};
use farpost::time::Now;
use microfft::Complex32;
use semihosting::println;

use crate::device::radio::{Samples, Tuner};
use crate::device::wave::round;

/// The front-end's ADM: a number for private use.
pub const FRONT_END: u32 = 2_000;
/// Its data: the level in dBFS, and the gain in dB.
pub const LEVEL: u64 = 0;
/// Its control: sets the gain, in dB.
pub const SET_GAIN: u64 = 0;

pub static ADM: Adm = Adm {
    enumeration: FRONT_END,
    metadata: &[ConstDef { value: Value::Str("front_end"), label: Label::new("name", "") }],
    constants: &[],
    controls: &[CtrlDef {
        parameters: &[Field::new(TypeCode::INT, "gain_db")],
        label: Label::new("set_gain", "sets the gain"),
    }],
    data: &[
        EddDef {
            code: TypeCode::INT,
            parameters: &[],
            label: Label::new("level", "the power of all that is received, in dBFS"),
        },
        EddDef { code: TypeCode::INT, parameters: &[], label: Label::new("gain", "in dB") },
    ],
    macros: &[],
    operators: &[],
    report_templates: &[],
    table_templates: &[],
    variables: &[],
};

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
        }
    }

    /// Tunes to a centre with a rate.
    pub fn tune(&mut self, center_hz: u64, rate_hz: u32) -> Result<(), Failed> {
        self.gain_db = self.tuner.tune(center_hz, rate_hz, self.gain_db).map_err(|_| Failed)?;
        (self.center_hz, self.rate_hz) = (center_hz, rate_hz);
        Ok(())
    }

    /// Measures the level of 256 samples.
    pub fn measure(&mut self, now: Now) {
        let mut samples = [Complex32::new(0.0, 0.0); 256];
        self.samples.take(&mut samples);
        let power: f32 = samples.iter().map(Complex32::norm_sqr).sum();
        let mean = power / samples.len() as f32;
        self.level_dbfs = round(10.0 * libm::log10f(mean.max(1e-20)));
        self.measured = Some(now);
    }
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples> Application for FrontEnd<S, P, D, A> {
    fn collect(
        &mut self,
        now: Now,
        edd: Object,
        _parameters: &[Value<'_>],
    ) -> Result<Collected<'_>, Failed> {
        let measured = self.measured.ok_or(Failed)?;
        let age = now.monotonic.since(measured.monotonic).as_secs();
        let age = u32::try_from(age).unwrap_or(u32::MAX);
        match edd.index {
            0 => Ok(Collected { value: Value::Int(self.level_dbfs), age }),
            1 => Ok(Collected::fresh(Value::Int(self.gain_db.into()))),
            _ => Err(Failed),
        }
    }

    fn control(
        &mut self,
        _now: Now,
        _ctrl: Object,
        parameters: &[Value<'_>],
    ) -> Result<(), Failed> {
        let &[Value::Int(gain)] = parameters else { return Err(Failed) };
        self.gain_db = i8::try_from(gain).map_err(|_| Failed)?;
        self.tune(self.center_hz, self.rate_hz)?;
        println!("rule: the gain is {} dB now", self.gain_db);
        Ok(())
    }
}

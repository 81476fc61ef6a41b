//! The front-end as both agents see it.

use farpost::management::agent::{Application, Collected, Failed, Object};
use farpost::management::amp::Value;
use farpost::southbound::agent::{Change, Device, DeviceFault};
use farpost::southbound::schedule::ChangeKey;
use farpost::time::Now;

use super::agreed::modem;

/// A front-end that is managed, and tuned by schedule.
pub trait Receiver {
    /// A datum of its ADM.
    fn datum(&self, now: Now, index: u32) -> Option<Collected<'static>>;

    /// It is to have no more gain than this from now on.
    fn set_gain(&mut self, gain_db: i8) -> Result<(), Failed>;

    /// It is tuned there from now on, but for what it is needed for besides.
    fn tune(&mut self, center_hz: u64, rate_hz: u32) -> Result<(), Failed>;
}

/// Lent to the agents for a call.
pub struct Managed<'f>(pub &'f mut dyn Receiver);

impl Application for Managed<'_> {
    fn collect(
        &mut self,
        now: Now,
        edd: Object,
        _parameters: &[Value<'_>],
    ) -> Result<Collected<'_>, Failed> {
        self.0.datum(now, edd.index).ok_or(Failed)
    }

    fn control(
        &mut self,
        _now: Now,
        _ctrl: Object,
        parameters: &[Value<'_>],
    ) -> Result<(), Failed> {
        let &[Value::Int(gain)] = parameters else { return Err(Failed) };
        self.0.set_gain(i8::try_from(gain).map_err(|_| Failed)?)
    }
}

impl Device for Managed<'_> {
    fn apply(&mut self, _now: Now, change: &Change<'_>) -> Result<(), DeviceFault> {
        let (center_hz, rate_hz) = modem::tuning(&change.request).ok_or(DeviceFault)?;
        self.0.tune(center_hz, rate_hz).map_err(|_| DeviceFault)
    }

    fn remove(&mut self, _now: Now, _key: &ChangeKey<'_>) -> Result<(), DeviceFault> {
        // It stays as it is tuned.
        Ok(())
    }
}

/// A value that was measured then, with its age.
pub fn measured(now: Now, at: Now, value: Value<'static>) -> Collected<'static> {
    let age = now.monotonic.since(at.monotonic).as_secs();
    Collected { value, age: u32::try_from(age).unwrap_or(u32::MAX) }
}

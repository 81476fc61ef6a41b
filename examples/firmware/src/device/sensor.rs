//! The sensor of the device: it tunes, takes samples, and lets the main loop go on
//! after each transform.

use defmt::info;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use farpost::scos::messages::Rejection;
use farpost::scos::ssd::{Scan, Sensor};
use farpost::scos::{AssociationEvent, ScanId, ScanParameters};
use farpost::time::Now;

use crate::device::radio::{Samples, Tuner};
use crate::device::spectrum::{Analyser, SUMMARY};

/// The front-end and what is computed of its samples.
pub struct FrontEnd<S, P, D, A> {
    tuner: Tuner<S, P, D>,
    samples: A,
    analyser: Analyser,
    running: Option<ScanId>,
    /// No scan has more gain than this.
    #[cfg(feature = "agents")]
    pub most_gain_db: i8,
    /// Where it is tuned to when nothing is scanned: a centre and a rate.
    #[cfg(feature = "agents")]
    pub rest: Option<(u64, u32)>,
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples> FrontEnd<S, P, D, A> {
    pub const fn new(tuner: Tuner<S, P, D>, samples: A, analyser: Analyser) -> Self {
        Self {
            tuner,
            samples,
            analyser,
            running: None,
            #[cfg(feature = "agents")]
            most_gain_db: Tuner::<S, P, D>::MAX_GAIN_DB,
            #[cfg(feature = "agents")]
            rest: None,
        }
    }

    /// Whether there are samples to take.
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Tunes to where it rests, if it is told where, unless a scan runs. Returns whether it is
    /// there.
    #[cfg(feature = "agents")]
    pub fn rest(&mut self) -> bool {
        let (None, Some((center_hz, rate_hz))) = (self.running, self.rest) else { return true };
        self.tuner.tune(center_hz, rate_hz, self.most_gain_db).is_ok()
    }

    /// The parameters of the last scan, as far as they could be set.
    pub const fn executed(&self) -> ScanParameters {
        self.analyser.executed()
    }

    /// The strongest signal of the last scan in hundredths of dBm, and samples of a transform.
    #[cfg(feature = "agents")]
    pub const fn met(&self) -> (i16, usize) {
        (self.analyser.top_cdbm, self.analyser.length)
    }

    /// Takes the samples of one transform. Gives the summary after the last.
    pub fn step<'b>(
        &mut self,
        buffer: &'b mut [u8; SUMMARY],
    ) -> Option<(ScanId, Result<&'b [u8], Rejection>)> {
        let scan = self.running?;
        self.samples.take(self.analyser.room());
        if !self.analyser.transform() {
            return None;
        }
        self.running = None;
        Some((scan, self.analyser.summarise(buffer).ok_or(Rejection::Sensor)))
    }
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples> Sensor for FrontEnd<S, P, D, A> {
    fn begin(&mut self, _now: Now, scan: &Scan) -> Result<(), Rejection> {
        let parameters = &scan.parameters;
        if !Analyser::can(parameters) {
            return Err(Rejection::Unable);
        }
        let gain_db = parameters.gain_db;
        #[cfg(feature = "agents")]
        let gain_db = gain_db.min(self.most_gain_db);
        let tuned = self.tuner.tune(parameters.center_hz, parameters.bandwidth_hz, gain_db);
        let gain_db = tuned.map_err(|_| Rejection::Sensor)?;
        self.analyser.begin(parameters, gain_db);
        self.running = Some(scan.id);
        Ok(())
    }

    fn stop(&mut self, _now: Now, _scan: &Scan) {
        self.running = None;
    }

    fn association(&mut self, _now: Now, event: AssociationEvent) {
        info!("association: {}", event);
    }
}

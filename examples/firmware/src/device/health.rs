//! What the front-end has done so far, for those who manage the board.

use farpost::scos::ScanParameters;
use farpost::time::Now;

/// Counts of scans, and what the last one met.
#[derive(Default)]
pub struct Health {
    pub scans: u32,
    pub samples: u64,
    /// The strongest signal at the converter in dBFS, and when it was there.
    pub level: Option<(i32, Now)>,
}

impl Health {
    /// A scan is done: the strongest signal at the antenna, in hundredths of dBm, samples of
    /// each transform, and what was executed.
    #[allow(dead_code, reason = "not every board is managed")]
    pub fn scanned(&mut self, now: Now, met: (i16, usize), executed: &ScanParameters) {
        self.scans = self.scans.saturating_add(1);
        let (top_cdbm, length) = met;
        let taken = (length as u64).saturating_mul(executed.transforms.into());
        self.samples = self.samples.saturating_add(taken);
        // Full scale is 0 dBm at a gain of 0.
        let dbfs = i32::from(top_cdbm).div_euclid(100) + i32::from(executed.gain_db);
        self.level = Some((dbfs, now));
    }
}

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
    /// A scan is done: its summary, and what was executed.
    #[allow(dead_code, reason = "not every board is managed")]
    pub fn scanned(&mut self, now: Now, summary: &[u8], executed: &ScanParameters) {
        self.scans = self.scans.saturating_add(1);
        // The form, both ends of the band, the strongest signal at the antenna, the points.
        type Head<'a> = (u8, u64, u64, i16, &'a [u8]);
        let Ok(((_, _, _, top_cdbm, points), _)) = postcard::take_from_bytes::<Head<'_>>(summary)
        else {
            return;
        };
        let taken = (points.len() as u64).saturating_mul(executed.transforms.into());
        self.samples = self.samples.saturating_add(taken);
        // Full scale is 0 dBm at a gain of 0.
        let dbfs = i32::from(top_cdbm).div_euclid(100) + i32::from(executed.gain_db);
        self.level = Some((dbfs, now));
    }
}

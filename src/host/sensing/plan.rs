//! What a scan takes: how long the transform is and how many samples there are.

use core::time::Duration;
use std::fmt;

use super::window::equivalent_noise_bandwidth;
use crate::scos::{Detector, ScanParameters};

/// What the parameters of a scan come to.
///
/// The transform is the least power of two of samples N, from
/// [`Plan::LEAST_BINS`], at which a bin passes no more noise than a filter as
/// wide as the resolution: `bandwidth_hz * ENBW / N <= resolution_hz`, where
/// ENBW is the equivalent noise bandwidth of the window in bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    bins: usize,
    transforms: u16,
    bandwidth_hz: u32,
}

impl Plan {
    /// The shortest transform: long enough for every window to be exact.
    pub const LEAST_BINS: usize = 16;
    /// The longest transform.
    pub const MOST_BINS: usize = 1 << 18;
    /// The most samples of a scan.
    pub const MOST_SAMPLES: u64 = 1 << 28;
    /// The most samples of a scan with the median detector or M4S, which keep the
    /// power of every one of them: 64 MiB.
    pub const MOST_MEDIAN_SAMPLES: u64 = 1 << 24;

    /// The plan of `parameters`.
    ///
    /// # Errors
    ///
    /// Parameters that are zero or ask for more than the limits above.
    pub fn new(parameters: &ScanParameters) -> Result<Self, PlanError> {
        let &ScanParameters { bandwidth_hz, resolution_hz, transforms, detector, .. } = parameters;
        if bandwidth_hz == 0 || resolution_hz == 0 || transforms == 0 {
            return Err(PlanError::Zero);
        }
        let noise_hz = f64::from(bandwidth_hz) * equivalent_noise_bandwidth(parameters.window);
        let mut bins = Self::LEAST_BINS;
        while noise_hz > f64::from(resolution_hz) * bins as f64 {
            bins *= 2;
            if bins > Self::MOST_BINS {
                return Err(PlanError::TooFine {
                    least_hz: (noise_hz / Self::MOST_BINS as f64).ceil() as u32,
                });
            }
        }
        let plan = Self { bins, transforms, bandwidth_hz };
        let most = match detector {
            Detector::Median | Detector::M4s => Self::MOST_MEDIAN_SAMPLES,
            _ => Self::MOST_SAMPLES,
        };
        if plan.samples() > most { Err(PlanError::TooLong { most }) } else { Ok(plan) }
    }

    /// The length of the transform, which is the number of bins.
    #[must_use]
    pub const fn bins(&self) -> usize {
        self.bins
    }

    /// How many transforms there are.
    #[must_use]
    pub const fn transforms(&self) -> u16 {
        self.transforms
    }

    /// Samples of the whole scan.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.bins as u64 * u64::from(self.transforms)
    }

    /// How long the samples take to arrive.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples() as f64 / f64::from(self.bandwidth_hz))
    }
}

/// Why parameters cannot be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// The bandwidth, the resolution or the number of transforms is 0.
    Zero,
    /// The resolution needs more than [`Plan::MOST_BINS`].
    TooFine {
        /// The finest resolution for this bandwidth and window.
        least_hz: u32,
    },
    /// The scan needs too many samples.
    TooLong {
        /// The most there may be with this detector.
        most: u64,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("bandwidth, resolution and transforms must not be 0"),
            Self::TooFine { least_hz } => {
                write!(f, "the resolution is too fine: at least {least_hz} Hz for this bandwidth")
            }
            Self::TooLong { most } => {
                write!(f, "the scan is too long: at most {most} samples with this detector")
            }
        }
    }
}

impl std::error::Error for PlanError {}

#[cfg(test)]
mod tests {
    use super::super::tests::PARAMETERS;
    use super::*;
    use crate::scos::Window;
    use proptest::prelude::*;

    #[test]
    fn the_transform_is_the_least_that_resolves() {
        // 1 MHz times 2.0044 over 10 kHz is 200.4 bins.
        let plan = Plan::new(&PARAMETERS).unwrap();
        assert_eq!((plan.bins(), plan.samples()), (256, 2_048));
        assert_eq!(plan.duration(), Duration::from_micros(2_048));
        let hann = ScanParameters {
            bandwidth_hz: 1_024_000,
            resolution_hz: 1_500,
            window: Window::Hann,
            ..PARAMETERS
        };
        assert_eq!(Plan::new(&hann).unwrap().bins(), 1_024);
        let finer = ScanParameters { resolution_hz: 1_499, ..hann };
        assert_eq!(Plan::new(&finer).unwrap().bins(), 2_048);
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        let zero = ScanParameters { transforms: 0, ..PARAMETERS };
        assert_eq!(Plan::new(&zero), Err(PlanError::Zero));
        let fine = ScanParameters { resolution_hz: 1, ..PARAMETERS };
        assert_eq!(Plan::new(&fine), Err(PlanError::TooFine { least_hz: 8 }));
        let long = ScanParameters { resolution_hz: 8, transforms: 65, ..PARAMETERS };
        assert!(Plan::new(&long).is_ok());
        let long = ScanParameters { detector: Detector::Median, ..long };
        assert_eq!(Plan::new(&long), Err(PlanError::TooLong { most: 1 << 24 }));
    }

    proptest! {
        #[test]
        fn a_plan_keeps_its_limits(
            bandwidth_hz: u32, resolution_hz: u32, transforms: u16, median: bool,
        ) {
            let detector = if median { Detector::Median } else { Detector::Max };
            let parameters =
                ScanParameters { bandwidth_hz, resolution_hz, transforms, detector, ..PARAMETERS };
            if let Ok(plan) = Plan::new(&parameters) {
                prop_assert!((Plan::LEAST_BINS..=Plan::MOST_BINS).contains(&plan.bins()));
                prop_assert!(plan.samples() <= Plan::MOST_SAMPLES);
                let noise = equivalent_noise_bandwidth(parameters.window);
                let width = f64::from(bandwidth_hz) * noise / plan.bins() as f64;
                prop_assert!(width <= f64::from(resolution_hz));
                prop_assert!(plan.bins() == 16 || 2.0 * width > f64::from(resolution_hz));
            }
        }
    }
}

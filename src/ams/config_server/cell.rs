//! What a configuration server knows of a cell.

use crate::ams::ids::{UnitNumber, VentureNumber};
use crate::ams::meta::Pulse;
use crate::ams::pdu::EndpointName;
use crate::storage::Row;
use crate::time::Instant;
use crate::transport::Address;
use crate::wire::{Encode, NoSpace, Writer};

/// A cell whose registrar is or was known.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    venture: VentureNumber,
    unit: UnitNumber,
    lost: Option<Instant>,
    endpoint: KeptName,
    pub(super) address: Address,
    pub(super) pulse: Pulse,
    /// The registrar has yet to get *cell_spec*s from this unit on.
    pub(super) owed: Option<UnitNumber>,
}

/// What is known of the registrar of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CellState {
    /// Its location is known.
    Known,
    /// Its termination was imputed at this time (4.2.7.4); it wants restarting.
    Lost {
        /// When.
        since: Instant,
    },
}

impl Cell {
    /// The cell of a registrar that has just announced itself; it is owed all
    /// *cell_spec*s.
    pub(super) fn new(
        now: Instant,
        (venture, unit): (VentureNumber, UnitNumber),
        endpoint: EndpointName<'_>,
        address: Address,
    ) -> Self {
        Self {
            venture,
            unit,
            lost: None,
            endpoint: KeptName::new(endpoint),
            address,
            pulse: Pulse::commence(now),
            owed: Some(UnitNumber::ROOT),
        }
    }

    /// The registrar is owed the *cell_spec* of `unit`, among others perhaps.
    pub(super) fn owe(&mut self, unit: UnitNumber) {
        self.owed = Some(self.owed.map_or(unit, |since| since.min(unit)));
    }

    /// The registrar's location is not known any more.
    pub(super) const fn lose(&mut self, now: Instant) {
        self.lost = Some(now);
        self.owed = None;
    }

    /// The venture.
    #[must_use]
    pub const fn venture(&self) -> VentureNumber {
        self.venture
    }

    /// The unit.
    #[must_use]
    pub const fn unit(&self) -> UnitNumber {
        self.unit
    }

    /// The MAMS endpoint name its registrar announced last.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.endpoint.as_str()
    }

    /// What is known of its registrar.
    #[must_use]
    pub fn state(&self) -> CellState {
        self.lost.map_or(CellState::Known, |since| CellState::Lost { since })
    }

    pub(super) const fn is_known(&self) -> bool {
        self.lost.is_none()
    }

    pub(super) const fn whose(&self) -> (VentureNumber, UnitNumber) {
        (self.venture, self.unit)
    }
}

impl Row for Cell {
    type Key = (VentureNumber, UnitNumber);

    fn key(&self) -> Self::Key {
        self.whose()
    }
}

/// The cell descriptor of a cell (5.1.5.3).
#[derive(Debug)]
pub(super) struct Spec<'a>(pub(super) &'a Cell);

impl Encode for Spec<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u16(self.0.unit.0)?;
        to.string(self.0.endpoint())
    }
}

/// A copy of an endpoint name.
#[derive(Clone, Copy, Debug)]
struct KeptName {
    length: u8,
    octets: [u8; EndpointName::MAX_LEN],
}

impl KeptName {
    fn new(name: EndpointName<'_>) -> Self {
        let mut kept = Self { length: 0, octets: [0; EndpointName::MAX_LEN] };
        for (to, from) in kept.octets.iter_mut().zip(name.as_str().bytes()) {
            *to = from;
            kept.length = kept.length.saturating_add(1);
        }
        kept
    }

    fn as_str(&self) -> &str {
        let octets = self.octets.get(..usize::from(self.length)).unwrap_or_default();
        // It is ASCII, for it was a name.
        core::str::from_utf8(octets).unwrap_or_default()
    }
}

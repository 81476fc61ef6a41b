//! Counters of Meta-AMS traffic.

use crate::ams::pdu::{Deviations, Malformed};

/// What became of the MPDUs an entity received and sent. Counters stop at their
/// greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaStats {
    /// Datagrams received.
    pub received: u32,
    /// Discarded as ill-formed or with a wrong checksum (4.1.2, 4.1.8).
    pub malformed: u32,
    /// The last one that was.
    pub last_malformed: Option<Malformed>,
    /// Accepted in spite of deviations.
    pub deviating: u32,
    /// The deviations seen so far.
    pub deviations: Deviations,
    /// Discarded: of another venture or cell, or of one that is not in the MIB.
    pub not_ours: u32,
    /// Discarded as inappropriate: no transition is prescribed for it in this
    /// state (4.1.3).
    pub inappropriate: u32,
    /// Discarded: an answer to a question that is not open.
    pub stale: u32,
    /// Discarded: about a module, or from one, that is not known.
    pub unknown_module: u32,
    /// Accepted, but there was no room to note all of it.
    pub full: u32,
    /// An endpoint name that the transport cannot reach.
    pub unresolved: u32,
    /// Datagrams sent.
    pub sent: u32,
    /// Datagrams the transport refused; what must not be lost is sent later.
    pub refused: u32,
    /// MPDUs given up that must not be lost, for neither the buffer nor the
    /// transport will ever take so long a one.
    pub too_long: u32,
}

impl MetaStats {
    pub(in crate::ams) fn note_malformed(&mut self, fault: Malformed) {
        bump(&mut self.malformed);
        self.last_malformed = Some(fault);
    }

    pub(in crate::ams) fn note_deviations(&mut self, deviations: Deviations) {
        if !deviations.is_empty() {
            bump(&mut self.deviating);
            self.deviations.extend(deviations);
        }
    }
}

/// One more.
pub(in crate::ams) const fn bump(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

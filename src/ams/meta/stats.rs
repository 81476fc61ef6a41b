//! Counters of Meta-AMS traffic.

use crate::ams::pdu::{Deviations, Malformed};

/// What became of the MPDUs an entity received and sent. Counters stop at their
/// greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct MetaStats {
    /// Datagrams received.
    pub received: u32,
    /// Discarded as ill-formed or with a wrong checksum (4.1.2, 4.1.8).
    pub malformed: u32,
    /// The last one that was.
    pub last_malformed: Option<Malformed>,
    /// Discarded as inauthentic: without a signature, from an entity with a public
    /// key in the MIB (4.1.4).
    pub signature_missing: u32,
    /// Discarded as inauthentic: the signature is not one of the sender (4.1.4).
    pub signature_wrong: u32,
    /// Discarded as inauthentic: not a thing for its sender to say, but for an entity
    /// with a public key in the MIB.
    pub usurped: u32,
    /// Discarded as inauthentic: the signature does not cover the MPDU, and the MIB
    /// requires it to.
    pub signature_unbound: u32,
    /// Discarded as inauthentic: signed too long ago, or in the future.
    pub signature_stale: u32,
    /// Not sent, for it could not be signed; counted as `refused` too.
    pub unsigned: u32,
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
#[cfg_attr(not(feature = "std"), inline(never))]
pub(in crate::ams) const fn bump(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

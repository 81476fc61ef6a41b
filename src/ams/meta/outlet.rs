//! The way out for MPDUs.

use core::time::Duration;

use super::MetaStats;
use super::stats::bump;
use crate::ams::mib::Mib;
use crate::ams::pdu::{Content, MAX_SUPPLEMENT, MpduHeader, MpduType, Sender};
use crate::ams::security::{Authenticator, Party, Receiver};
use crate::time::{Now, Utc};
use crate::transport::{Address, SendError, Transport};
use crate::wire::{Encode, TimeCode};

/// How long to leave a transport alone that has refused what must not be lost.
pub(in crate::ams) const RETRY: Duration = Duration::from_millis(250);

/// Writes MPDUs in a borrowed buffer and hands them to the transport.
#[derive(Debug)]
pub(in crate::ams) struct Outlet<'s> {
    sender: Sender,
    checksum: bool,
    tai_minus_utc: i8,
    last_query: u32,
    buffer: &'s mut [u8],
    /// Who signs and judges MPDUs.
    guard: Option<(&'s dyn Authenticator, Party<'s>)>,
    pub(in crate::ams) stats: MetaStats,
}

impl<'s> Outlet<'s> {
    /// `buffer` bounds the MPDUs that can be sent; `first_query` is where this
    /// entity's series of query numbers begins (5.1.3.1).
    pub(in crate::ams) fn new(
        mib: &Mib<'_>,
        sender: Sender,
        first_query: u32,
        buffer: &'s mut [u8],
    ) -> Self {
        Self {
            sender,
            checksum: mib.checksums,
            tai_minus_utc: mib.tai_minus_utc,
            last_query: first_query.wrapping_sub(1),
            buffer,
            guard: None,
            stats: MetaStats::default(),
        }
    }

    /// Goes by `mib` from now on.
    pub(in crate::ams) const fn change_mib(&mut self, mib: &'s Mib<'s>) {
        self.checksum = mib.checksums;
        self.tai_minus_utc = mib.tai_minus_utc;
        if let Some((_, party)) = &mut self.guard {
            party.mib = mib;
        }
    }

    /// Has `authenticator` sign what this entity sends and judge what it receives.
    pub(in crate::ams) const fn be_guarded(
        &mut self,
        authenticator: &'s dyn Authenticator,
        mib: &'s Mib<'s>,
        receiver: Receiver,
    ) {
        self.guard = Some((authenticator, Party { mib, receiver }));
    }

    /// Whether an MPDU, if it is one, is authentic (4.1.4); it is counted if not.
    pub(in crate::ams) fn admits(&mut self, now: &Now, octets: &[u8]) -> bool {
        match &self.guard {
            Some((authenticator, party)) => {
                authenticator.admits(party, now, octets, &mut self.stats)
            }
            None => true,
        }
    }

    /// The next query number of the series; never 0, which means "no question".
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(in crate::ams) fn next_query(&mut self) -> u32 {
        self.last_query = self.last_query.wrapping_add(1).max(1);
        self.last_query
    }

    /// The last query number that was given.
    pub(in crate::ams) const fn last_query(&self) -> u32 {
        self.last_query
    }

    /// The most supplementary data an MPDU from here can have, in octets.
    pub(in crate::ams) fn supplement_limit(&self) -> usize {
        let time = TimeCode::new(Utc::default(), self.tai_minus_utc);
        let header =
            MpduHeader { sender: self.sender, time, signature: &[], checksum: self.checksum };
        let signature = match &self.guard {
            Some((authenticator, party)) => authenticator.signature_len(party.mib, self.sender),
            None => 0,
        };
        let other = header.encoded_len(0).saturating_add(signature);
        self.buffer.len().saturating_sub(other).min(MAX_SUPPLEMENT)
    }

    pub(in crate::ams) fn send(
        &mut self,
        now: &Now,
        to: &Address,
        content: &Content<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        self.send_raw(now, to, content.mpdu_type(), content.reference(), content, transport)
    }

    /// Sends an MPDU whose supplementary data are not at hand as a [`Content`]. Whoever
    /// says all by this does not link the writers of a [`Content`] of every type.
    pub(in crate::ams) fn send_raw(
        &mut self,
        now: &Now,
        to: &Address,
        kind: MpduType,
        reference: u32,
        supplement: &dyn Encode,
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        let time = TimeCode::new(now.utc, self.tai_minus_utc);
        let header =
            MpduHeader { sender: self.sender, time, signature: &[], checksum: self.checksum };
        let sent = header
            .encode_raw(kind, reference, supplement, &time, self.buffer)
            .map(<[u8]>::len)
            .map_err(|_| SendError::TooLong)
            .and_then(|length| {
                let length = self.sign(length)?;
                transport.send(to, 0, self.buffer.get(..length).unwrap_or_default())
            });
        self.count(sent)
    }

    /// Sends on what was received, without modification (4.2.10.2 and others).
    pub(in crate::ams) fn forward(
        &mut self,
        to: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        let sent = transport.send(to, 0, octets);
        self.count(sent)
    }

    /// Whether what became of an MPDU that must not be lost leaves it to be offered
    /// again. One that is too long always will be: it is given up, and counted.
    pub(in crate::ams) fn is_owed(&mut self, sent: Result<(), SendError>) -> bool {
        if sent == Err(SendError::TooLong) {
            bump(&mut self.stats.too_long);
            return false;
        }
        sent.is_err()
    }

    /// Signs the MPDU that is the first `length` octets of the buffer, if anybody
    /// does. What cannot be signed is offered again like what the transport refuses.
    fn sign(&mut self, length: usize) -> Result<usize, SendError> {
        match &self.guard {
            Some((authenticator, party)) => {
                authenticator.sign_for(party, self.buffer, length, &mut self.stats)
            }
            None => Ok(length),
        }
    }

    fn count(&mut self, sent: Result<(), SendError>) -> Result<(), SendError> {
        bump(if sent.is_ok() { &mut self.stats.sent } else { &mut self.stats.refused });
        sent
    }
}

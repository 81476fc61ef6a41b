//! Channels with a key: RPDUs encrypted on their way out, decrypted on their way in.

use super::{Gateway, PLACES, bump};
use crate::ams::ids::ContinuumNumber;
use crate::ams::security::{Channel, ChannelHandler, ContentFault};
use crate::time::Now;
use crate::transport::{Address, SendError, Transport};

/// Who encrypts, and where.
#[derive(Debug)]
pub(super) struct ChannelRoom<'s> {
    pub(super) handler: &'s dyn ChannelHandler,
    pub(super) sealed: &'s mut [u8],
    pub(super) opened: &'s mut [u8],
}

impl<'s> Gateway<'s> {
    /// The key of the channel to the gateway of `continuum`; empty for none.
    pub(super) fn channel_key(&self, continuum: ContinuumNumber) -> &'s [u8] {
        let remote = self.module.venture().map_or(&[][..], |venture| venture.remote);
        let space = remote.iter().find(|space| space.continuum == continuum);
        space.map_or(&[], |space| space.channel_key.0)
    }

    /// The channel from here to the gateway of `continuum`.
    fn channel(&self, continuum: ContinuumNumber) -> Channel {
        let venture = self.module.venture().map(|venture| venture.number);
        let from = self.mib.continuum.number;
        Channel { venture: venture.unwrap_or_default(), from, to: continuum }
    }

    /// Sends the RPDU that is the first `length` octets of the buffer, encrypted if the
    /// channel has a key. What cannot be encrypted is not sent.
    pub(super) fn send_rpdu(
        &mut self,
        place: u8,
        to: &Address,
        length: usize,
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        let continuum = self.neighbours.get(place).map(|neighbour| neighbour.continuum);
        let key = continuum.map_or(&[][..], |continuum| self.channel_key(continuum));
        let rpdu = self.rpdu.get(..length).unwrap_or_default();
        if key.is_empty() {
            return transport.send(to, 0, rpdu);
        }
        let channel = self.channel(continuum.unwrap_or_default());
        let sealed = match &mut self.security {
            Some(room) => room
                .handler
                .seal(key, &channel, rpdu, room.sealed)
                .and_then(|length| room.sealed.get(..length).ok_or(ContentFault::NoRoom)),
            None => Err(ContentFault::NoCipher),
        };
        let sealed = sealed.map_err(|why| {
            bump(&mut self.stats.not_encrypted);
            if why == ContentFault::NoRoom { SendError::TooLong } else { SendError::Busy }
        })?;
        transport.send(to, 0, sealed)
    }

    /// Takes an RPDU as it came.
    pub(super) fn unsealed(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) {
        let known = self.place_by_address(now, from, transport);
        let keyed = |gateway: &Self, place: u8| {
            let neighbour = gateway.neighbours.get(place)?;
            let key = gateway.channel_key(neighbour.continuum);
            (!key.is_empty()).then_some((neighbour.continuum, key))
        };
        if known.is_some_and(|place| keyed(self, place).is_none()) {
            return self.take_rpdu(now, from, known, octets, transport);
        }
        // Lent out, for what it holds is taken by the gateway as a whole.
        let mut room = self.security.as_mut().map(|room| core::mem::take(&mut room.opened));
        let opened =
            PLACES.filter(|place| known.is_none_or(|known| known == *place)).find_map(|place| {
                let (continuum, key) = keyed(self, place)?;
                let handler = self.security.as_ref()?.handler;
                let channel = self.channel(continuum).back();
                let room = room.as_deref_mut()?;
                Some((place, continuum, handler.open(key, &channel, octets, room).ok()?))
            });
        match (opened, known) {
            (Some((place, continuum, length)), _) => {
                if known.is_none() {
                    self.note_alias(continuum, from);
                }
                let rpdu = room.as_deref().and_then(|room| room.get(..length)).unwrap_or_default();
                self.take_rpdu(now, from, Some(place), rpdu, transport);
            }
            (None, Some(_)) => bump(&mut self.stats.not_decrypted),
            (None, None) => self.take_rpdu(now, from, None, octets, transport),
        }
        if let (Some(security), Some(room)) = (&mut self.security, room) {
            security.opened = room;
        }
    }
}

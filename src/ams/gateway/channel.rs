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

    /// The continuum of the neighbour at `place` and the key of its channel, if there is one.
    fn keyed(&self, place: u8) -> Option<(ContinuumNumber, &'s [u8])> {
        let continuum = self.neighbours.get(place)?.continuum;
        Some((continuum, self.channel_key(continuum))).filter(|(_, key)| !key.is_empty())
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
        let rpdu = self.rpdu.get(..length).unwrap_or_default();
        let Some((continuum, key)) = self.keyed(place) else {
            return transport.send(to, 0, rpdu);
        };
        let channel = self.channel(continuum);
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

    /// Takes an RPDU as it came. Who is not known by the address may be by the key.
    pub(super) fn unsealed(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) {
        let known = self.place_by_address(now, from, transport);
        if known.is_some_and(|place| self.keyed(place).is_none()) {
            return self.take_rpdu(now, from, known, octets, transport);
        }
        // Taken out, for what it holds is taken by the gateway as a whole.
        let mut room = self.security.as_mut().map(|room| core::mem::take(&mut room.opened));
        let clear = room.as_deref_mut().unwrap_or_default();
        let mut places = PLACES.filter(|place| known.is_none_or(|known| known == *place));
        let opened = places.find_map(|place| Some((place, self.open(place, octets, clear)?)));
        match opened {
            Some((place, length)) => {
                if known.is_none()
                    && let Some(neighbour) = self.neighbours.get_mut(place)
                {
                    neighbour.alias = Some(*from);
                }
                let rpdu = clear.get(..length).unwrap_or_default();
                self.take_rpdu(now, from, Some(place), rpdu, transport);
            }
            None if known.is_some() => bump(&mut self.stats.not_decrypted),
            None => self.take_rpdu(now, from, None, octets, transport),
        }
        if let (Some(security), Some(room)) = (&mut self.security, room) {
            security.opened = room;
        }
    }

    /// Decrypts into `room` what the neighbour at `place` has encrypted. Returns its length.
    fn open(&self, place: u8, octets: &[u8], room: &mut [u8]) -> Option<usize> {
        let (continuum, key) = self.keyed(place)?;
        let channel = self.channel(continuum).back();
        self.security.as_ref()?.handler.open(key, &channel, octets, room).ok()
    }
}

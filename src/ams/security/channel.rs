//! RPDUs between gateways, encrypted with the key that the MIB has for the channel
//! ([`RemoteMessageSpace::channel_key`]).
//!
//! [`RemoteMessageSpace::channel_key`]: crate::ams::mib::RemoteMessageSpace
//!
//! The standard leaves the protection of channels to the networks below. Where those have none,
//! as UDP, this is ours, in the form of encrypted application data:
//!
//! ```text
//! | nonce | encrypted RPDU, as long as the RPDU | tag |
//! ```

use core::fmt;

use super::{Cipher, ContentFault, Random, sealing};
use crate::ams::ids::{ContinuumNumber, VentureNumber};

/// Between whom an RPDU goes. Encryption binds it to them: it is refused on its way
/// back, and in another venture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The venture of both gateways.
    pub venture: VentureNumber,
    /// The continuum of the gateway that sends it.
    pub from: ContinuumNumber,
    /// The continuum of the gateway that receives it.
    pub to: ContinuumNumber,
}

impl Channel {
    /// Octets of a channel.
    pub const LEN: usize = 9;

    /// Its octets: `RPDU`, venture, and the continua, 4, 1, 2 and 2 of them.
    #[must_use]
    pub const fn octets(&self) -> [u8; Self::LEN] {
        let [from_high, from_low] = self.from.get().to_be_bytes();
        let [to_high, to_low] = self.to.get().to_be_bytes();
        [b'R', b'P', b'D', b'U', self.venture.0, from_high, from_low, to_high, to_low]
    }

    /// The channel in the other direction.
    #[must_use]
    pub const fn back(&self) -> Self {
        Self { venture: self.venture, from: self.to, to: self.from }
    }
}

/// Who encrypts what gateways say to each other.
pub trait ChannelHandler: fmt::Debug {
    /// Encrypts `rpdu` with `key` in `room`. Returns how many octets of it are to be sent.
    ///
    /// # Errors
    /// [`ContentFault`] when it cannot be done; the RPDU must not be sent.
    fn seal(
        &self,
        key: &[u8],
        channel: &Channel,
        rpdu: &[u8],
        room: &mut [u8],
    ) -> Result<usize, ContentFault>;

    /// Decrypts `octets` into `room`. Returns the length of the RPDU.
    ///
    /// # Errors
    /// [`ContentFault`]; what `room` has then is of no use.
    fn open(
        &self,
        key: &[u8],
        channel: &Channel,
        octets: &[u8],
        room: &mut [u8],
    ) -> Result<usize, ContentFault>;
}

/// Encryption of RPDUs by a cipher.
#[derive(Clone, Copy, Debug)]
pub struct ChannelSecurity<'s> {
    cipher: &'s dyn Cipher,
    random: &'s dyn Random,
}

impl<'s> ChannelSecurity<'s> {
    /// Encrypts with `cipher`, whose nonces are of `random`.
    #[must_use]
    pub const fn new(cipher: &'s dyn Cipher, random: &'s dyn Random) -> Self {
        Self { cipher, random }
    }
}

impl ChannelHandler for ChannelSecurity<'_> {
    fn seal(
        &self,
        key: &[u8],
        channel: &Channel,
        rpdu: &[u8],
        room: &mut [u8],
    ) -> Result<usize, ContentFault> {
        sealing::seal((self.cipher, self.random), key, &channel.octets(), room, |room| {
            sealing::copy(rpdu, room).ok_or(ContentFault::NoRoom)
        })
    }

    fn open(
        &self,
        key: &[u8],
        channel: &Channel,
        octets: &[u8],
        room: &mut [u8],
    ) -> Result<usize, ContentFault> {
        let (rpdu, _) = sealing::open(self.cipher, key, &channel.octets(), octets, room)?;
        Ok(rpdu.len())
    }
}

//! Application data on its way out and in: marshalled, then encrypted; decrypted,
//! then un-marshalled (735.1-B-1 4.3.1.3, 4.3.1.4, 4.3.8.1.3).
//!
//! What is transmitted of an encrypted message:
//!
//! ```text
//! | nonce | encrypted data, as long as the data | tag |
//! ```

use core::fmt;

use super::sealing::{self, copy};
use super::{Cipher, ContentHandler, MarshalFault, Marshalling, NotOpened, Random};
use crate::ams::ids::{ContextNumber, ContinuumNumber, ModuleKey, SubjectNumber};
use crate::ams::mib::Subject;
use crate::ams::pdu::{Aams, AamsHeader, MessageType};

/// What of a message's header is the same for all receivers. Encryption binds the
/// data to it: they are refused under another.
///
/// Priority and flow label are not in it, for they vary from copy to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Unary, query or reply.
    pub message_type: MessageType,
    /// The continuum of the source.
    pub continuum: ContinuumNumber,
    /// The source.
    pub source: ModuleKey,
    /// The context.
    pub context: ContextNumber,
    /// The subject.
    pub subject: SubjectNumber,
}

impl Origin {
    /// Octets of an origin.
    pub const LEN: usize = 12;

    /// Its octets: message type, continuum, unit, module, context and subject, 1, 2,
    /// 2, 1, 4 and 2 of them.
    #[must_use]
    pub const fn octets(&self) -> [u8; Self::LEN] {
        let [continuum_high, continuum_low] = self.continuum.get().to_be_bytes();
        let [unit_high, unit_low] = self.source.unit.0.to_be_bytes();
        let [a, b, c, d] = self.context.0.to_be_bytes();
        let [subject_high, subject_low] = self.subject.0.to_be_bytes();
        [
            self.message_type.bits(),
            continuum_high,
            continuum_low,
            unit_high,
            unit_low,
            self.source.module.0,
            a,
            b,
            c,
            d,
            subject_high,
            subject_low,
        ]
    }
}

impl From<&AamsHeader> for Origin {
    fn from(header: &AamsHeader) -> Self {
        let AamsHeader { message_type, continuum, source, context, subject, .. } = *header;
        Self { message_type, continuum, source, context, subject }
    }
}

impl From<&Aams<'_>> for Origin {
    fn from(message: &Aams<'_>) -> Self {
        Self {
            message_type: message.message_type(),
            continuum: message.source_continuum(),
            source: message.source(),
            context: message.context(),
            subject: message.subject(),
        }
    }
}

/// Why application data were not marshalled and encrypted, or decrypted and
/// un-marshalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ContentFault {
    /// The MIB has a key for the subject and no cipher was supplied.
    NoCipher,
    /// The MIB's key is none of the cipher.
    KeyUnusable,
    /// There are no random octets for a nonce.
    NoRandom,
    /// No function of the name the MIB gives was supplied.
    NoFunction,
    /// The function cannot make sense of the data.
    NotConverted,
    /// The room lent for the work is too small.
    NoRoom,
    /// What was received was encrypted with another key or of another origin, or was
    /// altered; or it is too short to be encrypted at all.
    NotAuthentic,
}

impl ContentFault {
    /// A short name for programs to tell faults by; it stays the same.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCipher => "no_cipher",
            Self::KeyUnusable => "key_unusable",
            Self::NoRandom => "no_random",
            Self::NoFunction => "no_marshalling_function",
            Self::NotConverted => "marshalling_failed",
            Self::NoRoom => "no_room",
            Self::NotAuthentic => "not_decrypted",
        }
    }
}

impl fmt::Display for ContentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCipher => "its subject is encrypted, and no cipher is at hand",
            Self::KeyUnusable => "the key of its subject is none of the cipher",
            Self::NoRandom => "there are no random octets at hand",
            Self::NoFunction => "the marshalling function of its subject is not at hand",
            Self::NotConverted => "its marshalling function refuses the data",
            Self::NoRoom => "there is no room to encrypt or to marshal it in",
            Self::NotAuthentic => "it was encrypted with another key, or altered",
        })
    }
}

impl core::error::Error for ContentFault {}

impl From<MarshalFault> for ContentFault {
    fn from(fault: MarshalFault) -> Self {
        match fault {
            MarshalFault::NoFunction => Self::NoFunction,
            MarshalFault::NoRoom => Self::NoRoom,
            MarshalFault::Refused => Self::NotConverted,
        }
    }
}

impl From<NotOpened> for ContentFault {
    fn from(why: NotOpened) -> Self {
        match why {
            NotOpened::KeyUnusable => Self::KeyUnusable,
            NotOpened::NotAuthentic => Self::NotAuthentic,
        }
    }
}

/// Marshalling and encryption by subject, as the MIB has it.
///
/// A subject that asks for what was not supplied is refused, out and in.
#[derive(Debug)]
pub struct SubjectSecurity<'s> {
    cipher: Option<(&'s dyn Cipher, &'s dyn Random)>,
    marshalling: Option<&'s dyn Marshalling>,
    room: &'s mut [u8],
}

impl<'s> SubjectSecurity<'s> {
    /// Neither encrypts nor marshals yet. `room` is where data are made that are to be
    /// sent: as long as the longest, marshalled, with nonce and tag.
    #[must_use]
    pub const fn new(room: &'s mut [u8]) -> Self {
        Self { cipher: None, marshalling: None, room }
    }

    /// The same, with a cipher and a source of nonces for it.
    #[must_use]
    pub const fn with_cipher(mut self, cipher: &'s dyn Cipher, random: &'s dyn Random) -> Self {
        self.cipher = Some((cipher, random));
        self
    }

    /// The same, with marshalling functions.
    #[must_use]
    pub const fn with_marshalling(mut self, marshalling: &'s dyn Marshalling) -> Self {
        self.marshalling = Some(marshalling);
        self
    }
}

/// Writes `data` to `to`, by way of `function` if there is one. Returns the length.
fn convert(
    marshalling: Option<&dyn Marshalling>,
    function: &str,
    data: &[u8],
    to: &mut [u8],
) -> Result<usize, ContentFault> {
    if function.is_empty() {
        return copy(data, to).ok_or(ContentFault::NoRoom);
    }
    let capacity = to.len();
    let length = marshalling.ok_or(ContentFault::NoFunction)?.convert(function, data, to)?;
    // Nobody writes more than there is room for, whatever he says.
    if length <= capacity { Ok(length) } else { Err(ContentFault::NotConverted) }
}

impl ContentHandler for SubjectSecurity<'_> {
    fn prepare(
        &mut self,
        subject: &Subject<'_>,
        origin: &Origin,
        data: &[u8],
    ) -> Result<&[u8], ContentFault> {
        const NO_ROOM: ContentFault = ContentFault::NoRoom;
        let Self { cipher, marshalling, room } = self;
        if subject.symmetric_key.is_empty() {
            let length = convert(*marshalling, subject.marshal, data, room)?;
            return room.get(..length).ok_or(NO_ROOM);
        }
        let cipher = cipher.ok_or(ContentFault::NoCipher)?;
        let (key, origin) = (&subject.symmetric_key, origin.octets());
        let write = |room: &mut [u8]| convert(*marshalling, subject.marshal, data, room);
        let end = sealing::seal(cipher, key, &origin, room, write)?;
        room.get(..end).ok_or(NO_ROOM)
    }

    fn restore<'b>(
        &self,
        subject: &Subject<'_>,
        origin: &Origin,
        data: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], ContentFault> {
        const NO_ROOM: ContentFault = ContentFault::NoRoom;
        if subject.symmetric_key.is_empty() {
            let length = convert(self.marshalling, subject.unmarshal, data, room)?;
            return room.get(..length).ok_or(NO_ROOM);
        }
        let (cipher, _) = self.cipher.ok_or(ContentFault::NoCipher)?;
        let (key, origin) = (&subject.symmetric_key, origin.octets());
        let (content, rest) = sealing::open(cipher, key, &origin, data, room)?;
        if subject.unmarshal.is_empty() {
            return Ok(content);
        }
        let length = convert(self.marshalling, subject.unmarshal, content, rest)?;
        rest.get(..length).ok_or(NO_ROOM)
    }
}

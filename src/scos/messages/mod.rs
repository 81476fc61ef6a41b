//! What SSD, SSM and Actor say to one another.
//!
//! One octet of version, then one [`Message`] in postcard. A version octet of 0 is
//! a version notice: the octet after it is the highest version its sender speaks.
//! It answers a message of another version and is itself never answered.
//!
//! | message | from | to | answered by |
//! |---|---|---|---|
//! | [`Associate`] | SSD | SSM | [`Associated`], [`AssociationRefused`], [`Challenge`] |
//! | [`Challenge`] | SSM | SSD | [`Associate`] |
//! | [`Advertise`] | SSD | SSM | [`Advertised`] |
//! | [`ScheduleChange`] | SSM | SSD | [`ScheduleAck`] |
//! | [`Report`] | SSD, SSM | SSM, Actor | [`Message::ReportAck`] |
//! | [`ScanRequest`] | Actor | SSM | [`Granted`], [`Refused`] |
//! | [`Cancel`] | Actor | SSM | [`Cancelled`], [`Refused`] |
//! | [`InventoryRequest`] | Actor | SSM | [`InventoryItem`] |
//! | [`UsageRequest`] | Actor | SSM | [`UsageItem`] |
//! | [`Message::NotAssociated`] | SSM | SSD | [`Associate`] |
//! | [`SetActorPolicy`] | policy manager | SSM | [`ActorPolicyAck`] |
//!
//! Whoever asks repeats until it is answered; whoever answers gives the same
//! answer again.

mod association;
mod inventory;
mod policy;
mod report;
mod request;
mod schedule;
#[cfg(test)]
mod tests;
mod usage;

pub(super) use association::AdvertiseKept;
pub use association::{
    Advertise, Advertised, Associate, Associated, Association, AssociationRefusal,
    AssociationRefused, Binding, Challenge, Nonce, Proof, ScheduleMark,
};
pub use inventory::{
    Cursor, Entries, EntriesBuffer, InventoryDevice, InventoryItem, InventoryRequest, Place,
};
pub use policy::{ActorPolicyAck, PolicyOutcome, SetActorPolicy};
pub use report::{Outcome, Rejection, Report};
pub use request::{
    Alternative, Cancel, Cancelled, DEVICES_MAX, Devices, Granted, Refusal, Refused, ScanRequest,
};
pub use schedule::{Change, ScheduleAck, ScheduleChange, ScheduleEntry};
pub use usage::{Usage, UsageItem, UsageRequest};

use core::fmt;

use serde::{Deserialize, Serialize};

use super::ScanId;
use super::coding::coded;
use super::decoding::{Decode, Decoder};
use super::encoding::{Encode, Encoder};
use crate::wire::NoSpace;

/// The version of the messages here.
pub const VERSION: u8 = 1;

/// Octets of the longest message.
pub const MESSAGE_MAX: usize = 1_152;

/// The longest device ID, in octets.
pub const DEVICE_ID_MAX: usize = 32;

/// The longest public key, in octets.
pub const PUBLIC_KEY_MAX: usize = 64;

/// The longest signature of a [`Proof`], in octets.
pub const SIGNATURE_MAX: usize = 96;

/// A message. The order of the variants is their number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Message<'a> {
    /// An association request.
    Associate(#[serde(borrow)] Associate<'a>),
    /// An association granted.
    Associated(#[serde(borrow)] Associated<'a>),
    /// An association refused.
    AssociationRefused(#[serde(borrow)] AssociationRefused<'a>),
    /// SSM to SSD: what came from you needs an association and you have none.
    NotAssociated,
    /// A section of what a device is and can do.
    Advertise(#[serde(borrow)] Advertise<'a>),
    /// A section has arrived.
    Advertised(Advertised),
    /// A change of a schedule.
    ScheduleChange(ScheduleChange),
    /// The version a schedule has.
    ScheduleAck(ScheduleAck),
    /// The final report of an occurrence.
    Report(#[serde(borrow)] Report<'a>),
    /// SSM to SSD, Actor to SSM: the report of this occurrence has arrived.
    ReportAck(ScanId),
    /// A request for a scan.
    ScanRequest(#[serde(borrow)] ScanRequest<'a>),
    /// A scan to be dropped.
    Cancel(Cancel),
    /// A scan booked.
    Granted(#[serde(borrow)] Granted<'a>),
    /// A scan not booked.
    Refused(#[serde(borrow)] Refused<'a>),
    /// A scan dropped.
    Cancelled(Cancelled),
    /// A request for a part of the inventory.
    InventoryRequest(InventoryRequest),
    /// A part of the inventory.
    InventoryItem(#[serde(borrow)] InventoryItem<'a>),
    /// SSM to SSD: prove that you have the private key.
    Challenge(#[serde(borrow)] Challenge<'a>),
    /// A request for what Actors have had.
    UsageRequest(UsageRequest),
    /// What some Actors have had.
    UsageItem(UsageItem),
    /// What is to hold for an Actor.
    SetActorPolicy(SetActorPolicy),
    /// What became of that.
    ActorPolicyAck(ActorPolicyAck),
}

/// All kinds of messages, a bit for the number of each.
const ANYBODY: u32 = u32::MAX;

/// The kinds of messages that an SSD is sent.
pub(super) const TO_SSD: u32 = kinds(&[1, 2, 3, 5, 6, 9, 17]);

/// The kinds of messages that an SSM is sent.
pub(super) const TO_SSM: u32 = kinds(&[0, 4, 7, 8, 9, 10, 11, 15, 18, 20]);

/// The kinds of messages that an Actor is sent.
pub(super) const TO_ACTOR: u32 = kinds(&[8, 12, 13, 14, 16, 19]);

/// The kinds of messages that a policy manager is sent.
pub(super) const TO_POLICY_MANAGER: u32 = kinds(&[21]);

/// Whether this is one of the kinds. What is not is not there for the compiler either,
/// where they are constants.
const fn is_in(kinds: u32, kind: u32) -> bool {
    kinds & 1_u32.wrapping_shl(kind) != 0
}

const fn kinds(numbers: &[u32]) -> u32 {
    match numbers {
        [number, others @ ..] => 1_u32.wrapping_shl(*number) | kinds(others),
        [] => 0,
    }
}

/// Why octets are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MessageFault {
    /// There are none.
    Empty,
    /// They are of another version, which is answered with a version notice.
    Version(u8),
    /// They are a version notice: the peer speaks at most this version.
    Notice(u8),
    /// They are no message of this version.
    Malformed,
    /// They go on after the message.
    Trailing,
    /// A text, key, summary or number is longer or greater than it may be.
    OutOfRange,
}

impl fmt::Display for MessageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no octets"),
            Self::Version(version) => write!(f, "version {version}, not {VERSION}"),
            Self::Notice(version) => write!(f, "a notice that the peer speaks version {version}"),
            Self::Malformed => f.write_str("no message of this version"),
            Self::Trailing => f.write_str("octets after the message"),
            Self::OutOfRange => f.write_str("a value out of its range"),
        }
    }
}

impl core::error::Error for MessageFault {}

impl<'a> Message<'a> {
    /// Reads a message, which must be all of `octets`. Texts, keys and summaries
    /// are borrowed.
    ///
    /// # Errors
    /// [`MessageFault`]
    pub fn parse(octets: &'a [u8]) -> Result<Self, MessageFault> {
        Self::parse_for::<ANYBODY>(octets)?.ok_or(MessageFault::Malformed)
    }

    /// The same for a machine that is sent these kinds of messages: `None` for another,
    /// which is not read, and whose reader is not linked.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn parse_for<const KINDS: u32>(
        octets: &'a [u8],
    ) -> Result<Option<Self>, MessageFault> {
        let (version, body) = match octets {
            [] => return Err(MessageFault::Empty),
            [0, theirs] => return Err(MessageFault::Notice(*theirs)),
            [version, body @ ..] => (*version, body),
        };
        if version != VERSION {
            return Err(MessageFault::Version(version));
        }
        let mut from = Decoder::new(body);
        let message = Self::read_one_of::<KINDS>(&mut from);
        let rest = from.rest().ok_or(MessageFault::Malformed)?;
        if message.is_none() {
            return Ok(None);
        }
        if !rest.is_empty() {
            return Err(MessageFault::Trailing);
        }
        if message.as_ref().is_some_and(Self::is_sound::<KINDS>) {
            Ok(message)
        } else {
            Err(MessageFault::OutOfRange)
        }
    }

    /// Reads a message, but none of a kind that is not in `KINDS`.
    fn read_one_of<const KINDS: u32>(from: &mut Decoder<'a>) -> Option<Self> {
        macro_rules! read {
            ($($number:literal $kind:ident)*) => {
                match from.varint_32() {
                    3 if is_in(KINDS, 3) => Self::NotAssociated,
                    $($number if is_in(KINDS, $number) => Self::$kind(Decode::read(from)),)*
                    0..=21 => return None,
                    _ => return from.refuse(None),
                }
            };
        }
        Some(read! {
            0 Associate 1 Associated 2 AssociationRefused 4 Advertise 5 Advertised
            6 ScheduleChange 7 ScheduleAck 8 Report 9 ReportAck 10 ScanRequest 11 Cancel
            12 Granted 13 Refused 14 Cancelled 15 InventoryRequest 16 InventoryItem
            17 Challenge 18 UsageRequest 19 UsageItem 20 SetActorPolicy 21 ActorPolicyAck
        })
    }

    /// Writes the message to the front of `buffer` and returns it.
    /// [`MESSAGE_MAX`] octets are enough for any message.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], NoSpace> {
        versioned(self, buffer)
    }

    /// Whether every part is as long and as great as it may be.
    fn is_sound<const KINDS: u32>(&self) -> bool {
        match self {
            Self::Associate(m) => {
                is_id(m.device)
                    && m.public_key.len() <= PUBLIC_KEY_MAX
                    && m.proof.is_none_or(|proof| proof.signature.len() <= SIGNATURE_MAX)
            }
            Self::Challenge(m) => is_id(m.device),
            Self::Associated(m) => is_id(m.device),
            Self::AssociationRefused(m) => is_id(m.device),
            Self::Advertise(m) if is_in(KINDS, 4) => m.revision > 0 && m.section.check().is_ok(),
            Self::ScheduleChange(m) => m.base < m.version && change_is_sound(&m.change),
            Self::Report(m) => m.spectrum.len() <= Report::SPECTRUM_MAX,
            // What a request asks for may be nonsense: that is refused, by name.
            Self::ScanRequest(m) => m.devices.is_sound(),
            Self::Granted(m) => is_id(m.device) && m.series.is_sound(),
            Self::Refused(m) => m.alternative.is_none_or(|place| is_id(place.device)),
            Self::SetActorPolicy(m) => m.version > 0,
            Self::InventoryItem(m) if is_in(KINDS, 16) => m.device.is_none_or(|item| {
                is_id(item.device) && item.metadata.is_sound() && item.schedule.is_sound()
            }),
            Self::NotAssociated
            | Self::Advertise(_)
            | Self::Advertised(_)
            | Self::ScheduleAck(_)
            | Self::ReportAck(_)
            | Self::Cancel(_)
            | Self::Cancelled(_)
            | Self::InventoryRequest(_)
            | Self::InventoryItem(_)
            | Self::UsageRequest(_)
            | Self::UsageItem(_)
            | Self::ActorPolicyAck(_) => true,
        }
    }
}

/// Writes a version octet and a message.
fn versioned<'b>(message: &dyn Encode, buffer: &'b mut [u8]) -> Result<&'b [u8], NoSpace> {
    let have = buffer.len();
    let mut to = Encoder::new(buffer);
    to.octet(VERSION);
    message.write(&mut to);
    to.finish().map(|octets| &*octets).map_err(|_| NoSpace::new(MESSAGE_MAX, have))
}

/// What a message of one kind holds. Machines say these, and link their writers alone, where
/// [`Message::encode`] needs those of all.
pub(super) trait Part: Encode {
    /// The number of the kind on the wire.
    fn kind(&self) -> u8;
}

/// Writes the message that holds this, as [`Message::encode`] does.
pub(super) fn encode_part<'b>(part: &dyn Part, buffer: &'b mut [u8]) -> Result<&'b [u8], NoSpace> {
    versioned(&Said(part), buffer)
}

/// A message by what it holds.
struct Said<'p>(&'p dyn Part);

impl Encode for Said<'_> {
    fn write(&self, to: &mut Encoder<'_>) {
        to.octet(self.0.kind());
        self.0.write(to);
    }
}

/// What [`Message::NotAssociated`] holds: nothing.
pub(super) struct NotAssociated;

impl Encode for NotAssociated {
    fn write(&self, _to: &mut Encoder<'_>) {}
}

macro_rules! parts {
    ($($number:literal $part:ty;)*) => {
        $(impl Part for $part {
            fn kind(&self) -> u8 {
                $number
            }
        })*
    };
}

parts! {
    0 Associate<'_>;
    1 Associated<'_>;
    2 AssociationRefused<'_>;
    3 NotAssociated;
    4 AdvertiseKept<'_>;
    5 Advertised;
    6 ScheduleChange;
    7 ScheduleAck;
    8 Report<'_>;
    9 ScanId;
    10 ScanRequest<'_>;
    11 Cancel;
    12 Granted<'_>;
    13 Refused<'_>;
    14 Cancelled;
    15 InventoryRequest;
    16 InventoryItem<'_>;
    17 Challenge<'_>;
    18 UsageRequest;
    19 UsageItem;
    20 SetActorPolicy;
    21 ActorPolicyAck;
}

/// The version notice: what answers a message of a version not spoken here.
pub const VERSION_NOTICE: [u8; 2] = [0, VERSION];

/// Whether `text` is as long as a device ID may be.
pub(super) const fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= DEVICE_ID_MAX
}

fn change_is_sound(change: &Change) -> bool {
    match change {
        Change::Add { entry, next } => {
            entry.series.is_sound() && *next < entry.series.occurrences()
        }
        Change::Remove { .. } => true,
    }
}

coded! {
    enum Message<'a>: 0 Associate(m), 1 Associated(m),
        2 AssociationRefused(m), 3 NotAssociated, 4 Advertise(m), 5 Advertised(m),
        6 ScheduleChange(m), 7 ScheduleAck(m), 8 Report(m), 9 ReportAck(m), 10 ScanRequest(m),
        11 Cancel(m), 12 Granted(m), 13 Refused(m), 14 Cancelled(m), 15 InventoryRequest(m),
        16 InventoryItem(m), 17 Challenge(m), 18 UsageRequest(m), 19 UsageItem(m),
        20 SetActorPolicy(m), 21 ActorPolicyAck(m); else Self::NotAssociated;
}

//! Messages (9.3) and the groups they travel in (9.2).
//!
//! ```text
//! | group:   array of 1 + n | TS | message, a byte string | … |
//! | message: reserved, 2 bits | ACL | NACK | ACK | operation code, 3 bits | body | trailer, if ACL |
//! | register agent:  agent ID, a byte string |
//! | report set:      array of names | array of RPT |
//! | perform control: start TV | AC of controls |
//! | table set:       array of names | array of TBL |
//! ```

use super::cbor;
use super::collection::Ac;
use super::item::{Cursor, Item};
use super::object::{Rpt, Tbl};
use super::profile::{Profile, Quirks};
use super::rule::{AmpRule, Malformed, fault};
use super::types::Opcode;
use super::value::{Value, write_unsigned};
use super::walk::kind;
use super::write::{ArrayWriter, BytesWriter};
use crate::wire::{Encode, NoSpace, Reader, Writer};

/// The first octet of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MessageHeader {
    /// What it does.
    pub opcode: Opcode,
    /// The sender wants to be told when it has been applied.
    pub ack: bool,
    /// The sender wants to be told when it could not be applied.
    pub nack: bool,
    /// A list of who may take part follows the body. What it looks like is not defined.
    pub acl: bool,
}

const ACK: u8 = 0x08;
const NACK: u8 = 0x10;
const ACL: u8 = 0x20;

impl MessageHeader {
    /// A header without flags.
    #[must_use]
    pub const fn new(opcode: Opcode) -> Self {
        Self { opcode, ack: false, nack: false, acl: false }
    }

    /// Its octet.
    #[must_use]
    pub const fn octet(self) -> u8 {
        self.opcode.0 & 7
            | if self.ack { ACK } else { 0 }
            | if self.nack { NACK } else { 0 }
            | if self.acl { ACL } else { 0 }
    }

    const fn from_octet(octet: u8) -> Self {
        Self {
            opcode: Opcode(octet & 7),
            ack: octet & ACK != 0,
            nack: octet & NACK != 0,
            acl: octet & ACL != 0,
        }
    }
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    octets: &'a [u8],
    body: Item<'a>,
    trailer: &'a [u8],
}

/// What a message holds.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// An agent makes itself known by this name, UTF-8 if it came from ION.
    RegisterAgent(&'a [u8]),
    /// Reports, at least one.
    ReportSet(Recipients<'a>, Reports<'a>),
    /// Controls and macros to be run from that time value on.
    PerformControl(u64, Ac<'a>),
    /// Tables, at least one.
    TableSet(Recipients<'a>, Tables<'a>),
}

impl<'a> Message<'a> {
    /// Reads a message that is all of `octets`.
    ///
    /// # Errors
    /// [`Malformed`] where it is none.
    pub fn parse(octets: &'a [u8], profile: Profile) -> Result<Self, Malformed> {
        Self::read(octets, 0, profile)
    }

    /// Its first octet. The two reserved bits are not looked at.
    #[must_use]
    pub const fn header(&self) -> MessageHeader {
        MessageHeader::from_octet(match self.octets {
            [octet, ..] => *octet,
            [] => 0,
        })
    }

    /// The reserved bits of the first octet, 0 from whoever keeps to the draft.
    #[must_use]
    pub const fn reserved(&self) -> u8 {
        match self.octets {
            [octet, ..] => octet.wrapping_shr(6),
            [] => 0,
        }
    }

    /// What it holds.
    #[must_use]
    pub fn body(&self) -> Body<'a> {
        let mut cursor = self.body.cursor();
        match self.header().opcode {
            Opcode::REGISTER_AGENT => Body::RegisterAgent(match cursor.value(kind::AGENT_ID) {
                Some(Value::Bytes(id)) => id,
                _ => &[],
            }),
            Opcode::REPORT_SET => {
                let recipients = Recipients::over(&mut cursor);
                Body::ReportSet(recipients, Reports(Elements::of(cursor)))
            }
            Opcode::PERFORM_CONTROL => {
                let start = cursor.unsigned(kind::TV);
                Body::PerformControl(start, Ac(cursor.item(kind::AC)))
            }
            _ => {
                let recipients = Recipients::over(&mut cursor);
                Body::TableSet(recipients, Tables(Elements::of(cursor)))
            }
        }
    }

    /// What follows the body: the list of who may take part, undefined so far.
    #[must_use]
    pub const fn trailer(&self) -> &'a [u8] {
        self.trailer
    }

    /// Its octets.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// What had to be overlooked to accept it.
    #[must_use]
    pub const fn quirks(&self) -> Quirks {
        self.body.quirks
    }

    fn read(octets: &'a [u8], offset: usize, profile: Profile) -> Result<Self, Malformed> {
        let mut reader = Reader::at(octets, offset);
        let first = reader.u8().map_err(|short| Malformed::short(AmpRule::Truncated, short))?;
        let header = MessageHeader::from_octet(first);
        if header.opcode.name().is_none() {
            return Err(fault(AmpRule::OpcodeReserved, offset, header.opcode.0, 3));
        }
        let body = Item::split(&mut reader, profile, kind::BODY | header.opcode.0)?;
        if !header.acl && !reader.is_empty() {
            return Err(Malformed::trailing(AmpRule::Trailing, &reader));
        }
        Ok(Self { octets, body, trailer: reader.rest() })
    }
}

/// Goes over an array.
#[derive(Clone, Debug)]
struct Elements<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

impl<'a> Elements<'a> {
    fn of(mut cursor: Cursor<'a>) -> Self {
        let left = cbor::count(&mut cursor.reader, cbor::ARRAY).unwrap_or(0);
        Self { cursor, left }
    }

    fn next(&mut self) -> Option<&mut Cursor<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(&mut self.cursor)
    }
}

/// The names of the managers that a set is sent to, at least one.
#[derive(Clone, Debug)]
pub struct Recipients<'a>(Elements<'a>);

impl<'a> Recipients<'a> {
    fn over(cursor: &mut Cursor<'a>) -> Self {
        let item = cursor.item(kind::RECIPIENTS);
        Self(Elements::of(item.cursor()))
    }
}

impl<'a> Iterator for Recipients<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        cbor::text(&mut self.0.next()?.reader).ok()
    }
}

/// The reports of a set.
#[derive(Clone, Debug)]
pub struct Reports<'a>(Elements<'a>);

impl<'a> Iterator for Reports<'a> {
    type Item = Rpt<'a>;

    fn next(&mut self) -> Option<Rpt<'a>> {
        Some(Rpt(self.0.next()?.item(kind::RPT)))
    }
}

/// The tables of a set.
#[derive(Clone, Debug)]
pub struct Tables<'a>(Elements<'a>);

impl<'a> Iterator for Tables<'a> {
    type Item = Tbl<'a>;

    fn next(&mut self) -> Option<Tbl<'a>> {
        Some(Tbl(self.0.next()?.item(kind::TBL)))
    }
}

/// A message group: what one actor sends another at once, and what is applied as a whole
/// or not at all. Every message has been found well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    time: u64,
    messages: &'a [u8],
    profile: Profile,
    quirks: Quirks,
}

impl<'a> Group<'a> {
    /// Reads a group that is all of `octets`.
    ///
    /// # Errors
    /// [`Malformed`] where it is none, or any message of it is none.
    pub fn parse(octets: &'a [u8], profile: Profile) -> Result<Self, Malformed> {
        let mut reader = Reader::new(octets);
        let count = cbor::count(&mut reader, cbor::ARRAY)?;
        if count < 2 {
            return Err(fault(AmpRule::GroupEmpty, 0, count, 2));
        }
        let time = Item::split(&mut reader, profile, kind::TS)?;
        let mut quirks = time.quirks;
        let messages = reader.clone().rest();
        for _ in 1..count {
            let octets = cbor::string(&mut reader, cbor::BYTES)?;
            let offset = reader.offset().saturating_sub(octets.len());
            quirks = quirks | Message::read(octets, offset, profile)?.quirks();
        }
        if !reader.is_empty() {
            return Err(Malformed::trailing(AmpRule::Trailing, &reader));
        }
        let time = time.cursor().unsigned(kind::TS);
        Ok(Self { time, messages, profile, quirks })
    }

    /// When it was made, a timestamp. ION writes 0.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// The messages, at least one.
    #[must_use]
    pub const fn messages(&self) -> Messages<'a> {
        Messages(Cursor { reader: Reader::new(self.messages), profile: self.profile })
    }

    /// What had to be overlooked to accept it.
    #[must_use]
    pub const fn quirks(&self) -> Quirks {
        self.quirks
    }
}

/// The messages of a group.
#[derive(Clone, Debug)]
pub struct Messages<'a>(Cursor<'a>);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let octets = cbor::string(&mut self.0.reader, cbor::BYTES).ok()?;
        Message::parse(octets, self.0.profile).ok()
    }
}

/// Writes a group, message by message.
#[derive(Debug)]
pub struct GroupWriter {
    array: ArrayWriter,
    quirks: Quirks,
}

impl GroupWriter {
    /// A group that begins where `to` is and was made at the timestamp `time`.
    ///
    /// # Errors
    /// [`NoSpace`] when the timestamp does not fit.
    pub fn new(to: &mut Writer<'_>, time: u64, quirks: Quirks) -> Result<Self, NoSpace> {
        let mut array = ArrayWriter::new(to);
        array.element();
        write_unsigned(to, time, quirks)?;
        Ok(Self { array, quirks })
    }

    /// Begins a message. What follows is its body, and [`BytesWriter::finish`] ends it;
    /// one that is taken back with [`Writer::truncate`] is [withdrawn](Self::withdraw).
    ///
    /// # Errors
    /// [`NoSpace`] when the header does not fit; then there is no such message.
    pub fn message(
        &mut self,
        to: &mut Writer<'_>,
        header: MessageHeader,
    ) -> Result<BytesWriter, NoSpace> {
        let message = BytesWriter::new(to);
        to.u8(header.octet())?;
        self.array.element();
        Ok(message)
    }

    /// Appends a message that has been written or read elsewhere.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit; then it is not in the group.
    pub fn octets(&mut self, to: &mut Writer<'_>, message: &[u8]) -> Result<(), NoSpace> {
        let end = to.len();
        let written = cbor::write_string(to, cbor::BYTES, message);
        match written {
            Ok(()) => self.array.element(),
            Err(_) => to.truncate(end),
        }
        written
    }

    /// Appends a whole message that registers an agent.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn register_agent(&mut self, to: &mut Writer<'_>, id: &str) -> Result<(), NoSpace> {
        let message = self.message(to, MessageHeader::new(Opcode::REGISTER_AGENT))?;
        write_agent_id(to, id.as_bytes(), self.quirks)?;
        message.finish(to)
    }

    /// Appends a whole message that has controls run.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn perform_control(
        &mut self,
        to: &mut Writer<'_>,
        header: MessageHeader,
        start: u64,
        controls: &Ac<'_>,
    ) -> Result<(), NoSpace> {
        let message = self.message(to, header)?;
        write_unsigned(to, start, self.quirks)?;
        controls.encode(to)?;
        message.finish(to)
    }

    /// The message begun last has been taken back.
    pub const fn withdraw(&mut self) {
        self.array.withdraw();
    }

    /// How many messages there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.array.len().saturating_sub(1)
    }

    /// Whether there are none; such a group is not to be sent.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the group, which takes one octet more, three where there are more than 22
    /// messages.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn finish(self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        self.array.finish(to)
    }
}

/// Appends the name of an agent: a text where that is what the peer reads.
///
/// # Errors
/// [`NoSpace`] when it does not fit.
pub fn write_agent_id(to: &mut Writer<'_>, id: &[u8], quirks: Quirks) -> Result<(), NoSpace> {
    let text = quirks.contains(Quirks::TEXT_AGENT_ID);
    cbor::write_string(to, if text { cbor::TEXT } else { cbor::BYTES }, id)
}

/// Appends the names of the managers a set goes to.
///
/// # Errors
/// [`NoSpace`] when they do not fit.
pub fn write_recipients<'n>(
    to: &mut Writer<'_>,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<(), NoSpace> {
    let mut array = ArrayWriter::new(to);
    for name in names {
        array.element();
        cbor::write_string(to, cbor::TEXT, name.as_bytes())?;
    }
    array.finish(to)
}

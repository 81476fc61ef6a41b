//! The RPCs of the southbound interface in datagrams, for a board without gRPC.
//!
//! **This is the demonstration's own.** The interface is specified over gRPC; what is in these
//! datagrams are the same messages, octet for octet, but no other controller understands the
//! head before them. A datagram is
//!
//! | octets | what |
//! |---|---|
//! | 1 | its kind |
//! | 4 | the number of the agent's call it belongs to, big-endian |
//! | 2 | a number, big-endian: as the kind says |
//! | | a message of the interface |
//!
//! | kind | from | number | message |
//! |---|---|---|---|
//! | 1 reset | agent | | `ResetRequest` |
//! | 2 open | agent | | |
//! | 3 export | agent | | `ExportMetricsRequest` |
//! | 4 reset done, 5 exported | controller | the status code | |
//! | 6 opened | controller | | |
//! | 7 message | both | its place on the stream, from 1 | `ReceiveRequestsMessage…` |
//! | 8 pulse | both | messages sent on the stream so far | |
//! | 9 close | both | | |
//!
//! Datagrams are lost, and a gRPC stream loses nothing. So each end numbers its messages, and
//! tells their number when it was silent for a while: who misses one closes the stream, as if a
//! connection had broken, and so does who hears nothing. The interface is made for that: what
//! was not answered is asked again. Calls without an answer are the agent's to repeat.

use core::time::Duration;

use farpost::time::{Instant, Now};
use farpost::wire::Writer;

/// What a datagram is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(u8);

impl Kind {
    pub(crate) const RESET: Self = Self(1);
    pub(crate) const OPEN: Self = Self(2);
    pub(crate) const EXPORT: Self = Self(3);
    pub(crate) const RESET_DONE: Self = Self(4);
    pub(crate) const EXPORTED: Self = Self(5);
    pub(crate) const OPENED: Self = Self(6);
    pub(crate) const MESSAGE: Self = Self(7);
    pub(crate) const PULSE: Self = Self(8);
    pub(crate) const CLOSE: Self = Self(9);
}

/// A datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) kind: Kind,
    pub(crate) call: u32,
    pub(crate) number: u16,
    pub(crate) message: &'a [u8],
}

/// The longest datagram.
pub(crate) const LONGEST: usize = 320;

impl<'a> Datagram<'a> {
    /// One without a message.
    pub(crate) const fn new(kind: Kind, call: u32, number: u16) -> Self {
        Self { kind, call, number, message: &[] }
    }

    /// Reads one. `None` if it is too short for one.
    pub(crate) fn parse(octets: &'a [u8]) -> Option<Self> {
        let (&[kind, a, b, c, d, high, low], message) = octets.split_first_chunk()?;
        let (call, number) = (u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([high, low]));
        Some(Self { kind: Kind(kind), call, number, message })
    }

    /// Writes it. `None` if it is longer than the buffer.
    pub(crate) fn write<'b>(&self, buffer: &'b mut [u8; LONGEST]) -> Option<&'b [u8]> {
        let mut to = Writer::new(buffer);
        to.u8(self.kind.0).ok()?;
        to.u32(self.call).ok()?;
        to.u16(self.number).ok()?;
        to.octets(self.message).ok()?;
        Some(to.finish())
    }
}

/// How long an end is silent before it tells how many messages it has sent, and how long the
/// other may be silent.
const QUIET: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(70);

/// What a datagram on a stream means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is the next message.
    Message,
    /// Nothing is to be done.
    Nothing,
    /// One before it is lost.
    Broken,
}

/// A stream, as one end has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) call: u32,
    sent: u16,
    received: u16,
    heard: Instant,
    said: Instant,
}

impl Stream {
    /// One that was begun now.
    pub(crate) const fn new(call: u32, now: Now) -> Self {
        Self { call, sent: 0, received: 0, heard: now.monotonic, said: now.monotonic }
    }

    /// A message to be sent on it.
    pub(crate) const fn carry<'a>(&self, message: &'a [u8]) -> Datagram<'a> {
        let number = self.sent.wrapping_add(1);
        Datagram { kind: Kind::MESSAGE, call: self.call, number, message }
    }

    /// The message was sent.
    pub(crate) const fn carried(&mut self, now: Now) {
        self.sent = self.sent.wrapping_add(1);
        self.said = now.monotonic;
    }

    /// Takes a message or a pulse of the other end.
    pub(crate) const fn take(&mut self, now: Now, datagram: &Datagram<'_>) -> Taken {
        self.heard = now.monotonic;
        // How far it is ahead of what has come; behind it are those that come twice.
        let ahead = datagram.number.wrapping_sub(self.received).cast_signed();
        match (datagram.kind, ahead) {
            (_, ..=0) => Taken::Nothing,
            (Kind::MESSAGE, 1) => {
                self.received = datagram.number;
                Taken::Message
            }
            _ => Taken::Broken,
        }
    }

    /// Whether the other end has been silent for too long.
    pub(crate) fn is_over(&self, now: Now) -> bool {
        now.monotonic >= self.heard.after(PATIENCE)
    }

    /// A pulse, when it is time for one.
    pub(crate) fn pulse(&mut self, now: Now) -> Option<Datagram<'static>> {
        if now.monotonic < self.said.after(QUIET) {
            return None;
        }
        self.said = now.monotonic;
        Some(Datagram::new(Kind::PULSE, self.call, self.sent))
    }

    /// When something is due.
    pub(crate) fn next_deadline(&self) -> Instant {
        self.said.after(QUIET).min(self.heard.after(PATIENCE))
    }
}

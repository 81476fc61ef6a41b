//! One TLS connection, of either side.

use std::io;
use std::vec::Vec;

use mio::net::TcpStream;
use openssl::ssl::{Error, ErrorCode, Ssl, SslRef, SslStream};

use crate::scos::messages::MESSAGE_MAX;
use crate::scos::stream::{Deframer, FRAME_MAX, frame};
use crate::transport::SendError;

/// Octets that may wait for one connection. What is past it is refused as busy.
const MAX_BACKLOG: usize = 1 << 16;

/// The label of the value that binds proofs to a connection (RFC 9266).
const BINDING: &str = "EXPORTER-Channel-Binding";

/// What the TLS library calls a key that is not the peer's.
const BINDER_DOES_NOT_VERIFY: i32 = 253;
/// And a connection that ends without its end having been told.
const UNEXPECTED_EOF: i32 = 294;
/// And an alert that the peer has sent: its number and this, and more than this.
const ALERTS: i32 = 1_000;

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer said so.
    Closed,
    /// It ended within a message, or without the peer having said so.
    Cut,
    /// The peer has another key, or none.
    WrongKey,
    /// The peer refuses to go on.
    Alerted,
    /// What came is not TLS, or not as it has to be.
    Broken,
    /// A length that no message has.
    BadLength,
}

/// Where a handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handshake {
    Going,
    Done,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A message of so many octets.
    Message(usize),
    /// Nothing more for now.
    Nothing,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: SslStream<TcpStream>,
    deframer: Deframer,
    backlog: Vec<u8>,
    /// The octets of the backlog that are sent.
    sent: usize,
    /// The value of the connection, once the handshake is done.
    binding: Option<[u8; 32]>,
}

impl Connection {
    /// A connection whose handshake is yet to come; `ssl` knows its side.
    pub(super) fn new(ssl: Ssl, stream: TcpStream) -> io::Result<Self> {
        // Messages are small and wait for nothing.
        let _ = stream.set_nodelay(true);
        tend(&stream);
        let stream = SslStream::new(ssl, stream)?;
        let (deframer, backlog) = (Deframer::new(), Vec::new());
        Ok(Self { stream, deframer, backlog, sent: 0, binding: None })
    }

    pub(super) fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }

    pub(super) const fn binding(&self) -> Option<[u8; 32]> {
        self.binding
    }

    pub(super) const fn is_up(&self) -> bool {
        self.binding.is_some()
    }

    /// Goes on with the handshake.
    pub(super) fn shake_hands(&mut self) -> Result<Handshake, End> {
        match self.stream.do_handshake() {
            Ok(()) => {}
            Err(error) => return going(&error).map(|()| Handshake::Going),
        }
        let ssl = self.stream.ssl();
        // A handshake without the key has a certificate. None is trusted, and none is
        // asked for: this is the second lock on that door.
        if !ssl.session_reused() || ssl.peer_certificate().is_some() {
            return Err(End::WrongKey);
        }
        let mut binding = [0; 32];
        ssl.export_keying_material(&mut binding, BINDING, Some(&[])).map_err(|_| End::Broken)?;
        self.binding = Some(binding);
        Ok(Handshake::Done)
    }

    /// Reads until there is a message, which goes to `to`, or nothing more.
    pub(super) fn read(&mut self, to: &mut [u8; MESSAGE_MAX]) -> Result<Read, End> {
        let mut scratch = [0; FRAME_MAX];
        loop {
            let missing = self.deframer.missing().map_err(|_| End::BadLength)?;
            let room = scratch.get_mut(..missing).unwrap_or_default();
            let mut octets = match self.stream.ssl_read(room) {
                Ok(count) => scratch.get(..count).unwrap_or_default(),
                Err(error) => {
                    return match going(&error) {
                        Ok(()) => Ok(Read::Nothing),
                        Err(End::Closed) if !self.deframer.is_between() => Err(End::Cut),
                        Err(end) => Err(end),
                    };
                }
            };
            match self.deframer.take(&mut octets) {
                Ok(Some(message)) => {
                    to.iter_mut().zip(message).for_each(|(to, from)| *to = *from);
                    return Ok(Read::Message(message.len()));
                }
                Ok(None) => {}
                Err(_) => return Err(End::BadLength),
            }
        }
    }

    /// Sends a message, or keeps what does not go out now.
    ///
    /// # Errors
    /// [`SendError`], of which [`SendError::Unreachable`] says that it is over.
    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        let mut buffer = [0; FRAME_MAX];
        let frame = frame(message, &mut buffer).ok_or(SendError::TooLong)?;
        let waiting = self.backlog.len().saturating_sub(self.sent);
        if waiting.saturating_add(frame.len()) > MAX_BACKLOG {
            return Err(SendError::Busy);
        }
        self.backlog.extend_from_slice(frame);
        self.flush().map_err(|_| SendError::Unreachable)
    }

    /// Sends what waits, as far as the connection takes it.
    pub(super) fn flush(&mut self) -> Result<(), End> {
        while let Some(rest) = self.backlog.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.ssl_write(rest) {
                Ok(count) => self.sent = self.sent.saturating_add(count),
                Err(error) => {
                    going(&error)?;
                    // What is sent is not kept for ever behind what is not.
                    self.backlog.drain(..self.sent.min(self.backlog.len()));
                    self.sent = 0;
                    return Ok(());
                }
            }
        }
        // An idle connection keeps no buffer.
        self.backlog = Vec::new();
        self.sent = 0;
        Ok(())
    }

    /// Tells the peer that it is over, if that can be told now.
    pub(super) fn close(&mut self) {
        if self.is_up() {
            let _ = self.stream.shutdown();
        }
    }
}

/// Nothing for now, or why it is over.
fn going(error: &Error) -> Result<(), End> {
    match error.code() {
        ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => Ok(()),
        ErrorCode::ZERO_RETURN => Err(End::Closed),
        ErrorCode::SYSCALL => Err(End::Cut),
        _ => {
            let any = |is: &dyn Fn(i32) -> bool| {
                let errors = error.ssl_error().map(|stack| stack.errors()).unwrap_or_default();
                errors.iter().any(|one| is(one.reason_code()))
            };
            Err(if any(&|code| code == BINDER_DOES_NOT_VERIFY) {
                End::WrongKey
            } else if any(&|code| code == UNEXPECTED_EOF) {
                End::Cut
            } else if any(&|code| code >= ALERTS) {
                End::Alerted
            } else {
                End::Broken
            })
        }
    }
}

/// Has the system find out when the other host is gone: after a minute without an
/// acknowledgement, and by asking when nothing was to be acknowledged for so long.
#[cfg(target_os = "linux")]
fn tend(stream: &TcpStream) {
    use std::time::Duration;

    use rustix::net::sockopt;

    const MINUTE: Duration = Duration::from_secs(60);
    // Without them it is found out all the same, later.
    let _ = sockopt::set_tcp_user_timeout(stream, 60_000);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, MINUTE);
    let _ = sockopt::set_tcp_keepintvl(stream, Duration::from_secs(20));
    let _ = sockopt::set_tcp_keepcnt(stream, 3);
}

#[cfg(not(target_os = "linux"))]
fn tend(_: &TcpStream) {}

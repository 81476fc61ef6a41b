//! TLS 1.3 with pre-shared keys: the link of SCOS machines on hosts (SSM functional
//! specification, "SSM Association"). Feature `tls-psk`, on Unix.
//!
//! | what | how |
//! |---|---|
//! | who is there | a pre-shared key for each device and Actor; its identity is the device ID or the Actor's name |
//! | certificates | none: a peer without a key is not spoken to, whatever it shows |
//! | forward secrecy | a key exchange in every handshake (psk_dhe_ke) |
//! | suite | TLS_AES_128_GCM_SHA256 |
//! | resumption, tickets, early data, renegotiation | none |
//! | binding of proofs | what RFC 9266 exports, as [`Peer::binding`](crate::transport::Peer::binding) |
//! | messages | [`scos::stream`](crate::scos::stream) |
//!
//! [`TlsServer`] is the side of an SSM, for thousands of connections in one thread;
//! [`TlsClient`] that of an SSD or an Actor. Both are a [`Transport`](crate::transport::Transport) and never wait.
//! A [`LinkHost`] runs a machine over either in a [`Driver`](super::driver::Driver).
//!
//! An identity has one connection: a new one takes the place of the one before.

mod client;
mod connection;
mod context;
mod host;
mod server;

pub use client::{TlsClient, TlsClientOptions, TlsClientStats};
pub use host::{Link, LinkHost};
pub use server::{TlsLimits, TlsServer, TlsServerStats};

use std::fmt;

use openssl::error::ErrorStack;

/// Why TLS cannot be set up.
#[derive(Debug)]
pub enum TlsError {
    /// The TLS library refuses.
    Library(ErrorStack),
    /// The system refuses.
    System(std::io::Error),
    /// The identity of a key has no 1 to 128 octets, or one of them is 0.
    Identity,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(error) => write!(f, "TLS: {error}"),
            Self::System(error) => error.fmt(f),
            Self::Identity => {
                f.write_str("the identity of a key has 1 to 128 octets, and no octet 0")
            }
        }
    }
}

impl std::error::Error for TlsError {}

impl From<ErrorStack> for TlsError {
    fn from(error: ErrorStack) -> Self {
        Self::Library(error)
    }
}

impl From<std::io::Error> for TlsError {
    fn from(error: std::io::Error) -> Self {
        Self::System(error)
    }
}

/// The service number of addresses of TLS connections.
const TLS: u8 = 3;
/// That of the hosts they come from.
const TLS_ORIGIN: u8 = 4;

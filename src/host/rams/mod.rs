//! RAMS network services: what carries RPDUs between gateways (735.1-B-1 4.4.1,
//! annex B).
//!
//! A MIB has the location of a gateway as `SERVICE@ENDPOINT`. Each service is a
//! [`RamsCarriage`]; a [`GatewayHost`](super::gateway::GatewayHost) runs over any
//! number of them, so that one neighbour may be reached by UDP and another
//! by a protocol of delayed links:
//!
//! | service | carriage | location |
//! |---|---|---|
//! | `udp` | [`UdpCarriage`] | `udp@HOST:PORT` |
//! | `bp`, feature `bundle` | `host::bundle::BundleCarriage` | `bp@EID` |

mod udp;

pub use udp::UdpCarriage;

use std::boxed::Box;
use std::fmt;
use std::io;
use std::ops::Range;
use std::vec::Vec;

use mio::{Registry, Token};

use crate::time::{Instant, Now};
use crate::transport::{Address, SendError};

/// Service numbers of the [addresses](Address::service) of carriages. A carriage
/// has one of its own, above those of the transport services of a host.
pub mod number {
    /// RPDUs over UDP.
    pub const UDP: u8 = 3;
    /// RPDUs in bundles.
    pub const BUNDLE: u8 = 4;
}

/// A RAMS network service: it takes whole RPDUs to other gateways and brings theirs.
///
/// One gateway runs it, in one thread. It never blocks but for looking up a name.
/// In each turn it is [run](Self::run) first, then what it has
/// [received](Self::receive) is taken, then it may be asked to [send](Self::send).
pub trait RamsCarriage: fmt::Debug {
    /// What stands before the `@` in the locations of its gateways.
    fn service(&self) -> &str;

    /// The [service number](Address::service) of all its addresses, see [`number`].
    fn number(&self) -> u8;

    /// Has `registry` tell, by `token`, when there is something to receive, or when
    /// it can go on with what it is sending.
    ///
    /// # Errors
    /// What the system says.
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()>;

    /// The address of the gateway at `endpoint`, which is what stands behind the `@`
    /// of its location. `None` when it makes no sense, or not now: it is asked again,
    /// and also after the MIB was changed. Addresses are compared with those that
    /// RPDUs come from.
    fn resolve(&mut self, now: Now, endpoint: &str) -> Option<Address>;

    /// Takes an RPDU to the gateway at `to`, whole or not at all.
    ///
    /// # Errors
    /// [`SendError`] when it was not taken. The gateway keeps a message then, in the
    /// order of priority, and offers it again a quarter of a second later; so a
    /// carriage that knows that its link is away refuses, [`SendError::Busy`], and
    /// needs no queue of its own. What is too long for it is dropped.
    fn send(&mut self, now: Now, to: &Address, octets: &[u8]) -> Result<(), SendError>;

    /// Puts what has arrived into `into`, until that is full or nothing is left.
    fn receive(&mut self, now: Now, into: &mut Arrivals);

    /// Does whatever else is due.
    fn run(&mut self, now: Now) {
        let _ = now;
    }

    /// When it is next to be run even if nothing arrives.
    fn next_deadline(&self) -> Option<Instant> {
        None
    }

    /// Whether RPDUs it has taken are still to leave this host; who ends now loses
    /// them.
    fn is_sending(&self) -> bool {
        false
    }
}

/// RPDUs that have arrived, in the order of their arrival.
#[derive(Debug, Default)]
pub struct Arrivals {
    octets: Vec<u8>,
    places: Vec<(Address, Range<usize>)>,
}

impl Arrivals {
    /// The most RPDUs, and the most octets before the last, that are taken at a time:
    /// the rest of the gateway is to have its turn too.
    const MOST: usize = 256;
    const MOST_OCTETS: usize = 1 << 20;

    /// Adds an RPDU that came `from` another gateway.
    pub fn push(&mut self, from: Address, octets: &[u8]) {
        let start = self.octets.len();
        self.octets.extend_from_slice(octets);
        self.places.push((from, start..self.octets.len()));
    }

    /// Whether no more are to be added for now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.places.len() >= Self::MOST || self.octets.len() >= Self::MOST_OCTETS
    }

    /// The RPDUs.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &[u8])> {
        let octets = |at: &Range<usize>| self.octets.get(at.clone()).unwrap_or_default();
        self.places.iter().map(move |(from, at)| (from, octets(at)))
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.places.clear();
    }
}

/// The carriages of a gateway.
pub type Carriages = Vec<Box<dyn RamsCarriage>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_keep_their_order_and_have_an_end() {
        let mut arrivals = Arrivals::default();
        let (one, other) = (Address::new(3, b"one"), Address::new(3, b"other"));
        arrivals.push(one, b"first");
        arrivals.push(other, b"");
        arrivals.push(one, b"third");
        let all: Vec<_> = arrivals.iter().collect();
        assert_eq!(all, [(&one, &b"first"[..]), (&other, b""), (&one, b"third")]);
        while !arrivals.is_full() {
            arrivals.push(other, b"more");
        }
        assert_eq!(arrivals.iter().count(), Arrivals::MOST);
        arrivals.clear();
        arrivals.push(one, &[0; Arrivals::MOST_OCTETS]);
        assert!(arrivals.is_full());
    }
}

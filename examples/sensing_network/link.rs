//! The link between the two continua: what is sent arrives seconds later, and for a
//! while nothing can be sent.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use farpost::host::rams::{Arrivals, RamsCarriage, UdpCarriage};
use farpost::time::{Instant, Now, earliest};
use farpost::transport::{Address, SendError};
use mio::{Registry, Token};

use super::script;

/// UDP between two gateways as if they were far from one another. It is one end, and
/// the way out of it: RPDUs are under way for a time before they leave.
#[derive(Debug)]
pub(crate) struct FarLink {
    udp: UdpCarriage,
    /// What is under way, with the time at which it arrives.
    under_way: VecDeque<(Instant, Address, Vec<u8>)>,
}

impl FarLink {
    pub(crate) const fn new(udp: UdpCarriage) -> Self {
        Self { udp, under_way: VecDeque::new() }
    }
}

/// Whether the link is away at this time of the network.
pub(crate) fn is_away(now: Now) -> bool {
    script::OUTAGE.contains(&now.utc.since(script::START))
}

impl RamsCarriage for FarLink {
    fn service(&self) -> &str {
        self.udp.service()
    }

    fn number(&self) -> u8 {
        self.udp.number()
    }

    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.udp.register(registry, token)
    }

    fn resolve(&mut self, now: Now, endpoint: &str) -> Option<Address> {
        self.udp.resolve(now, endpoint)
    }

    fn send(&mut self, now: Now, to: &Address, octets: &[u8]) -> Result<(), SendError> {
        if is_away(now) {
            return Err(SendError::Busy);
        }
        self.under_way.push_back((now.monotonic.after(script::DELAY), *to, octets.to_vec()));
        Ok(())
    }

    fn receive(&mut self, now: Now, into: &mut Arrivals) {
        self.udp.receive(now, into);
    }

    fn run(&mut self, now: Now) {
        while let Some((arrives, to, octets)) = self.under_way.front() {
            // The socket takes it later if not now; it is no part of the story.
            if now.monotonic < *arrives || self.udp.send(now, to, octets).is_err() {
                return;
            }
            self.under_way.pop_front();
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let next = self.under_way.front().map(|(arrives, ..)| *arrives);
        earliest(next, self.udp.next_deadline())
    }

    fn is_sending(&self) -> bool {
        !self.under_way.is_empty()
    }
}

/// How long both ways take, for who waits for answers.
pub(crate) const ROUND_TRIP: Duration = script::DELAY.saturating_mul(2);

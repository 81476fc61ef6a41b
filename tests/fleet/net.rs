//! The network between the nodes of a fleet, and chance.

use std::collections::BTreeMap;

use farpost::transport::{Address, SendError, Transport};

use crate::disk::Disk;

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// The SSM is node 0, then come the devices, then the Actors.
pub(crate) type NodeId = u16;

pub(crate) const MANAGER: NodeId = 0;

pub(crate) fn address(node: NodeId) -> Address {
    Address::new(1, &node.to_be_bytes())
}

fn node(address: &Address) -> NodeId {
    NodeId::from_be_bytes(address.octets().try_into().expect("an address of this world"))
}

/// Datagrams on their way: (when, tie-break) to (from, to, octets).
pub(crate) struct Net {
    pub(crate) now: u64,
    sequence: u64,
    random: Random,
    loss: u64,
    queue: BTreeMap<(u64, u64), (NodeId, NodeId, Vec<u8>)>,
}

impl Net {
    pub(crate) const fn new(seed: u64, loss: u64) -> Self {
        Self { now: 0, sequence: 0, random: Random(seed), loss, queue: BTreeMap::new() }
    }

    /// When the next datagram arrives.
    pub(crate) fn next(&self) -> Option<u64> {
        self.queue.first_key_value().map(|(key, _)| key.0)
    }

    /// The next datagram: from, to, octets.
    pub(crate) fn take(&mut self) -> Option<(NodeId, NodeId, Vec<u8>)> {
        self.queue.pop_first().map(|(_, datagram)| datagram)
    }
}

/// The transport of a node, which takes nothing once the node is without power.
pub(crate) struct Port<'n>(pub(crate) &'n mut Net, pub(crate) NodeId, pub(crate) Option<&'n Disk>);

impl Transport for Port<'_> {
    fn resolve(&mut self, _: &str, _: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        let Self(net, from, disk) = self;
        if net.random.percent(2) || disk.is_some_and(Disk::is_dead) {
            return Err(SendError::Busy);
        }
        let copies = match net.random.below(100) {
            chance if chance < net.loss => 0,
            chance if chance < net.loss + 5 => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let delay = 20 + net.random.below(4_000);
            net.sequence += 1;
            net.queue.insert((net.now + delay, net.sequence), (*from, node(to), octets.to_vec()));
        }
        Ok(())
    }
}

//! Whatever managers define, in whatever order: what the agent has taken it can run, what
//! it sends is what managers can read, and when all is removed nothing is left of it.
#![no_main]

use std::time::Duration;

use farpost::management::Kind;
use farpost::management::agent::{Agent, AgentConfig, AgentMemory, ManagerConfig};
use farpost::management::amp::{Body, Group, Profile};
use farpost::time::Now;
use farpost::transport::{Address, SendError, Transport};
use farpost_fuzz::management::octets::array;
use farpost_fuzz::management::{ADMS, Board, control};
use farpost_fuzz::{Result, Unstructured, noise, scos, u8, wait};
use libfuzzer_sys::fuzz_target;

/// Takes what managers can read.
#[derive(Default)]
struct Link {
    busy: bool,
    short: bool,
}

impl Transport for Link {
    fn resolve(&mut self, _: &str, endpoint: &str) -> Option<Address> {
        Some(Address::new(0, &[endpoint.as_bytes()[0] - b'A']))
    }

    fn send(&mut self, _: &Address, _: u8, octets: &[u8]) -> std::result::Result<(), SendError> {
        let group = Group::parse(octets, Profile::Draft08).expect("an agent sent what is no group");
        let controls = group.messages().any(|m| matches!(m.body(), Body::PerformControl(..)));
        assert!(!controls, "an agent sent controls");
        match (self.busy, self.short && octets.len() > 60) {
            (true, _) => Err(SendError::Busy),
            (_, true) => Err(SendError::TooLong),
            _ => Ok(()),
        }
    }
}

/// A group of messages with controls, some of them for later.
fn group(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let count = 1 + u8(u)? % 3;
    let mut all = vec![0x81 + count, 0];
    for _ in 0..count {
        let how = u8(u)?;
        let mut message = vec![2 | how & 0x18, if how & 1 == 1 { how / 32 } else { 0 }];
        let mut controls = Vec::new();
        for _ in 0..1 + how % 3 {
            controls.push(control(u, true)?);
        }
        message.extend(array(&controls));
        all.push(0x59);
        all.extend((message.len() as u16).to_be_bytes());
        if message.len() < 256 {
            let length = all.len() - 3;
            all.truncate(length);
            match message.len() {
                short @ ..24 => all.push(0x40 | short as u8),
                long => all.extend([0x58, long as u8]),
            }
        }
        all.extend(message);
    }
    Ok(all)
}

const SLOTS: usize = 12;
const OCTETS: usize = 700;

struct Bench<'s> {
    agent: Agent<'s>,
    board: Board,
    link: Link,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { agent, board, link, now } = self;
        match u8(u)? % 8 {
            0 => wait(now, u8(u)?, |now, due| {
                if due.is_some() {
                    agent.tick(now, link, board);
                }
                agent.next_deadline()
            }),
            1 => {
                let how = u8(u)?;
                (link.busy, link.short) = (how & 1 == 1, how & 2 == 2);
            }
            2 => agent.receive(*now, &scos::address(u)?, noise(u)?, link, board),
            3 => board.0 = u8(u)?,
            4 => scos::step(now, u)?,
            _ => {
                let from = scos::address(u)?;
                let octets = group(u)?;
                let before = (KINDS.map(|kind| agent.defined(kind)), agent.octets_taken());
                let refused = agent.stats().refused;
                agent.receive(*now, &from, &octets, link, board);
                if agent.stats().refused > refused {
                    let after = (KINDS.map(|kind| agent.defined(kind)), agent.octets_taken());
                    assert_eq!(before, after, "a group that was refused has changed something");
                }
            }
        }
        Ok(())
    }

    fn assert_in_order(&mut self) {
        let Self { agent, board, link, now } = self;
        agent.tick(*now, link, board);
        let next = agent.next_deadline();
        assert!(next.is_none_or(|next| next > now.monotonic), "a tick left something due");
        assert_eq!(agent.stats().unproven, 0, "what was proven is not so");
        let defined: u32 = KINDS.iter().map(|kind| agent.defined(*kind)).sum();
        assert!(defined as usize <= SLOTS && usize::from(agent.octets_taken()) <= OCTETS);
        assert_eq!(defined == 0, agent.octets_taken() == 0, "octets of nobody");
    }
}

const KINDS: [Kind; 6] =
    [Kind::Variable, Kind::Template, Kind::Macro, Kind::StateRule, Kind::TimeRule, Kind::Pending];

fuzz_target!(|octets: &[u8]| {
    let manager = |name| ManagerConfig { name, service: "udp", endpoint: name, issuer: b"" };
    let managers = [manager("A"), manager("B"), manager("C")];
    let config = AgentConfig {
        register_every: Some(Duration::from_secs(60)),
        ..AgentConfig::new("agent", &managers, ADMS)
    };
    let mut memory = AgentMemory::<SLOTS, OCTETS, 6, 300, 3, 200>::new();
    let agent = Agent::new(config, memory.storage());
    let mut bench = Bench { agent, board: Board(5), link: Link::default(), now: scos::start() };
    bench.assert_in_order();
    let mut u = Unstructured::new(octets);
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

//! Whatever a manager wants of two agents, whatever of it is lost, late or comes twice, and
//! whatever agents forget: once letters arrive again, each definition is known to be there or
//! it is known why not.
#![no_main]

use std::collections::{BTreeMap, VecDeque};
use std::slice;
use std::time::Duration;

use farpost::management::agent::{Agent, AgentConfig, AgentMemory, ManagerConfig};
use farpost::management::amp::{Ac, Ari, Body, Group, Profile};
use farpost::management::manager::{
    Answer, KnownAgent, Letter, Manager, ManagerConfig as Config, ManagerStorage, ManagerUser,
    Standing, Wanted,
};
use farpost::storage::Slot;
use farpost::time::{Now, earliest};
use farpost::transport::{Address, SendError, Transport};
use farpost_fuzz::management::{ADMS, Board, MAC, RPTT, SBR, TBR, VAR, control, octets};
use farpost_fuzz::{Result, Unstructured, noise, scos, u8};
use libfuzzer_sys::fuzz_target;

const PROFILE: Profile = Profile::Draft08;
/// Letters under way; what is sent then is lost.
const FLYING: usize = 32;

fn manager() -> Address {
    Address::new(0, &[0])
}

fn agent(number: usize) -> Address {
    Address::new(0, &[10 + number as u8])
}

/// What is under way, from whom and to whom.
#[derive(Default)]
struct Ways {
    busy: bool,
    short: bool,
    flying: VecDeque<(Address, Address, Vec<u8>)>,
}

/// The transport of one of them.
struct Way<'a>(&'a mut Ways, Address);

impl Transport for Way<'_> {
    fn resolve(&mut self, _: &str, endpoint: &str) -> Option<Address> {
        Some(Address::new(0, &[endpoint.as_bytes()[0] - b'A']))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> std::result::Result<(), SendError> {
        let Self(ways, from) = self;
        let group = Group::parse(octets, PROFILE).expect("what is sent is a group");
        for message in group.messages() {
            let controls = matches!(message.body(), Body::PerformControl(..));
            assert_eq!(controls, *from == manager(), "managers have controls, agents the rest");
        }
        match (ways.busy, ways.short && octets.len() > 60) {
            (true, _) => return Err(SendError::Busy),
            (_, true) => return Err(SendError::TooLong),
            _ => {}
        }
        if ways.flying.len() < FLYING {
            ways.flying.push_back((*from, *to, octets.to_vec()));
        }
        Ok(())
    }
}

/// Knows of the letters it has asked for, and whether they are to be answered.
#[derive(Default)]
struct User {
    open: BTreeMap<u64, bool>,
}

impl ManagerUser for User {
    fn answered(&mut self, _: Now, _: &Address, time: u64, answer: Answer) {
        let answered = self.open.remove(&time).expect("a letter ends once");
        assert!(answered || answer == Answer::TooLong, "nobody asked for an answer");
    }

    fn registered(&mut self, _: Now, agent: &KnownAgent) {
        assert!(agent.id().len() <= KnownAgent::ID_MAX);
    }

    fn stands(&mut self, _: Now, _: &Address, _: &Ari<'_>, standing: Standing) {
        let ended = matches!(standing, Standing::Held | Standing::Refused(_) | Standing::TooLong);
        assert!(ended, "{standing:?} is not how it ends");
    }
}

type Memory = AgentMemory<16, 1_500, 8, 2_500, 3, 1_400>;
const LETTERS: usize = 4;

struct Post<'s> {
    agents: [Agent<'s>; 2],
    config: AgentConfig<'s>,
    /// For agents that start anew.
    spare: slice::IterMut<'s, Memory>,
    board: Board,
    manager: Manager<'s>,
    user: User,
    ways: Ways,
    now: Now,
    wanted: Vec<(Address, Vec<u8>)>,
}

impl<'s> Post<'s> {
    /// The letter that is under way longest arrives.
    fn arrives(&mut self) {
        if let Some((from, to, octets)) = self.ways.flying.pop_front() {
            self.receive(from, to, &octets);
        }
    }

    fn receive(&mut self, from: Address, to: Address, octets: &[u8]) {
        if to == manager() {
            return self.manager.receive(self.now, &from, octets, &mut self.user);
        }
        for (number, machine) in self.agents.iter_mut().enumerate() {
            let here = agent(number);
            if to == here {
                machine.receive(
                    self.now,
                    &from,
                    octets,
                    &mut Way(&mut self.ways, here),
                    &mut self.board,
                );
            }
        }
    }

    fn tick(&mut self) {
        let Self { agents, board, manager, user, ways, now, .. } = self;
        manager.tick(*now, &mut Way(ways, self::manager()), user);
        let next = manager.next_deadline();
        assert!(next.is_none_or(|next| next > now.monotonic), "a tick left something due");
        for (number, machine) in agents.iter_mut().enumerate() {
            machine.tick(*now, &mut Way(ways, agent(number)), board);
        }
    }

    /// Time passes until something is due, but no more than so long.
    fn passes(&mut self, most: Duration) -> Duration {
        let [a, b] = &self.agents;
        let next = earliest(a.next_deadline(), b.next_deadline());
        let next = earliest(next, self.manager.next_deadline());
        let wait = next.map_or(most, |next| next.since(self.now.monotonic).min(most));
        self.now = self.now.after(wait);
        self.tick();
        wait
    }

    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u8(u)? % 12 {
            0 => {
                let mut left = Duration::from_secs(u8(u)?.into());
                while !left.is_zero() {
                    left -= self.passes(left);
                }
            }
            1 => {
                let how = u8(u)?;
                (self.ways.busy, self.ways.short) = (how & 1 == 1, how & 2 == 2);
            }
            2 => {
                let from = agent(usize::from(u8(u)? % 4));
                let octets = noise(u)?;
                self.manager.receive(self.now, &from, octets, &mut self.user);
            }
            3 => scos::step(&mut self.now, u)?,
            4 => {
                // Somebody else's letter, or one that comes twice, or the last comes first.
                let how = u8(u)?;
                match how % 3 {
                    0 => drop(self.ways.flying.pop_front()),
                    1 => self.ways.flying.extend(self.ways.flying.front().cloned()),
                    _ => self.ways.flying.rotate_left(usize::from(self.ways.flying.len() > 1)),
                }
            }
            5 => {
                let number = usize::from(u8(u)? % 2);
                if let (Some(memory), Some(machine)) =
                    (self.spare.next(), self.agents.get_mut(number))
                {
                    *machine = Agent::new(self.config, memory.storage());
                }
            }
            6 => {
                let (number, start) = (usize::from(u8(u)? % 3), u8(u)?);
                let controls = octets::array(&[control(u, true)?, control(u, true)?]);
                let Ok(controls) = Ac::parse(&controls, PROFILE) else { return Ok(()) };
                let answer = start & 1 == 1;
                let start = u64::from(start / 32);
                let sent = self.manager.perform(self.now, agent(number), start, &controls, answer);
                if let Ok(time) = sent {
                    assert_eq!(
                        self.user.open.insert(time, answer),
                        None,
                        "it is known by its time"
                    );
                }
            }
            7 => {
                let (number, name) = (usize::from(u8(u)? % 2), u8(u)?);
                let kind = [VAR, RPTT, MAC, SBR, TBR][usize::from(name / 50 % 5)];
                let id = octets::user(kind, name);
                let place = self.wanted.iter().position(|row| *row == (agent(number), id.clone()));
                let ari = Ari::parse(&id, PROFILE).expect("an identifier");
                assert_eq!(self.manager.forget(&agent(number), &ari), place.is_some());
                place.map(|place| self.wanted.swap_remove(place));
            }
            8 | 9 => {
                let number = usize::from(u8(u)? % 2);
                let octets = control(u, true)?;
                let Ok(ari) = Ari::parse(&octets, PROFILE) else { return Ok(()) };
                let differences = self.manager.differences();
                if self.manager.want(self.now, agent(number), &ari).is_ok() {
                    // The parameters begin behind its index and their types, and the first of
                    // them that is an identifier is what is defined.
                    let id = octets.windows(3).find(|id| {
                        [VAR, RPTT, MAC, SBR, TBR].contains(&id[0])
                            && id[1] == 0x41
                            && (b'0'..b'5').contains(&id[2])
                    });
                    let row = (agent(number), id.expect("it defines something").to_vec());
                    if !self.wanted.contains(&row) {
                        self.wanted.push(row);
                    }
                } else {
                    assert_eq!(self.manager.differences(), differences);
                }
            }
            _ => self.arrives(),
        }
        Ok(())
    }

    fn standing(&self, (agent, id): &(Address, Vec<u8>)) -> Standing {
        let id = Ari::parse(id, PROFILE).expect("an identifier");
        self.manager.standing(agent, &id).expect("what is wanted stands somehow")
    }

    fn assert_in_order(&mut self) {
        self.tick();
        assert!(self.manager.waiting() <= LETTERS);
        let held = self.wanted.iter().filter(|row| self.standing(row) == Standing::Held);
        assert_eq!(self.manager.differences(), self.wanted.len() - held.count());
    }

    /// Everything arrives again, and nobody wants anything new.
    fn comes_to_rest(&mut self) {
        (self.ways.busy, self.ways.short) = (false, false);
        for _ in 0..4_000 {
            while !self.ways.flying.is_empty() {
                self.arrives();
                self.tick();
            }
            let settled = self.wanted.iter().all(|row| {
                let standing = self.standing(row);
                matches!(standing, Standing::Held | Standing::Refused(_) | Standing::TooLong)
            });
            if settled && !self.user.open.values().any(|answered| *answered) {
                return;
            }
            self.passes(Duration::from_secs(3_600));
        }
        let standings: Vec<_> = self.wanted.iter().map(|row| self.standing(row)).collect();
        panic!("{standings:?} is not how it ends, {:?}", self.user.open);
    }
}

fuzz_target!(|octets: &[u8]| {
    let managers = [peer("A"), peer("B")];
    let config = AgentConfig {
        register_every: Some(Duration::from_secs(60)),
        ..AgentConfig::new("agent", &managers, ADMS)
    };
    let [mut first, mut second] = [Memory::new(), Memory::new()];
    let mut spare: Vec<Memory> = (0..4).map(|_| Memory::new()).collect();
    let (mut agents, mut letters) = ([Slot::EMPTY; 3], [Slot::<Letter>::EMPTY; LETTERS]);
    let (mut room, mut buffer) = ([0; 900], [0; 400]);
    let (mut wanted, mut definitions) = ([Slot::<Wanted>::EMPTY; 10], [0; 500]);
    let storage = ManagerStorage {
        agents: &mut agents,
        letters: &mut letters,
        octets: &mut room,
        buffer: &mut buffer,
    };
    let patience = Duration::from_secs(120);
    let expected = Some(Duration::from_secs(300));
    let manager = Manager::new(Config { patience, expected, ..Config::default() }, storage)
        .with_wanted(&mut wanted, &mut definitions);
    let mut post = Post {
        agents: [Agent::new(config, first.storage()), Agent::new(config, second.storage())],
        config,
        spare: spare.iter_mut(),
        board: Board(5),
        manager,
        user: User::default(),
        ways: Ways::default(),
        now: scos::start(),
        wanted: Vec::new(),
    };
    post.assert_in_order();
    let mut u = Unstructured::new(octets);
    while !u.is_empty() && post.operate(&mut u).is_ok() {
        post.assert_in_order();
    }
    post.comes_to_rest();
});

fn peer(name: &'static str) -> ManagerConfig<'static> {
    ManagerConfig { name, service: "udp", endpoint: name, issuer: b"" }
}

//! For tests: whole message spaces on virtual time, over a network that loses
//! nothing but what it is told to.

mod bad_input;
mod cells;
mod failover;
mod general;
mod health;

use std::boxed::Box;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::format;
use std::string::String;
use std::vec::Vec;

use super::config_server::{
    CellState, ConfigServer, ConfigServerConfig, ConfigServerMemory, ConfigServerState,
};
use super::ids::{Domain, ModuleKey, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use super::mib::Mib;
use super::module::{Membership, Module, ModuleIdentity, ModuleMemory, RuleRequest};
use super::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, Mpdu, MpduType};
use super::registrar::{Registrar, RegistrarConfig, RegistrarMemory};
use super::script::{address, at_millis, endpoint};
use super::service::{Indication, Message};
use crate::time::{Instant, Now, Utc, earliest};
use crate::transport::{Address, SendError, Transport};

/// Delivery points are named like this after the MAMS endpoint.
const AAMS: &str = "-aams";

/// Everybody in a message space, by endpoint name, and what is under way.
struct Space {
    mib: &'static Mib<'static>,
    servers: BTreeMap<&'static str, ConfigServer<'static>>,
    registrars: BTreeMap<&'static str, Registrar<'static>>,
    modules: BTreeMap<&'static str, Module<'static>>,
    /// What each module was told of.
    indications: BTreeMap<&'static str, Vec<Indication>>,
    net: Net,
    millis: u64,
    /// How far the wall clock has been set forward, in microseconds.
    utc_shift: i64,
    lives: u32,
}

/// What is under way, and the way out of one entity.
#[derive(Default)]
struct Net {
    queue: VecDeque<(String, String, Vec<u8>)>,
    from: String,
    /// Who can be reached only by others of this set.
    cut_off: BTreeSet<String>,
    /// How many MPDUs of each type were sent.
    tally: BTreeMap<u8, u32>,
    /// Where messages were sent to.
    messages: Vec<String>,
    /// Every MPDU ever sent: to whom, and what.
    record: Vec<(String, Vec<u8>)>,
    /// Every name resolved, and in which transport service.
    resolved: BTreeSet<(String, String)>,
}

impl Net {
    fn out_of(&mut self, name: &str) -> &mut Self {
        self.from = name.into();
        self
    }
}

impl Transport for Net {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.resolved.insert((service.into(), endpoint.into()));
        Some(address(endpoint))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        let to = String::from_utf8(to.octets().to_vec()).unwrap();
        if to.ends_with(AAMS) {
            self.messages.push(to);
            return Ok(());
        }
        let kind = Mpdu::parse(octets).unwrap().mpdu_type();
        *self.tally.entry(kind.0).or_default() += 1;
        self.record.push((to.clone(), octets.to_vec()));
        if self.cut_off.contains(&to) == self.cut_off.contains(&self.from) {
            self.queue.push_back((self.from.clone(), to, octets.to_vec()));
        }
        Ok(())
    }
}

impl Space {
    fn new(mib: Mib<'static>) -> Self {
        mib.validate().unwrap();
        Self {
            mib: lend(mib),
            servers: BTreeMap::new(),
            registrars: BTreeMap::new(),
            modules: BTreeMap::new(),
            indications: BTreeMap::new(),
            net: Net::default(),
            millis: 0,
            utc_shift: 0,
            lives: 0,
        }
    }

    fn now(&self) -> Now {
        let now = at_millis(self.millis);
        Now { utc: Utc::from_unix_micros(now.utc.unix_micros() + self.utc_shift), ..now }
    }

    /// Starts the server of a location.
    fn start_server(&mut self, location: usize) {
        let memory = lend(ConfigServerMemory::<8>::new());
        let config = ConfigServerConfig { location };
        let server = ConfigServer::new(self.mib, config, memory.storage());
        self.servers.insert(self.mib.config_servers[location], server);
    }

    /// Starts the registrar of a cell.
    fn start_registrar(&mut self, name: &'static str, venture: u8, unit: u16) {
        self.lives += 1;
        let memory = lend(RegistrarMemory::<8, 4, 32, 64, 600>::new());
        let config = RegistrarConfig {
            first_query: self.lives * 1_000,
            ..RegistrarConfig::new(VentureNumber(venture), UnitNumber(unit), endpoint(name))
        };
        self.registrars.insert(name, Registrar::new(self.mib, config, memory.storage()));
    }

    /// Starts a module and has it register.
    fn start_module(&mut self, name: &'static str, venture: u8, unit: u16, role: u8) {
        self.lives += 1;
        let memory = lend(ModuleMemory::<16, 64, 8, 1, 400, 64>::new());
        let point = DeliveryPoint { service: "udp", endpoint: format!("{name}{AAMS}").leak() };
        let identity = ModuleIdentity {
            venture: VentureNumber(venture),
            unit: UnitNumber(unit),
            role: RoleNumber(role),
            contact: ContactSummaryValues {
                endpoint: endpoint(name),
                delivery_vectors: lend([DeliveryVectorValues { number: 1, points: lend([point]) }]),
            },
            first_query: self.lives * 1_000,
        };
        let mut module = Module::new(self.mib, identity, memory.storage());
        let told = self.indications.entry(name).or_default();
        let user = &mut |it| told.push(it);
        module.register(at_millis(self.millis), self.net.out_of(name), user).unwrap();
        self.modules.insert(name, module);
    }

    /// Ends whoever has this endpoint, without a word.
    fn crash(&mut self, name: &str) {
        let server = self.servers.remove(name).is_some();
        let registrar = self.registrars.remove(name).is_some();
        assert!(server || registrar || self.modules.remove(name).is_some(), "{name} is nobody's");
    }

    /// Nobody but these can reach any of these.
    fn cut_off(&mut self, names: &[&str]) {
        self.net.cut_off = names.iter().map(|name| String::from(*name)).collect();
    }

    fn subscribe(&mut self, name: &str, request: &RuleRequest) {
        let now = self.now();
        let module = self.modules.get_mut(name).unwrap();
        module.subscribe(now, request, self.net.out_of(name)).unwrap();
    }

    fn invite(&mut self, name: &str, request: &RuleRequest) {
        let now = self.now();
        let module = self.modules.get_mut(name).unwrap();
        module.invite(now, request, self.net.out_of(name)).unwrap();
    }

    fn unsubscribe(&mut self, name: &str, subject: SubjectNumber, domain: Domain) {
        let now = self.now();
        let module = self.modules.get_mut(name).unwrap();
        module.unsubscribe(now, subject, domain, self.net.out_of(name)).unwrap();
    }

    /// Publishes a message; who gets a copy.
    fn publish(&mut self, name: &str, subject: SubjectNumber) -> Vec<String> {
        let module = self.modules.get_mut(name).unwrap();
        let message = Message::new(subject, b"");
        module.publish(&message, self.net.out_of(name), &mut |_: Indication| {}).unwrap();
        self.receivers()
    }

    /// Announces a message to a domain; who gets a copy.
    fn announce(&mut self, name: &str, subject: SubjectNumber, domain: Domain) -> Vec<String> {
        let module = self.modules.get_mut(name).unwrap();
        let message = Message::new(subject, b"");
        let out = self.net.out_of(name);
        module.announce(domain, &message, out, &mut |_: Indication| {}).unwrap();
        self.receivers()
    }

    fn receivers(&mut self) -> Vec<String> {
        let to = core::mem::take(&mut self.net.messages);
        to.iter().map(|to| to.trim_end_matches(AAMS).into()).collect()
    }

    /// Lets so many seconds pass.
    fn run(&mut self, seconds: u64) {
        let end = self.millis + seconds * 1_000;
        loop {
            // What arrives may be due at once.
            for _ in 0..4 {
                self.tick();
                self.deliver();
            }
            let next = self.next_deadline().map(|next| next.as_micros().div_ceil(1_000));
            let Some(next) = next.filter(|next| *next <= end) else { break };
            assert!(next > self.millis, "a tick left something due at {} ms", self.millis);
            self.millis = next;
        }
        self.millis = end;
    }

    fn tick(&mut self) {
        let now = self.now();
        for (name, server) in &mut self.servers {
            server.tick(now, self.net.out_of(name));
        }
        for (name, registrar) in &mut self.registrars {
            registrar.tick(now, self.net.out_of(name));
        }
        for (name, module) in &mut self.modules {
            let told = self.indications.entry(name).or_default();
            module.tick(now, self.net.out_of(name), &mut |it| told.push(it));
        }
    }

    fn deliver(&mut self) {
        let now = self.now();
        let mut left = 100_000;
        while let Some((from, to, octets)) = self.net.queue.pop_front() {
            left -= 1;
            assert!(left > 0, "they answer one another for ever: {to} {octets:02x?}");
            let (from, to) = (address(&from), to.as_str());
            let out = self.net.out_of(to);
            if let Some(server) = self.servers.get_mut(to) {
                server.receive(now, &from, &octets, out);
            } else if let Some(registrar) = self.registrars.get_mut(to) {
                registrar.receive(now, &from, &octets, out);
            } else if let Some(module) = self.modules.get_mut(to) {
                let told = self.indications.get_mut(to).unwrap();
                module.receive_mams(now, &from, &octets, out, &mut |it| told.push(it));
            }
        }
    }

    /// Hands somebody a datagram that nobody of these sent.
    fn inject(&mut self, to: &str, octets: &[u8]) {
        self.net.queue.push_back(("stranger".into(), to.into(), octets.to_vec()));
        self.deliver();
    }

    fn next_deadline(&self) -> Option<Instant> {
        let servers = self.servers.values().filter_map(ConfigServer::next_deadline);
        let registrars = self.registrars.values().filter_map(Registrar::next_deadline);
        let modules = self.modules.values().filter_map(Module::next_deadline);
        earliest(earliest(servers.min(), registrars.min()), modules.min())
    }

    fn server_state(&self, name: &str) -> ConfigServerState {
        self.servers[name].state()
    }

    /// The cells a server knows the registrars of, as `venture.unit`.
    fn cells(&self, name: &str) -> Vec<String> {
        let known = self.servers[name].cells().filter(|cell| cell.state() == CellState::Known);
        known.map(|cell| format!("{}.{}", cell.venture(), cell.unit())).collect()
    }

    fn membership(&self, name: &str) -> Membership {
        self.modules[name].membership()
    }

    /// Whom a module knows.
    fn peers(&self, name: &str) -> Vec<ModuleKey> {
        self.modules[name].peers().map(|peer| peer.id().key()).collect()
    }

    /// How many MPDUs of this type were sent since it was last asked.
    fn tally(&mut self, kind: MpduType) -> u32 {
        self.net.tally.remove(&kind.0).unwrap_or_default()
    }
}

/// Storage for as long as the test runs.
fn lend<T>(storage: T) -> &'static mut T {
    Box::leak(Box::new(storage))
}

//! A station and its ways to the others: a module of AMS, TLS connections, or both.

use farpost::ams::mib::Mib;
use farpost::host::driver::Entity;
use farpost::host::module::ModuleHost;
use farpost::host::station::StationApplication;
use farpost::host::tls::Link;
use farpost::machine::Machine;
use farpost::scos::carriage::is_module;
use farpost::scos::messages::MESSAGE_MAX;
use farpost::time::{Instant, Now, earliest};
use farpost::transport::{Address, Peer, SendError, Transport};
use mio::{Registry, Token};

use super::pace::Pace;
use crate::ams::Failure;

/// Messages taken from a link in one run, so that whoever sends without end stops
/// nobody else.
const AT_ONCE: usize = 1_024;

/// The module of a station, as its machine sees it.
pub(super) type Module<'s> = ModuleHost<'s, StationApplication<Mailbox>>;

/// What is delivered to the module waits here for the machine, which TLS has to itself too.
#[derive(Default)]
pub(super) struct Mailbox(Vec<(Address, Vec<u8>)>);

impl Machine for Mailbox {
    fn receive(&mut self, _now: Now, from: &Address, octets: &[u8], _: &mut dyn Transport) {
        self.0.push((*from, octets.to_vec()));
    }

    fn tick(&mut self, _now: Now, _: &mut dyn Transport) {}

    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}

/// A machine at the end of its ways, for a driver to run.
pub(crate) struct StationHost<'s, M, L> {
    pub(super) machine: M,
    pub(super) module: Option<Module<'s>>,
    pub(super) link: Option<L>,
    pace: Pace,
    buffer: Box<[u8; MESSAGE_MAX]>,
    /// There may be more to receive, or its program has something to look at: that is no
    /// time to wait.
    unfinished: bool,
}

impl<'s, M: Machine, L: Link> StationHost<'s, M, L> {
    pub(super) fn new(machine: M, module: Option<Module<'s>>, link: Option<L>, pace: Pace) -> Self {
        Self { machine, module, link, pace, buffer: Box::new([0; MESSAGE_MAX]), unfinished: false }
    }

    /// Goes by another MIB.
    pub(super) fn change_mib(&mut self, mib: &'s Mib<'s>) -> Result<(), Failure> {
        let Some(module) = &mut self.module else { return Ok(()) };
        Ok(module.service.change_mib(mib)?)
    }

    /// What its module could not do, or could not make sense of.
    pub(super) fn faults(&self) -> u64 {
        self.module.as_ref().map_or(0, |module| module.application.faults().into())
    }

    /// From when on its machine may speak: with TLS always, by a module alone once that
    /// is registered and the others have introduced themselves.
    fn speaks_from(&self) -> Option<Instant> {
        match &self.module {
            Some(module) if self.link.is_none() => module.application.settled_at(),
            _ => Some(Instant::ZERO),
        }
    }
}

impl<M: Machine, L: Link> Entity for StationHost<'_, M, L> {
    fn register(&mut self, registry: &Registry, token: Token) -> std::io::Result<()> {
        if let Some(module) = &mut self.module {
            module.register(registry, token)?;
        }
        self.link.as_mut().map_or(Ok(()), |link| link.register(registry, token))
    }

    fn run(&mut self, now: Now) {
        let paced = self.pace.now(now);
        let speaks = self.speaks_from().is_some_and(|from| now.monotonic >= from);
        let Self { machine, module, link, buffer, unfinished, .. } = self;
        if let Some(module) = module {
            module.run(now);
        }
        *unfinished = false;
        let mail = module.as_mut().map(|module| std::mem::take(&mut module.application.machine.0));
        for (from, octets) in mail.unwrap_or_default() {
            *unfinished = true;
            let mut ways = Ways { module: module.as_mut(), link: link.as_mut() };
            machine.receive(paced, &from, &octets, &mut ways);
        }
        if let Some(link) = link.as_mut() {
            link.poll(now.monotonic);
        }
        for _ in 0..AT_ONCE {
            let received = link.as_mut().and_then(|link| link.receive(now.monotonic, buffer));
            let Some((from, length)) = received else { break };
            *unfinished = true;
            let octets = buffer.get(..length).unwrap_or_default();
            let mut ways = Ways { module: module.as_mut(), link: link.as_mut() };
            machine.receive(paced, &from, octets, &mut ways);
        }
        let due = machine.next_deadline().is_some_and(|at| paced.monotonic >= at);
        let news = link.as_mut().is_some_and(Link::takes_news);
        if speaks && (due || news) {
            *unfinished = true;
            machine.tick(paced, &mut Ways { module: module.as_mut(), link: link.as_mut() });
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        if self.unfinished {
            return Some(Instant::ZERO);
        }
        let own = self.speaks_from().and_then(|from| {
            let deadline = self.machine.next_deadline()?;
            Some(self.pace.real(deadline).max(from))
        });
        let module = self.module.as_ref().and_then(Entity::next_deadline);
        let link = self.link.as_ref().and_then(Link::next_deadline);
        earliest(own, earliest(module, link))
    }
}

/// The transport of a station: addresses are modules, or ends of TLS connections.
struct Ways<'w, 's, L> {
    module: Option<&'w mut Module<'s>>,
    link: Option<&'w mut L>,
}

impl<L: Link> Transport for Ways<'_, '_, L> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.link.as_mut()?.resolve(service, endpoint)
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        if !is_module(to) {
            let link = self.link.as_mut().ok_or(SendError::Unreachable)?;
            return link.send(to, flow_label, octets);
        }
        let host = self.module.as_mut().ok_or(SendError::Unreachable)?;
        host.application.carrier(&mut host.service).send(to, flow_label, octets)
    }

    fn peer(&self, address: &Address) -> Peer<'_> {
        match &self.link {
            Some(link) if !is_module(address) => link.peer(address),
            _ => Peer::default(),
        }
    }
}

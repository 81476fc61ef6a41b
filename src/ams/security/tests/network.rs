//! Machines of one cell that hear all that is said to them, on virtual time.

use std::boxed::Box;
use std::collections::VecDeque;
use std::string::{String, ToString};
use std::vec::Vec;

use super::content::handler;
use super::{VENTURE, leak, signatures};
use crate::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use crate::ams::ids::{RoleNumber, UnitNumber};
use crate::ams::mib::Mib;
use crate::ams::module::{Module, ModuleIdentity, ModuleMemory};
use crate::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
use crate::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use crate::ams::script::{address, at_millis, endpoint};
use crate::ams::service::{Delivery, Fault, Indication};
use crate::machine::Machine;
use crate::storage::Slot;
use crate::time::Now;
use crate::transport::{Address, SendError, Transport};

/// A datagram on its way.
pub(super) struct Datagram {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) octets: Vec<u8>,
}

/// What one entity says goes to the end of the queue.
struct Voice<'q> {
    from: &'q str,
    queue: &'q mut VecDeque<Datagram>,
}

impl Transport for Voice<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        (service == "udp").then(|| address(endpoint))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        let to = core::str::from_utf8(to.octets()).unwrap().to_string();
        self.queue.push_back(Datagram { from: self.from.into(), to, octets: octets.to_vec() });
        Ok(())
    }
}

/// A module and what its user was told.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) module: Module<'static>,
    pub(super) heard: Vec<Indication>,
    pub(super) got: Vec<Result<Vec<u8>, Fault>>,
}

/// A configuration server, a registrar and modules. MPDUs go to `cs`, `reg` and the
/// names of the modules, messages to the same with `/` behind.
pub(super) struct Cell {
    pub(super) now: Now,
    pub(super) server: ConfigServer<'static>,
    pub(super) registrar: Option<Box<Registrar<'static>>>,
    pub(super) members: Vec<Member>,
    queue: VecDeque<Datagram>,
    /// All that was ever said.
    pub(super) wire: Vec<Datagram>,
}

impl Cell {
    /// A cell in operation, its registrar noted, without modules. Everybody signs.
    pub(super) fn new(mib: &'static Mib<'static>) -> Self {
        let storage =
            ConfigServerStorage { cells: leak([const { Slot::EMPTY }; 4]), buffer: leak([0; 256]) };
        let server = ConfigServer::new(mib, ConfigServerConfig::default(), storage)
            .with_authenticator(signatures());
        let mut cell = Self {
            now: at_millis(0),
            server,
            registrar: None,
            members: Vec::new(),
            queue: VecDeque::new(),
            wire: Vec::new(),
        };
        cell.start_registrar(mib);
        cell.run(70_000);
        cell
    }

    pub(super) fn start_registrar(&mut self, mib: &'static Mib<'static>) {
        let storage = RegistrarStorage {
            members: std::vec![const { Slot::EMPTY }; 8].leak(),
            registrars: std::vec![const { Slot::EMPTY }; 4].leak(),
            dossiers: std::vec![const { Slot::EMPTY }; 8].leak(),
            rules: std::vec![const { Slot::EMPTY }; 8].leak(),
            buffer: leak([0; 1_024]),
        };
        let config = RegistrarConfig::new(VENTURE, UnitNumber(1), endpoint("reg"));
        let registrar = Registrar::new(mib, config, storage).with_authenticator(signatures());
        self.registrar = Some(Box::new(registrar));
    }

    /// A module with these keys that registers.
    pub(super) fn join(
        &mut self,
        mib: &'static Mib<'static>,
        name: &'static str,
        role: RoleNumber,
    ) {
        let point =
            leak([DeliveryPoint { service: "udp", endpoint: leak(std::format!("{name}/")) }]);
        let vectors = leak([DeliveryVectorValues { number: 1, points: point }]);
        let identity = ModuleIdentity {
            venture: VENTURE,
            unit: UnitNumber(1),
            role,
            contact: ContactSummaryValues {
                endpoint: EndpointName::new(name).unwrap(),
                delivery_vectors: vectors,
            },
            first_query: 100,
        };
        let memory = leak(ModuleMemory::<4, 16, 8, 2, 768, 256>::new());
        let module = Module::new(mib, identity, memory.storage())
            .with_authenticator(signatures())
            .with_content_handler(leak(handler(256)));
        self.members.push(Member { name, module, heard: Vec::new(), got: Vec::new() });
        let last = self.members.len() - 1;
        self.with(last, |module, now, transport, heard| {
            module.register(now, transport, &mut |it| heard.push(it)).unwrap();
        });
    }

    /// Has a module do something.
    pub(super) fn with<R>(
        &mut self,
        member: usize,
        act: impl FnOnce(&mut Module<'static>, Now, &mut dyn Transport, &mut Vec<Indication>) -> R,
    ) -> R {
        let Member { name, module, heard, .. } = &mut self.members[member];
        let mut voice = Voice { from: name, queue: &mut self.queue };
        act(module, self.now, &mut voice, heard)
    }

    /// Somebody says something.
    pub(super) fn say(&mut self, from: &str, to: &str, octets: &[u8]) {
        let (from, to) = (from.into(), to.into());
        self.queue.push_back(Datagram { from, to, octets: octets.to_vec() });
        self.settle();
    }

    /// Time passes until `millis` after the start.
    pub(super) fn run(&mut self, millis: u64) {
        let end = at_millis(millis);
        loop {
            self.settle();
            let modules = self.members.iter().filter_map(|member| member.module.next_deadline());
            let registrar = self.registrar.as_ref().and_then(|it| it.next_deadline());
            let next = modules.chain(registrar).chain(self.server.next_deadline()).min();
            let Some(next) = next.filter(|next| *next <= end.monotonic) else { break };
            let next = next.max(self.now.monotonic);
            self.now = at_millis(next.as_micros().div_ceil(1_000));
            self.tick();
        }
        self.now = end;
    }

    fn tick(&mut self) {
        let Self { now, server, registrar, members, queue, .. } = self;
        server.tick(*now, &mut Voice { from: "cs", queue });
        if let Some(registrar) = registrar {
            registrar.tick(*now, &mut Voice { from: "reg", queue });
        }
        for Member { name, module, heard, .. } in members {
            module.tick(*now, &mut Voice { from: name, queue }, &mut |it| heard.push(it));
        }
    }

    /// Delivers all that is on its way.
    fn settle(&mut self) {
        while let Some(datagram) = self.queue.pop_front() {
            let Self { now, server, registrar, members, queue, .. } = self;
            let Datagram { from, to, octets } = &datagram;
            let from = address(from);
            match to.as_str() {
                "cs" => {
                    Machine::receive(server, *now, &from, octets, &mut Voice { from: to, queue })
                }
                "reg" => {
                    if let Some(registrar) = registrar {
                        registrar.receive(*now, &from, octets, &mut Voice { from: to, queue });
                    }
                }
                to => {
                    let name = to.trim_end_matches('/');
                    let Some(member) = members.iter_mut().find(|it| it.name == name) else {
                        continue;
                    };
                    let Member { module, heard, got, .. } = member;
                    if to.ends_with('/') {
                        let mut room = [0; 256];
                        let delivery = module.receive_aams_in(octets, &mut room);
                        let data = |it: Delivery<'_>| it.message().data.to_vec();
                        got.push(delivery.map(data));
                    } else {
                        let mut voice = Voice { from: name, queue };
                        let user = &mut |it| heard.push(it);
                        module.receive_mams(*now, &from, octets, &mut voice, user);
                    }
                }
            }
            self.wire.push(datagram);
        }
    }
}

//! A continuum on a simulated network: configuration servers, and for each venture
//! registrars and modules, all under one MIB.

use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::config_server::{
    ConfigServer, ConfigServerConfig, ConfigServerState, ConfigServerStorage,
};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Introduction, Mib, Policy, Role, Subject, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleStorage};
use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarState, RegistrarStorage};
use farpost::ams::service::Indication;
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::Transport;

use super::entity::{AAMS, Entity, MAMS, Machine, Member};
use super::network::{Network, NodeId, Weather, name};

pub(crate) const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(7);
pub(crate) const ROLES: [RoleNumber; 4] =
    [RoleNumber(2), RoleNumber(3), RoleNumber(4), RoleNumber(5)];

/// A cell: the venture, the unit with its name, and how many modules.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) venture: VentureNumber,
    pub(crate) unit: UnitNumber,
    pub(crate) name: String,
    pub(crate) modules: u16,
}

/// What a continuum is made of.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Configuration servers: one, and one that stands by.
    pub(crate) servers: usize,
    /// In the order of ventures; each begins with its root unit, whose cell may be
    /// one without modules.
    pub(crate) cells: Vec<Cell>,
    pub(crate) policy: Policy,
    /// Modules a registrar has room for dossiers of, and octets of its buffer.
    pub(crate) dossiers: usize,
    pub(crate) buffer: usize,
    /// In heartbeats of the registrar, for every cell.
    pub(crate) resync_period: u32,
    /// Subscriptions and invitations of the others a module has room for.
    pub(crate) rules: usize,
    /// Whether rules that hold at any time are looked at after every event.
    pub(crate) watched: bool,
}

impl Layout {
    /// One cell of `modules` modules.
    pub(crate) fn cell(modules: u16, introduction: Introduction) -> Self {
        let cell = Cell {
            venture: VentureNumber(1),
            unit: UnitNumber::ROOT,
            name: String::new(),
            modules,
        };
        Self {
            servers: 1,
            cells: vec![cell],
            policy: Policy { introduction, ..Policy::NOMINAL },
            dossiers: usize::from(modules) + 16,
            buffer: 4_200,
            resync_period: 2,
            rules: 400,
            watched: true,
        }
    }

    /// What is to run at each node.
    pub(crate) fn posts(&self) -> Vec<Post> {
        let servers = (0..self.servers).map(Post::Server);
        let registrars = self.cells.iter().map(|cell| Post::Registrar(cell.venture, cell.unit));
        let modules = self.cells.iter().flat_map(|cell| {
            let roles = ROLES.iter().cycle().skip(usize::from(cell.unit.0) % 2);
            let posts = roles.map(|role| Post::Module(cell.venture, cell.unit, *role));
            posts.take(cell.modules.into())
        });
        servers.chain(registrars).chain(modules).collect()
    }
}

/// What runs at a node while it is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Post {
    Server(usize),
    Registrar(VentureNumber, UnitNumber),
    Module(VentureNumber, UnitNumber, RoleNumber),
}

/// A continuum and the network it is in.
pub(crate) struct Continuum<'a> {
    pub(crate) network: Network<'a, Entity<'a>>,
    pub(crate) mib: &'a Mib<'a>,
    pub(crate) posts: Vec<Post>,
    pub(crate) layout: Layout,
    arena: &'a Bump,
    lives: u32,
    letters: u32,
}

impl<'a> Continuum<'a> {
    /// All nodes are up; no module has been told to register.
    pub(crate) fn new(arena: &'a Bump, seed: u64, layout: Layout, weather: Weather) -> Self {
        let posts = layout.posts();
        let network = Network::new(seed, weather);
        let mib = mib(arena, &layout);
        let mut continuum = Self { network, mib, posts, layout, arena, lives: 0, letters: 0 };
        for node in continuum.all() {
            let entity = continuum.entity(node);
            assert_eq!(continuum.network.add(entity), node);
        }
        continuum
    }

    pub(crate) fn all(&self) -> std::ops::Range<NodeId> {
        0..NodeId::try_from(self.posts.len()).unwrap()
    }

    /// The nodes of modules, of all cells.
    pub(crate) fn modules(&self) -> std::ops::Range<NodeId> {
        self.first_module()..self.all().end
    }

    pub(crate) fn registrars(&self) -> std::ops::Range<NodeId> {
        NodeId::try_from(self.layout.servers).unwrap()..self.first_module()
    }

    fn first_module(&self) -> NodeId {
        NodeId::try_from(self.layout.servers + self.layout.cells.len()).unwrap()
    }

    /// Has all modules register.
    pub(crate) fn start_all(&mut self) {
        for node in self.modules() {
            self.start(node);
        }
    }

    /// Has a module register.
    pub(crate) fn start(&mut self, node: NodeId) {
        self.member(node, |member, now, transport| {
            // It may have registered before.
            let _ = member.module.register(now, transport, &mut |_: Indication| {});
        });
    }

    /// Crashes a node, which comes back after `pause` without its memory.
    pub(crate) fn restart(&mut self, node: NodeId, pause: Duration) {
        self.network.crash(node);
        self.network.run(pause);
        self.revive(node);
    }

    /// Starts what belongs at a node that is down, without its memory.
    pub(crate) fn revive(&mut self, node: NodeId) {
        if self.network.node(node).is_none() {
            self.renew(node);
        }
    }

    /// Starts what belongs at a node, whatever is there now.
    pub(crate) fn renew(&mut self, node: NodeId) {
        let entity = self.entity(node);
        self.network.restart(node, entity);
        self.start(node);
    }

    /// Whether what is at a node takes no part any more of its own accord.
    pub(crate) fn has_ceased(&self, node: NodeId) -> bool {
        match self.network.node(node).map(|entity| &entity.machine) {
            Some(Machine::Server(server)) => server.state() == ConfigServerState::Outranked,
            Some(Machine::Registrar(registrar)) => {
                matches!(registrar.state(), RegistrarState::Ceased(_))
            }
            _ => false,
        }
    }

    /// Does something with a module, if it is up.
    pub(crate) fn member<R>(
        &mut self,
        node: NodeId,
        act: impl FnOnce(&mut Member<'a>, Now, &mut dyn Transport) -> R,
    ) -> Option<R> {
        let result = self.network.at(node, |entity, now, transport| match &mut entity.machine {
            Machine::Member(member) => Some(act(member, now, transport)),
            _ => None,
        });
        result.flatten()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (NodeId, &Member<'a>)> {
        self.network.nodes().filter_map(|(id, entity)| Some((id, entity.member()?)))
    }

    /// The number of the next message.
    pub(crate) fn next_letter(&mut self) -> u32 {
        self.letters += 1;
        self.letters
    }

    /// How often modules were told they were dead, and how many messages were
    /// delivered to modules that still live.
    pub(crate) fn tally(&self) -> (u32, u32) {
        self.members().fold((0, 0), |(deaths, delivered), (_, member)| {
            (deaths + member.deaths, delivered + member.delivered)
        })
    }

    /// What belongs at a node, in the next of its lives, each with query numbers
    /// of its own.
    fn entity(&mut self, node: NodeId) -> Entity<'a> {
        self.lives += 1;
        let machine = match self.posts[usize::from(node)] {
            Post::Server(location) => self.server(location),
            Post::Registrar(venture, unit) => self.registrar(node, venture, unit),
            Post::Module(venture, unit, role) => self.module(node, venture, unit, role),
        };
        Entity::new(machine, self.layout.watched)
    }

    fn server(&self, location: usize) -> Machine<'a> {
        let storage = ConfigServerStorage {
            cells: slots(self.arena, self.layout.cells.len()),
            buffer: self.arena.alloc_slice_fill_copy(ConfigServer::BUFFER_LEN, 0),
        };
        let config = ConfigServerConfig { location };
        Machine::Server(Box::new(ConfigServer::new(self.mib, config, storage)))
    }

    fn registrar(&self, node: NodeId, venture: VentureNumber, unit: UnitNumber) -> Machine<'a> {
        let endpoint = self.arena.alloc_str(&name(node, MAMS));
        let endpoint = EndpointName::new(endpoint).unwrap();
        let config = RegistrarConfig {
            first_query: self.lives * 10_000,
            ..RegistrarConfig::new(venture, unit, endpoint)
        };
        let modules = self.peers();
        let storage = RegistrarStorage {
            members: slots(self.arena, modules.min(255)),
            registrars: slots(self.arena, self.layout.cells.len()),
            dossiers: slots(self.arena, self.layout.dossiers),
            rules: slots(self.arena, self.layout.rules),
            buffer: self.arena.alloc_slice_fill_copy(self.layout.buffer, 0),
        };
        Machine::Registrar(Box::new(Registrar::new(self.mib, config, storage)))
    }

    fn module(
        &self,
        node: NodeId,
        venture: VentureNumber,
        unit: UnitNumber,
        role: RoleNumber,
    ) -> Machine<'a> {
        let arena = self.arena;
        let endpoint = EndpointName::new(arena.alloc_str(&name(node, MAMS))).unwrap();
        let point = DeliveryPoint { service: "udp", endpoint: arena.alloc_str(&name(node, AAMS)) };
        let vector = DeliveryVectorValues { number: 1, points: arena.alloc_slice_copy(&[point]) };
        let contact =
            ContactSummaryValues { endpoint, delivery_vectors: arena.alloc_slice_copy(&[vector]) };
        let identity =
            ModuleIdentity { venture, unit, role, contact, first_query: self.lives * 10_000 };
        let storage = ModuleStorage {
            peers: slots(arena, self.peers()),
            rules: slots(arena, self.layout.rules),
            own: slots(arena, 16),
            queries: slots(arena, 16),
            mpdu: arena.alloc_slice_fill_copy(800, 0),
            message: arena.alloc_slice_fill_copy(64, 0),
        };
        let module = Module::new(self.mib, identity, storage);
        let venture = self.mib.ventures.iter().find(|one| one.number == venture).unwrap();
        Machine::Member(Box::new(Member {
            module,
            node,
            role,
            mib: self.mib,
            venture,
            deaths: 0,
            delivered: 0,
            inbox: Vec::new(),
        }))
    }

    /// Room for every module and some that are remembered although they are gone.
    fn peers(&self) -> usize {
        self.layout.cells.iter().map(|cell| usize::from(cell.modules)).sum::<usize>() + 16
    }
}

fn slots<T>(arena: &Bump, number: usize) -> &mut [Slot<T>] {
    arena.alloc_slice_fill_with(number, |_| Slot::EMPTY)
}

fn mib<'a>(arena: &'a Bump, layout: &Layout) -> &'a Mib<'a> {
    let locations =
        (0..layout.servers).map(|at| &*arena.alloc_str(&name(at.try_into().unwrap(), MAMS)));
    let config_servers = arena.alloc_slice_fill_iter(locations.collect::<Vec<_>>());
    let mut numbers: Vec<VentureNumber> = layout.cells.iter().map(|cell| cell.venture).collect();
    numbers.dedup();
    let ventures = numbers.iter().map(|number| {
        let cells = layout.cells.iter().filter(|cell| cell.venture == *number);
        let units = cells.map(|cell| Unit {
            resync_period: layout.resync_period,
            ..Unit::new(cell.unit, arena.alloc_str(&cell.name))
        });
        let units = arena.alloc_slice_fill_iter(units.collect::<Vec<_>>());
        Venture {
            units,
            roles: &VENTURE_ROLES,
            subjects: &SUBJECTS,
            ..Venture::new(*number, arena.alloc_str(&format!("simulation {number}")), "tests")
        }
    });
    let ventures = arena.alloc_slice_fill_iter(ventures.collect::<Vec<_>>());
    let mib =
        Mib { config_servers, ventures, policy: layout.policy, ..Mib::new(CONTINUUM, "simulated") };
    mib.validate().expect("the layout is a possible one");
    arena.alloc(mib)
}

const VENTURE_ROLES: [Role<'static>; 4] = [
    Role::new(ROLES[0], "a"),
    Role::new(ROLES[1], "b"),
    Role::new(ROLES[2], "c"),
    Role::new(ROLES[3], "d"),
];

/// Two that are open to all, one that not all may send on, one that not all may
/// receive on. Subject 5 is not in the MIB.
const SUBJECTS: [Subject<'static>; 4] = [
    Subject::new(SubjectNumber(1), "one"),
    Subject::new(SubjectNumber(2), "two"),
    Subject { senders: &[ROLES[0], ROLES[1]], ..Subject::new(SubjectNumber(3), "three") },
    Subject { receivers: &[ROLES[0], ROLES[2]], ..Subject::new(SubjectNumber(4), "four") },
];

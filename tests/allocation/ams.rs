//! A cell of two modules, its registrar and its configuration server does one
//! thing after another.

use std::time::Duration;

use farpost::ams::MetaStats;
use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, RoleNumber, SubjectNumber, UnitNumber,
    VentureNumber,
};
use farpost::ams::mib::{Introduction, Mib, Policy, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory, RuleRequest};
use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::ams::service::{Delivery, Indication, Message};
use farpost::storage::Slot;
use farpost::time::{Now, earliest};
use farpost::transport::Address;

use super::wire::{Datagram, Wire};
use super::{assert_none, lend};

const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(7);
const SUBJECT: SubjectNumber = SubjectNumber(1);
const RESYNC: Unit<'static> = Unit { resync_period: 1, ..Unit::ROOT };
const VENTURE: Venture<'static> =
    Venture { units: &[RESYNC], ..Venture::new(VentureNumber(1), "quiet", "tests") };
const MIB: Mib<'static> =
    Mib { config_servers: &["s"], ventures: &[VENTURE], ..Mib::new(CONTINUUM, "test") };

/// Where the two modules receive MPDUs.
const NAMES: [&str; 2] = ["a", "b"];

/// A cell in which nothing is lost.
struct Cell {
    now: Now,
    wire: Wire,
    server: ConfigServer<'static>,
    registrar: Registrar<'static>,
    modules: [Module<'static>; 2],
    indications: u32,
    delivered: u32,
}

impl Cell {
    fn new(introduction: Introduction) -> Self {
        let mut cell = Self {
            now: Now::default(),
            wire: Wire::new(),
            server: server(),
            registrar: registrar(introduction),
            modules: [module(2, NAMES[0], "aa"), module(3, NAMES[1], "bb")],
            indications: 0,
            delivered: 0,
        };
        cell.pass(Duration::from_secs(1));
        for (module, name) in cell.modules.iter_mut().zip(NAMES) {
            module.register(cell.now, cell.wire.of(name), &mut |_: Indication| {}).unwrap();
        }
        cell.pass(Duration::from_secs(120));
        for module in &cell.modules {
            assert_eq!(module.peers().count(), 1);
        }
        cell
    }

    /// Time passes: all that is sent arrives, and all that is due happens.
    fn pass(&mut self, span: Duration) {
        let end = self.now.monotonic.after(span);
        loop {
            self.deliver();
            let next = earliest(
                earliest(self.server.next_deadline(), self.registrar.next_deadline()),
                earliest(self.modules[0].next_deadline(), self.modules[1].next_deadline()),
            );
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.after(next.since(self.now.monotonic));
            self.server.tick(self.now, self.wire.of("s"));
            self.registrar.tick(self.now, self.wire.of("r"));
            for (module, name) in self.modules.iter_mut().zip(NAMES) {
                let user = &mut |_: Indication| self.indications += 1;
                module.tick(self.now, self.wire.of(name), user);
            }
        }
        self.now = self.now.after(end.since(self.now.monotonic));
    }

    fn deliver(&mut self) {
        while let Some(Datagram { from, to, length, octets }) = self.wire.way.pop_front() {
            let (now, wire) = (self.now, &mut self.wire);
            let octets = &octets[..length];
            let user = &mut |_: Indication| self.indications += 1;
            match to.octets() {
                b"s" => self.server.receive(now, &from, octets, wire.of("s")),
                b"r" => self.registrar.receive(now, &from, octets, wire.of("r")),
                b"a" => self.modules[0].receive_mams(now, &from, octets, wire.of("a"), user),
                b"b" => self.modules[1].receive_mams(now, &from, octets, wire.of("b"), user),
                b"aa" => self.take(0, octets),
                _ => self.take(1, octets),
            }
        }
    }

    /// A message arrived; a query is answered.
    fn take(&mut self, at: usize, octets: &[u8]) {
        let module = &mut self.modules[at];
        let delivery = module.receive_aams(octets).unwrap();
        self.delivered += 1;
        if let Delivery::Query(query) = delivery {
            let reply = Message { context: query.context, ..Message::new(SUBJECT, b"yes") };
            module.reply((query.continuum, query.source), &reply, &mut self.wire).unwrap();
        }
    }

    fn subscribe_and_invite(&mut self) {
        for (module, name) in self.modules.iter_mut().zip(NAMES) {
            let wire = self.wire.of(name);
            let request = RuleRequest::new(SUBJECT);
            module.subscribe(self.now, &request, wire).unwrap();
            module.invite(self.now, &request, wire).unwrap();
        }
        self.deliver();
    }

    fn cancel_both(&mut self) {
        for (module, name) in self.modules.iter_mut().zip(NAMES) {
            let wire = self.wire.of(name);
            module.unsubscribe(self.now, SUBJECT, Domain::ALL, wire).unwrap();
            module.disinvite(self.now, SUBJECT, Domain::ALL, wire).unwrap();
        }
        self.deliver();
    }

    fn key(&self, at: usize) -> ModuleKey {
        self.modules[at].id().unwrap().key()
    }

    fn stats(&self) -> [MetaStats; 4] {
        [
            *self.server.stats(),
            *self.registrar.stats(),
            *self.modules[0].meta_stats(),
            *self.modules[1].meta_stats(),
        ]
    }
}

fn server() -> ConfigServer<'static> {
    let storage = ConfigServerStorage {
        cells: lend([const { Slot::EMPTY }; 2]),
        buffer: lend([0; ConfigServer::BUFFER_LEN]),
    };
    ConfigServer::new(&MIB, ConfigServerConfig::default(), storage)
}

fn registrar(introduction: Introduction) -> Registrar<'static> {
    let endpoint = EndpointName::new("r").unwrap();
    let mib = lend(Mib { policy: Policy { introduction, ..Policy::NOMINAL }, ..MIB });
    let config = RegistrarConfig::new(VENTURE.number, UnitNumber::ROOT, endpoint);
    let storage = RegistrarStorage {
        members: lend([const { Slot::EMPTY }; 4]),
        registrars: &mut [],
        dossiers: lend([const { Slot::EMPTY }; 4]),
        rules: lend([const { Slot::EMPTY }; 16]),
        buffer: lend([0; 512]),
    };
    Registrar::new(mib, config, storage)
}

fn module(role: u8, mams: &'static str, aams: &'static str) -> Module<'static> {
    let point = DeliveryPoint { service: "udp", endpoint: aams };
    let identity = ModuleIdentity {
        venture: VENTURE.number,
        unit: UnitNumber::ROOT,
        role: RoleNumber(role),
        contact: ContactSummaryValues {
            endpoint: EndpointName::new(mams).unwrap(),
            delivery_vectors: lend([DeliveryVectorValues { number: 1, points: lend([point]) }]),
        },
        first_query: 1,
    };
    let memory = lend(ModuleMemory::<4, 16, 4, 4, 512, 512>::new());
    Module::new(&MIB, identity, memory.storage())
}

#[test]
fn ams_machines_in_steady_state_allocate_nothing() {
    for introduction in [Introduction::ByModules, Introduction::ByRegistrar] {
        let mut cell = Cell::new(introduction);
        let before = cell.stats();
        assert_none("heartbeats and resynchronisation", || cell.pass(Duration::from_secs(600)));
        for (before, after) in before.iter().zip(cell.stats()) {
            assert!(after.received >= before.received + 30, "nothing was heard: {after:?}");
        }

        assert_none("subscribing, inviting and cancelling", || {
            for _ in 0..10 {
                cell.subscribe_and_invite();
                cell.cancel_both();
            }
        });
        assert!(cell.indications >= 80);

        cell.subscribe_and_invite();
        cell.delivered = 0;
        assert_none("publishing, announcing and sending", || {
            let to = (CONTINUUM, cell.key(1));
            for _ in 0..10 {
                let message = Message::new(SUBJECT, &[7; 100]);
                let (module, wire) = (&mut cell.modules[0], &mut cell.wire);
                let user = &mut |_: Indication| {};
                module.publish(&message, wire, user).unwrap();
                module.announce(Domain::ALL, &message, wire, user).unwrap();
                module.send(to, &message, wire).unwrap();
                cell.deliver();
            }
        });
        assert_eq!(cell.delivered, 30);

        assert_none("asking, answering and timing out", || {
            let to = (CONTINUUM, cell.key(1));
            let term = Some(Duration::from_secs(2));
            for context in 1..=10 {
                let context = ContextNumber(context);
                let message = Message { context, ..Message::new(SUBJECT, b"well?") };
                cell.modules[0].query(cell.now, to, &message, term, &mut cell.wire).unwrap();
                cell.deliver();
            }
            let lost = Message { context: ContextNumber(11), ..Message::new(SUBJECT, b"well?") };
            cell.modules[0].query(cell.now, to, &lost, term, &mut cell.wire).unwrap();
            cell.wire.way.clear();
            cell.pass(Duration::from_secs(5));
        });
        assert_eq!(cell.delivered, 50);

        assert_none("leaving and coming back", || {
            cell.modules[1].unregister(cell.now, cell.wire.of(NAMES[1])).unwrap();
            cell.deliver();
            let user = &mut |_: Indication| {};
            cell.modules[1].register(cell.now, cell.wire.of(NAMES[1]), user).unwrap();
            cell.pass(Duration::from_secs(60));
        });
        assert!(cell.modules[1].id().is_some());

        assert_none("what is not an MPDU or a message", || {
            for octets in [&[][..], &[0xff; 40], &[1, 1, 0, 0, 2]] {
                let user = &mut |_: Indication| {};
                let from = Address::new(0, b"x");
                cell.server.receive(cell.now, &from, octets, &mut cell.wire);
                cell.registrar.receive(cell.now, &from, octets, &mut cell.wire);
                cell.modules[0].receive_mams(cell.now, &from, octets, &mut cell.wire, user);
                assert!(cell.modules[0].receive_aams(octets).is_err());
            }
        });
    }
}

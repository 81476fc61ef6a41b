//! Server, registrars and modules together: every member gets to know the truth.

use super::*;
use crate::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerMemory};
use crate::ams::ids::{Domain, Priority};
use crate::ams::mib::{ServiceMode, Timers};
use crate::ams::module::{Module, ModuleIdentity, ModuleMemory, RuleRequest};
use crate::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues};
use crate::ams::service::Indication;
use std::collections::VecDeque;

const UNITS: &[Unit<'_>] = &[
    Unit { resync_period: 7, ..Unit::ROOT },
    Unit { resync_period: 7, ..Unit::new(UnitNumber(1), "a") },
];
/// N6 is such that one loss in five leaves nobody silent for long enough.
const NETWORK: Mib<'_> = Mib {
    config_servers: &["cs"],
    timers: Timers { n6: 6, ..Timers::NOMINAL },
    ventures: &[Venture { units: UNITS, ..VENTURE }],
    ..MIB
};
const NAMES: [(&str, u16); 5] = [("a", 0), ("b", 0), ("c", 0), ("x", 1), ("y", 1)];

/// What is under way, and the way out of one entity.
struct Net {
    queue: VecDeque<(String, String, Vec<u8>)>,
    from: String,
    seed: u64,
    /// Of 100 datagrams so many are lost.
    loss: u64,
}

impl Net {
    fn out_of(&mut self, name: &str) -> &mut Self {
        self.from = name.into();
        self
    }

    fn is_lost(&mut self) -> bool {
        // xorshift64
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % 100 < self.loss
    }
}

impl Transport for Net {
    fn resolve(&mut self, _: &str, endpoint: &str) -> Option<Address> {
        Some(address(endpoint))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        if !self.is_lost() {
            let to = String::from_utf8(to.octets().to_vec()).unwrap();
            self.queue.push_back((self.from.clone(), to, octets.to_vec()));
        }
        Ok(())
    }
}

/// Lets five modules in two cells start, and the third crash after 300 s; then
/// all of the others must know of one another and of one subscription each.
fn converges(introduction: Introduction, seed: u64, loss: u64) {
    // By one style all statuses are sent on at once, by the other together.
    let seconds = if introduction == Introduction::ByRegistrar { 4 } else { 0 };
    let aggregation = Duration::from_secs(seconds);
    let mib = Mib { policy: Policy { introduction, aggregation, ..Policy::NOMINAL }, ..NETWORK };
    let mut memory = ConfigServerMemory::<2>::new();
    let mut server = ConfigServer::new(&NETWORK, ConfigServerConfig::default(), memory.storage());

    let mut memories: [_; 2] =
        core::array::from_fn(|_| RegistrarMemory::<8, 2, 16, 32, 600>::new());
    let mut registrars: Vec<_> = memories
        .iter_mut()
        .zip(["r0", "r1"])
        .enumerate()
        .map(|(unit, (memory, name))| {
            let unit = UnitNumber(u16::try_from(unit).unwrap());
            let name = endpoint(name);
            let config = RegistrarConfig::new(VentureNumber(1), unit, name);
            Registrar::new(&mib, config, memory.storage())
        })
        .collect();

    let points = NAMES.map(|(endpoint, _)| [DeliveryPoint { service: "udp", endpoint }]);
    let vectors: Vec<_> =
        points.iter().map(|points| [DeliveryVectorValues { number: 1, points }]).collect();
    let mut memories: [_; 5] =
        core::array::from_fn(|_| ModuleMemory::<8, 32, 4, 1, 256, 64>::new());
    let mut modules: Vec<_> = memories
        .iter_mut()
        .zip(NAMES)
        .zip(&vectors)
        .map(|((memory, (name, unit)), vectors)| {
            let identity = ModuleIdentity {
                venture: VentureNumber(1),
                unit: UnitNumber(unit),
                role: RoleNumber(2),
                contact: ContactSummaryValues {
                    endpoint: endpoint(name),
                    delivery_vectors: vectors,
                },
                first_query: 1,
            };
            Module::new(&NETWORK, identity, memory.storage())
        })
        .collect();

    let mut net = Net { queue: VecDeque::new(), from: String::new(), seed, loss };
    let mut user = |_: Indication| {};
    for (module, (name, _)) in modules.iter_mut().zip(NAMES) {
        module.register(at(0), net.out_of(name), &mut user).unwrap();
    }
    let request = RuleRequest {
        subject: SubjectNumber::ALL,
        mode: ServiceMode::BEST_EFFORT,
        domain: Domain { continuum: CONTINUUM, ..Domain::ALL },
        priority: Priority::DEFAULT,
        flow_label: 0,
    };
    for millis in (0..900_000).step_by(500) {
        let now = at_millis(millis);
        // Nothing is lost in the end: what must be true is true then.
        net.loss = if millis < 500_000 { loss } else { 0 };
        let crashed = millis >= 300_000;
        server.tick(now, net.out_of("cs"));
        for (registrar, name) in registrars.iter_mut().zip(["r0", "r1"]) {
            registrar.tick(now, net.out_of(name));
        }
        for (module, (name, _)) in modules.iter_mut().zip(NAMES) {
            if crashed && name == "c" {
                continue;
            }
            module.tick(now, net.out_of(name), &mut user);
            if millis == 200_000 {
                let _ = module.subscribe(now, &request, net.out_of(name));
            }
        }
        while let Some((from, to, octets)) = net.queue.pop_front() {
            let from = address(&from);
            let place = NAMES.iter().position(|(name, _)| *name == to);
            let out = net.out_of(&to);
            match (to.as_str(), place) {
                ("cs", _) => server.receive(now, &from, &octets, out),
                ("r0", _) => registrars[0].receive(now, &from, &octets, out),
                ("r1", _) => registrars[1].receive(now, &from, &octets, out),
                ("c", _) if crashed => {}
                (_, Some(place)) => {
                    modules[place].receive_mams(now, &from, &octets, out, &mut user);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    modules.remove(2);
    let members: Vec<_> = modules.iter().filter_map(Module::id).map(ModuleId::key).collect();
    assert_eq!(members.len(), 4, "{introduction:?} {seed} {loss}");
    for module in modules.iter().filter(|module| module.id().is_some()) {
        let own = module.id().unwrap().key();
        let mut expected: Vec<_> = members.iter().copied().filter(|key| *key != own).collect();
        expected.sort();
        let known: Vec<_> = module.peers().map(|peer| peer.id().key()).collect();
        assert_eq!(known, expected, "{introduction:?} {seed} {loss}: who {own} knows");
        let own_rules: Vec<_> = modules
            .iter()
            .filter_map(|other| Some((other.id()?.key(), other.own_rules().count())))
            .filter(|(key, _)| *key != own)
            .collect();
        for (key, count) in own_rules {
            let noted = module.rules().filter(|(whose, ..)| *whose == key).count();
            assert_eq!(noted, count, "{introduction:?} {seed} {loss}: rules of {key} in {own}");
        }
    }
    let noted: usize = registrars.iter().map(|registrar| registrar.members().count()).sum();
    assert_eq!(noted, members.len());
}

#[test]
fn a_message_space_of_two_cells_converges() {
    converges(Introduction::ByModules, 1, 0);
    converges(Introduction::ByRegistrar, 1, 0);
}

#[test]
fn it_converges_in_spite_of_losses() {
    for seed in 1..=3 {
        converges(Introduction::ByModules, seed, 20);
        converges(Introduction::ByRegistrar, seed, 20);
    }
}

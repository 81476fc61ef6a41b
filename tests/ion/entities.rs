//! Our machines as they took part: a module and its user, a registrar, a
//! configuration server.

use core::time::Duration;

use farpost::ams::MetaStats;
use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerMemory};
use farpost::ams::ids::{
    ContinuumNumber, ModuleKey, RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Introduction, Mib, Policy, Role, ServiceMode, Subject, Unit, Venture};
use farpost::ams::module::{Membership, Module, ModuleIdentity, ModuleMemory, RuleRequest};
use farpost::ams::pdu::{
    Assertion, ContactSummaryValues, Content, DeliveryPoint, DeliveryVectorValues, EndpointName,
    MessageType,
};
use farpost::ams::registrar::{
    Registrar, RegistrarConfig, RegistrarCounts, RegistrarMemory, RegistrarState,
};
use farpost::ams::service::{Delivery, Indication, Message};
use farpost::time::{Instant, Now};
use farpost::transport::Address;

use crate::conversation::{Conversation, Kind, Line};
use crate::replay::{Entity, Wire, address};

/// What `tests/ion/mib.amsrc` says.
const VENTURE: Venture<'static> = Venture {
    units: &[Unit { resync_period: 10, ..Unit::ROOT }, Unit::new(UnitNumber(1), "orbiters")],
    roles: &[
        Role::new(RoleNumber(1), "RAMS"),
        Role::new(RoleNumber(2), "shell"),
        Role::new(RoleNumber(3), "log"),
        Role::new(RoleNumber(4), "pitch"),
        Role::new(RoleNumber(5), "catch"),
        Role::new(RoleNumber(6), "benchs"),
        Role::new(RoleNumber(7), "benchr"),
        Role::new(RoleNumber(96), "amsd"),
        Role::new(RoleNumber(97), "amsmib"),
        Role::new(RoleNumber(98), "amsstop"),
        Role::new(RoleNumber(255), "stop"),
    ],
    subjects: &[
        Subject::new(SubjectNumber(1), "text"),
        Subject::new(SubjectNumber(2), "noise"),
        Subject::new(SubjectNumber(3), "bench"),
        Subject::new(SubjectNumber(97), "amsmib"),
        Subject::new(SubjectNumber(98), "amsstop"),
    ],
    ..Venture::new(VentureNumber(1), "amsdemo", "test")
};
const MIB: Mib<'static> = Mib {
    config_servers: &["2130706433:2357"],
    ventures: &[VENTURE],
    ..Mib::ion(CONTINUUM, "local")
};
const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(1);
const _: () = assert!(MIB.validate().is_ok());

/// A module; its user does what it did then.
pub(crate) struct Member {
    module: Module<'static>,
    delivered: Vec<String>,
    asked: Vec<(ModuleKey, Message<'static>)>,
    begun: bool,
}

impl Member {
    /// The module that took part in `conversation`.
    pub(crate) fn of(conversation: &Conversation) -> Self {
        let query = conversation.first_sent("registrar_query");
        let registration = conversation.first_sent("module_registration");
        let Content::ModuleRegistration { contact, .. } = registration.content() else { panic!() };
        let vectors: Vec<_> = contact.delivery_vectors.iter().collect();
        let vectors: Vec<_> = vectors
            .iter()
            .map(|vector| {
                let points: Vec<DeliveryPoint<'static>> = vector
                    .points()
                    .map(|point| DeliveryPoint {
                        service: leak(point.service),
                        endpoint: leak(point.endpoint),
                    })
                    .collect();
                DeliveryVectorValues { number: vector.number(), points: points.leak() }
            })
            .collect();
        let identity = ModuleIdentity {
            venture: query.sender().venture,
            unit: query.sender().unit,
            role: query.sender().role,
            contact: ContactSummaryValues {
                endpoint: EndpointName::new(leak(contact.endpoint.as_str())).unwrap(),
                delivery_vectors: vectors.leak(),
            },
            first_query: query.reference(),
        };
        let memory = Box::leak(Box::new(ModuleMemory::<16, 64, 8, 4, 512, 512>::new()));
        let mib = Box::leak(Box::new(MIB));
        Self {
            module: Module::new(mib, identity, memory.storage()),
            delivered: Vec::new(),
            asked: Vec::new(),
            begun: false,
        }
    }

    /// The messages, each as its kind, its subject and its text.
    pub(crate) fn delivered(&self) -> &[String] {
        &self.delivered
    }

    pub(crate) fn stats(&self) -> &MetaStats {
        self.module.meta_stats()
    }

    pub(crate) fn membership(&self) -> Membership {
        self.module.membership()
    }

    fn take(&mut self, octets: &[u8]) {
        let (kind, received) = match self.module.receive_aams(octets).unwrap() {
            Delivery::Message(received) => ("message", received),
            Delivery::Query(received) => ("query", received),
            Delivery::Reply(received) => ("reply", received),
        };
        let text = String::from_utf8_lossy(received.data);
        let text = text.trim_end_matches('\0');
        self.delivered.push(format!("{kind} {} {text}", received.subject));
        let context = received.context;
        let message = Message { context, ..Message::new(received.subject, b"granted") };
        if kind == "query" {
            self.asked.push((received.source, message));
        }
    }

    /// What the user said to a peer then.
    fn say(&mut self, now: Now, line: &Line, wire: &mut Wire) {
        let captured = line.message();
        let message = Message {
            context: captured.context(),
            ..Message::new(captured.subject(), captured.data())
        };
        let user = &mut |indication: Indication| panic!("{indication:?}");
        let to = address("udp", &line.peer);
        let to = self.module.peers().find(|peer| peer.delivery_point(1) == Some(&to));
        let to = (CONTINUUM, to.unwrap().id().key());
        match (captured.message_type(), captured.subject()) {
            (MessageType::Unary, SubjectNumber(1)) => {
                assert_eq!(self.module.publish(&message, wire, user).unwrap().sent, 1);
            }
            (MessageType::Unary, _) => self.module.send(to, &message, wire).unwrap(),
            (MessageType::Query, _) => {
                self.module.query(now, to, &message, Some(Duration::from_secs(3)), wire).unwrap();
            }
            _ => {
                let (asker, reply) = self.asked.pop().unwrap();
                self.module.reply((CONTINUUM, asker), &reply, wire).unwrap();
            }
        }
    }

    fn assert(&mut self, now: Now, line: &Line, wire: &mut Wire) {
        match line.mpdu().content() {
            Content::Subscribe { assertion, .. } => {
                self.module.subscribe(now, &request(&assertion), wire).unwrap();
            }
            Content::Invite { assertion, .. } if assertion.values().subject.0 > 0 => {
                self.module.invite(now, &request(&assertion), wire).unwrap();
            }
            Content::IAmStopping { .. } => _ = self.module.unregister(now, wire).unwrap(),
            _ => {}
        }
    }
}

impl Entity for Member {
    fn receive(&mut self, now: Now, from: &Address, line: &Line, wire: &mut Wire) {
        match line.kind {
            Kind::Mams => {
                self.module.receive_mams(now, from, &line.octets, wire, &mut |_: Indication| {});
            }
            Kind::Aams => self.take(&line.octets),
        }
    }

    fn tick(&mut self, now: Now, wire: &mut Wire) {
        self.module.tick(now, wire, &mut |_: Indication| {});
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.module.next_deadline()
    }

    fn act(&mut self, now: Now, line: &Line, wire: &mut Wire) {
        if !self.begun {
            self.begun = true;
            self.module.register(now, wire, &mut |_: Indication| {}).unwrap();
        }
        match line.kind {
            Kind::Mams => self.assert(now, line, wire),
            Kind::Aams => self.say(now, line, wire),
        }
    }
}

fn request(assertion: &Assertion<'_>) -> RuleRequest {
    let values = assertion.values();
    RuleRequest {
        subject: values.subject,
        mode: if values.delivery_vector == 1 {
            ServiceMode::BEST_EFFORT
        } else {
            ServiceMode::ASSURED
        },
        domain: values.domain,
        priority: values.priority,
        flow_label: values.flow_label,
    }
}

/// A registrar.
pub(crate) struct Warden {
    registrar: Registrar<'static>,
}

impl Warden {
    /// The registrar that took part in `conversation`, with or without a census.
    pub(crate) fn of(
        conversation: &Conversation,
        introduction: Introduction,
        census: bool,
    ) -> Self {
        let announcement = conversation.first_sent("announce_registrar");
        let Content::AnnounceRegistrar { endpoint, .. } = announcement.content() else { panic!() };
        let census = if census { None } else { Some(Duration::ZERO) };
        let policy = Policy { introduction, census, ..Policy::ION };
        let mib = Box::leak(Box::new(Mib { policy, ..MIB }));
        let sender = announcement.sender();
        let endpoint = EndpointName::new(leak(endpoint.as_str())).unwrap();
        let config = RegistrarConfig {
            first_query: announcement.reference(),
            ..RegistrarConfig::new(sender.venture, sender.unit, endpoint)
        };
        let memory = Box::leak(Box::new(RegistrarMemory::<16, 4, 16, 64, 4_114>::new()));
        Self { registrar: Registrar::new(mib, config, memory.storage()) }
    }

    pub(crate) fn counts(&self) -> &RegistrarCounts {
        self.registrar.counts()
    }

    pub(crate) fn is_noted(&self) -> bool {
        self.registrar.state() == RegistrarState::Noted
    }
}

impl Entity for Warden {
    fn receive(&mut self, now: Now, from: &Address, line: &Line, wire: &mut Wire) {
        self.registrar.receive(now, from, &line.octets, wire);
    }

    fn tick(&mut self, now: Now, wire: &mut Wire) {
        self.registrar.tick(now, wire);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.registrar.next_deadline()
    }

    fn act(&mut self, _: Now, _: &Line, _: &mut Wire) {}
}

/// A configuration server.
pub(crate) struct Server {
    server: ConfigServer<'static>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let memory = Box::leak(Box::new(ConfigServerMemory::<4>::new()));
        let mib = Box::leak(Box::new(MIB));
        let config = ConfigServerConfig { location: 0 };
        Self { server: ConfigServer::new(mib, config, memory.storage()) }
    }
}

impl Entity for Server {
    fn receive(&mut self, now: Now, from: &Address, line: &Line, wire: &mut Wire) {
        self.server.receive(now, from, &line.octets, wire);
    }

    fn tick(&mut self, now: Now, wire: &mut Wire) {
        self.server.tick(now, wire);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.server.next_deadline()
    }

    fn act(&mut self, _: Now, _: &Line, _: &mut Wire) {}
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

//! A gateway of ours and ION's `ramsgate`, as one host had them talk: what the gateway was
//! told by registrar, modules and `ramsgate` is fed in, and what it tells `ramsgate`
//! and modules must be what it told them then, octet for octet.

use core::time::Duration;

use farpost::ams::gateway::{Block, Gateway, GatewayConfig, GatewayStats, GatewayStorage};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Continuum, Mib, RemoteMessageSpace, Role, Subject, Unit, Venture};
use farpost::ams::module::{ModuleIdentity, ModuleMemory};
use farpost::ams::pdu::{
    ContactSummaryValues, Content, DeliveryPoint, DeliveryVectorValues, EndpointName, Mpdu,
};
use farpost::ams::service::Indication;
use farpost::storage::Slot;
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};
use serde_json::Value;

const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(2);
const ION: ContinuumNumber = ContinuumNumber::from_bits(1);
/// What `tests/ion/live` makes of `tests/ion/mib.amsrc` for our continuum.
const MIB: Mib<'static> = Mib {
    config_servers: &["127.0.0.1:2367"],
    continua: &[Continuum { number: ION, name: "c1", neighbour: true, description: "" }],
    ventures: &[Venture {
        units: &[Unit { resync_period: 10, ..Unit::ROOT }, Unit::new(UnitNumber(1), "orbiters")],
        roles: &[
            Role::new(RoleNumber(2), "shell"),
            Role::new(RoleNumber(3), "log"),
            Role::new(RoleNumber(98), "amsstop"),
        ],
        subjects: &[
            Subject::new(SubjectNumber(1), "text"),
            Subject::new(SubjectNumber(2), "noise"),
            Subject::new(SubjectNumber(98), "amsstop"),
        ],
        remote: &[RemoteMessageSpace::new(ION, "udp@127.0.0.1:4357")],
        ..Venture::new(VentureNumber(1), "amsdemo", "test")
    }],
    ..Mib::ion(CONTINUUM, "c2")
};

/// A datagram to or from the gateway.
struct Line {
    at: Duration,
    arrives: bool,
    peer: String,
    what: String,
    octets: Vec<u8>,
}

fn read(text: &str) -> Vec<Line> {
    let lines = text.lines().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap();
        let peer = |key| value[key].as_str().map(str::to_owned);
        let hex = value["octets"].as_str().unwrap();
        let octets = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
        Line {
            at: Duration::from_secs_f64(value["at"].as_f64().unwrap() / 1_000.0),
            arrives: peer("from").is_some(),
            peer: peer("from").or_else(|| peer("to")).unwrap(),
            what: value["what"].as_str().unwrap().to_owned(),
            octets: octets.map(Result::unwrap).collect(),
        }
    });
    lines.collect()
}

/// Writes down what is sent to whom. Addresses are endpoint names.
#[derive(Default)]
struct Wire(Vec<(String, Vec<u8>)>);

impl Transport for Wire {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        (service == "udp").then(|| Address::new(0, endpoint.as_bytes()))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        let to = String::from_utf8(to.octets().to_vec()).unwrap();
        self.0.push((to, octets.to_vec()));
        Ok(())
    }
}

fn now(at: Duration) -> Now {
    Now {
        monotonic: Instant::ZERO.after(at),
        utc: Utc::from_unix_seconds(1_795_392_000),
        quality: ClockQuality::Synchronised,
    }
}

fn leak(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// Who the gateway was: its contact, and the number of its first question.
fn identity(lines: &[Line]) -> ModuleIdentity<'static> {
    let mut sent = lines.iter().filter(|line| !line.arrives && line.what == "mams");
    let query = Mpdu::parse(&sent.next().unwrap().octets).unwrap();
    let registration = Mpdu::parse(&sent.next().unwrap().octets).unwrap();
    let Content::ModuleRegistration { contact, .. } = registration.content() else { panic!() };
    let vectors = contact.delivery_vectors.iter().map(|vector| {
        let points = vector.points().map(|point| DeliveryPoint {
            service: leak(point.service),
            endpoint: leak(point.endpoint),
        });
        DeliveryVectorValues { number: vector.number(), points: points.collect::<Vec<_>>().leak() }
    });
    ModuleIdentity {
        venture: query.sender().venture,
        unit: query.sender().unit,
        role: query.sender().role,
        contact: ContactSummaryValues {
            endpoint: EndpointName::new(leak(contact.endpoint.as_str())).unwrap(),
            delivery_vectors: vectors.collect::<Vec<_>>().leak(),
        },
        first_query: query.reference(),
    }
}

/// Replays a conversation; what became of the RPDUs.
pub(crate) fn replay_gateway(text: &str) -> GatewayStats {
    let lines = read(text);
    let memory = Box::leak(Box::new(ModuleMemory::<16, 64, 16, 4, 512, 512>::new()));
    let storage = GatewayStorage {
        module: memory.storage(),
        neighbours: vec![Slot::EMPTY; 2].leak(),
        petitions: vec![Slot::EMPTY; 16].leak(),
        parcels: vec![Slot::EMPTY; 4].leak(),
        blocks: vec![Block::EMPTY; 16].leak(),
        rpdu: vec![0; 512].leak(),
    };
    let config = GatewayConfig { refresh: None, ..GatewayConfig::default() };
    let mib = Box::leak(Box::new(MIB));
    mib.validate().unwrap();
    let mut gateway = Gateway::new(mib, identity(&lines), config, storage);
    let (wire, ignore) = (&mut Wire::default(), &mut |_: Indication| {});
    let begins = lines.iter().find(|line| !line.arrives).unwrap().at;
    let mut registered = false;
    for line in &lines {
        if !registered && line.at >= begins {
            gateway.register(now(begins), wire, ignore).unwrap();
            registered = true;
            // What had arrived before waited in the socket.
            for line in lines.iter().filter(|line| line.arrives && line.at < begins) {
                assert_eq!(line.what, "rams");
                let from = Address::new(0, line.peer.as_bytes());
                gateway.receive_rams(now(begins), &from, &line.octets, wire);
            }
        }
        while let Some(due) = gateway.next_deadline().filter(|due| *due <= now(line.at).monotonic) {
            gateway.tick(now(due.since(Instant::ZERO)), wire, ignore);
        }
        let from = Address::new(0, line.peer.as_bytes());
        match (line.arrives && registered, line.what.as_str()) {
            (true, "mams") => {
                gateway.receive_mams(now(line.at), &from, &line.octets, wire, ignore);
            }
            (true, "rams") => gateway.receive_rams(now(line.at), &from, &line.octets, wire),
            (true, _) => gateway.receive_aams(now(line.at), &line.octets, wire).unwrap(),
            (false, _) => {}
        }
    }
    let told = |octets: &[u8]| Mpdu::parse(octets).is_err();
    let expected = lines.iter().filter(|line| !line.arrives && line.what != "mams");
    let expected: Vec<_> = expected.map(|line| (line.peer.clone(), line.octets.clone())).collect();
    let sent: Vec<_> = wire.0.iter().filter(|(_, octets)| told(octets)).cloned().collect();
    assert_eq!(sent, expected);
    assert!(sent.len() > 5);
    *gateway.stats()
}

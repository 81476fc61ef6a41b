//! Whatever neighbours and modules say, a gateway stays in order: petitions go to
//! declared neighbours, and no message that had to wait is unaccounted for.
#![no_main]

use farpost::ams::gateway::{
    Block, Gateway, GatewayConfig, GatewayStorage, NeighbourSet, StoreStats,
};
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, ModuleKey, ModuleNumber, Priority, RoleNumber, SubjectNumber,
    UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Mib, RamsNetwork, RemoteMessageSpace, Venture};
use farpost::ams::module::{ModuleIdentity, ModuleMemory};
use farpost::ams::pdu::{
    AamsHeader, ContactSummaryValues, ControlCode, DeliveryPoint, DeliveryVectorValues, Enclosure,
    EndpointName, EnvelopeHeader, MessageType,
};
use farpost::ams::service::Indication;
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::Address;
use farpost::wire::Octets;
use farpost_fuzz::{
    CONTINUUM, MIB, Result, Unstructured, VENTURE, Wire, from, mpdu, noise, rule, u8, wait,
};
use libfuzzer_sys::fuzz_target;

const POINT: DeliveryPoint<'static> = DeliveryPoint { service: "udp", endpoint: "m9" };
const PETITIONS: usize = 6;
const PARCELS: usize = 3;

/// Continua 5 and 6 are neighbours, 4 is beyond.
const REMOTE: &[RemoteMessageSpace<'static>] = &[
    RemoteMessageSpace::new(ContinuumNumber::from_bits(5), "udp@g5"),
    RemoteMessageSpace::new(ContinuumNumber::from_bits(6), "udp@g6"),
    RemoteMessageSpace {
        neighbour: false,
        ..RemoteMessageSpace::new(ContinuumNumber::from_bits(4), "udp@g4")
    },
];
const MESH: Mib<'static> = Mib { ventures: &[Venture { remote: REMOTE, ..VENTURE }], ..MIB };
const TREE: Mib<'static> =
    Mib { ventures: &[Venture { network: RamsNetwork::Tree, remote: REMOTE, ..VENTURE }], ..MIB };

struct Bench<'s> {
    gateway: Gateway<'s>,
    wire: Wire,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { gateway, wire, now } = self;
        let user = &mut |_: Indication| {};
        // Faults are possible answers.
        match u8(u)? % 12 {
            0 => drop(gateway.register(*now, wire, user)),
            1 => drop(gateway.unregister(*now, wire)),
            2 => wait(now, u8(u)?, |now, tick| {
                if tick.is_some() {
                    gateway.tick(now, wire, user);
                }
                gateway.next_deadline()
            }),
            3 => wire.turn(u8(u)?),
            4 => gateway.receive_mams(*now, &from(u)?, noise(u)?, wire, user),
            5 => drop(gateway.receive_aams(*now, &message(u)?, wire)),
            6 => gateway.receive_rams(*now, &neighbour(u)?, noise(u)?, wire),
            7..9 => {
                let from = neighbour(u)?;
                gateway.receive_rams(*now, &from, &rpdu(u)?, wire);
            }
            _ => {
                let octets = mpdu(u, wire.asked)?;
                gateway.receive_mams(*now, &from(u)?, &octets, wire, user);
            }
        }
        Ok(())
    }

    fn assert_in_order(&mut self) {
        let gateway = &self.gateway;
        let declared = gateway.declared();
        let own = CONTINUUM.pseudo_subject();
        assert!(gateway.petitions().count() <= PETITIONS && gateway.waiting() <= PARCELS);
        for petition in gateway.petitions() {
            let told = petition.sources().union(petition.owed());
            assert!(NeighbourSet::one(0).union(NeighbourSet::one(1)).contains(told));
            if petition.specification().subject != own {
                assert!(declared.contains(petition.sources()), "{petition:?}");
                let idle = told.union(petition.destinations()).is_empty();
                assert!(!idle, "nobody has to do with {petition:?}");
            }
        }
        let StoreStats { kept, delivered, displaced, expired, withdrawn, .. } =
            *gateway.store_stats();
        let waiting = u32::try_from(gateway.waiting()).expect("they are few");
        assert_eq!(kept, delivered + displaced + expired + withdrawn + waiting);
    }
}

/// One of two neighbours, or somebody else.
fn neighbour(u: &mut Unstructured<'_>) -> Result<Address> {
    let names: [&[u8]; 3] = [b"g5", b"g6", b"g7"];
    Ok(Address::new(0, names[usize::from(u8(u)? % 3)]))
}

/// A well-formed RPDU.
fn rpdu(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let code = ControlCode::from_bits(2 + u8(u)? % 5).expect("it is one of five");
    let what = rule(u)?;
    let header = EnvelopeHeader {
        control_code: code,
        continuum: what.domain.continuum,
        unit: what.domain.unit,
        source: what.domain.role.0,
        destination: 0,
        subject: what.subject,
    };
    let mut buffer = [0; 100];
    if code.is_petition() {
        return Ok(header.encode(&Octets(&[]), &mut buffer).expect("there is room").to_vec());
    }
    let continuum = ContinuumNumber::from_bits(4 + u16::from(u8(u)? % 4));
    let letter = AamsHeader { continuum, ..letter(u)? };
    let content = Enclosure::new(&letter, b"far").expect("it is short");
    let header = match code {
        ControlCode::PublishOnReception => {
            EnvelopeHeader { continuum: ContinuumNumber::ALL, unit: UnitNumber::ROOT, ..header }
        }
        _ => EnvelopeHeader { destination: u8(u)? % 9, ..header },
    };
    Ok(header.encode(&content, &mut buffer).expect("there is room").to_vec())
}

/// A message of a module here: one to publish, or with an envelope.
fn message(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let header = letter(u)?;
    let mut buffer = [0; 300];
    let data = if u8(u)? % 2 == 0 { noise(u)?.to_vec() } else { rpdu(u)? };
    Ok(header
        .encode(&data, true, &mut buffer[..])
        .map(|octets| octets.to_vec())
        .unwrap_or_default())
}

fn letter(u: &mut Unstructured<'_>) -> Result<AamsHeader> {
    Ok(AamsHeader {
        message_type: MessageType::Unary,
        priority: Priority::new(1 + u8(u)? % 15).expect("it is in range"),
        flow_label: 0,
        continuum: CONTINUUM,
        source: ModuleKey { unit: UnitNumber(1), module: ModuleNumber(u8(u)? % 9) },
        context: ContextNumber(1),
        subject: SubjectNumber(i16::from(u8(u)? % 12) - 8),
    })
}

fuzz_target!(|octets: &[u8]| {
    let mut u = Unstructured::new(octets);
    let vectors = [DeliveryVectorValues { number: 1, points: &[POINT] }];
    let identity = ModuleIdentity {
        venture: VentureNumber(1),
        unit: UnitNumber(1),
        role: RoleNumber::RAMS_GATEWAY,
        contact: ContactSummaryValues {
            endpoint: EndpointName::new("p").expect("it is one"),
            delivery_vectors: &vectors,
        },
        first_query: 1,
    };
    let mib = if u8(&mut u).unwrap_or(0) % 2 == 0 { &MESH } else { &TREE };
    let mut memory = ModuleMemory::<4, 8, 6, 2, 300, 200>::new();
    let storage = GatewayStorage {
        module: memory.storage(),
        neighbours: &mut [const { Slot::EMPTY }; 2],
        petitions: &mut [const { Slot::EMPTY }; PETITIONS],
        parcels: &mut [const { Slot::EMPTY }; PARCELS],
        blocks: &mut [Block::EMPTY; 6],
        rpdu: &mut [0; 200],
    };
    let gateway = Gateway::new(mib, identity, GatewayConfig::default(), storage);
    let mut bench = Bench { gateway, wire: Wire::default(), now: Now::default() };
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

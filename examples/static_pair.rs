//! Two modules that know one another from the start, on one host: a meter publishes
//! what it reads, and a logger asks it for its name. There is no registrar, no
//! configuration server and no Meta-AMS (735.1-B-1 7.1, conformance class 5).
//!
//! `cargo run --features std --example static_pair`
#![allow(clippy::std_instead_of_core, reason = "an example for hosts")]

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleNumber, Priority, RoleNumber,
    SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Mib, Role, Subject, Venture};
use farpost::ams::module::{ModuleMemory, StaticMember, StaticModule, StaticSpace};
use farpost::ams::pdu::{AssertionValues, DeliveryPoint, DeliveryVectorValues};
use farpost::ams::service::{Delivery, Fault, Indication, Message};
use farpost::host::clock::SystemClock;
use farpost::host::net::UdpEndpoint;
use farpost::time::Clock;

const READING: SubjectNumber = SubjectNumber(1);
const NAME: SubjectNumber = SubjectNumber(2);

const METER: ModuleId = member(2, 1);
const LOGGER: ModuleId = member(3, 2);

const fn member(role: u8, number: u8) -> ModuleId {
    ModuleId { role: RoleNumber(role), unit: UnitNumber::ROOT, module: ModuleNumber(number) }
}

/// Messages on `subject` from everybody, at delivery point 1.
const fn all_on(subject: SubjectNumber) -> AssertionValues {
    AssertionValues {
        subject,
        domain: Domain::ALL,
        delivery_vector: 1,
        priority: Priority::DEFAULT,
        flow_label: 0,
    }
}

const MIB: Mib<'_> = Mib {
    ventures: &[Venture {
        roles: &[Role::new(RoleNumber(2), "meter"), Role::new(RoleNumber(3), "logger")],
        subjects: &[Subject::new(READING, "reading"), Subject::new(NAME, "name")],
        ..Venture::new(VentureNumber(1), "power", "examples")
    }],
    ..Mib::new(ContinuumNumber::from_bits(2), "bench")
};

type Memory = ModuleMemory<1, 2, 2, 1, 0, 256>;

fn main() -> Result<(), Box<dyn Error>> {
    // Ports would be given in code; here they are any that are free.
    let [meter_port, logger_port] = [free_port()?, free_port()?];
    let [meter_at, logger_at] = [meter_port, logger_port].map(|at| at.to_string());
    let meter_points = [DeliveryPoint { service: "udp", endpoint: &meter_at }];
    let logger_points = [DeliveryPoint { service: "udp", endpoint: &logger_at }];
    let space = StaticSpace {
        venture: VentureNumber(1),
        members: &[
            StaticMember {
                delivery_vectors: &[DeliveryVectorValues { number: 1, points: &meter_points }],
                invitations: &[all_on(NAME)],
                ..StaticMember::new(METER)
            },
            StaticMember {
                delivery_vectors: &[DeliveryVectorValues { number: 1, points: &logger_points }],
                subscriptions: &[all_on(READING)],
                invitations: &[all_on(NAME)],
                ..StaticMember::new(LOGGER)
            },
        ],
    };
    space.validate(&MIB)?;
    let (mut meter_udp, mut logger_udp) =
        (UdpEndpoint::bind(meter_port)?, UdpEndpoint::bind(logger_port)?);
    let (mut meter_memory, mut logger_memory) = (Memory::new(), Memory::new());
    let (at_meter, at_logger) = (meter_memory.storage(), logger_memory.storage());
    let mut meter = StaticModule::new(&MIB, &space, METER.key(), at_meter, &mut meter_udp)?;
    let mut logger = StaticModule::new(&MIB, &space, LOGGER.key(), at_logger, &mut logger_udp)?;

    let user = &mut |said: Indication| println!("{said:?}");
    let copies = meter.publish(&Message::new(READING, b"230 V"), &mut meter_udp, user)?;
    println!("the meter has published {} copy", copies.sent);
    receive(&mut logger, &mut logger_udp)?;

    let question = Message { context: ContextNumber(7), ..Message::new(NAME, b"who are you?") };
    let now = SystemClock::new().now();
    let to = (MIB.continuum.number, METER.key());
    logger.query(now, to, &question, Some(Duration::from_secs(1)), &mut logger_udp)?;
    receive(&mut meter, &mut meter_udp)?;
    receive(&mut logger, &mut logger_udp)?;
    Ok(())
}

/// Takes the next message and prints it; answers a query.
fn receive(module: &mut StaticModule<'_>, udp: &mut UdpEndpoint) -> Result<(), Box<dyn Error>> {
    let mut buffer = [0; 65_536];
    let octets = loop {
        // A program would wait for the socket, and do other things.
        if let Some((_, mut datagrams)) = udp.receive(&mut buffer) {
            break datagrams.next().unwrap_or_default().to_vec();
        }
        std::thread::yield_now();
    };
    let role = module.id().role;
    let delivery: Result<Delivery<'_>, Fault> = module.receive_aams(&octets);
    let delivery = delivery?;
    let message = delivery.message();
    println!("role {role} has from {}: {}", message.source, String::from_utf8_lossy(message.data));
    if let Delivery::Query(query) = delivery {
        let answer = Message { context: query.context, ..Message::new(NAME, b"the meter") };
        module.reply((query.continuum, query.source), &answer, udp)?;
    }
    Ok(())
}

fn free_port() -> io::Result<SocketAddr> {
    UdpSocket::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?.local_addr()
}

//! The least that publishes: a meter and a logger that know each other from the start,
//! without a registrar, on any of the boards. The link hands over one datagram.
#![no_std]
#![no_main]

#[path = "../start.rs"]
mod start;

use farpost::ams::ids::{
    ContinuumNumber, Domain, ModuleId, ModuleNumber, Priority, RoleNumber, SubjectNumber,
    UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Mib, Role, Subject, Venture};
use farpost::ams::module::{ModuleMemory, StaticMember, StaticModule, StaticSpace};
use farpost::ams::pdu::{AssertionValues, DeliveryPoint, DeliveryVectorValues};
use farpost::ams::service::{Delivery, Fault, Indication, Message};
use farpost::transport::{Address, SendError, Transport};
use heapless::Vec;
use semihosting::{println, process};
use static_cell::ConstStaticCell;

const READING: SubjectNumber = SubjectNumber(1);
const METER: ModuleId = member(2, 1);
const LOGGER: ModuleId = member(3, 2);

const fn member(role: u8, number: u8) -> ModuleId {
    ModuleId { role: RoleNumber(role), unit: UnitNumber::ROOT, module: ModuleNumber(number) }
}

const MIB: Mib<'_> = Mib {
    checksums: true,
    ventures: &[Venture {
        roles: &[Role::new(METER.role, "meter"), Role::new(LOGGER.role, "logger")],
        subjects: &[Subject::new(READING, "millivolts")],
        ..Venture::new(VentureNumber(1), "power", "example")
    }],
    ..Mib::new(ContinuumNumber::from_bits(1), "board")
};

const SPACE: StaticSpace<'_> = StaticSpace {
    venture: VentureNumber(1),
    members: &[
        StaticMember::new(METER),
        StaticMember {
            delivery_vectors: &[DeliveryVectorValues {
                number: 1,
                points: &[DeliveryPoint { service: "udp", endpoint: "logger" }],
            }],
            subscriptions: &[AssertionValues {
                subject: READING,
                domain: Domain::ALL,
                delivery_vector: 1,
                priority: Priority::DEFAULT,
                flow_label: 0,
            }],
            ..StaticMember::new(LOGGER)
        },
    ],
};
const _: () = assert!(SPACE.validate(&MIB).is_ok());

/// Room for one other module with one rule, one own rule, and messages of 64 octets.
type Memory = ModuleMemory<1, 1, 1, 0, 0, 64>;
static MEMORY: ConstStaticCell<[Memory; 2]> = ConstStaticCell::new([Memory::new(), Memory::new()]);

/// What has been sent.
struct Link(Vec<u8, 64>);

impl Transport for Link {
    fn resolve(&mut self, _service: &str, endpoint: &str) -> Option<Address> {
        Some(Address::new(1, endpoint.as_bytes()))
    }

    fn send(&mut self, _to: &Address, _flow: u8, octets: &[u8]) -> Result<(), SendError> {
        Vec::from_slice(octets).map(|sent| self.0 = sent).map_err(|_| SendError::TooLong)
    }
}

#[start::entry]
fn main() -> ! {
    process::exit(publish().map_err(|fault| println!("{fault}")).map_or(1, |()| 0))
}

fn publish() -> Result<(), Fault> {
    let ([ours, theirs], mut link) = (MEMORY.take(), Link(Vec::new()));
    let mut module = |who: ModuleId, memory: &'static mut Memory| {
        let module = StaticModule::new(&MIB, &SPACE, who.key(), memory.storage(), &mut link);
        module.map_err(|_| Fault::TableFull)
    };
    let (mut meter, mut logger) = (module(METER, ours)?, module(LOGGER, theirs)?);
    for millivolts in [3_280_u16, 3_260, 3_240] {
        let octets = millivolts.to_be_bytes();
        let message = Message::new(READING, &octets);
        let sent = meter.publish(&message, &mut link, &mut |_: Indication| {})?.sent;
        let Delivery::Message(message) = logger.receive_aams(&link.0)? else { continue };
        let Ok(reading) = message.data.try_into().map(u16::from_be_bytes) else { continue };
        println!("{sent} sent, {reading} mV from {}", message.source);
    }
    Ok(())
}

//! One MPDU of every type, by each entity that sends such.

use std::vec::Vec;

use super::{READER, Receiver, SENSOR, VENTURE, mpdu, registrar, sender};
use crate::ams::ids::{ModuleId, ModuleNumber, UnitNumber};
use crate::ams::pdu::{AssertionValues, CancellationValues, MpduType, Sender};
use crate::ams::script::contact;

pub(super) const MODULE: Receiver = Receiver::Module(VENTURE);
pub(super) const REGISTRAR: Receiver = Receiver::Registrar(VENTURE);

/// The reader 3/1.5, at `five`.
pub(super) const FIVE: ModuleId =
    ModuleId { role: READER, unit: UnitNumber(1), module: ModuleNumber(5) };
/// The sensor 2/1.9, at `nine`.
pub(super) const NINE: ModuleId =
    ModuleId { role: SENSOR, unit: UnitNumber(1), module: ModuleNumber(9) };

/// An MPDU, and who receives it.
pub(super) struct Saying {
    pub(super) to: Receiver,
    pub(super) kind: MpduType,
    pub(super) octets: Vec<u8>,
}

impl Saying {
    fn new(to: Receiver, from: Sender, (kind, reference): (MpduType, u32), data: &[u8]) -> Self {
        Self { to, kind, octets: mpdu(from, kind, reference, data) }
    }
}

/// Of all types there are, to everybody that machines of this crate listen to.
pub(super) fn all() -> Vec<Saying> {
    let mut all = of_servers_and_registrars();
    all.extend(of_modules(REGISTRAR, sender(1, READER)));
    // Passed on unmodified, and with the sender rewritten as ION does it.
    for from in [sender(1, READER), registrar(1)] {
        all.extend(about_modules(MODULE, from));
        all.extend(about_modules(Receiver::Registrar(VENTURE), from));
    }
    all
}

fn of_servers_and_registrars() -> Vec<Saying> {
    use MpduType as Type;
    let server = Sender::CONFIGURATION_SERVER;
    let cell = [&1_u16.to_be_bytes()[..], b"reg\0"].concat();
    let five = FIVE.reference();
    [
        (MODULE, server, (Type::CELL_SPEC, 101), &cell[..]),
        (REGISTRAR, server, (Type::CELL_SPEC, 0), &cell),
        (MODULE, server, (Type::REGISTRAR_UNKNOWN, 101), &[]),
        (REGISTRAR, server, (Type::REGISTRAR_NOTED, 1), &[]),
        (REGISTRAR, server, (Type::REJECTION, 1), &[1]),
        (REGISTRAR, server, (Type::HEARTBEAT, 0), &[]),
        (Receiver::ConfigServer, server, (Type::I_AM_RUNNING, 0), &[]),
        (Receiver::ConfigServer, registrar(1), (Type::ANNOUNCE_REGISTRAR, 1), b"reg\0"),
        (Receiver::ConfigServer, registrar(1), (Type::HEARTBEAT, 0), &[]),
        (Receiver::ConfigServer, sender(1, READER), (Type::REGISTRAR_QUERY, 1), b"five\0"),
        (MODULE, registrar(1), (Type::REJECTION, 102), &[3]),
        (MODULE, registrar(1), (Type::YOU_ARE_IN, 102), &[9]),
        (MODULE, registrar(1), (Type::RECONNECTED, 102), &[]),
        (MODULE, registrar(1), (Type::YOU_ARE_DEAD, 0), &[]),
        (MODULE, registrar(1), (Type::HEARTBEAT, 0), &[]),
        (MODULE, registrar(1), (Type::I_AM_STARTING, five), &contact("five")),
        (MODULE, registrar(1), (Type::MODULE_HAS_STARTED, five), &contact("five")),
        (MODULE, registrar(1), (Type::CELL_STATUS, 256), &[1, 5]),
        (REGISTRAR, registrar(1), (Type::I_AM_STARTING, five), &contact("five")),
        (REGISTRAR, registrar(1), (Type::MODULE_HAS_STARTED, five), &contact("five")),
        (REGISTRAR, registrar(1), (Type::CELL_STATUS, 256), &[1, 5]),
    ]
    .map(|(to, from, what, data)| Saying::new(to, from, what, data))
    .into()
}

fn of_modules(to: Receiver, from: Sender) -> Vec<Saying> {
    use MpduType as Type;
    let reconnect = [status(FIVE, "five"), Vec::from([1, 5])].concat();
    [
        (to, from, (Type::MODULE_REGISTRATION, 7), &contact("five")[..]),
        (to, from, (Type::RECONNECT, 7), &reconnect),
        (to, from, (Type::HEARTBEAT, 5), &[]),
    ]
    .map(|(to, from, what, data)| Saying::new(to, from, what, data))
    .into()
}

fn about_modules(to: Receiver, from: Sender) -> Vec<Saying> {
    use MpduType as Type;
    let five = FIVE.reference();
    let assertion = assertion().octets();
    let cancellation = assertion_cancelled();
    let statuses = [&[0, 0, 0, 1][..], &status(FIVE, "five")].concat();
    [
        (to, from, (Type::SUBSCRIBE, five), &assertion[..]),
        (to, from, (Type::UNSUBSCRIBE, five), &cancellation),
        (to, from, (Type::INVITE, five), &assertion),
        (to, from, (Type::DISINVITE, five), &cancellation),
        (to, from, (Type::I_AM_STOPPING, five), &[]),
        (to, from, (Type::MODULE_STATUS, five), &statuses),
        (to, from, (Type::I_AM_HERE, 0), &statuses),
    ]
    .map(|(to, from, what, data)| Saying::new(to, from, what, data))
    .into()
}

pub(super) fn assertion() -> AssertionValues {
    AssertionValues {
        subject: super::PLAIN,
        domain: Default::default(),
        delivery_vector: 1,
        priority: Default::default(),
        flow_label: 0,
    }
}

fn assertion_cancelled() -> Vec<u8> {
    let CancellationValues { subject, domain } = assertion().cancellation();
    let [continuum, unit] = [domain.continuum.get(), domain.unit.0].map(u16::to_be_bytes);
    let subject = subject.0.to_be_bytes();
    [&subject[..], &continuum, &unit, &[domain.role.0]].concat()
}

/// The octets of a module status with one subscription.
pub(super) fn status(id: ModuleId, name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend(id.unit.0.to_be_bytes());
    octets.extend([id.module.0, id.role.0]);
    octets.extend(contact(name));
    octets.extend([0, 1]);
    octets.extend(assertion().octets());
    octets.extend([0, 0]);
    octets
}

//! MPDUs against a capture, and every type of them there and back.

use super::*;
use crate::ams::ids::{
    ContinuumNumber, Domain, ModuleId, ModuleNumber, Priority, RoleNumber, SubjectNumber,
};
use crate::wire::{Octets, Reader};
use proptest::collection::vec;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// `I_am_here` of one module with two delivery vectors and two invitations, as ION sends it.
const I_AM_HERE: &str = "360100000300005c000000001c819474750000000100000103323133303730363433333a34343230320002117564703d323133303730363433333a363037313200217463703d323133303730363433333a33383033390000000002ffff000100000118000061000000006118008b0d";

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn a_status_list_is_read_lazily_and_written_again() {
    let octets = octets(I_AM_HERE);
    let mpdu = Mpdu::parse(&octets).unwrap();
    assert!(mpdu.deviations().is_empty());
    assert_eq!(mpdu.supplement_len(), 0x5c);
    let Content::IAmHere { modules } = mpdu.content() else { panic!("{mpdu:?}") };
    let all: Vec<_> = modules.iter().collect();
    assert_eq!(all.len(), 1);
    let status = all[0];
    assert_eq!(status.contact.endpoint.as_str(), "2130706433:44202");
    let points: Vec<_> = status
        .contact
        .delivery_vectors
        .iter()
        .flat_map(|vector| vector.points().map(move |point| (vector.number(), point)))
        .collect();
    assert_eq!(points[0], (1, DeliveryPoint { service: "udp", endpoint: "2130706433:60712" }));
    assert_eq!(points[1], (2, DeliveryPoint { service: "tcp", endpoint: "2130706433:38039" }));
    assert!(status.declaration.subscriptions.is_empty());
    assert_eq!(status.declaration.invitations.len(), 2);

    let header = MpduHeader {
        sender: mpdu.sender(),
        time: TimeCode { seconds: 2_173_990_005 },
        signature: &[],
        checksum: true,
    };
    let mut buffer = [0; 128];
    assert_eq!(header.encode(&mpdu.content(), &mut buffer).unwrap(), octets);
}

#[test]
fn what_is_odd_about_an_assertion_is_told() {
    let subscribe = |octets: &[u8; 9]| {
        let header = MpduHeader {
            sender: Sender { role: RoleNumber(2), ..Sender::default() },
            time: TimeCode { seconds: 0 },
            signature: &[],
            checksum: false,
        };
        let mut buffer = [0; 64];
        let reference = 0x0200_0001;
        let octets = header
            .encode_raw(MpduType::SUBSCRIBE, reference, &Octets(octets), &header.time, &mut buffer)
            .unwrap();
        Mpdu::parse(octets).unwrap().deviations().iter().collect::<Vec<_>>()
    };
    assert_eq!(subscribe(&[0, 1, 0, 0, 0, 0, 0, 0x18, 0]), []);
    assert_eq!(subscribe(&[0, 1, 0x80, 0, 0, 0, 0, 0x18, 0]), [Deviation::ReservedBits]);
    assert_eq!(subscribe(&[0, 1, 0, 0, 0, 0, 0, 0x10, 0]), [Deviation::AssertionPriorityZero]);
}

/// A contact summary with its text.
#[derive(Clone, Debug, PartialEq)]
struct Contact {
    endpoint: String,
    vectors: Vec<(u8, Vec<(String, String)>)>,
}

/// A module status structure with its text.
#[derive(Clone, Debug, PartialEq)]
struct Status {
    id: ModuleId,
    contact: Contact,
    subscriptions: Vec<AssertionValues>,
    invitations: Vec<AssertionValues>,
}

/// Supplementary data by structure.
#[derive(Clone, Debug, PartialEq)]
enum Model {
    Nothing,
    Reason(RefusalReason),
    Endpoint(String),
    Assertion(AssertionValues),
    Cancellation(CancellationValues),
    Cell(UnitNumber, String),
    Contact(Contact),
    Assigned(ModuleNumber),
    Statuses(Vec<Status>),
    Reconnect(Status, Vec<u8>),
    Modules(Vec<u8>),
}

impl Contact {
    fn read(contact: &ContactSummary<'_>) -> Self {
        let point = |point: DeliveryPoint<'_>| (point.service.into(), point.endpoint.into());
        let vector = |vector: DeliveryVector<'_>| {
            assert_eq!(usize::from(vector.len()), vector.points().count());
            (vector.number(), vector.points().map(point).collect())
        };
        Self {
            endpoint: contact.endpoint.to_string(),
            vectors: contact.delivery_vectors.iter().map(vector).collect(),
        }
    }
}

impl Encode for Contact {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let points: Vec<Vec<_>> = self
            .vectors
            .iter()
            .map(|(_, points)| {
                points
                    .iter()
                    .map(|(service, endpoint)| DeliveryPoint { service, endpoint })
                    .collect()
            })
            .collect();
        let vectors: Vec<_> = self
            .vectors
            .iter()
            .zip(&points)
            .map(|(&(number, _), points)| DeliveryVectorValues { number, points })
            .collect();
        let endpoint = EndpointName::new(&self.endpoint).unwrap();
        ContactSummaryValues { endpoint, delivery_vectors: &vectors }.encode(to)
    }
}

impl Status {
    fn read(status: &ModuleStatus<'_>) -> Self {
        let values = |list: &AssertionList<'_>| list.iter().map(|a| a.values()).collect();
        Self {
            id: status.id,
            contact: Contact::read(&status.contact),
            subscriptions: values(&status.declaration.subscriptions),
            invitations: values(&status.declaration.invitations),
        }
    }
}

impl Encode for Status {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        ModuleStatusHead(self.id).encode(to)?;
        self.contact.encode(to)?;
        for list in [&self.subscriptions, &self.invitations] {
            to.u16(u16::try_from(list.len()).unwrap())?;
            list.iter().try_for_each(|assertion| assertion.encode(to))?;
        }
        Ok(())
    }
}

impl Model {
    fn read(content: &Content<'_>) -> Self {
        let numbers = |list: &ModuleList<'_>| list.iter().map(|number| number.0).collect();
        match content {
            Content::Heartbeat { .. }
            | Content::YouAreDead
            | Content::RegistrarNoted { .. }
            | Content::RegistrarUnknown { .. }
            | Content::Reconnected { .. }
            | Content::IAmStopping { .. }
            | Content::IAmRunning => Self::Nothing,
            Content::Rejection { reason, .. } => Self::Reason(*reason),
            Content::AnnounceRegistrar { endpoint, .. }
            | Content::RegistrarQuery { endpoint, .. } => Self::Endpoint(endpoint.to_string()),
            Content::Invite { assertion, .. } | Content::Subscribe { assertion, .. } => {
                Self::Assertion(assertion.values())
            }
            Content::Disinvite { cancellation, .. } | Content::Unsubscribe { cancellation, .. } => {
                Self::Cancellation(cancellation.values())
            }
            Content::CellSpec { cell, .. } => Self::Cell(cell.unit, cell.registrar.to_string()),
            Content::ModuleRegistration { contact, .. }
            | Content::IAmStarting { contact, .. }
            | Content::ModuleHasStarted { contact, .. } => Self::Contact(Contact::read(contact)),
            Content::YouAreIn { module, .. } => Self::Assigned(*module),
            Content::IAmHere { modules } | Content::ModuleStatus { modules, .. } => {
                Self::Statuses(modules.iter().map(|status| Status::read(&status)).collect())
            }
            Content::Reconnect { reconnect, .. } => {
                Self::Reconnect(Status::read(&reconnect.status()), numbers(&reconnect.modules()))
            }
            Content::CellStatus { modules, .. } => Self::Modules(numbers(modules)),
        }
    }
}

impl Encode for Model {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        match self {
            Self::Nothing => Ok(()),
            Self::Reason(reason) => to.u8(reason.0),
            Self::Endpoint(text) => EndpointName::new(text).unwrap().encode(to),
            Self::Assertion(values) => values.encode(to),
            Self::Cancellation(values) => values.encode(to),
            Self::Cell(unit, text) => {
                let registrar = EndpointName::new(text).unwrap();
                CellDescriptor { unit: *unit, registrar }.encode(to)
            }
            Self::Contact(contact) => contact.encode(to),
            Self::Assigned(module) => to.u8(module.0),
            Self::Statuses(statuses) => {
                to.u32(u32::try_from(statuses.len()).unwrap())?;
                statuses.iter().try_for_each(|status| status.encode(to))
            }
            Self::Reconnect(status, modules) => {
                status.encode(to)?;
                ModuleList::new(modules).unwrap().encode(to)
            }
            Self::Modules(modules) => ModuleList::new(modules).unwrap().encode(to),
        }
    }
}

fn endpoint_name() -> impl Strategy<Value = String> {
    "[ -~]{1,63}"
}

fn cancellation() -> impl Strategy<Value = CancellationValues> {
    (any::<i16>(), 0_u16..0x8000, any::<u16>(), any::<u8>()).prop_map(
        |(subject, continuum, unit, role)| CancellationValues {
            subject: SubjectNumber(subject),
            domain: Domain {
                continuum: ContinuumNumber::new(continuum).unwrap(),
                unit: UnitNumber(unit),
                role: RoleNumber(role),
            },
        },
    )
}

fn assertion() -> impl Strategy<Value = AssertionValues> {
    (cancellation(), 0_u8..16, 1_u8..16, any::<u8>()).prop_map(
        |(CancellationValues { subject, domain }, delivery_vector, priority, flow_label)| {
            let priority = Priority::new(priority).unwrap();
            AssertionValues { subject, domain, delivery_vector, priority, flow_label }
        },
    )
}

fn contact() -> impl Strategy<Value = Contact> {
    // All that is printable, but for what separates.
    let point = ("[ -+.-<>-~-]{1,15}", "[ -+.-~-]{1,63}");
    let vectors = vec((0_u8..16, vec(point, 0..4)), 0..4);
    (endpoint_name(), vectors).prop_map(|(endpoint, vectors)| Contact { endpoint, vectors })
}

fn status() -> impl Strategy<Value = Status> {
    let id = (any::<u8>(), any::<u16>(), 1_u8..).prop_map(|(role, unit, module)| ModuleId {
        role: RoleNumber(role),
        unit: UnitNumber(unit),
        module: ModuleNumber(module),
    });
    (id, contact(), vec(assertion(), 0..5), vec(assertion(), 0..5)).prop_map(
        |(id, contact, subscriptions, invitations)| Status {
            id,
            contact,
            subscriptions,
            invitations,
        },
    )
}

/// Which reference a type takes.
#[derive(Clone, Copy, Debug)]
enum Reference {
    Any,
    Zero,
    Octet,
    Module,
    Cell,
    ModuleOrCell,
}

impl Reference {
    fn legal(self, bits: u32) -> u32 {
        match self {
            Self::Any => bits,
            Self::Zero => 0,
            Self::Octet => bits & 0xff,
            Self::Module => bits | 1,
            Self::Cell => bits & 0x00ff_ff00,
            Self::ModuleOrCell if bits & 2 == 0 => bits & 0x00ff_ff00,
            Self::ModuleOrCell => bits | 1,
        }
    }
}

/// Every type with the reference it takes, whether it comes from a module (or,
/// `None`, from whomever), and supplementary data.
fn mpdu() -> impl Strategy<Value = (MpduType, Reference, Option<bool>, Model)> {
    let with =
        |kinds: &'static [(MpduType, Reference, Option<bool>)]| proptest::sample::select(kinds);
    let pair = |((kind, reference, from_module), model)| (kind, reference, from_module, model);
    let nothing = with(&[
        (MpduType::HEARTBEAT, Reference::Octet, None),
        (MpduType::YOU_ARE_DEAD, Reference::Zero, Some(false)),
        (MpduType::REGISTRAR_NOTED, Reference::Any, Some(false)),
        (MpduType::REGISTRAR_UNKNOWN, Reference::Any, Some(false)),
        (MpduType::RECONNECTED, Reference::Any, Some(false)),
        (MpduType::I_AM_STOPPING, Reference::Module, None),
        (MpduType::I_AM_RUNNING, Reference::Zero, Some(false)),
    ]);
    let reason = with(&[(MpduType::REJECTION, Reference::Any, Some(false))]);
    let endpoint = with(&[
        (MpduType::ANNOUNCE_REGISTRAR, Reference::Any, Some(false)),
        (MpduType::REGISTRAR_QUERY, Reference::Any, Some(true)),
    ]);
    let asserted = with(&[
        (MpduType::INVITE, Reference::Module, None),
        (MpduType::SUBSCRIBE, Reference::Module, None),
    ]);
    let cancelled = with(&[
        (MpduType::DISINVITE, Reference::Module, None),
        (MpduType::UNSUBSCRIBE, Reference::Module, None),
    ]);
    let cell = with(&[(MpduType::CELL_SPEC, Reference::Any, Some(false))]);
    let contacted = with(&[
        (MpduType::MODULE_REGISTRATION, Reference::Any, Some(true)),
        (MpduType::I_AM_STARTING, Reference::Module, None),
        (MpduType::MODULE_HAS_STARTED, Reference::Module, None),
    ]);
    let assigned = with(&[(MpduType::YOU_ARE_IN, Reference::Any, Some(false))]);
    let statuses = with(&[
        (MpduType::I_AM_HERE, Reference::Zero, None),
        (MpduType::MODULE_STATUS, Reference::ModuleOrCell, None),
    ]);
    let reconnect = with(&[(MpduType::RECONNECT, Reference::Any, Some(true))]);
    let modules = with(&[(MpduType::CELL_STATUS, Reference::Cell, Some(false))]);
    prop_oneof![
        (nothing, Just(Model::Nothing)).prop_map(pair),
        (reason, any::<u8>().prop_map(|code| Model::Reason(RefusalReason(code)))).prop_map(pair),
        (endpoint, endpoint_name().prop_map(Model::Endpoint)).prop_map(pair),
        (asserted, assertion().prop_map(Model::Assertion)).prop_map(pair),
        (cancelled, cancellation().prop_map(Model::Cancellation)).prop_map(pair),
        (
            cell,
            (any::<u16>(), endpoint_name())
                .prop_map(|(unit, text)| Model::Cell(UnitNumber(unit), text))
        )
            .prop_map(pair),
        (contacted, contact().prop_map(Model::Contact)).prop_map(pair),
        (assigned, (1_u8..).prop_map(|number| Model::Assigned(ModuleNumber(number))))
            .prop_map(pair),
        (statuses, vec(status(), 0..3).prop_map(Model::Statuses)).prop_map(pair),
        (
            reconnect,
            (status(), vec(any::<u8>(), 0..256))
                .prop_map(|(status, modules)| Model::Reconnect(status, modules))
        )
            .prop_map(pair),
        (modules, vec(any::<u8>(), 0..256).prop_map(Model::Modules)).prop_map(pair),
    ]
}

/// The octets of a time tag in any legal form.
fn time_tag() -> impl Strategy<Value = Vec<u8>> {
    let fields = (any::<u8>(), 0_u8..0x80, vec(any::<u8>(), 17));
    fields.prop_map(|(first, second, body)| {
        let id = 1 + (first & 1);
        let mut octets = vec![(first & 0x8f) | id << 4];
        if first & 0x80 != 0 {
            octets.push(second);
        }
        octets.extend_from_slice(&body);
        let length = TimeTag::split(&mut Reader::new(&octets)).unwrap().len();
        octets.truncate(length);
        octets
    })
}

proptest! {
    #[test]
    fn every_mpdu_round_trips(
        (kind, reference, from_module, model) in mpdu(), bits in any::<u32>(), venture in any::<u8>(),
        unit in any::<u16>(), role in 1_u8.., time in time_tag(), signature in vec(any::<u8>(), 0..256),
        checksum in any::<bool>())
    {
        let reference = reference.legal(bits);
        let role = if from_module == Some(false) { 0 } else { role };
        let header = MpduHeader {
            sender: Sender {
                venture: VentureNumber(venture),
                unit: UnitNumber(unit),
                role: RoleNumber(role),
            },
            time: TimeCode { seconds: 0 },
            signature: &signature,
            checksum,
        };
        let mut buffer = vec![0; 12 + 19 + 255 + MAX_SUPPLEMENT + 2];
        let octets = header
            .encode_raw(kind, reference, &model, &Octets(&time), &mut buffer)
            .unwrap();

        let mpdu = Mpdu::parse(octets).unwrap();
        prop_assert_eq!(mpdu.mpdu_type(), kind);
        prop_assert_eq!(mpdu.reference(), reference);
        prop_assert_eq!(mpdu.sender(), header.sender);
        prop_assert_eq!(mpdu.signature(), &signature[..]);
        prop_assert_eq!(mpdu.checksum().is_some(), checksum);
        prop_assert!(mpdu.deviations().is_empty());
        let content = mpdu.content();
        prop_assert_eq!(content.mpdu_type(), kind);
        prop_assert_eq!(content.reference(), reference);
        prop_assert_eq!(Model::read(&content), model);

        let mut again = vec![0; octets.len()];
        let again = header
            .encode_raw(kind, reference, &content, &mpdu.time_tag(), &mut again)
            .unwrap();
        prop_assert_eq!(again, octets);
    }

    /// A capture with a few octets changed, and its checksum made right again.
    #[test]
    fn any_octets_are_read_or_refused(
        changes in vec((0_usize..109, prop_oneof![0_u8..4, any::<u8>()]), 0..6))
    {
        let mut octets = octets(I_AM_HERE);
        for (at, value) in changes {
            octets[at] = value;
        }
        let end = octets.len() - 2;
        let sum = checksum(&octets[..end]).to_be_bytes();
        octets[end..].copy_from_slice(&sum);
        if let Ok(mpdu) = Mpdu::parse(&octets) {
            let header = MpduHeader {
                sender: mpdu.sender(),
                time: TimeCode { seconds: 0 },
                signature: mpdu.signature(),
                checksum: mpdu.checksum_flag(),
            };
            let mut again = [0; 128];
            let again = header
                .encode_raw(mpdu.mpdu_type(), mpdu.reference(), &mpdu.content(), &mpdu.time_tag(), &mut again)
                .unwrap();
            prop_assert_eq!(again, &octets[..]);
        }
    }

    /// Octets that are refused for nothing but their content get past the header.
    #[test]
    fn any_supplementary_data_are_read_or_refused(
        kind in 0_u8..32, role in any::<bool>(), data in vec(prop_oneof![0_u8..4, any::<u8>()], 0..80))
    {
        let header = MpduHeader {
            sender: Sender { role: RoleNumber(role.into()), ..Sender::default() },
            time: TimeCode { seconds: 0 },
            signature: &[],
            checksum: true,
        };
        let mut buffer = [0; 128];
        let octets = header
            .encode_raw(MpduType(kind), 1, &Octets(&data), &header.time, &mut buffer)
            .unwrap();
        if let Ok(mpdu) = Mpdu::parse(octets) {
            let mut again = [0; 128];
            prop_assert_eq!(header.encode(&mpdu.content(), &mut again).unwrap(), octets);
        }
    }
}

use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::scos::calendar::RefusalReason;
use crate::scos::metadata::{
    DeviceMetadata, Filter, FrequencyRange, HardwareSpec, Section, SectionKey, SectionsBuffer,
};
use crate::scos::testing::{ANALYSER, ANTENNA, KINDS, MONDAY, SCAN, octets, parts, sensor};
use crate::scos::{
    ActorId, ActorPolicy, Pointing, ReferenceLevel, RequestId, ScanSettings, Series, Sweep, When,
};

proptest! {
    /// Every message comes back as it was, from octets that are the same again.
    #[test]
    fn messages_round_trip(parts in parts(), kind in 0..KINDS) {
        parts.with_message(kind, |message| {
            let octets = octets(&message);
            let parsed = Message::parse(&octets);
            prop_assert_eq!(parsed, Ok(message));
            // As serde and postcard have it.
            let body = postcard::to_slice(&message, &mut [0; MESSAGE_MAX]).unwrap().to_vec();
            prop_assert_eq!(&octets[1..], body);
            let derived = crate::scos::decoding::take::<Message<'_>>(&octets[1..]);
            prop_assert_eq!(derived, Some((message, &[][..])));
            prop_assert_eq!(super::super::testing::octets(&parsed.unwrap()), octets);
            Ok(())
        })?;
    }

    #[test]
    fn every_truncation_is_refused(parts in parts(), kind in 0..KINDS) {
        parts.with_message(kind, |message| {
            let octets = octets(&message);
            for length in 0..octets.len() {
                prop_assert!(Message::parse(&octets[..length]).is_err(), "{} octets", length);
            }
            let mut longer = octets;
            longer.push(0);
            prop_assert_eq!(Message::parse(&longer), Err(MessageFault::Trailing));
            Ok(())
        })?;
    }

    #[test]
    fn any_octets_are_a_message_or_a_fault(octets in proptest::collection::vec(any::<u8>(), 0..200),
                                           version in any::<bool>()) {
        let mut octets = octets;
        if version && let Some(first) = octets.first_mut() {
            *first = VERSION;
        }
        if let Ok(message) = Message::parse(&octets) {
            // What was taken can be said, and is then taken for the same.
            let again = super::super::testing::octets(&message);
            prop_assert_eq!(Message::parse(&again), Ok(message));
        }
    }
}

/// The section is kept, and said as it is kept.
fn advertised<'b>(part: &Advertise<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], NoSpace> {
    let mut kept = DeviceMetadata::EMPTY;
    let mut store = kept.store();
    store.put(&part.section, part.revision).unwrap();
    let (revision, section) = store.unsent().next().unwrap();
    encode_part(&AdvertiseKept { boot: part.boot, revision, section }, buffer)
}

#[test]
fn a_part_is_written_as_its_message() {
    let mut buffer = [0; MESSAGE_MAX];
    let mut said = Vec::new();
    for (_, message) in golden() {
        let part = match &message {
            Message::Associate(part) => encode_part(part, &mut buffer),
            Message::Advertise(part) => advertised(part, &mut buffer),
            Message::ScheduleAck(part) => encode_part(part, &mut buffer),
            Message::Report(part) => encode_part(part, &mut buffer),
            Message::ReportAck(part) => encode_part(part, &mut buffer),
            Message::ScanRequest(part) => encode_part(part, &mut buffer),
            Message::Cancel(part) => encode_part(part, &mut buffer),
            Message::InventoryRequest(part) => encode_part(part, &mut buffer),
            Message::UsageRequest(part) => encode_part(part, &mut buffer),
            Message::SetActorPolicy(part) => encode_part(part, &mut buffer),
            Message::Associated(part) => encode_part(part, &mut buffer),
            Message::AssociationRefused(part) => encode_part(part, &mut buffer),
            Message::NotAssociated => encode_part(&NotAssociated, &mut buffer),
            Message::Advertised(part) => encode_part(part, &mut buffer),
            Message::ScheduleChange(part) => encode_part(part, &mut buffer),
            Message::Granted(part) => encode_part(part, &mut buffer),
            Message::Refused(part) => encode_part(part, &mut buffer),
            Message::Cancelled(part) => encode_part(part, &mut buffer),
            Message::InventoryItem(part) => encode_part(part, &mut buffer),
            Message::Challenge(part) => encode_part(part, &mut buffer),
            Message::UsageItem(part) => encode_part(part, &mut buffer),
            Message::ActorPolicyAck(part) => encode_part(part, &mut buffer),
        };
        assert_eq!(part.unwrap(), octets(&message));
        said.push(buffer[1]);
    }
    said.sort_unstable();
    said.dedup();
    assert_eq!(said, Vec::from_iter(0..22));
}

#[test]
fn each_machine_reads_what_it_is_sent() {
    // Everything is sent to somebody, and reports and what acknowledges them to two.
    let (once, twice) = (TO_SSD ^ TO_SSM ^ TO_ACTOR ^ TO_POLICY_MANAGER, kinds(&[8, 9]));
    assert_eq!(once | twice, (1 << KINDS) - 1);
    assert_eq!(once & twice, 0);
    for (_, message) in golden() {
        let octets = octets(&message);
        let number = octets[1];
        let read = |kinds: u32| kinds >> number & 1 == 1;
        assert_eq!(Message::parse_for::<TO_SSD>(&octets), Ok(read(TO_SSD).then_some(message)));
        assert_eq!(Message::parse_for::<TO_SSM>(&octets), Ok(read(TO_SSM).then_some(message)));
        assert_eq!(Message::parse_for::<TO_ACTOR>(&octets), Ok(read(TO_ACTOR).then_some(message)));
    }
    assert_eq!(Message::parse_for::<TO_SSD>(&[VERSION, 22]), Err(MessageFault::Malformed));
}

#[test]
fn versions_are_told_apart() {
    assert_eq!(Message::parse(&[]), Err(MessageFault::Empty));
    assert_eq!(Message::parse(&VERSION_NOTICE), Err(MessageFault::Notice(1)));
    assert_eq!(Message::parse(&[0, 9]), Err(MessageFault::Notice(9)));
    assert_eq!(Message::parse(&[2, 3]), Err(MessageFault::Version(2)));
    assert_eq!(Message::parse(&[0, 1, 2]), Err(MessageFault::Version(0)));
    assert_eq!(Message::parse(&[1]), Err(MessageFault::Malformed));
    assert_eq!(Message::parse(&[1, 3]), Ok(Message::NotAssociated));
    assert_eq!(Message::parse(&[1, 200]), Err(MessageFault::Malformed));
}

#[test]
fn values_out_of_range_are_refused() {
    let long = "123456789012345678901234567890123";
    let refused = |message: Message<'_>| {
        let mut buffer = [0; 2_048];
        let octets = message.encode(&mut buffer).unwrap();
        assert_eq!(Message::parse(octets), Err(MessageFault::OutOfRange), "{message:?}");
    };
    let associate = Associate {
        request: Association::New,
        device: "mast-1",
        public_key: &[0; 64],
        boot: 1,
        sequence: 1,
        schedule: ScheduleMark::default(),
        proof: None,
    };
    let proof = Proof { binding: Binding::Connection, signature: &[0; 97] };
    refused(Message::Associate(Associate { proof: Some(proof), ..associate }));
    refused(Message::Associate(Associate { device: "", ..associate }));
    refused(Message::Associate(Associate { device: long, ..associate }));
    refused(Message::Associate(Associate { public_key: &[0; 65], ..associate }));
    let request = ScanRequest {
        actor: ActorId(1),
        request: RequestId(1),
        floor: RequestId(1),
        replaces: None,
        dry_run: false,
        devices: Devices::Any,
        series: Series::default(),
        when: When::Exact,
        across_weeks: false,
        parameters: SCAN,
    };
    let none = Devices::AnyOf([None; DEVICES_MAX]);
    let gap = Devices::AnyOf([None, Some("b"), None, None, None, None, None, None]);
    for devices in [Devices::One(""), Devices::One(long), none, gap] {
        refused(Message::ScanRequest(ScanRequest { devices, ..request }));
    }
    assert!(Devices::any_of(&["a"; 9]).is_none() && Devices::any_of(&[]).is_none());
    refused(Message::Refused(Refused {
        actor: ActorId(1),
        request: RequestId(1),
        reason: Refusal::Busy,
        first_conflict: None,
        alternative: Some(Alternative { device: long, start: 1 }),
    }));
    let policy = ActorPolicy::default();
    refused(Message::SetActorPolicy(SetActorPolicy { version: 0, actor: ActorId(1), policy }));
    let report = golden_report();
    refused(Message::Report(Report { spectrum: &[0; 1_025], ..report }));
    let series = Series { start: 0, minutes: 0, repeats: 0, offset: 0 };
    let entry = ScheduleEntry {
        actor: ActorId(1),
        request: RequestId(1),
        series: Series { minutes: 5, ..series },
        parameters: SCAN,
    };
    let change = |base, entry, next| {
        let change = Change::Add { entry, next };
        Message::ScheduleChange(ScheduleChange { epoch: 1, base, version: 4, change })
    };
    refused(change(4, entry, 0));
    refused(change(3, entry, 1));
    refused(change(3, ScheduleEntry { series, ..entry }, 0));
    let said = Advertise { boot: 1, revision: 1, section: sensor(0) };
    refused(Message::Advertise(said));
    refused(Message::Advertise(Advertise { revision: 0, section: sensor(1), ..said }));
}

/// A list longer than any SSM can send would not fit when it is written again.
#[test]
fn a_part_of_the_inventory_has_as_many_recipes_as_fit() {
    // 14 octets each, all numbers of one.
    let entry = [1, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0];
    let item = |entries: u8| {
        let length = 14 * u16::from(entries);
        let length = [(length % 128) as u8 | 128, (length / 128) as u8];
        let mut octets = std::vec![VERSION, 16, 1, 1, 0, 0, 0, 0, 1, 1, b'a', 0, 0];
        octets.extend(length);
        octets.extend((0..entries).flat_map(|_| entry));
        octets.push(0);
        octets
    };
    assert!(matches!(Message::parse(&item(32)), Ok(Message::InventoryItem(_))));
    assert_eq!(Message::parse(&item(33)), Err(MessageFault::OutOfRange));
}

#[test]
fn the_longest_message_fits() {
    let scan =
        ScanId { actor: ActorId(u32::MAX), request: RequestId(u32::MAX), occurrence: u16::MAX };
    let parameters = crate::scos::ScanParameters {
        center_hz: u64::MAX,
        bandwidth_hz: u32::MAX,
        resolution_hz: u32::MAX,
        transforms: u16::MAX,
        gain_db: -128,
        settings: Some(ScanSettings {
            sweep: Some(Sweep { stop_hz: u64::MAX, step_hz: u32::MAX }),
            level: Some(ReferenceLevel {
                reference_tenth_dbm: i16::MIN,
                attenuation_tenth_db: u16::MAX,
                preamplifier: true,
            }),
            rf_path: Some(255),
            pointing: Some(Pointing { azimuth_tenth_deg: u16::MAX, elevation_tenth_deg: i16::MIN }),
            skip_samples: u32::MAX,
            calibrated: true,
        }),
        ..SCAN
    };
    let report = Report {
        scan,
        start: i64::MIN,
        outcome: Outcome::Rejected(Rejection::Restart),
        time_to_complete_ms: u32::MAX,
        parameters,
        metadata: u32::MAX,
        spectrum: &[0xff; Report::SPECTRUM_MAX],
    };
    let message = Message::Report(report);
    let mut buffer = [0; MESSAGE_MAX];
    assert!(message.encode(&mut buffer).is_ok());
    let short = message.encode(&mut buffer[..1_000]).unwrap_err();
    assert_eq!(short, NoSpace::new(MESSAGE_MAX, 1_000));

    let series = Series { start: i64::MIN, minutes: 10_080, repeats: 10_079, offset: u16::MAX };
    let entry = ScheduleEntry { actor: scan.actor, request: scan.request, series, parameters };
    let mut entries = EntriesBuffer::new();
    assert_eq!((0..20).filter(|_| entries.push(&entry)).count(), 4);
    let text = "12345678901234567890123456789012";
    let spec = HardwareSpec { id: text, model: text, version: text, description: text };
    let range = Some(FrequencyRange { low_hz: u64::MAX, high_hz: u64::MAX });
    let filter = Filter { index: 15, spec, passband: range, stopband: range };
    let mut sections = SectionsBuffer::new();
    assert_eq!((0..9).filter(|_| sections.push(&Section::Filter(filter))).count(), 2);
    let at = Cursor { device: u16::MAX, place: Place::Recipe(scan.actor, scan.request) };
    let device = InventoryDevice {
        device: text,
        remaining_ttl_s: u32::MAX,
        metadata: sections.sections(),
        schedule: entries.entries(),
    };
    let item = InventoryItem {
        actor: scan.actor,
        copy: u32::MAX,
        at,
        device: Some(device),
        next: Some(at),
    };
    let message = Message::InventoryItem(item);
    let octets = message.encode(&mut buffer).unwrap();
    assert_eq!(Message::parse(octets), Ok(message));
}

fn golden_report() -> Report<'static> {
    let scan = ScanId { actor: ActorId(7), request: RequestId(300), occurrence: 2 };
    Report {
        scan,
        start: MONDAY + 720,
        outcome: Outcome::Complete,
        time_to_complete_ms: 41_250,
        parameters: SCAN,
        metadata: 6,
        spectrum: &[0x10, 0x20, 0x30],
    }
}

const NONCE: Nonce = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The text a proof signs, as docs/scos-messages.md has it.
#[test]
fn a_proof_signs_the_message_without_it() {
    let associate = Associate {
        request: Association::New,
        device: "mast-1",
        public_key: &[0xaa, 0xbb],
        boot: 5,
        sequence: 2,
        schedule: ScheduleMark::default(),
        proof: Some(Proof { binding: Binding::Challenge(NONCE), signature: &[1, 2, 3] }),
    };
    let text = |binding, connection: Option<&[u8; 32]>| {
        associate.with_proof_text(&binding, connection, |parts| parts.concat())
    };
    let mut expected = b"farpost SCOS association proof 1\0\x01".to_vec();
    expected.extend(NONCE);
    expected.extend([1, 0, 0, 6]);
    expected.extend(b"mast-1");
    expected.extend([2, 0xaa, 0xbb, 5, 2, 0, 0, 0]);
    assert_eq!(text(Binding::Challenge(NONCE), None), Some(expected.clone()));
    assert_eq!(text(Binding::Connection, None), None);
    expected.splice(33..50, [0; 1].into_iter().chain([9; 32]));
    assert_eq!(text(Binding::Connection, Some(&[9; 32])), Some(expected));
    // The longest there is has room.
    let longest = Associate {
        device: "12345678901234567890123456789012",
        public_key: &[0xff; 64],
        boot: u32::MAX,
        sequence: u32::MAX,
        schedule: ScheduleMark { epoch: u32::MAX, version: u32::MAX },
        ..associate
    };
    assert!(longest.with_proof_text(&Binding::Challenge(NONCE), None, |_| ()).is_some());
}

/// The table of golden vectors in docs/scos-messages.md, in its order.
fn golden() -> Vec<(&'static str, Message<'static>)> {
    let (actor, request) = (ActorId(7), RequestId(300));
    let series = Series { start: MONDAY + 600, minutes: 5, repeats: 2, offset: 60 };
    let entry = ScheduleEntry { actor, request, series, parameters: SCAN };
    let at = Cursor { device: 1, place: Place::Recipe(actor, request) };
    let settings = ScanSettings {
        sweep: Some(Sweep { stop_hz: 100_000_000, step_hz: 2_000_000 }),
        rf_path: Some(1),
        pointing: Some(Pointing { azimuth_tenth_deg: 2_250, elevation_tenth_deg: -15 }),
        ..ScanSettings::default()
    };
    let mut sections = SectionsBuffer::new();
    sections.push(&ANTENNA);
    std::vec![
        (
            "associate",
            Message::Associate(Associate {
                request: Association::New,
                device: "mast-1",
                public_key: &[0xaa, 0xbb],
                boot: 5,
                sequence: 1,
                schedule: ScheduleMark { epoch: 9, version: 4 },
                proof: None,
            })
        ),
        (
            "associate_with_proof",
            Message::Associate(Associate {
                request: Association::New,
                device: "mast-1",
                public_key: &[0xaa, 0xbb],
                boot: 5,
                sequence: 2,
                schedule: ScheduleMark::default(),
                proof: Some(Proof {
                    binding: Binding::Challenge(NONCE),
                    signature: &[0xc1, 0xc2, 0xc3],
                }),
            })
        ),
        (
            "associate_with_bound_proof",
            Message::Associate(Associate {
                request: Association::Refresh,
                device: "mast-1",
                public_key: &[0xaa, 0xbb],
                boot: 5,
                sequence: 3,
                schedule: ScheduleMark { epoch: 9, version: 4 },
                proof: Some(Proof { binding: Binding::Connection, signature: &[0xc1, 0xc2, 0xc3] }),
            })
        ),
        (
            "associated",
            Message::Associated(Associated {
                device: "mast-1",
                sequence: 1,
                state: Association::Refresh,
                max_ttl_s: 300,
                remaining_ttl_s: 212,
                epoch: 9,
            })
        ),
        (
            "association_refused",
            Message::AssociationRefused(AssociationRefused {
                device: "mast-1",
                sequence: 1,
                reason: AssociationRefusal::NotAuthorised,
            })
        ),
        ("not_associated", Message::NotAssociated),
        (
            "advertise_analyser",
            Message::Advertise(Advertise { boot: 5, revision: 1, section: ANALYSER })
        ),
        (
            "advertise_antenna",
            Message::Advertise(Advertise { boot: 5, revision: 2, section: ANTENNA })
        ),
        (
            "advertise_sensor",
            Message::Advertise(Advertise { boot: 5, revision: 3, section: sensor(16) })
        ),
        (
            "advertised",
            Message::Advertised(Advertised {
                revision: 3,
                section: SectionKey::SENSOR,
                full: false
            })
        ),
        (
            "schedule_change_add",
            Message::ScheduleChange(ScheduleChange {
                epoch: 9,
                base: 4,
                version: 5,
                change: Change::Add { entry, next: 1 },
            })
        ),
        (
            "schedule_change_remove",
            Message::ScheduleChange(ScheduleChange {
                epoch: 9,
                base: 5,
                version: 6,
                change: Change::Remove { actor, request },
            })
        ),
        ("schedule_ack", Message::ScheduleAck(ScheduleAck { epoch: 9, version: 5, full: false })),
        ("report_complete", Message::Report(golden_report())),
        (
            "report_rejected",
            Message::Report(Report {
                outcome: Outcome::Rejected(Rejection::Offline),
                time_to_complete_ms: 0,
                metadata: 0,
                spectrum: &[],
                ..golden_report()
            })
        ),
        ("report_ack", Message::ReportAck(golden_report().scan)),
        (
            "scan_request_exact",
            Message::ScanRequest(ScanRequest {
                actor,
                request,
                floor: RequestId(298),
                replaces: None,
                dry_run: false,
                devices: "mast-1".into(),
                series,
                when: When::Exact,
                across_weeks: false,
                parameters: SCAN,
            })
        ),
        (
            "scan_request_nearest",
            Message::ScanRequest(ScanRequest {
                actor,
                request,
                floor: RequestId(298),
                replaces: Some(RequestId(299)),
                dry_run: false,
                devices: Devices::any_of(&["mast-1", "mast-2"]).unwrap(),
                series,
                when: When::Nearest { max_shift_minutes: Some(90) },
                across_weeks: true,
                parameters: SCAN,
            })
        ),
        (
            "scan_request_settings",
            Message::ScanRequest(ScanRequest {
                actor,
                request,
                floor: RequestId(298),
                replaces: None,
                dry_run: false,
                devices: Devices::One("mast-1"),
                across_weeks: false,
                series,
                when: When::Exact,
                parameters: crate::scos::ScanParameters { settings: Some(settings), ..SCAN },
            })
        ),
        ("cancel", Message::Cancel(Cancel { actor, request, floor: RequestId(298) })),
        (
            "granted",
            Message::Granted(Granted {
                actor,
                request,
                dry_run: false,
                replaced: None,
                device: "mast-1",
                series,
                parameters: SCAN,
            })
        ),
        (
            "refused",
            Message::Refused(Refused {
                actor,
                request,
                reason: Refusal::Calendar(RefusalReason::Conflict),
                first_conflict: Some(MONDAY + 661),
                alternative: Some(Alternative { device: "mast-1", start: MONDAY + 662 }),
            })
        ),
        ("cancelled", Message::Cancelled(Cancelled { actor, request, keep: 1 })),
        (
            "inventory_request",
            Message::InventoryRequest(InventoryRequest { actor, copy: 2, at: Cursor::default() })
        ),
        (
            "inventory_item",
            Message::InventoryItem(InventoryItem {
                actor,
                copy: 2,
                at: Cursor::default(),
                device: Some(InventoryDevice {
                    device: "mast-1",
                    remaining_ttl_s: 212,
                    metadata: Box::leak(Box::new(sections)).sections(),
                    schedule: Entries::default(),
                }),
                next: Some(at),
            })
        ),
        (
            "inventory_item_last",
            Message::InventoryItem(InventoryItem { actor, copy: 2, at, device: None, next: None })
        ),
        (
            "challenge",
            Message::Challenge(Challenge { device: "mast-1", sequence: 1, nonce: NONCE })
        ),
        ("usage_request", Message::UsageRequest(UsageRequest { actor, copy: 1, at: ActorId(0) })),
        (
            "usage_item",
            Message::UsageItem(UsageItem {
                actor,
                copy: 1,
                at: ActorId(0),
                usage: Some(Usage {
                    granted_minutes: 30,
                    cancelled_minutes: 5,
                    granted: 6,
                    cancelled: 1,
                    complete: 3,
                    incomplete: 1,
                    rejected: 1,
                    complete_minutes: 15,
                    time_to_complete_ms: 123_750,
                    ..Usage::new(actor)
                }),
                next: Some(ActorId(8)),
            })
        ),
        (
            "set_actor_policy",
            Message::SetActorPolicy(SetActorPolicy {
                version: 3,
                actor,
                policy: ActorPolicy { quota_minutes: Some(600), priority: 2 },
            })
        ),
        (
            "actor_policy_ack",
            Message::ActorPolicyAck(ActorPolicyAck {
                actor,
                version: 3,
                outcome: PolicyOutcome::Applied,
            })
        ),
    ]
}

/// The octets in the document are those of the code, and there are no others.
#[test]
fn the_document_shows_the_octets() {
    let document = include_str!("../../../docs/scos-messages.md");
    let rows: Vec<(&str, &str)> = document
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split("` | `");
            Some((cells.next()?, cells.next()?.strip_suffix("` |")?))
        })
        .collect();
    let expected: Vec<(&str, String)> = golden()
        .iter()
        .map(|(name, message)| {
            (*name, octets(message).iter().map(|octet| std::format!("{octet:02x}")).collect())
        })
        .collect();
    let rows: Vec<_> = rows.into_iter().map(|(name, hex)| (name, String::from(hex))).collect();
    assert_eq!(rows, expected);
}

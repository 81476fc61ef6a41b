//! What the rules for receivers come to.

use std::vec;
use std::vec::Vec;

use super::{Encode, Encoder, MAX_GROUPS, MAX_PARTS_DEPTH, Malformed, ProtobufRule, Value};
use crate::southbound::messages::{
    ConfigurationChange, CreateEntry, DeleteEntry, FromController, Request, SetModemConfiguration,
    SetModemConfigurationValues, SetRoute, SrSegment, Timestamp,
};
use crate::southbound::schema::{Kind, Label, MessageType};
use crate::wire::NoSpace;

/// A length-delimited field of at most 127 octets.
fn len(number: u8, octets: &[u8]) -> Vec<u8> {
    let length = u8::try_from(octets.len()).unwrap();
    assert!(length < 128);
    [&[number << 3 | 2, length], octets].concat()
}

fn create_entry(octets: &[u8]) -> CreateEntry<'_> {
    match FromController::parse(octets).unwrap().request() {
        Some(Request::CreateEntry(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_in_parts_is_merged_at_every_depth() {
    let octets = [
        len(2, &[len(1, b"token"), len(7, &[len(1, b"m"), vec![0x18, 1]].concat())].concat()),
        vec![0x08, 9],
        len(2, &[]),
        len(2, &[vec![0x10, 7], len(7, &[len(3, &[2, 3]), len(1, b"modem")].concat())].concat()),
        len(2, &[len(7, &[]), len(7, &[0x18, 4])].concat()),
    ]
    .concat();
    let message = FromController::parse(&octets).unwrap();
    assert_eq!(message.request_id(), 9);
    let entry = create_entry(&octets);
    assert_eq!((entry.schedule_manipulation_token(), entry.seqno()), ("token", 7));
    let Some(ConfigurationChange::SetModemConfiguration(change)) = entry.change() else {
        panic!("{:?}", entry.change())
    };
    assert_eq!(change.modem_id(), "modem");
    assert_eq!(change.beam_hopping_time_slots().collect::<Vec<_>>(), [1, 2, 3, 4]);
    // Its octets lie apart; put behind one another they are the same message.
    assert_eq!(change.raw().contiguous(), None);
    let mut buffer = [0; 64];
    let need = change.raw().len();
    assert_eq!(change.raw().copy_to(&mut buffer[..3]), Err(NoSpace::new(need, 3)));
    let copy = change.raw().copy_to(&mut buffer).unwrap();
    assert_eq!(
        copy,
        [&len(1, b"m")[..], &[0x18, 1, 0x1a, 2, 2, 3], &len(1, b"modem"), &[0x18, 4]].concat()
    );
    let again = SetModemConfiguration::parse(copy).unwrap();
    assert_eq!(again.modem_id(), "modem");
    assert_eq!(again.beam_hopping_time_slots().collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(again.raw().contiguous(), Some(copy));
}

#[test]
fn the_last_member_of_a_oneof_clears_what_came_before() {
    // Deleted, made and deleted: what the first said is gone.
    let octets =
        [len(3, &len(1, b"old")), len(2, &[]), len(3, &len(3, b"x")), len(3, &[0x10, 5])].concat();
    let Some(Request::DeleteEntry(entry)) = FromController::parse(&octets).unwrap().request()
    else {
        panic!()
    };
    assert_eq!((entry.schedule_manipulation_token(), entry.seqno(), entry.id()), ("", 5, "x"));

    // The same within a message in parts: the second part has another change in its middle.
    let octets = [
        len(2, &[len(3, b"entry"), len(5, &len(1, b"from"))].concat()),
        len(2, &[len(5, &len(3, b"dev")), len(6, &[]), len(5, &len(2, b"to"))].concat()),
        len(2, &len(5, &len(4, b"via"))),
    ]
    .concat();
    let entry = create_entry(&octets);
    assert_eq!(entry.id(), "entry");
    let Some(ConfigurationChange::SetRoute(route)) = entry.change() else { panic!() };
    assert_eq!((route.from(), route.dev(), route.to(), route.via()), ("", "", "to", "via"));

    // A member of the wrong wire type is none.
    let octets = [len(3, &len(3, b"x")), vec![0x20, 1]].concat();
    let request = FromController::parse(&octets).unwrap().request();
    assert!(matches!(request, Some(Request::DeleteEntry(_))), "{request:?}");
    // One that is there and empty is one.
    let octets = len(2, &len(6, &[]));
    assert!(matches!(create_entry(&octets).change(), Some(ConfigurationChange::DeleteRoute(_))));
    // And one that is not known is none.
    assert!(FromController::parse(&len(9, b"later")).unwrap().request().is_none());
    assert!(create_entry(&len(2, &[0xd2, 1, 0])).change().is_none());
}

#[test]
fn plain_messages_are_merged_field_by_field() {
    let time = Timestamp::parse(&[0x08, 1, 0x10, 2, 0x08, 3]).unwrap();
    assert_eq!(time, Timestamp { seconds: 3, nanos: 2 });
    let octets = [len(4, &[0x08, 1]), len(4, &[0x10, 2]), len(4, &[0x0d, 0, 0, 0, 0])].concat();
    let entry = CreateEntry::parse(&octets).unwrap();
    assert_eq!(entry.time(), Some(Timestamp { seconds: 1, nanos: 2 }));
    assert_eq!(entry.time_gpst(), None);
    assert_eq!(SrSegment::parse(&[0x08, 0]).unwrap(), SrSegment { mpls: Some(0) });
    assert_eq!(SrSegment::parse(&[0x0a, 0]).unwrap(), SrSegment { mpls: None });
}

#[test]
fn numbers_are_taken_packed_and_not_and_in_any_length() {
    let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    let octets =
        [&[0x18, 0x81, 0x00][..], &len(3, &minus_one), &[0x1a, 0], &[0x18], &minus_one].concat();
    let change = SetModemConfiguration::parse(&octets).unwrap();
    assert_eq!(change.beam_hopping_time_slots().collect::<Vec<_>>(), [1, -1, -1]);
    let values =
        SetModemConfigurationValues { beam_hopping_time_slots: &[1, -1], ..Default::default() };
    let mut buffer = [0; 32];
    let expected = [&[0x1a, 11, 1][..], &minus_one].concat();
    assert_eq!(values.encode(&mut buffer), Ok(&expected[..]));
}

#[test]
fn the_buffer_that_is_needed_is_told() {
    let values = SetModemConfigurationValues { modem_id: "modem", ..Default::default() };
    assert_eq!(values.encoded_len(), 7);
    for have in 0..7 {
        let mut buffer = [0; 8];
        assert_eq!(values.encode(&mut buffer[..have]), Err(NoSpace::new(7, have)));
    }
    assert_eq!(values.encode(&mut [0; 8]), Ok(&len(1, b"modem")[..]));
    let mut encoder = Encoder::new(&mut []);
    encoder.len(31, &[0; 200]);
    assert_eq!(encoder.length(), 2 + 2 + 200);
    assert_eq!(encoder.finish(), Err(NoSpace::new(204, 0)));
}

#[test]
fn unknown_groups_are_passed_over_and_kept() {
    // Field 100 is a group with a varint, a group and a text.
    let group = [&[0xa3, 6, 0x08, 1, 0x13, 0x14][..], &len(3, b"abc"), &[0xa4, 6]].concat();
    let octets = [&len(3, b"id")[..], &group, &[0x10, 4]].concat();
    let entry = DeleteEntry::parse(&octets).unwrap();
    assert_eq!((entry.id(), entry.seqno()), ("id", 4));
    let field = entry.raw().fields().nth(1).unwrap();
    assert_eq!((field.number, field.start, field.end), (100, 4, 4 + group.len()));
    assert_eq!(field.value, Value::Group(&group[2..group.len() - 2]));
    assert!(entry.raw().kind().known(&field).is_none());

    let nested = |depth| [vec![0x0b; depth], vec![0x0c; depth]].concat();
    assert!(DeleteEntry::parse(&nested(MAX_GROUPS)).is_ok());
    let limit = u32::try_from(MAX_GROUPS).unwrap();
    assert_eq!(
        DeleteEntry::parse(&nested(MAX_GROUPS + 1)).unwrap_err(),
        Malformed::new(ProtobufRule::GroupDepth, MAX_GROUPS, limit + 1, limit)
    );
}

#[test]
fn what_is_ill_formed_says_what_and_where() {
    let nine = [0x80; 9];
    let cases: &[(&[u8], ProtobufRule, usize, u32, u32)] = &[
        (&[0x10], ProtobufRule::VarintTruncated, 1, 1, 0),
        (&[0x10, 0x80], ProtobufRule::VarintTruncated, 2, 1, 0),
        (&[&[0x10][..], &nine, &[2]].concat(), ProtobufRule::VarintTooLong, 10, 2, 1),
        (&[&[0x10][..], &nine, &[0x81, 0]].concat(), ProtobufRule::VarintTooLong, 10, 0x81, 1),
        (&[0x88, 0x80, 0x80, 0x80, 0x20, 1], ProtobufRule::TagTooLong, 0, 2, 0),
        (&[0x08, 1, 0x00, 1], ProtobufRule::FieldNumberZero, 2, 0, 1),
        (&[0x0e, 0], ProtobufRule::WireType, 0, 6, 5),
        (&[0x0f, 0], ProtobufRule::WireType, 0, 7, 5),
        (&[0xfd, 7, 1, 2], ProtobufRule::FixedTruncated, 2, 4, 2),
        (&[0xf9, 7, 1, 2], ProtobufRule::FixedTruncated, 2, 8, 2),
        (&[0x0a, 5, b'a', b'b'], ProtobufRule::LengthDelimitedTruncated, 2, 5, 2),
        (
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            ProtobufRule::LengthDelimitedTruncated,
            11,
            u32::MAX,
            0,
        ),
        (&[0x83, 8, 8, 1], ProtobufRule::GroupTruncated, 2, 1, 0),
        (&[0x84, 8], ProtobufRule::GroupEnd, 0, 128, 0),
        (&[0x83, 8, 0x8c, 8], ProtobufRule::GroupEnd, 2, 129, 128),
        (&[0x1a, 3, b'a', 0xc3, b'('], ProtobufRule::Utf8, 3, 0xc3, 0x7f),
    ];
    for &(octets, rule, offset, value, against) in cases {
        let expected = Malformed::new(rule, offset, value, against);
        assert_eq!(DeleteEntry::parse(octets).unwrap_err(), expected, "{octets:x?}");
        // Within other messages the offset is still that of the datagram.
        let outer = [&[0x08, 1][..], &len(3, octets)].concat();
        let expected = Malformed { offset: offset + 4, ..expected };
        assert_eq!(FromController::parse(&outer).unwrap_err(), expected, "{octets:x?}");
    }
    // Packed numbers are looked at, and so are the parts of a oneof that do not count.
    let packed = len(3, &[1, 0x80]);
    let error = SetModemConfiguration::parse(&packed).unwrap_err();
    assert_eq!(error, Malformed::new(ProtobufRule::VarintTruncated, 4, 1, 0));
    let octets = [len(5, &len(1, &[0xff])), len(6, &[])].concat();
    assert_eq!(CreateEntry::parse(&octets).unwrap_err().offset, 4);
    assert!(SetRoute::parse(&len(5, &[0xff])).is_ok(), "what is unknown is not text");
}

#[test]
fn a_known_field_of_the_wrong_wire_type_is_unknown() {
    let octets =
        [&[0x10, 1, 0x1d, 1, 2, 3, 4, 0x12, 1, 9][..], &len(3, b"id"), &[0x18, 7]].concat();
    let entry = DeleteEntry::parse(&octets).unwrap();
    assert_eq!((entry.seqno(), entry.id()), (1, "id"));
    let known = |field| entry.raw().kind().known(&field).is_some();
    assert_eq!(
        entry.raw().fields().map(known).collect::<Vec<_>>(),
        [true, false, false, true, false]
    );
}

/// How many messages can be one inside the other, counting single ones only, where a
/// message is `depth` levels in.
fn single_depth(kind: MessageType, depth: usize) -> usize {
    assert!(depth < 20, "{kind:?} holds itself");
    let deeper = |field: &crate::southbound::schema::FieldType| match (field.kind, field.label) {
        (Kind::Message(inner), Label::Repeated) => {
            single_depth(inner, depth + 1);
            0
        }
        (Kind::Message(inner), _) => 1 + single_depth(inner, depth + 1),
        _ => 0,
    };
    kind.fields().iter().map(deeper).max().unwrap_or_default()
}

#[test]
fn the_schema_is_in_order() {
    for &kind in MessageType::ALL {
        let (fields, names) = (kind.fields(), kind.field_names());
        assert_eq!(fields.len(), names.len(), "{kind:?}");
        for (at, field) in fields.iter().enumerate() {
            assert!((1..=31).contains(&field.number), "{kind:?}");
            assert_eq!(kind.field(field.number.into()), Some(field), "{kind:?} has it twice");
            assert!(!names[..at].contains(&names[at]), "{kind:?} has {} twice", names[at]);
        }
        assert!(single_depth(kind, 0) < MAX_PARTS_DEPTH, "{kind:?}");
        let named = MessageType::named(kind.name()).unwrap();
        assert_eq!(named.name(), kind.name());
    }
    assert_eq!(MessageType::named("Timestamp"), Some(MessageType::Timestamp));
    assert_eq!(MessageType::named("CreateEntryRequest"), Some(MessageType::CreateEntry));
    let hello = "ReceiveRequestsMessageToController.Hello";
    assert_eq!(MessageType::named(hello), Some(MessageType::Hello));
    for none in ["", "Hello", "stamp", "google", ".Timestamp"] {
        assert_eq!(MessageType::named(none), None, "{none}");
    }
}

#[test]
fn views_read_what_is_said_of_other_messages_too() {
    // Octets of one message under another type: nothing fits, and nothing fails.
    let octets = [len(1, &len(1, b"agent")), len(2, &[8, 1])].concat();
    let entry = CreateEntry::parse(&octets).unwrap();
    assert_eq!(entry.seqno(), 0);
    assert_eq!(entry.raw().member(1).map(|message| message.kind()), None);
    assert_eq!(entry.raw().member(31).map(|message| message.kind()), None);
    assert_eq!(entry.raw().last(31), None);
    assert_eq!(entry.raw().values(31).count(), 0);
}

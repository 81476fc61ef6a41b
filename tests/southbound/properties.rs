//! Any octets: refused by both decoders, or the same to both.

use farpost::southbound::protobuf::Message;
use farpost::southbound::schema::MessageType;
use proptest::prelude::*;

use crate::model::{Node, make};
use crate::normal::{message_octets, normal};
use crate::vectors::vectors;

/// What both decoders say, which is the same.
fn agree(kind: MessageType, octets: &[u8]) -> Option<Vec<u8>> {
    let ours = Message::parse(kind, octets);
    let theirs = Node::decode(kind, octets);
    assert_eq!(ours.is_ok(), theirs.is_some(), "{kind:?} {octets:02x?}: {ours:?}");
    let (message, node) = (ours.ok()?, theirs?);
    let written = normal(message);
    assert_eq!(written, node.encode(), "{kind:?} {octets:02x?}");
    Some(written)
}

fn any_kind() -> impl Strategy<Value = MessageType> {
    proptest::sample::select(MessageType::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn messages_of_any_form_are_what_a_simple_decoder_says(
        kind in any_kind(), noise in proptest::collection::vec(any::<u8>(), 0..200))
    {
        let octets = make(kind, &mut &noise[..], 0);
        if let Some(written) = agree(kind, &octets) {
            // The normal form is one: written again it is the same.
            prop_assert_eq!(agree(kind, &written), Some(written));
        }
    }

    #[test]
    fn messages_in_parts_are_the_same_in_one(
        noise in proptest::collection::vec(any::<u8>(), 0..300))
    {
        let octets = make(MessageType::FromController, &mut &noise[..], 0);
        let Ok(message) = Message::parse(MessageType::FromController, &octets) else {
            return Ok(());
        };
        for number in [2, 3, 4] {
            let Some(member) = message.member(number) else { continue };
            let copy = message_octets(&member);
            let again = Message::parse(member.kind(), &copy).unwrap();
            prop_assert_eq!(normal(member), normal(again));
            prop_assert_eq!(member.is_empty(), copy.is_empty());
        }
    }

    #[test]
    fn known_messages_that_were_altered_are_refused_by_both_or_neither(
        at in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()))
    {
        let vectors = vectors();
        let vector = at.get(&vectors);
        let mut octets = vector.octets.clone();
        if !octets.is_empty() {
            for (index, value) in changes {
                *index.get_mut(&mut octets) = value;
            }
            if let Some(cut) = cut {
                octets.truncate(cut.index(octets.len()));
            }
        }
        agree(vector.kind, &octets);
    }

    #[test]
    fn any_octets_are_refused_by_both_or_neither(
        kind in any_kind(), octets in proptest::collection::vec(any::<u8>(), 0..40))
    {
        agree(kind, &octets);
    }
}

#[test]
fn what_is_made_is_mostly_well_formed() {
    let mut noise = Vec::new();
    let (mut state, mut fine) = (1_u32, 0);
    for round in 0..500 {
        noise.clear();
        noise.extend((0..200).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }));
        let kind = MessageType::ALL[round % MessageType::ALL.len()];
        fine += usize::from(agree(kind, &make(kind, &mut &noise[..], 0)).is_some());
    }
    assert!(fine > 200, "{fine} of 500");
}

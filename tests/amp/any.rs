//! Any values, in any form, nested as they come.

use farpost::management::amp::{
    AriValues, ArrayWriter, Collection, Entry, Literal, Name, ObjectId, Profile, Quirks, Tnvc,
    TnvcValues, TnvcWriter, TypeCode, Value,
};
use farpost::wire::{NoSpace, Writer};
use proptest::prelude::*;

use crate::rewrite::{self, again};

pub(crate) fn made(write: impl FnOnce(&mut Writer<'_>) -> Result<(), NoSpace>) -> Vec<u8> {
    let mut buffer = vec![0; 65_536];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).unwrap();
    writer.finish().to_vec()
}

/// A value of one item that owns what it is made of.
#[derive(Clone, Debug)]
enum Simple {
    Copied(Value<'static>),
    Text(String),
    Octets(Vec<u8>),
}

impl Simple {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Copied(value) => *value,
            Self::Text(text) => Value::Str(text),
            Self::Octets(octets) => Value::Bytes(octets),
        }
    }
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), (0_u32..64, 0_u64..3).prop_map(|(bits, more)| (1 << bits) - 1 + more),]
}

fn simple() -> impl Strategy<Value = Simple> {
    let signed = || number().prop_map(u64::cast_signed);
    prop_oneof![
        any::<bool>().prop_map(Value::Bool).prop_map(Simple::Copied),
        any::<u8>().prop_map(Value::Byte).prop_map(Simple::Copied),
        any::<i32>().prop_map(Value::Int).prop_map(Simple::Copied),
        any::<u32>().prop_map(Value::Uint).prop_map(Simple::Copied),
        signed().prop_map(Value::Vast).prop_map(Simple::Copied),
        number().prop_map(Value::Uvast).prop_map(Simple::Copied),
        number().prop_map(Value::Tv).prop_map(Simple::Copied),
        number().prop_map(Value::Ts).prop_map(Simple::Copied),
        any::<f32>().prop_map(Value::Real32).prop_map(Simple::Copied),
        any::<f64>().prop_map(Value::Real64).prop_map(Simple::Copied),
        any::<f32>().prop_map(f64::from).prop_map(Value::Real64).prop_map(Simple::Copied),
        ".{0,30}".prop_map(Simple::Text),
        prop::collection::vec(any::<u8>(), 0..30).prop_map(Simple::Octets),
    ]
}

/// The type and the octets of a value.
type Made = (TypeCode, Vec<u8>);

fn typed(values: &[Made]) -> Vec<u8> {
    if values.is_empty() {
        return vec![0];
    }
    let mut octets = vec![5];
    octets.extend(made(|to| {
        Value::Uvast(u64::try_from(values.len()).unwrap()).encode(to, Quirks::NONE)
    }));
    octets.extend(values.iter().map(|(code, _)| code.0));
    octets.extend(values.iter().flat_map(|(_, octets)| octets.iter().copied()));
    octets
}

fn control(values: &[Made]) -> Vec<u8> {
    [&[0xc1, 0x15, 0x41, 5][..], &typed(values)].concat()
}

/// Nests values in one another in every way there is.
fn nested(profile: Profile) -> impl Strategy<Value = Made> {
    let quirks = profile.sends();
    let leaf = simple().prop_map(move |simple| {
        let value = simple.value();
        (value.code(), made(|to| value.encode(to, quirks)))
    });
    leaf.prop_recursive(4, 48, 6, move |inner| {
        let some = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            some().prop_map(|values| (TypeCode::TNVC, typed(&values))),
            some().prop_map(|values| (TypeCode::ARI, control(&values))),
            some().prop_map(|values| (TypeCode::CTRL, control(&values))),
            prop::collection::vec(some(), 0..3).prop_map(|all| {
                let octets = made(|to| {
                    let mut array = ArrayWriter::new(to);
                    for values in &all {
                        array.element();
                        to.octets(&control(values))?;
                    }
                    array.finish(to)
                });
                (TypeCode::AC, octets)
            }),
            simple().prop_filter_map("literals are primitive", move |simple| {
                let literal = Literal::new(simple.value())?;
                let octets = made(|to| literal.encode(to, quirks));
                Some((TypeCode::EXPR, [&[16, 0x81][..], &octets].concat()))
            }),
            some().prop_map(|values| {
                let edd = [0x82, 0x18, 0x8e, 0x41, 0];
                (TypeCode::RPT, [&[0x82][..], &edd, &typed(&values)].concat())
            }),
            some().prop_map(|values| {
                let tblt = [0x8a, 0x18, 0x93, 0x41, 0];
                (TypeCode::TBL, [&[0x82][..], &tblt, &typed(&values)].concat())
            }),
        ]
    })
}

fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Real32(a), Value::Real32(b)) => {
            a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
        }
        (Value::Real64(a), Value::Real64(b)) => {
            a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
        }
        (a, b) => a == b,
    }
}

fn profiles() -> impl Strategy<Value = Profile> {
    prop::sample::select(&[Profile::Draft08, Profile::IonCompat][..])
}

proptest! {
    #[test]
    fn values_in_one_another_are_read_and_written_again(
        (profile, values) in profiles().prop_flat_map(|profile| {
            (Just(profile), prop::collection::vec(nested(profile), 0..4))
        })
    ) {
        let octets = typed(&values);
        let (written, quirks) = again("tnvc", &octets, profile).unwrap();
        prop_assert_eq!(&written, &octets);
        prop_assert!(profile.sends().contains(quirks));
        // Whatever is read takes as much as its octets.
        let tnvc = Tnvc::parse(&octets, profile).unwrap();
        let parts: usize = tnvc.values().map(|value| made(|to| value.encode(to, profile.sends())).len()).sum();
        prop_assert_eq!(parts, values.iter().map(|(_, octets)| octets.len()).sum::<usize>());
    }

    #[test]
    fn every_form_of_a_collection_is_read_and_written_again(
        simple in prop::collection::vec((simple(), ".{0,8}"), 1..6),
        form in 1_u8..8, profile in profiles())
    {
        let values: Vec<Value<'_>> = simple.iter().map(|(simple, _)| simple.value()).collect();
        let named: Vec<(&str, Value<'_>)> =
            simple.iter().map(|(simple, name)| (name.as_str(), simple.value())).collect();
        let names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
        let types: Vec<TypeCode> = values.iter().map(Value::code).collect();
        let both: Vec<(TypeCode, &str)> =
            types.iter().copied().zip(names.iter().copied()).collect();
        let form = match form {
            1 => TnvcValues::Native(&values),
            2 => TnvcValues::Names(&names),
            3 => TnvcValues::NamedNative(&named),
            4 => TnvcValues::Types(&types),
            5 => TnvcValues::Typed(&values),
            6 => TnvcValues::NamedTypes(&both),
            _ => TnvcValues::Named(&named),
        };
        // Without types a byte is a number like others.
        let quirks = if matches!(form, TnvcValues::Native(_) | TnvcValues::NamedNative(_)) {
            Quirks::NONE
        } else {
            profile.sends()
        };
        let octets = made(|to| form.encode(to, quirks));
        let tnvc = Tnvc::parse(&octets, profile).unwrap();
        prop_assert_eq!(made(|to| rewrite::tnvc(&tnvc, to, quirks)), &octets[..]);
        let entries: Vec<Entry<'_>> = tnvc.iter().collect();
        for (entry, (name, value)) in entries.iter().zip(&named) {
            prop_assert!(entry.name.is_none_or(|other| other == *name));
            if let (Some(code), Some(other)) = (entry.code, entry.value) {
                prop_assert_eq!(code, value.code());
                prop_assert!(same(&other, value), "{:?} {:?}", other, value);
            }
        }
    }

    #[test]
    fn a_collection_written_bit_by_bit_is_the_same(
        simple in prop::collection::vec(simple(), 0..40), room in 0_usize..400, profile in profiles())
    {
        let values: Vec<Value<'_>> = simple.iter().map(Simple::value).collect();
        let expected = made(|to| TnvcValues::Typed(&values).encode(to, profile.sends()));
        let mut buffer = vec![0; room];
        let mut writer = Writer::new(&mut buffer);
        let mut bit_by_bit = TnvcWriter::new(&writer);
        let mut fit = 0;
        for value in &values {
            let before = writer.len();
            if bit_by_bit.push(&mut writer, value, profile.sends()).is_err() {
                prop_assert_eq!(writer.len(), before);
                break;
            }
            fit += 1;
        }
        prop_assert_eq!(bit_by_bit.len(), fit);
        if bit_by_bit.finish(&mut writer).is_ok() {
            let as_many = made(|to| TnvcValues::Typed(&values[..fit]).encode(to, profile.sends()));
            prop_assert_eq!(writer.finish(), &as_many[..]);
        } else {
            prop_assert!(expected.len() > room);
        }
    }

    #[test]
    fn identifiers_are_read_and_written_again(
        object in prop::sample::select(&[4_u8, 6, 7, 8, 9, 11, 12][..]),
        name in prop::collection::vec(any::<u8>(), 1..20),
        issuer in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        tag in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        parameters in any::<bool>())
    {
        let parameters = (parameters && object != 12).then_some(TnvcValues::Typed(&[]));
        let values = AriValues {
            parameters,
            issuer: issuer.as_deref(),
            tag: issuer.as_ref().and(tag.as_deref()),
            ..AriValues::new(TypeCode(object), Name::Octets(&name))
        };
        let octets = made(|to| values.encode(to, Quirks::NONE));
        let ari = farpost::management::amp::Ari::parse(&octets, Profile::Draft08).unwrap();
        prop_assert_eq!(ari.object(), values.object);
        prop_assert_eq!(ari.name(), values.name);
        prop_assert_eq!(ari.issuer(), values.issuer);
        prop_assert_eq!(ari.tag(), values.tag);
        prop_assert_eq!(ari.parameters().map(|all| all.len()), parameters.map(|_| 0));
        prop_assert_eq!(made(|to| rewrite::ari(&ari, to, Quirks::NONE)), octets);
    }

    #[test]
    fn objects_of_an_adm_are_told_by_nickname_and_index(adm in 0_u32..214_748_364, collection in 0_u8..11, index in any::<u8>()) {
        let id = ObjectId::new(adm, Collection(collection), index);
        let octets = made(|to| id.ari().unwrap().encode(to, Quirks::NONE));
        let ari = farpost::management::amp::Ari::parse(&octets, Profile::Draft08).unwrap();
        prop_assert_eq!(ari.object_id(), Some(id));
        prop_assert_eq!(id.nickname.parts(), Some((adm, Collection(collection))));
    }

    #[test]
    fn any_octets_are_refused_or_written_again(
        octets in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&[0_u8, 1, 5, 0x81, 0x82, 0xc1, 0x14, 0x41, 0x25][..])], 0..40),
        what in prop::sample::select(&["ari", "ac", "expr", "tnv", "tnvc", "mac", "rptt", "var", "sbr", "tbr", "rpt", "tbl"][..]))
    {
        let strict = again(what, &octets, Profile::Draft08);
        if let Ok((written, quirks)) = &strict {
            prop_assert!(quirks.is_empty());
            prop_assert_eq!(written, &octets);
        }
        // What is read of ION without a quirk is what the draft has.
        if let Ok((written, quirks)) = again(what, &octets, Profile::IonCompat)
            && quirks.is_empty()
        {
            prop_assert_eq!(strict.unwrap(), (written, quirks));
        }
    }
}

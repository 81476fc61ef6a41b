//! The captures of `tests/vectors/ams.json`: PDUs of ION with every field decoded.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

use farpost::ams::pdu::{Aams, Deviation, Envelope, Malformed, Mpdu};
use farpost::wire::checksum;
use serde_json::Value;

/// A captured PDU.
struct Vector {
    name: String,
    kind: String,
    octets: Vec<u8>,
    expected: Value,
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the command tells them"))]
    deviations: Vec<String>,
}

impl Vector {
    fn has_checksum(&self) -> bool {
        self.expected.get("checksum").is_some()
    }
}

fn vectors() -> Vec<Vector> {
    let all: Vec<Value> = serde_json::from_str(include_str!("vectors/ams.json")).unwrap();
    assert_eq!(all.len(), 44);
    all.into_iter().map(vector).collect()
}

fn vector(value: Value) -> Vector {
    let text = |name: &str| value[name].as_str().unwrap().to_owned();
    let octets = unhex(&text("hex"));
    assert_eq!(value["octets"], octets.len());
    Vector {
        name: text("name"),
        kind: text("kind"),
        octets,
        expected: value["expected"].clone(),
        deviations: value["deviations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect(),
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0);
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn read(kind: &str, octets: &[u8]) -> Result<(), Malformed> {
    match kind {
        "mams" => Mpdu::parse(octets).map(drop),
        "aams" => Aams::parse(octets).map(drop),
        "rams" => Envelope::parse(octets).map(drop),
        _ => panic!("{kind}"),
    }
}

/// `octets` with each of their bits flipped in turn, and which bit it was.
fn flips(octets: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..octets.len() * 8).map(|bit| {
        let mut flipped = octets.to_vec();
        flipped[bit / 8] ^= 0x80 >> (bit % 8);
        (bit, flipped)
    })
}

#[test]
fn every_truncation_is_refused() {
    for Vector { name, kind, octets, .. } in vectors() {
        for length in 0..octets.len() {
            assert!(read(&kind, &octets[..length]).is_err(), "{name}: {length} octets");
        }
        let mut longer = octets.clone();
        longer.push(0);
        assert!(read(&kind, &longer).is_err(), "{name}: one octet more");
    }
}

/// Why no flip gets past a checksum: a flip in a covered octet changes the sum of
/// 16-bit words by a power of two below 2^16, which is not 0 modulo 2^16; a flip
/// in the checksum changes what it is compared with; a flip in the flag, a length
/// or the P-field changes the length of one part alone, so the parts no longer
/// add up to the datagram.
#[test]
fn every_flipped_bit_is_refused_where_there_is_a_checksum() {
    let mut with_checksum = 0;
    for vector in vectors() {
        for (bit, flipped) in flips(&vector.octets) {
            let outcome = read(&vector.kind, &flipped);
            if vector.has_checksum() {
                assert!(outcome.is_err(), "{}: bit {bit}", vector.name);
            }
        }
        with_checksum += usize::from(vector.has_checksum());
    }
    assert_eq!(with_checksum, 37);
}

/// An envelope has no checksum of its own, only the message in it. One bit there
/// can be flipped unseen: it makes the application data two octets longer, so that
/// they take in the checksum, and what is left is a message that announces a
/// checksum and has none. That is what ION sends and what has to be accepted, so
/// it is accepted as that deviation, and said to be one.
#[test]
fn a_flipped_bit_in_an_enclosed_message_is_refused_or_shows() {
    let mut message = unhex("0a80800200000300000000000001000464617461");
    message.extend_from_slice(&checksum(&message).to_be_bytes());
    let mut octets = unhex("040000000000020000010016");
    octets.extend_from_slice(&message);
    assert!(Envelope::parse(&octets).unwrap().deviations().is_empty());
    let data_length_plus_two = (12 + 15) * 8 + 6;
    for (bit, flipped) in flips(&octets).skip(Envelope::HEADER_LEN * 8) {
        match Envelope::parse(&flipped) {
            Err(_) => {}
            Ok(envelope) => {
                assert_eq!(bit, data_length_plus_two);
                assert!(envelope.deviations().contains(Deviation::EnclosureChecksumAbsent));
            }
        }
    }
    assert!(read("rams", &flips(&octets).nth(data_length_plus_two).unwrap().1).is_ok());
}

/// The host tool on the same captures.
#[cfg(feature = "cli")]
mod tool {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    fn run(command: &str, input: &str) -> (String, bool) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_farpost"))
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.success())
    }

    fn line(vector: &Vector) -> String {
        let hex: String = vector.octets.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{} {hex}\n", vector.kind)
    }

    /// Whether the vector's note on a deviation is one for whoever receives it.
    fn is_leniency(note: &str) -> bool {
        // A registrar is the original source of these (4.2.5.5.3.3), and what
        // ION's own receiver does is not part of the octets.
        !note.starts_with("issued by registrar") && !note.starts_with("ION receivers")
    }

    /// JSON with the members of objects in the order they have.
    fn ordered(value: &Value) -> String {
        value.to_string()
    }

    #[test]
    fn dissect_says_what_is_expected_in_the_order_it_is() {
        let vectors = vectors();
        let (output, success) = run("dissect", &vectors.iter().map(line).collect::<String>());
        assert!(success);
        assert_eq!(output.lines().count(), vectors.len());
        for (vector, line) in vectors.iter().zip(output.lines()) {
            let Value::Object(mut object) = serde_json::from_str(line).unwrap() else {
                panic!("{line}")
            };
            assert_eq!(object.shift_remove("kind").unwrap(), vector.kind.as_str());
            let (last, _) = object.iter().next_back().unwrap();
            assert_eq!(last, "deviations");
            let deviations = object.shift_remove("deviations").unwrap();
            let object = Value::Object(object);
            assert_eq!(object, vector.expected, "{}", vector.name);
            assert_eq!(ordered(&object), ordered(&vector.expected), "{}", vector.name);
            let lenient = vector.deviations.iter().any(|note| is_leniency(note));
            assert_eq!(!deviations.as_array().unwrap().is_empty(), lenient, "{}", vector.name);
        }
    }

    #[test]
    fn assemble_gives_the_octets_back() {
        let input: String = vectors().iter().map(line).collect();
        let (dissected, _) = run("dissect", &input);
        assert_eq!(run("assemble", &dissected), (input, true));
    }

    #[test]
    fn assemble_takes_expected_as_it_is() {
        let vectors = vectors();
        let input: String = vectors
            .iter()
            .map(|vector| {
                let mut value = vector.expected.clone();
                value["kind"] = vector.kind.as_str().into();
                format!("{value}\n")
            })
            .collect();
        assert_eq!(run("assemble", &input), (vectors.iter().map(line).collect(), true));
    }

    /// Members that follow from others, wherever they stand.
    const DERIVED: [&str; 18] = [
        "message_type_name",
        "application_data_length",
        "checksum",
        "enclosed_envelope",
        "enclosed_aams_message",
        "mpdu_type_name",
        "length_of_digital_signature",
        "length_of_supplementary_data",
        "reference_as_module_id",
        "p_field_extension",
        "time_code_id",
        "coarse_octets",
        "fine_octets",
        "refusal_reason_name",
        "number_of_modules",
        "number_of_delivery_points",
        "control_code_name",
        "length_of_content",
    ];

    /// Replaces every derived member, or removes it.
    fn spoil(value: &mut Value, with: Option<&Value>) {
        match value {
            Value::Object(object) => {
                for name in DERIVED {
                    match with {
                        Some(with) if object.contains_key(name) => {
                            object.insert(name.into(), with.clone());
                        }
                        _ => drop(object.shift_remove(name)),
                    }
                }
                object.values_mut().for_each(|value| spoil(value, with));
            }
            Value::Array(array) => array.iter_mut().for_each(|value| spoil(value, with)),
            _ => {}
        }
    }

    #[test]
    fn assemble_does_not_look_at_what_is_derived() {
        let vectors: Vec<_> =
            vectors().into_iter().filter(|vector| vector.deviations.is_empty()).collect();
        assert_eq!(vectors.len(), 33);
        for with in [None, Some(Value::from(7)), Some(Value::Null), Some("wrong".into())] {
            let input: String = vectors
                .iter()
                .map(|vector| {
                    let mut value = vector.expected.clone();
                    spoil(&mut value, with.as_ref());
                    value["kind"] = vector.kind.as_str().into();
                    format!("{value}\n")
                })
                .collect();
            let expected: String = vectors.iter().map(line).collect();
            assert_eq!(run("assemble", &input), (expected, true), "{with:?}");
        }
    }
}

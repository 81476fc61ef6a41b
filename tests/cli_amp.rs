//! `farpost dissect` and `farpost assemble` of AMP.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_farpost"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn dissect(input: &str) -> (Vec<Value>, Option<i32>) {
    let output = run(&["dissect"], input);
    let text = str::from_utf8(&output.stdout).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

/// The lines that `farpost assemble` makes of these, and what it complains of.
fn assemble(lines: &[Value]) -> (String, String) {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let output = run(&["assemble"], &input);
    let text = |octets| String::from_utf8(octets).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn every_capture_of_amp_is_told_and_made_again() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors/amp.json")).unwrap();
    assert_eq!(vectors.len(), 82);
    let input: String =
        vectors.iter().map(|vector| format!("amp {}\n", vector["hex"].as_str().unwrap())).collect();
    let (lines, code) = dissect(&input);
    assert_eq!(code, Some(0));
    assert_eq!(lines.len(), vectors.len());
    for (line, vector) in lines.iter().zip(&vectors) {
        let name = vector["name"].as_str().unwrap();
        assert_eq!(line["decoded"], vector["decoded"], "{name}");
        let object = match name.split('.').next().unwrap() {
            "lit" => "ari",
            other => other,
        };
        assert_eq!(line["object"], object, "{name}");
    }
    assert_eq!(assemble(&lines), (input, String::new()));
}

/// What no capture shows, and what is told of it.
fn others() -> Vec<(&'static str, Value)> {
    let edd = json!({"type": "EDD", "nn": 142, "name": 0});
    vec![
        ("amp 00 67 69706e3a322e35", json!(["REG", "ipn:2.5"])),
        ("amp 0047 69706e3a322e35", json!(["REG", "ipn:2.5"])),
        ("amp:ari 0047 69706e3a322e35", json!({"type": "CONST", "name": "ipn:2.5"})),
        ("amp 0042 c328", json!(["REG", {"hex": "c328"}])),
        ("amp 1a 00 80", json!(["CTRL", 0, [], {"ack": true, "nack": true}])),
        ("amp:msg 22 00 80 6162", json!(["CTRL", 0, [], {"acl": "6162"}])),
        ("amp:msg c2 00 80", json!(["CTRL", 0, [], {"reserved2": 3}])),
        ("amp 13ff", json!(["LIT", "BYTE", 255])),
        ("amp 1318ff", json!(["LIT", "BYTE", 255])),
        ("amp 03f5", json!(["LIT", "BOOL", true])),
        ("amp 83f97e00", json!(["LIT", "REAL64", "NaN"])),
        ("amp 83f9fc00", json!(["LIT", "REAL64", "-inf"])),
        ("amp 73f9fc00", json!(["LIT", "REAL32", "-inf"])),
        ("amp 83f98000", json!(["LIT", "REAL64", -0.0])),
        (
            "amp 3c42c3284131 4130",
            json!({"type": "VAR", "name": {"hex": "c328"}, "iss": "1", "tag": "0"}),
        ),
        (
            "amp 2742543141318182188e4100",
            json!([{"type": "RPTT", "name": "T1", "iss": "1"}, [edd]]),
        ),
        (
            "amp 2c425631413183261081430a",
            json!([{"type": "VAR", "name": "V1", "iss": "1"}, [3, "EXPR", {"type": "BOOL", "rpn": [["LIT", "UINT", 10]]}]]),
        ),
        (
            "amp 2c425631413182946161",
            json!([{"type": "VAR", "name": "V1", "iss": "1"}, {"type": "UINT", "name": "a"}]),
        ),
        (
            "amp 284252314131 0a 1081430a 1864 14 818115410f",
            json!([
                {"type": "SBR", "name": "R1", "iss": "1"}, 10,
                {"type": "BOOL", "rpn": [["LIT", "UINT", 10]]}, 100, 20,
                [{"type": "CTRL", "nn": 21, "name": 15}]
            ]),
        ),
        (
            "amp 2b4252324131 00 01 03 818115410f",
            json!([
                {"type": "TBR", "name": "R2", "iss": "1"}, 0, 1, 3,
                [{"type": "CTRL", "nn": 21, "name": 15}]
            ]),
        ),
        ("amp 82 946161", json!({"type": "UINT", "name": "a"})),
        ("amp 83 946161 04", json!({"type": "UINT", "name": "a", "value": ["UINT", 4]})),
        ("amp 81 14", json!({"type": "UINT"})),
        ("amp:tbl 81 8a18934100", json!([{"type": "TBLT", "nn": 147, "name": 0}])),
        ("amp 81 8a18934100", json!([{"type": "TBLT", "nn": 147, "name": 0}])),
        (
            "amp 01 05 f5 01 20 6161 4107",
            json!({"flags": 1, "items": [
                {"value": ["BOOL", true]}, {"value": ["UVAST", 1]}, {"value": ["VAST", -1]},
                {"value": ["STR", "a"]}, {"value": ["BYTESTR", "07"]}
            ]}),
        ),
        ("amp 02 01 6161", json!({"flags": 2, "items": [{"name": "a"}]})),
        ("amp 04 02 1412", json!({"flags": 4, "items": [{"type": "UINT"}, {"type": "STR"}]})),
        ("amp 06 01 14 6161", json!({"flags": 6, "items": [{"type": "UINT", "name": "a"}]})),
        (
            "amp 07 01 14 6161 04",
            json!({"flags": 7, "items": [{"type": "UINT", "name": "a", "value": ["UINT", 4]}]}),
        ),
        (
            "amp 08 02 82946161 82 1404",
            json!({"flags": 8, "items": [{"type": "UINT", "name": "a"}, {"type": "UINT", "value": ["UINT", 4]}]}),
        ),
        (
            "amp 05 02 0207 82188e4100 2742543141318182188e4100",
            json!([
                ["EDD", edd],
                ["RPTT", [{"type": "RPTT", "name": "T1", "iss": "1"}, [edd]]]
            ]),
        ),
        ("amp 82 03 43 1a0080", json!([3, ["CTRL", 0, [], {"ack": true, "nack": true}]])),
    ]
}

#[test]
fn what_amp_says_in_other_forms_is_made_again() {
    for (line, expected) in others() {
        let (told, code) = dissect(line);
        assert_eq!(code, Some(0), "{line}: {told:?}");
        assert_eq!(told[0]["decoded"], expected, "{line}");
        let (made, complaints) = assemble(&told);
        assert_eq!(complaints, "", "{line}");
        let (kind, digits) = line.split_once(' ').unwrap();
        assert_eq!(made, format!("{kind} {}\n", digits.replace(' ', "")), "{line}");
    }
}

#[test]
fn what_is_no_amp_is_refused_by_name() {
    // Of all it might be, the error is that of what was read furthest.
    for (line, error, offset) in [
        ("amp", "amp_truncated", 0),
        ("amp:ari 82188e41", "amp_truncated", 4),
        ("amp 821a23c3460049006769706e3a322e", "amp_truncated", 7),
        ("amp c1154105050126", "amp_truncated", 7),
        ("amp:expr 10818115410f", "object_type", 2),
        ("amp:ac 9f", "indefinite_length", 0),
    ] {
        let (told, code) = dissect(line);
        assert_eq!(code, Some(1), "{line}");
        assert_eq!((&told[0]["error"], &told[0]["offset"]), (&json!(error), &json!(offset)));
        assert_eq!(told[0]["kind"], "amp");
        assert!(told[0]["clause"].as_str().unwrap().starts_with("amp-08 "), "{line}");
    }
    assert_eq!(dissect("amp:else 00").0[0]["error"], "unknown_kind");
}

#[test]
fn what_no_octets_could_say_is_not_made() {
    let line =
        |object: &str, decoded: Value| json!({"kind": "amp", "object": object, "decoded": decoded});
    for (wrong, complaint) in [
        (json!({"kind": "amp", "decoded": []}), "object: is missing"),
        (line("else", json!([])), "object: expected one of grp, msg, ari"),
        (line("ari", json!(["LIT", "UINT", -1])), "decoded[2]: expected an integer"),
        (line("ari", json!(["LIT", "TV", 1])), "decoded[1]: expected a primitive type"),
        (line("ari", json!(["LIT", "BOOL", 1])), "decoded[2]: expected true or false"),
        (line("ari", json!({"type": "EDD", "name": "x", "iss": "1"})), "issuer not allowed"),
        (
            line("ari", json!({"type": "EDD", "nn": 1, "name": "x"})),
            "decoded.name: expected an integer",
        ),
        (line("tnv", json!([2, "TNV", 1])), "decoded[2]: is of no type that has values"),
        (line("tnvc", json!([["UINT"]])), "decoded[0]: expected an array of 2"),
        (line("msg", json!(["REG"])), "decoded: expected a whole message"),
        (line("msg", json!(["ELSE", 1])), "decoded[0]: expected REG, RPT, CTRL or TBL"),
        (line("msg", json!(["RPT", [], []])), "set empty"),
        (line("grp", json!([1])), "group empty"),
        (line("tbl", json!([])), "decoded: expected a template and rows"),
        (line("expr", json!({"type": "TV", "rpn": []})), "expression type"),
        (
            json!({"kind": "amp", "object": "tnvc", "decoded": [], "deviations": ["else"]}),
            "deviations[0]: expected the name of a deviation",
        ),
    ] {
        let (made, complaints) = assemble(core::slice::from_ref(&wrong));
        assert_eq!(made, "", "{wrong}");
        assert!(complaints.contains(complaint), "{wrong}: {complaints}");
    }
}

//! `farpost calendar` as a user runs it.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    reason = "a test stops on what it does not expect"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const CONFIG: &str = r#"{"config":{"now":"2026-11-22T00:00Z"}}"#;

fn calendar(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farpost"));
    command.arg("calendar").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The answers to `lines`, what was said on standard error, and whether it went well.
fn run(arguments: &[&str], lines: &[&str]) -> (Vec<Value>, String, bool) {
    let mut child = calendar(arguments).spawn().unwrap();
    let input = lines.join("\n");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (answers, String::from_utf8(output.stderr).unwrap(), output.status.success())
}

fn answers(lines: &[&str]) -> Vec<Value> {
    let (answers, _, well) = run(&[], lines);
    assert!(well);
    answers
}

#[test]
fn grants_and_refuses_as_the_contract_says() {
    let answers = answers(&[
        CONFIG,
        r#"{"id":"a","actor":"ana","ssd":"m1","start":"2026-11-23T10:00Z","minutes":5,"when":"exact","repeats":2,"offset_minutes":1440}"#,
        r#"{"id":2,"actor":"ben","ssd":"m1","start":"2026-11-24T09:58:00Z","minutes":5}"#,
        r#"{"id":2,"actor":"ben","ssd":"m1","start":"2026-11-24T09:58Z","minutes":5,"when":"nearest"}"#,
        r#"{"id":3,"actor":7,"ssd":"m1","start":"2026-11-24T10:02+00:00","minutes":5,"when":"nearest","max_shift_minutes":2}"#,
        r#"{"id":3,"actor":7,"ssd":8,"start":"2026-11-24T10:02Z","minutes":5,"when":"nearest","max_shift_minutes":2}"#,
        r#"{"id":4,"actor":7,"ssd":8,"start":"2026-11-29T23:58Z","minutes":5}"#,
        r#"{"id":4,"actor":7,"ssd":8,"start":"2026-11-29T23:58Z","minutes":5,"when":"nearest"}"#,
        r#"{"id":5,"actor":7,"ssd":8,"start":"2026-11-25T00:00Z","minutes":5,"repeats":1,"offset_minutes":4}"#,
        r#"{"id":5,"actor":7,"ssd":8,"start":"2026-11-25T00:00Z","minutes":100000}"#,
        r#"{"id":5,"actor":7,"ssd":8,"start":"2026-11-21T23:59Z","minutes":5}"#,
    ]);
    let granted = |id: Value, starts: Value| json!({"id": id, "granted": {"starts": starts}});
    let refused = |id: Value, reason| json!({"id": id, "refused": {"reason": reason}});
    assert_eq!(
        answers,
        [
            granted(
                json!("a"),
                json!(["2026-11-23T10:00Z", "2026-11-24T10:00Z", "2026-11-25T10:00Z"])
            ),
            json!({"id":2,"refused":{"reason":"conflict","first_conflict":"2026-11-24T10:00Z"}}),
            granted(json!(2), json!(["2026-11-24T09:55Z"])),
            json!({"id":3,"refused":{"reason":"no_fit","first_conflict":"2026-11-24T10:02Z"}}),
            granted(json!(3), json!(["2026-11-24T10:02Z"])),
            refused(json!(4), "crosses_week"),
            granted(json!(4), json!(["2026-11-29T23:55Z"])),
            refused(json!(5), "overlaps_itself"),
            refused(json!(5), "too_long"),
            refused(json!(5), "in_the_past"),
        ]
    );
}

#[test]
fn an_id_is_one_request_until_it_is_cancelled() {
    let request = r#"{"id":"a","actor":"ana","ssd":"m1","start":"2026-11-23T10:00Z","minutes":5}"#;
    let by_ben = request.replace("ana", "ben");
    let cancel = r#"{"id":"a","cancel":true}"#;
    let answers = answers(&[CONFIG, cancel, request, request, &by_ben, cancel, cancel, &by_ben]);
    let granted = json!({"id":"a","granted":{"starts":["2026-11-23T10:00Z"]}});
    let unknown = json!({"id":"a","cancelled":false,"reason":"unknown_request"});
    assert_eq!(
        answers,
        [
            unknown.clone(),
            granted.clone(),
            granted.clone(),
            json!({"id":"a","refused":{"reason":"request_id_reused"}}),
            json!({"id":"a","cancelled":true}),
            unknown,
            granted,
        ]
    );
}

#[test]
fn the_configuration_is_in_force() {
    let answers = answers(&[
        r#"{"config":{"now":"2026-11-23T10:00:01Z","quota_minutes":10,"short_minutes":2,"reserve_per_hour":10}}"#,
        r#"{"id":1,"actor":1,"ssd":1,"start":"2026-11-23T10:00Z","minutes":2,"when":"nearest"}"#,
        r#"{"id":2,"actor":1,"ssd":1,"start":"2026-11-23T10:50Z","minutes":3}"#,
        r#"{"id":3,"actor":1,"ssd":1,"start":"2026-11-23T10:50Z","minutes":2}"#,
        r#"{"id":4,"actor":1,"ssd":1,"start":"2026-11-23T12:00Z","minutes":7}"#,
        r#"{"id":5,"actor":1,"ssd":1,"start":"2026-12-07T00:00Z","minutes":1}"#,
    ]);
    let what: Vec<_> = answers
        .iter()
        .map(|answer| match answer.get("refused") {
            Some(refused) => refused["reason"].as_str().unwrap(),
            None => answer["granted"]["starts"][0].as_str().unwrap(),
        })
        .collect();
    assert_eq!(
        what,
        [
            "2026-11-23T10:01Z",
            "reserved_for_short",
            "2026-11-23T10:50Z",
            "over_quota",
            "beyond_window"
        ]
    );
}

/// What goes beyond one device and one week is asked for, and nothing else is answered
/// differently for it.
#[test]
fn several_devices_both_weeks_and_the_rest_are_asked_for() {
    let answers = answers(&[
        r#"{"config":{"now":"2026-11-23T00:00Z","alternatives":true,"preemption":true,"actors":{"ana":{"priority":2},"7":{"quota_minutes":4}},"ssds":{"m2":{"reserve_per_hour":60}}}}"#,
        r#"{"id":1,"actor":"ben","ssd":"m1","start":"2026-11-29T23:58Z","minutes":5,"across_weeks":true}"#,
        r#"{"id":2,"actor":"cid","ssd":"m1","start":"2026-11-29T23:57Z","minutes":2}"#,
        r#"{"id":3,"actor":"cid","ssds":["m1","m2"],"start":"2026-11-29T23:57Z","minutes":2}"#,
        r#"{"id":4,"actor":"cid","ssds":"any","start":"2026-11-23T10:00Z","minutes":2,"dry_run":true}"#,
        r#"{"id":5,"actor":7,"ssd":"m2","start":"2026-11-23T10:00Z","minutes":5}"#,
        r#"{"id":6,"actor":"ben","ssd":"m1","start":"2026-11-30T00:00Z","minutes":4,"replaces":1}"#,
        r#"{"id":7,"actor":"ben","ssd":"m1","start":"2026-11-30T00:00Z","minutes":4,"replaces":99}"#,
        r#"{"id":8,"actor":"ana","ssd":"m1","start":"2026-11-30T00:01Z","minutes":1}"#,
        r#"{"id":6,"cancel":true}"#,
    ]);
    let starts = |id: u64, starts: &str| json!({"id": id, "granted": {"starts": [starts]}});
    assert_eq!(
        answers,
        [
            starts(1, "2026-11-29T23:58Z"),
            json!({"id":2,"refused":{"reason":"conflict","first_conflict":"2026-11-29T23:58Z",
                "alternative":{"ssd":"m1","start":"2026-11-29T23:56Z"}}}),
            json!({"id":3,"granted":{"starts":["2026-11-29T23:57Z"],"ssd":"m2"}}),
            json!({"id":4,"granted":{"starts":["2026-11-23T10:00Z"],"ssd":"m2"}}),
            json!({"id":5,"refused":{"reason":"over_quota"}}),
            starts(6, "2026-11-30T00:00Z"),
            json!({"id":7,"refused":{"reason":"unknown_request"}}),
            json!({"id":8,"granted":{"starts":["2026-11-30T00:01Z"],"displaced":[6]}}),
            json!({"id":6,"cancelled":false,"reason":"unknown_request"}),
        ]
    );
}

#[test]
fn a_malformed_line_is_named_and_the_next_is_answered() {
    let good = r#"{"id":1,"actor":1,"ssd":1,"start":"2026-11-23T10:00Z","minutes":1}"#;
    let bad = [
        "nonsense",
        "[1]",
        r#"{"id":1}"#,
        r#"{"id":1,"cancel":false}"#,
        r#"{"id":1,"actor":1,"ssd":1,"start":"2026-11-23T25:00Z","minutes":1}"#,
        r#"{"id":1,"actor":1,"ssd":1,"start":"2026-11-23T10:00Z","minutes":-1}"#,
        r#"{"id":1,"actor":[],"ssd":1,"start":"2026-11-23T10:00Z","minutes":1}"#,
        r#"{"id":1,"actor":1,"ssd":1,"start":"2026-11-23T10:00Z","minutes":1,"when":"soon"}"#,
        r#"{"id":1,"actor":1,"ssd":1,"start":"2026-11-23T10:00Z","minutes":1,"repeat":1}"#,
        r#"{"id":1,"actor":1,"ssds":[],"start":"2026-11-23T10:00Z","minutes":1}"#,
        r#"{"id":1,"actor":1,"ssds":"all","start":"2026-11-23T10:00Z","minutes":1}"#,
        r#"{"id":1,"actor":1,"ssd":1,"ssds":[1],"start":"2026-11-23T10:00Z","minutes":1}"#,
        r#"{"id":1,"actor":1,"start":"2026-11-23T10:00Z","minutes":1}"#,
        CONFIG,
    ];
    for bad in bad {
        let (answers, _, well) = run(&[], &[CONFIG, "", bad, good]);
        assert!(!well, "{bad}");
        assert_eq!(answers.len(), 2, "{bad}");
        assert!(answers[0]["error"].is_string() && answers[0]["line"] == 3, "{bad}");
        assert_eq!(answers[1]["granted"]["starts"], json!(["2026-11-23T10:00Z"]), "{bad}");
    }
}

#[test]
fn every_line_is_answered_before_the_next_is_read() {
    let mut child = calendar(&[]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    writeln!(input, "{CONFIG}").unwrap();
    for id in 0..3 {
        writeln!(
            input,
            r#"{{"id":{id},"actor":1,"ssd":1,"start":"2026-11-23T10:00Z","minutes":60,"when":"nearest"}}"#
        )
        .unwrap();
        let answer: Value = serde_json::from_str(&output.next().unwrap().unwrap()).unwrap();
        assert!(answer["id"] == id && answer["granted"].is_object());
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// More devices and requests than there is room for at first.
#[test]
fn there_is_room_for_many() {
    let mut lines = vec![CONFIG.to_string()];
    for id in 0..3_000 {
        let (actor, ssd) = (id % 7, id % 50);
        lines.push(format!(
            r#"{{"id":{id},"actor":{actor},"ssd":{ssd},"start":"2026-11-23T10:00Z","minutes":3,"when":"nearest"}}"#
        ));
    }
    lines.push(r#"{"id":0,"cancel":true}"#.to_string());
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let answers = answers(&lines);
    assert_eq!(answers.len(), 3_001);
    assert!(answers[..3_000].iter().all(|answer| answer["granted"].is_object()));
    assert_eq!(answers[3_000], json!({"id": 0, "cancelled": true}));
    // The sixty of each device lie around the start without a gap: 3 x 60 minutes.
    assert_eq!(answers[2_999]["granted"]["starts"], json!(["2026-11-23T08:30Z"]));
}

#[test]
fn the_week_is_drawn() {
    let file = std::env::temp_dir().join(format!("farpost-calendar-{}.svg", std::process::id()));
    let path = file.to_str().unwrap();
    let lines = [
        CONFIG,
        r#"{"id":"x<1>","actor":"ana","ssd":"m1","start":"2026-11-23T23:58Z","minutes":5}"#,
    ];
    let (answers, text, well) = run(&["--svg", path, "--text"], &lines);
    let svg = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(well && answers.len() == 1);
    let title = "m1 for ana, x&lt;1&gt;: 2026-11-23 23:58 to 2026-11-24 00:03 (5 min)";
    assert_eq!(svg.matches(title).count(), 2, "once each day");
    assert!(text.contains("week of 2026-11-23") && text.contains("A = ana"));
}

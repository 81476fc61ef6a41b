//! `farpost dissect` and `farpost assemble` as programs: what goes wrong, and captures.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use etherparse::PacketBuilder;
use serde_json::Value;

const HEARTBEAT: &str = "2101000000000000000000001c8194746d3ef6";
const QUERY: &str = "16038001000003000000002c000100009931";
const DECLARATION: &str = "0200000000000000fffe0000";

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_farpost"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that stops before it has read everything is no fault of the test.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn dissect(input: &str) -> (Vec<Value>, Option<i32>) {
    let output = run(&["dissect"], input.as_bytes());
    (lines(&output), output.status.code())
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

mod text {
    use super::*;

    #[test]
    fn white_space_case_comments_and_blank_lines_do_not_matter() {
        let input =
            format!("# a query\n\n  aams\t{} {}\r\n", &QUERY[..7], QUERY[7..].to_uppercase());
        let (lines, code) = dissect(&input);
        assert_eq!(code, Some(0));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["context_number"], 44);
        assert_eq!(dissect(""), (vec![], Some(0)));
    }

    #[test]
    fn a_malformed_line_does_not_stop_the_next() {
        let input = format!("mams 2101\nrams {DECLARATION}\naams {}00\n", &QUERY[..34]);
        let (lines, code) = dissect(&input);
        assert_eq!(code, Some(1));
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["kind"], "mams");
        assert_eq!(lines[0]["error"], "mpdu_truncated");
        assert_eq!(lines[0]["clause"], "735.1-B-1 5.1.1.1");
        assert_eq!(lines[0]["offset"], 0);
        assert_eq!(lines[0]["value"], 12);
        assert_eq!(lines[0]["against"], 2);
        assert!(lines[0]["message"].as_str().unwrap().contains("12 octets needed"));
        assert_eq!(lines[1]["control_code_name"], "petition assertion");
        assert_eq!(lines[2]["error"], "aams_checksum");
        assert_eq!(lines[2]["offset"], 16);
        assert_eq!(lines[2]["value"], 0x9900);
        assert_eq!(lines[2]["against"], 0x9931);
    }

    #[test]
    fn a_line_that_is_no_pdu_says_where_it_is() {
        let input = b"mams 0g\nmams 012\npost 00\nmams\n\xff\xfe\naams 0\xc3\xa41\n";
        let output = run(&["dissect"], input);
        assert_eq!(output.status.code(), Some(1));
        let lines = lines(&output);
        let errors: Vec<_> = lines.iter().map(|line| line["error"].as_str().unwrap()).collect();
        let expected =
            ["not_hex", "not_hex", "unknown_kind", "mpdu_truncated", "not_text", "not_hex"];
        assert_eq!(errors, expected);
        assert_eq!(lines[2]["kind"], "post");
        assert_eq!((&lines[2]["clause"], &lines[2]["offset"]), (&Value::Null, &Value::from(0)));
        assert_eq!(lines[2]["line"], 3);
        assert_eq!(lines[4]["kind"], Value::Null);
        assert_eq!(lines[4]["line"], 5);
    }

    #[test]
    fn what_is_derived_is_told_only_where_it_is_there() {
        let input =
            "aams 06000001000003000000000000010000\nmams 0101000002000000000000051c00000001\n";
        let (lines, code) = dissect(input);
        assert_eq!(code, Some(0));
        assert!(lines[0].get("checksum").is_none());
        assert!(lines[1].get("checksum").is_none());
        assert_eq!(lines[1]["supplementary_data"], Value::Null);
        assert!(lines[1].get("reference_as_module_id").is_none());
    }

    /// Time tags of every length round trip, whatever their P-field.
    #[test]
    fn every_form_of_time_tag_goes_there_and_back() {
        let mut input = String::new();
        for first in 0x10..=0xff_u8 {
            if !matches!((first >> 4) & 7, 1 | 2) {
                continue;
            }
            let seconds: &[u8] =
                if first & 0x80 == 0 { &[0] } else { &[0, 0x20, 0x44, 0x63, 0x7c, 0x7f] };
            for &second in seconds {
                let coarse = 1 + (first >> 2 & 3) + (second >> 5 & 3);
                let fine = (first & 3) + (second >> 2 & 7);
                input.push_str(&format!("mams 010100000000000000000005{first:02x}"));
                if first & 0x80 != 0 {
                    input.push_str(&format!("{second:02x}"));
                }
                (0..coarse).for_each(|octet| input.push_str(&format!("{:02x}", 0xa0 + octet)));
                (0..fine).for_each(|octet| input.push_str(&format!("{:02x}", 0xf0 + octet)));
                input.push('\n');
            }
        }
        let output = run(&["dissect"], input.as_bytes());
        assert!(output.status.success());
        assert_eq!(lines(&output).len(), 32 + 32 * 6);
        let again = run(&["assemble"], &output.stdout);
        assert_eq!(String::from_utf8(again.stdout).unwrap(), input);
    }

    #[test]
    fn the_parts_of_a_time_tag() {
        let long = format!("9f7c{}{}", "01020304050607", "f0f1f2f3f4f5f6f7f8f9");
        let input = format!(
            "mams 010100000000000000000005{long}\nmams 0101000000000000000000052d0001020304\n"
        );
        let (lines, code) = dissect(&input);
        assert_eq!(code, Some(0));
        assert_eq!(
            lines[0]["time_tag"],
            serde_json::json!({
                "p_field": 0x9f, "p_field_extension": 1, "p_field_second": 0x7c, "time_code_id": 1,
                "coarse_octets": 7, "fine_octets": 10, "coarse": 0x0001_0203_0405_0607_u64,
                "fine": "f0f1f2f3f4f5f6f7f8f9",
            })
        );
        assert_eq!(
            lines[1]["time_tag"],
            serde_json::json!({
                "p_field": 0x2d, "p_field_extension": 0, "time_code_id": 2,
                "coarse_octets": 4, "fine_octets": 1, "coarse": 0x0001_0203, "fine": 4,
            })
        );
    }

    #[test]
    fn reserved_bits_come_back() {
        let subscribe =
            "mams 180100000300000903000001 1c00000001 000180000000001800".replace(' ', "");
        let input = format!(
            "mams {}\nrams 32ff80020000000000020000\naams 06000001000003ff0000000000010000\n",
            subscribe.trim_start_matches("mams")
        );
        let output = run(&["dissect"], input.as_bytes());
        for line in lines(&output) {
            assert_eq!(line["deviations"], serde_json::json!(["reserved_bits"]));
        }
        assert_eq!(String::from_utf8(run(&["assemble"], &output.stdout).stdout).unwrap(), input);
    }

    #[test]
    fn assemble_says_which_field_of_which_line() {
        let good = &run(&["dissect"], format!("rams {DECLARATION}\n").as_bytes()).stdout;
        let good = str::from_utf8(good).unwrap();
        let input = [
            "{\"kind\":\"rams\"}\n",
            good,
            &good.replace("\"unit_number\":0", "\"unit_number\":65536"),
            &good.replace("\"control_code\":2", "\"control_code\":9"),
            &good.replace("\"rams\"", "\"post\""),
            &good.replace("\"destination_id_number\":0", "\"destination_id_number\":3"),
            "{\"kind\":\"mams\",\"error\":\"mpdu_truncated\"}\n",
            "[1]\n",
            "{\n",
            good,
        ]
        .concat();
        let output = run(&["assemble"], input.as_bytes());
        assert_eq!(output.status.code(), Some(1));
        let twice = format!("rams {DECLARATION}\nrams {DECLARATION}\n");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), twice);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let faults: Vec<_> = stderr.lines().collect();
        assert_eq!(
            &faults[..4],
            [
                "line 1: control_code: is missing",
                "line 3: unit_number: expected an integer from 0 to 65535, found 65536",
                "line 4: control_code: expected 2 to 6, found 9",
                "line 5: kind: expected one of mams, aams, rams, amp, southbound, found \"post\"",
            ]
        );
        assert!(faults[4].starts_with("line 6: this would be ill-formed: envelope field not zero"));
        assert!(faults[5].starts_with("line 7: this is no PDU"));
        assert_eq!(faults[6], "line 8: expected an object, found [1]");
        assert!(faults[7].starts_with("line 9: not JSON"));
        assert_eq!(faults.len(), 8);
    }

    #[test]
    fn assemble_names_the_place_within_a_list() {
        let (lines, _) = dissect("mams 1601000003000017 00000000 1c00000001\n");
        assert_eq!(lines[0]["error"], "supplement_truncated");
        let status = r#"{"unit_number":0,"module_number":1,"role_number":3,"contact_summary":
            {"mams_endpoint_name":"a","delivery_vector_list":[{"delivery_vector_number":1,
            "delivery_point_names":["udp"]}]},"declaration":{"subscription_list":[],"invitation_list":[]}}"#;
        let input = format!(
            r#"{{"kind":"mams","checksum_flag":0,"mpdu_type":22,"sender_venture_number":1,
            "sender_unit_number":0,"sender_role_number":3,"reference":0,"time_tag":{{"p_field":28,"coarse":1}},
            "supplementary_data":{{"module_status_list":[{status}]}}}}"#
        )
        .replace('\n', "");
        let output = run(&["assemble"], input.as_bytes());
        let stderr = String::from_utf8(output.stderr).unwrap();
        let place = "supplementary_data.module_status_list[0].contact_summary\
                     .delivery_vector_list[0].delivery_point_names[0]";
        assert!(stderr.contains(place), "{stderr}");
    }

    #[test]
    fn ports_without_a_capture_are_a_mistake() {
        assert_eq!(run(&["dissect", "--mams", "1"], b"").status.code(), Some(2));
        assert_eq!(run(&["dissect", "--pcap", "x"], b"").status.code(), Some(2));
        let two = run(&["dissect", "--pcap", "x", "--mams", "1", "--aams", "1"], b"");
        assert!(String::from_utf8(two.stderr).unwrap().contains("port 1 is given for two kinds"));
        let none = run(&["dissect", "--pcap", "/nonexistent", "--mams", "1"], b"");
        assert!(String::from_utf8(none.stderr).unwrap().contains("/nonexistent"));
    }
}

mod captures {
    use super::*;

    const ETHERNET: u32 = 1;

    /// Dissects a capture file of these octets.
    fn dissect(octets: &[u8], ports: &[&str]) -> (Vec<Value>, Option<i32>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(octets).unwrap();
        let mut arguments = vec!["dissect", "--pcap", file.path().to_str().unwrap()];
        arguments.extend_from_slice(ports);
        let output = run(&arguments, b"");
        (lines(&output), output.status.code())
    }

    /// A pcap file of these frames, a second apart; a frame may be longer than
    /// what was captured of it.
    fn pcap(link: u32, frames: &[(&[u8], usize)]) -> Vec<u8> {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, link] {
            file.extend_from_slice(&u32::to_le_bytes(word));
        }
        for (second, &(frame, captured)) in frames.iter().enumerate() {
            let second = 1_795_300_000 + u32::try_from(second).unwrap();
            let lengths = [captured, frame.len()].map(|length| u32::try_from(length).unwrap());
            for word in [second, 250_000, lengths[0], lengths[1]] {
                file.extend_from_slice(&u32::to_le_bytes(word));
            }
            file.extend_from_slice(&frame[..captured]);
        }
        file
    }

    fn whole(frames: &[Vec<u8>]) -> Vec<(&[u8], usize)> {
        frames.iter().map(|frame| (frame.as_slice(), frame.len())).collect()
    }

    /// An IPv4 packet with a UDP datagram, without link header.
    fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(from, to);
        let mut octets = Vec::new();
        builder.write(&mut octets, payload).unwrap();
        octets
    }

    fn tcp(sequence: u32, payload: &[u8], syn: bool, fin: bool) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(5000, 4100, sequence, 1024);
        let builder = if syn { builder.syn() } else { builder };
        let builder = if fin { builder.fin() } else { builder };
        let mut octets = Vec::new();
        builder.write(&mut octets, payload).unwrap();
        octets
    }

    fn ethernet(ip: &[u8]) -> Vec<u8> {
        [&[0; 12][..], &[8, 0], ip].concat()
    }

    fn errors(lines: &[Value]) -> Vec<&str> {
        lines.iter().filter_map(|line| line["error"].as_str()).collect()
    }

    #[test]
    fn each_datagram_is_a_line_with_its_time_and_ends() {
        let frames = [
            ethernet(&udp(5000, 2357, &unhex(HEARTBEAT))),
            ethernet(&udp(4100, 4101, &unhex(QUERY))),
            ethernet(&udp(7, 8, b"something else")),
            // From a known port, and with padding behind the packet.
            [ethernet(&udp(4200, 9, &unhex(DECLARATION))), vec![0; 10]].concat(),
            ethernet(&udp(5000, 2357, &[1])),
        ];
        let file = pcap(ETHERNET, &whole(&frames));
        let ports = ["--mams", "2357", "--aams", "4100", "4101", "--rams", "4200"];
        let (lines, code) = dissect(&file, &ports);
        assert_eq!(code, Some(1));
        assert_eq!(lines.len(), 4);
        let names: Vec<_> = lines[0].as_object().unwrap().keys().take(5).collect();
        assert_eq!(names, ["time", "source", "destination", "kind", "version"]);
        assert_eq!(lines[0]["time"], "2026-11-21T22:26:40.250000Z");
        assert_eq!(lines[0]["source"], "10.0.0.1:5000");
        assert_eq!(lines[0]["destination"], "10.0.0.2:2357");
        assert_eq!(lines[0]["mpdu_type_name"], "heartbeat");
        assert_eq!(lines[1]["kind"], "aams");
        assert_eq!(lines[2]["kind"], "rams");
        assert_eq!(lines[3]["error"], "mpdu_truncated");
        assert_eq!(lines[3]["kind"], "mams");
    }

    #[test]
    fn every_link_type_is_read() {
        let ip = udp(5000, 2357, &unhex(HEARTBEAT));
        let mut six = Vec::new();
        PacketBuilder::ipv6([1; 16], [2; 16], 64)
            .udp(5000, 2357)
            .write(&mut six, &unhex(HEARTBEAT))
            .unwrap();
        let vlan = [&[0; 12][..], &[0x81, 0, 0, 5, 8, 0], &ip].concat();
        let links: [(u32, Vec<u8>); 8] = [
            (ETHERNET, ethernet(&ip)),
            (ETHERNET, vlan),
            (101, ip.clone()),
            (101, six.clone()),
            (0, [&[2, 0, 0, 0], &ip[..]].concat()),
            (108, [&[0, 0, 0, 24], &six[..]].concat()),
            (113, [&[0; 14][..], &[8, 0], &ip].concat()),
            (276, [&[0x86, 0xdd][..], &[0; 18], &six[..]].concat()),
        ];
        for (link, frame) in links {
            let (lines, code) = dissect(&pcap(link, &whole(&[frame])), &["--mams=2357"]);
            assert_eq!(code, Some(0), "{link}");
            assert_eq!(lines.len(), 1, "{link}");
            assert_eq!(lines[0]["mpdu_type"], 1, "{link}");
        }
        let file = pcap(147, &whole(&[ip.clone(), ip]));
        let (lines, code) = dissect(&file, &["--mams=2357"]);
        assert_eq!((errors(&lines), code), (vec!["unknown_link_type"], Some(1)));
    }

    #[test]
    fn what_was_cut_is_said_to_be() {
        let frame = ethernet(&udp(5000, 2357, &unhex(HEARTBEAT)));
        let length = frame.len();
        let cuts =
            [(&frame[..], length - 1), (&frame, 14 + 20 + 4), (&frame, 14 + 9), (&frame, length)];
        let mut octets = pcap(ETHERNET, &cuts);
        let (lines, code) = dissect(&octets, &["--mams", "2357"]);
        assert_eq!(code, Some(1));
        assert_eq!(errors(&lines), ["packet_truncated", "header_truncated", "header_truncated"]);
        assert_eq!(lines[3]["mpdu_type"], 1);

        octets.truncate(octets.len() - 3);
        let (lines, code) = dissect(&octets, &["--mams", "2357"]);
        assert_eq!(code, Some(1));
        assert_eq!(errors(&lines)[3..], ["capture_truncated"]);

        let output = run(&["dissect", "--pcap", "Cargo.toml", "--mams", "2357"], b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(!output.stderr.is_empty());
    }

    /// `ip` in fragments of 16 octets.
    fn fragments(ip: &[u8]) -> Vec<Vec<u8>> {
        let (header, body) = ip.split_at(20);
        let count = body.chunks(16).count();
        let fragment = |(index, part): (usize, &[u8])| {
            let mut octets = [header, part].concat();
            let length = u16::try_from(octets.len()).unwrap();
            octets[2..4].copy_from_slice(&length.to_be_bytes());
            let more = if index + 1 < count { 0x2000 } else { 0 };
            let field = u16::try_from(index * 2).unwrap() | more;
            octets[6..8].copy_from_slice(&field.to_be_bytes());
            ethernet(&octets)
        };
        body.chunks(16).enumerate().map(fragment).collect()
    }

    #[test]
    fn fragments_are_put_together_or_missed() {
        let mut all = fragments(&udp(5000, 2357, &unhex(HEARTBEAT)));
        assert_eq!(all.len(), 2);
        all.reverse();
        let (lines, code) = dissect(&pcap(ETHERNET, &whole(&all)), &["--mams", "2357"]);
        assert_eq!((lines.len(), code), (1, Some(0)));
        assert_eq!(lines[0]["mpdu_type"], 1);
        assert_eq!(lines[0]["source"], "10.0.0.1:5000");

        all.pop();
        let (lines, code) = dissect(&pcap(ETHERNET, &whole(&all)), &["--mams", "2357"]);
        assert_eq!((errors(&lines), code), (vec!["fragments_missing"], Some(1)));
    }

    #[test]
    fn messages_in_a_tcp_stream_are_found_wherever_the_segments_end() {
        let query = unhex(QUERY);
        let stream: Vec<u8> =
            [&[0, 18][..], &query, &[0, 18], &query, &[0, 18], &query[..4]].concat();
        let frames = [
            tcp(999, &[], true, false),
            tcp(1000, &stream[..1], false, false),
            tcp(1021, &stream[21..30], false, false),
            tcp(1001, &stream[1..21], false, false),
            tcp(1021, &stream[21..30], false, false),
            tcp(1030, &stream[30..], false, true),
        ];
        let file = pcap(ETHERNET, &whole(&frames));
        let (lines, code) = dissect(&file, &["--aams", "4100"]);
        assert_eq!(code, Some(1));
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["context_number"], 44);
        assert_eq!(lines[1]["context_number"], 44);
        assert_eq!(lines[1]["destination"], "10.0.0.2:4100");
        assert_eq!(errors(&lines), ["stream_message_truncated"]);
        // The same, but the capture ends before the connection does.
        let file = pcap(ETHERNET, &whole(&frames[..4]));
        let (lines, code) = dissect(&file, &["--aams", "4100"]);
        assert_eq!((lines.len(), code), (2, Some(1)));
        assert_eq!(errors(&lines), ["stream_message_truncated"]);
    }

    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let length = u32::try_from(12 + body.len() + padding).unwrap().to_be_bytes();
        [&kind.to_be_bytes(), &length, body, &vec![0; padding], &length[..]].concat()
    }

    /// Big-endian, two interfaces, times in units of 2^-10 s on the second.
    #[test]
    fn pcapng_has_interfaces_each_with_its_clock() {
        let ip = udp(5000, 2357, &unhex(HEARTBEAT));
        let section = [&0x1a2b_3c4d_u32.to_be_bytes(), &[0, 1, 0, 0][..], &[0xff; 8]].concat();
        let interface =
            |link: u8, options: &[u8]| block(1, &[&[0, link, 0, 0, 0, 0, 0, 0], options].concat());
        let packet = |interface: u8, ticks: u64, octets: &[u8]| {
            let length = u32::try_from(octets.len()).unwrap().to_be_bytes();
            let head = [&[0, 0, 0, interface], &ticks.to_be_bytes()[..], &length, &length].concat();
            block(6, &[&head, octets].concat())
        };
        let seconds = 1_795_300_000_u64;
        let octets = [
            block(0x0a0d_0d0a, &section),
            interface(1, &[]),
            interface(101, &[0, 9, 0, 1, 0x8a, 0, 0, 0, 0, 0, 0, 0]),
            packet(0, seconds * 1_000_000 + 7, &ethernet(&ip)),
            packet(1, seconds * 1024 + 512, &ip),
            packet(2, 0, &ip),
            block(
                3,
                &[&u32::try_from(ethernet(&ip).len()).unwrap().to_be_bytes(), &ethernet(&ip)[..]]
                    .concat(),
            ),
        ]
        .concat();
        let (lines, code) = dissect(&octets, &["--mams", "2357"]);
        assert_eq!(code, Some(1));
        let times: Vec<_> = lines.iter().map(|line| line["time"].as_str()).collect();
        assert_eq!(
            times,
            [Some("2026-11-21T22:26:40.000007Z"), Some("2026-11-21T22:26:40.500000Z"), None, None]
        );
        assert_eq!(errors(&lines), ["unknown_interface"]);
        assert_eq!(lines[3]["mpdu_type"], 1);
    }
}

mod southbound {
    use super::*;

    const MESSAGES: &str = "\
southbound 0801120b10011a0165320412022f30
southbound aalyria.spacetime.scheduling.v1alpha.ReceiveRequestsMessageToController 120408011200
southbound aalyria.spacetime.scheduling.v1alpha.ResetRequest 0a0161
southbound google.protobuf.Timestamp 08f4c8f5b106
southbound aalyria.spacetime.api.telemetry.v1alpha.ExportMetricsRequest 12030a0172
southbound
";

    #[test]
    fn a_line_may_name_its_message_and_comes_again() {
        let output = run(&["dissect"], MESSAGES.as_bytes());
        assert!(output.status.success());
        let said = lines(&output);
        let entry = &said[0]["json"]["create_entry"];
        assert_eq!((&entry["seqno"], &entry["delete_route"]["to"]), (&"1".into(), &"/0".into()));
        assert_eq!(
            said[1]["json"]["response"],
            serde_json::json!({ "request_id": "1", "status": {} })
        );
        assert_eq!(said[3]["json"], "2024-05-10T00:04:04Z");
        assert_eq!(said[4]["json"]["modem_metrics"][0]["demodulator_id"], "r");
        assert_eq!(said[5]["json"], serde_json::json!({}));
        assert!(said.iter().all(|line| line["canonical"] == true));
        let again = run(&["assemble"], &output.stdout);
        assert_eq!(str::from_utf8(&again.stdout).unwrap(), MESSAGES);
        // A name without its package is enough.
        let (short, _) = dissect("southbound ResetRequest 0A 0161");
        assert_eq!(short[0], said[2]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let (said, code) = dissect(
            "southbound 1a021a05\nsouthbound Goodbye 00\nsouthbound 0\n\
             southbound DeleteEntryRequest 10818080000a0161\n",
        );
        assert_eq!(code, Some(1));
        assert_eq!(said[0]["error"], "length_delimited_truncated");
        assert_eq!((said[0]["offset"].as_u64(), said[0]["value"].as_u64()), (Some(4), Some(5)));
        assert!(
            said[0]["message"].as_str().unwrap().contains("5 octets needed at octet 4, 0 left")
        );
        assert_eq!(said[1]["error"], "unknown_message");
        assert_eq!(said[2]["error"], "not_hex");
        // What is not in its normal form says so, and is assembled in it.
        assert_eq!(said[3]["canonical"], false);
        let again = run(&["assemble"], format!("{}\n", said[3]).as_bytes());
        let normal =
            "southbound aalyria.spacetime.scheduling.v1alpha.DeleteEntryRequest 0a01611001\n";
        assert_eq!(str::from_utf8(&again.stdout).unwrap(), normal);

        let input = "{\"kind\":\"southbound\",\"message\":\"Goodbye\",\"json\":{}}\n\
            {\"kind\":\"southbound\",\"json\":{\"request_id\":\"x\"}}\n";
        let output = run(&["assemble"], input.as_bytes());
        assert_eq!(output.status.code(), Some(1));
        let errors = str::from_utf8(&output.stderr).unwrap();
        assert!(errors.starts_with("line 1: message: expected the name of a message"), "{errors}");
        assert!(errors.contains("line 2: json.request_id: expected an integer from"), "{errors}");
    }
}

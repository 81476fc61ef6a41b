//! MIB files: the formats give the same MIB, and errors point at what is wrong.
#![cfg(feature = "std")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that stops has failed"
)]

#[path = "mib/any_text.rs"]
mod any_text;
#[cfg(feature = "cli")]
#[path = "mib/command.rs"]
mod command;
#[path = "mib/errors.rs"]
mod errors;
#[path = "mib/keys.rs"]
mod keys;

use core::time::Duration;

use any_text::any_text;
use farpost::ams::ids::{RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Introduction, Mib, Policy, ReconnectionPolicy, Timers};
use farpost::host::mib::{
    Bump, Format, KeyStore, NoKeys, Position, from_amsrc, from_toml, from_xml, load, to_toml,
};
use farpost::host::net::NameStyle;
use proptest::prelude::*;

const SENSING: &str = include_str!("../examples/mib/sensing.toml");
const TOML: &str = include_str!("mib/network.toml");
const AMSRC: &str = include_str!("mib/network.amsrc");
const XML: &str = include_str!("mib/network.xml");

/// The keys the samples name.
struct Keys;

impl KeyStore for Keys {
    fn key(&self, name: &str) -> Option<Vec<u8>> {
        let octets: &[u8] = match name {
            "server_pub" => &[1],
            "server" => &[1, 2],
            "registrar_pub" => &[3],
            "registrar" => &[3, 4],
            "ssd_pub" => &[5],
            "ssd" => &[5, 6],
            "subject" => &[0xbe, 0xef],
            _ => return None,
        };
        Some(octets.into())
    }
}

#[test]
fn the_three_formats_give_the_same_mib() {
    let arena = Bump::new();
    let toml = from_toml(&arena, TOML, "network.toml").unwrap();
    assert_eq!(from_amsrc(&arena, AMSRC, "network.amsrc", &Keys), Ok(toml));
    assert_eq!(from_xml(&arena, XML, "network.xml", &Keys), Ok(toml));
}

#[test]
fn line_ends_of_either_kind_are_the_same() {
    let arena = Bump::new();
    let text = AMSRC.replace('\n', "\r\n");
    let expected = from_amsrc(&arena, AMSRC, "lf", &Keys);
    assert_eq!(from_amsrc(&arena, &text, "crlf", &Keys), expected);
}

/// Each of the samples of two continua has the other's gateway where it is.
#[test]
fn the_samples_of_two_continua_fit_one_another() {
    let arena = Bump::new();
    let [field, centre] =
        ["field", "centre"].map(|name| load(&arena, format!("examples/mib/{name}.toml")).unwrap());
    for (one, other) in [(&field, &centre), (&centre, &field)] {
        let [venture] = one.ventures else { panic!("there is one") };
        let [space] = venture.remote else { panic!("there is one") };
        assert_eq!(space.continuum, other.continuum.number);
        assert_eq!(space.gateway, other.ventures.first().unwrap().gateway);
        assert_eq!(one.continua.first().map(|it| it.name), Some(other.continuum.name));
        assert_ne!(one.config_servers, other.config_servers);
    }
}

#[test]
fn the_sample_says_what_it_seems_to() {
    let arena = Bump::new();
    let mib = load(&arena, "examples/mib/sensing.toml").unwrap();
    assert_eq!(mib.timers, Timers::NOMINAL);
    assert_eq!(mib.transports, Mib::new(mib.continuum.number, "").transports);
    assert_eq!((mib.checksums, mib.tai_minus_utc), (true, 37));
    let venture = mib.venture(VentureNumber(1)).unwrap();
    assert_eq!(venture.unit(UnitNumber::ROOT).unwrap().resync_period, 6);
    assert!(venture.contains(UnitNumber(1), UnitNumber(2)));
    let (ssd, ssm) = (RoleNumber(2), RoleNumber(3));
    assert!(venture.may_send(ssd, SubjectNumber(1)));
    assert!(!venture.may_send(ssd, SubjectNumber(2)));
    assert!(venture.may_receive(ssd, SubjectNumber(2)));
    assert!(venture.may_receive(ssm, SubjectNumber(1)));
}

#[test]
fn what_is_written_reads_back_the_same() {
    let arena = Bump::new();
    for text in [SENSING, TOML] {
        let mib = from_toml(&arena, text, "sample").unwrap();
        let written = to_toml(&mib).unwrap();
        assert_eq!(from_toml(&arena, &written, "written"), Ok(mib), "{written}");
    }
}

#[test]
fn a_short_toml_has_the_nominal_values() {
    let arena = Bump::new();
    let text = "config_servers = [\"@:2357\"]\ncontinuum = { number = 9, name = \"x\" }\n\
                timers.n3 = 0.25\n[[venture]]\nnumber = 1\napplication = \"a\"\nauthority = \"b\"\n";
    let mib = from_toml(&arena, text, "short").unwrap();
    let timers = Timers { n3: Duration::from_millis(250), ..Timers::NOMINAL };
    let nominal = Mib::new(mib.continuum.number, "x");
    assert_eq!(Mib { config_servers: &[], ventures: &[], ..mib }, Mib { timers, ..nominal });
    assert_eq!(mib.ventures, [farpost::ams::mib::Venture::new(VentureNumber(1), "a", "b")]);
}

#[test]
fn the_format_is_seen_by_name_or_by_content() {
    for (name, text, format) in [
        ("a.toml", "", Format::Toml),
        ("a.amsrc", "", Format::Amsrc),
        ("a.xml", "", Format::Xml),
        ("mib", "\n# x\n  *ams_mib_init", Format::Amsrc),
        ("mib", "+ams_mib_load", Format::Amsrc),
        ("mib.txt", "<?xml?>", Format::Xml),
        ("mib", "# x\nchecksums = true", Format::Toml),
        ("mib", "", Format::Toml),
    ] {
        assert_eq!(Format::of(name, text), format, "{name}: {text}");
    }
}

/// Secret keys are taken from files of their owner's alone.
fn keep_to_owner(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[test]
fn keys_of_an_ion_file_are_files_next_to_it() {
    let directory = std::env::temp_dir().join(format!("farpost-mib-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("mib.amsrc");
    std::fs::write(directory.join("plain"), [1, 2]).unwrap();
    std::fs::write(directory.join("named.hmk"), [3]).unwrap();
    keep_to_owner(&directory.join("named.hmk"));
    let text = "*ams_mib_init continuum_nbr=1 ptsname=udp pubkey=plain privkey=named\n\
                +ams_mib_add\n*csendpoint epspec=@\n-ams_mib_add\n";
    std::fs::write(&path, text).unwrap();
    let arena = Bump::new();
    let mib = load(&arena, &path);
    std::fs::write(&path, text.replace("=plain", "=../plain")).unwrap();
    let outside = load(&arena, &path);
    std::fs::remove_dir_all(&directory).unwrap();
    let mib = mib.unwrap();
    assert_eq!((mib.public_key, &*mib.private_key), ([1, 2].as_slice(), [3].as_slice()));
    assert_eq!(outside.unwrap_err().problem, "there is no key `../plain`");
}

#[test]
fn a_file_that_is_not_text_is_an_error_where_it_stops_being_so() {
    let path = std::env::temp_dir().join(format!("farpost-mib-{}.toml", std::process::id()));
    std::fs::write(&path, b"checksums = true\nx = \"\xff\"").unwrap();
    let error = load(&Bump::new(), &path).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(error.position, Some(Position { line: 2, column: 6 }));
}

#[test]
fn a_file_that_is_not_there_is_an_error_without_a_place() {
    let error = load(&Bump::new(), "no/such/file.toml").unwrap_err();
    assert_eq!(error.position, None);
    assert!(error.to_string().starts_with("no/such/file.toml: the file: "), "{error}");
}

#[test]
fn every_truncation_and_every_line_left_out_is_an_error_or_a_mib() {
    for text in [SENSING, TOML, AMSRC, XML] {
        for end in (0..text.len()).step_by(7) {
            any_text(&text.as_bytes()[..end]);
        }
        let lines: Vec<_> = text.lines().collect();
        for skipped in 0..lines.len() {
            let mut lines = lines.clone();
            lines.remove(skipped);
            any_text(lines.join("\n").as_bytes());
        }
    }
}

#[test]
fn elements_without_end_are_refused_before_they_exhaust_the_stack() {
    let arena = Bump::new();
    let text = "+ams_mib_load\n".repeat(100_000);
    let error = from_amsrc(&arena, &text, "deep", &NoKeys).unwrap_err();
    assert_eq!(error.position.unwrap().line, 17);
    let text = format!("{}{}", "<a>".repeat(60), "</a>".repeat(60));
    from_xml(&arena, &text, "deep", &NoKeys).unwrap_err();
    any_text("<a>".repeat(100_000).as_bytes());
    any_text("[".repeat(100_000).as_bytes());
    any_text(format!("a = {}", "[".repeat(100_000)).as_bytes());
    any_text(format!("a{} = 1", ".a".repeat(100_000)).as_bytes());
}

proptest! {
    #[test]
    fn any_octets_are_an_error_or_a_mib(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        any_text(&octets);
    }

    #[test]
    fn any_lines_of_the_formats_are_an_error_or_a_mib(
        lines in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(AMSRC.lines().collect::<Vec<_>>()).prop_map(String::from),
                proptest::sample::select(TOML.lines().collect::<Vec<_>>()).prop_map(String::from),
                "[-+*#]?[a-z_]{0,8}( [a-z]{1,4}=['{]?[a-z0-9\\\\]{0,4}['}]?){0,3}",
            ],
            0..30,
        ),
    ) {
        any_text(lines.join("\n").as_bytes());
    }

    #[test]
    fn any_change_of_a_sample_is_an_error_or_a_mib(
        sample in proptest::sample::select(vec![TOML, AMSRC, XML]),
        at in any::<proptest::sample::Index>(),
        octet in any::<u8>(),
    ) {
        let mut octets = sample.as_bytes().to_vec();
        let at = at.index(octets.len());
        octets[at] = octet;
        any_text(&octets);
    }
}

#[test]
fn the_profile_ion_says_what_is_not_told() {
    const ION: &str = "profile = \"ion\"\nconfig_servers = [\"@:2357\"]\n\
                       [continuum]\nnumber = 1\nname = \"here\"\n\
                       [timers]\nn1 = 2\n[policy]\nintroduction = \"modules\"\n";
    let arena = Bump::new();
    let mib = from_toml(&arena, ION, "ion.toml").unwrap();
    assert_eq!(mib.timers, Timers { n1: Duration::from_secs(2), ..Timers::ION });
    assert_eq!(mib.policy, Policy { introduction: Introduction::ByModules, ..Policy::ION });
    assert_eq!((mib.tai_minus_utc, mib.checksums), (0, true));
    assert_eq!(NameStyle::from(mib.profile), NameStyle::Decimal);
    assert_eq!(from_toml(&arena, &to_toml(&mib).unwrap(), "written"), Ok(mib));
    let venture = "[[venture]]\nnumber = 21\napplication = \"a\"\nauthority = \"b\"\n";
    let error = from_toml(&arena, &std::format!("{ION}{venture}"), "ion.toml").unwrap_err();
    let expected = "ion.toml:10:1: venture 21: its number is above 20, the greatest of ION; \
                    give it a lower number, or do without the profile `ion`";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn the_policy_is_read_and_written() {
    const POLICY: &str = r#"
config_servers = ["@:2357"]
[continuum]
number = 1
name = "here"
[policy]
census = 0
introduction = "registrar"
introduction_delay = 0.05
introduction_repeats = 2
briefing_delay = 0.03
one_status = true
refuse_late = false
refuse_inconsistent = false
refuse_moved = false
aggregation = 1.5
takeover = 3
"#;
    let arena = Bump::new();
    let mib = from_toml(&arena, POLICY, "policy.toml").unwrap();
    let expected = Policy {
        census: Some(Duration::ZERO),
        reconnection: ReconnectionPolicy { timely: false, consistent: false, unique: false },
        introduction: Introduction::ByRegistrar,
        briefing_delay: Duration::from_millis(30),
        one_status: true,
        introduction_delay: Duration::from_millis(50),
        introduction_repeats: 2,
        aggregation: Duration::from_millis(1_500),
        takeover: 3,
    };
    assert_eq!(mib.policy, expected);
    assert_eq!(from_toml(&arena, &to_toml(&mib).unwrap(), "written"), Ok(mib));
    let nominal = POLICY.split("[policy]").next().unwrap();
    assert_eq!(from_toml(&arena, nominal, "nominal.toml").unwrap().policy, Policy::NOMINAL);
    let error = from_toml(&arena, &POLICY.replace("= 1.5", "= 60"), "p.toml").unwrap_err();
    let expected = "p.toml:6:1: the policy: statuses are aggregated for N5 or longer; \
                    give a time below N5, which is N6 times twice N3";
    assert_eq!(error.to_string(), expected);
    let error = from_toml(&arena, &POLICY.replace("= 3\n", "= 256\n"), "p.toml").unwrap_err();
    assert!(error.to_string().contains("policy.takeover: 256 is out of range"), "{error}");
}

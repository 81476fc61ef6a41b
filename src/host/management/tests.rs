use std::format;
use std::fs;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::management::adm::find;
use crate::management::amp::{
    Ac, Ari, Body, Collection, Definition as Defined, Nickname, ObjectId,
};
use crate::management::amp::{Group, Object as AmpObject, Profile, TypeCode};
use crate::management::ion::{Contact, IonAdmin, IonControl, Range};
use crate::time::Utc;

const EPOCH: Epoch = Epoch::Draft2000;

/// 2026-11-29 10:00:00.
fn now() -> Now {
    Now { utc: Utc::from_unix_seconds(1_795_946_400), ..Now::default() }
}

fn words() -> Words {
    Words::new(ADMS, Profile::Draft08, EPOCH)
}

const fn object(adm: u32, index: u32) -> Object {
    Object { adm, index }
}

const CONTACT: &str = r#"
number = 2
[[contact]]
start = "2026-11-29T10:00:00Z"
stop = "2026-11-29T11:00:00Z"
from = 2
to = 3
rate = 125000
"#;

#[test]
fn controls_are_written_to_the_file_of_the_node() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("node.toml");
    fs::write(&file, "").unwrap();
    let mut node = NodeFile::open(&file, EPOCH).unwrap();
    assert!(node.state().is_none());
    let mut told = |control| node.control(now(), &control);
    let span = |start, stop| Contact { start, stop, from: 2, to: 3, rate: 9, confidence: 1 };
    assert_eq!(told(IonControl::Init(2, Some("a.rc"))), Ok(()));
    assert_eq!(told(IonControl::Init(3, None)), Err(Failed), "there is a node already");
    assert_eq!(told(IonControl::AddContact(span(0, 60))), Ok(()));
    assert_eq!(told(IonControl::AddContact(span(59, 90))), Err(Failed), "they overlap");
    assert_eq!(told(IonControl::AddContact(span(60, 90))), Ok(()));
    assert_eq!(told(IonControl::RemoveContact(Some(60), 2, 3)), Ok(()));
    assert_eq!(told(IonControl::RemoveContact(None, 3, 2)), Err(Failed), "there is none");
    let range = Range { start: 0, stop: 60, node: 2, other: 3, distance: 4 };
    assert_eq!(told(IonControl::AddRange(range)), Ok(()));
    assert_eq!(told(IonControl::AddRange(range)), Err(Failed), "they overlap");
    assert_eq!(told(IonControl::InboundLimits(Some(5), None)), Ok(()));
    assert_eq!(told(IonControl::InboundLimits(None, Some(6))), Ok(()));
    assert_eq!(told(IonControl::ConsumptionRate(Some(7))), Ok(()));
    assert_eq!(told(IonControl::ConsumptionRate(None)), Ok(()));
    assert_eq!(told(IonControl::TimeDelta(-8)), Ok(()));

    let mut again = NodeFile::open(&file, EPOCH).unwrap();
    let seconds = EPOCH.seconds(now().utc);
    let contact = Contact { start: seconds, stop: seconds + 60, ..span(0, 60) };
    assert_eq!((again.contact(0), again.contact(1)), (Some(contact), None));
    let range = Range { start: seconds, stop: seconds + 60, ..range };
    assert_eq!((again.range(0), again.range(1)), (Some(range), None));
    let state = again.state().unwrap();
    assert_eq!((state.number, state.time_delta, state.clock_error), (2, -8, 1));
    assert_eq!((state.inbound_heap_limit, state.inbound_file_system_limit), (Some(5), Some(6)));
    assert_eq!((state.consumption_rate, state.ref_time), (None, None));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("start = \"2026-11-29T10:00:00Z\""), "{text}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn relative_times_are_after_the_reference_time_of_the_node() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("node.toml");
    fs::write(&file, "number = 2\nref_time = \"2027-01-01T00:00:00Z\"\n").unwrap();
    let mut node = NodeFile::open(&file, EPOCH).unwrap();
    let range = Range { start: 10, stop: 70, node: 2, other: 3, distance: 4 };
    assert_eq!(node.control(now(), &IonControl::AddRange(range)), Ok(()));
    let reference = EPOCH.seconds(Utc::from_unix_seconds(1_798_761_600));
    assert_eq!(node.range(0).map(|range| range.start), Some(reference + 10));
    let after = IonControl::RefTime(crate::management::amp::TimeValue::After(60));
    assert_eq!(node.control(now(), &after), Ok(()));
    assert_eq!(node.state().unwrap().ref_time, Some(reference + 60));
}

#[test]
fn a_file_that_is_edited_is_read_again_and_a_bad_one_is_not_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("node.toml");
    fs::write(&file, CONTACT).unwrap();
    let mut node = NodeFile::open(&file, EPOCH).unwrap();
    fs::write(&file, CONTACT.replace("number = 2", "number = 7\nclock_sync = true")).unwrap();
    let state = node.state().unwrap();
    assert_eq!((state.number, state.clock_sync), (7, true));
    assert_eq!(node.take_problem(), None);
    for (text, problem) in [
        ("number = ", "TOML parse error"),
        ("numbre = 7", "unknown field `numbre`"),
        ("number = 0", "no node has the number 0"),
        (&CONTACT.replace("11:00", "09:00"), "a contact ends before it starts"),
        (&CONTACT.replace("2026-11-29T10", "2016-11-29T10"), "which AMP cannot tell"),
        (&CONTACT.replace("rate = 125000", "rate = 1\nconfidence = 2"), "is 0 or 1"),
        (&CONTACT.replace("2026-11-29T10:00:00Z", "ten"), "`ten` is no time"),
    ] {
        fs::write(&file, text).unwrap();
        assert_eq!(node.control(now(), &IonControl::ClockError(9)), Err(Failed), "{text}");
        assert_eq!(fs::read_to_string(&file).unwrap(), *text);
        let told = node.take_problem().unwrap().to_string();
        assert!(told.contains(problem), "{told}");
        assert_eq!(node.state().unwrap().number, 7, "what was there before holds");
        assert!(NodeFile::open(&file, EPOCH).is_err(), "{text}");
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(node.control(now(), &IonControl::ClockError(9)), Err(Failed));
    assert!(node.take_problem().is_some());
}

#[test]
fn what_would_make_no_file_of_a_node_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("node.toml");
    let early = "number = 2\nref_time = \"1999-01-01T00:00:00Z\"\n";
    fs::write(&file, early).unwrap();
    let mut node = NodeFile::open(&file, EPOCH).unwrap();
    let contact = Contact { start: 0, stop: 60, from: 2, to: 3, rate: u64::MAX, confidence: 1 };
    assert_eq!(node.control(now(), &IonControl::AddContact(contact)), Err(Failed));
    let told = node.take_problem().unwrap().to_string();
    assert!(told.contains("which AMP cannot tell"), "{told}");
    assert_eq!(node.contact(0), None);
    assert_eq!(fs::read_to_string(&file).unwrap(), early);
    // The greatest number is none of this.
    fs::write(&file, "number = 2\n").unwrap();
    assert_eq!(node.control(now(), &IonControl::AddContact(contact)), Ok(()));
    let mut again = NodeFile::open(&file, EPOCH).unwrap();
    assert_eq!(again.contact(0).map(|contact| contact.rate), Some(u64::MAX));
}

fn system() -> (tempfile::TempDir, HostSystem) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (file, text) in [
        ("uptime", "1234.56 2345.67\n"),
        ("loadavg", "0.25 1.50 2.75 1/100 42\n"),
        ("meminfo", "MemTotal:       1000 kB\nMemFree:         7 kB\nMemAvailable:    500 kB\n"),
        ("sys/kernel/hostname", "mast-1\n"),
        (
            "net/dev",
            "Inter-|   Receive\n face |bytes\n    lo: 11 12 0 0 0 0 0 0 13 14 0 0 0 0 0 0\n  eth0:21 22 0 0 0 0 0 0 23 24 0 0 0 0 0 0\n",
        ),
    ] {
        let file = path.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let system = HostSystem::new(path);
    (directory, system)
}

#[test]
fn the_host_is_told_by_the_types_of_its_adm() {
    let (directory, mut system) = system();
    let expected = [
        Value::Str("mast-1"),
        Value::Uint(1_234),
        Value::Real32(0.25),
        Value::Real32(1.5),
        Value::Real32(2.75),
        Value::Uvast(1_024_000),
        Value::Uvast(512_000),
    ];
    for (index, (expected, edd)) in (0..).zip(expected.iter().zip(HOST.data)) {
        let collected = system.collect(now(), object(HOST.enumeration, index), &[]);
        assert_eq!(collected, Ok(Collected::fresh(*expected)));
        assert_eq!(expected.code(), edd.code);
    }
    assert_eq!(system.collect(now(), object(HOST.enumeration, 7), &[]), Err(Failed));
    assert_eq!(system.collect(now(), object(9, 0), &[]), Err(Failed));
    assert_eq!(system.control(now(), object(HOST.enumeration, 0), &[]), Err(Failed));
    let mut rows = Vec::new();
    for row in 0..3 {
        let mut cells = Vec::new();
        let there = system.row(now(), object(HOST.enumeration, 0), row, &mut |value| {
            cells.push(words().value(&value));
        });
        rows.push((there, cells));
    }
    let cells = |name: &str, from: u64| {
        vec![json!(name), json!(from), json!(from + 1), json!(from + 2), json!(from + 3)]
    };
    assert_eq!(rows, [(true, cells("lo", 11)), (true, cells("eth0", 21)), (false, vec![])]);
    // A system that tells of nothing.
    drop(directory);
    for index in 0..7 {
        assert_eq!(system.collect(now(), object(HOST.enumeration, index), &[]), Err(Failed));
    }
    assert!(!system.row(now(), object(HOST.enumeration, 0), 0, &mut |_| {}));
}

#[test]
fn the_template_of_the_host_has_all_its_data() {
    let [template] = HOST.report_templates else { panic!("one template") };
    let parts = Ac::parse(template.contents, Profile::Draft08).unwrap();
    let ids: Vec<_> = parts.iter().map(|part| part.object_id().unwrap()).collect();
    let nickname = Nickname::new(HOST.enumeration, Collection::EDD);
    let all = (0..HOST.data.len()).map(|index| ObjectId { nickname, index: index as u64 });
    assert_eq!(ids, all.collect::<Vec<_>>());
}

#[test]
fn applications_are_asked_by_their_adms() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("node.toml");
    fs::write(
        &file,
        format!("version = \"4.1.3\"\nref_time = \"2027-01-01T00:00:00Z\"\n{CONTACT}"),
    )
    .unwrap();
    let (_kept, system) = system();
    let node = NodeFile::open(&file, EPOCH).unwrap();
    let mut host = HostApplication::new(system, Some(node), EPOCH);
    assert_eq!(host.adms().len(), 2);
    for (index, edd) in (0..).zip(ION_ADMIN.data) {
        match host.collect(now(), object(ENUMERATION, index), &[]) {
            Ok(collected) => assert_eq!(collected.value.code(), edd.code),
            // The limits, which are not known.
            Err(Failed) => assert!([5, 6, 8, 9].contains(&index), "{index}"),
        }
    }
    let version = host.collect(now(), object(ENUMERATION, 13), &[]);
    assert_eq!(version, Ok(Collected::fresh(Value::Str("4.1.3"))));
    assert_eq!(host.control(now(), object(ENUMERATION, 1), &[Value::Uint(60)]), Ok(()));
    assert_eq!(host.control(now(), object(HOST.enumeration, 1), &[Value::Uint(60)]), Err(Failed));
    assert_eq!(host.node().unwrap().state().unwrap().clock_error, 60);
    let mut cells = 0;
    assert!(host.row(now(), object(ENUMERATION, 0), 0, &mut |_| cells += 1));
    assert!(host.row(now(), object(HOST.enumeration, 0), 0, &mut |_| cells += 1));
    assert_eq!(cells, 11);

    let mut alone = HostApplication::new(HostSystem::default(), None, EPOCH);
    assert_eq!(alone.adms().len(), 1);
    assert_eq!(alone.collect(now(), object(ENUMERATION, 0), &[]), Err(Failed));
    assert_eq!(alone.control(now(), object(ENUMERATION, 1), &[Value::Uint(60)]), Err(Failed));
    assert!(!alone.row(now(), object(ENUMERATION, 0), 0, &mut |_| {}));
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A report of that template, with these entries.
fn report(template: &str, entries: &str) -> Vec<u8> {
    unhex(&format!("82{}{entries}", hex(&words().read(template).unwrap())))
}

fn told(words: &mut Words, octets: &[u8]) -> serde_json::Value {
    let report = AmpObject::parse(octets, TypeCode::RPT, Profile::Draft08).unwrap();
    let Defined::Rpt(report) = report.definition() else { panic!("a report") };
    words.report(600_000_000, &report).into()
}

#[test]
fn a_report_is_told_by_what_its_template_has() {
    let mut words = words();
    // Of one thing.
    let clock = "ari:/DTN/ION/ionadmin/Edd.clock_error";
    let expected = json!({"template": clock, "made": "2019-01-05T10:40:00Z",
                          "values": [{"of": clock, "type": "UINT", "value": 4}]});
    assert_eq!(told(&mut words, &report(clock, "05011404")), expected);
    // Of a template that nobody here has defined, and then somebody has.
    let octets = report("ari:/M1/RPTT.T1", "050214140405");
    let unnamed = json!([{"type": "UINT", "value": 4}, {"type": "UINT", "value": 5}]);
    assert_eq!(told(&mut words, &octets)["values"], unnamed);
    let define = format!("ari:/Amp/Agent/Ctrl.add_rptt(ari:/M1/RPTT.T1, [{clock}, (UINT) 5])");
    let define = words.read(&define).unwrap();
    words.learn(&Ari::parse(&define, Profile::Draft08).unwrap());
    let named = told(&mut words, &octets);
    assert_eq!(
        (&named["values"][0]["of"], &named["values"][1]["of"]),
        (&json!(clock), &json!("(UINT) 5"))
    );
    // Of what is defined otherwise now: as many values as there are, and no names.
    let more = told(&mut words, &report("ari:/M1/RPTT.T1", "0501141404".get(..8).unwrap()));
    assert_eq!(more["values"], json!([{"type": "UINT", "value": 20}]));
    // Of a description, which is learnt.
    let id = hex(&words.read("ari:/M1/RPTT.T2").unwrap());
    let contents = hex(&words.read(clock).unwrap());
    let octets = report(
        "ari:/Amp/Agent/Ctrl.desc_rptt([ari:/M1/RPTT.T2])",
        &format!("05022425{id}81{contents}"),
    );
    let line = told(&mut words, &octets);
    assert_eq!(line["values"][1], json!({"of": "definition", "type": "AC", "value": [clock]}));
    let line = told(&mut words, &report("ari:/M1/RPTT.T2", "05011404"));
    assert_eq!(line["values"][0]["of"], clock);
}

/// What ION's nm has encoded, with the times of the draft's examples.
#[test]
fn what_ion_reports_is_told_by_name() {
    let vectors = include_str!("../../../tests/vectors/amp.json");
    let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).unwrap();
    let all = vectors.iter().find(|vector| vector["name"] == "grp.all").unwrap();
    let octets = unhex(all["hex"].as_str().unwrap());
    let group = Group::parse(&octets, Profile::IonCompat).unwrap();
    let mut words = Words::new(ADMS, Profile::IonCompat, EPOCH);
    let (mut reports, mut tables) = (Vec::new(), Vec::new());
    for message in group.messages() {
        match message.body() {
            Body::ReportSet(_, set) => {
                reports.extend(set.map(|report| words.report(group.time(), &report)));
            }
            Body::TableSet(_, set) => {
                tables.extend(set.map(|table| words.table(group.time(), &table)));
            }
            Body::PerformControl(_, controls) => {
                let texts: Vec<_> = controls.iter().map(|control| words.ari(&control)).collect();
                assert!(texts.iter().all(|text| !text.contains('#')), "{texts:?}");
            }
            Body::RegisterAgent(id) => assert_eq!(id, b"ipn:2.5"),
        }
    }
    let [report] = &reports[..] else { panic!("one report") };
    assert_eq!(report["template"], "ari:/M1/RPTT.T1");
    assert_eq!(report["made"], "2019-01-05T10:40:00Z");
    let [table] = &tables[..] else { panic!("one table") };
    let first = json!({
        "start_time": "2019-01-05T10:40:00Z", "stop_time": "2019-01-05T11:40:00Z",
        "source_node": 1, "dest_node": 2, "xmit_data": 125_000, "confidence": 1,
    });
    assert_eq!(
        (&table["template"], &table["rows"][0]),
        (&json!("ari:/DTN/ION/ionadmin/Tblt.contacts"), &first)
    );
}

#[test]
fn a_template_within_itself_has_no_names() {
    let mut words = words();
    let define = words.read("ari:/Amp/Agent/Ctrl.add_rptt(ari:/RPTT.T, [ari:/RPTT.T])").unwrap();
    words.learn(&Ari::parse(&define, Profile::Draft08).unwrap());
    let line = told(&mut words, &report("ari:/RPTT.T", "05011404"));
    assert_eq!(line["values"], json!([{"type": "UINT", "value": 4}]));
}

#[test]
fn every_value_has_a_form() {
    let words = words();
    for (value, expected) in [
        (Value::Real32(0.1), json!(0.1)),
        (Value::Real64(f64::INFINITY), json!("inf")),
        (Value::Bytes(&[1, 255]), json!("01ff")),
        (Value::Tv(60), json!(60)),
        (Value::Tv(600_000_000), json!("2019-01-05T10:40:00Z")),
        (Value::Ts(0), json!("2000-01-01T00:00:00Z")),
        (Value::Ts(u64::MAX), json!(u64::MAX)),
    ] {
        assert_eq!(words.value(&value), expected);
    }
}

#[test]
fn objects_of_permissions_are_named() {
    for adm in ADMS {
        let object = find(ADMS, ObjectId { nickname: adm.nickname(Collection::EDD), index: 0 });
        assert!(object.is_some());
    }
    let one: Objects = "farpost/host/Tblt.interfaces".parse().unwrap();
    let access = one.allowed(crate::management::agent::Managers::ALL);
    assert_eq!(
        (access.adm, access.collection, access.index),
        (HOST.enumeration, Collection::TBLT, Some(0))
    );
    let unknown = "farpost/host".parse::<Objects>().unwrap_err();
    assert!(unknown.to_string().contains("`farpost/host` is no object that is known"));
}

proptest! {
    /// Whatever an agent reports is told, value by value.
    #[test]
    fn any_report_is_told(
        template in prop::sample::select(&[
            "ari:/Amp/Agent/Rptt.full_report", "ari:/farpost/host/Rptt.state",
            "ari:/Amp/Agent/Ctrl.desc_rptt([ari:/RPTT.T])", "ari:/Amp/Agent/Ctrl.desc_rule([])",
            "ari:/RPTT.T", "ari:/DTN/ION/ionadmin/Edd.version", "(UINT) 4",
        ][..]),
        entries in prop::collection::vec(any::<u8>(), 1..40))
    {
        for length in 1..=entries.len() {
            let octets = report(template, &hex(&entries[..length]));
            let Ok(parsed) = AmpObject::parse(&octets, TypeCode::RPT, Profile::Draft08) else {
                continue;
            };
            let Defined::Rpt(parsed) = parsed.definition() else { panic!("a report") };
            let line = serde_json::Value::from(words().report(0, &parsed));
            let values = line["values"].as_array().unwrap();
            prop_assert_eq!(values.len(), parsed.parts().entries.len() as usize);
            prop_assert_eq!(&line["made"], &serde_json::Value::Null);
        }
    }

    /// Whatever is in a file is a node, or told.
    #[test]
    fn any_text_is_a_node_or_refused(
        lines in prop::collection::vec(prop::sample::select(&[
            "number = 2", "number = -1", "version = \"a\"", "clock_error = 4294967296", "[[contact]]",
            "start = \"2026-11-29T10:00:00Z\"", "stop = \"2026-11-29T11:00:00Z\"", "from = 2",
            "to = 3", "rate = 9", "[[range]]", "node = 2", "other = 3", "distance = 4", "[", "=",
        ][..]), 0..16))
    {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("node.toml");
        fs::write(&file, lines.join("\n")).unwrap();
        match NodeFile::open(&file, EPOCH) {
            Ok(mut node) => prop_assert_eq!(node.state().is_some(), node.number().is_some()),
            Err(problem) => prop_assert!(problem.to_string().contains("node.toml: ")),
        }
    }
}

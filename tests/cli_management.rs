//! `farpost agent` and `farpost manager`, as people run them: child processes on loopback.
#![cfg(all(unix, feature = "cli"))]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    reason = "a test that stops has failed"
)]

#[path = "cli_ams/child.rs"]
mod child;

use std::fs;

use child::{Child, Network};
use serde_json::{Value, json};

/// A node that managers may change.
const NODE: &str = r#"
number = 2
version = "4.1.3"
clock_error = 1

[[contact]]
start = "2026-11-29T10:00:00Z"
stop = "2026-11-29T11:00:00Z"
from = 2
to = 3
rate = 125000
"#;

const CLOCK_ERROR: &str = "ari:/DTN/ION/ionadmin/Edd.clock_error";

/// Starts a manager, and tells where it receives.
#[track_caller]
fn manager(network: &Network, arguments: &[&str]) -> (Child, String) {
    let arguments = [&["--udp", "127.0.0.1:0"], arguments].concat();
    let mut manager = network.start_alone("manager", &arguments);
    let endpoint = manager.event("started")["endpoint"].as_str().unwrap().to_owned();
    (manager, endpoint)
}

/// Starts an agent with one manager.
fn agent(network: &Network, endpoint: &str, arguments: &[&str]) -> Child {
    let known = format!("ipn:1.5={endpoint}");
    let own = ["--id", "ipn:2.5", "--udp", "127.0.0.1:0", "--manager", &known];
    network.start_alone("agent", &[&own, arguments].concat())
}

/// Both, with a node.
#[track_caller]
fn pair(network: &Network, more: &[&str]) -> (Child, Child) {
    network.write("node.toml", NODE);
    let (mut manager, endpoint) = manager(network, &["--stdin"]);
    let agent = agent(network, &endpoint, &[&["--node", "node.toml"], more].concat());
    assert_eq!(manager.event("registered")["agent"], "ipn:2.5");
    (manager, agent)
}

fn say(to: &mut Child, line: &str) {
    to.write(&format!("{line}\n"));
}

fn define(control: &str) -> String {
    format!("ari:/Amp/Agent/Ctrl.{control}")
}

/// The rule that reports what the clock's error is, every second and twice.
fn every_second() -> String {
    let report = define(&format!("gen_rpts([{CLOCK_ERROR}], {{}})"));
    define(&format!("add_tbr(ari:/TBR.R1, 0, 1, 2, [{report}], \"the clock\")"))
}

/// The values of a report, and what they are of.
fn values(report: &Value) -> Vec<(String, Value)> {
    let values = report["values"].as_array().unwrap();
    values.iter().map(|one| (one["of"].as_str().unwrap().into(), one["value"].clone())).collect()
}

#[test]
fn a_rule_is_defined_and_its_reports_come() {
    let network = Network::new();
    let (mut manager, mut agent) = pair(&network, &["--evaluation", "0.02"]);
    say(&mut manager, &every_second());
    let sent = manager.event("sent");
    assert_eq!(
        (&sent["letter"], &sent["line"], &sent["agent"]),
        (&1.into(), &1.into(), &"ipn:2.5".into())
    );
    assert_eq!(manager.event("done")["letter"], 1);
    for _ in 0..2 {
        let report = manager.event("report");
        assert_eq!(
            (&report["agent"], &report["template"]),
            (&"ipn:2.5".into(), &CLOCK_ERROR.into())
        );
        assert_eq!(values(&report), [(CLOCK_ERROR.into(), json!(1))]);
        assert!(report["made"].as_str().unwrap().starts_with("20"), "{report}");
    }
    // A rule that acts once something holds, and a control that has it hold.
    let report = define("gen_rpts([ari:/Amp/Agent/Rptt.full_report], {})");
    let greater = "ari:/Amp/Agent/Oper.greaterThan()";
    say(
        &mut manager,
        &define(&format!(
            "add_sbr(ari:/SBR.R2, 0, (BOOL) [{CLOCK_ERROR}, (UINT) 5, {greater}], 0, 1, [{report}], \"x\")"
        )),
    );
    assert_eq!(manager.event("done")["letter"], 2);
    say(&mut manager, "ari:/DTN/ION/ionadmin/Ctrl.node_clock_error_set(60)");
    let told = agent.event("control");
    assert_eq!(
        (&told["control"], &told["parameters"], &told["done"]),
        (&"node_clock_error_set".into(), &json!([60]), &true.into())
    );
    let report = manager.event("report");
    let all = values(&report);
    assert_eq!(all[0], ("ari:/Amp/Agent/Mdat.name".into(), "amp_agent".into()));
    assert!(all.contains(&("ari:/Amp/Agent/Edd.run_tbr".into(), json!(2))), "{report}");
    assert!(fs::read_to_string(network.path("node.toml")).unwrap().contains("clock_error = 60"));

    agent.terminate();
    assert_eq!(agent.event("stopped")["refused"], 0);
    assert_eq!(agent.status(), Some(0));
    manager.terminate();
    assert_eq!(manager.event("stopped")["reports"], 3);
    assert_eq!(manager.status(), Some(0));
}

#[test]
fn reports_and_tables_are_told_by_their_names() {
    let network = Network::new();
    let (mut manager, _agent) = pair(&network, &[]);
    say(&mut manager, r#"{"table":["ari:/DTN/ION/ionadmin/Tblt.contacts"],"agent":"ipn:2.5"}"#);
    let table = manager.event("table");
    assert_eq!(
        table["rows"],
        json!([{
            "start_time": "2026-11-29T10:00:00Z", "stop_time": "2026-11-29T11:00:00Z",
            "source_node": 2, "dest_node": 3, "xmit_data": 125_000, "confidence": 1,
        }])
    );
    // A template of the manager's: what it has is told as long as the manager runs.
    let of = ["ari:/DTN/ION/ionadmin/Edd.version", "ari:/farpost/host/Edd.hostname"];
    let add = define(&format!("add_rptt(ari:/RPTT.T1, [{}])", of.join(", ")));
    say(&mut manager, &json!({"do": add, "report": "ari:/RPTT.T1"}).to_string());
    let report = manager.event("report");
    assert_eq!(report["template"], "ari:/RPTT.T1");
    let told = values(&report);
    assert_eq!(told[0], (of[0].into(), "4.1.3".into()));
    assert_eq!(told[1].0, of[1]);
    // What is described is told by the names of its parts.
    say(&mut manager, &define("add_macro(\"m\", ari:/MAC.M1, [ari:/Amp/Agent/Ctrl.reset_counts])"));
    say(&mut manager, &define("desc_macro([ari:/MAC.M1])"));
    let macro_is = json!(["ari:/Amp/Agent/Ctrl.reset_counts"]);
    assert_eq!(
        values(&manager.event("report")),
        [("id".into(), "ari:/MAC.M1".into()), ("definition".into(), macro_is)]
    );
}

#[test]
fn what_a_manager_may_not_have_is_refused() {
    let network = Network::new();
    let (mut manager, mut agent) = pair(
        &network,
        &["--access", "DTN/ION/ionadmin/Ctrl=", "--access", "Amp/Agent/Tblt.rules="],
    );
    let clock = "ari:/DTN/ION/ionadmin/Ctrl.node_clock_error_set(60)";
    // All of it or nothing: the first control is not run either.
    say(&mut manager, &json!({"do": [every_second(), clock]}).to_string());
    let refused = manager.event("refused");
    assert_eq!((&refused["control"], &refused["code"]), (&clock.into(), &5.into()));
    assert_eq!(refused["message"], "the manager has no permission");
    let told = agent.event("refused");
    assert_eq!(told["code"], 5);
    assert!(fs::read_to_string(network.path("node.toml")).unwrap().contains("clock_error = 1"));
    say(&mut manager, r#"{"report":"ari:/Amp/Agent/Edd.num_tbr"}"#);
    assert_eq!(values(&manager.event("report"))[0].1, 0);
    manager.end_input();
    manager.terminate();
    assert_eq!(manager.status(), Some(1));
}

#[test]
fn nobody_else_is_listened_to() {
    let network = Network::new();
    let (_known, endpoint) = manager(&network, &[]);
    let mut agent = agent(&network, &endpoint, &[]);
    let at = format!("ipn:2.5={}", agent.event("started")["endpoint"].as_str().unwrap());
    let arguments = [
        "--agent",
        &at,
        "--report",
        "ari:/farpost/host/Edd.uptime",
        "--patience",
        "0.2",
        "--wait",
        "0",
    ];
    let (mut stranger, _) = manager(&network, &arguments);
    assert_eq!(agent.event("fault")["strangers"], 1);
    assert_eq!(stranger.event("unanswered")["agent"], "ipn:2.5");
    assert_eq!(stranger.event("stopped")["reports"], 0);
    assert_eq!(stranger.status(), Some(1));
}

#[test]
fn an_agent_with_a_store_goes_on_after_a_kill() {
    let network = Network::new();
    network.write("node.toml", NODE);
    let (mut manager, endpoint) = manager(&network, &["--stdin"]);
    let arguments = ["--store", "agent.store", "--node", "node.toml"];
    let mut first = agent(&network, &endpoint, &arguments);
    assert_eq!(first.event("restored")["definitions"], 0);
    manager.event("registered");
    let forever = every_second().replace("0, 1, 2", "0, 1, 0");
    say(
        &mut manager,
        &json!({"do": [forever, define("add_rptt(ari:/RPTT.T1, [(UINT) 4])")]}).to_string(),
    );
    manager.event("done");
    manager.event("report");
    first.kill();
    let mut second = agent(&network, &endpoint, &arguments);
    assert_eq!(second.event("restored")["definitions"], 2);
    // It has moved to another port, and acts without being told anything.
    let moved = manager.event("registered")["address"].clone();
    assert_eq!(moved, second.event("started")["endpoint"]);
    manager.line(|line| line["event"] == "report" && line["address"] == moved);
    say(&mut manager, r#"{"report":"ari:/RPTT.T1"}"#);
    assert_eq!(manager.event("done")["letter"], 2);
    let report = manager.line(|line| line["template"] == "ari:/RPTT.T1");
    assert_eq!(values(&report), [("(UINT) 4".into(), json!(4))]);
}

#[test]
fn what_is_asked_for_on_the_command_line_is_waited_for() {
    let network = Network::new();
    let arguments = [
        "--report",
        CLOCK_ERROR,
        "--table",
        "ari:/DTN/ION/ionadmin/Tblt.ranges",
        "--do",
        "ari:/Amp/Agent/Ctrl.reset_counts",
        "--until-reports",
        "2",
        "--profile",
        "ion",
    ];
    let (mut manager, endpoint) = manager(&network, &arguments);
    network.write("node.toml", NODE);
    let _agent = agent(&network, &endpoint, &["--node", "node.toml", "--profile", "ion"]);
    assert_eq!(manager.event("table")["rows"], json!([]));
    assert_eq!(manager.event("report")["values"][0]["value"], 1);
    assert_eq!(manager.event("stopped")["reports"], 1);
    assert_eq!(manager.status(), Some(0));
}

#[test]
fn a_line_that_makes_no_sense_is_named_and_the_next_is_done() {
    let network = Network::new();
    let (mut manager, _agent) = pair(&network, &[]);
    for (line, problem) in [
        (
            "ari:/DTN/ION/ionadmin/Edd.x",
            "expected the name of an object of that collection at octet 26",
        ),
        ("{\"report\":7}", "a text or a list of texts"),
        ("{}", "there is nothing to do"),
    ] {
        say(&mut manager, line);
        let error = manager.event("error");
        assert!(error["message"].as_str().unwrap().contains(problem), "{error}");
    }
    say(&mut manager, &json!({"report": CLOCK_ERROR}).to_string());
    assert_eq!(manager.event("sent")["line"], 4);
    manager.event("report");
}

#[test]
fn what_there_is_no_room_for_waits_for_answers() {
    let network = Network::new();
    let (mut manager, endpoint) =
        manager(&network, &["--stdin", "--agents", "1", "--until-reports", "20"]);
    for _ in 0..20 {
        say(&mut manager, r#"{"report":"ari:/Amp/Agent/Edd.num_tbr"}"#);
    }
    manager.end_input();
    let _agent = agent(&network, &endpoint, &[]);
    assert_eq!(manager.event("stopped")["reports"], 20);
    assert_eq!(manager.status(), Some(0));
}

#[test]
fn an_agent_that_does_not_come_is_not_waited_for_without_end() {
    let network = Network::new();
    let arguments =
        ["--report", CLOCK_ERROR, "--to", "ipn:9.9", "--patience", "0.1", "--wait", "0"];
    let (mut manager, _) = manager(&network, &arguments);
    let error = manager.event("error");
    assert_eq!(error["message"], "no agent `ipn:9.9` is known that this is for");
    assert_eq!(manager.status(), Some(1));
}

#[test]
fn what_cannot_be_is_said_at_once() {
    let network = Network::new();
    network.write("bad.toml", "number = 2\n[[contact]]\nstart = \"soon\"\n");
    let here = ["--udp", "127.0.0.1:0"];
    let agent = ["--id", "a", "--udp", "127.0.0.1:0", "--manager", "m=127.0.0.1:1"];
    for (command, own, arguments, problem) in [
        ("agent", &agent[..], &["--node", "none.toml"][..], "none.toml: "),
        ("agent", &agent, &["--node", "bad.toml"], "`soon` is no time"),
        ("agent", &agent, &["--store", "."], "cannot be used as a store"),
        ("agent", &agent, &["--access", "Amp/Agent/Ctrl=x"], "there is no --manager `x`"),
        ("agent", &agent, &["--access", "Amp/Agent/Ctrl.x=m"], "is no object that is known"),
        ("agent", &agent, &["--manager", "m=127.0.0.1:2"], "there are two managers `m`"),
        ("agent", &agent, &["--manager", "n=nowhere"], "`nowhere` is no HOST:PORT"),
        ("agent", &agent, &["--datagram", "1"], "a datagram has 128 to 65507 octets"),
        ("manager", &here, &["--do", "ari:/Else.x"], "at octet 5"),
        (
            "manager",
            &here,
            &["--agent", "a=127.0.0.1:1", "--agent", "b=127.0.0.1:1"],
            "two agents at 127.0.0.1:1",
        ),
        ("manager", &here, &["--agent", "a"], "an agent is such as"),
    ] {
        let mut child = network.start_alone(command, &[own, arguments].concat());
        assert_eq!(child.status(), Some(2), "{arguments:?}");
        let errors = child.errors();
        assert!(errors.contains(problem), "{errors}");
    }
}

#[test]
fn messages_of_ams_carry_it_too() {
    let network = Network::new();
    let mib = include_str!("../examples/mib/management.toml");
    network.write("ams.toml", &mib.replace("@:2361", &network.servers[0].to_string()));
    network.write("node.toml", NODE);
    let _server = network.start_by("ams.toml", "server", &[]);
    let _registrar = network.start_by("ams.toml", "registrar", &["--census", "0"]);
    let arguments = ["--role", "operator", "--stdin"];
    let mut manager = network.start_by("ams.toml", "manager", &arguments);
    manager.event("started");
    let known = ["--id", "mast-1", "--role", "agent", "--manager", "ipn:1.5=operator"];
    let more = ["--manager", "ipn:1.6=planner", "--node", "node.toml"];
    let access = ["--access", "DTN/ION/ionadmin/Ctrl=ipn:1.6"];
    let mut agent = network.start_by("ams.toml", "agent", &[&known[..], &more, &access].concat());
    let registered = manager.event("registered");
    assert_eq!(registered["agent"], "mast-1");
    assert!(registered["address"].as_str().unwrap().starts_with("1.0."), "{registered}");
    say(&mut manager, &every_second());
    assert_eq!(manager.event("done")["letter"], 1);
    for _ in 0..2 {
        assert_eq!(values(&manager.event("report")), [(CLOCK_ERROR.into(), json!(1))]);
    }
    // Managers are told apart by their roles.
    say(&mut manager, "ari:/DTN/ION/ionadmin/Ctrl.node_clock_error_set(60)");
    assert_eq!(manager.event("refused")["code"], 5);
    let set = "ari:/DTN/ION/ionadmin/Ctrl.node_clock_error_set(61)";
    let arguments = ["--role", "planner", "--do", set, "--wait", "0"];
    let mut planner = network.start_by("ams.toml", "manager", &arguments);
    assert_eq!(planner.event("done")["agent"], "mast-1");
    assert_eq!(planner.status(), Some(0));
    assert_eq!(agent.event("control")["parameters"], json!([61]));
    agent.terminate();
    assert_eq!(agent.status(), Some(0));

    let mut nobody = network.start_by("net.toml", "manager", &["--role", "actor"]);
    assert_eq!(nobody.status(), Some(2));
    assert!(nobody.errors().contains("examples/mib/management.toml"));
}

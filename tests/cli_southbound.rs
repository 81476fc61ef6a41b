//! `farpost southbound-agent`, as people run it: a child process and a controller on
//! loopback.
#![cfg(all(target_os = "linux", feature = "cli"))]
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
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "grpc/controller.rs"]
mod controller;
#[path = "grpc/requests.rs"]
mod requests;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use child::{Child, Network};
use controller::{Controller, Seen};
use farpost::southbound::messages::{ExportMetrics, Reset, StatusCode, ToController};
use requests::{AGENT, FUTURE, PAST, create, delete, finalize};
use serde_json::{Value, json};

/// Waits until the controller sees something. What was before is passed over.
#[track_caller]
fn sees<T>(controller: &Controller, what: &str, find: impl Fn(&Seen) -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(60);
    while let Some(seen) = controller.next(until) {
        if let Some(found) = find(&seen) {
            return found;
        }
    }
    panic!("{what} does not come");
}

fn said(seen: &Seen) -> Option<Bytes> {
    match seen {
        Seen::Said(message) => Some(message.clone()),
        _ => None,
    }
}

fn sees_token(controller: &Controller) -> String {
    let request = sees(controller, "a reset", |seen| match seen {
        Seen::Reset(request) => Some(request.clone()),
        _ => None,
    });
    Reset::parse(&request).unwrap().schedule_manipulation_token().to_owned()
}

fn sees_hello(controller: &Controller) {
    let message = sees(controller, "a hello", said);
    let message = ToController::parse(&message).unwrap();
    assert_eq!(message.hello().map(|hello| hello.agent_id()), Some(AGENT));
}

fn sees_answer(controller: &Controller) -> (i64, StatusCode) {
    let message = sees(controller, "an answer", said);
    let message = ToController::parse(&message).unwrap();
    let response = message.response().expect("an answer");
    (response.request_id(), StatusCode(response.status().map_or(0, |status| status.code())))
}

fn start(network: &Network, controller: &Controller, arguments: &[&str]) -> Child {
    let url = controller.url();
    let arguments = [&["--controller", &url, "--agent-id", AGENT], arguments].concat();
    network.start_alone("southbound-agent", &arguments)
}

#[test]
fn changes_are_printed_and_metrics_exported() {
    let (network, controller) = (Network::new(), Controller::new());
    let mut agent =
        start(&network, &controller, &["--telemetry-period", "0.2", "--interface", "lo=loop-1"]);
    agent.event("started");
    let token = sees_token(&controller);
    agent.event("connected");
    sees_hello(&controller);
    controller.say(create(&token, 1, "a", "10.2.0.0/16", PAST));
    controller.say(create(&token, 2, "b", "10.3.0.0/16", FUTURE));
    controller.say(delete(&token, 3, "a"));
    controller.say(finalize(&token, 4, PAST));
    for request in [101, 102, 103, 104] {
        assert_eq!(sees_answer(&controller), (request, StatusCode::OK));
    }
    let applied = agent.event("apply");
    let route =
        json!({"from": "10.1.0.1", "to": "10.2.0.0/16", "dev": "eth0", "via": "10.1.0.254"});
    let expected = json!({
        "event": "apply", "kind": "route", "from": "10.1.0.1", "to": "10.2.0.0/16", "entry": "a",
        "due": "2023-11-14T22:13:20Z", "change": {"set_route": route}, "time": applied["time"],
    });
    assert_eq!(applied, expected);
    let removed = agent.event("remove");
    assert_eq!((&removed["kind"], &removed["to"]), (&json!("route"), &json!("10.2.0.0/16")));
    let packets = sees(&controller, "statistics", |seen| {
        let Seen::Metrics(request) = seen else { return None };
        let request = ExportMetrics::parse(request).unwrap();
        request.interface_metrics().find_map(|interface| {
            assert_eq!(interface.interface_id(), Some("loop-1"));
            let point = interface.standard_interface_statistics_data_points().next()?;
            assert!(point.start_time.is_some() && point.time.is_some());
            point.rx_packets
        })
    });
    // This test itself is traffic of that interface.
    assert!(packets > 0);
    agent.terminate();
    let stopped = agent.event("stopped");
    assert_eq!((&stopped["executed"], &stopped["enacted"]), (&json!(4), &json!(2)));
    assert_eq!(agent.status(), Some(0));
}

#[test]
fn a_program_makes_changes_until_it_succeeds() {
    let (network, controller) = (Network::new(), Controller::new());
    // Fails the first time; keeps what it is told.
    network.write("change", "#!/bin/sh\ncat >> told\n[ -e again ] || { touch again; exit 5; }\n");
    let program = network.path("change");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["--exec", program.to_str().unwrap(), "--telemetry-period", "0"];
    let mut agent = start(&network, &controller, &arguments);
    let token = sees_token(&controller);
    sees_hello(&controller);
    controller.say(create(&token, 1, "a", "10.2.0.0/16", PAST));
    assert_eq!(sees_answer(&controller), (101, StatusCode::OK));
    let first = agent.event("apply");
    assert_eq!(first["made"], false);
    assert!(first["message"].as_str().unwrap().contains("exit status: 5"), "{first}");
    assert_eq!(agent.event("apply")["made"], true);
    let told = fs::read_to_string(network.path("told")).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (&told[0], &told[1]["change"]["set_route"]["to"]),
        (&told[1], &json!("10.2.0.0/16"))
    );
}

#[test]
fn a_schedule_that_is_kept_goes_on_after_a_kill() {
    let (network, controller) = (Network::new(), Controller::new());
    let arguments = ["--store", "agent.store", "--policy", "resume", "--telemetry-period", "0"];
    let mut agent = start(&network, &controller, &arguments);
    let token = sees_token(&controller);
    sees_hello(&controller);
    controller.say(create(&token, 1, "a", "10.2.0.0/16", PAST));
    controller.say(create(&token, 2, "b", "10.3.0.0/16", FUTURE));
    assert_eq!(sees_answer(&controller), (101, StatusCode::OK));
    assert_eq!(sees_answer(&controller), (102, StatusCode::OK));
    agent.kill();
    let mut agent = start(&network, &controller, &arguments);
    let restored = agent.event("restored");
    assert_eq!((&restored["entries"], &restored["resumed"]), (&json!(2), &json!(true)));
    // No reset: the next request is under the same token.
    sees_hello(&controller);
    controller.say(delete(&token, 3, "b"));
    assert_eq!(sees_answer(&controller), (103, StatusCode::OK));
}

#[test]
fn what_cannot_be_is_said_at_once() {
    let network = Network::new();
    for (arguments, problem) in [
        (&["--controller", "somewhere"][..], "http://HOST:PORT"),
        (&["--controller", "http://far.example:1", "--token-file", "t"], "use https://"),
        (&["--controller", "https://far.example", "--ca", "none.pem"], "none.pem: "),
        (&["--controller", "http://127.0.0.1:1", "--store", "."], "cannot be used as a store"),
    ] {
        let arguments = [arguments, &["--agent-id", AGENT]].concat();
        let mut agent = network.start_alone("southbound-agent", &arguments);
        assert_eq!(agent.status(), Some(2), "{arguments:?}");
        let errors = agent.errors();
        assert!(errors.contains(problem), "{errors}");
    }
}

#[test]
fn an_agent_and_a_controller_understand_each_other() {
    let network = Network::new();
    network.write("token", "secret\n");
    fs::set_permissions(network.path("token"), fs::Permissions::from_mode(0o600)).unwrap();
    let begin = |arguments: &[&str]| {
        let arguments =
            [&["--listen", "127.0.0.1:0", "--token-file", "token", "--store", "book"], arguments]
                .concat();
        let mut controller = network.start_alone("southbound-controller", &arguments);
        let entries = controller.event("restored")["entries"].clone();
        let listen = controller.event("started")["listen"].as_str().unwrap().to_owned();
        (controller, entries, format!("http://{listen}"))
    };
    let call = |url: &str, more: &[&str]| {
        let arguments = [&["--controller", url, "--agent-id", AGENT], more].concat();
        network.start_alone("southbound-agent", &arguments)
    };
    let route = |to: &str| json!({"from": "", "to": to, "dev": "eth0", "via": "10.1.0.254"});
    let (mut controller, entries, url) = begin(&["--agent", "other", "--agent", AGENT]);
    assert_eq!(entries, json!(0));
    // What is wanted may be said before the agent is there, and is not all right.
    controller.write("no JSON\n");
    assert_eq!(controller.event("error")["line"], json!(1));
    controller.say(&json!({"agent": "nobody", "delete_entry": {"id": "a"}}));
    assert_eq!(controller.event("error")["line"], json!(2));
    let past =
        json!({"id": "a", "time": "2023-11-14T22:13:20Z", "set_route": route("10.2.0.0/16")});
    controller.say(&json!({"agent": AGENT, "create_entry": past}));
    let metrics =
        ["--token-file", "token", "--telemetry-period", "0.2", "--interface", "lo=loop-1"];
    let mut agent = call(&url, &metrics);
    assert_eq!(controller.event("reset")["agent"], json!(AGENT));
    assert_eq!(controller.event("connected")["agent"], json!(AGENT));
    let executed = controller.event("executed");
    assert_eq!(
        (&executed["request"], &executed["id"], &executed["seqno"]),
        (&json!("create_entry"), &json!("a"), &json!(1))
    );
    assert_eq!(agent.event("apply")["to"], json!("10.2.0.0/16"));
    let metrics = controller.event("metrics");
    assert_eq!(metrics["metrics"]["interface_metrics"][0]["interface_id"], json!("loop-1"));
    let never = json!({"id": "b", "set_route": route("10.3.0.0/16")});
    controller.say(&json!({"agent": AGENT, "create_entry": never}));
    let refused = controller.event("refused");
    assert_eq!((&refused["id"], &refused["code"]), (&json!("b"), &json!("INVALID_ARGUMENT")));
    controller.say(&json!({"agent": AGENT, "delete_entry": {"id": "b"}}));
    assert_eq!(controller.event("executed")["request"], json!("delete_entry"));
    agent.kill();
    assert_eq!(controller.event("disconnected")["agent"], json!(AGENT));
    controller.kill();

    // Another controller knows what is wanted, and another agent is told.
    let (mut controller, entries, url) = begin(&["--agent", AGENT]);
    assert_eq!(entries, json!(1));
    let quiet = ["--telemetry-period", "0"];
    let mut stranger = call(&url, &quiet);
    assert_eq!(stranger.event("fault")["code"], json!("UNAUTHENTICATED"));
    let known = ["--token-file", "token", "--telemetry-period", "0"];
    let mut agent = call(&url, &known);
    assert_eq!(agent.event("apply")["entry"], json!("a"));
    assert_eq!(controller.event("executed")["id"], json!("a"));
    controller.say(&json!({"agent": AGENT, "delete_entry": {"id": "a"}}));
    assert_eq!(agent.event("remove")["to"], json!("10.2.0.0/16"));
    controller.terminate();
    assert_eq!(controller.event("stopped")["entries"], json!(0));
    assert_eq!(controller.status(), Some(0));
}

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

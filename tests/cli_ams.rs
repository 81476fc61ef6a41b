//! The commands that run AMS entities, as people run them: child processes on
//! loopback that exchange messages, and what they put on the wire.
#![cfg(feature = "cli")]
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
#[cfg(unix)]
#[path = "cli_ams/reload.rs"]
mod reload;
#[path = "cli_ams/wire.rs"]
mod wire;

use child::{Child, Network};
use serde_json::{Value, json};

/// A network with a server and a registrar that has been noted.
fn running() -> (Network, Child, Child) {
    let network = Network::new();
    let mut server = network.start("server", &[]);
    server.event("started");
    let mut registrar = network.start("registrar", &["--census", "0"]);
    registrar.event("noted");
    (network, server, registrar)
}

/// A module that reads standard input, once it is registered; and its number.
fn module(network: &Network, role: &str, arguments: &[&str]) -> (Child, u64) {
    let arguments = [&["--role", role, "--stdin", "--settle", "0"], arguments].concat();
    let mut module = network.start("module", &arguments);
    let own = module.line(|line| line["indication"] == "register" && line["own"] == true);
    let number = own["module"].as_u64().unwrap();
    (module, number)
}

fn is_about(line: &Value, indication: &str, module: u64) -> bool {
    line["indication"] == indication && line["module"] == module
}

#[test]
fn modules_exchange_messages() {
    let (network, _server, mut registrar) = running();
    let (mut actor, actor_number) =
        module(&network, "actor", &["--subscribe", "report,mode=assured,priority=3,flow=9"]);
    let (mut ssd, ssd_number) = module(&network, "ssd", &["--invite", "request"]);
    assert_ne!(actor_number, ssd_number);
    registrar.line(|line| line["event"] == "module_registered" && line["role_name"] == "ssd");

    let asked = |line: &Value| {
        is_about(line, "assert_subscription", actor_number) && line["subject_name"] == "report"
    };
    assert_eq!(ssd.line(asked)["priority"], 3);
    ssd.say(&json!({"publish": {"subject": "report", "data": "-93 dBm"}}));
    let done = ssd.line(|line| line["done"] == "publish");
    assert_eq!((&done["sent"], &done["failed"]), (&json!(1), &json!(0)));
    let message = actor.line(|line| line["indication"] == "message");
    let expected = json!({
        "indication": "message", "subject": 4, "subject_name": "report", "continuum": 2,
        "unit": 0, "module": ssd_number, "role": 2, "role_name": "ssd", "priority": 3,
        "flow_label": 9, "context": 0, "data": "-93 dBm", "data_hex": "2d39332064426d",
        "time": message["time"],
    });
    assert_eq!(message, expected);

    let invited = |line: &Value| is_about(line, "assert_invitation", ssd_number);
    actor.line(|line| invited(line) && line["subject"] == 5);
    let to = json!({"module": ssd_number, "subject": "request", "data_hex": "00ff", "context": 4});
    actor.say(&json!({ "send": to }));
    let message = ssd.line(|line| line["indication"] == "message");
    assert_eq!((&message["data"], &message["data_hex"]), (&Value::Null, &json!("00ff")));
    assert_eq!((&message["context"], &message["priority"]), (&json!(4), &json!(8)));

    actor.say(&json!({"announce": {"subject": 5, "role": "ssd", "data": "all"}}));
    assert_eq!(ssd.line(|line| line["indication"] == "message")["data"], "all");
    actor.say(&json!({"announce": {"subject": 5, "role": "actor", "data": "none"}}));
    actor.line(|line| line["done"] == "announce" && line["sent"] == 0);

    actor.say(&json!({"unsubscribe": {"subject": "report"}}));
    ssd.line(|line| is_about(line, "cancel_subscription", actor_number));
    ssd.say(&json!({"publish": {"subject": "report", "data": "unheard"}}));
    ssd.line(|line| line["done"] == "publish" && line["sent"] == 0);

    ssd.say(&json!({"peers": true}));
    let peers = ssd.line(|line| line["done"] == "peers");
    assert_eq!(peers["peers"][0]["role_name"], "actor");
    assert_eq!(peers["peers"][0]["subscriptions"], json!([]));
    ssd.say(&json!({"stats": true}));
    assert_eq!(ssd.line(|line| line["done"] == "stats")["messages"]["sent"], 1);

    actor.say(&json!({"unregister": true}));
    ssd.line(|line| is_about(line, "unregister", actor_number));
    registrar.line(|line| line["event"] == "module_terminated" && line["cause"] == "stopped");
    actor.end_input();
    assert_eq!(actor.event("ended")["reason"], "end_of_input");
    assert_eq!(actor.status(), Some(0));
}

#[test]
fn a_query_is_answered_in_its_context_or_times_out() {
    let (network, _server, _registrar) = running();
    let (mut ssm, ssm_number) =
        module(&network, "actor", &["--invite", "request", "--auto-reply", "granted"]);
    let (mut ssd, ssd_number) = module(
        &network,
        "ssd",
        &["--invite", "request", "--wait-for-peers", "1", "--until-messages", "1"],
    );
    ssd.line(|line| is_about(line, "assert_invitation", ssm_number) && line["subject"] == 5);
    ssm.line(|line| is_about(line, "assert_invitation", ssd_number) && line["subject"] == 5);
    ssd.say(&json!({"query": {"module": ssm_number, "subject": "request", "context": 7,
                              "term_seconds": 60, "data": "when?"}}));
    let asked = ssm.line(|line| line["indication"] == "query");
    assert_eq!((&asked["data"], &asked["context"]), (&json!("when?"), &json!(7)));
    ssm.line(|line| line["done"] == "reply" && line["auto"] == true);
    let reply = ssd.line(|line| line["indication"] == "reply");
    assert_eq!((&reply["data"], &reply["context"]), (&json!("granted"), &json!(7)));
    assert_eq!(ssd.event("ended")["reason"], "messages");
    assert_eq!(ssd.status(), Some(0));

    let (mut deaf, deaf_number) = module(&network, "ssd", &["--invite", "request"]);
    ssm.line(|line| is_about(line, "assert_invitation", deaf_number) && line["subject"] == 5);
    ssm.say(&json!({"query": {"module": deaf_number, "subject": 5, "term_seconds": 0.1}}));
    let context = ssm.line(|line| line["done"] == "query")["context"].clone();
    let fault = ssm.line(|line| line["indication"] == "fault");
    assert_eq!((&fault["fault"], &fault["context"]), (&json!("query_timed_out"), &context));
    deaf.line(|line| line["indication"] == "query");
}

#[test]
fn arguments_are_done_in_order_and_then_it_ends() {
    let (network, _server, _registrar) = running();
    let (mut actor, _) = module(&network, "actor", &["--subscribe", "request"]);
    actor.line(|line| line["done"] == "subscribe");
    let mut ssd = network.start(
        "module",
        &[
            "--role",
            "2",
            "--wait-for-peers",
            "1",
            "--publish",
            "request=first",
            "--invite",
            "5",
            "--publish",
            "5,as=hex,context=3=7365636f6e64",
            "--for",
            "0",
        ],
    );
    for (data, context) in [("first", 0), ("second", 3)] {
        let message = actor.line(|line| line["indication"] == "message");
        assert_eq!((&message["data"], &message["context"]), (&json!(data), &json!(context)));
    }
    let done: Vec<_> = ["publish", "invite", "publish", "unregister"].map(Value::from).into();
    let mut seen = Vec::new();
    while seen.len() < done.len() {
        seen.push(ssd.line(|line| line["done"].is_string())["done"].clone());
    }
    assert_eq!(seen, done);
    assert_eq!(ssd.event("ended")["reason"], "time");
    assert_eq!(ssd.status(), Some(0));
}

#[test]
fn a_killed_module_is_declared_dead_and_the_others_are_told() {
    let (network, _server, mut registrar) = running();
    let (mut actor, _) = module(&network, "actor", &[]);
    let (mut ssd, ssd_number) = module(&network, "ssd", &[]);
    actor.line(|line| is_about(line, "register", ssd_number));
    ssd.kill();
    let gone = registrar.event("module_terminated");
    assert_eq!((&gone["module"], &gone["cause"]), (&json!(ssd_number), &json!("imputed")));
    actor.line(|line| is_about(line, "unregister", ssd_number));
}

#[test]
fn a_second_registrar_is_rejected() {
    let (network, mut server, mut first) = running();
    server.event("registrar_noted");
    let mut second = network.start("registrar", &["--introduction", "registrar"]);
    assert_eq!(second.event("ceased")["reason_number"], 1);
    assert_eq!(second.status(), Some(1));
    first.kill();
    server.event("registrar_lost");
    let mut third = network.start("registrar", &["--introduction", "registrar"]);
    third.event("noted");
}

#[test]
fn a_second_configuration_server_is_outranked() {
    let network = Network::new();
    let mut second = network.start("server", &["--location", "1"]);
    second.event("started");
    let mut first = network.start("server", &[]);
    assert_eq!(first.event("started")["location"], 0);
    assert_eq!(second.event("ceased")["reason"], "outranked");
    assert_eq!(second.status(), Some(1));
}

#[test]
fn what_cannot_be_done_is_told_and_the_next_line_is_done() {
    let (network, _server, _registrar) = running();
    let (mut actor, _) = module(&network, "actor", &[]);
    actor.write("{\"publish\": \n\n[1]\n");
    for (fault, line) in [("malformed_json", 1), ("invalid_request", 3)] {
        let told = actor.line(|line| line["fault"].is_string());
        assert_eq!((&told["fault"], &told["line"]), (&json!(fault), &json!(line)), "{told}");
    }
    let request = json!({"send": {"module": 77, "subject": 5, "data": "nobody"}});
    actor.say(&request);
    let told = actor.line(|line| line["fault"].is_string());
    assert_eq!((&told["fault"], &told["request"]), (&json!("unknown_destination"), &request));
    actor.say(&json!({"subscribe": {"subject": "rapport"}}));
    let told = actor.line(|line| line["fault"] == "invalid_request");
    assert!(told["message"].as_str().unwrap().contains("it has report, request"), "{told}");
    actor.say(&json!({"disinvite": {"subject": "report"}}));
    actor.line(|line| line["fault"] == "redundant_cancellation");
    actor.say(&json!({"subscribe": {"subject": "report"}}));
    actor.line(|line| line["done"] == "subscribe");
    actor.end_input();
    actor.event("ended");
    assert_eq!(actor.status(), Some(1));
}

#[test]
fn what_cannot_start_says_why() {
    let network = Network::new();
    for (command, arguments, problem) in [
        ("module", &["--role", "ssx"][..], "it has ssd, actor"),
        ("module", &["--role", "9"], "the MIB has no role 9"),
        ("module", &["--role", "ssd", "--publish", "rapport=x"], "no subject `rapport`"),
        ("module", &["--role", "ssd", "--publish", "report"], "SUBJECT=TEXT"),
        ("module", &["--role", "ssd", "--bind", "0.0.0.0"], "others can be told"),
        ("registrar", &["--venture", "7"], "venture 7"),
        ("registrar", &["--unit", "3"], "no unit 3"),
        ("server", &["--location", "9"], "no location 9"),
        ("server", &["--bind", "127.0.0.1:1"], "--location"),
    ] {
        let mut child = network.start(command, arguments);
        assert_eq!(child.status(), Some(2), "{command} {arguments:?}");
        let told = child.errors();
        assert!(told.contains(problem), "{told}");
    }
    network.write_mib("primary_transport = \"dgr\"\n");
    for command in ["module", "registrar", "server"] {
        let role: &[&str] = if command == "module" { &["--role", "ssd"] } else { &[] };
        let mut child = network.start(command, role);
        assert_eq!(child.status(), Some(2));
        let told = child.errors();
        assert!(told.contains("`dgr`") && told.contains("ptsname=udp"), "{told}");
    }
}

#[test]
fn who_is_not_registered_in_time_gives_up() {
    let network = Network::new();
    let mut module = network.start("module", &["--role", "ssd", "--register-within", "0.1"]);
    assert_eq!(module.event("ended")["reason"], "not_registered");
    assert_eq!(module.status(), Some(1));
}

#[test]
fn a_network_with_keys_signs_and_encrypts() {
    let network = Network::new();
    network.give_keys();
    let mut server = network.start("server", &[]);
    server.event("started");
    let mut registrar = network.start("registrar", &["--census", "0"]);
    registrar.event("noted");
    let (mut actor, actor_number) = module(&network, "actor", &["--subscribe", "report"]);
    let (mut ssd, _) = module(&network, "ssd", &[]);
    ssd.line(|line| is_about(line, "assert_subscription", actor_number) && line["subject"] == 4);
    ssd.say(&json!({"publish": {"subject": "report", "data": "-93 dBm"}}));
    assert_eq!(actor.line(|line| line["indication"] == "message")["data"], "-93 dBm");
}

#[cfg(unix)]
#[test]
fn keys_are_judged_before_anything_starts() {
    let network = Network::new();
    network.give_keys();
    network.expose("ssd.key");
    let mut module = network.start("module", &["--role", "ssd"]);
    assert_eq!(module.status(), Some(2));
    let errors = module.errors();
    assert!(errors.contains("role.private_key: others may read or change the file"), "{errors}");
    assert!(errors.contains("net.toml:28:15:"), "{errors}");
}

//! `farpost gateway` with a bundle endpoint, as people run it.
#![cfg(all(feature = "cli", unix))]

#[path = "../cli_ams/child.rs"]
mod child;

use serde_json::{Value, json};

use self::child::{Child, Network, free_address};
use crate::dtnd::{self, Node};

/// A continuum without its gateway yet.
struct Side {
    network: Network,
    number: u16,
    _server: Child,
    _registrar: Child,
}

impl Side {
    fn start(own: (u16, &str, &str), other: (u16, &str, &str)) -> Self {
        let network = Network::new();
        let (number, name, location) = other;
        let more = format!(
            "\n[[venture.message_space]]\ncontinuum = {number}\ngateway = \"{location}\"\n\
             neighbour = true\n\n[[remote_continuum]]\nnumber = {number}\nname = \"{name}\"\n"
        );
        network.rename(own.0, own.1, own.2, &more);
        let mut server = network.start("server", &[]);
        server.event("started");
        let mut registrar = network.start("registrar", &["--census", "0"]);
        registrar.event("noted");
        Self { network, number: own.0, _server: server, _registrar: registrar }
    }

    fn gateway(&self, daemon: &str) -> Child {
        // Soon, for a test; longer for petitions than everything here takes.
        let often = ["--repeat", "2", "--refresh", "3", "--bundle-daemon", daemon];
        self.network.start("gateway", &often)
    }

    fn module(&self, role: &str, arguments: &[&str]) -> Child {
        let arguments = [&["--role", role, "--stdin", "--settle", "0"], arguments].concat();
        let mut module = self.network.start("module", &arguments);
        module.line(|line| asks_for(line, -i64::from(self.number)));
        module
    }
}

fn asks_for(line: &Value, subject: i64) -> bool {
    line["indication"] == "assert_subscription" && line["subject"] == subject && line["role"] == 1
}

const FIELD: (u16, &str, &str) = (2, "field", "bp@dtn://field/rams");
const CENTRE: (u16, &str, &str) = (3, "centre", "bp@ipn:3.1");

#[test]
fn reports_reach_the_centre_through_daemons_that_come_and_go() {
    let Some(program) = dtnd::program() else { return };
    let mut nodes = Node::pair(&program, ["field", "3"], "sled");
    let urls = nodes.each_ref().map(Node::interface);
    let (field, centre) = (Side::start(FIELD, CENTRE), Side::start(CENTRE, FIELD));
    let (mut at_field, mut at_centre) = (field.gateway(&urls[0]), centre.gateway(&urls[1]));
    for gateway in [&mut at_field, &mut at_centre] {
        gateway.event("registered");
        let away = gateway.event("daemon_away");
        assert!(away["message"].as_str().unwrap().contains("cannot be reached"), "{away}");
    }
    nodes.iter_mut().for_each(Node::start);
    assert_eq!(at_field.event("daemon_joined")["endpoint"], "dtn://field/rams");
    assert_eq!(at_centre.event("daemon_joined")["endpoint"], "ipn:3.1");
    at_field.event("neighbour_declared");
    at_centre.event("neighbour_declared");
    let mut ssd = field.module("ssd", &[]);
    let mut actor = centre.module("actor", &["--subscribe", "report"]);
    ssd.line(|line| asks_for(line, 4));
    let report = |ssd: &mut Child, data: &str| {
        ssd.say(&json!({"publish": {"subject": "report", "data": data}}));
    };
    let read = |actor: &mut Child, count: usize| {
        let mut read: Vec<_> = (0..count)
            .map(|_| actor.line(|line| line["indication"] == "message")["data"].to_string())
            .collect();
        read.sort();
        read
    };
    report(&mut ssd, "with both");
    assert_eq!(read(&mut actor, 1), ["\"with both\""]);
    // The centre's node is away, and so is the link.
    nodes[1].kill();
    at_centre.event("daemon_away");
    for data in ["link a", "link b"] {
        report(&mut ssd, data);
    }
    // Then its own, too.
    nodes[0].until("the field's node has them", |node| node.stored("dtn://field/rams") >= 2);
    nodes[0].kill();
    at_field.event("daemon_away");
    for data in ["none a", "none b"] {
        report(&mut ssd, data);
    }
    assert!(at_field.event("waiting")["messages"].as_u64().unwrap() > 0);
    nodes.iter_mut().for_each(Node::start);
    let all = ["\"link a\"", "\"link b\"", "\"none a\"", "\"none b\""];
    assert_eq!(read(&mut actor, 4), all);
    report(&mut ssd, "the last");
    assert_eq!(read(&mut actor, 1), ["\"the last\""], "nothing came twice");

    at_field.terminate();
    let stopped = at_field.event("stopped");
    let bundles = &stopped["bundles"];
    assert_eq!((&bundles["expired"], &bundles["rejected"]), (&json!(0), &json!(0)), "{stopped}");
    assert!(bundles["joined"].as_u64().unwrap() >= 2, "{stopped}");
    assert_eq!(stopped["store"]["waiting"], 0, "{stopped}");
    assert_eq!(at_field.status(), Some(0));
    // It retracted itself, and the daemon has that.
    at_centre.event("neighbour_retracted");
}

#[test]
fn a_gateway_without_a_daemon_says_so_and_ends_in_order() {
    let field = Side::start(FIELD, CENTRE);
    let nobody = format!("http://{}", free_address());
    let mut gateway = field.gateway(&nobody);
    let away = gateway.event("daemon_away");
    assert!(away["message"].as_str().unwrap().contains("is it running?"), "{away}");
    gateway.event("registered");
    gateway.terminate();
    let stopped = gateway.event("stopped");
    assert_eq!(stopped["bundles"]["joined"], 0);
    assert_eq!(gateway.status(), Some(0));
    for (arguments, problem) in [
        (&["--bundle-daemon", "127.0.0.1:3000"][..], "http://HOST:PORT"),
        (&["--bundle-endpoint", "dtn://field/"], "no service of it"),
        (&["--bundle-endpoint", "field/rams"], "begins with dtn: or ipn:"),
    ] {
        let mut child = field.network.start("gateway", arguments);
        assert_eq!(child.status(), Some(2), "{arguments:?}");
        let told = child.errors();
        assert!(told.contains(problem), "{told}");
    }
    field.network.edit_mib("bp@dtn://field/rams", "bp@dtn://field");
    let mut child = field.network.start("gateway", &[]);
    assert_eq!(child.status(), Some(2));
    let told = child.errors();
    assert!(told.contains("bp@dtn://field") && told.contains("give the venture"), "{told}");
}

//! `farpost gateway`, as people run it: two continua of child processes on loopback,
//! each with its configuration server, registrar, gateway and a module.
#![cfg(all(feature = "cli", unix))]
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

use std::net::{SocketAddr, UdpSocket};

use child::{Child, Network, free_address};
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, ModuleKey, ModuleNumber, Priority, SubjectNumber, UnitNumber,
};
use farpost::ams::pdu::{AamsHeader, ControlCode, Enclosure, EnvelopeHeader, MessageType};
use serde_json::{Value, json};

/// A continuum and what runs in it.
struct Side {
    network: Network,
    number: u16,
    rams: SocketAddr,
    _server: Child,
    registrar: Child,
    gateway: Child,
}

/// The tables of a MIB that tell of another continuum, with `line` in that of its message space.
fn other(number: u16, name: &str, location: &str, line: &str) -> String {
    format!(
        "\n[[venture.message_space]]\ncontinuum = {number}\ngateway = \"{location}\"\n\
         {line}\n\n[[remote_continuum]]\nnumber = {number}\nname = \"{name}\"\n"
    )
}

/// The MIBs of two continua, and where their gateways are.
fn two_networks() -> [(Network, u16, SocketAddr); 2] {
    two_networks_with("neighbour = true")
}

/// The same, with a line for the table of the other's message space.
fn two_networks_with(line: &str) -> [(Network, u16, SocketAddr); 2] {
    let rams = [free_address(), free_address()];
    let [field, centre] = rams.map(|rams| (Network::new(), rams));
    // The host of a location may be a name, an address, or a number.
    let at_centre = format!("udp@localhost:{}", rams[1].port());
    field.0.rename(2, "field", &format!("udp@{}", rams[0]), &other(3, "centre", &at_centre, line));
    let at_field = format!("udp@2130706433:{}", rams[0].port());
    centre.0.rename(3, "centre", &format!("udp@{}", rams[1]), &other(2, "field", &at_field, line));
    [(field.0, 2, field.1), (centre.0, 3, centre.1)]
}

impl Side {
    fn start((network, number, rams): (Network, u16, SocketAddr)) -> Self {
        let mut server = network.start("server", &[]);
        server.event("started");
        let mut registrar = network.start("registrar", &["--census", "0"]);
        registrar.event("noted");
        let gateway = gateway(&network, &[]);
        Self { network, number, rams, _server: server, registrar, gateway }
    }

    /// A module of this side, once it is registered; and its number.
    fn module(&self, role: &str, arguments: &[&str]) -> (Child, u64) {
        let arguments = [&["--role", role, "--stdin", "--settle", "0"], arguments].concat();
        let mut module = self.network.start("module", &arguments);
        let own = module.line(|line| line["indication"] == "register" && line["own"] == true);
        let number = own["module"].as_u64().unwrap();
        // It can send once it knows that the gateway is there for it.
        module.line(|line| asks_for(line, -i64::from(self.number)));
        (module, number)
    }
}

/// A gateway that says things soon.
fn gateway(network: &Network, arguments: &[&str]) -> Child {
    let arguments = [&["--repeat", "0.5", "--refresh", "1"], arguments].concat();
    network.start("gateway", &arguments)
}

/// Two continua whose gateways know one another.
fn two_sides() -> [Side; 2] {
    start_both(two_networks())
}

fn start_both(networks: [(Network, u16, SocketAddr); 2]) -> [Side; 2] {
    let [mut field, mut centre] = networks.map(Side::start);
    for side in [&mut field, &mut centre] {
        let started = side.gateway.event("started");
        assert_eq!((&started["network"], &started["neighbours"]), (&json!("mesh"), &json!(1)));
        side.gateway.event("registered");
        let declared = side.gateway.event("neighbour_declared");
        assert_eq!(declared["continuum"], 5 - side.number);
    }
    [field, centre]
}

fn asks_for(line: &Value, subject: i64) -> bool {
    line["indication"] == "assert_subscription" && line["subject"] == subject && line["role"] == 1
}

/// The gateway subscribes for others, as a module sees it.
fn forwards(module: &mut Child, subject: i64) {
    module.line(|line| asks_for(line, subject));
}

#[test]
fn messages_of_every_kind_cross() {
    let [mut field, mut centre] = two_sides();
    let (mut ssd, ssd_number) =
        field.module("ssd", &["--invite", "request", "--auto-reply", "granted"]);
    let (mut actor, actor_number) = centre.module(
        "actor",
        &["--subscribe", "report,continuum=field,role=ssd", "--invite", "request,continuum=2"],
    );
    let asserted = field.gateway.event("petition_asserted");
    let domain = json!({"continuum": 2, "unit": 0, "role": 2});
    assert_eq!((&asserted["subject"], &asserted["by"]), (&json!(4), &json!([3])));
    assert_eq!(asserted["domain"], domain);
    assert_eq!(centre.gateway.event("petition_asserted")["to"], json!([2]));

    // Published.
    forwards(&mut ssd, 4);
    ssd.say(&json!({"publish": {"subject": "report", "data": "-93 dBm", "priority": 2}}));
    let message = actor.line(|line| line["indication"] == "message");
    let expected = json!({
        "indication": "message", "subject": 4, "subject_name": "report", "continuum": 2,
        "continuum_name": "field", "unit": 0, "module": ssd_number, "priority": 2,
        "flow_label": 0, "context": 0, "data": "-93 dBm", "data_hex": "2d39332064426d",
        "time": message["time"],
    });
    assert_eq!(message, expected);

    // Sent, and a query that is replied to.
    let to = |data: &str| json!({"continuum": "field", "module": ssd_number, "subject": "request", "data": data});
    actor.say(&json!({ "send": to("now") }));
    let message = ssd.line(|line| line["indication"] == "message");
    assert_eq!((&message["data"], &message["continuum"]), (&json!("now"), &json!(3)));
    let mut query = to("when?");
    query["context"] = json!(7);
    actor.say(&json!({ "query": query }));
    let asked = ssd.line(|line| line["indication"] == "query");
    assert_eq!(
        (&asked["module"], &asked["continuum_name"]),
        (&json!(actor_number), &json!("centre"))
    );
    let replied = ssd.line(|line| line["done"] == "reply");
    assert_eq!((&replied["continuum"], &replied["auto"]), (&json!(3), &json!(true)));
    let reply = actor.line(|line| line["indication"] == "reply");
    assert_eq!((&reply["data"], &reply["context"]), (&json!("granted"), &json!(7)));

    // Announced, to one continuum and to all.
    for continuum in [json!("field"), json!(0)] {
        actor
            .say(&json!({"announce": {"subject": "request", "continuum": continuum, "role": "ssd",
                                       "data": "all"}}));
        assert_eq!(ssd.line(|line| line["indication"] == "message")["data"], "all");
    }

    // The other way, and the end of a subscription.
    ssd.say(&json!({"subscribe": {"subject": "request"}}));
    forwards(&mut actor, 5);
    actor.say(&json!({"publish": {"subject": "request", "data": "survey"}}));
    assert_eq!(ssd.line(|line| line["data"] == "survey")["continuum"], 3);
    actor.say(&json!({"unsubscribe": {"subject": "report", "continuum": "field", "role": "ssd"}}));
    let cancelled = field.gateway.line(|line| line["event"] == "petition_cancelled");
    assert_eq!((&cancelled["subject"], &cancelled["by"]), (&json!(4), &json!([3])));

    // A gateway that ends retracts itself and leaves its message space.
    centre.gateway.terminate();
    let stopped = centre.gateway.event("stopped");
    assert_eq!(stopped["store"]["waiting"], 0);
    assert!(stopped["rams"]["delivered"].as_u64().unwrap() > 0, "{stopped}");
    assert_eq!(centre.gateway.status(), Some(0));
    assert_eq!(field.gateway.event("neighbour_retracted")["continuum"], 3);
    let left = centre.registrar.line(|line| line["event"] == "module_terminated");
    assert_eq!((&left["role"], &left["cause"]), (&json!(1), &json!("stopped")));
    // Nobody is there to send it to.
    actor.line(|line| line["indication"] == "unregister" && line["role"] == 1);
    actor.say(&json!({ "send": to("anybody?") }));
    actor.line(|line| line["fault"] == "remote_continuum");
}

#[test]
fn a_gateway_that_was_killed_and_returns_has_lost_no_subscription() {
    let [mut field, mut centre] = two_sides();
    let (mut ssd, _) = field.module("ssd", &["--subscribe", "request"]);
    let (mut actor, _) = centre.module("actor", &["--subscribe", "report"]);
    forwards(&mut ssd, 4);
    forwards(&mut actor, 5);

    field.gateway.kill();
    // Nobody asks again for anything but the gateways, and the modules of the field
    // tell the new one what they have asked for.
    field.gateway = gateway(&field.network, &[]);
    field.gateway.event("registered");
    centre.gateway.event("neighbour_retracted");
    centre.gateway.event("neighbour_declared");
    field.registrar.line(|line| line["event"] == "module_terminated" && line["cause"] == "imputed");
    field.gateway.line(|line| line["event"] == "petition_asserted" && line["by"] == json!([3]));
    field.gateway.line(|line| line["event"] == "petition_asserted" && line["to"] == json!([3]));
    centre.gateway.line(|line| line["event"] == "petition_asserted" && line["by"] == json!([2]));
    forwards(&mut ssd, 4);

    ssd.say(&json!({"publish": {"subject": "report", "data": "still here"}}));
    assert_eq!(actor.line(|line| line["indication"] == "message")["data"], "still here");
    actor.say(&json!({"publish": {"subject": "request", "data": "and here"}}));
    assert_eq!(ssd.line(|line| line["indication"] == "message")["data"], "and here");
}

#[test]
fn strangers_are_not_listened_to_and_are_counted() {
    let [mut field, centre] = two_sides();
    let (mut ssd, ssd_number) =
        field.module("ssd", &["--invite", "request", "--subscribe", "request"]);
    let (mut actor, _) = centre.module("actor", &[]);
    forwards(&mut actor, 5);
    let header = AamsHeader {
        message_type: MessageType::Unary,
        priority: Priority::DEFAULT,
        flow_label: 0,
        continuum: ContinuumNumber::new(3).unwrap(),
        source: ModuleKey { unit: UnitNumber::ROOT, module: ModuleNumber(1) },
        context: ContextNumber::NONE,
        subject: SubjectNumber(5),
    };
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut buffer = [0; 64];
    for (control_code, continuum, destination) in [
        (ControlCode::PublishOnReception, 0, 0),
        (ControlCode::SendOnReception, 2, u8::try_from(ssd_number).unwrap()),
    ] {
        let envelope = EnvelopeHeader {
            control_code,
            continuum: ContinuumNumber::new(continuum).unwrap(),
            unit: UnitNumber::ROOT,
            source: 3,
            destination,
            subject: SubjectNumber(5),
        };
        let content = Enclosure::new(&header, b"forged").unwrap();
        let octets = envelope.encode(&content, &mut buffer).unwrap();
        stranger.send_to(octets, field.rams).unwrap();
    }
    for nonsense in [&b""[..], b"\x01", &[0xff; 300]] {
        stranger.send_to(nonsense, field.rams).unwrap();
    }
    // What comes behind them comes from the neighbour, and is the first to arrive.
    actor.say(&json!({"publish": {"subject": "request", "data": "genuine"}}));
    assert_eq!(ssd.line(|line| line["indication"] == "message")["data"], "genuine");
    field.gateway.terminate();
    let stopped = field.gateway.event("stopped");
    assert_eq!(
        (&stopped["rams"]["strangers"], &stopped["rams"]["malformed"]),
        (&json!(2), &json!(3))
    );
    assert!(stopped["rams"]["last_malformed"].is_string(), "{stopped}");
}

#[test]
fn a_channel_with_a_key_carries_what_is_encrypted_and_nothing_else() {
    let key = format!("channel_key = \"{}\"", "07".repeat(32));
    let [mut field, centre] = start_both(two_networks_with(&key));
    let (mut ssd, _) = field.module("ssd", &["--invite", "request", "--subscribe", "request"]);
    let (mut actor, _) = centre.module("actor", &[]);
    forwards(&mut actor, 5);
    // It says that it is the neighbour, and cannot say it with the key.
    let header = EnvelopeHeader {
        control_code: ControlCode::PetitionAssertion,
        continuum: ContinuumNumber::ALL,
        unit: UnitNumber::ROOT,
        source: 0,
        destination: 0,
        subject: SubjectNumber(-3),
    };
    let mut buffer = [0; 64];
    let octets = header.encode(&farpost::wire::Octets(&[]), &mut buffer).unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(octets, field.rams).unwrap();
    actor.say(&json!({"publish": {"subject": "request", "data": "genuine"}}));
    assert_eq!(ssd.line(|line| line["indication"] == "message")["data"], "genuine");
    field.gateway.terminate();
    let rams = &field.gateway.event("stopped")["rams"];
    assert_eq!((&rams["strangers"], &rams["not_decrypted"]), (&json!(1), &json!(0)));
    assert_eq!((&rams["not_encrypted"], &rams["malformed"]), (&json!(0), &json!(0)));
}

#[test]
fn neighbours_come_and_go_with_the_mib() {
    let [field, centre] = two_networks();
    field.0.edit_mib("neighbour = true", "neighbour = false");
    let [mut field, mut centre] = [field, centre].map(Side::start);
    field.gateway.event("registered");
    centre.gateway.event("registered");
    field.network.edit_mib("neighbour = false", "neighbour = true");
    field.gateway.hang_up();
    field.gateway.event("mib_changed");
    field.gateway.event("neighbour_declared");
    assert_eq!(centre.gateway.event("neighbour_declared")["continuum_name"], "field");
    // What cannot be is told, and changes nothing.
    for (from, to, told) in [
        ("udp@localhost", "bp@ipn", "`gweid=udp@HOST:PORT`"),
        ("number = 3\nname = \"centre\"", "number = 3\nname = \"\"", "name"),
    ] {
        field.network.edit_mib(from, to);
        field.gateway.hang_up();
        let refused = field.gateway.event("mib_refused");
        assert!(refused["message"].as_str().unwrap().contains(told), "{refused}");
        field.network.edit_mib(to, from);
    }
    let location = format!("udp@{}", field.rams);
    field.network.edit_mib(&location, "udp@127.0.0.1:9");
    field.gateway.hang_up();
    let refused = field.gateway.event("mib_refused");
    assert!(refused["message"].as_str().unwrap().contains("started again"), "{refused}");
    field.network.edit_mib("udp@127.0.0.1:9", &location);
    field.network.edit_mib("neighbour = true", "neighbour = false");
    field.gateway.hang_up();
    field.gateway.event("mib_changed");
    centre.gateway.event("neighbour_retracted");
}

/// One side by a file of ION.
#[test]
fn locations_are_those_of_an_amsrc_file_too() {
    let [(field, _, rams), centre] = two_networks();
    let (server, far) = (field.servers[0], centre.2);
    let port = |address: SocketAddr| address.port();
    field.write(
        "field.amsrc",
        &format!(
            "*ams_mib_init continuum_nbr=2 ptsname=udp\n+ams_mib_add\n\
             *continuum nbr=3 name=centre neighbor=1\n*csendpoint epspec=127.0.0.1:{}\n\
             *amsendpoint tsname=udp epspec=@:0\n*application name=sensing\n\
             +venture nbr=1 appname=sensing authname=test gweid=udp@2130706433:{}\n\
             *role nbr=2 name=ssd\n*role nbr=3 name=actor\n*subject nbr=4 name=report\n\
             *subject nbr=5 name=request\n\
             *msgspace nbr=3 gweid=udp@127.0.0.1:{}\n-venture\n-ams_mib_add\n",
            port(server),
            port(rams),
            port(far)
        ),
    );
    let by = |command: &str, arguments: &[&str]| field.start_by("field.amsrc", command, arguments);
    let mut centre = Side::start(centre);
    let mut server = by("server", &[]);
    server.event("started");
    let mut registrar = by("registrar", &["--census", "0"]);
    registrar.event("noted");
    let mut gateway = by("gateway", &["--repeat", "0.5"]);
    gateway.event("registered");
    centre.gateway.event("neighbour_declared");
    let (mut actor, _) = centre.module("actor", &["--subscribe", "report"]);
    actor.line(|line| line["done"] == "subscribe");
    gateway.line(|line| line["event"] == "petition_asserted" && line["by"] == json!([3]));
    let publish =
        ["--role", "ssd", "--wait-for-peers", "1", "--publish", "report=hello", "--for", "0"];
    let _ssd = by("module", &publish);
    assert_eq!(actor.line(|line| line["indication"] == "message")["data"], "hello");
}

#[test]
fn a_gateway_that_cannot_start_says_why() {
    let [(field, ..), _] = two_networks();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = UdpSocket::bind(taken).unwrap();
    let at = taken.to_string();
    for (arguments, problem) in [
        (&["--venture", "7"][..], "venture 7"),
        (&["--unit", "3"], "no unit 3"),
        (&["--rams-bind", &at], "cannot be bound for RPDUs"),
        (&["--refresh", "0"], "0.1 seconds at the least"),
        (&["--store-octets", "99999999999"], "room for at most"),
        (&["--bind", "0.0.0.0"], "others can be told"),
    ] {
        let mut child = field.start("gateway", arguments);
        assert_eq!(child.status(), Some(2), "{arguments:?}");
        let told = child.errors();
        assert!(told.contains(problem), "{told}");
    }
    drop(holder);
    for (from, to, problem) in [
        ("udp@localhost", "bp@localhost", "nothing here carries RPDUs there"),
        ("gateway = \"udp@127", "gateway = \"bp@127", "give the venture"),
        ("gateway = \"bp@127", "gateway = \"udp@no host \u{20}", "is not known"),
    ] {
        field.edit_mib(from, to);
        let mut child = field.start("gateway", &[]);
        assert_eq!(child.status(), Some(2), "{to}");
        let told = child.errors();
        assert!(told.contains(problem), "{told}");
    }
    let nowhere = Network::new();
    let mut child = nowhere.start("gateway", &[]);
    assert_eq!(child.status(), Some(2));
    let told = child.errors();
    assert!(told.contains("does not say where this gateway is"), "{told}");
}

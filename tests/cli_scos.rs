//! `farpost ssm`, `ssd`, `actor` and `policy`, as people run them: child processes on the local
//! host, with time that passes twenty times as fast, that are killed and started again.
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

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use child::{Child, Network};
use serde_json::{Value, json};

/// The roles and subjects of stations, beside those that the MIB of tests has.
const STATIONS: &str = r#"
[[venture.role]]
number = 4
name = "asker"

[[venture.subject]]
number = 1
name = "from-ssd"

[[venture.subject]]
number = 2
name = "from-ssm"

[[venture.subject]]
number = 3
name = "from-actor"
"#;

/// Long times: a machine that is busy is not to be told apart from one that is away.
const RULES: &str = r#"
[ssm]
max_ttl_seconds = 3600
guard_seconds = 5
grace_seconds = 3600
operator = "regulator"

[policy]
quota_minutes = 30

"#;

/// How the stations of a network reach one another.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Messages,
    Tls,
}

/// A network with its server and registrar, and keys of everybody.
struct Stations {
    network: Network,
    by: By,
    /// Where the SSM listens.
    at: String,
    pace: String,
    _entities: Vec<Child>,
}

impl Stations {
    fn new(by: By) -> Self {
        let network = Network::new();
        network.edit_mib(
            "[[venture.subject]]\nnumber = 4",
            &format!("{STATIONS}\n[[venture.subject]]\nnumber = 4"),
        );
        let people =
            "--list list.toml --device mast-1 --device mast-2 --actor regulator=7 --actor guest=8";
        network.keygen(&people.split(' ').collect::<Vec<_>>());
        let list = std::fs::read_to_string(network.path("list.toml")).unwrap();
        network.write("list.toml", &format!("{RULES}{list}"));
        let mut stations = Self {
            network,
            by,
            at: "127.0.0.1:0".to_owned(),
            pace: format!("20@{}", now()),
            _entities: Vec::new(),
        };
        stations.edit_list("name = \"guest\"", "name = \"guest\"\nquota_minutes = 2");
        if by == By::Messages {
            let server = stations.network.start("server", &[]);
            let mut registrar = stations.network.start("registrar", &["--census", "0"]);
            registrar.event("noted");
            stations._entities.extend([server, registrar]);
        }
        stations
    }

    fn edit_list(&self, from: &str, to: &str) {
        let list = self.read("list.toml");
        assert!(list.contains(from), "{from}");
        self.network.write("list.toml", &list.replacen(from, to, 1));
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.network.path(file)).unwrap()
    }

    fn start(&self, command: &str, arguments: &[&str]) -> Child {
        let mut all = vec!["--pace", &self.pace];
        match (self.by, command) {
            (By::Messages, _) => all.extend(["--mib", "net.toml"]),
            (By::Tls, _) => all.extend(["--tls", &self.at]),
        }
        all.extend(arguments);
        self.network.start_alone(command, &all)
    }

    /// Starts the SSM. By TLS it stays where it was first.
    fn ssm(&mut self) -> (Child, Value) {
        let list = ["--list", "list.toml", "--store", "ssm.store", "--svg", "week.svg"];
        let mut ssm = self.start("ssm", &list);
        let restored = ssm.event("restored");
        let started = ssm.event("started");
        if self.by == By::Tls {
            self.at = started["tls"].as_str().unwrap().to_owned();
        }
        (ssm, restored)
    }

    fn ssd(&self, device: &str) -> Child {
        let [key, psk, store] = ["key", "psk", "store"].map(|kind| format!("{device}.{kind}"));
        let mut all = vec!["--device", device, "--key", &key, "--store", &store];
        all.extend(["--tolerance", "55"]);
        if self.by == By::Tls {
            all.extend(["--psk", &psk]);
        }
        self.start("ssd", &all)
    }

    fn actor(&self, name: &str, number: &str, more: &[&str]) -> Child {
        let [psk, store] = ["psk", "store"].map(|kind| format!("{name}.{kind}"));
        let mut all = vec!["--actor", number, "--store", &store];
        if self.by == By::Tls {
            all.extend(["--name", name, "--psk", &psk]);
        }
        all.extend(more);
        self.start("actor", &all)
    }

    /// What a policy manager prints, and how it ends.
    fn policy(&self, name: &str, more: &[&str]) -> (Option<i32>, Vec<Value>) {
        let psk = format!("{name}.psk");
        let who = ["--tls", &self.at, "--name", name, "--psk", &psk, "--pace", &self.pace];
        let output = farpost(&self.network, &[&["policy"], &who[..], more].concat());
        let told = String::from_utf8(output.stdout).unwrap();
        let lines = told.lines().map(|line| serde_json::from_str(line).unwrap());
        (output.status.code(), lines.collect())
    }

    /// The quota and the priority of the guest.
    fn set_for_guest(&self) -> (Value, Value) {
        let status = self.status_json();
        let guest = status["actors"].as_array().unwrap().iter().find(|one| one["actor"] == 8);
        let guest = guest.unwrap();
        (guest["quota_minutes"].clone(), guest["priority"].clone())
    }

    fn status(&self, more: &[&str]) -> Output {
        farpost(&self.network, &[&["ssm", "--status", "--store", "ssm.store"], more].concat())
    }

    fn status_json(&self) -> Value {
        let output = self.status(&["--json"]);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn farpost(network: &Network, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farpost"));
    command.current_dir(network.path(".")).args(arguments).output().unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn is(line: &Value, event: &str, request: u64) -> bool {
    line["event"] == event && line["request"] == request
}

/// A scan of a minute from the minute after `start` on, and again every second one.
fn scan(device: &str, start: u64, repeats: u64) -> Value {
    json!({"scan": {"device": device, "start": format!("+{start}"), "repeats": repeats,
                    "offset_minutes": if repeats > 0 { 2 } else { 0 }, "transforms": 2,
                    "when": "nearest"}})
}

fn advertises(ssm: &mut Child, device: &str) {
    ssm.line(|line| {
        line["event"] == "device" && line["device"] == device && line["state"] == "advertised"
    });
}

/// Scans are granted and reported; then SSM and a device are killed without warning and
/// started again, and all that was promised comes once.
fn nothing_promised_is_lost(by: By) {
    let mut stations = Stations::new(by);
    let (mut ssm, _) = stations.ssm();
    let mut one = stations.ssd("mast-1");
    let mut two = stations.ssd("mast-2");
    for device in ["mast-1", "mast-2"] {
        advertises(&mut ssm, device);
    }
    let mut actor = stations.actor("regulator", "7", &["--stdin", "--sigmf", "spectra"]);
    actor.say(&scan("mast-1", 3, 1));
    let granted = actor.line(|line| is(line, "granted", 1));
    assert_eq!((&granted["device"], &granted["repeats"]), (&json!("mast-1"), &json!(1)));
    let first = actor.line(|line| is(line, "report", 1) && line["occurrence"] == 0);
    assert_eq!(first["outcome"], "complete", "{first}");
    assert!(first["noise_floor_dbm"].is_number() && first["points"].as_u64() > Some(100));
    let saved = actor.line(|line| is(line, "saved", 1) && line["occurrence"] == 0);
    let recording = stations.read(saved["file"].as_str().unwrap());
    let recording: Value = serde_json::from_str(&recording).unwrap();
    assert_eq!(recording["global"]["core:hw"], "mast-1");
    assert_eq!(recording["captures"][0]["core:frequency"], 98_000_000);
    // The second device has more to do than it does before all is cut.
    actor.say(&scan("mast-2", 2, 6));
    actor.line(|line| is(line, "granted", 2));
    actor.line(|line| is(line, "report", 2) && line["occurrence"] == 0);
    let status = stations.status_json();
    assert_eq!(status["devices"].as_array().unwrap().len(), 2);
    assert_eq!(status["bookings"].as_array().unwrap().len(), 2);
    assert_eq!(status["counters"]["granted"], 2);
    ssm.kill();
    two.kill();
    let refused = stations.status(&[]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && told.contains("does it run?"), "{told}");
    let (mut ssm, restored) = stations.ssm();
    ssm.line(|line| line["device"] == "mast-1" && line["state"] == "associated");
    assert!(restored["records"].as_u64() >= Some(6), "{restored}");
    assert_eq!((&restored["damaged"], &restored["no_room"]), (&json!(0), &json!(0)));
    let mut two = stations.ssd("mast-2");
    assert!(two.event("restored")["records"].as_u64() >= Some(2));
    assert_eq!(stations.status_json()["bookings"].as_array().unwrap().len(), 2);
    // What it did while it was away, if anything, it does not do again.
    actor.line(|line| is(line, "report", 1) && line["occurrence"] == 1);
    let later = (1..7).map(|occurrence| {
        actor.line(|line| is(line, "report", 2) && line["occurrence"] == occurrence)
    });
    let complete = later.filter(|line| line["outcome"] == "complete").count();
    assert!(complete >= 2, "{complete}");
    let until = Instant::now() + Duration::from_secs(60);
    while stations.status_json()["reports_waiting"] != 0 {
        assert!(Instant::now() < until, "a report is not acknowledged");
        std::thread::sleep(Duration::from_millis(50));
    }
    // A number that was used is not used for something else.
    actor.kill();
    let scan = scan("mast-2", 2, 0)["scan"].to_string();
    let mut actor = stations.actor("regulator", "7", &["--scan", &scan, "--until-settled"]);
    assert_eq!(actor.event("asked")["request"], 3);
    actor.line(|line| is(line, "granted", 3));
    assert_eq!(actor.line(|line| is(line, "report", 3))["outcome"], "complete");
    // It was told of no occurrence twice, and ends by itself.
    let rest = actor.rest();
    assert!(rest.iter().all(|line| line["event"] != "report"), "{rest:?}");
    assert_eq!(actor.status(), Some(0));
    let status = stations.status_json();
    assert_eq!((&status["scans_owed"], &status["store"]["failures"]), (&json!(0), &json!(0)));
    let usage = &status["actors"][0]["usage"];
    assert_eq!(usage["granted_minutes"], 10, "{status}");
    let settled = ["complete", "incomplete", "rejected"].map(|name| usage[name].as_u64().unwrap());
    assert_eq!(settled.iter().sum::<u64>(), 10, "each once: {usage}");
    // A device that ends in order disassociates.
    one.terminate();
    assert_eq!(one.status(), Some(0));
    ssm.line(|line| line["event"] == "device" && line["state"] == "disassociated");
    ssm.terminate();
    assert_eq!(ssm.status(), Some(0));
}

#[test]
fn over_messages_nothing_promised_is_lost_when_all_are_killed() {
    nothing_promised_is_lost(By::Messages);
}

#[test]
fn over_tls_nothing_promised_is_lost_when_all_are_killed() {
    nothing_promised_is_lost(By::Tls);
}

#[test]
fn a_policy_manager_says_what_actors_may_have() {
    let mut stations = Stations::new(By::Tls);
    stations.edit_list("operator =", "policy_manager = \"regulator\"\noperator =");
    let (mut ssm, _) = stations.ssm();
    let one = |lines: &[Value], event: &str| {
        let mut found = lines.iter().filter(|line| line["event"] == event);
        let line = found.next().unwrap_or_else(|| panic!("no {event} in {lines:?}")).clone();
        assert!(found.next().is_none(), "{lines:?}");
        line
    };
    assert_eq!(stations.set_for_guest(), (json!(2), json!(0)), "as the list has it");
    let (code, lines) = stations.policy("regulator", &["--set", "8=10,3"]);
    let line = one(&lines, "in_force");
    assert_eq!((code, &line["actor"], &line["priority"]), (Some(0), &json!(8), &json!(3)));
    assert_eq!(stations.set_for_guest(), (json!(10), json!(3)));
    // Somebody else says so in vain.
    let (code, lines) = stations.policy("guest", &["--set", "8=1000"]);
    assert_eq!((code, &one(&lines, "refused")["reason"]), (Some(1), &json!("not_authorised")));
    assert_eq!(stations.set_for_guest(), (json!(10), json!(3)));
    // What was said is kept.
    ssm.kill();
    let (mut ssm, _) = stations.ssm();
    assert_eq!(stations.set_for_guest(), (json!(10), json!(3)));
    let (code, lines) = stations.policy("regulator", &["--withdraw", "8"]);
    assert_eq!((code, &one(&lines, "in_force")["quota_minutes"]), (Some(0), &Value::Null));
    assert_eq!(stations.set_for_guest(), (json!(30), json!(0)), "what holds for all");
    ssm.terminate();
    assert_eq!(ssm.status(), Some(0));
}

#[test]
fn actors_ask_in_all_ways_and_quotas_hold() {
    let mut stations = Stations::new(By::Tls);
    let (mut ssm, _) = stations.ssm();
    let _devices = ["mast-1", "mast-2"].map(|device| stations.ssd(device));
    for device in ["mast-1", "mast-2"] {
        advertises(&mut ssm, device);
    }
    let mut actor = stations.actor("regulator", "7", &["--stdin", "--inventory"]);
    let told: BTreeSet<_> = std::iter::from_fn(|| {
        let item = actor.event("inventory");
        let device = item["device"]["device"].as_str().map(str::to_owned);
        (item["last"] != true).then_some(device)
    })
    .flatten()
    .collect();
    assert!(told.contains("mast-1"), "{told:?}");
    // What is only tried is not booked. All of it is to be in one week, as quotas are.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 60;
    // The first day of Unix time was a Thursday.
    let minute = (now + 3 * 1_440) % 10_080;
    let first = if minute + 1_100 < 10_080 { 600 } else { 10_100 - minute };
    let after = |minutes: u64| format!("+{}", first + minutes);
    let ask = |members: Value| {
        let mut scan = json!({"start": after(0), "minutes": 20, "transforms": 2});
        scan.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"scan": scan})
    };
    actor.say(&ask(json!({"device": "mast-1", "dry_run": true})));
    let tried = actor.line(|line| is(line, "tried", 1));
    assert_eq!((&tried["result"], &tried["device"]), (&json!("granted"), &json!("mast-1")));
    assert_eq!(stations.status_json()["bookings"], json!([]));
    // One of several; the other is next.
    for (request, device) in [(2, "mast-1"), (3, "mast-2")] {
        actor.say(&ask(json!({"devices": ["mast-1", "mast-2"]})));
        assert_eq!(actor.line(|line| is(line, "granted", request))["device"], device);
    }
    // Exactly then there is no room, and a way out is told.
    actor.say(&ask(json!({"devices": "any", "minutes": 5})));
    let refused = actor.line(|line| is(line, "refused", 4));
    assert_eq!(refused["reason"], "conflict", "{refused}");
    assert!(refused["alternative"]["start"].is_string() && refused["first_conflict"].is_string());
    actor.say(&ask(json!({"device": "mast-1", "minutes": 5, "when": "nearest"})));
    actor.line(|line| is(line, "granted", 5));
    // In place of the last one.
    actor.say(&ask(json!({"device": "mast-1", "start": after(300), "minutes": 7, "replaces": 5})));
    let granted = actor.line(|line| is(line, "granted", 6));
    assert_eq!((&granted["minutes"], &granted["replaced_keep"]), (&json!(7), &json!(0)));
    assert_eq!(actor.line(|line| is(line, "cancelled", 5))["keep"], 0);
    // 27 of 30 minutes on this device are taken.
    actor.say(&ask(json!({"device": "mast-1", "start": after(350), "minutes": 4})));
    assert_eq!(actor.line(|line| is(line, "refused", 7))["reason"], "over_quota");
    actor.say(&json!({"cancel": 2}));
    assert_eq!(actor.line(|line| is(line, "cancelled", 2))["keep"], 0);
    actor.say(&ask(json!({"device": "mast-1", "start": after(350), "minutes": 4})));
    actor.line(|line| is(line, "granted", 8));
    actor.say(&ask(json!({"device": "nowhere"})));
    assert_eq!(actor.line(|line| is(line, "refused", 9))["reason"], "unknown_device");
    actor.write("{\"scan\":{\"device\":\"mast-2\"}}\n{\"cancel\":99}\n");
    let problem = actor.event("error");
    assert!(problem["line"] == 11 && problem["message"].as_str().unwrap().contains("start"));
    assert_eq!(actor.event("error")["line"], 12);
    // Another Actor has less.
    let mut guest = stations.actor("guest", "8", &["--stdin"]);
    guest.say(&ask(json!({"device": "mast-2", "start": after(100), "minutes": 3})));
    assert_eq!(guest.line(|line| is(line, "refused", 1))["reason"], "over_quota");
    guest.say(&ask(json!({"device": "mast-2", "start": after(100), "minutes": 2})));
    guest.line(|line| is(line, "granted", 2));
    // Its operator sees how it stands, as text and as a drawing.
    let status = stations.status_json();
    let of = |actor: usize| &status["actors"][actor];
    assert_eq!((&of(0)["name"], &of(0)["quota_minutes"]), (&json!("regulator"), &json!(30)));
    assert_eq!((&of(1)["name"], &of(1)["quota_minutes"]), (&json!("guest"), &json!(2)));
    assert_eq!(status["tls"]["connections"], 4);
    let output = stations.status(&["--text", "--svg", "asked.svg"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for words in ["mast-2", "regulator, request 6", "over-ask", "granted 6", "Mon"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(stations.read("asked.svg").contains("guest"));
    ssm.line(|line| line["event"] == "granted" && line["actor"] == 8);
    assert!(stations.read("week.svg").contains("guest"));
    // What Actors have had: to the operator of all, to others of themselves.
    actor.say(&json!({"usage": "all"}));
    let told = [actor.event("usage"), actor.event("usage")];
    assert_eq!(told[1]["usage"]["actor"], 8, "{told:?}");
    guest.say(&json!({"usage": "all"}));
    let told = guest.event("usage");
    assert_eq!((&told["usage"]["actor"], &told["last"]), (&json!(8), &json!(true)));
}

#[test]
fn wrong_keys_are_refused_by_name() {
    let mut stations = Stations::new(By::Tls);
    let (mut ssm, _) = stations.ssm();
    // Another one's pre-shared key.
    let ssd = |key: &str, psk: &str| {
        stations.start("ssd", &["--device", "mast-1", "--key", key, "--psk", psk])
    };
    let mut wrong = ssd("mast-1.key", "mast-2.psk");
    wrong.line(|line| line["event"] == "link" && line["state"] == "refused");
    assert_eq!(ssm.event("tls_refused")["wrong_keys"], 1);
    drop(wrong);
    // Another one's private key: the link is up, and no more.
    let mut wrong = ssd("mast-2.key", "mast-1.psk");
    wrong.line(|line| line["event"] == "link" && line["state"] == "up");
    wrong.line(|line| line["event"] == "association" && line["state"] == "refused");
    let intruder = ssm.event("intruder");
    assert_eq!((&intruder["device"], &intruder["why"]), (&json!("mast-1"), &json!("wrong_key")));
    drop(wrong);
    // An Actor that says it is another.
    let mut thief = stations.actor("guest", "7", &["--stdin"]);
    thief.say(&scan("mast-1", 5, 0));
    assert_eq!(thief.line(|line| is(line, "refused", 1))["reason"], "not_authorised");
    assert_eq!(ssm.event("usurper")["actor"], 7);
    // A key that is taken away takes the link with it.
    thief.line(|line| line["event"] == "link" && line["state"] == "up");
    let list = stations.read("list.toml").replace("psk = \"file:guest.psk\"", "");
    stations.network.write("list.toml", &list);
    ssm.hang_up();
    assert_eq!(ssm.event("list_changed")["actors"], 2);
    thief.line(|line| line["event"] == "link" && line["state"] == "down");
    thief.line(|line| line["event"] == "link" && line["state"] == "refused");
}

#[test]
fn a_running_ssm_reads_its_list_again_and_stores_are_of_one_program() {
    let mut stations = Stations::new(By::Messages);
    let (mut ssm, _) = stations.ssm();
    let list = stations.read("list.toml");
    for (text, problem) in [
        (format!("colour = 1\n{list}"), "colour"),
        (list.replace("guard_seconds = 5", "guard_seconds = 6"), "next start"),
        (list.replace("operator = \"regulator\"", "operator = \"nobody\""), "nobody"),
    ] {
        stations.network.write("list.toml", &text);
        ssm.hang_up();
        let refused = ssm.event("list_refused");
        assert!(refused["message"].as_str().unwrap().contains(problem), "{refused}");
        ssm.event("mib_changed");
    }
    // A device that was not known is, once it is on the list.
    stations.network.keygen(&["--list", "other.toml", "--device", "mast-3"]);
    let mut three = stations.ssd("mast-3");
    three.line(|line| line["event"] == "association" && line["state"] == "refused");
    assert_eq!(ssm.event("intruder")["why"], "unknown_device");
    three.terminate();
    assert_eq!(three.status(), Some(0));
    stations.network.write("list.toml", &(list + &stations.read("other.toml")));
    ssm.hang_up();
    assert_eq!(ssm.event("list_changed")["devices"], 3);
    let mut three = stations.ssd("mast-3");
    ssm.line(|line| line["device"] == "mast-3" && line["state"] == "associated");
    three.terminate();
    assert_eq!(three.status(), Some(0));
    // A store is of one program at a time,
    let mut other = stations.start("ssm", &["--list", "list.toml", "--store", "ssm.store"]);
    assert_eq!(other.status(), Some(2));
    let told = other.errors();
    assert!(told.contains("store of a program that runs"), "{told}");
    ssm.terminate();
    assert_eq!(ssm.status(), Some(0));
    // and of one kind of them.
    let mine = ["--device", "mast-1", "--key", "mast-1.key", "--store", "ssm.store"];
    let mut other = stations.start("ssd", &mine);
    assert_eq!(other.status(), Some(2));
    let told = other.errors();
    assert!(told.contains("of another machine"), "{told}");
}

#[test]
fn what_cannot_start_says_why() {
    let network = Network::new();
    network.keygen(&["--list", "list.toml", "--device", "mast-1", "--actor", "north=7"]);
    network.write("keyless.toml", "[policy]\nreserve_per_hour = 61\n");
    for (arguments, problem) in [
        ("ssm --list list.toml", "--mib FILE, or --tls ADDRESS"),
        ("ssm --mib net.toml", "--list"),
        ("ssm --list none.toml --tls 127.0.0.1:0", "none.toml"),
        ("ssm --list keyless.toml --tls 127.0.0.1:0", "reserve_per_hour"),
        ("ssm --list list.toml --mib net.toml", "has no subject 1"),
        ("ssm --list list.toml --tls 192.0.2.1:7", "192.0.2.1:7 cannot be bound"),
        ("ssm --status --store none.store", "does it run?"),
        ("ssm --status", "--store"),
        ("ssd --device mast-1 --key none.key --mib net.toml", "none.key cannot be read"),
        ("ssd --device mast-1 --key mast-1.key", "--mib FILE, or --tls ADDRESS"),
        ("ssd --device mast-1 --key mast-1.key --tls localhost:1", "--psk"),
        ("ssd --device mast-1 --key mast-1.key --mib net.toml --recording no", "no.sigmf-meta"),
        ("actor --actor 7 --tls localhost:1 --psk north.psk", "--name NAME"),
        ("actor --actor 7 --mib net.toml --scan {}", "start"),
        ("actor --actor 7 --mib net.toml --store list.toml", "cannot be used as a store"),
    ] {
        let output = farpost(&network, &arguments.split(' ').collect::<Vec<_>>());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(told.contains(problem), "{arguments}: {told}");
    }
}

#[test]
fn a_recording_is_sensed_and_a_run_that_is_settled_ends() {
    let mut stations = Stations::new(By::Messages);
    // A tone that is a quarter of the rate above the centre.
    let samples = (0..200_000).flat_map(|at| {
        let [i, q] = [[8_000_i16, 0], [0, 8_000], [-8_000, 0], [0, -8_000]][at % 4];
        [i.to_le_bytes(), q.to_le_bytes()].concat()
    });
    std::fs::write(stations.network.path("tone.sigmf-data"), samples.collect::<Vec<u8>>()).unwrap();
    let meta = json!({
        "global": {"core:datatype": "ci16_le", "core:sample_rate": 200_000,
                   "core:version": "1.0.0"},
        "captures": [{"core:sample_start": 0, "core:frequency": 433_000_000}],
        "annotations": [],
    });
    stations.network.write("tone.sigmf-meta", &meta.to_string());
    let (mut ssm, _) = stations.ssm();
    let mine = ["--device", "mast-1", "--key", "mast-1.key", "--recording", "tone"];
    let mut ssd = stations.start("ssd", &mine);
    advertises(&mut ssm, "mast-1");
    let scan = json!({"device": "mast-1", "start": "+2", "center_hz": 433_000_000,
                      "bandwidth_hz": 200_000, "resolution_hz": 1_000, "transforms": 4,
                      "gain_db": 0});
    let scan = ["--scan", &scan.to_string(), "--until-settled"];
    let mut actor = stations.actor("guest", "8", &scan);
    let report = actor.event("report");
    assert_eq!(report["outcome"], "complete", "{report}");
    let peak = report["peaks"][0]["hz"].as_f64().unwrap();
    assert!((peak - 433_050_000.0).abs() < 2_000.0, "{report}");
    assert_eq!(actor.status(), Some(0));
    assert_eq!(ssd.event("reports")["complete"], 1);
    // What is refused makes for another status.
    let scan = json!({"device": "mast-1", "start": "+2", "center_hz": 1}).to_string();
    let mut actor = stations.actor("guest", "8", &["--scan", &scan, "--until-settled"]);
    assert_eq!(actor.event("refused")["reason"], "out_of_capability");
    assert_eq!(actor.status(), Some(1));
}

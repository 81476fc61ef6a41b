//! `farpost ssm`, `ssd` and `actor`, as people run them: child processes on the local
//! host, with time that passes sixty times as fast, that are killed and started again.
#![cfg(all(unix, feature = "cli"))]

#[path = "cli_ams/child.rs"]
mod child;

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use child::{Child, Network};
use serde_json::{Value, json};

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

const DEVICES: &str = r#"
max_ttl = 600
guard = 5
grace = 120

[policy]
quota_minutes = 30

[[device]]
id = "mast-1"

[[device]]
id = "mast-2"
public_key = "6d6173742d32"
"#;

/// A network with its server and registrar.
struct Stations {
    network: Network,
    pace: String,
    _entities: [Child; 2],
}

impl Stations {
    fn new() -> Self {
        let network = Network::new();
        network.edit_mib(
            "[[venture.subject]]\nnumber = 4",
            &format!("{STATIONS}\n[[venture.subject]]\nnumber = 4"),
        );
        network.write("devices.toml", DEVICES);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let server = network.start("server", &[]);
        let mut registrar = network.start("registrar", &["--census", "0"]);
        registrar.event("noted");
        Self { network, pace: format!("60@{now}"), _entities: [server, registrar] }
    }

    fn file(&self, name: &str) -> String {
        self.network.path(name).to_str().unwrap().to_owned()
    }

    fn start(&self, command: &str, arguments: &[&str]) -> Child {
        let store = self.file(&format!("{command}{}.store", arguments.first().unwrap_or(&"")));
        let mut all = vec!["--store", &store, "--pace", &self.pace];
        let devices = self.file("devices.toml");
        let picture = self.file("week.svg");
        match command {
            "ssm" => all.extend(["--devices", &devices, "--week-svg", &picture]),
            "ssd" => all.push("--device"),
            _ => {}
        }
        all.extend(arguments);
        self.network.start(command, &all)
    }

    fn status(&self, more: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farpost"));
        let (mib, store) = (self.file("net.toml"), self.file("ssm.store"));
        command.args(["ssm", "--status", "--mib", &mib, "--store", &store]).args(more);
        let output = command.output().unwrap();
        let text = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8(text).unwrap())
    }
}

fn is(line: &Value, event: &str, request: u64) -> bool {
    line["event"] == event && line["request"] == request
}

fn scan(device: &str, start: u64, repeats: u64) -> Value {
    json!({"scan": {"device": device, "start": format!("+{start}"), "minutes": 1,
                    "repeats": repeats, "offset_minutes": 2, "transforms": 2,
                    "when": "nearest"}})
}

fn both_advertise(ssm: &mut Child) {
    for device in ["mast-1", "mast-2"] {
        ssm.line(|line| {
            line["event"] == "device" && line["device"] == device && line["state"] == "advertised"
        });
    }
}

#[test]
fn scans_are_granted_refused_and_reported_and_nothing_is_lost_when_all_are_killed() {
    let stations = Stations::new();
    let mut ssm = stations.start("ssm", &[]);
    let mut one = stations.start("ssd", &["mast-1"]);
    let mut two = stations.start("ssd", &["mast-2"]);
    both_advertise(&mut ssm);
    let mut actor = stations.start("actor", &["--stdin", "--actor", "7", "--inventory"]);
    let inventory = actor.event("inventory");
    assert_eq!(inventory["device"]["device"], "mast-1");
    actor.say(&scan("mast-1", 4, 2));
    actor.say(&scan("nowhere", 4, 0));
    actor.write("{\"scan\":{\"device\":\"mast-2\"}}\n");
    let granted = actor.line(|line| is(line, "granted", 1));
    assert_eq!(
        (granted["device"].as_str(), granted["repeats"].as_u64()),
        (Some("mast-1"), Some(2))
    );
    let refused = actor.line(|line| is(line, "refused", 2));
    assert_eq!(refused["reason"], "unknown_device");
    assert_eq!(actor.event("error")["line"], 3);
    // Those of the second come late enough for what is to happen.
    actor.say(&scan("mast-2", 30, 3));
    actor.line(|line| is(line, "granted", 3));
    let first = actor.line(|line| is(line, "report", 1));
    assert_eq!(
        (first["outcome"].as_str(), first["occurrence"].as_u64()),
        (Some("complete"), Some(0))
    );
    // How it stands.
    let (ok, text) = stations.status(&["--json"]);
    assert!(ok, "{text}");
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["devices"].as_array().unwrap().len(), 2);
    assert_eq!(status["actors"][0]["actor"], 7);
    assert_eq!(status["counters"]["granted"], 2);
    let (ok, text) = stations.status(&[]);
    assert!(ok && text.contains("mast-2") && text.contains("granted 2"), "{text}");
    assert!(std::fs::read_to_string(stations.file("week.svg")).unwrap().contains("actor 7"));
    // Without warning.
    ssm.kill();
    two.kill();
    assert!(!stations.status(&[]).0);
    let mut ssm = stations.start("ssm", &[]);
    let restored = ssm.event("restored");
    assert!(restored["records"].as_u64().unwrap() >= 6, "{restored}");
    assert_eq!((restored["damaged"].as_u64(), restored["no_room"].as_u64()), (Some(0), Some(0)));
    let mut two = stations.start("ssd", &["mast-2"]);
    assert!(two.event("restored")["records"].as_u64().unwrap() >= 2);
    // All that was promised comes, once.
    for (request, occurrences) in [(1, 1..3), (3, 0..4)] {
        for occurrence in occurrences {
            actor.line(|line| {
                is(line, "report", request) && line["occurrence"] == u64::from(occurrence as u32)
            });
        }
    }
    // A number that was used is not used for something else.
    actor.kill();
    let mut actor = stations.start("actor", &["--stdin", "--actor", "7"]);
    both_advertise(&mut ssm);
    actor.say(&scan("mast-2", 3, 0));
    let asked = actor.line(|line| line["event"] == "asked" || line["event"] == "report");
    assert_eq!((asked["event"].as_str(), asked["request"].as_u64()), (Some("asked"), Some(4)));
    let granted = actor.line(|line| is(line, "granted", 4) || is(line, "refused", 4));
    assert_eq!(granted["event"], "granted", "{granted}");
    // A device that ends in order disassociates.
    one.terminate();
    assert_eq!(one.status(), Some(0));
    ssm.line(|line| line["event"] == "device" && line["state"] == "disassociated");
    drop(two);
}

#[test]
fn a_running_ssm_reads_its_file_again_and_names_what_is_wrong() {
    let stations = Stations::new();
    let mut ssm = stations.start("ssm", &[]);
    ssm.event("started");
    stations.network.write("devices.toml", "colour = 1");
    ssm.hang_up();
    let refused = ssm.event("reload_refused");
    assert!(refused["message"].as_str().unwrap().contains("colour"), "{refused}");
    stations.network.write("devices.toml", &format!("{DEVICES}[[device]]\nid = \"mast-3\"\n"));
    ssm.hang_up();
    ssm.event("reloaded");
    let mut three = stations.start("ssd", &["mast-3"]);
    ssm.line(|line| line["device"] == "mast-3" && line["state"] == "associated");
    three.terminate();
    assert_eq!(three.status(), Some(0));
    // A store is of one program at a time.
    let mut other = stations.start("ssm", &[]);
    assert_eq!(other.status(), Some(2));
    let told = other.errors();
    assert!(told.contains("store of a program that runs"), "{told}");
    // And of one kind.
    ssm.terminate();
    assert_eq!(ssm.status(), Some(0));
    let store = stations.file("ssm.store");
    let mut other = stations.network.start("ssd", &["--device", "mast-1", "--store", &store]);
    assert_eq!(other.status(), Some(2));
    let told = other.errors();
    assert!(told.contains("of another machine"), "{told}");
}

//! A MIB that changes while the commands run.

use serde_json::json;

use crate::{module, running};

#[test]
fn a_changed_mib_is_read_again_on_hang_up() {
    let (network, mut server, mut registrar) = running();
    let (mut ssd, _) = module(&network, "ssd", &[]);
    let scan = json!({"publish": {"subject": "scan", "data": "433 MHz"}});
    ssd.say(&scan);
    assert_eq!(ssd.line(|line| !line["fault"].is_null())["fault"], "invalid_request");
    let report = json!({"publish": {"subject": "report", "data": ""}});
    ssd.say(&report);
    ssd.line(|line| line["done"] == "publish");

    network.edit_mib("name = \"request\"", "name = \"scan\"");
    network.edit_mib("senders = [\"ssd\"]", "senders = [\"actor\"]");
    for command in [&mut server, &mut registrar, &mut ssd] {
        command.hang_up();
        command.event("mib_changed");
    }
    ssd.say(&scan);
    ssd.line(|line| line["done"] == "publish");
    ssd.say(&report);
    assert_eq!(ssd.line(|line| !line["fault"].is_null())["fault"], "not_authorised_sender");
    ssd.end_input();
    assert_eq!(ssd.event("ended")["reason"], "end_of_input");
    registrar.line(|line| line["event"] == "module_terminated" && line["cause"] == "stopped");
}

#[test]
fn a_mib_that_cannot_be_taken_is_told_and_changes_nothing() {
    let (network, mut server, mut registrar) = running();
    let (mut ssd, _) = module(&network, "ssd", &[]);
    for (from, to, told) in [
        ("n6 = 30", "n6 = 31", "timers"),
        ("n6 = 31", "n6 = 0", "net.toml:9:1: the timers"),
        ("n6 = 0", "n6 = ", "net.toml:13:"),
    ] {
        network.edit_mib(from, to);
        for command in [&mut server, &mut registrar, &mut ssd] {
            command.hang_up();
            let refused = command.event("mib_refused");
            let message = refused["message"].as_str().unwrap();
            assert!(message.contains(told), "{message}");
        }
    }
    ssd.say(&json!({"publish": {"subject": "report", "data": ""}}));
    ssd.line(|line| line["done"] == "publish");
}

//! Files of keys, the list of devices, and `farpost keygen` that makes them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use farpost::crypto::Ed25519;
use farpost::host::devices::{DeviceList, ManagerRules};
use farpost::host::secret::{Psk, read_secret};
use farpost::scos::calendar::{Policy, QuotaScope, Reserve};
use farpost::scos::{ActorId, ActorPolicy, Admission};

fn keygen(list: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_farpost"))
        .arg("keygen")
        .arg("--list")
        .arg(list)
        .args(arguments)
        .output()
        .unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn error(list: &Path) -> String {
    DeviceList::load(list).unwrap_err().to_string()
}

#[test]
fn keygen_makes_what_an_ssm_and_its_devices_read() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("devices.toml");
    let made = keygen(&list, &["--device", "mast-1", "--device", "mast-2", "--actor", "north=7"]);
    assert!(made.status.success(), "{made:?}");
    let more = keygen(&list, &["--actor", "south=8"]);
    assert!(more.status.success(), "{more:?}");
    let read = DeviceList::load(&list).unwrap();
    let names: Vec<&str> = read.keys().map(|(name, _)| name).collect();
    assert_eq!(names, ["mast-1", "mast-2", "north", "south"]);
    for (config, device) in read.device_configs().iter().zip(["mast-1", "mast-2"]) {
        let file = directory.path().join(format!("{device}.key"));
        assert_eq!(mode(&file), 0o600);
        let private = read_secret(&file, 32, 32).unwrap();
        let public = Ed25519::public_key(private.as_slice().try_into().unwrap());
        assert_eq!((config.device, config.public_key), (device, &public[..]));
        assert_eq!(mode(&directory.path().join(format!("{device}.psk"))), 0o600);
    }
    let numbers: Vec<u32> = read.actor_names().iter().map(|one| one.actor.0).collect();
    assert_eq!(numbers, [7, 8]);
    // Nothing secret is printed, neither by the command nor by the types.
    let private = fs::read_to_string(directory.path().join("mast-1.key")).unwrap();
    let psk = fs::read_to_string(directory.path().join("mast-1.psk")).unwrap();
    for text in [String::from_utf8(made.stdout).unwrap(), format!("{read:?}")] {
        assert!(!text.contains(private.trim()) && !text.contains(psk.trim()));
    }
}

#[test]
fn keygen_overwrites_nothing_and_says_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("devices.toml");
    assert!(keygen(&list, &["--device", "mast-1", "--actor", "north=7"]).status.success());
    let before = fs::read_to_string(&list).unwrap();
    for (arguments, says) in [
        (&["--device", "mast-1"][..], "listed already"),
        (&["--device", "a", "--device", "a"], "listed already"),
        (&["--actor", "south=7"], "another actor's"),
        (&["--actor", "south"], "NAME=NUMBER"),
        (&["--device", "../x"], "letters"),
        (&["--device", ".x"], "letters"),
        (&["--device", ""], "letters"),
        (&[], "nobody to make keys for"),
    ] {
        let output = keygen(&list, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(says), "{arguments:?}: {said}");
    }
    fs::write(directory.path().join("mast-2.key"), "precious").unwrap();
    let output = keygen(&list, &["--device", "mast-2"]);
    assert!(!output.status.success());
    assert_eq!(fs::read_to_string(&list).unwrap(), before);
    assert_eq!(fs::read_to_string(directory.path().join("mast-2.key")).unwrap(), "precious");
}

#[test]
fn keys_that_others_may_read_are_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.psk");
    fs::write(&file, "00112233445566778899aabbccddeeff\n").unwrap();
    for exposed in [0o640, 0o604, 0o660, 0o620] {
        set_mode(&file, exposed);
        let error = Psk::read(&file).unwrap_err();
        assert_eq!(error.fault.name(), "exposed");
        let said = error.to_string();
        assert!(said.contains(&format!("chmod 600 {}", file.display())), "{said}");
    }
    for private in [0o600, 0o400] {
        set_mode(&file, private);
        assert_eq!(format!("{:?}", Psk::read(&file).unwrap()), "Psk");
    }
    set_mode(&file, 0o600);
    for no_key in ["", "0011", "xyz", "001122334455667788"] {
        fs::write(&file, no_key).unwrap();
        assert_eq!(Psk::read(&file).unwrap_err().fault.name(), "malformed", "{no_key}");
    }
    let missing = Psk::read(&directory.path().join("b.psk")).unwrap_err();
    assert_eq!(missing.fault.name(), "unreadable");
    assert!(Psk::new(&[0; 15]).is_none() && Psk::new(&[0; 65]).is_none());
}

#[test]
fn a_list_that_is_none_says_what_is_wrong_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("devices.toml");
    let device = |id: &str, key: &str, psk: &str| {
        format!("[[device]]\nid = \"{id}\"\npublic_key = \"{key}\"\npsk = \"{psk}\"\n")
    };
    let actor = |name: &str| format!("[[actor]]\nname = \"{name}\"\nnumber = 7\n");
    let digits = "00112233445566778899aabbccddeeff";
    let long = "123456789012345678901234567890123";
    for (text, says) in [
        (device("", "aa", digits), "1 to 32 octets"),
        (device(long, "aa", digits), "1 to 32 octets"),
        (device("a", "", digits), "public_key"),
        (device("a", "zz", digits), "public_key"),
        (device("a", "aa", "0011"), "16 to 64 octets"),
        (device("a", "aa", "file:none.psk"), "none.psk cannot be read"),
        (device("a", "aa", digits) + &device("a", "aa", digits), "listed twice"),
        (device("a", "aa", digits) + &actor("a"), "listed twice"),
        (actor("a") + &actor("b"), "number 7"),
        ("[[device]]\nid = 7\n".to_owned(), "line 2"),
        ("[[devices]]\n".to_owned(), "devices"),
        ("[ssm]\nmax_ttl_seconds = 2\n".to_owned(), "3 at the least"),
        ("[ssm]\nadmission = \"all\"\n".to_owned(), "configured"),
        ("[ssm]\noperator = \"b\"\n".to_owned() + &actor("a"), "operator = \"b\""),
        ("[ssm]\npolicy_manager = \"b\"\n".to_owned() + &actor("a"), "policy_manager = \"b\""),
        ("[policy]\nreserve_per_hour = 61\n".to_owned(), "60 minutes"),
        (device("a", "aa", digits) + "reserve_per_hour = 61\n", "device `a`"),
    ] {
        fs::write(&list, text).unwrap();
        set_mode(&list, 0o600);
        let said = error(&list);
        assert!(said.contains(says) && said.contains("devices.toml"), "{said}");
    }
    // A list with keys in it is a secret itself.
    fs::write(&list, device("a", "aa", digits)).unwrap();
    set_mode(&list, 0o644);
    let said = error(&list);
    assert!(said.contains("chmod 600") && said.contains("0644"), "{said}");
    set_mode(&list, 0o600);
    assert_eq!(DeviceList::load(&list).unwrap().keys().count(), 1);
    // One without a key has no link, and is known all the same.
    fs::write(&list, "[[device]]\nid = \"a\"\npublic_key = \"aa\"\n").unwrap();
    let read = DeviceList::load(&list).unwrap();
    assert_eq!((read.device_configs().len(), read.keys().count()), (1, 0));
}

#[test]
fn a_list_says_how_the_ssm_is_and_what_may_be_booked() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("devices.toml");
    fs::write(&list, "").unwrap();
    let read = DeviceList::load(&list).unwrap();
    assert_eq!((&read.manager, read.policy), (&ManagerRules::default(), Policy::OPEN));
    let text = r#"
[ssm]
admission = "open"
max_ttl_seconds = 60
guard_seconds = 5
grace_seconds = 7
operator = "north"
policy_manager = "south"

[policy]
quota_minutes = 90
quota_over = "all_devices"
short_minutes = 3
reserve_per_hour = 10
reserve_first = true
lead_minutes = 2
preemption = true

[[device]]
id = "mast-1"
public_key = "aa"
reserve_per_hour = 5

[[actor]]
name = "north"
number = 7
quota_minutes = 30

[[actor]]
name = "south"
number = 8
priority = 2

[[actor]]
name = "west"
number = 9
"#;
    fs::write(&list, text).unwrap();
    let read = DeviceList::load(&list).unwrap();
    let manager = ManagerRules {
        admission: Admission::Open,
        max_ttl: Duration::from_secs(60),
        guard: Duration::from_secs(5),
        grace: Duration::from_secs(7),
        operator: Some(ActorId(7)),
        policy_manager: Some("south".into()),
    };
    assert_eq!(read.manager, manager);
    let policy = Policy {
        quota_minutes: Some(90),
        quota_scope: QuotaScope::AllDevices,
        short_minutes: 3,
        reserve_per_hour: 10,
        reserve_first: true,
        lead_minutes: 2,
        preemption: true,
    };
    assert_eq!(read.policy, policy);
    assert_eq!(read.devices[0].reserve, Some(Reserve::per_hour(5)));
    let policies: Vec<_> = read.actors.iter().map(|one| one.policy).collect();
    let set = |quota_minutes, priority| Some(ActorPolicy { quota_minutes, priority });
    assert_eq!(policies, [set(Some(30), 0), set(None, 2), None]);
}

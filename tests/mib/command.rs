//! `farpost mib` as people run it.

use std::process::{Command, Output};

use farpost::host::mib::{Bump, NoKeys, from_amsrc, from_toml};

const ION: &str = "*ams_mib_init continuum_nbr=2 ptsname=udp\n+ams_mib_add\n\
                   *csendpoint epspec=@\n-ams_mib_add\n";

fn farpost(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_farpost")).arg("mib").args(arguments).output().unwrap()
}

#[test]
fn a_good_file_is_summed_up() {
    let output = farpost(&["check", "examples/mib/sensing.toml"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    for line in ["continuum 2 `field`", "role     2  ssd", "subject  2  from-ssm"] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn a_bad_file_is_an_error_and_status_1() {
    let output = farpost(&["check", "tests/mib.rs"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("tests/mib.rs:1:"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn an_ion_file_becomes_toml() {
    let path = std::env::temp_dir().join(format!("farpost-{}.amsrc", std::process::id()));
    std::fs::write(&path, ION).unwrap();
    let output = farpost(&["convert", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert!(output.status.success());
    let toml = String::from_utf8(output.stdout).unwrap();
    let arena = Bump::new();
    let expected = from_amsrc(&arena, ION, "ION", &NoKeys);
    assert_eq!(from_toml(&arena, &toml, "converted"), expected);
}

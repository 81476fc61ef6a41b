//! Keys: where they are, and which can be used.
#![cfg(all(feature = "ed25519", feature = "aead"))]

use core::time::Duration;
use farpost::ams::mib::{Binding, SignaturePolicy};
use farpost::ams::security::{AesGcmSiv, Ed25519, KeyRules};
use farpost::host::mib::{Bump, from_toml, load, load_with, to_toml};
use std::fs;
use std::path::Path;

use tempfile::TempDir;

const RULES: KeyRules<'static> = KeyRules { scheme: Some(&Ed25519), cipher: Some(&AesGcmSiv) };

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A MIB with these lines in `[continuum]` and in a subject.
fn mib(continuum: &str, subject: &str) -> String {
    format!(
        r#"config_servers = ["@:2357"]
[continuum]
number = 2
name = "field"
{continuum}
[[venture]]
number = 1
application = "a"
authority = "b"
[[venture.subject]]
number = 1
name = "report"
{subject}
"#
    )
}

fn write(directory: &TempDir, name: &str, text: &str, mode: u32) {
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    set_mode(&path, mode);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[test]
fn keys_may_be_in_files_next_to_the_mib() {
    let directory = TempDir::new().unwrap();
    let public = hex(&Ed25519::public_key(&[7; 32]));
    write(&directory, "pub", &public, 0o644);
    write(&directory, "server.key", &format!("{}\n", hex(&[7; 32])), 0o600);
    write(&directory, "report.key", &hex(&[8; 32]), 0o400);
    let text = mib(
        "public_key = \"file:pub\"\nprivate_key = \"file:server.key\"",
        "symmetric_key = \"file:report.key\"",
    );
    write(&directory, "m.toml", &text, 0o644);
    let arena = Bump::new();
    let mib = load_with(&arena, directory.path().join("m.toml"), &RULES).unwrap();
    assert_eq!(*mib.private_key, [7; 32]);
    assert_eq!(hex(mib.public_key), public);
    assert_eq!(mib.ventures[0].subjects[0].symmetric_key[..], [8; 32]);
}

#[test]
fn a_key_file_that_is_missing_exposed_or_no_key_is_told_with_its_place() {
    let directory = TempDir::new().unwrap();
    write(&directory, "open", &hex(&[7; 32]), 0o640);
    write(&directory, "noise", "seven", 0o600);
    let path = directory.path().join("m.toml");
    for (key, expected) in [
        ("lost", "there is no key `lost`; put the key into a file `lost` next to this one"),
        ("../open", "there is no key `../open`"),
        ("noise", "a key is an even number of hexadecimal digits"),
        #[cfg(unix)]
        ("open", "others may read or change the file of the key `open`; keep it to its owner"),
    ] {
        fs::write(&path, mib(&format!("private_key = \"file:{key}\""), "")).unwrap();
        let error = load(&Bump::new(), &path).unwrap_err().to_string();
        assert!(
            error.contains(&format!("m.toml:5:15: continuum.private_key: {expected}")),
            "{error}"
        );
    }
    fs::write(&path, mib("public_key = \"file:open\"", "")).unwrap();
    load(&Bump::new(), &path).unwrap();
}

#[test]
fn keys_that_cannot_be_used_are_told_with_file_line_and_item() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("m.toml");
    let key = |name: &str, octets: &[u8]| format!("{name} = \"{}\"", hex(octets));
    let apart = [key("public_key", &Ed25519::public_key(&[6; 32])), key("private_key", &[7; 32])];
    for (continuum, subject, expected) in [
        (key("public_key", &[1; 31]), String::new(), "2:1: continuum 2: its public key is none of"),
        (key("private_key", &[1; 33]), String::new(), "2:1: continuum 2: its private key is none"),
        (
            apart.join("\n"),
            String::new(),
            "2:1: continuum 2: its private and its public key are not",
        ),
        (
            String::new(),
            key("symmetric_key", &[1; 16]),
            "10:1: subject 1 `report` of venture 1: its",
        ),
    ] {
        fs::write(&path, mib(&continuum, &subject)).unwrap();
        let error = load_with(&Bump::new(), &path, &RULES).unwrap_err().to_string();
        assert!(error.contains(&format!("m.toml:{expected}")), "{error}");
        load(&Bump::new(), &path).unwrap();
    }
}

#[test]
fn signatures_are_bound_and_fresh_as_the_mib_says() {
    let arena = Bump::new();
    let text = mib("[signatures]\nbinding = \"required\"\nfreshness = 2.0", "");
    let mib_of = |text: &str| from_toml(&arena, text, "m.toml").map(|mib| mib.signatures);
    let policy = SignaturePolicy { binding: Binding::Required, freshness: Duration::from_secs(2) };
    assert_eq!(mib_of(&text), Ok(policy));
    let written = to_toml(&from_toml(&arena, &text, "m.toml").unwrap()).unwrap();
    assert_eq!(mib_of(&written), Ok(policy));
    assert_eq!(mib_of(&mib("", "")), Ok(SignaturePolicy::STANDARD));
    let loose = mib("[signatures]\nfreshness = 2.0", "");
    let error = mib_of(&loose).unwrap_err().to_string();
    let expected = "m.toml:5:1: the signatures: time tags are to be fresh, and nothing covers them";
    assert!(error.starts_with(expected), "{error}");
}

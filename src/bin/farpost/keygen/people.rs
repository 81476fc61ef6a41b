//! The keys of the devices and Actors of an SSM.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use data_encoding::HEXLOWER;
use farpost::crypto::{Ed25519, Random};
use farpost::host::devices::DeviceList;
use farpost::host::random::SystemRandom;
use farpost::host::secret::written;
use farpost::scos::messages::DEVICE_ID_MAX;

use super::create;
use crate::ams::Failure;

/// Makes their keys, and adds them to the list.
pub(super) fn make(
    list: &Path,
    devices: &[String],
    actors: &[String],
) -> Result<ExitCode, Failure> {
    if devices.is_empty() && actors.is_empty() {
        return Err(Failure::new(
            "nobody to make keys for: say --device ID or --actor NAME=NUMBER",
        ));
    }
    let known = if list.exists() { DeviceList::load(list)? } else { DeviceList::default() };
    let mut names: BTreeSet<&str> = known.devices.iter().map(|one| one.id.as_str()).collect();
    names.extend(known.actors.iter().map(|one| one.name.as_str()));
    let mut numbers: BTreeSet<u32> = known.actors.iter().map(|one| one.actor.0).collect();
    // All is looked at before anything is made.
    let actors: Vec<(&str, u32)> =
        actors.iter().map(|actor| actor_and_number(actor)).collect::<Result<_, _>>()?;
    for name in devices.iter().map(String::as_str).chain(actors.iter().map(|actor| actor.0)) {
        check_name(name)?;
        if !names.insert(name) {
            return Err(Failure::new(format!("{}: `{name}` is listed already", list.display())));
        }
    }
    for (name, number) in &actors {
        if !numbers.insert(*number) {
            return Err(Failure::new(format!(
                "{name}: number {number} is another actor's; give it one of its own"
            )));
        }
    }
    let mut said = String::new();
    for id in devices {
        let private = secret(&beside(list, id, "key"))?;
        secret(&beside(list, id, "psk"))?;
        let public = HEXLOWER.encode(&Ed25519::public_key(&private));
        said += &format!(
            "[[device]]\nid = \"{id}\"\npublic_key = \"{public}\"\npsk = \"file:{id}.psk\"\n\n"
        );
    }
    for (name, number) in &actors {
        secret(&beside(list, name, "psk"))?;
        said += &format!(
            "[[actor]]\nname = \"{name}\"\nnumber = {number}\npsk = \"file:{name}.psk\"\n\n"
        );
    }
    append(list, &said).map_err(|error| Failure::new(format!("{}: {error}", list.display())))?;
    io::stdout().write_all(said.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn actor_and_number(said: &str) -> Result<(&str, u32), Failure> {
    said.split_once('=')
        .and_then(|(name, number)| Some((name, number.parse().ok()?)))
        .ok_or_else(|| Failure::new(format!("`{said}`: an actor is NAME=NUMBER, such as north=7")))
}

/// Names are those of files too.
fn check_name(name: &str) -> Result<(), Failure> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let sound = (1..=DEVICE_ID_MAX).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with('.');
    if sound {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{name}`: keys are made for names of 1 to {DEVICE_ID_MAX} letters, digits, `.`, `_` and \
         `-`, which do not begin with `.`"
    )))
}

fn beside(list: &Path, name: &str, extension: &str) -> PathBuf {
    list.parent().unwrap_or(Path::new("")).join(format!("{name}.{extension}"))
}

/// A new secret key in a new file.
fn secret(file: &Path) -> Result<[u8; 32], Failure> {
    let mut key = [0; 32];
    SystemRandom.fill(&mut key)?;
    create(file, 0o600)
        .and_then(|mut to| to.write_all(written(&key).as_bytes()))
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", file.display())))?;
    Ok(key)
}

fn append(list: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(list)?.write_all(text.as_bytes())
}

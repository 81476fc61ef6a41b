//! `farpost keygen`: makes keys for a MIB, and those of the devices and Actors of an SSM.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use data_encoding::HEXLOWER;
use farpost::ams::security::{Ed25519, Random};
use farpost::host::random::SystemRandom;

use crate::ams::{Failure, exit};

mod people;

/// Make a key for a MIB: a pair that signs, or one that encrypts. Or make the keys of
/// devices and Actors of an SSM.
///
/// The secret key goes into FILE, which only its owner can read; there must be no such
/// file. What to write into the MIB, next to it, is printed. Without FILE the secret
/// key is printed too.
///
/// With --list, each device gets ID.key, its private key, and ID.psk, its pre-shared key,
/// and each Actor NAME.psk, beside the list; and they are added to the list, which an SSM
/// reads. What a device or an Actor needs of these is brought to it by hand, and ID.key
/// is kept nowhere else.
#[derive(Args)]
pub(crate) struct Keygen {
    /// Where to put the secret key.
    #[arg(conflicts_with = "list")]
    file: Option<PathBuf>,
    /// The list of devices and Actors to add to; it is made if there is none.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["symmetric", "raw"])]
    list: Option<PathBuf>,
    /// A device to make keys for.
    #[arg(long = "device", value_name = "ID", requires = "list")]
    devices: Vec<String>,
    /// An Actor to make a key for, with its number.
    #[arg(long = "actor", value_name = "NAME=NUMBER", requires = "list")]
    actors: Vec<String>,
    /// Make a symmetric key, for a subject.
    #[arg(long)]
    symmetric: bool,
    /// Write octets, not digits, as the key files of an ION MIB have them; the public
    /// key goes into FILE.pub.
    #[arg(long, requires = "file")]
    raw: bool,
}

impl Keygen {
    pub(crate) fn run(&self) -> ExitCode {
        exit(match &self.list {
            Some(list) => people::make(list, &self.devices, &self.actors),
            None => self.make(),
        })
    }

    fn make(&self) -> Result<ExitCode, Failure> {
        let mut secret = [0; 32];
        SystemRandom.fill(&mut secret)?;
        let public = (!self.symmetric).then(|| Ed25519::public_key(&secret));
        let name = if self.symmetric { "symmetric_key" } else { "private_key" };
        let mut said = String::new();
        match &self.file {
            Some(file) => {
                self.write(file, &secret, 0o600)?;
                let file = file.file_name().unwrap_or_default().to_string_lossy();
                said += &match (self.raw, self.symmetric) {
                    (false, _) => format!("{name} = \"file:{file}\"\n"),
                    (true, true) => format!("symkey={file}\n"),
                    (true, false) => format!("privkey={file} pubkey={file}.pub\n"),
                };
            }
            None => said += &format!("{name} = \"{}\"\n", HEXLOWER.encode(&secret)),
        }
        if let Some(public) = public {
            if let (true, Some(file)) = (self.raw, &self.file) {
                let mut name = file.clone().into_os_string();
                name.push(".pub");
                self.write(Path::new(&name), &public, 0o644)?;
            }
            if !self.raw {
                said += &format!("public_key = \"{}\"\n", HEXLOWER.encode(&public));
            }
        }
        io::stdout().write_all(said.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    /// A new file with a key.
    fn write(&self, file: &Path, key: &[u8], mode: u32) -> Result<(), Failure> {
        let content =
            if self.raw { key.into() } else { format!("{}\n", HEXLOWER.encode(key)).into_bytes() };
        create(file, mode)
            .and_then(|mut to| to.write_all(&content))
            .map_err(|error| Failure::new(format!("{} cannot be made: {error}", file.display())))
    }
}

#[cfg(unix)]
fn create(file: &Path, mode: u32) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(mode).open(file)
}

#[cfg(not(unix))]
fn create(file: &Path, _: u32) -> io::Result<std::fs::File> {
    OpenOptions::new().write(true).create_new(true).open(file)
}

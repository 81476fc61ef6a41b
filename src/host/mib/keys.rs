//! Where the keys are that a MIB file names.

use std::format;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::vec::Vec;

use crate::host::owner::exposed;

/// A store of keys by name. An ION MIB file names its keys instead of holding them, and
/// one in TOML may.
pub trait KeyStore {
    /// The octets of the key of this name; `None` when there is no such key.
    fn key(&self, name: &str) -> Option<Vec<u8>>;

    /// The same of a private or symmetric key.
    ///
    /// # Errors
    /// [`KeyRefusal`] when there is none, or it is not kept secret.
    fn secret(&self, name: &str) -> Result<Vec<u8>, KeyRefusal> {
        self.key(name).ok_or(KeyRefusal::Missing)
    }
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// There is none of this name.
    Missing,
    /// Others than its owner may read or change its file.
    Exposed,
}

/// A store without keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeys;

impl KeyStore for NoKeys {
    fn key(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}

/// A directory with a file for each key: `NAME`, or `NAME.hmk` as ION's
/// administrators call them. A name that leads out of the directory is no key's.
///
/// Files of private and symmetric keys must be their owner's alone, with a mode such as
/// 0600; systems without modes are not asked.
#[derive(Clone, Debug)]
pub struct KeyDirectory(pub PathBuf);

impl KeyDirectory {
    fn open(&self, name: &str) -> Option<File> {
        let plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "..";
        [name, &format!("{name}.hmk")]
            .into_iter()
            .filter(|_| plain)
            .find_map(|name| File::open(self.0.join(name)).ok())
    }
}

impl KeyStore for KeyDirectory {
    fn key(&self, name: &str) -> Option<Vec<u8>> {
        content(self.open(name)?).ok()
    }

    fn secret(&self, name: &str) -> Result<Vec<u8>, KeyRefusal> {
        let file = self.open(name).ok_or(KeyRefusal::Missing)?;
        if exposed(&file).map_err(|_| KeyRefusal::Missing)?.is_some() {
            return Err(KeyRefusal::Exposed);
        }
        content(file).map_err(|_| KeyRefusal::Missing)
    }
}

/// The octets of a key.
pub(super) fn find(keys: &dyn KeyStore, name: &str, secret: bool) -> Result<Vec<u8>, KeyRefusal> {
    if secret { keys.secret(name) } else { keys.key(name).ok_or(KeyRefusal::Missing) }
}

fn content(mut file: File) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    file.read_to_end(&mut octets)?;
    Ok(octets)
}

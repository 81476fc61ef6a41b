//! Where the keys are that an ION MIB file names.

use std::format;
use std::path::PathBuf;
use std::vec::Vec;

/// A store of keys by name. An ION MIB file names its keys instead of holding them.
pub trait KeyStore {
    /// The octets of the key of this name; `None` when there is no such key.
    fn key(&self, name: &str) -> Option<Vec<u8>>;
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
#[derive(Clone, Debug)]
pub struct KeyDirectory(pub PathBuf);

impl KeyStore for KeyDirectory {
    fn key(&self, name: &str) -> Option<Vec<u8>> {
        let plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "..";
        [name, &format!("{name}.hmk")]
            .into_iter()
            .filter(|_| plain)
            .find_map(|name| std::fs::read(self.0.join(name)).ok())
    }
}

//! The MIB from a file: TOML, or what an ION user has (`amsrc` text or XML).
//!
//! `docs/mib.md` tells every key of the TOML and how ION's items become ours. The MIB
//! borrows from an arena the caller keeps as long as the MIB is used:
//!
//! ```
//! # fn main() -> Result<(), farpost::host::mib::MibError> {
//! use farpost::host::mib;
//!
//! let arena = bumpalo::Bump::new();
//! let mib = mib::load(&arena, "examples/mib/sensing.toml")?;
//! assert_eq!(mib.continuum.name, "field");
//! # Ok(())
//! # }
//! ```

mod amsrc;
mod draft;
mod error;
mod keys;
mod layout;
mod read;
mod write;

use std::path::Path;
use std::string::ToString;

pub use bumpalo::Bump;

pub use self::amsrc::{from_amsrc, from_xml};
use self::error::Source;
pub use self::error::{MibError, Position};
pub use self::keys::{KeyDirectory, KeyRefusal, KeyStore, NoKeys};
pub use self::read::from_toml;
pub use self::write::to_toml;
use crate::ams::mib::Mib;
use crate::ams::security::KeyRules;

/// A way to write a MIB down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// TOML as `docs/mib.md` tells.
    Toml,
    /// ION's `amsrc` text.
    Amsrc,
    /// ION's XML.
    Xml,
}

impl Format {
    /// The format of a file: by the extension of its name, else by how the text
    /// begins.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Self {
        match Path::new(name).extension().and_then(|extension| extension.to_str()) {
            Some("toml") => return Self::Toml,
            Some("amsrc") => return Self::Amsrc,
            Some("xml") => return Self::Xml,
            _ => {}
        }
        let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        match first.and_then(|line| line.chars().next()) {
            Some('<') => Self::Xml,
            Some('*' | '+') => Self::Amsrc,
            _ => Self::Toml,
        }
    }
}

/// Reads the MIB in the file at `path`, whichever way it is written. Keys that it
/// names are files in the same directory. Any octets are taken for a key.
///
/// # Errors
/// [`MibError`] when it cannot be read, or the first thing that is wrong with it.
pub fn load<'b>(arena: &'b Bump, path: impl AsRef<Path>) -> Result<Mib<'b>, MibError> {
    load_with(arena, path, &KeyRules::ANY)
}

/// The same, with keys that `rules` allow.
///
/// # Errors
/// As [`load`], and when a key cannot be used.
pub fn load_with<'b>(
    arena: &'b Bump,
    path: impl AsRef<Path>,
    rules: &KeyRules<'_>,
) -> Result<Mib<'b>, MibError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let octets = std::fs::read(path).map_err(|error| MibError {
        file: name.clone(),
        position: None,
        item: "the file".into(),
        problem: error.to_string(),
        remedy: "name a file that can be read".into(),
    })?;
    let text = std::str::from_utf8(&octets).map_err(|_| not_text(&octets, &name))?;
    let keys = KeyDirectory(path.parent().unwrap_or(Path::new("")).into());
    parse_with(arena, text, &name, &keys, rules)
}

/// The error of octets that are not UTF-8.
fn not_text(octets: &[u8], file: &str) -> MibError {
    let text = octets.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    let source = Source { file, text };
    source.error(text.len(), "the text", "it is not UTF-8 from here on", "save it as UTF-8")
}

/// Reads a MIB from text, in the [`Format`] it has. `name` is what errors call it,
/// and `keys` has the keys it names.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse<'b>(
    arena: &'b Bump,
    text: &str,
    name: &str,
    keys: &dyn KeyStore,
) -> Result<Mib<'b>, MibError> {
    parse_with(arena, text, name, keys, &KeyRules::ANY)
}

fn parse_with<'b>(
    arena: &'b Bump,
    text: &str,
    name: &str,
    keys: &dyn KeyStore,
    rules: &KeyRules<'_>,
) -> Result<Mib<'b>, MibError> {
    let source = Source { file: name, text };
    let draft = match Format::of(name, text) {
        Format::Toml => read::draft(arena, &source, keys),
        Format::Amsrc => amsrc::amsrc_draft(arena, &source, keys),
        Format::Xml => amsrc::xml_draft(arena, &source, keys),
    };
    draft?.finish(arena, &source, rules)
}

//! Files with secret keys.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use data_encoding::HEXLOWER_PERMISSIVE;
use zeroize::Zeroizing;

use super::owner::exposed;

/// The longest file that is taken for a key.
const LONGEST: u64 = 4_096;

/// Why there is no key.
#[derive(Debug)]
pub struct SecretError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: SecretFault,
}

/// What is wrong with the file of a key.
#[derive(Debug)]
pub enum SecretFault {
    /// It cannot be read.
    Unreadable(io::Error),
    /// Others than its owner may read or change it; its mode.
    Exposed(u32),
    /// It is no key: so many octets are, or an even number of hexadecimal digits.
    Malformed {
        /// The octets a key has at least.
        least: usize,
        /// The octets a key has at most.
        most: usize,
    },
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match &self.fault {
            SecretFault::Unreadable(error) => write!(f, "{file} cannot be read: {error}"),
            SecretFault::Exposed(mode) => write!(
                f,
                "{file} holds a secret, and others than its owner may use it (mode {mode:04o}): \
                 run `chmod 600 {file}`"
            ),
            SecretFault::Malformed { least, most } if least == most => {
                write!(
                    f,
                    "{file} holds no key: {least} octets, or twice as many hexadecimal digits, are one"
                )
            }
            SecretFault::Malformed { least, most } => {
                write!(
                    f,
                    "{file} holds no key: {least} to {most} octets, as hexadecimal digits, are one"
                )
            }
        }
    }
}

impl std::error::Error for SecretError {}

/// Reads a secret key of `least` to `most` octets, in hexadecimal digits or, if they are
/// exactly `most`, as they are. On systems with modes the file must be its owner's
/// alone.
///
/// # Errors
/// [`SecretError`] says what is wrong and what to do.
pub fn read_secret(
    path: &Path,
    least: usize,
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let wrong = |fault| SecretError { file: path.into(), fault };
    let unreadable = |error| wrong(SecretFault::Unreadable(error));
    let file = File::open(path).map_err(unreadable)?;
    if let Some(mode) = exposed(&file).map_err(unreadable)? {
        return Err(wrong(SecretFault::Exposed(mode)));
    }
    let mut octets = Zeroizing::new(Vec::new());
    file.take(LONGEST).read_to_end(&mut octets).map_err(unreadable)?;
    if octets.len() == most {
        return Ok(octets);
    }
    decode(&octets)
        .filter(|key| (least..=most).contains(&key.len()))
        .ok_or_else(|| wrong(SecretFault::Malformed { least, most }))
}

/// The octets that hexadecimal digits stand for.
pub(super) fn decode(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    HEXLOWER_PERMISSIVE.decode(digits.trim_ascii()).ok().map(Zeroizing::new)
}

/// A pre-shared key. Nothing prints it, and it is wiped when it is dropped.
#[derive(Clone)]
pub struct Psk(Zeroizing<Vec<u8>>);

impl Psk {
    /// The octets a pre-shared key has at least.
    pub const LEAST: usize = 16;
    /// The octets it has at most.
    pub const MOST: usize = 64;

    /// A key of these octets. `None` if they are not 16 to 64.
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<Self> {
        let fits = (Self::LEAST..=Self::MOST).contains(&octets.len());
        fits.then(|| Self(Zeroizing::new(octets.to_vec())))
    }

    /// Reads the file of one.
    ///
    /// # Errors
    /// [`SecretError`]
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        read_secret(path, Self::LEAST, Self::MOST).map(Self)
    }

    #[cfg(all(feature = "tls-psk", unix))]
    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk")
    }
}

/// The error text without the file, for whoever has told it already.
impl SecretFault {
    /// A name for machines.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Exposed(_) => "exposed",
            Self::Malformed { .. } => "malformed",
        }
    }
}

/// What a file of a key holds: its octets in digits, and a line's end.
#[must_use]
pub fn written(key: &[u8]) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(HEXLOWER_PERMISSIVE.encode(key));
    digits.push('\n');
    digits
}

//! The secrets of the post: a file of the host here, read by semihosting; on a real board
//! a sector of flash that nothing but this can read, or a secure element.

use core::ffi::CStr;

use farpost::crypto::Ed25519;
use semihosting::fs::File;
use semihosting::io::Read;

/// The keys of the device.
pub struct Keys {
    /// Of its link.
    pub psk: [u8; 32],
    /// What it signs proofs with.
    pub private: [u8; 32],
    pub public: [u8; 32],
}

impl Keys {
    /// Octets of the file: the pre-shared key, then the private key.
    pub const OCTETS: usize = 64;

    /// Reads them. `None` if the file has other than [`Keys::OCTETS`], or cannot be read.
    pub fn read(path: &str) -> Option<Self> {
        let mut name = [0; 160];
        name.get_mut(..path.len())?.copy_from_slice(path.as_bytes());
        let mut file = File::open(CStr::from_bytes_until_nul(&name).ok()?).ok()?;
        let mut octets = [0; Self::OCTETS + 1];
        let mut have = 0;
        loop {
            match file.read(octets.get_mut(have..)?).ok()? {
                0 => break,
                count => have += count,
            }
        }
        let (psk, private) = octets.get(..have)?.split_first_chunk()?;
        let private = private.try_into().ok()?;
        Some(Self { psk: *psk, private, public: Ed25519::public_key(&private) })
    }
}

//! How a device proves that it has its private key.

use core::fmt;

use crate::crypto::{KeyUnusable, SignatureScheme};
use crate::scos::messages::SIGNATURE_MAX;

/// A private key and the scheme it is of. A secure element implements the scheme, and
/// is given no key.
#[derive(Clone, Copy)]
pub struct DeviceSigner<'s> {
    scheme: &'s dyn SignatureScheme,
    private_key: &'s [u8],
}

impl<'s> DeviceSigner<'s> {
    /// Signs with this key.
    #[must_use]
    pub const fn new(scheme: &'s dyn SignatureScheme, private_key: &'s [u8]) -> Self {
        Self { scheme, private_key }
    }

    /// Signs `text` into the front of `buffer` and returns the signature.
    pub(crate) fn sign<'b>(
        &self,
        text: &[&[u8]],
        buffer: &'b mut [u8; SIGNATURE_MAX],
    ) -> Result<&'b [u8], KeyUnusable> {
        let signature = buffer.get_mut(..self.scheme.signature_len()).ok_or(KeyUnusable)?;
        self.scheme.sign(self.private_key, text, signature)?;
        Ok(signature)
    }
}

/// The key is nobody's to read.
impl fmt::Debug for DeviceSigner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSigner").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

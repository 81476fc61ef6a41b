//! Whether the keys of a MIB are of use.

use super::{Cipher, SignatureScheme};
use crate::ams::mib::{Fault, Invalid, Item, Mib, Venture};

/// What keys are used with, to judge those of a MIB before it is used. The MIB itself
/// does not know: [`Mib::validate`] takes any octets for a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyRules<'s> {
    /// What private and public keys are of.
    pub scheme: Option<&'s dyn SignatureScheme>,
    /// What symmetric keys are of.
    pub cipher: Option<&'s dyn Cipher>,
}

impl KeyRules<'_> {
    /// Takes any octets for a key.
    pub const ANY: Self = Self { scheme: None, cipher: None };

    /// Checks that every key can be used, and that the private and the public key of
    /// an entity belong together where the MIB has both.
    ///
    /// # Errors
    /// The first key that is wrong, in the order of the fields.
    pub fn check(&self, mib: &Mib<'_>) -> Result<(), Invalid> {
        self.check_pair(Item::Continuum, mib.public_key, &mib.private_key)?;
        for (at, venture) in mib.ventures.iter().enumerate() {
            self.check_venture(at, venture)?;
        }
        Ok(())
    }

    fn check_venture(&self, at: usize, venture: &Venture<'_>) -> Result<(), Invalid> {
        self.check_pair(Item::Venture(at), venture.public_key, &venture.private_key)?;
        for (role, it) in venture.roles.iter().enumerate() {
            let item = Item::Role { venture: at, role };
            self.check_pair(item, it.public_key, &it.private_key)?;
        }
        for (subject, it) in venture.subjects.iter().enumerate() {
            self.check_symmetric(Item::Subject { venture: at, subject }, &it.symmetric_key)?;
        }
        for (space, it) in venture.remote.iter().enumerate() {
            let item = Item::MessageSpace { venture: at, space };
            self.check_symmetric(item, &it.channel_key)?;
            // Else somebody would believe that it is.
            if self.cipher.is_some() && !it.symmetric_key.is_empty() {
                return Err(Invalid { item, fault: Fault::UnusedSymmetricKey });
            }
        }
        Ok(())
    }

    fn check_pair(&self, item: Item, public: &[u8], private: &[u8]) -> Result<(), Invalid> {
        let Some(scheme) = self.scheme else { return Ok(()) };
        let fault = if !public.is_empty() && !scheme.is_public_key(public) {
            Fault::UnusablePublicKey
        } else if !private.is_empty() && !scheme.is_private_key(private) {
            Fault::UnusablePrivateKey
        } else if !public.is_empty() && !private.is_empty() && !belong(scheme, public, private) {
            Fault::KeysApart
        } else {
            return Ok(());
        };
        Err(Invalid { item, fault })
    }

    fn check_symmetric(&self, item: Item, key: &[u8]) -> Result<(), Invalid> {
        match self.cipher {
            Some(cipher) if !key.is_empty() && !cipher.is_key(key) => {
                Err(Invalid { item, fault: Fault::UnusableSymmetricKey })
            }
            _ => Ok(()),
        }
    }
}

/// Whether what is signed with one is verified with the other.
fn belong(scheme: &dyn SignatureScheme, public: &[u8], private: &[u8]) -> bool {
    let text: [&[u8]; 1] = [b"a pair"];
    let mut signature = [0; 125];
    let Some(signature) = signature.get_mut(..scheme.signature_len()) else { return false };
    scheme.sign(private, &text, signature).is_ok() && scheme.verify(public, &text, signature)
}

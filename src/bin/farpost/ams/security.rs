//! What the keys of a MIB are used with here: Ed25519 and AES-256-GCM-SIV.

use farpost::ams::mib::{Mib, Role, Venture};
use farpost::ams::pdu::MAX_APPLICATION_DATA;
use farpost::ams::security::{
    AesGcmSiv, ChannelSecurity, DigitalSignatures, Ed25519, KeyRules, SubjectSecurity,
};
use farpost::host::mib::Bump;
use farpost::host::random::SystemRandom;

use super::Failure;

/// The keys that can be used.
pub(crate) const KEY_RULES: KeyRules<'static> =
    KeyRules { scheme: Some(&Ed25519), cipher: Some(&AesGcmSiv) };

/// Who signs and judges MPDUs.
pub(crate) const SIGNATURES: DigitalSignatures<'static> =
    DigitalSignatures::new(&Ed25519, &SystemRandom);

/// Who encrypts RPDUs.
pub(crate) const CHANNELS: ChannelSecurity<'static> =
    ChannelSecurity::new(&AesGcmSiv, &SystemRandom);

/// The octets by which signatures make MPDUs longer at most.
pub(crate) const SIGNATURE_LEN: usize = 255;

/// Who encrypts messages. There are no marshalling functions.
pub(crate) fn contents(arena: &Bump) -> &mut SubjectSecurity<'_> {
    let room = arena.alloc_slice_fill_copy(MAX_APPLICATION_DATA, 0);
    arena.alloc(SubjectSecurity::new(room).with_cipher(&AesGcmSiv, &SystemRandom))
}

/// Refuses to run a configuration server that others would not believe.
pub(crate) fn require_server_key(mib: &Mib<'_>) -> Result<(), Failure> {
    require("the continuum", mib.public_key, &mib.private_key)
}

/// The same of a registrar.
pub(crate) fn require_registrar_key(venture: &Venture<'_>) -> Result<(), Failure> {
    let name = format!("the application `{}`", venture.application);
    require(&name, venture.public_key, &venture.private_key)
}

/// The same of a module.
pub(crate) fn require_role_key(role: &Role<'_>) -> Result<(), Failure> {
    require(&format!("the role `{}`", role.name), role.public_key, &role.private_key)
}

fn require(whose: &str, public: &[u8], private: &[u8]) -> Result<(), Failure> {
    if public.is_empty() || !private.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{whose} has a public key in the MIB and no private key: what is not signed with it \
         others discard; give the private_key too"
    )))
}

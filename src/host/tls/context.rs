//! What TLS is allowed to do.

use std::collections::HashMap;
use std::string::String;
use std::sync::{Arc, PoisonError, RwLock};

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode,
    SslVerifyMode, SslVersion,
};

use super::TlsError;
use crate::crypto::Random;
use crate::host::random::SystemRandom;
use crate::host::secret::Psk;

/// The longest identity of a key.
const IDENTITY_MAX: usize = 128;

/// The keys of a server by their identities, shared with the TLS library.
pub(super) type Keys = Arc<RwLock<HashMap<String, Psk>>>;

/// Who a client says it is. That it has the key is known when the handshake is done.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) identity: String,
    /// Whether there is a key of this identity.
    pub(super) known: bool,
}

/// What both sides have in common.
fn common() -> Result<SslContextBuilder, ErrorStack> {
    let mut context = SslContextBuilder::new(SslMethod::tls())?;
    context.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    context.set_max_proto_version(Some(SslVersion::TLS1_3))?;
    // The one suite of a key that comes without its own hash (RFC 8446 4.2.11).
    context.set_ciphersuites("TLS_AES_128_GCM_SHA256")?;
    context.set_options(
        SslOptions::NO_TICKET | SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION,
    );
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    // Idle connections give their buffers back: 32 kB of each.
    context.set_mode(
        SslMode::RELEASE_BUFFERS
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER,
    );
    Ok(context)
}

/// The context of a server, and where a connection keeps who its client says it is.
pub(super) fn server(keys: &Keys) -> Result<(SslContext, Index<Ssl, Claim>), TlsError> {
    let claims = Ssl::new_ex_index::<Claim>()?;
    let mut context = common()?;
    // Boards cannot do with tickets.
    context.set_num_tickets(0)?;
    let keys = Arc::clone(keys);
    context.set_psk_server_callback(move |ssl, identity, to| {
        let identity = identity.and_then(|octets| std::str::from_utf8(octets).ok());
        let keys = keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = identity.and_then(|identity| keys.get(identity));
        // Whoever has no key fails with one that nobody has, as with a wrong one: the
        // answer does not tell which identities there are.
        let mut nobodys = [0; 32];
        SystemRandom.fill(&mut nobodys).map_err(|_| ErrorStack::get())?;
        let octets = key.map_or(&nobodys[..], Psk::octets);
        let identity = String::from(identity.unwrap_or_default());
        ssl.set_ex_data(claims, Claim { identity, known: key.is_some() });
        fill(to, octets)
    });
    Ok((context.build(), claims))
}

/// The context of a client.
pub(super) fn client(identity: &str, key: Psk) -> Result<SslContext, TlsError> {
    if !is_identity(identity) {
        return Err(TlsError::Identity);
    }
    let mut context = common()?;
    // A server without the key may show a certificate instead. No one is trusted.
    context.set_verify(SslVerifyMode::PEER);
    let identity = std::string::ToString::to_string(identity);
    context.set_psk_client_callback(move |_, _, said, to| {
        // It ends with an octet 0, which was there before.
        fill(said, identity.as_bytes())?;
        said.get_mut(identity.len()).map(|end| *end = 0).ok_or_else(ErrorStack::get)?;
        fill(to, key.octets())
    });
    Ok(context.build())
}

pub(super) fn is_identity(identity: &str) -> bool {
    (1..=IDENTITY_MAX).contains(&identity.len()) && !identity.contains('\0')
}

/// Copies octets to the front of a buffer. Returns how many.
fn fill(to: &mut [u8], from: &[u8]) -> Result<usize, ErrorStack> {
    let to = to.get_mut(..from.len()).ok_or_else(ErrorStack::get)?;
    to.copy_from_slice(from);
    Ok(from.len())
}

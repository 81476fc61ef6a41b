//! What protocols that prove things are lent: a scheme of signatures and a source of
//! random octets. Machines know these traits alone; which scheme it is and where the
//! octets come from is the caller's affair.

#[cfg(feature = "ed25519")]
mod ed25519;
mod random;
mod scheme;
mod secret;

#[cfg(feature = "ed25519")]
pub use ed25519::Ed25519;
pub use random::{NoRandom, Random};
pub use scheme::{KeyUnusable, SignatureScheme};
pub use secret::SecretKey;

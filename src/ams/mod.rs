//! CCSDS 735.1-B-1, Asynchronous Message Service.
//!
//! | entity | clauses | file | type |
//! |---|---|---|---|
//! | module | 4.2.4 to 4.2.13, 4.3 | `module/` | [`module::Module`] |
//! | registrar | 4.2.3, 4.2.5 to 4.2.13 | `registrar/` | [`registrar::Registrar`] |
//! | configuration server | 4.2.1 to 4.2.4 | `config_server/` | [`config_server::ConfigServer`] |
//! | RAMS gateway | 4.4 | `gateway/` | [`gateway::Gateway`] |
//!
//! What they say to one another is in [`pdu`], what they are told before they
//! start in [`mib`], what a module gives its user in [`service`], how they prove
//! who they are and keep secrets in [`security`], how endpoints are written in
//! [`endpoint`], and who gets a message is decided in [`routing`]. Other protocols ride on
//! it by `carriage`, with the features of theirs.

#[cfg(any(feature = "management", feature = "scos"))]
pub mod carriage;
pub mod config_server;
pub mod endpoint;
pub mod gateway;
pub mod ids;
mod meta;
pub mod mib;
pub mod module;
pub mod pdu;
pub mod registrar;
pub mod routing;
pub mod security;
pub mod service;

#[cfg(test)]
mod script;
#[cfg(test)]
mod space;

pub use meta::MetaStats;

//! CCSDS 735.1-B-1, Asynchronous Message Service.

pub mod ids;
mod meta;
pub mod mib;
pub mod module;
pub mod pdu;
pub mod service;

pub use meta::MetaStats;

//! CCSDS 735.1-B-1, Asynchronous Message Service.

pub mod ids;
mod meta;
pub mod mib;
pub mod pdu;

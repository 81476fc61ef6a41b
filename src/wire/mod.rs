//! Octets: bounded cursors, the shape of an error, open code registries, the
//! CCSDS unsegmented time code and the AMS checksum.
//!
//! Everything that reads or writes an offset does it through [`Reader`] and
//! [`Writer`]; nothing here panics, allocates or loops longer than its input.

mod checksum;
mod code;
mod cuc;
mod cursor;
mod error;

pub(crate) use checksum::BLOCK;
pub use checksum::{Checksum, checksum};
pub(crate) use code::open_code;
pub use cuc::{CucFault, TimeCode, TimeCodeId, TimeTag};
#[cfg(feature = "alloc")]
pub use cursor::written;
pub use cursor::{Encode, NoSpace, Octets, Reader, Short, Writer};
pub use error::{Malformed, Rule};

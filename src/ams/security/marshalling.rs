//! The functions that marshal and un-marshal application data (735.1-B-1 2.3.9).

use core::fmt;

/// The marshalling functions an application supplies, under the names that the MIB
/// calls them by.
pub trait Marshalling: fmt::Debug {
    /// Has the function of this name make octets to transmit, or application data of
    /// octets received, from `data`. Returns how many octets it wrote to `to`.
    ///
    /// # Errors
    /// [`MarshalFault`]; what is in `to` is then of no use.
    fn convert(&self, function: &str, data: &[u8], to: &mut [u8]) -> Result<usize, MarshalFault>;
}

/// Why data were not marshalled or un-marshalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MarshalFault {
    /// There is no function of this name.
    NoFunction,
    /// The result does not fit.
    NoRoom,
    /// The function cannot make sense of the data.
    Refused,
}

/// A function that marshals or un-marshals: from the data, to the octets. It returns
/// how many it wrote.
pub type Convert = fn(&[u8], &mut [u8]) -> Result<usize, MarshalFault>;

/// Functions and their names.
///
/// ```
/// use farpost::ams::security::{MarshalFault, Marshalling, MarshallingTable};
///
/// fn to_network(data: &[u8], to: &mut [u8]) -> Result<usize, MarshalFault> {
///     let native = data.try_into().map(u32::from_ne_bytes).map_err(|_| MarshalFault::Refused)?;
///     *to.first_chunk_mut().ok_or(MarshalFault::NoRoom)? = native.to_be_bytes();
///     Ok(4)
/// }
///
/// let table = MarshallingTable(&[("count-to-network", to_network)]);
/// let mut octets = [0; 4];
/// assert_eq!(table.convert("count-to-network", &258_u32.to_ne_bytes(), &mut octets), Ok(4));
/// assert_eq!(octets, [0, 0, 1, 2]);
/// ```
#[derive(Clone, Copy)]
pub struct MarshallingTable<'t>(pub &'t [(&'t str, Convert)]);

impl fmt::Debug for MarshallingTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Marshalling for MarshallingTable<'_> {
    fn convert(&self, function: &str, data: &[u8], to: &mut [u8]) -> Result<usize, MarshalFault> {
        let known = self.0.iter().find(|(name, _)| *name == function);
        known.ok_or(MarshalFault::NoFunction)?.1(data, to)
    }
}

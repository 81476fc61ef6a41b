//! What an agent manages: the board or the program that implements its ADMs.

use core::fmt;

use crate::management::amp::Value;
use crate::time::Now;

/// An object of an ADM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Object {
    /// The enumeration of the ADM.
    pub adm: u32,
    /// The index in its collection.
    pub index: u32,
}

/// A value, and how old it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Collected<'a> {
    /// The value, of the type that the ADM says.
    pub value: Value<'a>,
    /// Seconds since it was measured.
    pub age: u32,
}

impl<'a> Collected<'a> {
    /// A value as it is now.
    #[must_use]
    pub const fn fresh(value: Value<'a>) -> Self {
        Self { value, age: 0 }
    }
}

/// The value cannot be had, or the control was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the application has no such value, or did not do it")
    }
}

impl core::error::Error for Failed {}

/// The applications of an agent. It is lent to the agent for the length of a call, and
/// asked only for objects of the ADMs of [`AgentConfig::adms`](super::AgentConfig::adms),
/// with as many parameters as they have, of their types.
pub trait Application {
    /// The value of externally defined data. What takes long to measure is measured
    /// before, and given with its age.
    ///
    /// # Errors
    /// [`Failed`]: reports that would have it are not made, and rules do not act on it.
    fn collect(
        &mut self,
        now: Now,
        edd: Object,
        parameters: &[Value<'_>],
    ) -> Result<Collected<'_>, Failed>;

    /// Does what a control says. It is said once; nothing is repeated after a loss of
    /// power.
    ///
    /// # Errors
    /// [`Failed`] is counted.
    fn control(&mut self, now: Now, ctrl: Object, parameters: &[Value<'_>]) -> Result<(), Failed>;

    /// Gives a row of a table, from 0, cell by cell, and returns whether there is one.
    /// An application without tables has no rows.
    fn row(&mut self, now: Now, tblt: Object, row: u32, cell: &mut dyn FnMut(Value<'_>)) -> bool {
        let _ = (now, tblt, row, cell);
        false
    }
}

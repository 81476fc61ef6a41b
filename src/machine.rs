//! The contract of every machine.

use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// One more, where there is room for it.
#[cfg(any(feature = "management", feature = "scos", feature = "southbound"))]
#[inline(never)]
pub(crate) const fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// A machine that speaks to its peers and to no user: what a driver needs to run
/// it. Machines with a user have the same three calls, and lend the user too.
///
/// A machine has no clock, socket, thread, lock, allocation or global. All it
/// does happens within these calls; extra ticks do nothing.
pub trait Machine {
    /// Takes one datagram that came from `from`.
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport);

    /// Does whatever is due.
    fn tick(&mut self, now: Now, transport: &mut dyn Transport);

    /// When [`Machine::tick`] is next to be called; `None` for never. Each other
    /// call may change it.
    fn next_deadline(&self) -> Option<Instant>;
}

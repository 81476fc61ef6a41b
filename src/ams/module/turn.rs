//! What a module is lent for one call.

use crate::ams::service::{Fault, Indication, ServiceUser};
use crate::time::Now;
use crate::transport::Transport;

/// The time of a call, and what is lent for it: one argument where there were three,
/// two of them of two words.
pub(super) struct Turn<'a> {
    pub(super) now: Now,
    pub(super) transport: &'a mut dyn Transport,
    pub(super) user: &'a mut dyn ServiceUser,
}

impl Turn<'_> {
    /// Indicates a fault.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn fault(&mut self, fault: Fault) {
        self.user.indicate(Indication::Fault(fault));
    }
}

//! What a module is lent for one call.

use crate::ams::meta::Outlet;
use crate::ams::pdu::MpduType;
use crate::ams::service::{Fault, Indication, ServiceUser};
use crate::time::Now;
use crate::transport::{Address, SendError, Transport};
use crate::wire::Encode;

/// The time of a call, and what is lent for it: one argument where there were three,
/// two of them of two words.
pub(super) struct Turn<'a> {
    pub(super) now: &'a Now,
    pub(super) transport: &'a mut dyn Transport,
    pub(super) user: &'a mut dyn ServiceUser,
}

impl Turn<'_> {
    /// Sends an MPDU of this type, with this reference.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn send(
        &mut self,
        outlet: &mut Outlet<'_>,
        to: &Address,
        (kind, reference): (MpduType, u32),
        supplement: &dyn Encode,
    ) -> Result<(), SendError> {
        outlet.send_raw(self.now, to, kind, reference, supplement, self.transport)
    }

    /// Indicates a fault.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn fault(&mut self, fault: Fault) {
        self.user.indicate(Indication::Fault(fault));
    }
}

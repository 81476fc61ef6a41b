//! What a module is lent for one call.

use core::time::Duration;

use heapless::String;

use crate::ams::pdu::EndpointName;
use crate::ams::service::{Fault, Indication, ServiceUser};
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// The time of a call, and what is lent for it: one argument where there were three,
/// two of them of two words.
pub(super) struct Turn<'a> {
    pub(super) now: &'a Now,
    pub(super) transport: &'a mut dyn Transport,
    pub(super) user: &'a mut dyn ServiceUser,
}

impl Turn<'_> {
    /// The address of an endpoint whose name was received: ASCII, as was found when it
    /// was parsed. It is put together anew, for the check that makes text of octets is
    /// half a kilobyte of code and tables.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn resolve(&mut self, service: &str, endpoint: &[u8]) -> Option<Address> {
        let mut name = String::<{ EndpointName::MAX_LEN }>::new();
        for octet in endpoint {
            name.push(char::from(octet & 0x7f)).ok()?;
        }
        self.transport.resolve(service, &name)
    }

    /// The time this much later.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn after(&self, span: &Duration) -> Instant {
        self.now.monotonic.after(*span)
    }

    /// Indicates a fault.
    pub(super) fn fault(&mut self, fault: Fault) {
        indicate_fault(self.user, fault);
    }
}

/// Indicates a fault to whoever is not lent a turn.
#[cfg_attr(not(feature = "std"), inline(never))]
pub(super) fn indicate_fault(user: &mut dyn ServiceUser, fault: Fault) {
    user.indicate(Indication::Fault(fault));
}

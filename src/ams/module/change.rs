//! Another MIB for a module that operates.

use super::Module;
use crate::ams::mib::{ChangeRefused, Mib};
use crate::ams::routing::Standing;
use crate::ams::service::{Fault, Indication, ServiceUser};

impl<'s> Module<'s> {
    /// Goes by `mib` from now on. The rules of others are judged anew, and who may
    /// send and receive on what is as the new MIB says. Own rules on subjects that
    /// this module may no longer receive on are cancelled, each with
    /// [`Fault::NotAuthorisedReceiver`] and the indication of the cancellation; the
    /// registrar is told at the next tick. Nothing else is lost.
    ///
    /// # Errors
    /// [`ChangeRefused`] when the new MIB is not valid, or has otherwise what this
    /// module is known by; nothing is changed then.
    pub fn change_mib(
        &mut self,
        mib: &'s Mib<'s>,
        user: &mut dyn ServiceUser,
    ) -> Result<(), ChangeRefused> {
        self.take_mib(mib)?;
        self.cancel_what_is_not_authorised(user);
        Ok(())
    }

    /// Goes by `mib` and judges the rules of others anew.
    pub(in crate::ams) fn take_mib(&mut self, mib: &'s Mib<'s>) -> Result<(), ChangeRefused> {
        self.mib.may_become(mib)?;
        let cell = (self.identity.venture, self.identity.unit);
        self.mib.keeps(mib, cell, Some(self.identity.role))?;
        self.mib = mib;
        self.venture = mib.venture(self.identity.venture);
        self.outlet.change_mib(mib);
        self.rejudge_rules();
        Ok(())
    }

    fn cancel_what_is_not_authorised(&mut self, user: &mut dyn ServiceUser) {
        let (venture, role) = (self.venture, self.identity.role);
        let Some(id) = self.id() else { return };
        for rule in self.own.iter_mut().filter(|rule| rule.is_asserted()) {
            let what = rule.cancellation();
            if venture.is_none_or(|venture| venture.may_receive(role, what.subject)) {
                continue;
            }
            rule.standing = Standing::ToCancel;
            user.indicate(Indication::Fault(Fault::NotAuthorisedReceiver));
            user.indicate(rule.told(id, false));
        }
    }
}

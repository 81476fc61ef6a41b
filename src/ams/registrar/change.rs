//! Another MIB for a registrar that operates.

use super::Registrar;
use crate::ams::mib::{ChangeRefused, Mib};

impl<'s> Registrar<'s> {
    /// Goes by `mib` from now on. Members stay members, also in roles that are no
    /// longer listed; whoever registers from now on does so by the new MIB. A
    /// resynchronisation that is due stays so, and the next comes after the new
    /// period.
    ///
    /// # Errors
    /// [`ChangeRefused`] when the new MIB is not valid, or has otherwise what this
    /// registrar is known by; nothing is changed then.
    pub fn change_mib(&mut self, mib: &'s Mib<'s>) -> Result<(), ChangeRefused> {
        self.mib.may_become(mib)?;
        self.mib.keeps(mib, (self.config.venture, self.config.unit), None)?;
        self.mib = mib;
        self.outlet.change_mib(mib);
        let n5 = mib.timers.n5();
        self.resync_at = self.resync_interval().and_then(|interval| {
            let first = self.established.map(|start| start.after(interval.max(n5)));
            self.resync_at.or(first)
        });
        Ok(())
    }
}

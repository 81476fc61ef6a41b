//! Another MIB for a configuration server that operates.

use super::ConfigServer;
use crate::ams::mib::{ChangeRefused, Item, Mib};

impl<'s> ConfigServer<'s> {
    /// Goes by `mib` from now on. Registrars of cells that are no longer listed stay
    /// known while they are heard of; they are not noted again. Locations may come
    /// and go, but for that of this server.
    ///
    /// # Errors
    /// [`ChangeRefused`] when the new MIB is not valid, or has otherwise what this
    /// server is known by; nothing is changed then.
    pub fn change_mib(&mut self, mib: &'s Mib<'s>) -> Result<(), ChangeRefused> {
        self.mib.may_become(mib)?;
        let location = self.config.location;
        if self.mib.config_servers.get(location) != mib.config_servers.get(location) {
            return Err(ChangeRefused::Fixed(Item::ConfigServer(location)));
        }
        self.mib = mib;
        self.outlet.change_mib(mib);
        Ok(())
    }
}

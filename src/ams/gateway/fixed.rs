//! The gateway of a message space that stays as it is: conformance class 7
//! (735.1-B-1 7.1, table 7-1).

use super::{Gateway, GatewayConfig, GatewayStorage};
use crate::ams::ids::{ModuleKey, RoleNumber};
use crate::ams::mib::{ChangeRefused, Mib};
use crate::ams::module::{StaticFault, StaticModule, StaticSpace};
use crate::ams::security::ChannelHandler;
use crate::ams::service::Fault;
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// A RAMS gateway without Meta-AMS. To its neighbours it is like any other; its
/// message space is a [`StaticSpace`], in which everybody knows from the start what
/// 4.4 has a gateway subscribe to as it goes:
///
/// - the gateway is a member in role 1 that subscribes to the pseudo-subject of its
///   own continuum and those of all it may have a conduit for, from everywhere, and
///   to whatever modules of other continua may want;
/// - every member that is to get messages from elsewhere invites the pseudo-subject
///   of the continuum from role 1.
///
/// What neighbours want and the gateway does not subscribe to is counted in
/// [`GatewayStats::not_subscribed`](super::GatewayStats::not_subscribed).
#[derive(Debug)]
pub struct StaticGateway<'s>(Gateway<'s>);

impl<'s> StaticGateway<'s> {
    /// The gateway that the module `me` of `space` is; it takes no part yet. Its
    /// storage as a module is that of a [`StaticModule`].
    ///
    /// # Errors
    /// [`StaticFault`].
    pub fn new(
        mib: &'s Mib<'s>,
        space: &StaticSpace<'s>,
        me: ModuleKey,
        config: GatewayConfig,
        storage: GatewayStorage<'s>,
        transport: &mut dyn Transport,
    ) -> Result<Self, StaticFault> {
        let GatewayStorage { module, neighbours, petitions, parcels, blocks, rpdu } = storage;
        let module = StaticModule::new(mib, space, me, module, transport)?;
        if module.id().role != RoleNumber::RAMS_GATEWAY {
            return Err(StaticFault::NoGateway(me));
        }
        let (tables, store) = ((neighbours, petitions), (parcels, blocks));
        let gateway = Gateway::of(mib, module.into_module(), config, tables, store, rpdu);
        Ok(Self(Gateway { fixed: true, ..gateway }))
    }

    /// See [`Gateway::with_channel_security`].
    #[must_use]
    pub fn with_channel_security(
        self,
        handler: &'s dyn ChannelHandler,
        sealed: &'s mut [u8],
        opened: &'s mut [u8],
    ) -> Self {
        Self(self.0.with_channel_security(handler, sealed, opened))
    }

    /// Declares it to its neighbours (4.4.2.1), if that has not been done.
    pub fn start(&mut self, now: Now, transport: &mut dyn Transport) {
        if !self.0.active {
            self.0.commence(now, transport);
        }
    }

    /// Retracts it from its neighbours (4.4.2.2.3), until it is started again.
    pub fn stop(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.0.active {
            self.0.cease(now, transport);
        }
    }

    /// Goes by `mib` from now on; see [`Gateway::change_mib`].
    ///
    /// # Errors
    /// [`ChangeRefused`]; nothing is changed then.
    pub fn change_mib(
        &mut self,
        now: Now,
        mib: &'s Mib<'s>,
        transport: &mut dyn Transport,
    ) -> Result<(), ChangeRefused> {
        self.0.module.take_mib(mib)?;
        self.0.follow_mib(now, mib, transport);
        Ok(())
    }

    /// See [`Gateway::receive_aams`].
    ///
    /// # Errors
    /// The [`Fault`] for which it is discarded as a message.
    pub fn receive_aams(
        &mut self,
        now: Now,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.0.receive_aams(now, octets, transport)
    }

    /// See [`Gateway::receive_rams`].
    pub fn receive_rams(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) {
        self.0.receive_rams(now, from, octets, transport);
    }

    /// Does whatever is due. Extra calls do nothing.
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.0.turn(now, transport);
    }

    /// When [`StaticGateway::tick`] is next to be called. Any other call may change it.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.0.next_turn()
    }

    /// The gateway, for whoever watches: its neighbours, petitions and counters.
    #[must_use]
    pub const fn gateway(&self) -> &Gateway<'s> {
        &self.0
    }
}

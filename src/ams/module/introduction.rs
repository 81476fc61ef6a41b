//! Telling new modules of this one (4.2.5.5.8 d): `I_am_here`, at once or after
//! [`Policy::introduction_delay`], and again [`Policy::introduction_repeats`]
//! times, for nobody acknowledges it.
//!
//! [`Policy::introduction_delay`]: crate::ams::mib::Policy::introduction_delay
//! [`Policy::introduction_repeats`]: crate::ams::mib::Policy::introduction_repeats

use core::time::Duration;

use super::status::{One, OwnStatus};
use super::{Module, Turn};
use crate::ams::ids::{ModuleId, ModuleKey};
use crate::ams::meta::{Outlet, RETRY};
use crate::ams::pdu::{ContactSummaryValues, MpduType};
use crate::ams::routing::Rule;
use crate::ams::service::Fault;
use crate::storage::Table;
use crate::time::Instant;
use crate::transport::{Address, SendError};

/// What a new module is still to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Introduction {
    /// So many `I_am_here`.
    times: u8,
    /// Not when next the time has come but the time after: the module has started
    /// since that was set.
    fresh: bool,
}

impl Introduction {
    /// Nothing.
    pub(super) const NONE: Self = Self { times: 0, fresh: false };

    const fn is_owed(self) -> bool {
        self.times > 0
    }
}

impl Module<'_> {
    /// The module has just started and is to be told of this one.
    pub(super) fn introduce_to(&mut self, key: ModuleKey, turn: &mut Turn<'_>) {
        let delay = self.mib.policy.introduction_delay;
        let fresh = !delay.is_zero() && self.introduce_at < Instant::MAX;
        if !fresh {
            self.introduce_at = turn.now.monotonic.after(delay);
        }
        if let Some(peer) = self.peers.get_mut(key) {
            let times = self.mib.policy.introduction_repeats.saturating_add(1);
            peer.introduction = Introduction { times, fresh };
        }
        self.do_what_is_due(turn);
    }

    /// Tells whoever is due.
    pub(super) fn introduce(&mut self, turn: &mut Turn<'_>) {
        let Some(id) = self.id() else {
            return;
        };
        let state = State { id, contact: &self.identity.contact, own: &self.own };
        let (mut left, mut refused) = (false, false);
        for peer in self.peers.iter_mut().filter(|peer| peer.introduction.is_owed()) {
            let Introduction { times, fresh } = peer.introduction;
            if fresh {
                peer.introduction = Introduction { times, fresh: false };
                left = true;
                continue;
            }
            let sent = peer.mams.map_or(Ok(()), |to| state.tell(&to, &mut self.outlet, turn));
            if sent == Err(SendError::TooLong) {
                turn.fault(Fault::MpduTooLong(MpduType::I_AM_HERE));
            }
            let owed = self.outlet.is_owed(sent);
            let times = if owed { times } else { times.saturating_sub(1) };
            peer.introduction = Introduction { times, fresh: false };
            left |= times > 0;
            refused |= owed;
        }
        let next = turn.now.monotonic.after(self.introduction_interval(refused));
        self.introduce_at = if left { next } else { Instant::MAX };
    }

    /// Not at once, even where new modules are told at once.
    fn introduction_interval(&self, refused: bool) -> Duration {
        let delay = self.mib.policy.introduction_delay;
        if refused || delay.is_zero() { delay.max(RETRY) } else { delay }
    }
}

/// The MAMS state of this module.
struct State<'a, 's> {
    id: ModuleId,
    contact: &'a ContactSummaryValues<'s>,
    own: &'a Table<'s, Rule>,
}

impl State<'_, '_> {
    /// *I_am_here* to one module, or several of them where one is too long: what they
    /// tell adds up.
    fn tell(
        &self,
        to: &Address,
        outlet: &mut Outlet<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), SendError> {
        let total = self.own.iter().filter(|row| row.is_asserted()).count();
        let (mut first, mut count) = (0_usize, total);
        loop {
            let Self { id, contact, own } = *self;
            let list = One(OwnStatus { id, contact, own, first, count });
            match turn.send(outlet, to, (MpduType::I_AM_HERE, 0), &list) {
                Ok(()) => first = first.saturating_add(count),
                Err(SendError::TooLong) if count > 1 => count = count.div_ceil(2),
                Err(refused) => return Err(refused),
            }
            if first >= total {
                return Ok(());
            }
        }
    }
}

//! Telling new modules of this one (4.2.5.5.8 d): `I_am_here`, at once or after
//! [`Policy::introduction_delay`], and again [`Policy::introduction_repeats`]
//! times, for nobody acknowledges it.
//!
//! [`Policy::introduction_delay`]: crate::ams::mib::Policy::introduction_delay
//! [`Policy::introduction_repeats`]: crate::ams::mib::Policy::introduction_repeats

use core::time::Duration;

use super::Module;
use super::status::{One, OwnStatus};
use crate::ams::ids::ModuleKey;
use crate::ams::meta::RETRY;
use crate::ams::pdu::MpduType;
use crate::time::Now;
use crate::transport::Transport;

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
    pub(super) fn introduce_to(&mut self, now: Now, key: ModuleKey, transport: &mut dyn Transport) {
        let delay = self.mib.policy.introduction_delay;
        let fresh = !delay.is_zero() && self.introduce_at.is_some();
        if !fresh {
            self.introduce_at = Some(now.monotonic.after(delay));
        }
        if let Some(peer) = self.peers.get_mut(key) {
            let times = self.mib.policy.introduction_repeats.saturating_add(1);
            peer.introduction = Introduction { times, fresh };
        }
        self.introduce(now, transport);
    }

    /// Tells whoever is due, if the time has come.
    pub(super) fn introduce(&mut self, now: Now, transport: &mut dyn Transport) {
        let due = self.introduce_at.is_some_and(|at| now.monotonic >= at);
        let Some(id) = self.id().filter(|_| due) else {
            return;
        };
        let list = One(OwnStatus { id, contact: &self.identity.contact, own: &self.own });
        let (mut left, mut refused) = (false, false);
        for peer in self.peers.iter_mut().filter(|peer| peer.introduction.is_owed()) {
            let Introduction { times, fresh } = peer.introduction;
            let sent = fresh
                || peer.mams.is_none_or(|to| {
                    let kind = MpduType::I_AM_HERE;
                    self.outlet.send_raw(now, &to, kind, 0, &list, transport).is_ok()
                });
            let times = if sent && !fresh { times.saturating_sub(1) } else { times };
            peer.introduction = Introduction { times, fresh: false };
            left |= times > 0;
            refused |= !sent;
        }
        let next = now.monotonic.after(self.introduction_interval(refused));
        self.introduce_at = left.then_some(next);
    }

    /// Not at once, even where new modules are told at once.
    fn introduction_interval(&self, refused: bool) -> Duration {
        let delay = self.mib.policy.introduction_delay;
        if refused || delay.is_zero() { delay.max(RETRY) } else { delay }
    }
}

//! Telling new modules of this one (4.2.5.5.8 d): `I_am_here`, at once or after
//! [`Policy::introduction_delay`], and again [`Policy::introduction_repeats`]
//! times, for nobody acknowledges it.
//!
//! [`Policy::introduction_delay`]: crate::ams::mib::Policy::introduction_delay
//! [`Policy::introduction_repeats`]: crate::ams::mib::Policy::introduction_repeats

use core::time::Duration;

use super::status::Part;
use super::{Module, Peer, Turn};
use crate::ams::ids::ModuleKey;
use crate::ams::meta::RETRY;
use crate::ams::pdu::MpduType;
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
}

impl Module<'_> {
    /// The module has just started and is to be told of this one.
    pub(super) fn introduce_to(&mut self, key: ModuleKey, turn: &mut Turn<'_>) {
        let delay = self.mib.policy.introduction_delay;
        let fresh = !delay.is_zero() && self.introduce_at < Instant::MAX;
        if !fresh {
            self.introduce_at = turn.after(&delay);
        }
        if let Some(peer) = self.peers.get_mut(key) {
            let times = self.mib.policy.introduction_repeats.saturating_add(1);
            peer.introduction = Introduction { times, fresh };
        }
        self.do_what_is_due(turn);
    }

    /// Tells whoever is due.
    pub(super) fn introduce(&mut self, turn: &mut Turn<'_>) {
        let (mut left, mut refused) = (false, false);
        for place in 0..self.peers.len() {
            let Some(&Peer { key, mams, introduction, .. }) = self.peers.at(place) else {
                continue;
            };
            let Introduction { mut times, fresh } = introduction;
            if times == 0 {
                continue;
            }
            if !fresh {
                let sent = if mams.is_some() { self.tell(mams.as_ref(), turn) } else { Ok(()) };
                let owed = self.is_owed(sent, MpduType::I_AM_HERE, turn);
                times = times.saturating_sub(u8::from(!owed));
                refused |= owed;
            }
            left |= times > 0;
            if let Some(peer) = self.peers.get_mut(key) {
                peer.introduction = Introduction { times, fresh: false };
            }
        }
        let next = turn.after(&self.introduction_interval(refused));
        self.introduce_at = if left { next } else { Instant::MAX };
    }

    /// *I_am_here* to one module, or several of them where one is too long: what they
    /// tell adds up.
    fn tell(&mut self, to: Option<&Address>, turn: &mut Turn<'_>) -> Result<(), SendError> {
        let total = self.own.iter().filter(|row| row.is_asserted()).count();
        let mut part = Part { first: 0, count: total };
        loop {
            match self.say(MpduType::I_AM_HERE, to, part, turn) {
                Ok(()) => part.first = part.first.saturating_add(part.count),
                Err(SendError::TooLong) if part.count > 1 => part.count = part.count.div_ceil(2),
                refused => return refused,
            }
            if part.first >= total {
                return Ok(());
            }
        }
    }

    /// Not at once, even where new modules are told at once.
    fn introduction_interval(&self, refused: bool) -> Duration {
        let delay = self.mib.policy.introduction_delay;
        if refused || delay.is_zero() { delay.max(RETRY) } else { delay }
    }
}

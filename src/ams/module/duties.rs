//! What a module does when its time has come.

use super::turn::indicate_fault;
use super::{Membership, Module, Turn};
use crate::ams::service::{Fault, ServiceUser};
use crate::time::{Instant, Now};
use crate::transport::Transport;

/// What there is to do at some time, in the order in which it is done when several are due.
#[derive(Clone, Copy)]
enum Duty {
    /// The configuration server has not answered.
    Search,
    /// The registrar has not answered.
    Answer,
    /// Nothing was heard of the registrar.
    Silence,
    /// A heartbeat.
    Beat,
    /// The registrar is looked for, or sent the registration or the reconnection.
    Contact,
    /// The registrar is told of rules and status.
    Offer,
    /// New modules are told of this one.
    Introduction,
    /// The next query that is pending times out.
    Query,
}

impl Duty {
    const ALL: [Self; 8] = [
        Self::Search,
        Self::Answer,
        Self::Silence,
        Self::Beat,
        Self::Contact,
        Self::Offer,
        Self::Introduction,
        Self::Query,
    ];
}

impl Module<'_> {
    /// Does whatever is due. Extra calls do nothing.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport, user: &mut dyn ServiceUser) {
        self.do_what_is_due(&mut Turn { now: &now, transport, user });
    }

    /// When [`Module::tick`] is next to be called. Any other call may change it.
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn next_deadline(&self) -> Option<Instant> {
        let next = Duty::ALL.iter().fold(Instant::MAX, |next, duty| next.min(self.due(*duty)));
        (next < Instant::MAX).then_some(next)
    }

    /// What one duty does may make another one due.
    pub(super) fn do_what_is_due(&mut self, turn: &mut Turn<'_>) {
        for duty in &Duty::ALL {
            let at = self.due(*duty);
            if at < Instant::MAX && turn.now.monotonic >= at {
                self.perform(*duty, turn);
            }
        }
    }

    /// When this is to be done, with what is known now; [`Instant::MAX`] is never.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn due(&self, duty: Duty) -> Instant {
        let is_member = match self.membership {
            Membership::Outside | Membership::Dead => return Instant::MAX,
            Membership::Joining => false,
            Membership::Member(_) => true,
        };
        let timers = &self.mib.timers;
        match duty {
            Duty::Search => self.interrogation.deadline().unwrap_or(Instant::MAX),
            Duty::Answer => self.request.map_or(Instant::MAX, |request| request.until),
            // Nothing is expected of a registrar that is not known.
            Duty::Silence if self.has_confidant() => self.pulse.silent_at(timers.n4(), timers.n6),
            Duty::Beat if is_member => self.pulse.next_beat(),
            Duty::Contact if self.wants_registrar() => {
                let is_asked = match self.registrar {
                    None => self.interrogation.is_open(),
                    Some(_) => self.request.is_some_and(|request| request.until < Instant::MAX),
                };
                if is_asked { Instant::MAX } else { self.retry_at }
            }
            Duty::Offer if self.owes_registrar() => self.offer_at,
            Duty::Introduction if is_member => self.introduce_at,
            Duty::Query => self.queries.next_deadline(),
            _ => Instant::MAX,
        }
    }

    // Not into the loop, which would keep at hand what each of them needs.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn perform(&mut self, duty: Duty, turn: &mut Turn<'_>) {
        match duty {
            Duty::Search => {
                self.interrogation.failed(turn.now.monotonic, self.mib);
                turn.fault(Fault::ConfigServerSilent);
            }
            Duty::Answer => self.request_failed(turn),
            Duty::Silence => self.lose_registrar(turn),
            Duty::Beat => self.beat(turn),
            Duty::Contact => match self.registrar {
                None => self.seek_registrar(turn),
                Some(_) => self.send_request(turn),
            },
            Duty::Offer => {
                if let Some(kind) = self.send_rules(turn) {
                    turn.fault(Fault::MpduTooLong(kind));
                }
                self.send_owed_status(turn);
            }
            Duty::Introduction => self.introduce(turn),
            Duty::Query => self.time_queries_out(turn.now.monotonic, turn.user),
        }
    }

    pub(super) fn time_queries_out(&mut self, now: Instant, user: &mut dyn ServiceUser) {
        while let Some(context) = self.queries.overdue(now) {
            self.queries.remove(context);
            indicate_fault(user, Fault::QueryTimedOut(context));
        }
    }
}

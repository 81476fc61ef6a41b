//! Sending the statuses of several members on together (735.1-B-1 4.2.9.4.2).

use core::time::Duration;

use super::numbers::Numbers;
use super::{Arrival, Registrar};
use crate::ams::ids::{ModuleId, ModuleNumber};
use crate::ams::meta::bump;
use crate::ams::pdu::{ModuleStatusList, MpduType};
use crate::time::{Instant, Now};
use crate::transport::{SendError, Transport};

/// The members whose statuses wait to be sent on. What is sent is what their dossiers
/// say by then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Aggregate {
    members: Numbers,
    /// When they are sent, if there are any.
    pub(super) at: Option<Instant>,
    /// When the last *cell_status* was due.
    pub(super) asked: Option<Instant>,
}

impl Aggregate {
    /// The status of a member is not sent on. Returns whether it was to be.
    pub(super) fn leave_out(&mut self, number: ModuleNumber) -> bool {
        let waits = self.members.contains(number);
        self.members.remove(number);
        waits
    }
}

impl Registrar<'_> {
    /// Keeps the status that a member has sent of itself, to be sent on with those of
    /// others. False when it has to be sent on as it is: the policy says so, it does
    /// not fit its dossier, or no MPDU from here.
    pub(super) fn aggregate(
        &mut self,
        arrival: &Arrival<'_>,
        module: ModuleId,
        statuses: ModuleStatusList<'_>,
    ) -> bool {
        let delay = self.mib.policy.aggregation;
        if delay.is_zero() || !statuses.iter().map(|status| status.id).eq([module]) {
            return false;
        }
        let noted = statuses.iter().all(|status| self.archive.note_status(&status));
        let length = self.archive.status_len(module.key());
        if !noted || length.is_none_or(|length| length > self.outlet.supplement_limit()) {
            self.aggregate.leave_out(module.module);
            return false;
        }
        let by = self.aggregation_end(arrival.now, delay);
        let Aggregate { members, at, .. } = &mut self.aggregate;
        members.insert(module.module);
        let all_are_in = *members == self.circle.numbers();
        let by = if all_are_in { arrival.now.monotonic } else { by };
        *at = Some(at.map_or(by, |at| at.min(by)));
        bump(&mut self.counts.aggregated);
        true
    }

    /// Sends the statuses on that wait, if it is time, in as few MPDUs as hold them.
    pub(super) fn send_aggregate(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.aggregate.at.is_none_or(|at| now.monotonic < at) {
            return;
        }
        self.aggregate.at = None;
        let mut left = core::mem::take(&mut self.aggregate.members);
        let mut limit = self.outlet.supplement_limit();
        while !left.is_empty() {
            let batch = self.archive.batch(self.unit, &left, limit);
            let single = batch.only();
            match self.send_batch(now, &batch, transport) {
                // The link carries less than the buffer holds.
                Err(SendError::TooLong) if single.is_none() => {
                    limit = limit.div_ceil(2);
                    continue;
                }
                Err(SendError::TooLong) => bump(&mut self.outlet.stats.too_long),
                _ => {}
            }
            batch.iter().for_each(|number| left.remove(number));
        }
    }

    /// *module_status* of these members to all. Those who are refused it lose a copy.
    fn send_batch(
        &mut self,
        now: Now,
        batch: &Numbers,
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        // Nobody is told of itself alone.
        let except = batch.only().unwrap_or(ModuleNumber::NONE);
        let (kind, reference) = (MpduType::MODULE_STATUS, ModuleId::cell(self.unit).reference());
        let statuses = self.archive.statuses(self.unit, batch);
        let mut lost = 0_u32;
        for recipient in self.circle.recipients_mut(except) {
            let to = recipient.address;
            match self.outlet.send_raw(&now, &to, kind, reference, &statuses, transport) {
                Ok(()) => {}
                Err(SendError::TooLong) => return Err(SendError::TooLong),
                Err(_) => bump(&mut lost),
            }
        }
        self.count_lost(now, lost);
        Ok(())
    }

    /// A member that has gone, or whose dossier lacks something, is not told of.
    pub(super) fn do_not_aggregate(&mut self, now: Now, number: ModuleNumber) {
        if self.aggregate.leave_out(number) {
            self.count_lost(now, 1);
        }
    }

    /// "In no case later than N5 seconds after the *cell_status* was transmitted."
    fn aggregation_end(&self, now: Now, delay: Duration) -> Instant {
        let end = now.monotonic.after(delay);
        let latest = self.aggregate.asked.map(|asked| asked.after(self.mib.timers.n5()));
        latest.map_or(end, |latest| end.min(latest).max(now.monotonic))
    }
}

//! What the messages ask of the calendar, in the terms of the calendar.

use super::requests::Unbooked;
use crate::scos::DeviceIndex;
use crate::scos::calendar::{self, RefusalReason, Scheduler};
use crate::scos::messages::{Refusal, ScanRequest};
use crate::time::Utc;

/// Books the slots of a request that has no booking. Returns the first minute of
/// the first occurrence.
pub(super) fn book(
    scheduler: &mut Scheduler<'_>,
    now: Utc,
    device: DeviceIndex,
    request: &ScanRequest<'_>,
) -> Result<i64, Unbooked> {
    // Its booking is forgotten and its recipe is not, as long as its week lasts. What
    // the calendar would answer is what is left of it, which is not what is asked.
    if scheduler.recipe(request.actor, request.request).is_some() {
        return Err(Refusal::Forgotten.into());
    }
    let granted = scheduler.request(
        now,
        &calendar::ScanRequest {
            actor: request.actor,
            request: request.request,
            device,
            start: Utc::from_unix_minute(request.series.start),
            minutes: request.series.minutes,
            when: request.when,
            repeats: request.series.repeats,
            offset_minutes: request.series.offset,
            parameters: request.parameters,
        },
    );
    match granted {
        Ok(grant) => {
            let slot = i64::from(grant.pattern.start());
            Ok(grant.week.first_minute().saturating_add(slot))
        }
        Err(refusal) if refusal.reason == RefusalReason::TableFull => Err(Unbooked::Busy),
        Err(refusal) => Err(Unbooked::Refused(
            Refusal::Calendar(refusal.reason),
            refusal.first_conflict.map(Utc::unix_minute),
        )),
    }
}

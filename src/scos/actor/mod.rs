//! The Actor: asks an SSM for scans and receives their reports.
//!
//! | state of a request | event | next | tells its user |
//! |---|---|---|---|
//! | | [`Actor::request`] | asking | |
//! | asking | granted | granted | [`ActorUser::granted`] |
//! | asking | refused | | [`ActorUser::refused`] |
//! | asking, cancelling | attempts used up | | [`ActorUser::unanswered`] |
//! | asking, granted | [`Actor::cancel`] | cancelling | |
//! | granted | another request that replaces it is granted | granted | [`ActorUser::cancelled`], after the grant of the other |
//! | cancelling | granted | cancelling | [`ActorUser::granted`] |
//! | cancelling | cancelled | granted | [`ActorUser::cancelled`] |
//! | cancelling | refused | | [`ActorUser::refused`] |
//! | granted, cancelling | report | the same | [`ActorUser::report`] |
//! | granted | last report owed | | |
//! | | [`Actor::dry_run`] | trying | |
//! | trying | granted, refused | | [`ActorUser::tried`] |
//! | trying | attempts used up | | [`ActorUser::unanswered`] |
//!
//! What is asked is repeated with back-off until it is answered; the number of the
//! request makes repetitions harmless. Every report is acknowledged, and told once.
//! A report that overtakes its grant is left to the SSM to send again, so that the
//! user always hears of the grant first.
//!
//! With a store ([`Actor::with_store`]) requests survive a loss of power.

mod answers;
mod copies;
mod journal;
#[cfg(test)]
mod tests;

use core::fmt;

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use super::coding::coded;
use super::link::LinkStats;
use super::messages::{
    Cancel, Cancelled, DEVICE_ID_MAX, DEVICES_MAX, Devices, Granted, InventoryItem, Message,
    Refused, Report, ScanRequest, TO_ACTOR, UsageItem,
};
use super::records::{Keeper, Restored};
use super::retry::{Backoff, Retry};
use super::series::Progress;
use super::{ActorId, RequestId, ScanParameters, Series, When};
use crate::machine::count;
use crate::storage::{Row, Slot, Table};
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};
use copies::Copies;

/// How often a question goes to where the SSM was last heard, before it goes to where
/// an SSM is found at first.
const FAITH: u8 = 3;

/// What an Actor is told before it starts.
#[derive(Clone, Copy, Debug)]
pub struct ActorConfig {
    /// Its number.
    pub actor: ActorId,
    /// Where the SSM is found at first, and again when it does not answer where it
    /// was last heard.
    pub ssm: Address,
    /// The number of its first request: above any it has used before, such as a
    /// counter in a file or the seconds of UTC.
    pub first_request: RequestId,
    /// How long to wait for answers.
    pub backoff: Backoff,
    /// How often a question is asked before it counts as unanswered, 1 to 255.
    pub attempts: u8,
}

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The device, or which of several; IDs of 1 to 32 octets.
    pub devices: Devices<'a>,
    /// The slots.
    pub series: Series,
    /// Whether they may be shifted.
    pub when: When,
    /// Whether they may lie in this week and the next, all of them or none.
    pub across_weeks: bool,
    /// What to measure.
    pub parameters: ScanParameters,
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RequestError {
    /// There is no room for another request.
    Full,
    /// A device ID is empty or longer than 32 octets, or there is none.
    DeviceId,
    /// All numbers are used up.
    Numbers,
    /// The request to be replaced is not one that is granted and not settled, or it is
    /// being cancelled.
    NotGranted,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "there is no room for another request",
            Self::DeviceId => "a device ID has 1 to 32 octets",
            Self::Numbers => "all request numbers are used up",
            Self::NotGranted => "the request to be replaced is not granted, or it is settled",
        })
    }
}

impl core::error::Error for RequestError {}

/// There is no such request, or it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnknownRequest;

impl fmt::Display for UnknownRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such request, or it is settled")
    }
}

impl core::error::Error for UnknownRequest {}

/// A question to the SSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Question {
    /// A scan request. Whether it is booked is not known; nor, where it was to replace
    /// another, whether that one is.
    Scan(RequestId),
    /// A request that was only tried.
    DryRun(RequestId),
    /// A cancellation. Whether the scan is booked is not known.
    Cancel(RequestId),
    /// A copy of the inventory, which is given up.
    Inventory,
    /// What Actors have had, the same.
    Usage,
}

/// Who an Actor acts for. Every method but `report` has a default that does
/// nothing.
pub trait ActorUser {
    /// A scan is booked; its start may be another than asked for.
    fn granted(&mut self, now: Now, granted: &Granted<'_>) {
        let _ = (now, granted);
    }

    /// A scan is not booked, or could not be cancelled for the SSM does not know it. Where
    /// it would have been booked is [`Refused::alternative`].
    fn refused(&mut self, now: Now, refused: &Refused<'_>) {
        let _ = (now, refused);
    }

    /// What a request would be answered that was only tried.
    fn tried(&mut self, now: Now, answer: Result<&Granted<'_>, &Refused<'_>>) {
        let _ = (now, answer);
    }

    /// A scan is cancelled; its first [`Cancelled::keep`] occurrences are reported
    /// all the same.
    fn cancelled(&mut self, now: Now, cancelled: &Cancelled) {
        let _ = (now, cancelled);
    }

    /// The final report of an occurrence: exactly one of each, in any order.
    fn report(&mut self, now: Now, report: &Report<'_>);

    /// A part of the inventory; the last has no [`InventoryItem::next`].
    fn inventory(&mut self, now: Now, item: &InventoryItem<'_>) {
        let _ = (now, item);
    }

    /// What an Actor has had; the last has no [`UsageItem::next`].
    fn usage(&mut self, now: Now, item: &UsageItem) {
        let _ = (now, item);
    }

    /// A question was asked as often as configured and not answered.
    fn unanswered(&mut self, now: Now, question: Question) {
        let _ = (now, question);
    }
}

/// Counters of an Actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ActorStats {
    /// Of its octets.
    pub link: LinkStats,
    /// Requests made; those that are only tried are not among them.
    pub requests: u64,
    /// Requests that are only tried.
    pub dry_runs: u64,
    /// Answers to these.
    pub tried: u64,
    /// Requests granted.
    pub granted: u64,
    /// Requests refused.
    pub refused: u64,
    /// Requests cancelled, granted before or not.
    pub cancelled: u64,
    /// Requests cancelled before they were known to be granted.
    pub cancelled_unanswered: u64,
    /// Questions not answered.
    pub unanswered: u64,
    /// Answers that the SSM is busy; the question is asked again.
    pub busy: u64,
    /// Answers to questions that are not open.
    pub stray_answers: u64,
    /// Messages for another Actor.
    pub strangers: u64,
    /// Final reports told.
    pub reports: u64,
    /// Reports told before, or of requests that are settled.
    pub reports_repeated: u64,
    /// Reports that came before their grant, or too far ahead of others; the SSM
    /// sends them again.
    pub reports_early: u64,
}

/// Room for one request of an Actor, until it is settled.
#[derive(Debug)]
pub struct ActorRequest {
    request: RequestId,
    devices: Wanted,
    series: Series,
    when: When,
    across_weeks: bool,
    replaces: Option<RequestId>,
    parameters: ScanParameters,
    question: Option<Asked>,
    retry: Retry,
    /// How many occurrences are owed a report, once granted.
    owed: Option<u16>,
    progress: Progress,
    /// Whether the store has it as it is.
    kept: bool,
}

/// What is asked about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Asked {
    Scan,
    DryRun,
    Cancel,
}

/// The devices of a request: their IDs, of which there may be no more than the first.
#[derive(Debug, Default)]
struct Wanted {
    ids: Vec<String<DEVICE_ID_MAX>, DEVICES_MAX>,
    /// It is one, and not any of one.
    one: bool,
}

impl Wanted {
    fn new(devices: &Devices<'_>) -> Option<Self> {
        if !devices.is_sound() {
            return None;
        }
        let mut wanted = Self { ids: Vec::new(), one: matches!(devices, Devices::One(_)) };
        for id in devices.ids() {
            wanted.ids.push(String::try_from(id).ok()?).ok()?;
        }
        Some(wanted)
    }

    fn devices(&self) -> Devices<'_> {
        match self.ids.first() {
            None => Devices::Any,
            Some(id) if self.one => Devices::One(id),
            Some(_) => {
                let mut all = [None; DEVICES_MAX];
                all.iter_mut().zip(&self.ids).for_each(|(to, id)| *to = Some(id.as_str()));
                Devices::AnyOf(all)
            }
        }
    }
}

impl Row for ActorRequest {
    type Key = RequestId;

    fn key(&self) -> RequestId {
        self.request
    }
}

impl ActorRequest {
    /// Whether nothing more will come of it.
    fn is_settled(&self) -> bool {
        self.question.is_none() && self.owed.is_none_or(|owed| self.progress.next() >= owed)
    }

    /// Asks the open question, if there is one. Whether it was taken.
    fn ask(
        &self,
        to: &Address,
        (actor, floor): (ActorId, RequestId),
        link: &mut LinkStats,
        transport: &mut dyn Transport,
    ) -> Option<bool> {
        let request = self.request;
        Some(match self.question? {
            asked @ (Asked::Scan | Asked::DryRun) => {
                let request = ScanRequest {
                    actor,
                    request,
                    floor,
                    replaces: self.replaces,
                    dry_run: asked == Asked::DryRun,
                    devices: self.devices.devices(),
                    series: self.series,
                    when: self.when,
                    across_weeks: self.across_weeks,
                    parameters: self.parameters,
                };
                link.say(to, &request, transport)
            }
            Asked::Cancel => link.say(to, &Cancel { actor, request, floor }, transport),
        })
    }
}

/// An Actor.
#[derive(Debug)]
pub struct Actor<'s> {
    config: ActorConfig,
    requests: Table<'s, ActorRequest>,
    next_request: Option<RequestId>,
    /// Where the SSM was last heard.
    heard: Option<Address>,
    copies: Copies,
    keeper: Keeper<'s>,
    /// Whether the store has the number of the next request.
    run_kept: bool,
    stats: ActorStats,
}

impl<'s> Actor<'s> {
    /// An Actor with room for as many open requests as there are slots.
    #[must_use]
    pub fn new(config: ActorConfig, requests: &'s mut [Slot<ActorRequest>]) -> Self {
        Self {
            config,
            requests: Table::new(requests),
            next_request: Some(config.first_request),
            heard: None,
            copies: Copies::default(),
            keeper: Keeper::NONE,
            run_kept: true,
            stats: ActorStats::default(),
        }
    }

    /// Asks for a scan. The request goes out at the next tick.
    ///
    /// # Errors
    /// [`RequestError`]; nothing is asked then.
    pub fn request(&mut self, wish: &Wish<'_>) -> Result<RequestId, RequestError> {
        let request = self.ask(wish, Asked::Scan, None)?;
        count(&mut self.stats.requests);
        Ok(request)
    }

    /// Asks for another scan in place of one that is granted: other slots, other parameters, or
    /// another device. The SSM does it in one step: if the other is granted, what had not
    /// begun of the one is dropped, and otherwise it stays as it is. The other has a number
    /// of its own, which is returned. The request goes out at the next tick.
    ///
    /// # Errors
    /// [`RequestError`]; nothing is asked then.
    pub fn modify(
        &mut self,
        request: RequestId,
        wish: &Wish<'_>,
    ) -> Result<RequestId, RequestError> {
        self.replaceable(request)?;
        let request = self.ask(wish, Asked::Scan, Some(request))?;
        count(&mut self.stats.requests);
        Ok(request)
    }

    /// Asks what a request would be answered, in place of one that is granted or of none.
    /// Nothing is booked. The request goes out at the next tick.
    ///
    /// # Errors
    /// [`RequestError`]; nothing is asked then.
    pub fn dry_run(
        &mut self,
        wish: &Wish<'_>,
        replaces: Option<RequestId>,
    ) -> Result<RequestId, RequestError> {
        if let Some(request) = replaces {
            self.replaceable(request)?;
        }
        let request = self.ask(wish, Asked::DryRun, replaces)?;
        count(&mut self.stats.dry_runs);
        Ok(request)
    }

    fn replaceable(&self, request: RequestId) -> Result<(), RequestError> {
        let row = self.requests.get(request);
        let granted = row.filter(|row| row.owed.is_some() && row.question.is_none());
        granted.map(|_| ()).ok_or(RequestError::NotGranted)
    }

    fn ask(
        &mut self,
        wish: &Wish<'_>,
        question: Asked,
        replaces: Option<RequestId>,
    ) -> Result<RequestId, RequestError> {
        let request = self.next_request.ok_or(RequestError::Numbers)?;
        let devices = Wanted::new(&wish.devices).ok_or(RequestError::DeviceId)?;
        let row = ActorRequest {
            request,
            devices,
            series: wish.series,
            when: wish.when,
            across_weeks: wish.across_weeks,
            replaces,
            parameters: wish.parameters,
            question: Some(question),
            retry: Retry::NOW,
            owed: None,
            progress: Progress::default(),
            kept: false,
        };
        self.requests.insert(row).map_err(|_| RequestError::Full)?;
        self.next_request = request.0.checked_add(1).map(RequestId);
        self.run_kept = false;
        self.keeper.changed();
        Ok(request)
    }

    /// Cancels a scan, granted or not. The request goes out at the next tick. One that is only
    /// tried has nothing to cancel, and is forgotten.
    ///
    /// # Errors
    /// [`UnknownRequest`]
    pub fn cancel(&mut self, request: RequestId) -> Result<(), UnknownRequest> {
        let row = self.requests.get_mut(request).ok_or(UnknownRequest)?;
        if row.question == Some(Asked::DryRun) {
            self.requests.remove(request);
            return Ok(());
        }
        if row.question != Some(Asked::Cancel) {
            row.question = Some(Asked::Cancel);
            row.retry = Retry::NOW;
            row.kept = false;
            self.keeper.changed();
        }
        Ok(())
    }

    /// One datagram in.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
        user: &mut dyn ActorUser,
    ) {
        let Some(message) = self.stats.link.open::<{ TO_ACTOR }>(from, octets, transport) else {
            return;
        };
        let actor = match &message {
            Message::Granted(granted) => granted.actor,
            Message::Refused(refused) => refused.actor,
            Message::Cancelled(cancelled) => cancelled.actor,
            Message::Report(report) => report.scan.actor,
            Message::InventoryItem(item) => item.actor,
            Message::UsageItem(item) => item.actor,
            _ => return count(&mut self.stats.link.unexpected),
        };
        if actor != self.config.actor {
            return count(&mut self.stats.strangers);
        }
        let awaited = match message {
            Message::Granted(granted) => self.granted(now, &granted, user),
            Message::Refused(refused) => self.refused(now, &refused, user),
            Message::Cancelled(cancelled) => self.cancelled(now, &cancelled, user),
            Message::InventoryItem(item) => self.inventory(now, &item, user),
            Message::UsageItem(item) => self.usage(now, &item, user),
            Message::Report(report) => {
                // One that is acknowledged is never sent again: it is kept first.
                if self.report(now, &report, user) && self.keep(now.monotonic) {
                    // Not taken: the SSM sends the report again.
                    self.stats.link.say(from, &report.scan, transport);
                }
                return;
            }
            _ => return,
        };
        if awaited {
            self.heard = Some(*from);
        } else {
            count(&mut self.stats.stray_answers);
        }
    }

    /// Does whatever is due: asks what is not answered.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport, user: &mut dyn ActorUser) {
        self.give_up(now, user);
        // What is not kept is not asked.
        let may_ask = self.keep_if_due(now.monotonic);
        let ActorConfig { actor, ssm, backoff, .. } = self.config;
        let heard = self.heard.unwrap_or(ssm);
        let place = |retry: &Retry| if retry.attempts() < FAITH { heard } else { ssm };
        let floor = self.floor();
        let now = now.monotonic;
        let link = &mut self.stats.link;
        let refused = link.send_refused;
        for row in self.requests.iter_mut().filter(|row| may_ask && row.retry.is_due(now)) {
            let asked = row.ask(&place(&row.retry), (actor, floor), link, transport);
            let Some(taken) = asked else { continue };
            if taken {
                row.retry.sent(now, &backoff);
            } else {
                // The SSM may be elsewhere now.
                self.heard = None;
                row.retry.refused(now, &backoff);
            }
        }
        self.ask_for_copies(now, &place, transport);
        if self.stats.link.send_refused > refused {
            // Where it was heard nobody may be left, and what is refused is no attempt.
            self.heard = None;
        }
    }

    /// When to call [`Actor::tick`] next. Any call may change the answer.
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn next_deadline(&self) -> Option<Instant> {
        let open = self.requests.iter().filter(|row| row.question.is_some());
        let due = match self.keeper.due() {
            Instant::MAX => open.map(|row| row.retry.due()).fold(Instant::MAX, Ord::min),
            due => due,
        };
        due.min(self.copies.due()).deadline()
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &ActorStats {
        &self.stats
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> ActorId {
        self.config.actor
    }

    /// Whether a copy of the inventory or of usage is under way.
    #[must_use]
    pub fn is_copying(&self) -> bool {
        self.copies.due() < Instant::MAX
    }

    /// How many requests are not settled: not answered, or reports are owed.
    #[must_use]
    pub const fn open_requests(&self) -> usize {
        self.requests.len()
    }

    /// Gives up the questions asked as often as configured.
    fn give_up(&mut self, now: Now, user: &mut dyn ActorUser) {
        let limit = self.config.attempts.max(1);
        let over = |retry: &Retry| retry.attempts() >= limit && retry.is_due(now.monotonic);
        let (stats, keeper) = (&mut self.stats, &mut self.keeper);
        self.requests.retain(|row| {
            let Some(asked) = row.question.filter(|_| over(&row.retry)) else { return true };
            row.kept = false;
            if asked != Asked::DryRun {
                keeper.changed();
            }
            count(&mut stats.unanswered);
            row.question = None;
            user.unanswered(
                now,
                match asked {
                    Asked::Scan => Question::Scan(row.request),
                    Asked::DryRun => Question::DryRun(row.request),
                    Asked::Cancel => Question::Cancel(row.request),
                },
            );
            // A scan known to be granted is still reported.
            let stays = row.owed.is_some() && !row.is_settled();
            if !stays && asked != Asked::DryRun {
                keeper.remove(journal::request_key(row.request));
            }
            stays
        });
        self.give_up_copies(now, &over, user);
    }

    /// The least number an answer is waited for.
    fn floor(&self) -> RequestId {
        let open = self.requests.iter().find(|row| row.question.is_some());
        open.map(|row| row.request).or(self.next_request).unwrap_or(RequestId(u32::MAX))
    }
}

coded! {
    enum Asked: 0 Scan, 1 DryRun, 2 Cancel; else Self::Cancel;
}

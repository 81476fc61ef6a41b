//! The SSD: a spectrum sensing device. It associates with an SSM, keeps the
//! schedule it is sent, scans in its slots and reports.
//!
//! | state | event | next | does |
//! |---|---|---|---|
//! | idle | the slot of an occurrence begins | scanning | [`Sensor::begin`] |
//! | idle | the same, and the clock is not set | idle | reports rejected: clock |
//! | idle | the same, later than the tolerance | idle | reports rejected: missed |
//! | idle | the same, and the sensor refuses | idle | reports rejected, with its reason |
//! | scanning | [`Ssd::complete`] | idle | reports complete |
//! | scanning | [`Ssd::fail`] | idle | reports rejected, with the reason |
//! | scanning | the slot is over | idle | [`Sensor::stop`], reports incomplete |
//! | scanning | another slot begins | scanning | reports that one rejected: busy |
//!
//! The schedule is worked through whether an SSM can be reached or not. Reports
//! are kept until the SSM acknowledges them; when there is no room the oldest goes,
//! for the SSM has answered in its place by then, and
//! [`SsdStats::reports_dropped`] counts it. A recipe that finds no room is put off
//! and the SSM told so.
//!
//! With a store ([`Ssd::with_store`]) schedule and reports survive a loss of power, and
//! no occurrence is executed twice: the device goes on, whether an SSM is there or not.
//!
//! A schedule is of one run of an SSM. When another run associates the device, what
//! is left of the schedule goes, but for what begins within the guard time.

mod advertising;
mod journal;
mod schedule;
#[cfg(test)]
mod tests;

pub use schedule::SsdRecipe;

use core::fmt;
use core::time::Duration;

use super::association::{Answer, AssociationEvent, DeviceAssociation, DeviceSigner};
use super::link::LinkStats;
use super::messages::{
    Change, Message, Outcome, Rejection, Report, ScheduleAck, ScheduleChange, ScheduleEntry,
    ScheduleMark, TO_SSD,
};
use super::metadata::Section;
use super::outbox::{Outbox, StoredReport, Summary};
use super::records::{Keeper, Restored};
use super::retry::{Backoff, Retry};
use super::{ScanId, ScanParameters};
use crate::machine::count;
use crate::storage::Slot;
use crate::time::{ClockQuality, Instant, Now, Utc};
use crate::transport::{Address, Transport};
use advertising::Advertising;
use schedule::Schedule;

/// What an SSD is told before it starts.
#[derive(Clone, Copy, Debug)]
pub struct SsdConfig<'s> {
    /// The device ID, 1 to 32 octets; one that is longer is refused by any SSM.
    pub device: &'s str,
    /// The public key its identity is verified with, at most 64 octets.
    pub public_key: &'s [u8],
    /// What it says of itself at first; see [`Ssd::set_section`]. Sections that are
    /// unsound or find no room are left out and counted.
    pub metadata: &'s [Section<'s>],
    /// Where the SSM is found at first.
    pub ssm: Address,
    /// The number of this run: greater than that of any run before, such as a
    /// counter in flash or the seconds of UTC.
    pub boot: u32,
    /// Any number, another for each device, such as what a random number generator or a serial
    /// number gives: the random numbers that spread refreshes over time follow from it.
    pub seed: u64,
    /// How long to wait for answers.
    pub backoff: Backoff,
    /// How late a scan may begin.
    pub tolerance: Duration,
    /// What begins so soon is not dropped when the schedule is replaced.
    pub guard: Duration,
}

/// The storage of an SSD.
#[derive(Debug)]
pub struct SsdStorage<'s> {
    /// Recipes of the schedule. A full one puts off what is added.
    pub recipes: &'s mut [Slot<SsdRecipe>],
    /// Reports to be acknowledged. Full, the oldest goes.
    pub reports: &'s mut [Slot<StoredReport>],
    /// The spectra of reports, at most one each. Full, the oldest report with one
    /// goes.
    pub summaries: &'s mut [Summary],
    /// What it says of itself, in octets: 2,048 are enough for what an SSM keeps.
    /// Full, it says less.
    pub metadata: &'s mut [u8],
}

/// A scan to be performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scan {
    /// Which occurrence of which request.
    pub id: ScanId,
    /// When its slot began.
    pub start: Utc,
    /// When its slot is over.
    pub end: Utc,
    /// What to measure.
    pub parameters: ScanParameters,
}

/// What senses: the front-end, and whoever wants to know of the association.
pub trait Sensor {
    /// Begins a scan and returns at once. Its end is told with [`Ssd::complete`] or
    /// [`Ssd::fail`].
    ///
    /// # Errors
    /// Why it cannot be performed, which is what is reported.
    fn begin(&mut self, now: Now, scan: &Scan) -> Result<(), Rejection>;

    /// The slot is over: the scan is given up, and reported incomplete.
    fn stop(&mut self, now: Now, scan: &Scan);

    /// The association has changed.
    fn association(&mut self, now: Now, event: AssociationEvent) {
        let _ = (now, event);
    }
}

/// Why the end of a scan was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ScanEndError {
    /// This scan is not the one that runs: its slot is over, or it ended before.
    NotRunning,
    /// The spectrum is longer than 1,024 octets.
    TooLong,
}

impl fmt::Display for ScanEndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRunning => "this scan is not running",
            Self::TooLong => "the spectrum is longer than 1,024 octets",
        })
    }
}

impl core::error::Error for ScanEndError {}

/// Counters of an SSD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SsdStats {
    /// Of its octets.
    pub link: LinkStats,
    /// Associations granted as new.
    pub associations: u64,
    /// Associations refused by the SSM.
    pub refusals: u64,
    /// Requests of the SSM for a proof, answered with one.
    pub challenges: u64,
    /// Requests of the SSM for a proof that could not be given, for want of a private
    /// key.
    pub challenges_unanswered: u64,
    /// Association requests that were not sent because the private key cannot be used.
    pub unsigned: u64,
    /// Associations lost: unanswered for the whole TTL, or forgotten by the SSM.
    pub losses: u64,
    /// Messages that need an association from others than the SSM.
    pub strangers: u64,
    /// Answers to requests that are not open.
    pub stale_answers: u64,
    /// Changes of the schedule applied.
    pub changes: u64,
    /// Changes of another run of the SSM, or that were applied before.
    pub stale_changes: u64,
    /// Changes that came before one they build on.
    pub early_changes: u64,
    /// Changes put off because the schedule is full.
    pub put_off: u64,
    /// Recipes dropped because another run of the SSM took over.
    pub recipes_dropped: u64,
    /// Scans begun.
    pub begun: u64,
    /// Scans reported complete.
    pub complete: u64,
    /// Scans reported incomplete.
    pub incomplete: u64,
    /// Scans reported rejected.
    pub rejected: u64,
    /// Ends of scans that were not running.
    pub stray_ends: u64,
    /// Reports sent, each time counted.
    pub reports_sent: u64,
    /// Reports acknowledged.
    pub reports_acknowledged: u64,
    /// Acknowledgements of reports that are not kept.
    pub stray_acknowledgements: u64,
    /// Reports dropped for want of room, the oldest first.
    pub reports_dropped: u64,
    /// Sections of its metadata it cannot say: unsound, or no room.
    pub sections_full: u64,
    /// Sections the SSM has no room for.
    pub sections_refused: u64,
}

/// A scan that runs, on monotonic time.
#[derive(Clone, Copy, Debug)]
struct Running {
    scan: Scan,
    /// Its parameters as they could be set.
    executed: ScanParameters,
    began: Instant,
    ends: Instant,
}

/// A spectrum sensing device.
#[derive(Debug)]
pub struct Ssd<'s> {
    association: DeviceAssociation<'s>,
    advertising: Advertising<'s>,
    schedule: Schedule<'s>,
    running: Option<Running>,
    outbox: Outbox<'s>,
    backoff: Backoff,
    tolerance: Duration,
    guard: Duration,
    keeper: Keeper<'s>,
    /// Whether the store knows this run and how far the schedule is, and the scan that
    /// runs, or that none does.
    run_kept: bool,
    running_kept: bool,
    /// How far the schedule is that the store has.
    kept_mark: ScheduleMark,
    /// The scan that ran when power was lost.
    interrupted: Option<Scan>,
    /// Whether anything was called yet.
    awake: bool,
    last: Now,
    stats: SsdStats,
}

impl<'s> Ssd<'s> {
    /// A device that will associate at its first tick.
    #[must_use]
    pub fn new(config: SsdConfig<'s>, storage: SsdStorage<'s>) -> Self {
        let schedule = Schedule::new(storage.recipes);
        let mut stats = SsdStats::default();
        let mut advertising = Advertising::new(storage.metadata, schedule.capacity());
        for section in config.metadata {
            if advertising.set(section).is_err() {
                count(&mut stats.sections_full);
            }
        }
        Self {
            association: DeviceAssociation::new(
                config.device,
                config.public_key,
                config.boot,
                config.ssm,
                config.backoff,
                config.seed,
            ),
            advertising,
            schedule,
            running: None,
            outbox: Outbox::new(storage.reports, storage.summaries),
            backoff: config.backoff,
            tolerance: config.tolerance,
            guard: config.guard,
            keeper: Keeper::NONE,
            run_kept: true,
            running_kept: true,
            kept_mark: ScheduleMark::default(),
            interrupted: None,
            awake: true,
            last: Now::default(),
            stats,
        }
    }

    /// Proves to the SSM that it has the private key of its public key.
    #[must_use]
    pub const fn with_signer(mut self, signer: DeviceSigner<'s>) -> Self {
        self.association.set_signer(signer);
        self
    }

    /// The connection to the SSM is a new one: what the SSM knows of the device is of
    /// the one before. The device refreshes its association at the next tick.
    ///
    /// Where the transport knows a value of the connection ([`Transport::peer`]), the
    /// device sees it by itself.
    pub const fn reconnected(&mut self) {
        self.association.reconnected();
    }

    /// Associates again after [`Ssd::leave`]. Takes effect at the next tick.
    pub const fn join(&mut self) {
        self.association.join();
    }

    /// Disassociates: connectivity is going to be lost. The schedule is worked
    /// through all the same. Takes effect at the next tick.
    pub const fn leave(&mut self) {
        self.association.leave();
    }

    /// The scan that runs is executed with other parameters than asked for, as the
    /// front-end could set them; its report says so.
    ///
    /// # Errors
    /// [`ScanEndError::NotRunning`]
    pub fn executes(
        &mut self,
        scan: ScanId,
        parameters: ScanParameters,
    ) -> Result<(), ScanEndError> {
        let running = self.running.as_mut().filter(|running| running.scan.id == scan);
        running.ok_or(ScanEndError::NotRunning)?.executed = parameters;
        Ok(())
    }

    /// The scan is finished; `spectrum` is a summary of at most 1,024 octets. The
    /// report goes out at the next tick.
    ///
    /// # Errors
    /// [`ScanEndError`]; nothing is reported then.
    pub fn complete(
        &mut self,
        now: Now,
        scan: ScanId,
        spectrum: &[u8],
    ) -> Result<(), ScanEndError> {
        if spectrum.len() > Report::SPECTRUM_MAX {
            return Err(ScanEndError::TooLong);
        }
        self.wake(now);
        self.end(now, scan)?;
        self.settle(now, Outcome::Complete, spectrum);
        Ok(())
    }

    /// The scan could not be performed. The report goes out at the next tick.
    ///
    /// # Errors
    /// [`ScanEndError::NotRunning`]; nothing is reported then.
    pub fn fail(&mut self, now: Now, scan: ScanId, reason: Rejection) -> Result<(), ScanEndError> {
        self.end(now, scan)?;
        self.settle(now, Outcome::Rejected(reason), &[]);
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
        sensor: &mut dyn Sensor,
    ) {
        self.last = now;
        self.wake(now);
        let message = self.stats.link.open::<{ TO_SSD }>(from, octets, transport);
        let (counter, event) = match &message {
            None => return,
            Some(Message::Associated(answer)) => match self.association.granted(from, answer) {
                Answer::New => return self.associated(now, sensor),
                Answer::Refreshed => return,
                Answer::Left => return sensor.association(now, AssociationEvent::Left),
                Answer::Stale => (&mut self.stats.stale_answers, None),
            },
            Some(Message::AssociationRefused(refusal)) => match self.association.refused(refusal) {
                Some(reason) => (&mut self.stats.refusals, Some(AssociationEvent::Refused(reason))),
                None => (&mut self.stats.stale_answers, None),
            },
            Some(Message::Challenge(challenge)) => {
                match self.association.challenged(from, challenge) {
                    Some(true) => (&mut self.stats.challenges, None),
                    Some(false) => {
                        let event = Some(AssociationEvent::CannotProve);
                        (&mut self.stats.challenges_unanswered, event)
                    }
                    None => (&mut self.stats.stale_answers, None),
                }
            }
            Some(Message::NotAssociated) => {
                if self.association.forgotten(now.monotonic, from) {
                    (&mut self.stats.losses, Some(AssociationEvent::Lost))
                } else {
                    (&mut self.stats.stale_answers, None)
                }
            }
            Some(Message::Advertised(_) | Message::ScheduleChange(_) | Message::ReportAck(_))
                if self.association.ssm() != Some(from) =>
            {
                (&mut self.stats.strangers, None)
            }
            Some(Message::Advertised(answer)) => return self.advertised(answer),
            Some(Message::ScheduleChange(change)) => {
                let answer = self.change(change);
                // Not kept, or not taken: the SSM sends the change again.
                if self.keep(now.monotonic) {
                    self.stats.link.say(from, &answer, transport);
                }
                return;
            }
            Some(Message::ReportAck(scan)) if self.outbox.remove(*scan) => {
                self.keeper.remove(journal::report_key(*scan));
                (&mut self.stats.reports_acknowledged, None)
            }
            Some(Message::ReportAck(_)) => (&mut self.stats.stray_acknowledgements, None),
            Some(_) => (&mut self.stats.link.unexpected, None),
        };
        count(counter);
        if let Some(event) = event {
            sensor.association(now, event);
        }
    }

    /// Does whatever is due: ends and begins scans, then sends.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport, sensor: &mut dyn Sensor) {
        self.last = now;
        self.wake(now);
        self.note_clock(now);
        self.cut(now, sensor);
        self.begin_due(now, sensor);
        self.keep_if_due(now.monotonic);
        let mark = self.known_mark();
        let event = self.association.tick(now.monotonic, mark, &mut self.stats.link, transport);
        if let Some(event) = event {
            match event {
                AssociationEvent::Lost => count(&mut self.stats.losses),
                AssociationEvent::CannotProve => count(&mut self.stats.unsigned),
                _ => {}
            }
            sensor.association(now, event);
        }
        self.send_due(now.monotonic, transport);
    }

    /// When to call [`Ssd::tick`] next. Any call may change the answer; a clock that
    /// is stepped does too, and is a reason to tick by itself.
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn next_deadline(&self) -> Option<Instant> {
        let mut due = self.keeper.due().min(self.association.next_deadline());
        if let Some(running) = &self.running {
            due = due.min(running.ends);
        }
        if let Some(start) = self.schedule.next_start() {
            // What has begun already and could not be handled in one tick is due now.
            let wait = start.micros_since(self.last.utc);
            due = due.min(self.last.monotonic.after_micros(wait));
        }
        if self.is_associated() {
            due = due.min(self.outbox.next_due()).min(self.advertising.due());
        }
        due.deadline()
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &SsdStats {
        &self.stats
    }

    /// Whether an SSM has it associated, as far as it knows.
    #[must_use]
    pub fn is_associated(&self) -> bool {
        self.association.ssm().is_some()
    }

    /// The scan that runs.
    #[must_use]
    pub fn running(&self) -> Option<&Scan> {
        self.running.as_ref().map(|running| &running.scan)
    }

    /// What is left of its schedule, each recipe with its next occurrence.
    pub fn schedule(&self) -> impl Iterator<Item = (&ScheduleEntry, u16)> {
        self.schedule.iter()
    }

    /// How many reports are not acknowledged yet.
    #[must_use]
    pub const fn unacknowledged(&self) -> usize {
        self.outbox.len()
    }

    /// The SSM has granted an association as new.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn associated(&mut self, now: Now, sensor: &mut dyn Sensor) {
        count(&mut self.stats.associations);
        self.advertising.begin();
        self.outbox.hurry();
        let (epoch, guarded) = (self.association.epoch(), now.utc.after(self.guard));
        let keeper = &mut self.keeper;
        let was = self.schedule.mark();
        let dropped = self.schedule.begin_epoch(epoch, guarded, &mut |actor, request| {
            keeper.remove(journal::recipe_key(actor, request));
        });
        if self.schedule.mark() != was {
            self.run_kept = false;
            self.keeper.changed();
        }
        self.stats.recipes_dropped = self.stats.recipes_dropped.saturating_add(dropped);
        sensor.association(now, AssociationEvent::Associated);
    }

    /// Applies a change of the schedule, unless it is stale or early, and says how
    /// far the schedule is now.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn change(&mut self, change: &ScheduleChange) -> ScheduleAck {
        let mark = self.schedule.mark();
        let mut full = false;
        if change.epoch != mark.epoch || change.version <= mark.version {
            count(&mut self.stats.stale_changes);
        } else if change.base > mark.version {
            count(&mut self.stats.early_changes);
        } else if self.apply(change) {
            count(&mut self.stats.changes);
        } else {
            full = true;
            count(&mut self.stats.put_off);
        }
        let ScheduleMark { epoch, version } = self.schedule.mark();
        ScheduleAck { epoch, version, full }
    }

    fn apply(&mut self, change: &ScheduleChange) -> bool {
        match change.change {
            Change::Add { entry, next } => {
                let next = next.max(self.first_open(&entry));
                let added = self.schedule.add(&entry, next, change.version);
                self.changed(added, entry.actor, entry.request)
            }
            Change::Remove { actor, request } => {
                self.schedule.remove(actor, request, change.version);
                self.changed(true, actor, request)
            }
        }
    }

    /// The first occurrence of a recipe that was neither begun nor reported here: no
    /// occurrence is executed twice, whatever the SSM sends again.
    fn first_open(&self, entry: &ScheduleEntry) -> u16 {
        let (actor, request) = (entry.actor, entry.request);
        let mut next = self.schedule.next_of(actor, request);
        if let Some(Running { scan: Scan { id, .. }, .. }) = &self.running
            && (id.actor, id.request) == (actor, request)
        {
            next = next.max(id.occurrence.saturating_add(1));
        }
        for id in self.outbox.of_request(actor, request) {
            next = next.max(id.occurrence.saturating_add(1));
        }
        next
    }

    /// Ends the scan whose slot is over.
    fn cut(&mut self, now: Now, sensor: &mut dyn Sensor) {
        if let Some(running) = &self.running
            && running.ends <= now.monotonic
        {
            sensor.stop(now, &running.scan);
            self.settle(now, Outcome::Incomplete, &[]);
        }
    }

    /// Begins or rejects the occurrences whose slots have begun, in the order of time;
    /// in one tick at most as many as there can be recipes.
    fn begin_due(&mut self, now: Now, sensor: &mut dyn Sensor) {
        for _ in 0..self.schedule.capacity() {
            let Some(scan) = self.schedule.take_due(now.utc) else { return };
            self.changed(true, scan.id.actor, scan.id.request);
            if let Err(reason) = self.begin(now, &scan, sensor) {
                self.report(now, &scan, Outcome::Rejected(reason), now.monotonic, &[]);
            }
        }
    }

    fn begin(&mut self, now: Now, scan: &Scan, sensor: &mut dyn Sensor) -> Result<(), Rejection> {
        if now.quality == ClockQuality::Unset {
            return Err(Rejection::Clock);
        }
        if now.utc >= scan.end || now.utc > scan.start.after(self.tolerance) {
            return Err(Rejection::Missed);
        }
        if self.running.is_some() {
            return Err(Rejection::Busy);
        }
        let ends = now.monotonic.after_micros(scan.end.micros_since(now.utc));
        let executed = scan.parameters;
        self.running = Some(Running { scan: *scan, executed, began: now.monotonic, ends });
        self.running_kept = false;
        // So that it is not begun twice. A store that fails keeps no device from sensing.
        self.keep(now.monotonic);
        if let Err(reason) = sensor.begin(now, scan) {
            self.stopped();
            return Err(reason);
        }
        count(&mut self.stats.begun);
        Ok(())
    }

    /// Whether the scan that runs is this one, and its slot is not over.
    fn end(&mut self, now: Now, scan: ScanId) -> Result<(), ScanEndError> {
        let running = self.running.as_ref();
        if running.is_some_and(|run| run.scan.id == scan && now.monotonic <= run.ends) {
            return Ok(());
        }
        count(&mut self.stats.stray_ends);
        Err(ScanEndError::NotRunning)
    }

    /// Reports the scan that runs, which runs no more.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn settle(&mut self, now: Now, outcome: Outcome, spectrum: &[u8]) {
        let Some(Running { mut scan, executed, began, .. }) = self.running.take() else { return };
        self.stopped();
        scan.parameters = executed;
        self.report(now, &scan, outcome, began, spectrum);
    }

    /// No scan runs any more.
    const fn stopped(&mut self) {
        self.running = None;
        self.running_kept = false;
        self.keeper.changed();
    }

    /// Keeps the report of an occurrence; room is made where there is none.
    fn report(&mut self, now: Now, scan: &Scan, outcome: Outcome, began: Instant, spectrum: &[u8]) {
        let (counter, took) = match outcome {
            Outcome::Complete => (&mut self.stats.complete, now.monotonic.millis_since(began)),
            Outcome::Incomplete => (&mut self.stats.incomplete, now.monotonic.millis_since(began)),
            Outcome::Rejected(_) => (&mut self.stats.rejected, 0),
        };
        count(counter);
        let report = Report {
            scan: scan.id,
            start: scan.start.unix_minute(),
            outcome,
            time_to_complete_ms: took,
            parameters: scan.parameters,
            metadata: self.advertising.revision(),
            spectrum,
        };
        self.keeper.changed();
        while self.outbox.insert(now.monotonic, &report).is_err() {
            count(&mut self.stats.reports_dropped);
            let Some(oldest) = self.outbox.remove_oldest() else {
                // There is no room at all: the report itself is the oldest.
                return;
            };
            self.keeper.remove(journal::report_key(oldest));
        }
    }

    /// Sends the advertisement and the reports that are due.
    fn send_due(&mut self, now: Instant, transport: &mut dyn Transport) {
        let Some(&ssm) = self.association.ssm() else { return };
        let (link, backoff) = (&mut self.stats.link, &self.backoff);
        self.advertising.send_due(now, self.association.boot(), &ssm, backoff, link, transport);
        let sent = self.outbox.send_due(now, backoff, &|_| Some(ssm), link, transport);
        self.stats.reports_sent = self.stats.reports_sent.saturating_add(sent);
    }
}

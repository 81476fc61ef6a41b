//! The SSM: the spectrum sensing manager. It knows which devices are there, books
//! scans on them for Actors, hands the recipes out and the reports back.
//!
//! | state of a request | event | next | answer, and what else |
//! |---|---|---|---|
//! | | scan request that can be booked | booked | granted; the recipe goes to its device |
//! | | scan request that cannot | refused | refused, with the reason |
//! | | cancel | withdrawn | cancelled, nothing kept; a request that arrives later is not booked |
//! | booked | cancel | booked, cancelled | cancelled; what has begun or begins within the guard time is kept |
//! | any | the same again | the same | the same answer |
//! | any | another request of this number | the same | refused: number reused |
//! | booked | another request of its Actor takes its place | booked, cancelled | as cancelled, if that one is booked |
//! | booked | a request of higher priority needs its slots | booked | what is to come is displaced |
//! | booked | last report owed acknowledged | over | |
//! | refused, withdrawn, over | room is needed | forgotten, if below the floor of the Actor or old enough | |
//!
//! | state of an occurrence | event | next | does |
//! |---|---|---|---|
//! | open | report of the device | settled | keeps it for the Actor, then acknowledges it |
//! | open | slot over, and the grace time | settled | reports rejected: offline, undelivered or no_report |
//! | open | the device starts anew after the slot began | settled | reports rejected: restart |
//! | open | displaced | settled | reports rejected: displaced |
//! | open | cancelled | | no report is owed |
//! | settled | report of the device | settled | acknowledges it, forwards nothing |
//!
//! So each occurrence gets exactly one final report, whatever is lost, repeated or
//! late. Reports are kept until the Actor acknowledges them, but no longer than
//! configured. Where there is no room for one, the device's report is not
//! acknowledged, or its own not issued, until there is: nothing is dropped.
//!
//! With a store ([`Ssm::with_store`]) all of this survives a loss of power.

mod bookings;
mod devices;
mod identity;
mod inventory;
mod journal;
mod metadata;
mod policy;
mod reports;
mod requests;
mod slots;
#[cfg(test)]
mod tests;
mod weeks;

pub use bookings::Booking;
pub use policy::PolicyManager;
pub use requests::KnownActor;

use core::fmt;
use core::time::Duration;

use super::association::{
    Admission, Authentication, DeviceConfig, Gate, RegisteredDevice, Registry, Suspicion,
};
use super::calendar::{DevicePlan, Policy, RecipeRow, Scheduler};
use super::link::LinkStats;
use super::messages::{
    Cancelled, Granted, Message, NotAssociated, Refused, Report, ScanRequest, TO_SSM, Usage,
};
use super::metadata::{DeviceMetadata, Section};
use super::outbox::{Outbox, StoredReport, Summary};
use super::records::{Keeper, Restored};
use super::retry::Backoff;
use super::{ActorId, DeviceIndex};
use crate::machine::count;
use crate::storage::{Slot, Table};
use crate::time::{ClockQuality, Instant, Now};
use crate::transport::{Address, Transport};
use bookings::Bookings;
use journal::UsageOwed;
use reports::Overdue;
use weeks::SlowClock;

/// What an SSM is told before it starts.
#[derive(Clone, Copy, Debug)]
pub struct SsmConfig<'c> {
    /// The number of this run, another than that of the run before and not 0, such
    /// as a counter in a file or the seconds of UTC.
    pub epoch: u32,
    /// The devices that are known, in the order of the device plans.
    pub devices: &'c [DeviceConfig<'c>],
    /// Which devices are admitted.
    pub admission: Admission,
    /// How long a device may be silent, in whole seconds, at least 3.
    pub max_ttl: Duration,
    /// What may be booked.
    pub policy: Policy,
    /// Occurrences that begin so soon are not cancelled any more.
    pub guard: Duration,
    /// How long after its slot a report may come.
    pub grace: Duration,
    /// How long to wait for acknowledgements.
    pub backoff: Backoff,
    /// How long the answer to a request is remembered at least, if the Actor does not
    /// say it has it. Longer than any Actor asks and any datagram lives.
    pub memory: Duration,
    /// How long a report is kept for an Actor that does not acknowledge it.
    pub keep: Duration,
    /// The Actor that may read what all others have had; `None` for nobody.
    pub operator: Option<ActorId>,
}

impl<'c> SsmConfig<'c> {
    /// Configured devices alone, which may be silent for five minutes and report within
    /// three of the end of a slot; every Actor may book what it likes, and cancel what is
    /// half a minute away; answers are remembered for an hour, reports kept for a day.
    #[must_use]
    pub const fn nominal(epoch: u32, devices: &'c [DeviceConfig<'c>]) -> Self {
        Self {
            epoch,
            devices,
            admission: Admission::Configured,
            max_ttl: Duration::from_secs(300),
            policy: Policy::OPEN,
            guard: Duration::from_secs(30),
            grace: Duration::from_secs(180),
            backoff: Backoff::NOMINAL,
            memory: Duration::from_secs(3_600),
            keep: Duration::from_secs(86_400),
            operator: None,
        }
    }
}

/// The storage of an SSM.
#[derive(Debug)]
pub struct SsmStorage<'s> {
    /// Devices. Full, an open admission refuses: inventory full.
    pub devices: &'s mut [Slot<RegisteredDevice>],
    /// The calendars, as many as devices; a device without one is never booked.
    pub plans: &'s mut [DevicePlan],
    /// What devices say of themselves, as many as devices; a device without one is
    /// never booked. Full of what one has said, the rest is not kept, counted, and the
    /// device told so.
    pub metadata: &'s mut [DeviceMetadata],
    /// The recipes of the calendars. Full, requests are refused: busy.
    pub recipes: &'s mut [Slot<RecipeRow>],
    /// Requests and their answers. Full, requests are refused: busy.
    pub bookings: &'s mut [Slot<Booking>],
    /// Actors. Full of ones with bookings, others are refused: busy.
    pub actors: &'s mut [Slot<KnownActor>],
    /// Reports on their way. Full, those of devices are not acknowledged.
    pub reports: &'s mut [Slot<StoredReport>],
    /// The spectra of reports, at most one each. Full, the same.
    pub summaries: &'s mut [Summary],
    /// What Actors have had. Full, others are not summed up, and that is counted.
    pub usage: &'s mut [Slot<Usage>],
}

/// What became of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DeviceEvent {
    /// It is there.
    Associated,
    /// It is there, and has started anew since it was there before.
    Restarted,
    /// It has said what scans are judged by; the rest came before.
    Advertised,
    /// It left.
    Disassociated,
    /// Its TTL is over.
    Expired,
}

impl fmt::Display for DeviceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Associated => "is associated",
            Self::Restarted => "is associated anew",
            Self::Advertised => "tells what it can do",
            Self::Disassociated => "has left",
            Self::Expired => "is gone: its TTL is over",
        })
    }
}

/// Who watches an SSM. Every method has a default that does nothing.
pub trait SsmUser {
    /// Something became of a device.
    fn device(&mut self, now: Now, device: &str, event: DeviceEvent) {
        let _ = (now, device, event);
    }

    /// A device has said something of itself that it had not said before.
    fn advertised(&mut self, now: Now, device: &str, section: &Section<'_>) {
        let _ = (now, device, section);
    }

    /// A device was turned away, for a reason that it was not told.
    fn intruder(&mut self, now: Now, device: &str, from: &Address, why: Suspicion) {
        let _ = (now, device, from, why);
    }

    /// A message of an Actor came by a link that is not its own, and changed nothing.
    fn usurper(&mut self, now: Now, actor: ActorId, from: &Address) {
        let _ = (now, actor, from);
    }

    /// A scan is booked.
    fn granted(&mut self, now: Now, request: &ScanRequest<'_>, granted: &Granted<'_>) {
        let _ = (now, request, granted);
    }

    /// A scan is not booked.
    fn refused(&mut self, now: Now, request: &ScanRequest<'_>, refused: &Refused<'_>) {
        let _ = (now, request, refused);
    }

    /// A scan is cancelled.
    fn cancelled(&mut self, now: Now, cancelled: &Cancelled) {
        let _ = (now, cancelled);
    }

    /// A scan had to give way to one of higher priority: its first [`Cancelled::keep`]
    /// occurrences stay, all others are reported rejected.
    fn displaced(&mut self, now: Now, displaced: &Cancelled) {
        let _ = (now, displaced);
    }

    /// The final report of an occurrence.
    fn report(&mut self, now: Now, report: &Report<'_>) {
        let _ = (now, report);
    }
}

/// Nobody watches.
impl SsmUser for () {}

/// Counters of an SSM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SsmStats {
    /// Of its octets.
    pub link: LinkStats,
    /// Associations granted as new.
    pub associations: u64,
    /// Associations granted as refresh.
    pub refreshes: u64,
    /// Associations ended by the device.
    pub disassociations: u64,
    /// Associations ended by their TTL.
    pub expiries: u64,
    /// Devices that started anew.
    pub restarts: u64,
    /// Associations refused to unknown devices.
    pub unknown_devices: u64,
    /// Associations refused for another key.
    pub wrong_keys: u64,
    /// Associations refused for want of room.
    pub inventory_full: u64,
    /// Devices asked for a proof.
    pub challenges: u64,
    /// Devices not asked for one, for want of random octets. They ask again.
    pub challenges_unmade: u64,
    /// Associations refused unseen, for the device or the place has failed too often.
    pub attempts_limited: u64,
    /// Associations refused because the link is of somebody else.
    pub other_identities: u64,
    /// Associations refused because what was signed was not asked of this peer on this
    /// connection, or too long ago.
    pub stale_proofs: u64,
    /// Associations refused because the signature is wrong.
    pub wrong_proofs: u64,
    /// Messages of Actors by links that are not theirs.
    pub usurped: u64,
    /// Association requests older than what the device said last.
    pub stale_associations: u64,
    /// Messages of devices that are not associated.
    pub not_associated: u64,
    /// Sections of metadata kept.
    pub advertisements: u64,
    /// Sections that were known, or are of an earlier run of their device.
    pub stale_advertisements: u64,
    /// Sections not kept for want of room.
    pub metadata_full: u64,
    /// Changes of schedules sent, each time counted.
    pub changes_sent: u64,
    /// Acknowledgements of changes.
    pub changes_acknowledged: u64,
    /// Acknowledgements that tell nothing new.
    pub stale_acknowledgements: u64,
    /// Scan requests granted.
    pub granted: u64,
    /// Scan requests refused.
    pub refused: u64,
    /// Scan requests and cancellations answered before.
    pub repeated: u64,
    /// Requests whose number was used for another.
    pub numbers_reused: u64,
    /// Requests below the floor of their Actor.
    pub forgotten: u64,
    /// Requests put off for want of room or of a clock.
    pub busy: u64,
    /// Scans cancelled.
    pub cancelled: u64,
    /// Scans cancelled for another that takes their place; counted above too.
    pub replaced: u64,
    /// Scans that had to give way to one of higher priority.
    pub displaced: u64,
    /// Requests tried and not booked.
    pub dry_runs: u64,
    /// Settings of the policy manager that hold since.
    pub policies: u64,
    /// Settings of others than the policy manager.
    pub policies_refused: u64,
    /// Scans cancelled before their request came.
    pub withdrawn: u64,
    /// Occurrences settled with the report of the device.
    pub reports: u64,
    /// Occurrences settled with a report of the SSM.
    pub reports_issued: u64,
    /// Reports of occurrences that were settled within their time.
    pub reports_repeated: u64,
    /// Reports that came after the grace time, when the SSM had answered instead.
    pub reports_late: u64,
    /// Reports of occurrences that had been cancelled.
    pub reports_cancelled: u64,
    /// Reports of scans that were never booked on this device, or not for that time.
    pub reports_unknown: u64,
    /// Reports of occurrences that are yet to come, not acknowledged.
    pub reports_early: u64,
    /// Reports put off for want of room or too far ahead of others, not acknowledged.
    pub reports_put_off: u64,
    /// Reports sent to Actors, each time counted.
    pub reports_sent: u64,
    /// Reports acknowledged by Actors.
    pub reports_acknowledged: u64,
    /// Acknowledgements of reports that are not kept, or from elsewhere.
    pub stray_acknowledgements: u64,
    /// Reports no Actor acknowledged for as long as they are kept.
    pub reports_abandoned: u64,
    /// Parts of the inventory sent.
    pub inventory_items: u64,
    /// Answers sent of what Actors have had.
    pub usage_items: u64,
    /// What was not summed up for want of room for its Actor.
    pub usage_full: u64,
}

/// What of the configuration is needed later.
#[derive(Clone, Copy, Debug)]
struct Settings {
    epoch: u32,
    max_ttl: Duration,
    guard: Duration,
    grace: Duration,
    backoff: Backoff,
    memory: Duration,
    keep: Duration,
    operator: Option<ActorId>,
}

/// A spectrum sensing manager.
#[derive(Debug)]
pub struct Ssm<'s> {
    settings: Settings,
    registry: Registry<'s>,
    metadata: &'s mut [DeviceMetadata],
    scheduler: Scheduler<'s>,
    bookings: Bookings<'s>,
    actors: Table<'s, KnownActor>,
    outbox: Outbox<'s>,
    policy_manager: Option<PolicyManager<'s>>,
    slow: SlowClock,
    /// Whether occurrences that were displaced are yet to be reported.
    displacing: bool,
    overdue: Overdue,
    usage: Table<'s, Usage>,
    keeper: Keeper<'s>,
    usage_owed: UsageOwed,
    /// Whether the store knows the number of this run.
    run_kept: bool,
    /// Whether anything was called yet.
    awake: bool,
    /// Where devices have to prove that they have their keys.
    gate: Option<Gate<'s>>,
    /// Which Actors are behind which links.
    names: &'s [ActorName<'s>],
    last: Now,
    stats: SsmStats,
}

/// The identity by which the link knows an Actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorName<'s> {
    /// What the link has authenticated: of TLS-PSK, the identity of the key.
    pub name: &'s str,
    /// The Actor who has that key.
    pub actor: ActorId,
}

impl<'s> Ssm<'s> {
    /// An SSM that knows of the configured devices and of nothing else. Devices that
    /// do not fit the storage, or whose ID or key is too long, are left out.
    #[must_use]
    pub fn new(config: SsmConfig<'_>, storage: SsmStorage<'s>) -> Self {
        let max_ttl = Duration::from_secs(config.max_ttl.as_secs().max(3));
        storage.metadata.iter_mut().for_each(|metadata| metadata.store().clear());
        Self {
            settings: Settings {
                epoch: config.epoch,
                max_ttl,
                guard: config.guard,
                grace: config.grace,
                backoff: config.backoff,
                memory: config.memory,
                keep: config.keep,
                operator: config.operator,
            },
            registry: Registry::new(storage.devices, config.devices, config.admission, max_ttl),
            metadata: storage.metadata,
            scheduler: Scheduler::new(config.policy, storage.plans, storage.recipes),
            bookings: Bookings::new(storage.bookings),
            actors: Table::new(storage.actors),
            outbox: Outbox::new(storage.reports, storage.summaries),
            policy_manager: None,
            slow: SlowClock::default(),
            displacing: false,
            overdue: Overdue::UNKNOWN,
            usage: Table::new(storage.usage),
            keeper: Keeper::NONE,
            usage_owed: UsageOwed::None,
            run_kept: true,
            awake: true,
            gate: None,
            names: &[],
            last: Now::default(),
            stats: SsmStats::default(),
        }
    }

    /// Has devices prove that they have the private keys of their public keys.
    #[must_use]
    pub fn with_authentication(mut self, authentication: Authentication<'s>) -> Self {
        self.gate = Some(Gate::new(authentication));
        self
    }

    /// Takes Actors for who they are by the identities of their links. By a link that
    /// has authenticated somebody, nobody else's requests are taken; and reports go to
    /// where the Actor's link is now.
    #[must_use]
    pub const fn with_actors(mut self, names: &'s [ActorName<'s>]) -> Self {
        self.set_actors(names);
        self
    }

    /// Puts other Actors in place of those of [`Ssm::with_actors`].
    pub const fn set_actors(&mut self, names: &'s [ActorName<'s>]) {
        self.names = names;
    }

    /// One datagram in.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) {
        self.last = now;
        self.wake(now);
        let Some(message) = self.stats.link.open::<{ TO_SSM }>(from, octets, transport) else {
            return;
        };
        match &message {
            Message::Associate(request) => self.associate(now, from, request, transport, user),
            Message::Advertise(_) | Message::ScheduleAck(_) | Message::Report(_) => {
                let Some(index) = self.registry.heard(now.monotonic, from) else {
                    count(&mut self.stats.not_associated);
                    self.stats.link.say(from, &NotAssociated, transport);
                    return;
                };
                match &message {
                    Message::Advertise(said) => {
                        self.advertised(now, from, index, said, transport, user);
                    }
                    Message::ScheduleAck(ack) => self.acknowledged(index, ack),
                    Message::Report(report) => {
                        self.reported(now, from, index, report, transport, user);
                    }
                    _ => count(&mut self.stats.link.unexpected),
                }
            }
            Message::ScanRequest(_)
            | Message::Cancel(_)
            | Message::InventoryRequest(_)
            | Message::UsageRequest(_)
                if self.is_usurped(now, from, &message, transport, user) => {}
            Message::ScanRequest(request) => self.requested(now, from, request, transport, user),
            Message::Cancel(cancel) => self.cancel(now, from, cancel, transport, user),
            Message::ReportAck(scan) => self.report_acknowledged(from, *scan),
            Message::SetActorPolicy(set) => self.policy_set(now, from, set, transport),
            Message::InventoryRequest(request) => {
                self.inventory_requested(now, from, request, transport);
            }
            Message::UsageRequest(request) => self.usage_requested(from, request, transport),
            _ => count(&mut self.stats.link.unexpected),
        }
        // There may be room for them now.
        self.settle_displaced(now, user);
    }

    /// Does whatever is due: ages associations, settles occurrences, hands out
    /// recipes and reports.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport, user: &mut dyn SsmUser) {
        self.last = now;
        self.wake(now);
        self.expire(now, user);
        self.abandon(now.monotonic);
        self.settle_displaced(now, user);
        if now.quality != ClockQuality::Unset {
            self.turn_week(now);
            self.settle_overdue(now, user);
        }
        self.hail(now.monotonic, transport);
        // What is not kept is not said.
        if self.keep_if_due(now.monotonic) {
            self.push(now.monotonic, transport);
            self.forward(now.monotonic, transport);
        }
    }

    /// When to call [`Ssm::tick`] next. Any call may change the answer; a clock that
    /// is stepped does too, and is a reason to tick by itself.
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn next_deadline(&self) -> Option<Instant> {
        let abandon = self.outbox.oldest().after(self.settings.keep);
        let sends = match self.keeper.due() {
            Instant::MAX => self.outbox.next_due().min(self.next_push()),
            due => due,
        };
        let expiry = self.registry.next_expiry().unwrap_or(Instant::MAX);
        let overdue = self.next_overdue().unwrap_or(Instant::MAX);
        abandon.min(overdue).min(sends).min(expiry).min(self.next_hail()).deadline()
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &SsmStats {
        &self.stats
    }

    /// The devices that are there, each with how long the SSM still waits to hear
    /// from it.
    pub fn inventory(&self, now: Now) -> impl Iterator<Item = (&str, Duration)> {
        let there = self.registry.iter().filter(|device| device.is_there());
        there.map(move |device| (device.device(), device.remaining(now.monotonic)))
    }

    /// All devices that are known, in the order of their numbers, and how long the SSM
    /// still waits to hear from each: `None` for one that is not there.
    pub fn devices(&self, now: Now) -> impl Iterator<Item = (DeviceIndex, &str, Option<Duration>)> {
        self.registry.iter().map(move |device| {
            let remaining = device.is_there().then(|| device.remaining(now.monotonic));
            (device.index(), device.device(), remaining)
        })
    }

    /// Goes by another list of devices from now on. Those that are new are known as well,
    /// keys are as the list has them, and a device that is not on it is not there any
    /// more and not admitted, though what is owed for it is reported. Returns how many
    /// there is no room for.
    pub fn set_devices(&mut self, devices: &[DeviceConfig<'_>]) -> usize {
        self.keeper.changed();
        self.registry.configure(devices)
    }

    /// The calendars.
    #[must_use]
    pub const fn scheduler(&self) -> &Scheduler<'s> {
        &self.scheduler
    }

    /// How many occurrences are owed a report and have none.
    #[must_use]
    pub fn owed(&self) -> u64 {
        self.bookings.iter().map(|booking| u64::from(booking.open())).sum()
    }

    /// How many reports no Actor has acknowledged yet.
    #[must_use]
    pub const fn unacknowledged(&self) -> usize {
        self.outbox.len()
    }
}

//! Requests and what became of them.

use serde::{Deserialize, Serialize};

use crate::scos::association::{RegisteredDevice, Registry};
use crate::scos::coding::coded;
use crate::scos::messages::{
    Alternative, Cancelled, Change, Granted, Part, Refusal, Refused, ScheduleEntry,
};
use crate::scos::series::Progress;
use crate::scos::{ActorId, DeviceIndex, RequestId, ScanParameters, Series};
use crate::storage::{Row, Slot, Table};
use crate::time::{Instant, Utc};

/// Room for one request and its answer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Booking {
    pub(super) actor: ActorId,
    pub(super) request: RequestId,
    /// Of the content, to tell a repetition from another request of the same number;
    /// `None` for a request that was cancelled before it came.
    pub(super) fingerprint: Option<u64>,
    pub(super) state: State,
    /// Since when nothing more is to come of it.
    #[serde(skip)]
    pub(super) settled: Instant,
    /// Whether the store has it as it is.
    #[serde(skip)]
    pub(super) kept: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum State {
    Refused(Turned),
    Withdrawn,
    Booked(Booked),
}

/// Why a request is refused, and where it would not have been.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Turned {
    pub(super) reason: Refusal,
    pub(super) first_conflict: Option<i64>,
    /// On which device, and when.
    pub(super) alternative: Option<(DeviceIndex, i64)>,
}

impl From<Refusal> for Turned {
    fn from(reason: Refusal) -> Self {
        Self { reason, first_conflict: None, alternative: None }
    }
}

impl Turned {
    pub(super) fn message<'r>(
        &self,
        actor: ActorId,
        request: RequestId,
        registry: &'r Registry<'_>,
    ) -> Refused<'r> {
        let Self { reason, first_conflict, alternative } = *self;
        let alternative = alternative.and_then(|(device, start)| {
            Some(Alternative { device: registry.get(device)?.device(), start })
        });
        Refused { actor, request, reason, first_conflict, alternative }
    }
}

/// A scan that is booked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Booked {
    pub(super) device: DeviceIndex,
    pub(super) series: Series,
    pub(super) parameters: ScanParameters,
    /// How many occurrences are owed a report: all, until it is cancelled.
    pub(super) keep: u16,
    pub(super) cancelled: bool,
    /// Those from here on had to give way to another request and are reported so; more than
    /// there are when none had.
    pub(super) displaced: u16,
    /// The request it took the place of, and how many occurrences of that stayed.
    pub(super) replaced: Option<(RequestId, u16)>,
    /// Which of them have one.
    pub(super) progress: Progress,
    /// Those below were begun, if at all, in an earlier run of the device.
    pub(super) resume: u16,
    /// The version of the device's schedule that this is a change of.
    pub(super) version: u32,
}

impl Booked {
    /// How many occurrences, counted from the first, its device is to perform.
    pub(super) fn performed(&self) -> u16 {
        self.keep.min(self.displaced)
    }

    /// How many stay when the rest is dropped and what begins before `guarded` is not.
    pub(super) fn kept(&self, guarded: Utc) -> u16 {
        let started = self.series.started_before(guarded);
        started.max(self.progress.end()).min(self.keep)
    }
}

impl Row for Booking {
    type Key = (ActorId, RequestId);

    fn key(&self) -> Self::Key {
        (self.actor, self.request)
    }
}

impl Booking {
    pub(super) const fn booked(&self) -> Option<&Booked> {
        match &self.state {
            State::Booked(booked) => Some(booked),
            State::Refused(_) | State::Withdrawn => None,
        }
    }

    pub(super) const fn booked_mut(&mut self) -> Option<&mut Booked> {
        match &mut self.state {
            State::Booked(booked) => Some(booked),
            State::Refused(_) | State::Withdrawn => None,
        }
    }

    /// The device it is about, if it is about one: the one that scans, or that was offered.
    pub(super) fn device(&self) -> Option<DeviceIndex> {
        match self.state {
            State::Booked(booked) => Some(booked.device),
            State::Refused(turned) => turned.alternative.map(|(device, _)| device),
            State::Withdrawn => None,
        }
    }

    /// How many occurrences are owed a report and have none.
    pub(super) fn open(&self) -> u16 {
        self.booked().map_or(0, |booked| booked.keep.saturating_sub(booked.progress.settled()))
    }

    /// The recipe as it is to be executed.
    pub(super) fn entry(&self) -> Option<ScheduleEntry> {
        let booked = self.booked().filter(|booked| booked.progress.next() < booked.performed())?;
        let repeats = booked.performed().saturating_sub(1);
        Some(ScheduleEntry {
            actor: self.actor,
            request: self.request,
            series: Series { repeats, ..booked.series },
            parameters: booked.parameters,
        })
    }

    /// The change of its device's schedule that this is, if the device does not have
    /// it at version `acknowledged`.
    pub(super) fn change(&self, acknowledged: u32) -> Option<Change> {
        let booked = self.booked().filter(|booked| booked.version > acknowledged)?;
        if let Some(entry) = self.entry() {
            let next = booked.progress.next().max(booked.resume);
            if next < booked.performed() {
                return Some(Change::Add { entry, next });
            }
        }
        let (actor, request) = (self.actor, self.request);
        (booked.cancelled || booked.displaced < booked.keep)
            .then_some(Change::Remove { actor, request })
    }

    /// The answer, which is the same whenever it is given.
    pub(super) fn answer<'r>(&self, registry: &'r Registry<'_>) -> Answer<'r> {
        let (actor, request) = (self.actor, self.request);
        match self.state {
            State::Refused(turned) => Answer::Refused(turned.message(actor, request, registry)),
            State::Withdrawn => Answer::Cancelled(Cancelled { actor, request, keep: 0 }),
            State::Booked(Booked { cancelled: true, keep, .. }) => {
                Answer::Cancelled(Cancelled { actor, request, keep })
            }
            State::Booked(Booked { device, series, parameters, replaced, .. }) => {
                let device = registry.get(device).map_or("", RegisteredDevice::device);
                Answer::Granted(Granted {
                    actor,
                    request,
                    dry_run: false,
                    replaced: replaced.map(|(_, keep)| keep),
                    device,
                    series,
                    parameters,
                })
            }
        }
    }
}

/// The answer to a request.
pub(super) enum Answer<'r> {
    Granted(Granted<'r>),
    Refused(Refused<'r>),
    Cancelled(Cancelled),
}

impl Answer<'_> {
    /// What is said of it.
    pub(super) fn part(&self) -> &dyn Part {
        match self {
            Self::Granted(granted) => granted,
            Self::Refused(refused) => refused,
            Self::Cancelled(cancelled) => cancelled,
        }
    }
}

/// The requests an SSM knows of.
#[derive(Debug)]
pub(super) struct Bookings<'s>(Table<'s, Booking>);

impl<'s> Bookings<'s> {
    pub(super) fn new(slots: &'s mut [Slot<Booking>]) -> Self {
        Self(Table::new(slots))
    }

    /// Makes room for one more, if that takes forgetting requests that are `over`:
    /// those below the floors of their Actors, else those settled before `old`. Each
    /// is given to `gone`. Returns whether there is room.
    pub(super) fn make_room(
        &mut self,
        over: &dyn Fn(&Booking) -> bool,
        floor: &dyn Fn(ActorId) -> RequestId,
        old: Instant,
        gone: &mut dyn FnMut(&Booking),
    ) -> bool {
        let mut forget = |all: &mut Table<'_, Booking>, may: &dyn Fn(&Booking) -> bool| {
            if all.len() >= all.capacity() {
                all.retain(|booking| {
                    let forgotten = may(booking) && over(booking);
                    if forgotten {
                        gone(booking);
                    }
                    !forgotten
                });
            }
        };
        forget(&mut self.0, &|booking| booking.request < floor(booking.actor));
        forget(&mut self.0, &|booking| booking.settled < old);
        self.0.len() < self.0.capacity()
    }

    /// Takes up a request that was kept. Returns whether there was room.
    pub(super) fn restore(&mut self, booking: Booking) -> bool {
        self.0.insert(booking).is_ok()
    }

    /// Whether there is no room for another.
    pub(super) const fn is_full(&self) -> bool {
        self.0.len() >= self.0.capacity()
    }

    /// Adds a request for which room was made.
    pub(super) fn insert(&mut self, booking: Booking) {
        let added = self.0.insert(booking);
        debug_assert!(added.is_ok(), "room was made");
    }

    pub(super) fn get(&self, actor: ActorId, request: RequestId) -> Option<&Booking> {
        self.0.get((actor, request))
    }

    pub(super) fn get_mut(&mut self, actor: ActorId, request: RequestId) -> Option<&mut Booking> {
        self.0.get_mut((actor, request))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Booking> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Booking> {
        self.0.iter_mut()
    }

    /// The requests from this one on, in order.
    pub(super) fn iter_from(&self, from: (ActorId, RequestId)) -> impl Iterator<Item = &Booking> {
        self.0.iter_from(from)
    }

    /// How many recipes a device holds, or is to.
    pub(super) fn held_by(&self, device: DeviceIndex, acknowledged: u32) -> usize {
        let holds = |booking: &&Booking| {
            booking.booked().is_some_and(|booked| booked.device == device)
                && (booking.open() > 0 || booking.change(acknowledged).is_some())
        };
        self.iter().filter(holds).count()
    }

    /// The change of a device's schedule that is next after version `after`.
    pub(super) fn change_after(&self, device: DeviceIndex, after: u32) -> Option<(u32, Change)> {
        let changes = self.iter().filter_map(|booking| {
            let booked = booking.booked().filter(|booked| booked.device == device)?;
            Some((booked.version, booking.change(after)?))
        });
        changes.min_by_key(|(version, _)| *version)
    }

    /// Whether anything of this Actor is known.
    pub(super) fn has_actor(&self, actor: ActorId) -> bool {
        self.iter_from((actor, RequestId(0))).next().is_some_and(|next| next.actor == actor)
    }
}

coded! {
    struct Booking (settled = Instant::ZERO, kept = false): actor, request, fingerprint, state;
    enum State: 0 Refused(turned), 1 Withdrawn, 2 Booked(booked); else Self::Withdrawn;
    struct Turned: reason, first_conflict, alternative;
    struct Booked: device, series, parameters, keep, cancelled, displaced, replaced, progress,
        resume, version;
}

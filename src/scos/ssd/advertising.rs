//! What a device says of itself, and how much of it the SSM has.

use super::{Retry, Ssd};
use crate::machine::count;
use crate::scos::link::LinkStats;
use crate::scos::messages::{AdvertiseKept, Advertised};
use crate::scos::metadata::{ClockStatus, Metadata, Section, SectionError, Sensor, Store};
use crate::scos::retry::Backoff;
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// The metadata of a device.
#[derive(Debug)]
pub(super) struct Advertising<'s> {
    octets: &'s mut [u8],
    used: u16,
    /// The number of the last change, or of the last time all of it was to be said.
    revision: u32,
    /// When what is not acknowledged is sent.
    retry: Retry,
    /// How many recipes the schedule holds.
    recipes: u16,
    /// What was said of the clock last.
    clock: Option<ClockStatus>,
}

impl<'s> Advertising<'s> {
    /// Nothing but a sensor of which nothing is known.
    pub(super) fn new(octets: &'s mut [u8], recipes: u16) -> Self {
        let recipes = recipes.max(1);
        let retry = Retry::NOW;
        let mut this = Self { octets, used: 0, revision: 0, retry, recipes, clock: None };
        // Without room even for this the device is never booked.
        let _ = this.set(&Section::Sensor(Sensor::UNKNOWN));
        this
    }

    /// Says a section from now on.
    pub(super) fn set(&mut self, section: &Section<'_>) -> Result<(), SectionError> {
        let recipes = self.recipes;
        let section = match section {
            Section::Sensor(sensor) => Section::Sensor(Sensor { recipes, ..*sensor }),
            other => *other,
        };
        let mut store = Store::new(self.octets, &mut self.used);
        if store.says(&section) {
            return Ok(());
        }
        let revision = self.revision.saturating_add(1);
        store.put(&section, revision)?;
        self.revision = revision;
        self.retry = Retry::NOW;
        Ok(())
    }

    pub(super) fn metadata(&self) -> Metadata<'_> {
        Metadata::of(self.octets, self.used)
    }

    pub(super) const fn revision(&self) -> u32 {
        self.revision
    }

    /// Whoever asks has nothing of it. An answer may still be on its way that says otherwise:
    /// it was given before.
    pub(super) fn begin(&mut self) {
        self.revision = self.revision.saturating_add(1);
        Store::new(self.octets, &mut self.used).hurry(self.revision);
        self.retry = Retry::NOW;
    }

    /// The SSM has a section. Returns whether that is news.
    pub(super) fn acknowledged(&mut self, answer: &Advertised) -> bool {
        let mut store = Store::new(self.octets, &mut self.used);
        let news = store.acknowledge(answer.section, answer.revision);
        // The sensor waits for the others: it may be due now.
        let last = store.unsent().all(|(_, section)| section.is_sensor());
        if news && last {
            self.retry = Retry::NOW;
        }
        news
    }

    /// When it is next to be said; [`Instant::MAX`] when all of it is known.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn due(&self) -> Instant {
        let unsent = Metadata::of(self.octets, self.used).has_unsent();
        if unsent { self.retry.due() } else { Instant::MAX }
    }

    /// Sends what is due, as said by the run `boot`.
    pub(super) fn send_due(
        &mut self,
        now: Instant,
        boot: u32,
        ssm: &Address,
        backoff: &Backoff,
        link: &mut LinkStats,
        transport: &mut dyn Transport,
    ) {
        if self.due() > now {
            return;
        }
        let store = Store::new(self.octets, &mut self.used);
        let mut sent = false;
        for (revision, section) in store.unsent() {
            if !link.say(ssm, &AdvertiseKept { boot, revision, section }, transport) {
                break;
            }
            sent = true;
        }
        if sent {
            self.retry.sent(now, backoff);
        } else {
            self.retry.refused(now, backoff);
        }
    }
}

impl Ssd<'_> {
    /// Says a section of its metadata from now on, and no more what it said in its
    /// place. It goes out at the next tick, unless it is what was said before.
    /// `recipes` of a sensor is taken from the storage.
    ///
    /// # Errors
    /// [`SectionError`]; what was said before stands.
    pub fn set_section(&mut self, section: &Section<'_>) -> Result<(), SectionError> {
        if matches!(section, Section::Clock(_)) {
            // What is so is found out at the next tick.
            self.advertising.clock = None;
        }
        self.advertising.set(section)
    }

    /// What it says of itself.
    #[must_use]
    pub fn metadata(&self) -> Metadata<'_> {
        self.advertising.metadata()
    }

    /// The SSM has a section, or has no room for it.
    pub(super) fn advertised(&mut self, answer: &Advertised) {
        if !self.advertising.acknowledged(answer) {
            count(&mut self.stats.stale_answers);
        } else if answer.full {
            count(&mut self.stats.sections_refused);
        }
    }

    /// Keeps the section that tells of the clock true.
    pub(super) fn note_clock(&mut self, now: Now) {
        let clock = ClockStatus::from(now.quality);
        if self.advertising.clock == Some(clock) {
            return;
        }
        self.advertising.clock = Some(clock);
        // Without room for it the SSM is not told.
        if self.advertising.set(&Section::Clock(clock)).is_err() {
            count(&mut self.stats.sections_full);
        }
    }
}

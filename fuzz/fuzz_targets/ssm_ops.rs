//! Whatever devices and Actors say, in whichever order: no two scans that are
//! granted overlap on a device, each occurrence gets one final report at most, and
//! what is owed is what was granted and is not reported.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::scos::calendar::Policy;
use farpost::scos::messages::{Cancelled, Granted, Refused, Report, ScanRequest};
use farpost::scos::ssm::{PolicyManager, Ssm, SsmConfig, SsmUser};
use farpost::scos::{ActorId, Admission, RequestId, ScanId, Series};
use farpost::time::{ClockQuality, Instant, Now, Utc, Week};
use farpost::transport::Address;
use farpost_fuzz::machines::{self, REPORTS, SsmRoom};
use farpost_fuzz::scos::{self, Radio};
use farpost_fuzz::{Result, Unstructured, noise, u8, wait};
use libfuzzer_sys::fuzz_target;

/// A scan that was granted.
struct Grant {
    device: String,
    series: Series,
    keep: u16,
    /// Of these, those that keep their slots.
    performed: u16,
    reported: BTreeSet<u16>,
    /// The SSM keeps its slots: its weeks are not over by every clock there was.
    is_current: bool,
}

impl Grant {
    fn is_over(&self) -> bool {
        self.reported.len() >= usize::from(self.keep)
    }

    fn slots(&self) -> impl Iterator<Item = (i64, i64)> {
        let Series { start, minutes, offset, .. } = self.series;
        (0..self.keep.min(self.performed)).map(move |nth| {
            let first = start + i64::from(nth) * i64::from(offset);
            (first, first + i64::from(minutes))
        })
    }
}

/// Knows what the SSM has promised.
#[derive(Default)]
struct Watch {
    grants: BTreeMap<(ActorId, RequestId), Grant>,
    granted: u64,
    refused: u64,
    cancelled: u64,
    displaced: u64,
    reports: u64,
    /// The slowest clock of the last two weeks: how far it is ahead of monotonic time, and
    /// since when.
    slow: Option<(i64, Instant)>,
}

impl Watch {
    /// The week by the slowest clock.
    fn slow_week(&mut self, now: Now) -> Week {
        let monotonic = now.monotonic.as_micros() as i64;
        let ahead = now.utc.unix_micros().saturating_sub(monotonic);
        let doubt = Duration::from_secs(14 * 86_400);
        let slow =
            self.slow.filter(|(slow, since)| *slow < ahead && now.monotonic < since.after(doubt));
        let (slow, _) = *self.slow.insert(slow.unwrap_or((ahead, now.monotonic)));
        Week::of_minute(Utc::from_unix_micros(slow.saturating_add(monotonic)).unix_minute()).0
    }
}

impl SsmUser for Watch {
    fn granted(&mut self, now: Now, _: &ScanRequest<'_>, granted: &Granted<'_>) {
        let series = granted.series;
        assert!(series.is_sound() && series.start > now.utc.unix_minute(), "{granted:?}");
        assert!(!granted.dry_run);
        let grant = Grant {
            device: granted.device.into(),
            series,
            keep: series.occurrences(),
            performed: series.occurrences(),
            reported: BTreeSet::new(),
            is_current: true,
        };
        let taken: Vec<_> = self
            .grants
            .values()
            .filter(|other| other.is_current && other.device == grant.device)
            .flat_map(Grant::slots)
            .collect();
        for (first, end) in grant.slots() {
            let free = taken.iter().all(|other| end <= other.0 || other.1 <= first);
            assert!(free, "{granted:?} overlaps another");
        }
        let before = self.grants.insert((granted.actor, granted.request), grant);
        assert!(before.is_none_or(|before| before.is_over()), "granted twice: {granted:?}");
        self.granted += 1;
    }

    fn refused(&mut self, _: Now, _: &ScanRequest<'_>, _: &Refused<'_>) {
        self.refused += 1;
    }

    fn cancelled(&mut self, _: Now, cancelled: &Cancelled) {
        self.cancelled += 1;
        match self.grants.get_mut(&(cancelled.actor, cancelled.request)) {
            Some(grant) if !grant.is_over() => {
                assert!(cancelled.keep <= grant.keep);
                assert!(grant.reported.last().is_none_or(|last| *last < cancelled.keep));
                grant.keep = cancelled.keep;
            }
            // It is forgotten, or was never booked.
            _ => {}
        }
    }

    fn displaced(&mut self, _: Now, displaced: &Cancelled) {
        self.displaced += 1;
        let grant = self.grants.get_mut(&(displaced.actor, displaced.request));
        grant.expect("it was granted").performed = displaced.keep;
    }

    fn report(&mut self, _: Now, report: &Report<'_>) {
        self.reports += 1;
        let ScanId { actor, request, occurrence } = report.scan;
        let grant = self.grants.get_mut(&(actor, request)).expect("a report of nothing");
        assert!(occurrence < grant.keep, "a report that is not owed");
        assert!(grant.reported.insert(occurrence), "{:?} is reported twice", report.scan);
        assert_eq!(report.start, grant.series.start_of(occurrence).unix_minute());
    }
}

struct Bench<'s> {
    ssm: Ssm<'s>,
    watch: Watch,
    radio: Radio,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { ssm, watch, radio, now } = self;
        match u8(u)? % 16 {
            0 | 1 => {
                let minutes = u8(u)?;
                for _ in 0..=minutes % 8 {
                    wait(now, minutes, |now, due| {
                        if due.is_some() {
                            ssm.tick(now, radio, watch);
                        }
                        ssm.next_deadline()
                    });
                }
            }
            2 => scos::step(now, u)?,
            3 => radio.busy = u8(u)? % 2 == 1,
            4 => ssm.receive(*now, &scos::address(u)?, noise(u)?, radio, watch),
            _ => {
                let octets = scos::message(u, *now, radio)?;
                ssm.receive(*now, &scos::address(u)?, &octets, radio, watch);
            }
        }
        Ok(())
    }

    fn assert_in_order(&mut self) {
        let Self { ssm, watch, radio, now } = self;
        ssm.tick(*now, radio, watch);
        let next = ssm.next_deadline();
        assert!(next.is_none_or(|next| next > now.monotonic), "a tick left something due: {ssm:?}");
        assert!(ssm.scheduler().is_consistent());
        let stats = ssm.stats();
        assert_eq!((stats.granted, stats.refused), (watch.granted, watch.refused));
        assert_eq!(stats.cancelled + stats.withdrawn, watch.cancelled);
        assert_eq!(stats.displaced, watch.displaced);
        assert_eq!(stats.reports + stats.reports_issued, watch.reports);
        let kept = u64::try_from(ssm.unacknowledged()).expect("it is a small number");
        assert_eq!(watch.reports, stats.reports_acknowledged + stats.reports_abandoned + kept);
        assert!(ssm.unacknowledged() <= REPORTS);
        let owed: usize = (watch.grants.values())
            .map(|grant| usize::from(grant.keep) - grant.reported.len())
            .sum();
        assert_eq!(ssm.owed(), u64::try_from(owed).expect("it is a small number"));
        assert!(ssm.inventory(*now).all(|(_, remaining)| !remaining.is_zero()));
        if now.quality != ClockQuality::Unset {
            let week = watch.slow_week(*now);
            for grant in watch.grants.values_mut() {
                let end = grant.series.end_of(grant.series.repeats).unix_minute() - 1;
                grant.is_current &= Week::of_minute(end).0 >= week;
            }
        }
    }
}

fuzz_target!(|octets: &[u8]| {
    let [first, operations @ ..] = octets else { return };
    let config = SsmConfig {
        admission: if first % 2 == 0 { Admission::Configured } else { Admission::Open },
        policy: Policy { preemption: first & 2 != 0, ..machines::SSM.policy },
        ..machines::SSM
    };
    let mut room = SsmRoom::<2>::default();
    let mut ssm = Ssm::new(config, room.storage());
    ssm.set_policy_manager(Some(PolicyManager::Address(Address::new(0, &[3]))));
    let (watch, radio) = (Watch::default(), Radio::default());
    let mut bench = Bench { ssm, watch, radio, now: scos::start() };
    let mut u = Unstructured::new(operations);
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

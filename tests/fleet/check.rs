//! What is to be true of a fleet, and is compared with what its nodes say.

use std::collections::{BTreeMap, BTreeSet};

use farpost::scos::messages::Outcome;
use farpost::scos::metadata::SectionKey;
use farpost::scos::{ScanId, Section};

use crate::nodes::Told;
use crate::world::World;

impl World {
    fn told(&self) -> impl Iterator<Item = &Told> {
        self.actors.iter().map(|(_, told)| told).chain(&self.gone)
    }

    /// What the SSM has promised is still in its calendar when it starts again.
    pub(crate) fn check_promises(&self) {
        assert!(self.ssm.scheduler().is_consistent());
        let minute = self.minute();
        for told in self.told() {
            for (request, (_, device, series)) in &told.granted {
                let last = series.end_of(series.repeats).unix_minute();
                if last <= minute {
                    continue;
                }
                let recipe = self.ssm.scheduler().recipe(told.actor, *request);
                let recipe = recipe.unwrap_or_else(|| panic!("{request:?} is lost"));
                assert_eq!(self.names[usize::from(recipe.request.device.0)], *device);
                let starts = (0..series.occurrences()).map(|index| series.start_of(index));
                assert!(recipe.grant.starts().eq(starts), "{request:?}: {recipe:?}");
            }
        }
    }

    /// Everything adds up.
    pub(crate) fn check(&self) {
        assert!(self.ssm.scheduler().is_consistent());
        assert_eq!((self.ssm.owed(), self.ssm.unacknowledged()), (0, 0));
        self.check_slots();
        self.check_reports();
        self.check_inventory();
        self.check_usage();
    }

    /// No slot of a device was given to two scans that anybody was told of.
    fn check_slots(&self) {
        let mut slots: BTreeMap<(usize, &str, i64), i64> = BTreeMap::new();
        let granted = self.told().flat_map(|told| told.granted.values());
        for (life, device, series) in granted {
            for index in 0..series.occurrences() {
                let start = series.start_of(index).unix_minute();
                let twice =
                    slots.insert((*life, device, start), series.end_of(index).unix_minute());
                assert_eq!(twice, None, "{device} is booked twice at {start}");
            }
        }
        let pairs = slots.iter().zip(slots.iter().skip(1));
        for (((life, device, start), end), ((other, next_device, next), _)) in pairs {
            let same = life == other && device == next_device;
            assert!(!same || end <= next, "{device} is booked twice: {start} to {end}, {next}");
        }
    }

    fn check_reports(&self) {
        // What the lives of the SSM have said of an occurrence.
        let lives = || self.past.iter().chain([&self.watch]);
        let said = |scan: &ScanId, outcome: &str| {
            lives().any(|watch| watch.reports.get(scan).is_some_and(|said| said.name() == outcome))
        };
        // Occurrences are final reports, for each Actor that is still there.
        for (_, told) in &self.actors {
            let dropped = |scan: &ScanId| told.cancelled.contains(&scan.request);
            let expected: BTreeSet<ScanId> = told.occurrences().collect();
            let reported: BTreeSet<ScanId> =
                told.reports.keys().copied().filter(|scan| !dropped(scan)).collect();
            let differ: Vec<_> = reported.symmetric_difference(&expected).collect();
            assert!(differ.is_empty(), "occurrences = final reports: {differ:?}");
        }
        for told in self.told() {
            for (scan, outcome) in &told.reports {
                assert!(said(scan, outcome), "{scan:?} was not {outcome}");
            }
        }
        // And for those that have forgotten what they asked for the SSM has one too.
        let last = self.past.len();
        for told in &self.gone {
            let of_this_life = told.occurrences().filter(|scan| {
                told.granted.get(&scan.request).is_some_and(|(life, ..)| *life == last)
            });
            for scan in of_this_life {
                assert!(self.watch.reports.contains_key(&scan), "{scan:?} has no report");
            }
        }
        // What is complete was performed, and by one device.
        let mut complete = BTreeSet::new();
        for device in &self.devices {
            for scan in &device.front.complete {
                assert!(complete.insert(*scan), "{scan:?} by two devices");
            }
        }
        for (scan, outcome) in lives().flat_map(|watch| &watch.reports) {
            if *outcome == Outcome::Complete {
                assert!(complete.contains(scan), "{scan:?} was not performed");
            }
        }
    }

    /// The copy, the SSM's own view, and what devices say of themselves are the same.
    fn check_inventory(&self) {
        let told = &self.actors[0].1;
        assert_eq!(told.copies, 1, "the copy is whole");
        assert_eq!(told.inventory.len(), self.devices.len(), "all devices are there");
        for (device, name) in self.devices.iter().zip(self.names) {
            assert!(device.ssd.is_associated(), "{name}");
            let own: Vec<Section<'_>> = device.ssd.metadata().sections().collect();
            let known = self.ssm.metadata(name).expect("it is there");
            assert_eq!(known.sections().collect::<Vec<_>>(), own, "{name}");
            let keys: Vec<SectionKey> = own.iter().map(Section::key).collect();
            assert_eq!(told.inventory[name], keys, "{name}");
        }
        // What the calendar holds is what is granted, and nothing else.
        let recipes = self.ssm.scheduler().recipes().map(|recipe| recipe.key());
        for key in recipes {
            assert!(self.watch.granted.contains(&key), "{key:?} was never granted");
        }
    }

    fn check_usage(&self) {
        let told = &self.actors[0].1;
        assert_eq!(told.usage.len(), self.ssm.usage().count());
        let mut sums = [0; 3];
        for usage in self.ssm.usage() {
            assert_eq!(told.usage.get(&usage.actor), Some(usage));
            let settled = usage.complete + usage.incomplete + usage.rejected;
            if self.watch.losses == 0 {
                assert_eq!(usage.granted - usage.cancelled, settled, "{usage:?}");
            }
            sums[0] += usage.complete;
            sums[1] += usage.incomplete;
            sums[2] += usage.rejected;
        }
        let count = |name| {
            let outcomes = self.watch.reports.values();
            outcomes.filter(|outcome| outcome.name() == name).count() as u64
        };
        let counts = ["complete", "incomplete", "rejected"].map(count);
        if self.watch.losses == 0 {
            assert_eq!(sums, counts);
        }
        // What was summed up in the moment power was lost may be so once more.
        assert!(sums.iter().zip(counts).all(|(sum, count)| *sum >= count), "{sums:?} {counts:?}");
    }
}

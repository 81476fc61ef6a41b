//! Whatever an SSM says, however the clock jumps: a device does one scan at a time,
//! within its slot, and accounts for each.
#![no_main]

use farpost::scos::AssociationEvent;
use farpost::scos::messages::Rejection;
use farpost::scos::metadata::SectionError;
use farpost::scos::ssd::{Scan, ScanEndError, Sensor, Ssd};
use farpost::time::{ClockQuality, Now};
use farpost_fuzz::machines::{self, RECIPES, REPORTS, SsdRoom, tick};
use farpost_fuzz::scos::{self, Radio};
use farpost_fuzz::{Result, Unstructured, noise, u8, wait};
use libfuzzer_sys::fuzz_target;

/// A front-end that knows what it was told.
#[derive(Default)]
struct Front {
    running: Option<Scan>,
    refuses: Option<Rejection>,
    associated: bool,
    begun: u64,
    stopped: u64,
    completed: u64,
    failed: u64,
}

impl Sensor for Front {
    fn begin(&mut self, now: Now, scan: &Scan) -> std::result::Result<(), Rejection> {
        assert_ne!(now.quality, ClockQuality::Unset);
        assert!(scan.start <= now.utc && now.utc < scan.end);
        assert_eq!(self.running, None, "two scans at a time");
        if let Some(reason) = self.refuses {
            return Err(reason);
        }
        self.running = Some(*scan);
        self.begun += 1;
        Ok(())
    }

    fn stop(&mut self, _: Now, scan: &Scan) {
        assert_eq!(self.running.take().as_ref(), Some(scan));
        self.stopped += 1;
    }

    fn association(&mut self, _: Now, event: AssociationEvent) {
        match event {
            AssociationEvent::Associated => self.associated = true,
            AssociationEvent::Lost | AssociationEvent::Left => self.associated = false,
            _ => {}
        }
    }
}

struct Bench<'s> {
    ssd: Ssd<'s>,
    front: Front,
    radio: Radio,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { ssd, front, radio, now } = self;
        match u8(u)? % 16 {
            0 => wait(now, u8(u)?, |now, due| {
                if due.is_some() {
                    tick(ssd, front, radio, now);
                }
                ssd.next_deadline()
            }),
            1 => scos::step(now, u)?,
            2 => radio.busy = u8(u)? % 2 == 1,
            3 => ssd.receive(*now, &scos::address(u)?, noise(u)?, radio, front),
            4 => front.refuses = (u8(u)? % 2 == 1).then_some(scos::rejection(u)?),
            5 => self.end(u)?,
            6 => ssd.join(),
            7 => ssd.leave(),
            8 => {
                let section = scos::section(u)?;
                let key = section.key();
                match ssd.set_section(&section) {
                    Ok(()) => assert!(ssd.metadata().get(key.kind, key.index).is_some()),
                    Err(error) => assert_eq!(error, SectionError::Full),
                }
                assert!(ssd.metadata().is_complete());
            }
            _ => {
                let octets = scos::message(u, *now, radio)?;
                ssd.receive(*now, &scos::address(u)?, &octets, radio, front);
            }
        }
        Ok(())
    }

    /// The scan that runs ends, well or not, or one that does not run.
    fn end(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { ssd, front, now, .. } = self;
        let (how, stray) = (u8(u)?, farpost::scos::ScanId::default());
        let Some(scan) = front.running else {
            assert_eq!(ssd.complete(*now, stray, &[]), Err(ScanEndError::NotRunning));
            return Ok(());
        };
        match how % 4 {
            0 => {
                ssd.fail(*now, scan.id, scos::rejection(u)?).expect("it runs");
                front.failed += 1;
            }
            1 => {
                let refused = ssd.complete(*now, scan.id, &[0; 1_025]);
                assert_eq!(refused, Err(ScanEndError::TooLong));
                return Ok(());
            }
            _ => {
                ssd.complete(*now, scan.id, &[how; 1_024][..usize::from(how)]).expect("it runs");
                front.completed += 1;
            }
        }
        front.running = None;
        Ok(())
    }

    fn assert_in_order(&mut self) {
        let Self { ssd, front, radio, now } = self;
        tick(ssd, front, radio, *now);
        let stats = ssd.stats();
        assert_eq!(ssd.running(), front.running.as_ref());
        assert_eq!(ssd.is_associated(), front.associated);
        assert_eq!((stats.begun, stats.incomplete), (front.begun, front.stopped));
        assert_eq!(stats.complete, front.completed);
        let running = u64::from(front.running.is_some());
        assert_eq!(stats.begun, stats.complete + stats.incomplete + front.failed + running);
        let kept = u64::try_from(ssd.unacknowledged()).expect("it is a small number");
        assert_eq!(
            stats.complete + stats.incomplete + stats.rejected,
            stats.reports_acknowledged + stats.reports_dropped + kept,
            "each report is kept, acknowledged or counted as dropped"
        );
        assert!(ssd.unacknowledged() <= REPORTS && ssd.schedule().count() <= RECIPES);
        let sound = ssd
            .schedule()
            .all(|(entry, next)| entry.series.is_sound() && next < entry.series.occurrences());
        assert!(sound);
    }
}

fuzz_target!(|octets: &[u8]| {
    let mut room = SsdRoom::default();
    let ssd = Ssd::new(machines::ssd_config(), room.storage());
    let (front, radio) = (Front::default(), Radio::default());
    let mut bench = Bench { ssd, front, radio, now: scos::start() };
    let mut u = Unstructured::new(octets);
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

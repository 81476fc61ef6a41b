//! Whatever an SSM answers, an Actor tells its user a story that makes sense: an
//! answer for what was asked, a grant before its reports, each report once.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use farpost::scos::RequestId;
use farpost::scos::actor::{Actor, ActorUser, Question, RequestError, Wish};
use farpost::scos::messages::{Cancelled, Devices, Granted, InventoryItem, Refused, Report};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost_fuzz::machines::{self, ACTOR_REQUESTS};
use farpost_fuzz::scos::{self, Radio};
use farpost_fuzz::{Result, Unstructured, noise, u8, wait};
use libfuzzer_sys::fuzz_target;

/// What an Actor has told of a request.
#[derive(Default)]
struct Story {
    owed: Option<u16>,
    reported: BTreeSet<u16>,
    is_over: bool,
    /// It is only tried.
    is_dry: bool,
}

#[derive(Default)]
struct Told {
    stories: BTreeMap<RequestId, Story>,
    granted: u64,
    cancelled: u64,
    reports: u64,
    unanswered: u64,
    copying: bool,
}

impl Told {
    /// A request that can still be told of.
    fn open(&mut self, request: RequestId) -> &mut Story {
        let story = self.stories.get_mut(&request).expect("it was never asked for");
        assert!(!story.is_over, "{request:?} was over");
        story
    }
}

impl ActorUser for Told {
    fn granted(&mut self, _: Now, granted: &Granted<'_>) {
        self.granted += 1;
        let before = self.open(granted.request).owed.replace(granted.series.occurrences());
        assert_eq!(before, None, "granted twice, or after it was cancelled");
    }

    fn refused(&mut self, _: Now, refused: &Refused<'_>) {
        let story = self.open(refused.request);
        assert!(!story.is_dry);
        story.is_over = true;
    }

    fn tried(&mut self, _: Now, answer: std::result::Result<&Granted<'_>, &Refused<'_>>) {
        let request = answer.map_or_else(|refused| refused.request, |granted| granted.request);
        let story = self.open(request);
        assert!(story.is_dry);
        story.is_over = true;
    }

    fn cancelled(&mut self, _: Now, cancelled: &Cancelled) {
        self.cancelled += 1;
        self.open(cancelled.request).owed = Some(cancelled.keep);
    }

    fn report(&mut self, _: Now, report: &Report<'_>) {
        self.reports += 1;
        let story = self.open(report.scan.request);
        let owed = story.owed.expect("a report before its grant");
        assert!(report.scan.occurrence < owed, "a report that is not owed");
        assert!(story.reported.insert(report.scan.occurrence), "reported twice");
    }

    fn inventory(&mut self, _: Now, item: &InventoryItem<'_>) {
        assert!(self.copying);
        self.copying = item.next.is_some_and(|next| next > item.at);
    }

    fn unanswered(&mut self, _: Now, question: Question) {
        self.unanswered += 1;
        match question {
            Question::Scan(request) | Question::DryRun(request) | Question::Cancel(request) => {
                let story = self.open(request);
                assert_eq!(story.is_dry, matches!(question, Question::DryRun(_)));
                story.is_over = story.owed.is_none();
            }
            _ => assert!(std::mem::take(&mut self.copying)),
        }
    }
}

struct Bench<'s> {
    actor: Actor<'s>,
    told: Told,
    radio: Radio,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { actor, told, radio, now } = self;
        match u8(u)? % 16 {
            0 => wait(now, u8(u)?, |now, due| {
                if due.is_some() {
                    actor.tick(now, radio, told);
                }
                actor.next_deadline()
            }),
            1 => radio.busy = u8(u)? % 2 == 1,
            2 => actor.receive(*now, &scos::address(u)?, noise(u)?, radio, told),
            3 | 4 => self.ask(u)?,
            15 => self.ask_otherwise(u)?,
            // It may be over; what is only tried is over then.
            5 | 6 => {
                let request = RequestId((u8(u)? % 6).into());
                let found = actor.cancel(request).is_ok();
                if let Some(story) = told.stories.get_mut(&request).filter(|story| story.is_dry) {
                    assert_ne!(found, story.is_over);
                    story.is_over = true;
                }
            }
            7 => {
                actor.copy_inventory();
                told.copying = true;
            }
            _ => {
                let octets = scos::message(u, *now, radio)?;
                actor.receive(*now, &scos::address(u)?, &octets, radio, told);
            }
        }
        Ok(())
    }

    fn ask(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { actor, told, now, .. } = self;
        let devices = [scos::device(u)?, "", "a device whose name has too many letters"];
        let device = devices[usize::from(u8(u)? / 8 % 16).saturating_sub(13)];
        let wish = Wish {
            devices: Devices::One(device),
            series: scos::series(u, *now)?,
            when: scos::when(u)?,
            across_weeks: false,
            parameters: scos::parameters(u)?,
        };
        match actor.request(&wish) {
            Ok(request) => assert!(told.stories.insert(request, Story::default()).is_none()),
            Err(RequestError::Full) => assert_eq!(actor.open_requests(), ACTOR_REQUESTS),
            Err(RequestError::DeviceId) => assert!(!(1..=32).contains(&device.len())),
            Err(error) => panic!("{error}"),
        }
        Ok(())
    }

    /// Asks for another in place of one, or only tries.
    fn ask_otherwise(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { actor, told, now, .. } = self;
        let (form, old) = (u8(u)?, RequestId((u8(u)? % 6).into()));
        let wish = Wish {
            devices: scos::devices(u)?,
            series: scos::series(u, *now)?,
            when: scos::when(u)?,
            across_weeks: form & 4 != 0,
            parameters: scos::parameters(u)?,
        };
        let asked = match form % 3 {
            0 => actor.modify(old, &wish),
            1 => actor.dry_run(&wish, Some(old)),
            _ => actor.dry_run(&wish, None),
        };
        match asked {
            Ok(request) => {
                let story = Story { is_dry: form % 3 != 0, ..Story::default() };
                assert!(told.stories.insert(request, story).is_none());
            }
            Err(RequestError::Full) => assert_eq!(actor.open_requests(), ACTOR_REQUESTS),
            Err(RequestError::NotGranted) => {}
            Err(error) => panic!("{error}"),
        }
        Ok(())
    }

    fn assert_in_order(&mut self) {
        let Self { actor, told, radio, now } = self;
        actor.tick(*now, radio, told);
        let next = actor.next_deadline();
        assert!(next.is_none_or(|next| next > now.monotonic), "a tick left something due");
        let stats = actor.stats();
        assert_eq!(stats.granted, told.granted);
        assert_eq!(stats.cancelled, told.cancelled);
        assert_eq!(stats.reports, told.reports);
        assert_eq!(stats.unanswered, told.unanswered);
        let dry = told.stories.values().filter(|story| story.is_dry).count();
        let asked = stats.requests + stats.dry_runs;
        assert_eq!(asked, u64::try_from(told.stories.len()).expect("it is small"));
        assert_eq!(stats.dry_runs, u64::try_from(dry).expect("it is small"));
        // What still may be told of, it knows.
        let open = told.stories.values().filter(|story| {
            let all = |owed| (0..owed).all(|nth| story.reported.contains(&nth));
            !story.is_over && !story.owed.is_some_and(all)
        });
        assert!(open.count() <= actor.open_requests());
    }
}

fuzz_target!(|octets: &[u8]| {
    let mut requests = [const { Slot::EMPTY }; ACTOR_REQUESTS];
    let actor = Actor::new(machines::actor_config(), &mut requests);
    let (told, radio) = (Told::default(), Radio::default());
    let mut bench = Bench { actor, told, radio, now: scos::start() };
    let mut u = Unstructured::new(octets);
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

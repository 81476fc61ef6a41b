//! An SSM that starts again.

use super::*;
use crate::scos::calendar::Recipe;
use crate::scos::messages::{ActorPolicyAck, Associated, PolicyOutcome, SetActorPolicy};
use crate::scos::records::{Restored, kind};
use crate::scos::{ActorPolicy, DeviceConfig, RecordFault};
use crate::store::disk::Disk;

fn start(disk: &Disk, config: SsmConfig<'_>) -> Ssm<'static> {
    ssm(config, 16, 3, 4).with_store(disk.lend()).unwrap()
}

impl Bench {
    /// An SSM with a store and one device that is there.
    fn kept(disk: &Disk) -> Self {
        Self::with(start(disk, SSM_CONFIG))
    }

    /// Power is lost and comes back: the SSM starts again, and knows another run by its
    /// configuration.
    fn restart(&mut self, disk: &Disk) {
        disk.revive(0);
        self.ssm = start(disk, SsmConfig { epoch: SSM_CONFIG.epoch + 7, ..SSM_CONFIG });
    }

    /// The device associates as it is asked to, and has the schedule it had.
    fn return_with(&mut self, seconds: u64, version: u32) -> Sent {
        self.sequence += 1;
        let request = Associate {
            request: Association::New,
            device: "mast-1",
            public_key: b"mast-1",
            boot: 1,
            sequence: self.sequence,
            schedule: ScheduleMark { epoch: SSM_CONFIG.epoch, version },
            proof: None,
        };
        let sent = self.receive(seconds, DEVICE, &Message::Associate(request));
        if matches!(messages(&sent)[..], [Message::Associated(_)]) {
            self.advertise(seconds, 1, 16);
        }
        sent
    }
}

#[test]
fn an_ssm_goes_on_where_it_was() {
    let disk = Disk::default();
    let mut bench = Bench::kept(&disk);
    assert_eq!(bench.refusal(0, &request(1, 5, 3)), None);
    let refused = bench.refusal(0, &request(2, 15, 0)).unwrap();
    bench.receive(0, ACTOR, &cancel(3));
    assert_eq!(bench.deliver(0).len(), 1);
    assert!(bench.report(330, 1, 0));
    let before = bench.receive(331, ACTOR, &Message::ScanRequest(request(1, 5, 3)));
    bench.restart(&disk);
    assert_eq!(bench.ssm.restored(), &Restored { records: 8, ..Restored::default() });
    assert_eq!(bench.ssm.epoch(), SSM_CONFIG.epoch, "the run goes on");
    assert_eq!((bench.ssm.owed(), bench.ssm.unacknowledged()), (3, 1));
    // The report goes out, to the Actor where it was.
    assert_eq!(bench.forwarded(400), [(0, Outcome::Complete)]);
    assert_eq!(bench.forwarded(500), []);
    // The device is asked to associate, and keeps its schedule: there is no change.
    let sent = bench.return_with(500, 1);
    assert!(matches!(messages(&sent)[..], [Message::Associated(Associated { epoch: 9, .. })]));
    assert_eq!(bench.deliver(500), []);
    // All answers are the same.
    let again = bench.receive(501, ACTOR, &Message::ScanRequest(request(1, 5, 3)));
    assert_eq!(again, before);
    assert_eq!(bench.refusal(501, &request(2, 15, 0)), Some(refused));
    assert_eq!(bench.refusal(501, &request(1, 6, 3)).unwrap().0, Refusal::NumberReused);
    let withdrawn = bench.receive(501, ACTOR, &Message::ScanRequest(request(3, 90, 0)));
    assert!(matches!(messages(&withdrawn)[..], [Message::Cancelled(Cancelled { keep: 0, .. })]));
    // Its slots are taken, and a change builds on the last one.
    assert!(bench.ssm.scheduler().is_consistent());
    let conflict = bench.refusal(501, &request(4, 16, 0)).unwrap();
    assert_eq!(conflict, (Refusal::Calendar(RefusalReason::Conflict), Some(MONDAY + 16)));
    assert_eq!(bench.refusal(501, &request(5, 90, 0)), None);
    let sent = bench.tick(501);
    let [Message::ScheduleChange(change)] = messages(&sent)[..] else { panic!() };
    assert_eq!((change.epoch, change.base, change.version), (9, 1, 2));
    // What is reported again is not told again.
    assert!(bench.report(502, 1, 0));
    assert_eq!(bench.ssm.stats().reports_repeated, 1);
}

#[test]
fn devices_are_hailed_and_waited_for() {
    let disk = Disk::default();
    let mut bench = Bench::kept(&disk);
    assert_eq!(bench.refusal(0, &request(1, 5, 0)), None);
    assert_eq!(bench.deliver(0).len(), 1);
    // A whole slot and its grace time pass without an SSM.
    bench.restart(&disk);
    let hails = |sent: &Sent| sent.iter().filter(|(to, _)| *to == address(DEVICE)).count();
    let sent = bench.tick(1_000);
    assert_eq!(messages(&sent), [Message::NotAssociated]);
    assert_eq!(hails(&bench.tick(1_001)), 0, "with back-off");
    assert_eq!(hails(&bench.tick(1_002)), 1);
    assert_eq!(bench.refusal(1_003, &request(2, 50, 0)).unwrap().0, Refusal::Busy);
    assert_eq!(bench.notes.reports, [], "its report may be on its way");
    bench.return_with(1_004, 1);
    assert_eq!(bench.refusal(1_004, &request(2, 50, 0)), None);
    bench.tick(1_004);
    assert!(bench.report(1_005, 1, 0));
    assert_eq!(bench.notes.reports, [(0, Outcome::Complete)]);
    // A device that does not come back is gone when its TTL is over.
    bench.restart(&disk);
    bench.tick(2_000);
    assert_eq!(bench.refusal(2_299, &request(3, 90, 0)).unwrap().0, Refusal::Busy);
    bench.tick(2_300);
    assert_eq!(bench.refusal(2_300, &request(3, 90, 0)).unwrap().0, Refusal::Offline);
    // 00:50 to 00:52 and the grace time of three minutes are over at 3,300 s.
    bench.tick(3_299);
    assert_eq!(bench.notes.reports.len(), 1);
    bench.tick(3_300);
    assert_eq!(bench.notes.reports[1], (0, Outcome::Rejected(Rejection::Offline)));
}

#[test]
fn what_is_not_kept_is_not_said() {
    let disk = Disk::default();
    let mut bench = Bench::kept(&disk);
    assert_eq!(bench.refusal(0, &request(1, 5, 1)), None);
    assert_eq!(bench.deliver(0).len(), 1);
    disk.fail(true);
    assert_eq!(bench.refusal(1, &request(2, 50, 0)).unwrap().0, Refusal::Busy);
    let sent = bench.receive(1, ACTOR, &cancel(3));
    assert!(matches!(
        messages(&sent)[..],
        [Message::Refused(Refused { reason: Refusal::Busy, .. })]
    ));
    assert_eq!(bench.deliver(2), [], "nothing is handed out");
    assert!(!bench.report(330, 1, 0), "nothing is acknowledged");
    assert_eq!(bench.forwarded(331), [], "nothing is forwarded");
    assert_eq!(bench.ssm.store_failures(), 3);
    assert_eq!(bench.ssm.stats().busy, 2);
    assert!(bench.ssm.next_deadline().unwrap() > at(331).monotonic, "with back-off");
    // Nothing of it was promised, and nothing of it is there after a loss of power.
    let other = disk.clone();
    other.revive(0);
    let lost = start(&other, SSM_CONFIG);
    assert_eq!((lost.owed(), lost.unacknowledged()), (2, 0));
    // It works again: all is as it was decided.
    assert_eq!(bench.refusal(335, &request(2, 50, 0)), None);
    assert!(bench.report(336, 1, 0));
    assert_eq!(bench.deliver(360).len(), 1);
    assert_eq!(bench.ssm.stats().repeated, 1);
}

#[test]
fn damaged_records_are_counted_and_the_rest_is_used() {
    let disk = Disk::default();
    let mut bench = Bench::kept(&disk);
    for (number, start) in [(1, 5), (2, 50), (3, 90)] {
        assert_eq!(bench.refusal(0, &request(number, start, 0)), None);
    }
    bench.deliver(0);
    {
        let mut state = disk.state();
        let mut requests = state.durable.iter_mut().filter(|row| row.0.kind() == kind::SSM_REQUEST);
        requests.next().unwrap().1[9] ^= 1;
        requests.next().unwrap().1.truncate(2);
    }
    bench.restart(&disk);
    let found = *bench.ssm.restored();
    assert_eq!((found.records, found.damaged, found.unknown), (5, 2, 0));
    // Its devices know of recipes that it does not: they are to drop them.
    assert_eq!(bench.ssm.epoch(), SSM_CONFIG.epoch + 7);
    assert_eq!(bench.ssm.owed(), 1);
    bench.return_with(100, 3);
    assert_eq!(bench.deliver(100).len(), 1, "handed out anew");
    // What was damaged is cleared away.
    bench.restart(&disk);
    assert!(bench.ssm.restored().is_whole());
    assert_eq!(bench.ssm.epoch(), SSM_CONFIG.epoch + 7);
}

#[test]
fn records_of_another_version_are_named_and_left_alone() {
    let disk = Disk::default();
    let mut bench = Bench::kept(&disk);
    assert_eq!(bench.refusal(0, &request(1, 5, 0)), None);
    let foreign = crate::store::RecordKey::of(kind::SSD_RECIPE, 1, 2, 3);
    disk.state().durable.insert(foreign, std::vec![1, 2, 3, 4, 5]);
    bench.restart(&disk);
    let found = bench.ssm.restored();
    assert_eq!((found.damaged, found.unknown), (0, 1));
    assert_eq!(found.fault, Some(RecordFault::Kind(kind::SSD_RECIPE)));
    bench.tick(10);
    assert!(disk.state().durable.contains_key(&foreign));
}

#[test]
fn a_list_of_devices_may_change_between_runs() {
    let disk = Disk::default();
    let mut bench = Bench::kept(&disk);
    assert_eq!(bench.refusal(0, &request(1, 5, 0)), None);
    bench.deliver(0);
    disk.revive(0);
    // Another device comes first now.
    let devices = [
        DeviceConfig { device: "mast-0", public_key: b"mast-0" },
        DeviceConfig { device: "mast-1", public_key: b"mast-1" },
    ];
    bench.ssm = start(&disk, SsmConfig { devices: &devices, ..SSM_CONFIG });
    bench.return_with(10, 1);
    assert_eq!(
        bench.refusal(10, &request(2, 6, 0)).unwrap().0,
        Refusal::Calendar(RefusalReason::Conflict)
    );
    assert!(bench.report(330, 1, 0));
    assert_eq!(bench.forwarded(331), [(0, Outcome::Complete)]);
    assert_eq!(bench.refusal(340, &request(3, 50, 0)), None);
    // Now it is not on the list: it is not admitted, and what is owed is reported.
    disk.revive(0);
    bench.ssm = start(&disk, SsmConfig { devices: &[], ..SSM_CONFIG });
    bench.tick(350);
    let sent = bench.return_with(351, 1);
    assert!(matches!(messages(&sent)[..], [Message::AssociationRefused(_)]));
    bench.tick(3_600);
    assert_eq!(bench.notes.reports[1..], [(0, Outcome::Rejected(Rejection::Offline))]);
}

/// What an Actor has booked counts against its minutes even when the SSM has
/// forgotten the request.
#[test]
fn quotas_survive_with_what_was_forgotten() {
    let disk = Disk::default();
    let policy = Policy { quota_minutes: Some(4), ..SSM_CONFIG.policy };
    let config = SsmConfig { policy, ..SSM_CONFIG };
    let small = |disk: &Disk| ssm(config, 1, 1, 4).with_store(disk.lend()).unwrap();
    let mut bench = Bench::with(small(&disk));
    assert_eq!(bench.refusal(0, &request(1, 5, 0)), None);
    bench.deliver(0);
    assert!(bench.report(330, 1, 0));
    assert_eq!(bench.forwarded(330).len(), 1);
    // Another request needs the room of the first, and its calendar has no room.
    let next =
        |number, start| ScanRequest { floor: RequestId(number), ..request(number, start, 0) };
    bench.associate(330, Association::Refresh, 1);
    assert_eq!(bench.refusal(330, &next(2, 50)).unwrap().0, Refusal::Busy);
    bench.tick(330);
    disk.revive(0);
    let wide = ssm(config, 4, 1, 4).with_store(disk.lend()).unwrap();
    let mut bench = Bench { ssm: wide, ..bench };
    assert_eq!(bench.ssm.restored().no_room, 0);
    bench.return_with(340, 1);
    let minutes = |bench: &Bench| {
        let scheduler = bench.ssm.scheduler();
        scheduler.minutes_of(ActorId(7), scheduler.week(), DeviceIndex(0))
    };
    bench.tick(340);
    assert_eq!(minutes(&bench), 2);
    assert_eq!(bench.refusal(341, &next(3, 60)), None);
    assert_eq!(
        bench.refusal(341, &next(4, 70)).unwrap().0,
        Refusal::Calendar(RefusalReason::OverQuota)
    );
    // The week after nothing is left of it.
    bench.tick(7 * 86_400);
    let recipes = |disk: &Disk| {
        let state = disk.state();
        state.durable.keys().filter(|key| key.kind() == kind::SSM_REQUEST).count()
    };
    assert_eq!((minutes(&bench), recipes(&disk)), (0, 2));
}

/// All recipes, in the order of their keys.
fn recipes(bench: &Bench) -> Vec<Recipe> {
    let mut recipes: Vec<_> = bench.ssm.scheduler().recipes().copied().collect();
    recipes.sort_by_key(Recipe::key);
    recipes
}

#[test]
fn what_gave_way_stays_so_and_what_is_set_for_actors_holds() {
    const MANAGER: u8 = 9;
    let policy = Policy { preemption: true, ..SSM_CONFIG.policy };
    let config = SsmConfig { policy, ..SSM_CONFIG };
    let disk = Disk::default();
    let start = |disk: &Disk| {
        let mut ssm = ssm(config, 16, 3, 2).with_store(disk.lend()).unwrap();
        ssm.set_policy_manager(Some(PolicyManager::Address(address(MANAGER))));
        ssm
    };
    let mut bench = Bench::with(start(&disk));
    // What is not kept of a setting is not said either.
    let strong = ActorPolicy { quota_minutes: Some(500), priority: 5 };
    let set = SetActorPolicy { version: 4, actor: ActorId(8), policy: strong };
    disk.fail(true);
    assert_eq!(bench.receive(0, MANAGER, &Message::SetActorPolicy(set)), []);
    disk.fail(false);
    let applied = |bench: &mut Bench, seconds, set| {
        let sent = bench.receive(seconds, MANAGER, &Message::SetActorPolicy(set));
        match messages(&sent)[..] {
            [Message::ActorPolicyAck(ActorPolicyAck { outcome, .. })] => outcome,
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(applied(&mut bench, 0, set), PolicyOutcome::Applied);
    let week = ScanRequest { across_weeks: true, ..request(2, 10_079, 1) };
    assert_eq!(bench.refusal(0, &week), None);
    assert_eq!(bench.refusal(0, &request(1, 5, 4)), None);
    bench.deliver(0);
    // The last four of five give way; there is room for two reports.
    bench.associate(290, Association::Refresh, 1);
    let wanted = ScanRequest { actor: ActorId(8), ..request(1, 15, 0) };
    assert_eq!(bench.refusal(310, &wanted), None);
    // What is only tried is not kept.
    let tried = ScanRequest { dry_run: true, ..request(3, 100, 0) };
    assert_eq!(bench.refusal(310, &tried), None);
    let before = recipes(&bench);
    assert_eq!(before.len(), 3);
    let again = bench.receive(310, ACTOR, &Message::ScanRequest(request(1, 5, 4)));
    disk.revive(0);
    bench.ssm = start(&disk);
    assert!(bench.ssm.restored().is_whole());
    assert!(bench.ssm.actor_policies().eq([(ActorId(8), strong, 4)]));
    let late = SetActorPolicy { version: 3, ..set };
    assert_eq!(applied(&mut bench, 311, late), PolicyOutcome::Stale(4));
    bench.tick(312);
    assert_eq!(recipes(&bench), before);
    assert!(bench.ssm.scheduler().is_consistent());
    // Its device is awaited, whether it is named alone, with others, or not at all.
    let all = [Devices::One("mast-1"), Devices::any_of(&["x", "mast-1"]).unwrap(), Devices::Any];
    for devices in all {
        let request = ScanRequest { devices, ..request(4, 200, 0) };
        assert_eq!(bench.refusal(312, &request), Some((Refusal::Busy, None)));
    }
    let displaced = |occurrence| (occurrence, Outcome::Rejected(Rejection::Displaced));
    bench.return_with(313, 2);
    assert_eq!(bench.receive(313, ACTOR, &Message::ScanRequest(request(1, 5, 4))), again);
    // The first two were on their way, the others follow.
    let mut reported = Vec::new();
    for seconds in [320, 330, 340] {
        reported.extend(bench.forwarded(seconds));
    }
    assert_eq!(reported, [1, 2, 3, 4].map(displaced));
    assert!(bench.report(420, 1, 0));
    assert_eq!(bench.forwarded(430), [(0, Outcome::Complete)]);
    assert_eq!(bench.ssm.owed(), 3, "those of the others");
}

/// Power is lost at each operation of the store, and of what was not durable so many
/// writes are all the same.
#[test]
fn a_replacement_is_whole_at_any_write() {
    let mut losses = 0;
    for (operation, written) in (1..8).flat_map(|nth| (0..8).map(move |written| (nth, written))) {
        let disk = Disk::default();
        let mut bench = Bench::kept(&disk);
        assert_eq!(bench.refusal(0, &request(1, 50, 3)), None);
        assert_eq!(bench.deliver(0).len(), 1);
        disk.die_at(operation);
        let other = ScanRequest { replaces: Some(RequestId(1)), ..request(2, 51, 3) };
        let refused = bench.refusal(10, &other);
        if disk.is_dead() {
            losses += 1;
            assert_eq!(refused, Some((Refusal::Busy, None)));
        } else {
            assert_eq!(refused, None);
        }
        disk.revive(written);
        bench.ssm = start(&disk, SSM_CONFIG);
        assert!(bench.ssm.restored().is_whole());
        bench.tick(20);
        bench.return_with(20, 1);
        let sent = bench.receive(20, ACTOR, &Message::ScanRequest(other));
        let [Message::Granted(granted)] = messages(&sent)[..] else {
            panic!("{operation} {written}: {:?}", messages(&sent))
        };
        assert_eq!(granted.replaced, Some(0));
        let sent = bench.receive(20, ACTOR, &Message::ScanRequest(request(1, 50, 3)));
        assert!(matches!(messages(&sent)[..], [Message::Cancelled(Cancelled { keep: 0, .. })]));
        assert_eq!(bench.ssm.owed(), 4);
        assert!(bench.ssm.scheduler().is_consistent());
        assert_eq!(recipes(&bench).len(), 1);
        // The one is dropped before the other is added.
        let changes = bench.deliver(20);
        let [Change::Remove { request: RequestId(1), .. }, Change::Add { entry, next: 0 }] =
            changes[..]
        else {
            panic!("{operation} {written}: {changes:?}")
        };
        assert_eq!(entry.request, RequestId(2));
    }
    assert!(losses > 24, "{losses}");
}

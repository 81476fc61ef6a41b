//! Reports: the devices', and the SSM's own.

use super::*;

#[test]
fn a_report_of_another_time_is_of_another_scan() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(0, &request(1, 5, 0)), None);
    bench.deliver(0);
    let made = bench.made(1, 0);
    // An SSM that has forgotten everything may book another scan under the same number.
    let old = Report { start: made.start - 1, ..made };
    let sent = bench.receive(330, DEVICE, &Message::Report(old));
    assert_eq!(messages(&sent), [Message::ReportAck(scan(1, 0))], "nobody waits for it");
    assert_eq!((bench.ssm.stats().reports_unknown, bench.ssm.owed()), (1, 1));
    assert_eq!(bench.forwarded(331), []);
    assert!(bench.report(332, 1, 0));
    assert_eq!(bench.forwarded(333), [(0, Outcome::Complete)]);
}

#[test]
fn a_missing_report_is_issued_once_with_its_reason() {
    // The device is there and has the recipe.
    let mut bench = Bench::new();
    bench.refusal(0, &request(1, 2, 0));
    bench.deliver(0);
    assert_eq!(bench.ssm.next_overdue(), Some(at(120 + 120 + 180).monotonic));
    bench.associate(200, Association::Refresh, 1);
    assert_eq!(bench.forwarded(419), []);
    assert_eq!(bench.forwarded(420), [(0, Outcome::Rejected(Rejection::NoReport))]);
    // Late, its own report changes nothing.
    assert!(bench.report(425, 1, 0));
    assert_eq!(bench.forwarded(430), []);
    assert_eq!(bench.ssm.stats().reports_late, 1);
    assert_eq!(bench.notes.reports.len(), 1);
    // The recipe has not arrived.
    let mut bench = Bench::new();
    bench.refusal(0, &request(1, 2, 0));
    bench.associate(200, Association::Refresh, 1);
    assert_eq!(bench.forwarded(420), [(0, Outcome::Rejected(Rejection::Undelivered))]);
    // The device left, or was not heard for the whole TTL.
    let mut bench = Bench::new();
    bench.refusal(0, &request(1, 2, 0));
    bench.refusal(0, &request(2, 4, 0));
    bench.deliver(0);
    bench.associate(200, Association::Disassociate, 1);
    assert_eq!(bench.forwarded(420), [(0, Outcome::Rejected(Rejection::Offline))]);
    bench.associate(425, Association::New, 1);
    assert!(bench.report(426, 2, 0));
    assert_eq!(bench.forwarded(540), [(0, Outcome::Complete)]);
    assert_eq!(
        bench.notes.events,
        [
            DeviceEvent::Associated,
            DeviceEvent::Advertised,
            DeviceEvent::Disassociated,
            DeviceEvent::Associated
        ]
    );
}

/// When the next occurrence is overdue is remembered, and UTC may be set either way.
#[test]
fn what_is_overdue_follows_the_clock() {
    let booked = || {
        let mut bench = Bench::new();
        bench.refusal(0, &request(1, 2, 0));
        bench.deliver(0);
        // The slot is over at 240, and the grace time at 420.
        assert_eq!(bench.ssm.next_overdue(), Some(at(420).monotonic));
        bench
    };
    let tick = |bench: &mut Bench, seconds, utc| {
        let now = Now { monotonic: at(seconds).monotonic, ..at(utc) };
        bench.ssm.tick(now, &mut bench.wire, &mut bench.notes);
        (bench.notes.reports.len(), bench.ssm.next_overdue())
    };
    // Forward: it is overdue at once. Forward, but not so far: sooner.
    assert_eq!(tick(&mut booked(), 10, 450), (1, None));
    assert_eq!(tick(&mut booked(), 10, 110), (0, Some(at(320).monotonic)));
    // Back: looked for too early, and found when it is.
    let mut bench = booked();
    assert_eq!(tick(&mut bench, 110, 10), (0, Some(at(420).monotonic)));
    assert_eq!(tick(&mut bench, 420, 320), (0, Some(at(520).monotonic)));
    assert_eq!(tick(&mut bench, 519, 419), (0, Some(at(520).monotonic)));
    assert_eq!(tick(&mut bench, 520, 420), (1, None));
    // One that is booked for sooner is known at once.
    let mut bench = Bench::new();
    bench.refusal(0, &request(1, 5, 0));
    bench.deliver(0);
    assert_eq!(bench.ssm.next_overdue(), Some(at(600).monotonic));
    bench.refusal(0, &request(2, 1, 0));
    assert_eq!(bench.ssm.next_overdue(), Some(at(360).monotonic));
}

#[test]
fn a_restart_settles_what_had_begun_and_hands_out_the_rest() {
    let mut bench = Bench::new();
    bench.refusal(0, &request(1, 5, 3));
    bench.deliver(0);
    bench.associate(200, Association::Refresh, 1);
    bench.associate(310, Association::New, 2);
    bench.advertise(310, 1, 16);
    let sent = bench.tick(310);
    let [Message::ScheduleChange(change), Message::Report(report)] = messages(&sent)[..] else {
        panic!("{:?}", messages(&sent))
    };
    assert_eq!((report.scan, report.outcome), (scan(1, 0), Outcome::Rejected(Rejection::Restart)));
    assert_eq!((change.base, change.version), (0, 1));
    assert!(matches!(change.change, Change::Add { next: 1, .. }));
    assert_eq!(bench.ssm.stats().restarts, 1);
    assert_eq!(bench.notes.events.last(), Some(&DeviceEvent::Advertised));
    assert!(bench.notes.events.contains(&DeviceEvent::Restarted));
}

/// Not even while there is no room to say so is a begun occurrence handed out again.
#[test]
fn a_restarted_device_is_not_sent_what_had_begun() {
    let mut bench = Bench::with(ssm(SSM_CONFIG, 16, 3, 1));
    bench.refusal(0, &request(2, 1, 0));
    bench.refusal(0, &request(1, 5, 3));
    bench.deliver(0);
    assert!(bench.report(100, 2, 0));
    bench.associate(200, Association::Refresh, 1);
    bench.associate(300, Association::New, 2);
    let [Change::Add { next: 1, .. }] = bench.deliver(300)[..] else { panic!("not delivered") };
    assert_eq!((bench.ssm.stats().reports_issued, bench.ssm.owed()), (0, 4));
    assert_eq!(bench.forwarded(310), [(0, Outcome::Complete)]);
    assert_eq!(bench.forwarded(311), [(0, Outcome::Rejected(Rejection::Restart))]);
}

#[test]
fn without_room_for_reports_nothing_is_acknowledged_or_lost() {
    let mut bench = Bench::with(ssm(SSM_CONFIG, 16, 3, 2));
    bench.refusal(0, &request(1, 2, 4));
    bench.deliver(0);
    bench.associate(200, Association::Refresh, 1);
    assert!(bench.report(130, 1, 0));
    bench.associate(430, Association::Refresh, 1);
    bench.associate(700, Association::Refresh, 1);
    assert!(bench.report(730, 1, 1));
    bench.associate(990, Association::Refresh, 1);
    assert!(!bench.report(1_330, 1, 2));
    assert_eq!(bench.ssm.stats().reports_put_off, 1);
    // Nor are reports issued, and that is no reason to stay awake.
    bench.tick(2_000);
    assert_eq!(bench.ssm.next_overdue(), None);
    assert_eq!(bench.forwarded(2_100).len(), 2);
    let issued = Outcome::Rejected(Rejection::Offline);
    assert_eq!(bench.forwarded(2_301), [(2, issued), (3, issued)]);
    assert_eq!(bench.forwarded(3_101), [(4, issued)]);
    assert_eq!((bench.ssm.owed(), bench.ssm.unacknowledged()), (0, 0));
}

#[test]
fn reports_that_cannot_be_are_not_believed() {
    let mut bench = Bench::new();
    bench.refusal(0, &request(1, 5, 1));
    bench.deliver(0);
    // Unknown, not of this device, beyond the series: acknowledged, and gone.
    assert!(bench.report(10, 9, 0));
    assert!(bench.report(10, 1, 2));
    assert_eq!(bench.ssm.stats().reports_unknown, 2);
    // Of a slot to come: not acknowledged.
    assert!(!bench.report(10, 1, 1));
    assert_eq!(bench.ssm.stats().reports_early, 1);
    assert_eq!(bench.notes.reports, []);
    // From nowhere: told to associate.
    let sent = bench.receive(10, 5, &Message::Report(report(1, 0)));
    assert_eq!(messages(&sent), [Message::NotAssociated]);
    // The Actor's acknowledgement is only believed from where the Actor is.
    assert!(bench.report(310, 1, 0));
    bench.receive(310, 5, &Message::ReportAck(scan(1, 0)));
    assert_eq!(bench.ssm.unacknowledged(), 1);
}

#[test]
fn a_report_nobody_acknowledges_is_given_up_in_the_end() {
    let mut bench =
        Bench::with(ssm(SsmConfig { keep: Duration::from_secs(1_000), ..SSM_CONFIG }, 8, 2, 4));
    bench.refusal(0, &request(1, 2, 0));
    bench.deliver(0);
    assert!(bench.report(150, 1, 0));
    let sent: usize = (150..1_150).map(|second| bench.tick(second).len()).sum();
    assert!(sent > 40, "{sent}");
    assert_eq!(bench.tick(1_150), []);
    assert_eq!((bench.ssm.stats().reports_abandoned, bench.ssm.unacknowledged()), (1, 0));
}

#[test]
fn a_report_given_up_makes_room_at_once() {
    let config = SsmConfig { keep: Duration::from_secs(2_000), ..SSM_CONFIG };
    let mut bench = Bench::with(ssm(config, 8, 2, 1));
    bench.refusal(0, &request(1, 2, 1));
    bench.deliver(0);
    assert!(bench.report(150, 1, 0));
    bench.tick(2_149);
    assert_eq!(bench.ssm.stats().reports_issued, 0, "there is no room");
    bench.tick(2_150);
    let stats = bench.ssm.stats();
    assert_eq!((stats.reports_abandoned, stats.reports_issued), (1, 1));
    assert!(bench.ssm.next_deadline() > Some(at(2_150).monotonic), "all is done");
}

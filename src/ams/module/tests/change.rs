//! Another MIB for a module that operates.

use core::time::Duration;
use std::boxed::Box;
use std::vec;

use super::harness::*;
use crate::ams::ids::{ContextNumber, ContinuumNumber, RoleNumber, SubjectNumber, VentureNumber};
use crate::ams::mib::{ChangeRefused, Item, Mib, Role, Subject, Unit, Venture};
use crate::ams::module::{Fanout, RuleRequest};
use crate::ams::pdu::{AssertionValues, Mpdu};
use crate::ams::service::{Fault, Indication, Message};

const ROLES: &[Role<'static>] = &[
    Role::new(RoleNumber(2), "sensor"),
    Role::new(RoleNumber(3), "reader"),
    Role::new(RoleNumber(4), "keeper"),
];

/// The MIB of the tests with another venture in it.
fn mib(units: &'static [Unit<'static>], subjects: &'static [Subject<'static>]) -> Mib<'static> {
    let venture = Venture { units, roles: ROLES, subjects, ..MIB.ventures[0] };
    Mib { ventures: Box::leak(Box::new([venture])), ..MIB }
}

fn leak(mib: Mib<'static>) -> &'static Mib<'static> {
    Box::leak(Box::new(mib))
}

impl Bench {
    fn change(&mut self, mib: Mib<'static>) -> Result<(), ChangeRefused> {
        let heard = &mut self.heard;
        self.module.change_mib(leak(mib), &mut |event| heard.push(event))
    }

    fn copies_of(&mut self, subject: i16) -> Result<Fanout, Fault> {
        let message = Message::new(SubjectNumber(subject), b"");
        self.module.publish(&message, &mut self.wire, &mut |_| {})
    }
}

#[test]
fn who_may_send_and_receive_is_as_the_new_mib_says() {
    const RESTRICTED: &[Subject<'static>] = &[
        Subject { senders: &[RoleNumber(3)], ..Subject::new(SubjectNumber(1), "open") },
        Subject { receivers: &[RoleNumber(4)], ..Subject::new(SubjectNumber(2), "new") },
    ];
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.hear(&subscribe(FIVE, assertion(2)));
    bench.forget();
    for subject in [1, 2] {
        assert_eq!(bench.copies_of(subject), Ok(Fanout { sent: 1, failed: 0 }));
    }
    bench.change(mib(MIB.ventures[0].units, RESTRICTED)).unwrap();
    assert_eq!(bench.copies_of(1), Err(Fault::NotAuthorisedSender));
    assert_eq!(bench.copies_of(2), Ok(Fanout::default()), "role 3 may not receive any more");
    bench.change(MIB).unwrap();
    for subject in [1, 2] {
        assert_eq!(bench.copies_of(subject), Ok(Fanout { sent: 1, failed: 0 }));
    }
    assert_eq!(bench.indications(), []);
    assert_eq!((bench.peers().len(), bench.number()), (1, Some(9)));
}

#[test]
fn rules_are_judged_by_the_new_units() {
    const NEW: &[Unit<'static>] = &[
        MIB.ventures[0].units[0],
        MIB.ventures[0].units[1],
        Unit::new(crate::ams::ids::UnitNumber(9), "po"),
    ];
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, AssertionValues { domain: domain(7, 9, 0), ..assertion(1) }));
    bench.forget();
    assert_eq!(bench.copies_of(1), Ok(Fanout::default()), "unit 9 is not known");
    bench.change(mib(NEW, &[])).unwrap();
    assert_eq!(bench.copies_of(1), Ok(Fanout { sent: 1, failed: 0 }), "`post` is in `po`");
}

#[test]
fn own_rules_that_are_not_authorised_any_more_are_cancelled() {
    const CLOSED: &[Subject<'static>] =
        &[Subject { receivers: &[RoleNumber(3)], ..Subject::new(SubjectNumber(1), "open") }];
    let mut bench = Bench::member();
    for subject in [1, 2] {
        let request = RuleRequest::new(SubjectNumber(subject));
        bench.module.subscribe(bench.now, &request, &mut bench.wire).unwrap();
    }
    bench.forget();
    bench.change(mib(MIB.ventures[0].units, CLOSED)).unwrap();
    let what = assertion(1).cancellation();
    assert_eq!(
        bench.indications(),
        [
            Indication::Fault(Fault::NotAuthorisedReceiver),
            Indication::SubscriptionCancelled(id(2, 1, 9), what)
        ]
    );
    bench.tick(1);
    assert_eq!(bench.told(), ["reg unsubscribe 2/1.9 1"]);
    let left: vec::Vec<_> =
        bench.module.own_rules().map(|rule| rule.assertion().subject.0).collect();
    assert_eq!(left, [2, -7], "that of the gateway stays");
}

#[test]
fn nothing_is_lost_and_mpdus_are_as_the_new_mib_has_them() {
    let mut bench = Bench::acquainted();
    bench.hear(&invite(FIVE, assertion(1)));
    let ask = Message { context: ContextNumber(5), ..Message::new(SubjectNumber(1), b"") };
    let to = (CONTINUUM, FIVE.key());
    let term = Some(Duration::from_secs(2));
    bench.module.query(bench.now, to, &ask, term, &mut bench.wire).unwrap();
    bench.forget();
    bench.change(Mib { checksums: false, tai_minus_utc: 38, ..MIB }).unwrap();
    let timed_out = Fault::QueryTimedOut(ContextNumber(5));
    bench.run(2_000);
    assert_eq!(bench.indications(), [Indication::Fault(timed_out)]);
    bench.run(20_000);
    let beat = bench.wire.sent.last().unwrap();
    assert_eq!(Mpdu::parse(&beat.octets).unwrap().checksum(), None);
}

#[test]
fn what_the_module_is_known_by_does_not_change() {
    let roles = [ROLES[1]];
    let venture = Venture { roles: Box::leak(Box::new(roles)), ..MIB.ventures[0] };
    let other = ContinuumNumber::from_bits(8);
    let renamed = Mib { continuum: Mib::new(other, "x").continuum, ..MIB };
    let numbered = Venture { number: VentureNumber(2), ..MIB.ventures[0] };
    for (next, item) in [
        (renamed, Item::Continuum),
        (
            Mib { ventures: Box::leak(Box::new([venture])), ..MIB },
            Item::Role { venture: 0, role: 0 },
        ),
        (Mib { ventures: Box::leak(Box::new([numbered])), ..MIB }, Item::Venture(0)),
    ] {
        let mut bench = Bench::acquainted();
        bench.hear(&subscribe(FIVE, assertion(1)));
        bench.forget();
        assert_eq!(bench.change(next), Err(ChangeRefused::Fixed(item)));
        assert_eq!(bench.copies_of(1), Ok(Fanout { sent: 1, failed: 0 }), "as before");
        assert_eq!(bench.indications(), []);
    }
}

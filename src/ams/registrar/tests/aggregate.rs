//! 4.2.9.4.2: statuses that are sent on together.

use super::*;
use crate::ams::pdu::MpduType;

const AGGREGATION: Duration = Duration::from_secs(3);

fn aggregating(introduction: Introduction) -> Policy {
    Policy { aggregation: AGGREGATION, ..policy(introduction) }
}

impl Bench<'_> {
    fn tells_status(&mut self, now: Now, number: u8, name: &str) -> Vec<u8> {
        let id = id(2, 0, number);
        let data = [&[0, 0, 0, 1][..], &status(id, name)].concat();
        let octets = raw(sender(0, 2), MpduType::MODULE_STATUS, id.reference(), &data);
        self.receive(now, name, &octets);
        octets
    }
}

/// Three members and another registrar, and nothing said yet.
fn cell(policy: Policy, test: impl Fn(Bench<'_>)) {
    bench_with(&RESYNC_MIB, policy, |mut b| {
        b.start();
        b.meet(at(0), 1, "r1");
        for name in ["a", "b", "c"] {
            b.join(at(0), name, 2, 5);
        }
        b.tick(at(0));
        b.net.take();
        test(b);
    });
}

#[test]
fn clause_4_2_9_4_2_statuses_wait_and_go_together() {
    for introduction in [Introduction::ByModules, Introduction::ByRegistrar] {
        cell(aggregating(introduction), |mut b| {
            b.tells_status(at(1), 1, "a");
            b.tells_status(at(2), 3, "c");
            assert!(b.net.told().is_empty());
            assert!(b.registrar.next_deadline().unwrap() <= at(4).monotonic);
            b.tick(at(3));
            assert!(b.net.told().is_empty());
            b.tick(at(4));
            let list = "module_status 0 0.1+1+0 0.3+1+0";
            assert_eq!(b.net.told(), ["a", "b", "c", "r1"].map(|to| format!("{to} {list}")));
            b.tick(at(5));
            assert!(b.net.told().is_empty());
            assert_eq!(b.registrar.counts().aggregated, 2);
        });
    }
}

#[test]
fn clause_4_2_9_4_2_when_all_have_answered_nobody_is_waited_for() {
    cell(aggregating(Introduction::ByModules), |mut b| {
        b.tells_status(at(1), 1, "a");
        b.tells_status(at(1), 2, "b");
        assert!(b.net.told().is_empty());
        b.tells_status(at(1), 3, "c");
        assert_eq!(b.net.told().len(), 4);
    });
}

#[test]
fn clause_4_2_9_4_2_in_no_case_later_than_n5_after_the_cell_status() {
    let policy =
        Policy { aggregation: Duration::from_secs(50), ..aggregating(Introduction::ByModules) };
    cell(policy, |mut b| {
        for second in 1..=80 {
            for number in 1..=3 {
                b.beat(at(second), number, 2);
            }
            b.tick(at(second));
        }
        let asked = b.net.told().iter().filter(|line| line.contains("cell_status")).count();
        assert_eq!(asked, 4, "at 80 s");
        b.tells_status(at(100), 1, "a");
        b.tick(at(139));
        assert!(!b.net.told().iter().any(|line| line.contains("module_status")));
        b.tick(at(140));
        assert!(b.net.told().iter().any(|line| line == "r1 module_status 0 0.1+1+0"));
    });
}

#[test]
fn clause_4_2_9_4_2_what_is_sent_is_how_things_are_by_then() {
    cell(aggregating(Introduction::ByModules), |mut b| {
        b.tells_status(at(1), 1, "a");
        b.tells_status(at(1), 2, "b");
        let rule = rule(9);
        let assertion = Assertion::new(&rule);
        b.say(at(2), sender(0, 2), &Content::Invite { module: id(2, 0, 1), assertion });
        b.say(at(2), sender(0, 2), &Content::IAmStopping { module: id(2, 0, 2) });
        b.net.take();
        b.tick(at(4));
        // Nobody is told of itself alone.
        let list = "module_status 0 0.1+1+1";
        assert_eq!(b.net.told(), ["c", "r1"].map(|to| format!("{to} {list}")));
    });
}

#[test]
fn clause_4_2_9_4_2_what_a_link_does_not_carry_is_split() {
    cell(aggregating(Introduction::ByModules), |mut b| {
        b.net.longest = Some(60);
        b.tells_status(at(1), 1, "a");
        b.tells_status(at(1), 2, "b");
        b.tick(at(4));
        let told = b.net.told();
        let to_r1 = told.iter().filter(|line| line.starts_with("r1"));
        assert!(to_r1.eq(["r1 module_status 0 0.1+1+0", "r1 module_status 0 0.2+1+0"]));
        b.net.longest = Some(30);
        b.tells_status(at(5), 1, "a");
        b.tick(at(8));
        assert!(b.net.told().is_empty());
        assert_eq!(b.registrar.stats().too_long, 1);
    });
}

#[test]
fn clause_4_2_9_4_2_what_no_dossier_holds_is_passed_on_as_it_came() {
    cell(aggregating(Introduction::ByModules), |mut b| {
        let mut data = [&[0, 0, 0, 1][..], &status(id(2, 0, 1), "a")].concat();
        let end = data.split_off(data.len() - 2);
        // Thirteen subscriptions, one more than there is room for.
        for subject in 8..20 {
            data.extend(rule(subject));
        }
        let count = data.len() - 13 * Assertion::LEN - 1;
        data[count] = 13;
        data.extend(end);
        let kind = MpduType::MODULE_STATUS;
        let octets = raw(sender(0, 2), kind, id(2, 0, 1).reference(), &data);
        b.receive(at(1), "a", &octets);
        assert_eq!(b.net.told(), ["b", "c", "r1"].map(|to| format!("{to} module_status 2/0.1")));
        assert_eq!(b.registrar.counts().aggregated, 0);
    });
}

#[test]
fn clause_4_2_9_4_2_a_refused_aggregate_is_a_lost_copy() {
    cell(aggregating(Introduction::ByModules), |mut b| {
        b.tells_status(at(1), 1, "a");
        b.net.busy.insert("r1".into());
        b.tick(at(4));
        assert_eq!(b.registrar.counts().copies_lost, 1);
        assert_eq!(b.net.told().len(), 2);
    });
}

//! 4.2.3, 4.2.7, 4.2.8 and 4.2.9.

use super::*;

#[test]
fn clause_4_2_3_1_announces_itself_to_one_location_after_another() {
    bench_with(&MIB, policy(Introduction::ByModules), |mut b| {
        assert_eq!(b.registrar.next_deadline(), Some(Instant::ZERO));
        b.tick(at(0));
        b.tick(at(4));
        b.tick(at(5));
        b.tick(at(10));
        let expected = [
            "cs0 announce_registrar 1 r0",
            "cs1 announce_registrar 2 r0",
            "cs0 announce_registrar 3 r0",
        ];
        assert_eq!(b.net.told(), expected);
        assert_eq!(b.registrar.state(), RegistrarState::Announcing);
        b.server_says(at(11), &Content::RegistrarNoted { echo: 2 });
        assert_eq!(b.registrar.stats().stale, 1);
        b.server_says(at(11), &Content::RegistrarNoted { echo: 3 });
        assert_eq!(b.registrar.state(), RegistrarState::Noted);
    });
}

#[test]
fn clause_4_2_3_1_an_announcement_that_was_refused_is_offered_again() {
    bench_with(&MIB, policy(Introduction::ByModules), |mut b| {
        b.net.refuses = Some(SendError::Busy);
        b.tick(at(0));
        assert_eq!(b.registrar.next_deadline(), Some(at_millis(250).monotonic));
        b.net.refuses = None;
        b.tick(at_millis(250));
        assert_eq!(b.net.told(), ["cs0 announce_registrar 2 r0"]);
    });
}

#[test]
fn clause_4_2_3_3_ceases_when_rejected() {
    bench_with(&MIB, policy(Introduction::ByModules), |mut b| {
        b.tick(at(0));
        let reason = RefusalReason::DUPLICATE_REGISTRAR;
        b.server_says(at(0), &Content::Rejection { echo: 1, reason });
        assert_eq!(b.registrar.state(), RegistrarState::Ceased(reason));
        assert_eq!(b.registrar.next_deadline(), None);
        b.net.take();
        b.join(at(1), "a", 2, 5);
        b.tick(at(100));
        assert!(b.net.take().is_empty());
    });
}

#[test]
fn clause_4_2_3_4_heartbeats_go_to_the_configuration_server_every_n3() {
    by_modules(|mut b| {
        b.tick(at(0));
        b.tick(at(9));
        assert_eq!(b.net.beats(), ["cs heartbeat 0"]);
        b.tick(at(10));
        assert_eq!(b.net.beats(), ["cs heartbeat 0"]);
    });
}

#[test]
fn clause_4_2_3_5_other_registrars_are_noted_and_followed() {
    by_modules(|mut b| {
        b.meet(at(0), 0, "r0");
        b.meet(at(0), 1, "r1");
        b.meet(at(0), 2, "?r2");
        b.meet(at(0), 1, "r1b");
        let known: Vec<_> = b.registrar.registrars().collect();
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].address(), address("r1b"));
        assert_eq!(b.registrar.stats().unresolved, 1);
        (2..=4).for_each(|unit| b.meet(at(0), unit, "r"));
        assert_eq!(b.registrar.stats().full, 1);
    });
}

#[test]
fn clause_4_2_7_3_a_silent_configuration_server_is_looked_for() {
    by_modules(|mut b| {
        b.server_says(at(5), &Content::Heartbeat { source: ModuleNumber::NONE });
        b.tick(at(39));
        assert_eq!(b.registrar.state(), RegistrarState::Noted);
        b.net.take();
        b.tick(at(40));
        assert_eq!(b.registrar.state(), RegistrarState::Announcing);
        b.tick(at(45));
        let expected = ["cs0 announce_registrar 2 r0", "cs1 announce_registrar 3 r0"];
        assert_eq!(b.net.told(), expected);
        assert_eq!(b.registrar.counts().config_servers_lost, 1);
    });
}

#[test]
fn clause_4_2_5_5_3_4_members_are_beaten_to_every_n4() {
    by_modules(|mut b| {
        b.join(at(1), "a", 2, 5);
        b.tick(at(1));
        b.net.take();
        b.server_says(at(20), &Content::Heartbeat { source: ModuleNumber::NONE });
        b.tick(at(20));
        b.net.take();
        b.tick(at(21));
        assert_eq!(b.net.beats(), ["a heartbeat 0"]);
    });
}

#[test]
fn clause_4_2_7_6_a_silent_member_is_dead() {
    by_modules(|mut b| {
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 3, 5);
        b.beat(at(30), 1, 2);
        b.beat(at(30), 2, 2);
        assert_eq!(b.registrar.stats().unknown_module, 1, "the role is not number 2's");
        b.tick(at(69));
        assert_eq!(b.numbers(), [1, 2]);
        b.net.take();
        b.tick(at(70));
        let expected = ["b you_are_dead 0", "a I_am_stopping 3/0.2", "r1 I_am_stopping 3/0.2"];
        let told: Vec<_> =
            b.net.told().into_iter().filter(|line| !line.contains("announce")).collect();
        assert_eq!(told, expected);
        assert_eq!(b.numbers(), [1]);
        assert_eq!(b.registrar.counts().imputed, 1);
    });
}

#[test]
fn clause_4_2_7_6_obituaries_that_were_refused_are_sent_later() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 3, 5);
        b.beat(at(30), 1, 2);
        b.net.busy.insert("a".into());
        b.tick(at(70));
        b.net.take();
        b.net.busy.clear();
        b.tick(at(71));
        assert_eq!(b.net.told(), ["a I_am_stopping 3/0.2"]);
    });
}

#[test]
fn clause_4_2_7_6_who_was_declared_dead_is_told_whenever_it_speaks() {
    by_modules(|mut b| {
        b.beat(at(1), 9, 2);
        assert!(b.net.told().is_empty(), "it may still reconnect");
        b.tick(at(1));
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.say(at(1), sender(0, 2), &Content::IAmStopping { module: id(2, 0, 1) });
        b.net.take();
        b.beat(at(2), 1, 2);
        assert_eq!(b.net.told(), ["from you_are_dead 0"]);
        b.beat(at(80), 9, 2);
        assertions(id(2, 0, 9), &mut |content| {
            b.say(at(80), sender(0, 2), content);
        });
        assert_eq!(b.net.told(), ["from you_are_dead 0"; 5]);
        b.say(at(80), sender(0, 2), &Content::IAmStopping { module: id(2, 0, 9) });
        assert!(b.net.told().is_empty(), "it knows");
        assert_eq!(b.registrar.counts().disowned, 6);
    });
}

#[test]
fn clause_4_2_8_2_d_modules_reconnect() {
    by_registrar(|mut b| {
        b.receive(at(1), "m", &reconnect(id(2, 0, 3), "a", 77, &[3, 5]));
        b.receive(at(1), "m", &reconnect(id(2, 0, 5), "b", 78, &[3, 5]));
        assert_eq!(b.net.told(), ["a reconnected 77", "b reconnected 78"]);
        assert_eq!(b.numbers(), [3, 5]);
        assert_eq!(b.registrar.rules().count(), 2, "their subscriptions are noted");
        b.tick(at(1));
        assert_eq!(b.net.beats(), ["cs heartbeat 0", "a heartbeat 0", "b heartbeat 0"]);
        b.receive(at(2), "m", &reconnect(id(2, 0, 5), "b", 79, &[3, 5]));
        assert_eq!(b.net.told(), ["b reconnected 79"], "it had lost the answer");
    });
}

#[test]
fn clause_4_2_8_2_a_a_late_reconnection_is_refused() {
    by_modules(|mut b| {
        b.receive(at(79), "m", &reconnect(id(2, 0, 3), "a", 77, &[3]));
        b.receive(at(80), "m", &reconnect(id(2, 0, 4), "b", 78, &[3, 4]));
        assert_eq!(b.net.told(), ["a reconnected 77", "b you_are_dead 0"]);
        assert_eq!(b.numbers(), [3]);
    });
    let reconnection = ReconnectionPolicy { timely: false, ..ReconnectionPolicy::STRICT };
    let policy = Policy { reconnection, ..policy(Introduction::ByModules) };
    bench_with(&MIB, policy, |mut b| {
        b.start();
        b.receive(at(80), "m", &reconnect(id(2, 0, 3), "a", 77, &[3]));
        assert_eq!(b.net.told(), ["a reconnected 77"]);
    });
}

#[test]
fn clause_4_2_8_2_b_a_module_the_census_did_not_include_is_refused() {
    by_modules(|mut b| {
        b.receive(at(1), "m", &reconnect(id(2, 0, 3), "a", 77, &[3, 4]));
        b.receive(at(1), "m", &reconnect(id(2, 0, 5), "b", 78, &[3, 4, 5]));
        b.receive(at(1), "m", &reconnect(id(2, 0, 4), "c", 79, &[3, 4]));
        assert_eq!(b.net.told(), ["a reconnected 77", "b you_are_dead 0", "c reconnected 79"]);
        assert_eq!(b.registrar.counts().reconnections_refused, 1);
    });
}

#[test]
fn clause_4_2_8_2_c_two_modules_cannot_have_one_number() {
    by_modules(|mut b| {
        b.receive(at(1), "m", &reconnect(id(2, 0, 3), "a", 77, &[3]));
        b.receive(at(1), "m", &reconnect(id(2, 0, 3), "b", 78, &[3]));
        b.receive(at(1), "m", &reconnect(id(3, 0, 3), "c", 79, &[3]));
        assert_eq!(b.net.told(), ["a reconnected 77", "b you_are_dead 0", "c you_are_dead 0"]);
        b.receive(at(1), "m", &reconnect(id(2, 0, 4), "a", 70, &[3]));
        assert!(b.net.told().is_empty(), "the living one would take the answer");
    });
}

#[test]
fn clause_4_2_8_2_nobody_returns_from_the_dead() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.say(at(1), sender(0, 2), &Content::IAmStopping { module: id(2, 0, 1) });
        b.net.take();
        b.receive(at(2), "m", &reconnect(id(2, 0, 1), "a", 77, &[1]));
        assert_eq!(b.net.told(), ["a you_are_dead 0"]);
    });
}

#[test]
fn clause_2_3_7_modules_that_did_not_reconnect_get_obituaries() {
    by_modules(|mut b| {
        b.receive(at(1), "m", &reconnect(id(2, 0, 3), "a", 77, &[1, 3, 4]));
        b.join(at(2), "n", 2, 5);
        assert_eq!(b.numbers(), [2, 3], "1 and 4 may be alive");
        b.net.take();
        b.beat(at(50), 2, 2);
        b.beat(at(50), 3, 2);
        b.beat(at(50), 6, 3);
        b.join(at(50), "o", 2, 5);
        b.join(at(50), "p", 2, 5);
        assert_eq!(b.numbers(), [2, 3, 5, 7], "6 may be alive too: it beats");
        b.net.take();
        b.tick(at(80));
        let told = b.net.told().into_iter();
        let told: Vec<_> = told.filter(|line| line.starts_with("n I_am_stopping")).collect();
        // Where the role is not known, the reference is that of role 0.
        let expected = ["n I_am_stopping 1", "n I_am_stopping 4", "n I_am_stopping 3/0.6"];
        assert_eq!(told, expected);
    });
}

#[test]
fn clause_4_2_9_1_cell_status_is_sent_every_interval() {
    bench_with(&RESYNC_MIB, policy(Introduction::ByModules), |mut b| {
        b.start();
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.net.take();
        let mut sent = Vec::new();
        for second in 0..=200 {
            b.server_says(at(second), &Content::Heartbeat { source: ModuleNumber::NONE });
            b.beat(at(second), 1, 2);
            b.tick(at(second));
            sent.extend(b.net.told().into_iter().map(|line| format!("{second} {line}")));
        }
        let expected = [
            "80 a cell_status 0 1",
            "80 r1 cell_status 0 1",
            "160 a cell_status 0 1",
            "160 r1 cell_status 0 1",
        ];
        assert_eq!(sent, expected);
    });
}

#[test]
fn clause_4_2_9_1_not_where_the_interval_is_zero() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.net.take();
        for second in 0..=200 {
            b.server_says(at(second), &Content::Heartbeat { source: ModuleNumber::NONE });
            b.beat(at(second), 1, 2);
            b.tick(at(second));
        }
        assert!(b.net.told().is_empty());
    });
}

#[test]
fn clauses_4_2_9_2_and_4_2_9_5_depend_on_the_own_interval() {
    for (mib, copies) in [(&MIB, 0), (&RESYNC_MIB, 1)] {
        bench_with(mib, policy(Introduction::ByModules), |mut b| {
            b.start();
            b.meet(at(0), 1, "r1");
            b.join(at(0), "a", 2, 5);
            b.net.take();
            let modules = ModuleList::new(&[4]).unwrap();
            let octets =
                b.say(at(1), sender(1, 0), &Content::CellStatus { unit: UnitNumber(1), modules });
            assert_eq!(b.net.take(), std::vec![(String::from("a"), octets); copies]);
            let of = id(3, 1, 4);
            let mut data = 1_u32.to_be_bytes().to_vec();
            data.extend(status(of, "x"));
            let kind = crate::ams::pdu::MpduType::MODULE_STATUS;
            for reference in [of.reference(), ModuleId::cell(UnitNumber(1)).reference()] {
                let octets = raw(sender(1, 0), kind, reference, &data);
                b.receive(at(1), "r1", &octets);
                assert_eq!(b.net.take(), std::vec![(String::from("a"), octets); copies]);
            }
        });
    }
}

#[test]
fn clause_4_2_9_4_1_module_status_of_members_is_passed_on_at_once() {
    by_modules(|mut b| {
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.net.take();
        let of = id(2, 0, 1);
        let mut data = 1_u32.to_be_bytes().to_vec();
        data.extend(status(of, "a"));
        let kind = crate::ams::pdu::MpduType::MODULE_STATUS;
        let octets = raw(sender(0, 2), kind, of.reference(), &data);
        b.receive(at(1), "a", &octets);
        assert_eq!(
            b.net.take(),
            [(String::from("b"), octets.clone()), (String::from("r1"), octets)]
        );
    });
}

#[test]
fn clause_4_2_9_a_lost_copy_brings_resynchronisation_forward() {
    bench_with(&RESYNC_MIB, policy(Introduction::ByModules), |mut b| {
        b.start();
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.net.busy.insert("b".into());
        let rule = rule(7);
        let assertion = Assertion::new(&rule);
        b.say(at(1), sender(0, 2), &Content::Subscribe { module: id(2, 0, 1), assertion });
        assert_eq!(b.registrar.counts().copies_lost, 1);
        b.net.busy.clear();
        b.net.take();
        b.beat(at(50), 1, 2);
        b.beat(at(50), 2, 2);
        b.tick(at(60));
        let told: Vec<_> =
            b.net.told().into_iter().filter(|line| line.contains("status")).collect();
        assert_eq!(told, ["a cell_status 0 1 2", "b cell_status 0 1 2"]);
    });
}

#[test]
fn clause_4_1_2_what_is_not_for_a_registrar_is_discarded() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.net.take();
        let other = Sender { venture: VentureNumber(2), ..sender(0, 2) };
        b.say(at(1), other, &Content::Heartbeat { source: ModuleNumber(1) });
        b.say(at(1), sender(1, 2), &Content::Heartbeat { source: ModuleNumber(1) });
        assert_eq!(b.registrar.stats().not_ours, 2);
        let modules = ModuleList::new(&[]).unwrap();
        b.say(at(1), sender(0, 0), &Content::CellStatus { unit: UnitNumber::ROOT, modules });
        b.say(at(1), sender(0, 0), &Content::IAmStopping { module: id(2, 0, 1) });
        b.say(at(1), sender(0, 0), &Content::YouAreDead);
        b.say(at(1), sender(0, 0), &Content::Heartbeat { source: ModuleNumber::NONE });
        b.server_says(at(1), &Content::YouAreDead);
        assert_eq!(b.registrar.stats().inappropriate, 5);
        assert!(b.net.told().is_empty());
        assert_eq!(b.numbers(), [1]);
    });
}

#[test]
fn rows_take_what_the_docs_say() {
    let sizes = [
        size_of::<Slot<Member>>(),
        size_of::<Slot<OtherRegistrar>>(),
        size_of::<Slot<Dossier>>(),
        size_of::<Slot<DossierRule>>(),
    ];
    assert_eq!(sizes, [112, 60, 168, 18]);
}

#[test]
fn clause_4_2_8_2_c_without_that_defence_a_member_may_move() {
    let reconnection = ReconnectionPolicy { unique: false, ..ReconnectionPolicy::STRICT };
    let policy = Policy { reconnection, ..policy(Introduction::ByRegistrar) };
    bench_with(&MIB, policy, |mut b| {
        b.start();
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.tick(at(0));
        b.net.take();
        b.receive(at(1), "m", &reconnect(id(2, 0, 1), "x", 77, &[1, 2]));
        let expected = [
            "a you_are_dead 0",
            "b module_status 2/0.1",
            "r1 module_status 2/0.1",
            "x reconnected 77",
        ];
        assert_eq!(b.net.told(), expected);
        let places: Vec<_> = b.registrar.members().map(Member::address).collect();
        assert_eq!(places, [address("x"), address("b")]);
        assert_eq!(b.registrar.rules().count(), 1, "its dossier is that of the reconnect");
        b.receive(at(1), "m", &reconnect(id(2, 0, 1), "b", 78, &[1, 2]));
        assert!(b.net.told().is_empty(), "b is a member under another number");
        b.receive(at(1), "m", &reconnect(id(3, 0, 1), "y", 79, &[1, 2]));
        assert_eq!(b.net.told(), ["y you_are_dead 0"], "another role is another module");
        assert_eq!(b.registrar.counts().moved, 1);
    });
}

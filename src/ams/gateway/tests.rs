//! The gateway by the clauses of 4.4, with neighbours and modules that do as the
//! tests say.

mod bench;
mod channels;
mod clauses;
mod fixed;
#[cfg(feature = "aead")]
mod keyed;
mod limits;

use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::ams::ids::{SubjectNumber, UnitNumber};
use crate::ams::mib::{RemoteMessageSpace, Venture};
use crate::ams::pdu::{Content, EnvelopeHeader, MpduType};
use crate::ams::script::id;
use crate::wire::Octets;
use bench::{
    Bench, LOCAL, MESH, MESH_VENTURE, TREE, all_of, continuum, enclosed, envelope, ignore, letter,
    on,
};

#[test]
fn clause_4_4_2_1_the_gateway_retracts_and_declares_itself() {
    let mut bench = Bench::outside(&MESH);
    bench.gateway.register(bench.now(), &mut bench.wire, &mut ignore).unwrap();
    let declared = ["n1 3 -2 0.0.0>0", "n1 2 -2 0.0.0>0", "n3 3 -2 0.0.0>0", "n3 2 -2 0.0.0>0"];
    assert_eq!(bench.rpdus(), declared);
    assert!(bench.gateway.declared().is_empty());
}

#[test]
fn clause_4_4_2_1_2_the_gateway_subscribes_to_its_pseudo_subject() {
    let bench = Bench::new(&MESH);
    let own: Vec<_> = bench.gateway.module().own_rules().collect();
    assert!(own.iter().any(|rule| {
        rule.kind() == RuleKind::Subscription
            && rule.assertion().cancellation() == declaration(LOCAL)
    }));
}

#[test]
fn clause_4_4_2_1_5_the_declaration_is_repeated_until_a_neighbour_answers() {
    let mut bench = Bench::new(&MESH);
    bench.petition("n1", 2, declaration(continuum(1)));
    bench.pass(9);
    bench.seconds = 10;
    bench.tick();
    assert_eq!(bench.rpdus(), ["n3 2 -2 0.0.0>0"]);
    bench.petition("n3", 2, declaration(continuum(3)));
    bench.pass(9);
    bench.seconds = 20;
    bench.tick();
    assert_eq!(bench.rpdus(), Vec::<String>::new());
}

#[test]
fn clause_4_4_2_2_3_a_gateway_that_ends_retracts_itself() {
    let mut bench = Bench::declared(&MESH);
    bench.gateway.unregister(bench.now(), &mut bench.wire).unwrap();
    assert_eq!(bench.rpdus(), ["n1 3 -2 0.0.0>0", "n3 3 -2 0.0.0>0"]);
}

#[test]
fn clauses_4_4_2_2_1_and_4_4_2_2_2_neighbours_come_and_go_with_the_mib() {
    const SPACES: &[RemoteMessageSpace<'static>] = &[
        RemoteMessageSpace::new(ContinuumNumber::from_bits(3), "udp@n3"),
        RemoteMessageSpace::new(ContinuumNumber::from_bits(4), "udp@n4"),
    ];
    const OTHERS: Mib<'static> =
        Mib { ventures: &[Venture { remote: SPACES, ..*MESH_VENTURE }], ..MESH };
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.wire.busy.insert("n1".to_string());
    bench.aams(&letter((2, 5), SubjectNumber(9)), b"kept").unwrap();
    bench.wire.busy.clear();
    bench.wire.take();
    bench.gateway.change_mib(bench.now(), &OTHERS, &mut bench.wire, &mut ignore).unwrap();
    assert_eq!(bench.rpdus(), ["n1 3 -2 0.0.0>0", "n4 2 -2 0.0.0>0"]);
    let there: Vec<_> = bench.gateway.neighbours().map(|one| one.continuum().get()).collect();
    assert_eq!(there, [4, 3], "a place that is free is taken");
    assert_eq!((bench.gateway.waiting(), bench.gateway.store_stats().withdrawn), (0, 1));
    assert_eq!(bench.gateway.declared(), NeighbourSet::one(1));
    bench.petition("n4", 2, declaration(continuum(4)));
    assert_eq!(bench.gateway.declared().len(), 2);
}

#[test]
fn clause_4_4_3_1_b_all_continua_are_asked_or_the_conduit_of_one() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0", "n3 2 9 0.0.0>0"]);
    let narrow = Domain { continuum: continuum(3), unit: UnitNumber(1), role: RoleNumber(3) };
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, narrow);
    assert_eq!(bench.rpdus(), ["n3 2 9 3.1.3>0"]);
}

#[test]
fn clause_4_4_3_1_c_nobody_is_asked_twice() {
    let mut bench = Bench::declared(&MESH);
    for number in [5, 6] {
        bench.module(2, number);
        bench.rule(MpduType::SUBSCRIBE, id(2, 0, number), 9, all_of(0));
    }
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0", "n3 2 9 0.0.0>0"]);
}

#[test]
fn clause_4_4_3_1_d_who_alone_wants_messages_is_not_asked_for_them() {
    let mut bench = Bench::declared(&TREE);
    bench.petition("n1", 2, on(9, all_of(0)));
    assert_eq!(bench.rpdus(), ["n3 2 9 0.0.0>0"]);
    bench.petition("n3", 2, on(9, all_of(0)));
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0"]);
}

#[test]
fn clause_4_4_3_3_b_and_not_any_more_when_the_others_do_not_want_them() {
    let mut bench = Bench::declared(&TREE);
    bench.petition("n1", 2, on(9, all_of(0)));
    bench.petition("n3", 2, on(9, all_of(0)));
    bench.rpdus();
    bench.petition("n3", 3, on(9, all_of(0)));
    assert_eq!(bench.rpdus(), ["n1 3 9 0.0.0>0"]);
}

#[test]
fn clause_4_4_4_what_modules_want_of_this_continuum_alone_goes_nowhere() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(2));
    assert_eq!(bench.rpdus(), Vec::<String>::new());
}

#[test]
fn clause_4_4_5_the_last_to_cancel_ends_the_petition() {
    let mut bench = Bench::declared(&MESH);
    for number in [5, 6] {
        bench.module(2, number);
        bench.rule(MpduType::SUBSCRIBE, id(2, 0, number), 9, all_of(0));
    }
    bench.rpdus();
    bench.rule(MpduType::UNSUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    // One that goes without a word cancels too.
    bench.mams("rs", 0, &Content::IAmStopping { module: id(2, 0, 6) });
    assert_eq!(bench.rpdus(), ["n1 3 9 0.0.0>0", "n3 3 9 0.0.0>0"]);
}

#[test]
fn clause_4_4_6_2_a_neighbour_that_declares_itself_again_is_told_everything_again() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.petition("n1", 2, on(8, all_of(2)));
    bench.pass(5);
    bench.petition("n1", 2, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), ["n1 3 -1 0.0.0>0", "n1 2 -2 0.0.0>0", "n1 2 9 0.0.0>0"]);
    // Said twice, it is a duplicate.
    bench.petition("n1", 2, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    assert_eq!(bench.gateway.stats().duplicates, 1);
    // What it does not assert again is not wanted any more.
    let wanted = |bench: &Bench| {
        let subject = |petition: &Petition| petition.specification().subject;
        bench.gateway.petitions().any(|petition| subject(petition) == SubjectNumber(8))
    };
    bench.pass(149);
    assert!(wanted(&bench));
    bench.pass(2);
    assert!(!wanted(&bench));
}

#[test]
fn clauses_4_4_6_4_and_4_4_7_3_what_neighbours_want_is_subscribed_to() {
    let mut bench = Bench::declared(&MESH);
    bench.petition("n1", 2, on(9, all_of(2)));
    assert_eq!(bench.told(), ["subscribe 9"]);
    bench.petition("n3", 2, on(9, all_of(2)));
    bench.petition("n1", 3, on(9, all_of(2)));
    assert_eq!(bench.told(), Vec::<String>::new());
    bench.petition("n3", 3, on(9, all_of(2)));
    assert_eq!(bench.told(), ["unsubscribe 9"]);
    // What they want of other continua is not looked for here.
    bench.petition("n1", 2, on(9, all_of(3)));
    assert_eq!(bench.told(), Vec::<String>::new());
}

#[test]
fn clause_4_4_6_5_a_declaration_brings_all_petitions() {
    let mut bench = Bench::new(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 10, all_of(3));
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    bench.petition("n1", 2, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0"]);
    bench.petition("n3", 2, declaration(continuum(3)));
    assert_eq!(bench.rpdus(), ["n3 2 9 0.0.0>0", "n3 2 10 3.0.0>0"]);
}

#[test]
fn clause_4_4_6_6_a_tree_passes_petitions_on_and_a_mesh_does_not() {
    for (mib, passed) in [(&MESH, &[][..]), (&TREE, &["n3 2 9 0.0.0>0"][..])] {
        let mut bench = Bench::declared(mib);
        bench.petition("n1", 2, on(9, all_of(0)));
        assert_eq!(bench.rpdus(), passed);
    }
    // Declarations too: then this gateway is on the way to continuum 4.
    let mut bench = Bench::declared(&TREE);
    bench.petition("n3", 2, declaration(continuum(4)));
    assert_eq!(bench.rpdus(), ["n1 2 -4 0.0.0>0"]);
}

#[test]
fn clause_4_4_7_4_who_retracts_itself_is_taken_out_of_everything() {
    let mut bench = Bench::declared(&TREE);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.petition("n1", 2, on(8, all_of(2)));
    bench.rpdus();
    bench.petition("n1", 3, declaration(continuum(1)));
    assert_eq!(bench.gateway.declared(), NeighbourSet::one(1));
    for petition in bench.gateway.petitions() {
        let both = petition.sources().union(petition.destinations());
        assert!(!both.contains(NeighbourSet::one(0)), "{petition:?}");
    }
    // Its declaration had been passed on.
    assert_eq!(bench.rpdus(), ["n3 3 -1 0.0.0>0"]);
}

#[test]
fn clause_4_4_8_envelopes_go_to_the_conduit_or_to_all() {
    let mut bench = Bench::declared(&MESH);
    bench.module(3, 5);
    let content = enclosed((2, 5), 9, b"hello");
    let mut buffer = [0; 100];
    let mut publish = |bench: &mut Bench, header: EnvelopeHeader| {
        let data = header.encode(&Octets(&content), &mut buffer).unwrap().to_vec();
        let subject = match header.continuum {
            ContinuumNumber::ALL => LOCAL.pseudo_subject(),
            other => other.pseudo_subject(),
        };
        bench.aams(&letter((2, 5), subject), &data).unwrap();
        bench.rpdus()
    };
    // 4.4.8.4.2
    assert_eq!(publish(&mut bench, envelope(5, (3, 1, 9), 3, 9)), ["n3 5 9 3.1.3>9 hello"]);
    assert_eq!(publish(&mut bench, envelope(6, (1, 0, 0), 3, 9)), ["n1 6 9 1.0.3>0 hello"]);
    // 4.4.8.4.1
    let everywhere = ["n1 6 9 0.1.3>2 hello", "n3 6 9 0.1.3>2 hello"];
    assert_eq!(publish(&mut bench, envelope(6, (0, 1, 2), 3, 9)), everywhere);
    assert_eq!(publish(&mut bench, envelope(5, (0, 1, 2), 3, 9)), Vec::<String>::new());
    // 4.4.8.2
    assert_eq!(publish(&mut bench, envelope(4, (0, 0, 0), 3, 9)), Vec::<String>::new());
    assert_eq!(bench.gateway.stats().inappropriate, 2);
}

#[test]
fn clause_4_4_8_3_only_authorised_senders_are_served() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.module(3, 6);
    let mut buffer = [0; 100];
    for (module, role, sent) in [(5, 2, 0), (6, 3, 1)] {
        let content = enclosed((2, module), 20, b"hello");
        let header = envelope(5, (3, 0, 1), role, 20);
        let data = header.encode(&Octets(&content), &mut buffer).unwrap().to_vec();
        bench.aams(&letter((2, module), continuum(3).pseudo_subject()), &data).unwrap();
        assert_eq!(bench.rpdus().len(), sent);
    }
    assert_eq!(bench.gateway.stats().not_authorised, 1);
}

#[test]
fn clause_4_4_9_published_messages_go_to_those_who_want_them() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.module(3, 6);
    let sensors = Domain { role: RoleNumber(2), ..all_of(2) };
    bench.petition("n1", 2, on(9, sensors));
    bench.petition("n3", 2, on(9, all_of(0)));
    bench.petition("n3", 2, on(9, sensors));
    bench.rpdus();
    bench.aams(&letter((2, 5), SubjectNumber(9)), b"sensed").unwrap();
    assert_eq!(bench.rpdus(), ["n1 4 9 0.0.2>0 sensed", "n3 4 9 0.0.2>0 sensed"]);
    bench.aams(&letter((2, 6), SubjectNumber(9)), b"read").unwrap();
    assert_eq!(bench.rpdus(), ["n3 4 9 0.0.3>0 read"]);
}

#[test]
fn clause_4_4_10_2_what_was_published_elsewhere_is_published_here() {
    for (mib, passed) in [(&MESH, &[][..]), (&TREE, &["n3 4 9 0.0.2>0 far"][..])] {
        let mut bench = Bench::declared(mib);
        for (number, domain) in [(5, all_of(0)), (6, all_of(1)), (7, all_of(3))] {
            bench.module(2, number);
            bench.rule(MpduType::SUBSCRIBE, id(2, 0, number), 9, domain);
        }
        // Twice over it gets it once.
        bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(1));
        bench.petition("n3", 2, on(9, all_of(0)));
        bench.wire.take();
        let content = enclosed((1, 8), 9, b"far");
        bench.rams("n1", &envelope(4, (0, 0, 0), 2, 9), &content);
        let sent = bench.wire.take();
        bench.wire.put_back(sent.clone());
        assert_eq!(bench.messages(), ["m5a -2: 9 far", "m6a -2: 9 far"]);
        bench.wire.put_back(sent);
        assert_eq!(bench.rpdus(), passed);
    }
}

#[test]
fn clause_4_4_10_3_private_messages_reach_who_invites_them() {
    let mut bench = Bench::declared(&TREE);
    for number in [5, 6] {
        bench.module(2, number);
    }
    let readers = Domain { role: RoleNumber(3), ..all_of(1) };
    bench.rule(MpduType::INVITE, id(2, 0, 5), 9, readers);
    bench.wire.take();
    let content = enclosed((1, 8), 9, b"psst");
    bench.rams("n1", &envelope(5, (2, 0, 5), 3, 9), &content);
    assert_eq!(bench.messages(), ["m5a -2: 9 psst"]);
    // 4.4.10.3.2: of another role, or to one who does not invite.
    bench.rams("n1", &envelope(5, (2, 0, 5), 2, 9), &content);
    bench.rams("n1", &envelope(5, (2, 0, 6), 3, 9), &content);
    assert_eq!(bench.messages(), Vec::<String>::new());
    assert_eq!(bench.gateway.stats().not_invited, 2);
    // 4.4.10.3.1: for another continuum.
    bench.rams("n1", &envelope(5, (3, 0, 5), 3, 9), &content);
    assert_eq!(bench.rpdus(), ["n3 5 9 3.0.3>5 psst"]);
    // Not back where it came from, nor nowhere.
    bench.rams("n1", &envelope(5, (1, 0, 5), 3, 9), &content);
    bench.rams("n1", &envelope(5, (4, 0, 5), 3, 9), &content);
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    assert_eq!(bench.gateway.stats().no_conduit, 2);
}

#[test]
fn clause_4_4_10_4_announcements_reach_all_who_invite_them() {
    for (mib, passed) in [(&MESH, &[][..]), (&TREE, &["n3 6 9 0.0.3>2 hear"][..])] {
        let mut bench = Bench::declared(mib);
        for (role, number) in [(2, 5), (3, 6), (2, 7)] {
            bench.module(role, number);
        }
        for (role, number) in [(2, 5), (3, 6)] {
            bench.rule(MpduType::INVITE, id(role, 0, number), 9, all_of(0));
        }
        bench.wire.take();
        let content = enclosed((1, 8), 9, b"hear");
        bench.rams("n1", &envelope(6, (0, 0, 2), 3, 9), &content);
        let sent = bench.wire.take();
        bench.wire.put_back(sent.clone());
        assert_eq!(bench.messages(), ["m5a -2: 9 hear"]);
        bench.wire.put_back(sent);
        assert_eq!(bench.rpdus(), passed);
        bench.rams("n1", &envelope(6, (2, 0, 0), 3, 9), &content);
        assert_eq!(bench.messages(), ["m5a -2: 9 hear", "m6a -2: 9 hear"]);
    }
}

#[test]
fn strangers_and_the_undeclared_are_not_listened_to() {
    let mut bench = Bench::new(&MESH);
    let content = enclosed((1, 8), 9, b"far");
    bench.rams("n1", &envelope(4, (0, 0, 0), 2, 9), &content);
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.petition("n4", 2, declaration(continuum(4)));
    bench.rams("x", &envelope(4, (0, 0, 0), 2, 9), &content);
    let stats = bench.gateway.stats();
    assert_eq!((stats.undeclared, stats.strangers, stats.delivered), (2, 2, 0));
    assert_eq!(bench.gateway.petitions().count(), 1);
}

#[test]
fn a_neighbour_may_send_from_elsewhere() {
    let mut bench = Bench::new(&MESH);
    bench.petition("somewhere", 2, declaration(continuum(1)));
    bench.petition("somewhere", 2, on(9, all_of(2)));
    assert_eq!(bench.gateway.declared(), NeighbourSet::one(0));
    assert_eq!(bench.gateway.petitions().count(), 3);
}

#[test]
fn extra_ticks_do_nothing() {
    let mut bench = Bench::declared(&TREE);
    bench.tick();
    bench.wire.take();
    bench.tick();
    assert!(bench.wire.take().is_empty());
    assert!(bench.gateway.next_deadline().unwrap() > bench.now().monotonic);
}

#[test]
fn a_neighbour_that_cannot_be_resolved_is_asked_for_again_and_not_all_the_time() {
    const LOST: Mib<'static> = Mib {
        ventures: &[Venture {
            remote: &[RemoteMessageSpace::new(continuum(1), "udp@?")],
            ..*MESH_VENTURE
        }],
        ..MESH
    };
    let mut bench = Bench::outside(&LOST);
    bench.gateway.register(bench.now(), &mut bench.wire, &mut ignore).unwrap();
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    let now = bench.now().monotonic;
    assert!(bench.gateway.next_deadline().is_some_and(|at| at > now));
}

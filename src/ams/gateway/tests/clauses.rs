//! More of the gateway by the clauses of 4.4 and annex B.

use std::string::String;
use std::vec::Vec;

use super::bench::{
    Bench, LOCAL, MESH, MESH_VENTURE, TREE, all_of, continuum, enclosed, envelope, letter, on,
};
use crate::ams::gateway::*;
use crate::ams::ids::{
    ContextNumber, ModuleKey, ModuleNumber, Priority, SubjectNumber, UnitNumber,
};
use crate::ams::mib::{Subject, Venture};
use crate::ams::pdu::{Aams, AamsHeader, Content, Enclosure, Envelope, EnvelopeHeader, MpduType};
use crate::ams::script::id;
use crate::wire::Octets;

/// Has a module here, `m5` of role 2, publish an envelope with this message.
fn post(bench: &mut Bench, header: &EnvelopeHeader, content: &[u8]) -> Vec<String> {
    let mut buffer = [0; 200];
    let data = header.encode(&Octets(content), &mut buffer).unwrap().to_vec();
    bench.aams(&letter((2, 5), continuum(3).pseudo_subject()), &data).unwrap();
    bench.rpdus()
}

#[test]
fn clause_4_4_2_1_1_neighbours_are_those_of_the_mib() {
    let bench = Bench::outside(&MESH);
    let there: Vec<_> = bench.gateway.neighbours().map(|one| one.continuum().get()).collect();
    assert_eq!(there, [1, 3]);
}

#[test]
fn clause_4_4_2_1_3_the_gateway_is_in_the_dms_of_its_declaration() {
    let bench = Bench::new(&MESH);
    let own = bench.gateway.petitions().find(|one| one.specification() == declaration(LOCAL));
    let own = *own.unwrap();
    // Wanted here, with nobody in its DGS; and the SGS is who was told (4.4.2.1.5).
    assert!(own.destinations().is_empty());
    assert_eq!((own.sources().len(), own.owed().len()), (2, 0));
    assert_eq!(own.specification().subject, SubjectNumber(-2));
    assert_eq!(own.specification().domain, Domain::ALL);
}

#[test]
fn clause_4_4_2_2_3_a_gateway_whose_termination_is_imputed_retracts_itself() {
    let mut bench = Bench::declared(&TREE);
    bench.mams("rs", 0, &Content::YouAreDead);
    assert_eq!(bench.rpdus(), ["n1 3 -2 0.0.0>0", "n3 3 -2 0.0.0>0"]);
    assert!(bench.gateway.declared().is_empty());
    bench.seconds += 600;
    bench.tick();
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    assert_eq!(bench.gateway.next_deadline(), None);
}

#[test]
fn clause_4_4_2_2_4_nothing_else_retracts_a_gateway() {
    let mut bench = Bench::declared(&TREE);
    let mut told = Vec::new();
    bench.module(2, 5);
    for (kind, domain) in [(MpduType::SUBSCRIBE, all_of(0)), (MpduType::UNSUBSCRIBE, all_of(0))] {
        bench.rule(kind, id(2, 0, 5), 9, domain);
        told.extend(bench.rpdus());
    }
    for code in [2, 3] {
        bench.petition("n1", code, on(9, all_of(0)));
        bench.petition("n3", code, declaration(continuum(4)));
        told.extend(bench.rpdus());
    }
    bench.petition("n3", 3, declaration(continuum(3)));
    bench.mams("rs", 0, &Content::IAmStopping { module: id(2, 0, 5) });
    for _ in 0..300 {
        bench.seconds += 1;
        bench.alive();
        bench.tick();
        told.extend(bench.rpdus());
    }
    assert!(told.len() > 10);
    assert!(!told.iter().any(|line| line.contains(" 3 -2 ")), "{told:?}");
}

#[test]
fn clause_4_4_2_3_1_a_neighbour_is_declared_from_its_declaration_to_its_retraction() {
    let mut bench = Bench::new(&MESH);
    assert!(bench.gateway.declared().is_empty());
    bench.petition("n3", 2, declaration(continuum(3)));
    assert_eq!(bench.gateway.declared(), NeighbourSet::one(1));
    // Another's declaration is not its own.
    bench.petition("n3", 2, declaration(continuum(4)));
    bench.petition("n3", 3, declaration(continuum(4)));
    assert_eq!(bench.gateway.declared(), NeighbourSet::one(1));
    bench.petition("n3", 3, declaration(continuum(3)));
    assert!(bench.gateway.declared().is_empty());
}

#[test]
fn clause_4_4_2_3_2_the_conduit_is_one_neighbour() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    let content = enclosed((2, 5), 9, b"once");
    // In no tree does continuum 1 lead to continuum 3, nor both to continuum 4.
    bench.petition("n1", 2, declaration(continuum(3)));
    for from in ["n1", "n3"] {
        bench.petition(from, 2, declaration(continuum(4)));
    }
    bench.rpdus();
    assert_eq!(post(&mut bench, &envelope(5, (3, 0, 9), 2, 9), &content), ["n3 5 9 3.0.2>9 once"]);
    assert_eq!(post(&mut bench, &envelope(5, (4, 0, 9), 2, 9), &content), ["n1 5 9 4.0.2>9 once"]);
    // Nobody is the conduit for this continuum, or one that nobody knows.
    for here_or_nowhere in [2, 7] {
        let sent = post(&mut bench, &envelope(5, (here_or_nowhere, 0, 9), 2, 9), &content);
        assert_eq!(sent, Vec::<String>::new());
    }
    assert_eq!(bench.gateway.stats().no_conduit, 2);
    bench.petition("n1", 2, declaration(LOCAL));
    assert_eq!(bench.gateway.stats().inappropriate, 1);
}

#[test]
fn clauses_4_4_3_2_and_4_4_3_4_the_sgs_is_who_was_told() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    let sources = |bench: &Bench| {
        let petition =
            bench.gateway.petitions().find(|one| one.specification() == on(9, all_of(0)));
        petition.map(|petition| petition.sources())
    };
    assert_eq!(sources(&bench).map(NeighbourSet::len), Some(2));
    bench.petition("n1", 3, declaration(continuum(1)));
    assert_eq!(sources(&bench), Some(NeighbourSet::one(1)));
    bench.rule(MpduType::UNSUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    assert_eq!(sources(&bench), None);
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0", "n3 2 9 0.0.0>0", "n3 3 9 0.0.0>0"]);
}

#[test]
fn clause_4_4_7_5_what_is_not_assertable_any_more_is_cancelled() {
    let mut bench = Bench::declared(&TREE);
    bench.petition("n1", 2, on(9, all_of(0)));
    bench.petition("n1", 2, declaration(continuum(4)));
    bench.rpdus();
    bench.petition("n1", 3, on(9, all_of(0)));
    assert_eq!(bench.rpdus(), ["n3 3 9 0.0.0>0"]);
    // The gateway ceases to be the conduit to the neighbour, and to whom it led to.
    bench.petition("n1", 3, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), ["n3 3 -4 0.0.0>0", "n3 3 -1 0.0.0>0"]);
}

#[test]
fn clause_4_4_8_3_nobody_is_authorised_by_a_false_name() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.module(3, 6);
    let to = |role, subject| envelope(5, (3, 0, 1), role, subject);
    // Subject 20 is for role 3. The envelope says another subject than the message.
    assert_eq!(post(&mut bench, &to(2, 9), &enclosed((2, 5), 20, b"x")), Vec::<String>::new());
    // The message says another source, or continuum, than it comes from.
    assert_eq!(post(&mut bench, &to(2, 9), &enclosed((2, 6), 9, b"x")), Vec::<String>::new());
    assert_eq!(post(&mut bench, &to(2, 9), &enclosed((1, 5), 9, b"x")), Vec::<String>::new());
    assert_eq!(bench.gateway.stats().inappropriate, 3);
    // The envelope says another role.
    assert_eq!(post(&mut bench, &to(3, 20), &enclosed((2, 5), 20, b"x")), Vec::<String>::new());
    assert_eq!(post(&mut bench, &to(3, 9), &enclosed((2, 5), 9, b"x")), Vec::<String>::new());
    assert_eq!(bench.gateway.stats().not_authorised, 2);
    assert_eq!(post(&mut bench, &to(2, 9), &enclosed((2, 5), 9, b"x")), ["n3 5 9 3.0.2>1 x"]);
}

/// The other way: who may not receive on the subject gets nothing from elsewhere,
/// published, sent or announced.
#[test]
fn clause_4_4_10_only_authorised_receivers_are_served() {
    const GUARDED: Mib<'static> = Mib {
        ventures: &[Venture {
            subjects: &[Subject {
                receivers: &[RoleNumber(1), RoleNumber(3)],
                ..Subject::new(SubjectNumber(21), "for readers")
            }],
            ..*MESH_VENTURE
        }],
        ..MESH
    };
    let mut bench = Bench::declared(&GUARDED);
    for (role, number) in [(2, 5), (3, 6)] {
        bench.module(role, number);
        bench.rule(MpduType::SUBSCRIBE, id(role, 0, number), 21, all_of(0));
        bench.rule(MpduType::INVITE, id(role, 0, number), 21, all_of(0));
    }
    bench.wire.take();
    let content = enclosed((1, 8), 21, b"far");
    for header in [envelope(4, (0, 0, 0), 2, 21), envelope(6, (0, 0, 0), 2, 21)] {
        bench.rams("n1", &header, &content);
        assert_eq!(bench.messages(), ["m6a -2: 21 far"]);
    }
    for (number, delivered) in [(5, &[][..]), (6, &["m6a -2: 21 far"][..])] {
        bench.rams("n1", &envelope(5, (2, 0, number), 2, 21), &content);
        assert_eq!(bench.messages(), delivered);
    }
    assert_eq!(bench.gateway.stats().not_invited, 1);
}

#[test]
fn clause_4_4_9_2_the_message_is_enclosed_as_it_was_published() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.wire.take();
    let header = AamsHeader {
        priority: Priority::new(3).unwrap(),
        flow_label: 200,
        context: ContextNumber(77),
        ..letter((2, 5), SubjectNumber(9))
    };
    bench.aams(&header, b"data").unwrap();
    let sent = bench.wire.take();
    let envelope = Envelope::parse(&sent[0].1).unwrap();
    assert_eq!(sent.len(), 1);
    let content = envelope.content().unwrap();
    assert_eq!((content.header(), content.data()), (Some(header), &b"data"[..]));
}

#[test]
fn clause_4_4_10_2_1_what_comes_in_a_circle_is_discarded() {
    let mut bench = Bench::declared(&TREE);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.rule(MpduType::INVITE, id(2, 0, 5), 9, all_of(0));
    bench.petition("n3", 2, on(9, all_of(0)));
    bench.wire.take();
    let content = enclosed((2, 8), 9, b"back");
    bench.rams("n1", &envelope(4, (0, 0, 0), 2, 9), &content);
    bench.rams("n1", &envelope(6, (0, 0, 0), 2, 9), &content);
    bench.rams("n1", &envelope(5, (2, 0, 5), 2, 9), &content);
    // Nor one whose envelope is of another subject.
    bench.rams("n1", &envelope(4, (0, 0, 0), 2, 8), &enclosed((1, 8), 9, b"odd"));
    assert!(bench.wire.take().is_empty());
    assert_eq!(bench.gateway.stats().inappropriate, 4);
}

#[test]
fn clause_4_4_10_3_1_and_4_4_10_4_2_for_others_is_forwarded_in_a_tree_alone() {
    let content = enclosed((1, 8), 9, b"on");
    for (mib, sent) in [(&TREE, &["n3 5 9 3.0.2>7 on", "n3 6 9 3.1.2>4 on"][..]), (&MESH, &[][..])]
    {
        let mut bench = Bench::declared(mib);
        bench.rams("n1", &envelope(5, (3, 0, 7), 2, 9), &content);
        bench.rams("n1", &envelope(6, (3, 1, 4), 2, 9), &content);
        assert_eq!(bench.rpdus(), sent);
        let circled = u32::from(sent.is_empty()) * 2;
        assert_eq!(bench.gateway.stats().inappropriate, circled);
    }
    // To all continua nothing is sent privately.
    let mut bench = Bench::declared(&TREE);
    bench.rams("n1", &envelope(5, (0, 0, 7), 2, 9), &content);
    assert_eq!((bench.rpdus().len(), bench.gateway.stats().inappropriate), (0, 1));
}

/// A query has its context and type on the other side, and so has the reply.
#[test]
fn clause_4_4_10_3_3_context_and_type_cross() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::INVITE, id(2, 0, 5), 9, all_of(0));
    bench.wire.take();
    for kind in [crate::ams::pdu::MessageType::Query, crate::ams::pdu::MessageType::Reply] {
        let header = AamsHeader {
            message_type: kind,
            context: ContextNumber(4711),
            ..letter((1, 8), SubjectNumber(9))
        };
        let mut buffer = [0; 100];
        let content = Enclosure::new(&header, b"?").unwrap().write(&mut buffer).unwrap();
        bench.rams("n1", &envelope(5, (2, 0, 5), 3, 9), content);
        let sent = bench.wire.take();
        let outer = Aams::parse(&sent[0].1).unwrap();
        assert_eq!(outer.source(), ModuleKey { unit: UnitNumber::ROOT, module: ModuleNumber(1) });
        let inner = Aams::parse_enclosed(outer.data(), Aams::HEADER_LEN).unwrap();
        assert_eq!(inner.header(), Some(header));
    }
}

/// Announcements are for a unit and a role, and for who invites them from the role and
/// the unit they come from.
#[test]
fn clause_4_4_10_4_2_announcements_are_for_a_domain_and_from_one() {
    let mut bench = Bench::declared(&MESH);
    for (role, unit, number) in [(2, 0, 5), (2, 1, 6), (3, 1, 7), (2, 2, 8)] {
        bench.module_in(role, unit, number);
        let readers = Domain { role: RoleNumber(3), ..all_of(1) };
        bench.rule(MpduType::INVITE, id(role, unit, number), 9, readers);
    }
    bench.wire.take();
    let content = enclosed((1, 8), 9, b"hear");
    let mut heard = |header: &EnvelopeHeader| {
        bench.rams("n1", header, &content);
        bench.messages()
    };
    assert_eq!(heard(&envelope(6, (2, 1, 2), 3, 9)), ["m6a -2: 9 hear"]);
    assert_eq!(heard(&envelope(6, (2, 1, 0), 3, 9)), ["m6a -2: 9 hear", "m7a -2: 9 hear"]);
    assert_eq!(heard(&envelope(6, (0, 2, 0), 3, 9)), ["m8a -2: 9 hear"]);
    assert_eq!(heard(&envelope(6, (0, 0, 0), 3, 9)).len(), 4);
    assert_eq!(heard(&envelope(6, (0, 0, 0), 2, 9)), Vec::<String>::new());
}

/// No module subscribes across continua to subjects below 1, and no gateway asks for them.
#[test]
fn annex_b_subjects_below_1_are_the_gateways_own() {
    let mut bench = Bench::declared(&TREE);
    bench.module(2, 5);
    for (subject, domain) in [(-3, all_of(0)), (-3, all_of(3)), (0, all_of(0)), (0, all_of(1))] {
        bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), subject, domain);
    }
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    bench.petition("n1", 2, on(0, all_of(0)));
    bench.petition("n1", 2, on(0, all_of(2)));
    assert_eq!(bench.gateway.stats().inappropriate, 2);
    assert_eq!(bench.told(), Vec::<String>::new());
}

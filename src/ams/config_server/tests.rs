//! One test a clause of 4.2.1 to 4.2.4 and 4.2.7, on virtual time.

mod change;

use super::*;
use crate::ams::ids::ContinuumNumber;
use crate::ams::mib::{Unit, Venture};
use crate::ams::script::{Script, address, at, at_millis, endpoint, mpdu, sender, unhex};
use proptest::prelude::*;
use std::vec::Vec;

const UNITS: &[Unit<'_>] = &[
    Unit::ROOT,
    Unit::new(UnitNumber(1), "a"),
    Unit::new(UnitNumber(2), "b"),
    Unit::new(UnitNumber(3), "c"),
];
const VENTURE: Venture<'_> =
    Venture { units: UNITS, ..Venture::new(VentureNumber(1), "demo", "test") };
const CONTINUUM: ContinuumNumber = match ContinuumNumber::new(1) {
    Some(number) => number,
    None => ContinuumNumber::ALL,
};
const MIB: Mib<'_> = Mib {
    config_servers: &["cs0", "cs1", "cs2"],
    ventures: &[VENTURE],
    ..Mib::new(CONTINUUM, "test")
};

struct Bench<'s> {
    server: ConfigServer<'s>,
    net: Script,
}

impl Bench<'_> {
    fn announce(&mut self, now: Now, unit: u16, query: u32, name: &str) {
        let content = Content::AnnounceRegistrar { query, endpoint: endpoint(name) };
        self.say(now, sender(unit, 0), &content);
    }

    fn ask(&mut self, now: Now, unit: u16, query: u32, name: &str) {
        let content = Content::RegistrarQuery { query, endpoint: endpoint(name) };
        self.say(now, sender(unit, 2), &content);
    }

    fn say(&mut self, now: Now, sender: Sender, content: &Content<'_>) {
        self.server.receive(now, &address("from"), &mpdu(sender, content), &mut self.net);
    }

    fn tick(&mut self, now: Now) {
        self.server.tick(now, &mut self.net);
    }
}

fn bench(test: impl FnOnce(Bench<'_>)) {
    let mut cells = [const { Slot::EMPTY }; 4];
    let mut buffer = [0; ConfigServer::BUFFER_LEN];
    let storage = ConfigServerStorage { cells: &mut cells, buffer: &mut buffer };
    let config = ConfigServerConfig { location: 1 };
    test(Bench { server: ConfigServer::new(&MIB, config, storage), net: Script::default() });
}

#[test]
fn clause_4_2_1_1_lower_ranking_locations_are_told_every_n5() {
    bench(|mut b| {
        assert_eq!(b.server.next_deadline(), Some(Instant::ZERO));
        b.tick(at(0));
        assert_eq!(b.net.told(), ["cs2 I_am_running 0"]);
        b.tick(at(59));
        assert!(b.net.told().is_empty());
        b.tick(at(60));
        assert_eq!(b.net.told(), ["cs2 I_am_running 0"]);
    });
}

#[test]
fn clause_4_2_1_2_ceases_when_a_higher_ranking_one_runs() {
    bench(|mut b| {
        b.say(at(0), Sender::CONFIGURATION_SERVER, &Content::IAmRunning);
        assert_eq!(b.server.state(), ConfigServerState::Outranked);
        assert_eq!(b.server.next_deadline(), None);
        b.announce(at(1), 0, 1, "r0");
        b.tick(at(100));
        assert!(b.net.told().is_empty());
        assert_eq!(b.server.stats().inappropriate, 1);
    });
}

#[test]
fn clause_4_2_2_2_2_the_answer_goes_where_the_question_came_from_if_it_names_no_place() {
    bench(|mut b| {
        b.ask(at(0), 0, 9, "?nowhere");
        assert_eq!(b.net.told(), ["from registrar_unknown 9"]);
        assert_eq!(b.server.stats().unresolved, 1);
    });
}

#[test]
fn clause_4_2_3_2_2_a_duplicate_registrar_is_rejected() {
    bench(|mut b| {
        b.announce(at(0), 0, 5, "r0");
        b.net.take();
        b.announce(at(1), 0, 6, "other");
        assert_eq!(b.net.told(), ["other rejection 6 1"]);
        assert_eq!(b.server.cells().next().unwrap().endpoint(), "r0");
        assert_eq!(b.server.counts().duplicates, 1);
    });
}

#[test]
fn clause_4_2_3_2_2_a_registrar_of_an_unknown_cell_is_rejected() {
    bench(|mut b| {
        b.announce(at(0), 9, 5, "r9");
        let elsewhere = Sender { venture: VentureNumber(2), ..sender(0, 0) };
        let content = Content::AnnounceRegistrar { query: 6, endpoint: endpoint("r2") };
        b.say(at(0), elsewhere, &content);
        assert_eq!(b.net.told(), ["r9 rejection 5 4", "r2 rejection 6 4"]);
        assert_eq!(b.server.cells().count(), 0);
    });
}

#[test]
fn clause_4_2_2_a_registrar_that_repeats_itself_is_answered_again() {
    bench(|mut b| {
        b.announce(at(0), 0, 5, "r0");
        b.announce(at(0), 1, 7, "r1");
        b.net.take();
        b.announce(at(5), 0, 6, "r0");
        assert_eq!(b.net.told(), ["r0 registrar_noted 6", "r0 cell_spec 0 1 r1"]);
        assert_eq!(b.server.counts().repeated, 1);
        assert_eq!(b.server.counts().registrars_noted, 2);
    });
}

#[test]
fn clause_4_2_3_2_3_b_c_the_only_registrar_is_told_that_it_is_alone() {
    bench(|mut b| {
        b.announce(at(0), 2, 5, "r2");
        assert_eq!(b.net.told(), ["r2 registrar_noted 5", "r2 cell_spec 0 2 r2"]);
    });
}

#[test]
fn clause_4_2_3_2_3_c_d_registrars_are_told_of_one_another() {
    bench(|mut b| {
        b.announce(at(0), 0, 5, "r0");
        b.announce(at(0), 1, 5, "r1");
        b.net.take();
        b.announce(at(0), 2, 5, "r2");
        let expected = [
            "r2 registrar_noted 5",
            "r2 cell_spec 0 0 r0",
            "r2 cell_spec 0 1 r1",
            "r0 cell_spec 0 2 r2",
            "r1 cell_spec 0 2 r2",
        ];
        assert_eq!(b.net.told(), expected);
    });
}

#[test]
fn clause_4_2_3_2_3_cell_specs_that_were_refused_are_offered_until_taken() {
    bench(|mut b| {
        b.tick(at(0));
        b.announce(at(0), 0, 5, "r0");
        b.announce(at(0), 1, 5, "r1");
        b.net.take();
        b.net.busy.extend(["r0".into(), "r2".into()]);
        b.announce(at(0), 2, 5, "r2");
        assert_eq!(b.net.told(), ["r1 cell_spec 0 2 r2"]);
        assert!(b.server.next_deadline().unwrap() <= at_millis(250).monotonic);
        b.tick(at_millis(250));
        assert!(b.net.told().is_empty());
        b.net.busy.clear();
        b.tick(at_millis(500));
        let expected = ["r0 cell_spec 0 2 r2", "r2 cell_spec 0 0 r0", "r2 cell_spec 0 1 r1"];
        assert_eq!(b.net.told(), expected);
        b.tick(at_millis(750));
        assert!(b.net.told().is_empty());
    });
}

#[test]
fn clause_4_2_3_2_3_cell_specs_are_repeated_every_n5() {
    bench(|mut b| {
        b.tick(at(0));
        b.announce(at(31), 0, 5, "r0");
        b.announce(at(31), 1, 5, "r1");
        b.tick(at(59));
        b.net.take();
        b.tick(at(60));
        let mut specs = b.net.told();
        specs.retain(|line| line.contains("cell_spec"));
        assert_eq!(specs, ["r0 cell_spec 0 1 r1", "r1 cell_spec 0 0 r0"]);
        b.tick(at(60));
        assert!(b.net.told().is_empty());
    });
}

#[test]
fn clause_4_2_3_2_3_e_heartbeats_go_to_registrars_every_n3() {
    bench(|mut b| {
        b.announce(at(0), 0, 5, "r0");
        b.net.take();
        b.tick(at(0));
        assert_eq!(b.net.beats(), ["r0 heartbeat 0"]);
        b.tick(at(9));
        assert!(b.net.beats().is_empty());
        b.tick(at(10));
        assert_eq!(b.net.beats(), ["r0 heartbeat 0"]);
    });
}

#[test]
fn clause_4_2_4_2_2_a_query_gets_the_location_or_registrar_unknown() {
    bench(|mut b| {
        b.ask(at(0), 0, 8, "m");
        b.announce(at(0), 0, 5, "r0");
        b.net.take();
        b.ask(at(0), 0, 9, "m");
        b.ask(at(0), 7, 10, "m");
        assert_eq!(b.net.told(), ["m cell_spec 9 0 r0", "m registrar_unknown 10"]);
    });
}

#[test]
fn clause_4_2_7_4_a_silent_registrar_is_unknown_after_n6_periods() {
    bench(|mut b| {
        b.announce(at(0), 0, 5, "r0");
        b.say(at(15), sender(0, 0), &Content::Heartbeat { source: ModuleNumber::NONE });
        b.tick(at(49));
        assert_eq!(b.server.cells().next().unwrap().state(), CellState::Known);
        b.net.take();
        b.tick(at(50));
        assert_eq!(b.server.counts().registrars_lost, 1);
        let since = at(50).monotonic;
        assert_eq!(b.server.cells().next().unwrap().state(), CellState::Lost { since });
        assert!(b.net.beats().is_empty(), "4.2.7.1.1");
        b.ask(at(50), 0, 9, "m");
        b.announce(at(51), 0, 6, "elsewhere");
        let expected = [
            "m registrar_unknown 9",
            "elsewhere registrar_noted 6",
            "elsewhere cell_spec 0 0 elsewhere",
        ];
        assert_eq!(b.net.told(), expected);
    });
}

#[test]
fn clause_4_1_2_what_is_not_for_a_configuration_server_is_discarded() {
    bench(|mut b| {
        b.say(at(0), sender(0, 0), &Content::Heartbeat { source: ModuleNumber::NONE });
        b.say(at(0), sender(0, 2), &Content::Heartbeat { source: ModuleNumber(3) });
        b.say(at(0), sender(0, 0), &Content::YouAreDead);
        b.say(at(0), sender(0, 0), &Content::IAmRunning);
        assert_eq!(b.server.stats().inappropriate, 4);
        assert_eq!(b.server.state(), ConfigServerState::Running);
        assert!(b.net.told().is_empty());
    });
}

#[test]
fn a_registrar_for_whom_there_is_no_slot_is_counted() {
    let mut buffer = [0; ConfigServer::BUFFER_LEN];
    let storage = ConfigServerStorage { cells: &mut [], buffer: &mut buffer };
    let server = ConfigServer::new(&MIB, ConfigServerConfig::default(), storage);
    let mut b = Bench { server, net: Script::default() };
    b.announce(at(0), 0, 5, "r0");
    assert!(b.net.told().is_empty());
    assert_eq!(b.server.stats().full, 1);
}

#[test]
fn answers_what_ion_asks() {
    let announce = "2701000000000011000000001c8194746c323133303730363433333a353835323800dfb0";
    let query = "32010000600000116b0215ec1c8194746c323133303730363433333a363031303000c094";
    bench(|mut b| {
        for hex in [announce, query] {
            b.server.receive(at(0), &address("from"), &unhex(hex), &mut b.net);
        }
        let expected = [
            "2130706433:58528 registrar_noted 0",
            "2130706433:58528 cell_spec 0 0 2130706433:58528",
            "2130706433:60100 cell_spec 107/533.236 0 2130706433:58528",
        ];
        assert_eq!(b.net.told(), expected);
        assert_eq!(b.server.stats().deviating, 0);
    });
}

#[derive(Clone, Debug)]
enum Step {
    Announce(u16, u8),
    Ask(u16),
    Beat(u16),
    Wait(u64),
    Refuse(bool),
    Octets(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u16..5, 0_u8..3).prop_map(|(unit, name)| Step::Announce(unit, name)),
        1 => (0_u16..5).prop_map(Step::Ask),
        4 => (0_u16..5).prop_map(Step::Beat),
        6 => (1_u64..20_000).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Refuse),
        1 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Step::Octets),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_sequence_keeps_the_invariants(steps in proptest::collection::vec(step(), 0..60)) {
        bench(|mut b| {
            let mut millis = 0;
            for step in steps {
                let now = at_millis(millis);
                match step {
                    Step::Announce(unit, name) => {
                        b.announce(now, unit, 1, &std::format!("r{name}"));
                    }
                    Step::Ask(unit) => b.ask(now, unit, 1, "m"),
                    Step::Beat(unit) => {
                        let beat = Content::Heartbeat { source: ModuleNumber::NONE };
                        b.say(now, sender(unit, 0), &beat);
                    }
                    Step::Wait(span) => millis += span,
                    Step::Refuse(yes) => b.net.refuses = yes.then_some(SendError::Busy),
                    Step::Octets(octets) => {
                        b.server.receive(now, &address("x"), &octets, &mut b.net);
                    }
                }
                let now = at_millis(millis);
                b.tick(now);
                b.net.take();
                assert!(b.server.next_deadline().unwrap() > now.monotonic);
                b.tick(now);
                assert!(b.net.take().is_empty(), "an extra tick does nothing");
                assert!(b.server.cells().count() <= 4);
                assert!(b.server.cells().all(|cell| cell.unit().0 < 4));
            }
        });
    }

    #[test]
    fn any_octets_change_nothing_but_counters(
        datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..8)
    ) {
        bench(|mut b| {
            for octets in &datagrams {
                b.server.receive(at(0), &address("x"), octets, &mut b.net);
            }
            assert_eq!(usize::try_from(b.server.stats().received).unwrap(), datagrams.len());
            assert!(b.net.take().is_empty());
            assert_eq!(b.server.cells().count(), 0);
            assert_eq!(b.server.state(), ConfigServerState::Running);
        });
    }
}

#[test]
fn a_cell_takes_what_its_docs_say() {
    assert_eq!(size_of::<Slot<Cell>>(), 128);
}

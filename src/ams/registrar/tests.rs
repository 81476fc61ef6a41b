//! One test a clause of 4.2.3 to 4.2.13, on virtual time.

mod aggregate;
mod change;
mod network;
mod sequences;
mod watch;

use super::*;
use crate::ams::ids::{ContinuumNumber, ModuleId, ModuleKey, SubjectNumber};
use crate::ams::mib::{Policy, ReconnectionPolicy, Role, Unit, Venture};
use crate::ams::pdu::{Assertion, AssertionValues, Cancellation, CellDescriptor, ModuleList};
use crate::ams::script::{
    Script, address, at, at_millis, contact, endpoint, id, mpdu, sender, summary, unhex,
};
use crate::transport::SendError;
use core::time::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

const ROLES: &[Role<'_>] = &[Role::new(RoleNumber(2), "two"), Role::new(RoleNumber(3), "three")];
const UNITS: &[Unit<'_>] = &[Unit::ROOT, Unit::new(UnitNumber(1), "a")];
const RESYNC: &[Unit<'_>] = &[Unit { resync_period: 8, ..Unit::ROOT }];
const CONTINUUM: ContinuumNumber = match ContinuumNumber::new(1) {
    Some(number) => number,
    None => ContinuumNumber::ALL,
};
const VENTURE: Venture<'_> =
    Venture { units: UNITS, roles: ROLES, ..Venture::new(VentureNumber(1), "demo", "test") };
const MIB: Mib<'_> =
    Mib { config_servers: &["cs0", "cs1"], ventures: &[VENTURE], ..Mib::new(CONTINUUM, "test") };
const RESYNC_MIB: Mib<'_> = Mib { ventures: &[Venture { units: RESYNC, ..VENTURE }], ..MIB };

struct Bench<'s> {
    registrar: Registrar<'s>,
    net: Script,
}

impl Bench<'_> {
    fn receive(&mut self, now: Now, from: &str, octets: &[u8]) {
        self.registrar.receive(now, &address(from), octets, &mut self.net);
    }

    fn say(&mut self, now: Now, sender: Sender, content: &Content<'_>) -> Vec<u8> {
        let octets = mpdu(sender, content);
        self.receive(now, "from", &octets);
        octets
    }

    fn server_says(&mut self, now: Now, content: &Content<'_>) {
        self.receive(now, "cs", &mpdu(Sender::CONFIGURATION_SERVER, content));
    }

    fn tick(&mut self, now: Now) {
        self.registrar.tick(now, &mut self.net);
    }

    /// A first tick, and the answer to the announcement.
    fn start(&mut self) {
        self.tick(at(0));
        self.server_says(at(0), &Content::RegistrarNoted { echo: 1 });
        self.net.take();
    }

    fn meet(&mut self, now: Now, unit: u16, name: &str) {
        let cell = CellDescriptor { unit: UnitNumber(unit), registrar: endpoint(name) };
        self.server_says(now, &Content::CellSpec { echo: 0, cell });
    }

    fn join(&mut self, now: Now, name: &str, role: u8, query: u32) {
        let contact = contact(name);
        let content = Content::ModuleRegistration { query, contact: summary(&contact) };
        self.say(now, sender(0, role), &content);
    }

    fn beat(&mut self, now: Now, number: u8, role: u8) {
        let content = Content::Heartbeat { source: ModuleNumber(number) };
        self.say(now, sender(0, role), &content);
    }

    fn numbers(&self) -> Vec<u8> {
        self.registrar.members().map(|member| member.number().0).collect()
    }
}

/// A registrar that introduces newcomers like this and waits for no census.
const fn policy(introduction: Introduction) -> Policy {
    Policy { introduction, census: Some(Duration::ZERO), ..Policy::NOMINAL }
}

/// A registrar with room for four members, three other registrars, eight
/// dossiers and twelve rules.
fn bench_with(mib: &Mib<'_>, policy: Policy, test: impl FnOnce(Bench<'_>)) {
    let mib = Mib { policy, ..*mib };
    let config = RegistrarConfig::new(VentureNumber(1), UnitNumber::ROOT, endpoint("r0"));
    let mut members = [const { Slot::EMPTY }; 4];
    let mut registrars = [const { Slot::EMPTY }; 3];
    let mut dossiers = [const { Slot::EMPTY }; 8];
    let mut rules = [const { Slot::EMPTY }; 12];
    let mut buffer = [0; 512];
    let storage = RegistrarStorage {
        members: &mut members,
        registrars: &mut registrars,
        dossiers: &mut dossiers,
        rules: &mut rules,
        buffer: &mut buffer,
    };
    test(Bench { registrar: Registrar::new(&mib, config, storage), net: Script::default() });
}

fn by_modules(test: impl FnOnce(Bench<'_>)) {
    bench_with(&MIB, policy(Introduction::ByModules), |mut bench| {
        bench.start();
        test(bench);
    });
}

fn by_registrar(test: impl FnOnce(Bench<'_>)) {
    bench_with(&MIB, policy(Introduction::ByRegistrar), |mut bench| {
        bench.start();
        test(bench);
    });
}

fn rule(subject: i16) -> [u8; Assertion::LEN] {
    let subject = SubjectNumber(subject);
    AssertionValues {
        subject,
        domain: Default::default(),
        delivery_vector: 1,
        priority: Default::default(),
        flow_label: 0,
    }
    .octets()
}

/// The octets of a module status with one subscription.
fn status(id: ModuleId, name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend(id.unit.0.to_be_bytes());
    octets.extend([id.module.0, id.role.0]);
    octets.extend(contact(name));
    octets.extend([0, 1]);
    octets.extend(rule(7));
    octets.extend([0, 0]);
    octets
}

/// An MPDU whose supplementary data are these octets.
fn raw(sender: Sender, kind: crate::ams::pdu::MpduType, reference: u32, data: &[u8]) -> Vec<u8> {
    use crate::ams::pdu::MpduHeader;
    use crate::wire::{Octets, TimeCode};
    let time = TimeCode { seconds: 2_173_990_005 };
    let header = MpduHeader { sender, time, signature: &[], checksum: true };
    let mut buffer = [0; 4_200];
    header.encode_raw(kind, reference, &Octets(data), &time, &mut buffer).unwrap().to_vec()
}

fn reconnect(id: ModuleId, name: &str, query: u32, census: &[u8]) -> Vec<u8> {
    let mut data = status(id, name);
    data.push(u8::try_from(census.len()).unwrap());
    data.extend(census);
    raw(sender(id.unit.0, id.role.0), crate::ams::pdu::MpduType::RECONNECT, query, &data)
}

#[test]
fn clause_4_2_5_5_1_a_full_cell_rejects() {
    by_modules(|mut b| {
        for name in ["a", "b", "c", "d"] {
            b.join(at(0), name, 2, 1);
        }
        b.net.take();
        b.join(at(0), "e", 2, 9);
        assert_eq!(b.net.told(), ["e rejection 9 3"]);
        assert_eq!(b.registrar.counts().rejected_full, 1);
    });
}

#[test]
fn clause_4_2_5_5_1_the_numbers_of_a_full_cell_are_given_out_again() {
    let mut members = [const { Slot::EMPTY }; 300];
    let mut buffer = [0; 512];
    let storage = RegistrarStorage {
        members: &mut members,
        registrars: &mut [],
        dossiers: &mut [],
        rules: &mut [],
        buffer: &mut buffer,
    };
    let mib = Mib { policy: policy(Introduction::ByModules), ..MIB };
    let config = RegistrarConfig::new(VentureNumber(1), UnitNumber::ROOT, endpoint("r0"));
    let registrar = Registrar::new(&mib, config, storage);
    let mut b = Bench { registrar, net: Script::default() };
    b.start();
    for module in 1..=255 {
        b.join(at(1), &format!("m{module}"), 2, 1);
    }
    assert!(b.numbers().into_iter().eq(1..=255));
    b.net.take();
    b.join(at(1), "more", 2, 7);
    assert_eq!(
        b.net.told(),
        ["more rejection 7 3"],
        "0 is nobody's number, and there are no others"
    );
    b.say(at(1), sender(0, 2), &Content::IAmStopping { module: id(2, 0, 77) });
    b.net.take();
    b.join(at(2), "more", 2, 8);
    assert_eq!(b.net.told()[0], "more you_are_in 8 77");
    b.join(at(2), "again", 2, 9);
    assert!(b.net.told().contains(&"again rejection 9 3".into()));
    assert_eq!(b.registrar.counts().rejected_full, 2);
}

#[test]
fn clause_4_2_5_5_2_modules_wait_for_the_census() {
    bench_with(&MIB, Policy::NOMINAL, |mut b| {
        b.join(at(0), "a", 2, 5);
        b.start();
        b.join(at(59), "a", 2, 6);
        assert_eq!(b.net.told(), ["a rejection 6 2"]);
        assert!(b.registrar.census_in_progress(at(59)));
        b.join(at(60), "a", 2, 7);
        assert_eq!(b.net.told(), ["a you_are_in 7 1"]);
        assert_eq!(b.registrar.counts().rejected_census, 2);
    });
}

#[test]
fn clause_4_2_5_5_3_1_a_number_is_assigned() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 3, 5);
        assert_eq!(b.numbers(), [1, 2]);
        let told = b.net.told();
        assert_eq!(told, ["a you_are_in 5 1", "b you_are_in 5 2", "a I_am_starting 3/0.2"]);
    });
}

#[test]
fn clause_4_2_5_5_3_1_a_number_given_up_is_not_given_out_at_once() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.say(at(1), sender(0, 2), &Content::IAmStopping { module: id(2, 0, 1) });
        b.join(at(2), "b", 2, 5);
        assert_eq!(b.numbers(), [2]);
        b.join(at(150), "c", 2, 5);
        assert_eq!(b.numbers(), [1, 2]);
    });
}

#[test]
fn clause_4_2_5_5_3_a_repeated_registration_is_answered_again() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.net.take();
        b.join(at(5), "b", 2, 5);
        assert_eq!(b.net.told(), ["b you_are_in 5 2", "a I_am_starting 2/0.2"]);
        assert_eq!(b.registrar.counts().repeated, 1);
        assert_eq!(b.numbers(), [1, 2]);
    });
}

#[test]
fn clause_4_2_5_5_3_a_restarted_module_is_registered_anew() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.net.take();
        b.join(at(5), "b", 2, 6);
        let expected = ["a I_am_stopping 2/0.2", "b you_are_in 6 3", "a I_am_starting 2/0.3"];
        assert_eq!(b.net.told(), expected);
        assert_eq!(b.numbers(), [1, 3]);
        assert_eq!(b.registrar.counts().imputed, 1);
    });
}

#[test]
fn clause_4_1_6_a_role_that_the_mib_does_not_list_is_not_answered() {
    by_modules(|mut b| {
        b.join(at(0), "a", 9, 5);
        b.join(at(0), "g", RoleNumber::RAMS_GATEWAY.0, 5);
        assert_eq!(b.net.told(), ["g you_are_in 5 1"]);
        assert_eq!(b.registrar.counts().unknown_roles, 1);
    });
}

#[test]
fn clause_4_2_5_5_3_2_the_registrar_tells_the_newcomer() {
    by_registrar(|mut b| {
        b.join(at(0), "a", 2, 5);
        let rule = rule(7);
        let assertion = Assertion::new(&rule);
        b.say(at(0), sender(0, 2), &Content::Subscribe { module: id(2, 0, 1), assertion });
        b.join(at(0), "b", 3, 5);
        b.net.take();
        b.join(at(0), "c", 3, 5);
        let expected = [
            "c you_are_in 5 3",
            "c I_am_here 0 0.1+1+0 0.2+0+0",
            "a module_has_started 3/0.3",
            "b module_has_started 3/0.3",
        ];
        assert_eq!(b.net.told(), expected);
        assert_eq!(b.registrar.counts().introductions_by_modules, 0);
    });
}

#[test]
fn clause_4_2_5_5_3_2_one_status_an_mpdu_and_not_at_once_for_ion() {
    let policy = Policy {
        one_status: true,
        briefing_delay: Duration::from_millis(30),
        ..policy(Introduction::ByRegistrar)
    };
    bench_with(&MIB, policy, |mut b| {
        b.start();
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 3, 5);
        b.tick(at_millis(30));
        b.net.take();
        b.join(at(1), "c", 3, 5);
        let expected =
            ["c you_are_in 5 3", "a module_has_started 3/0.3", "b module_has_started 3/0.3"];
        assert_eq!(b.net.told(), expected);
        b.tick(at_millis(1_030));
        assert_eq!(b.net.told(), ["c I_am_here 0 0.1+0+0", "c I_am_here 0 0.2+0+0"]);
    });
}

#[test]
fn clause_4_2_5_5_3_3_a_start_that_is_too_long_is_given_up_and_counted() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.tick(at(0));
        b.net.take();
        b.net.longest = Some(25);
        b.join(at(0), "b", 2, 5);
        assert_eq!(b.net.told(), ["b you_are_in 5 2"]);
        assert_eq!(b.registrar.stats().too_long, 1);
        b.net.longest = None;
        b.tick(at(1));
        assert!(b.net.told().is_empty(), "it is offered no more");
    });
}

#[test]
fn clause_4_2_5_5_3_2_what_is_told_is_split_to_fit() {
    by_registrar(|mut b| {
        b.join(at(0), "a", 2, 5);
        for subject in 1..=10 {
            let rule = rule(subject);
            let assertion = Assertion::new(&rule);
            b.say(at(0), sender(0, 2), &Content::Invite { module: id(2, 0, 1), assertion });
        }
        b.net.take();
        // All of it takes 132 octets.
        b.net.longest = Some(100);
        b.join(at(0), "b", 3, 5);
        let mut here = b.net.told();
        here.retain(|line| line.contains("here"));
        let told = ["b I_am_here 0 0.1+0+4", "b I_am_here 0 0.1+0+4", "b I_am_here 0 0.1+0+2"];
        assert_eq!(here, told, "it was halved until it fitted the link");
        b.net.longest = Some(45);
        b.join(at(0), "c", 3, 5);
        let mut here = b.net.told();
        here.retain(|line| line.contains("here"));
        assert_eq!(here, ["c I_am_here 0 0.2+0+0"], "module 1 and one rule do not fit the link");
        assert_eq!(b.registrar.counts().news_dropped, 1);
    });
    // Header, time tag, checksum, list and status heads: room for six rules.
    let mut buffer = [0; 12 + 5 + 2 + 4 + 8 + 11 + 6 * 9];
    let (mut members, mut dossiers) = ([const { Slot::EMPTY }; 4], [const { Slot::EMPTY }; 4]);
    let mut rules = [const { Slot::EMPTY }; 12];
    let storage = RegistrarStorage {
        members: &mut members,
        registrars: &mut [],
        dossiers: &mut dossiers,
        rules: &mut rules,
        buffer: &mut buffer,
    };
    let mib = Mib { policy: policy(Introduction::ByRegistrar), ..MIB };
    let config = RegistrarConfig::new(VentureNumber(1), UnitNumber::ROOT, endpoint("r0"));
    let registrar = Registrar::new(&mib, config, storage);
    let mut b = Bench { registrar, net: Script::default() };
    b.start();
    b.join(at(0), "a", 2, 5);
    for subject in 1..=10 {
        let rule = rule(subject);
        let assertion = Assertion::new(&rule);
        b.say(at(0), sender(0, 2), &Content::Invite { module: id(2, 0, 1), assertion });
    }
    b.net.take();
    b.join(at(0), "b", 3, 5);
    let here: Vec<_> = b.net.told().into_iter().filter(|line| line.contains("here")).collect();
    assert_eq!(here, ["b I_am_here 0 0.1+0+6", "b I_am_here 0 0.1+0+4"]);
}

#[test]
fn clause_4_2_5_5_3_2_without_all_dossiers_the_modules_tell() {
    by_registrar(|mut b| {
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.net.take();
        b.join(at(0), "b", 2, 5);
        let expected = ["b you_are_in 5 2", "a I_am_starting 2/0.2", "r1 I_am_starting 2/0.2"];
        assert_eq!(b.net.told(), expected, "nothing is known of cell 1");
        assert_eq!(b.registrar.counts().introductions_by_modules, 2);

        // All that cell 1 has is told when it is resynchronised.
        let of = id(3, 1, 4);
        let mut data = 1_u32.to_be_bytes().to_vec();
        data.extend(status(of, "x"));
        let kind = crate::ams::pdu::MpduType::MODULE_STATUS;
        b.receive(at(0), "r1", &raw(sender(1, 3), kind, of.reference(), &data));
        let modules = ModuleList::new(&[4]).unwrap();
        b.say(at(0), sender(1, 0), &Content::CellStatus { unit: UnitNumber(1), modules });
        b.net.take();
        b.join(at(0), "c", 2, 5);
        assert_eq!(b.net.told()[1], "c I_am_here 0 0.1+0+0 0.2+0+0 1.4+1+0");
    });
}

#[test]
fn clause_4_2_5_5_3_2_storage_that_overflowed_is_not_told_from() {
    by_registrar(|mut b| {
        b.join(at(0), "a", 2, 5);
        for subject in 1..=13 {
            let rule = rule(subject);
            let assertion = Assertion::new(&rule);
            b.say(at(0), sender(0, 2), &Content::Subscribe { module: id(2, 0, 1), assertion });
        }
        b.net.take();
        b.join(at(0), "b", 2, 5);
        assert_eq!(b.net.told(), ["b you_are_in 5 2", "a I_am_starting 2/0.2"]);
    });
}

#[test]
fn clause_4_2_5_5_3_3_other_registrars_are_told() {
    by_modules(|mut b| {
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        assert_eq!(b.net.told(), ["a you_are_in 5 1", "r1 I_am_starting 2/0.1"]);
    });
}

#[test]
fn clause_4_2_5_5_3_3_what_was_refused_is_told_later() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.tick(at(0));
        b.net.take();
        b.net.busy.extend(["a".into(), "c".into()]);
        b.join(at(1), "c", 2, 5);
        assert_eq!(b.net.told(), ["b I_am_starting 2/0.3"]);
        assert!(b.registrar.knows(ModuleKey { unit: UnitNumber(0), module: ModuleNumber(3) }));
        b.tick(at_millis(1_250));
        assert!(b.net.told().is_empty());
        b.net.busy.clear();
        b.tick(at_millis(1_500));
        assert_eq!(b.net.told(), ["c you_are_in 5 3", "a I_am_starting 2/0.3"]);
        assert_eq!(b.registrar.dossiers().count(), 0, "it is not needed any more");
        b.tick(at_millis(1_750));
        assert!(b.net.told().is_empty());
    });
}

#[test]
fn clause_4_2_5_5_3_3_what_is_out_of_date_by_then_is_not_told() {
    by_modules(|mut b| {
        b.join(at(0), "a", 2, 5);
        b.net.busy.insert("a".into());
        b.join(at(0), "b", 2, 5);
        b.say(at(0), sender(0, 2), &Content::IAmStopping { module: id(2, 0, 2) });
        b.net.take();
        b.net.busy.clear();
        b.tick(at(1));
        assert_eq!(b.net.told(), ["a I_am_stopping 2/0.2"]);
    });
}

#[test]
fn clause_4_2_5_5_7_starts_in_other_cells_are_passed_on() {
    by_modules(|mut b| {
        b.meet(at(0), 1, "r1");
        b.meet(at(0), 2, "r2");
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.net.take();
        let contact = contact("x");
        let contact = summary(&contact);
        let starting = Content::IAmStarting { module: id(3, 1, 4), contact };
        let started = Content::ModuleHasStarted { module: id(3, 1, 5), contact };
        for content in [starting, started] {
            let octets = b.say(at(1), sender(1, 0), &content);
            let copies = b.net.take();
            assert_eq!(copies, [(String::from("a"), octets.clone()), (String::from("b"), octets)]);
        }
    });
}

#[test]
fn clause_4_2_6_2_a_member_that_stops_is_passed_on() {
    by_modules(|mut b| {
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.net.take();
        let octets = b.say(at(1), sender(0, 2), &Content::IAmStopping { module: id(2, 0, 1) });
        let copies = b.net.take();
        assert_eq!(copies, [(String::from("b"), octets.clone()), (String::from("r1"), octets)]);
        assert_eq!(b.numbers(), [2]);
        b.tick(at(1));
        assert_eq!(b.net.beats(), ["cs heartbeat 0", "b heartbeat 0"], "4.2.7.1.3");
    });
}

#[test]
fn clause_4_2_6_3_stops_in_other_cells_are_passed_on() {
    by_modules(|mut b| {
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.net.take();
        let octets = b.say(at(1), sender(1, 3), &Content::IAmStopping { module: id(3, 1, 1) });
        assert_eq!(b.net.take(), [(String::from("a"), octets)]);
    });
}

/// The four MPDUs of 4.2.10 to 4.2.13 about `module`.
fn assertions(module: ModuleId, test: &mut dyn FnMut(&Content<'_>)) {
    let rule = rule(7);
    let (what, _) = rule.split_at(Cancellation::LEN);
    let cancellation = Cancellation::new(what.try_into().unwrap());
    let assertion = Assertion::new(&rule);
    test(&Content::Subscribe { module, assertion });
    test(&Content::Unsubscribe { module, cancellation });
    test(&Content::Invite { module, assertion });
    test(&Content::Disinvite { module, cancellation });
}

#[test]
fn clauses_4_2_10_2_to_4_2_13_2_what_members_assert_is_passed_on() {
    by_modules(|mut b| {
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.join(at(0), "b", 2, 5);
        b.net.take();
        assertions(id(2, 0, 1), &mut |content| {
            let octets = b.say(at(1), sender(0, 2), content);
            let copies = b.net.take();
            assert_eq!(copies, [(String::from("b"), octets.clone()), (String::from("r1"), octets)]);
        });
    });
}

#[test]
fn clauses_4_2_10_3_to_4_2_13_3_what_others_assert_is_passed_on_to_members() {
    by_modules(|mut b| {
        b.meet(at(0), 1, "r1");
        b.join(at(0), "a", 2, 5);
        b.net.take();
        assertions(id(2, 1, 1), &mut |content| {
            // As the standard has it, and with the sender rewritten as ION does.
            for sender in [sender(1, 2), sender(1, 0)] {
                let octets = b.say(at(1), sender, content);
                assert_eq!(b.net.take(), [(String::from("a"), octets)]);
            }
        });
    });
}

#[test]
fn clauses_4_2_10_2_to_4_2_13_2_dossiers_follow() {
    by_registrar(|mut b| {
        b.join(at(0), "a", 2, 5);
        let mut counts = Vec::new();
        assertions(id(2, 0, 1), &mut |content| {
            b.say(at(1), sender(0, 2), content);
            counts.push(b.registrar.rules().count());
        });
        assert_eq!(counts, [1, 0, 1, 0]);
    });
}

#[test]
fn ion_module_registers_and_invites() {
    let registration = "330100006000003e6b0215ec1c8194746c323133303730363433333a36303130300002117564703d323133303730363433333a343139333300217463703d323133303730363433333a333830353700e05e";
    let invite = "2801000003000009030000011c81947474006100000000611800cc61";
    let noted = "2400000000000000000000001c8194746c40f5";
    let mib = Mib { ventures: &[], ..MIB };
    bench_with(&mib, policy(Introduction::ByModules), |mut b| {
        b.start();
        b.receive(at(0), "cs", &unhex(noted));
        assert_eq!(b.registrar.stats().stale, 1, "it echoes 0, and that was not asked");
        b.join(at(0), "a", 3, 5);
        b.net.take();
        b.receive(at(1), "m", &unhex(registration));
        let expected = ["2130706433:60100 you_are_in 107/533.236 2", "a I_am_starting 96/0.2"];
        assert_eq!(b.net.told(), expected);
        b.receive(at(1), "m", &unhex(invite));
        assert_eq!(b.net.take(), [(String::from("2130706433:60100"), unhex(invite))]);
    });
}

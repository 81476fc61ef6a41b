use std::vec::Vec;

use crate::scos::messages::{
    Associate, Association, Binding, Cancel, Cursor, InventoryRequest, Message, Outcome, Refusal,
    Rejection, ScanRequest, ScheduleMark, UsageRequest,
};
use crate::scos::ssd::{Scan, Sensor, Ssd};
use crate::scos::ssm::{ActorName, Ssm, SsmConfig, SsmUser};
use crate::scos::testing::{
    Dice, MONDAY, SCAN, SSM_CONFIG, Toy, Wire, address, at, messages, octets, ssm,
};
use crate::scos::{
    ActorId, AssociationEvent, AttemptLimit, Authentication, DeviceConfig, DeviceSigner, RequestId,
    ScanId, Series, Suspicion, When,
};
use crate::time::Now;
use crate::transport::Address;

const DEVICE: u8 = 1;
const ACTOR: u8 = 7;
const NAMES: &[ActorName<'static>] = &[ActorName { name: "regulator", actor: ActorId(7) }];

#[derive(Default)]
struct Notes {
    suspicions: Vec<Suspicion>,
    usurpers: Vec<ActorId>,
    reports: Vec<(u16, Outcome)>,
}

impl SsmUser for Notes {
    fn intruder(&mut self, _: Now, _: &str, _: &Address, why: Suspicion) {
        self.suspicions.push(why);
    }

    fn usurper(&mut self, _: Now, actor: ActorId, _: &Address) {
        self.usurpers.push(actor);
    }

    fn report(&mut self, _: Now, report: &crate::scos::messages::Report<'_>) {
        self.reports.push((report.scan.occurrence, report.outcome));
    }
}

#[derive(Default)]
struct Idle(Vec<AssociationEvent>);

impl Sensor for Idle {
    fn begin(&mut self, _: Now, _: &Scan) -> Result<(), Rejection> {
        Ok(())
    }

    fn stop(&mut self, _: Now, _: &Scan) {}

    fn association(&mut self, _: Now, event: AssociationEvent) {
        self.0.push(event);
    }
}

/// An SSM that asks for proofs, and a device; each has a transport that says of the
/// other what it is told to.
struct Bench {
    ssm: Ssm<'static>,
    notes: Notes,
    ground: Wire,
    device: Ssd<'static>,
    idle: Idle,
    air: Wire,
    dice: &'static Dice,
}

fn bench(signer: Option<&'static [u8]>) -> Bench {
    let toy: &'static Toy = std::boxed::Box::leak(std::boxed::Box::default());
    let dice: &'static Dice = std::boxed::Box::leak(std::boxed::Box::default());
    let public: &'static [u8] = Toy::public(b"mast-1's private").leak();
    let devices = [DeviceConfig { device: "mast-1", public_key: public }];
    let config = SsmConfig { devices: &devices, ..SSM_CONFIG };
    let authentication = Authentication {
        scheme: toy,
        random: dice,
        attempts: crate::scos::testing::slots(8),
        limit: AttemptLimit::NOMINAL,
    };
    let ssm = ssm(config, 16, 3, 8).with_authentication(authentication).with_actors(NAMES);
    let mut device = crate::scos::testing::ssd_with_key("mast-1", public, address(0), 1);
    if let Some(private) = signer {
        device = device.with_signer(DeviceSigner::new(toy, private));
    }
    Bench {
        ssm,
        notes: Notes::default(),
        ground: Wire::default(),
        device,
        idle: Idle::default(),
        air: Wire::default(),
        dice,
    }
}

impl Bench {
    /// Ticks both and carries messages until there are no more, at one moment.
    fn settle(&mut self, seconds: u64) {
        let now = at(seconds);
        for _ in 0..20 {
            self.device.tick(now, &mut self.air, &mut self.idle);
            self.ssm.tick(now, &mut self.ground, &mut self.notes);
            let (up, down) = (self.air.take(), self.ground.take());
            if up.is_empty() && down.is_empty() {
                return;
            }
            for (_, octets) in up {
                let from = address(DEVICE);
                self.ssm.receive(now, &from, &octets, &mut self.ground, &mut self.notes);
            }
            for (to, octets) in down.into_iter().chain(self.ground.take()) {
                if to == address(DEVICE) {
                    let from = address(0);
                    self.device.receive(now, &from, &octets, &mut self.air, &mut self.idle);
                }
            }
        }
        panic!("they speak without end");
    }

    fn receive(
        &mut self,
        seconds: u64,
        from: u8,
        message: &Message<'_>,
    ) -> Vec<(Address, Vec<u8>)> {
        self.ground.take();
        let octets = octets(message);
        let from = address(from);
        self.ssm.receive(at(seconds), &from, &octets, &mut self.ground, &mut self.notes);
        self.ground.take()
    }

    /// What the device says, and the answers to that, while the SSM says nothing by itself.
    fn hear_the_device(&mut self, seconds: u64) {
        let (now, ssm) = (at(seconds), address(0));
        for _ in 0..3 {
            self.device.tick(now, &mut self.air, &mut self.idle);
            for (_, octets) in self.air.take() {
                let from = address(DEVICE);
                self.ssm.receive(now, &from, &octets, &mut self.ground, &mut self.notes);
            }
            for (_, octets) in self.ground.take() {
                self.device.receive(now, &ssm, &octets, &mut self.air, &mut self.idle);
            }
        }
    }

    fn book(&mut self, seconds: u64, number: u32, minute: i64) {
        self.ground.identity = Some("regulator");
        let sent = self.receive(seconds, ACTOR, &Message::ScanRequest(request(number, minute)));
        assert!(matches!(messages(&sent)[..], [Message::Granted(_)]), "{:?}", messages(&sent));
        self.ground.identity = None;
    }
}

fn request(number: u32, minute: i64) -> ScanRequest<'static> {
    ScanRequest {
        actor: ActorId(7),
        request: RequestId(number),
        floor: RequestId(0),
        device: "mast-1",
        series: Series { start: MONDAY + minute, minutes: 1, repeats: 0, offset: 1 },
        when: When::Exact,
        parameters: SCAN,
    }
}

#[test]
fn a_device_proves_itself_when_it_is_challenged() {
    let mut bench = bench(Some(b"mast-1's private"));
    bench.settle(0);
    assert!(bench.device.is_associated());
    assert_eq!(bench.idle.0, [AssociationEvent::Associated]);
    let stats = bench.ssm.stats();
    assert_eq!((stats.challenges, stats.associations), (1, 1));
    assert!(stats.advertisements > 0);
    assert_eq!(bench.device.stats().challenges, 1);
    // A refresh is proved like everything else.
    bench.settle(100);
    let stats = bench.ssm.stats();
    assert_eq!((stats.challenges, stats.refreshes), (2, 1));
    bench.device.leave();
    bench.settle(110);
    assert_eq!(bench.ssm.stats().disassociations, 1);
    // It changes its mind before it is answered.
    bench.device.join();
    bench.settle(120);
    bench.device.leave();
    bench.device.tick(at(121), &mut bench.air, &mut bench.idle);
    bench.device.join();
    bench.settle(122);
    assert!(bench.device.is_associated());
    assert_eq!(bench.ssm.stats().disassociations, 1);
    assert_eq!(bench.notes.suspicions, []);
}

#[test]
fn a_device_on_a_bound_connection_proves_itself_at_once_and_again_on_another() {
    let mut bench = bench(Some(b"mast-1's private"));
    (bench.air.binding, bench.ground.binding) = (Some([1; 32]), Some([1; 32]));
    bench.settle(0);
    assert!(bench.device.is_associated());
    assert_eq!(bench.ssm.stats().challenges, 0);
    // The connection is made anew: it refreshes at once, bound to that.
    (bench.air.binding, bench.ground.binding) = (Some([2; 32]), Some([2; 32]));
    bench.settle(1);
    let stats = bench.ssm.stats();
    assert_eq!((stats.challenges, stats.refreshes, stats.wrong_proofs), (0, 1, 0));
    // Somebody in between would have another value on either side.
    bench.air.binding = Some([3; 32]);
    bench.settle(2);
    assert_eq!(bench.ssm.stats().wrong_proofs, 1);
    assert_eq!(bench.notes.suspicions, [Suspicion::WrongProof]);
    assert_eq!(bench.device.stats().refusals, 1);
}

#[test]
fn a_device_without_its_key_stays_outside_and_says_so() {
    let mut keyless = bench(None);
    keyless.settle(0);
    assert!(!keyless.device.is_associated());
    assert_eq!(keyless.device.stats().challenges_unanswered, 1);
    assert_eq!(keyless.idle.0, [AssociationEvent::CannotProve]);

    let mut thief = bench(Some(b"another private"));
    thief.settle(0);
    assert!(!thief.device.is_associated());
    assert_eq!(thief.ssm.stats().wrong_proofs, 1);

    let mut broken = bench(Some(b""));
    broken.settle(0);
    assert_eq!(broken.device.stats().unsigned, 1);
    assert_eq!(broken.idle.0, [AssociationEvent::CannotProve]);
}

#[test]
fn a_challenge_that_answers_nothing_is_stray() {
    let mut bench = bench(Some(b"mast-1's private"));
    bench.settle(0);
    let challenge =
        crate::scos::messages::Challenge { device: "mast-1", sequence: 2, nonce: [1; 16] };
    for from in [0, 5] {
        let (now, from) = (at(1), address(from));
        let octets = octets(&Message::Challenge(challenge));
        bench.device.receive(now, &from, &octets, &mut bench.air, &mut bench.idle);
        bench.device.tick(now, &mut bench.air, &mut bench.idle);
    }
    assert_eq!(bench.device.stats().stale_answers, 2);
    assert!(bench.air.take().is_empty());
}

#[test]
fn without_random_octets_devices_wait_and_nothing_is_refused() {
    let mut bench = bench(Some(b"mast-1's private"));
    bench.dice.lost.set(true);
    bench.settle(0);
    assert_eq!(bench.ssm.stats().challenges_unmade, 1);
    bench.dice.lost.set(false);
    bench.settle(3);
    assert!(bench.device.is_associated());
    assert_eq!(bench.notes.suspicions, []);
}

#[test]
fn a_device_has_no_other_devices_link() {
    // With proofs and without.
    let mut strict = bench(Some(b"mast-1's private"));
    strict.ground.identity = Some("mast-2");
    strict.settle(0);
    assert_eq!(strict.ssm.stats().other_identities, 1);
    assert_eq!(strict.notes.suspicions, [Suspicion::OtherIdentity]);

    let mut plain = ssm(SSM_CONFIG, 4, 1, 1);
    let mut notes = Notes::default();
    for (identity, others) in [("mast-2", 1), ("mast-1", 1)] {
        let mut wire = Wire { identity: Some(identity), ..Wire::default() };
        let associate = Associate {
            request: Association::New,
            device: "mast-1",
            public_key: b"mast-1",
            boot: 1,
            sequence: 1,
            schedule: ScheduleMark::default(),
            proof: None,
        };
        let octets = octets(&Message::Associate(associate));
        plain.receive(at(0), &address(DEVICE), &octets, &mut wire, &mut notes);
        assert_eq!(plain.stats().other_identities, others);
    }
    assert_eq!(plain.stats().associations, 1);
}

#[test]
fn an_actor_has_no_other_actors_link() {
    let mut bench = bench(Some(b"mast-1's private"));
    bench.settle(0);
    let scan = Message::ScanRequest(request(1, 30));
    let cancel =
        Message::Cancel(Cancel { actor: ActorId(7), request: RequestId(1), floor: RequestId(0) });
    let at_start = Cursor::default();
    let copy = InventoryRequest { actor: ActorId(7), copy: 1, at: at_start };
    // A device's link, and one nobody is configured for.
    for identity in ["mast-1", "nobody"] {
        bench.ground.identity = Some(identity);
        for message in [&scan, &cancel] {
            let sent = bench.receive(1, ACTOR, message);
            let [Message::Refused(refused)] = messages(&sent)[..] else { panic!() };
            assert_eq!(refused.reason, Refusal::NotAuthorised);
        }
        assert!(bench.receive(1, ACTOR, &Message::InventoryRequest(copy)).is_empty());
        let usage = UsageRequest { actor: ActorId(7), copy: 1, at: ActorId(7) };
        assert!(bench.receive(1, ACTOR, &Message::UsageRequest(usage)).is_empty());
    }
    assert_eq!(bench.ssm.stats().usurped, 8);
    assert_eq!(bench.notes.usurpers, [ActorId(7); 8]);
    assert_eq!(bench.ssm.stats().withdrawn, 0);
    // Its own.
    bench.ground.identity = Some("regulator");
    let sent = bench.receive(1, ACTOR, &scan);
    assert!(matches!(messages(&sent)[..], [Message::Granted(_)]));
    let other = ScanRequest { actor: ActorId(8), ..request(1, 40) };
    let sent = bench.receive(1, ACTOR, &Message::ScanRequest(other));
    let [Message::Refused(refused)] = messages(&sent)[..] else { panic!() };
    assert_eq!((refused.actor, refused.reason), (ActorId(8), Refusal::NotAuthorised));
}

/// An Actor that is known by its link gets its reports where that is now.
#[test]
fn reports_follow_the_link_of_their_actor() {
    let mut bench = bench(Some(b"mast-1's private"));
    bench.settle(0);
    bench.book(1, 1, 3);
    // The Actor connects anew, and asks for nothing.
    bench.ground.resolves_to = Some(address(ACTOR + 1));
    bench.ground.take();
    bench.ssm.tick(at(3 * 60 + 60 + 180), &mut bench.ground, &mut bench.notes);
    let sent = bench.ground.take();
    let report =
        sent.iter().find(|(_, octets)| matches!(Message::parse(octets), Ok(Message::Report(_))));
    assert_eq!(report.map(|(to, _)| *to), Some(address(ACTOR + 1)));
    let scan = ScanId { actor: ActorId(7), request: RequestId(1), occurrence: 0 };
    let ack = Message::ReportAck(scan);
    bench.receive(500, ACTOR, &ack);
    assert_eq!(bench.ssm.unacknowledged(), 1);
    bench.receive(500, ACTOR + 1, &ack);
    assert_eq!(bench.ssm.unacknowledged(), 0);
}

/// While a device is away its occurrences are not booked, handed out or waited for
/// longer than they take; those that pass are rejected for that reason.
#[test]
fn what_passes_while_a_device_is_away_is_rejected_offline_and_the_rest_resumes() {
    for leaves in [true, false] {
        let mut bench = bench(Some(b"mast-1's private"));
        bench.settle(0);
        bench.book(1, 1, 10);
        bench.book(1, 2, 600);
        // It leaves, or its TTL is over, before it was handed the recipes.
        let away = if leaves {
            bench.device.leave();
            bench.hear_the_device(2);
            assert!(!bench.device.is_associated());
            assert_eq!(bench.ssm.stats().disassociations, 1);
            2
        } else {
            bench.ssm.tick(at(301), &mut bench.ground, &mut bench.notes);
            assert_eq!(bench.ssm.stats().expiries, 1);
            301
        };
        bench.ground.take();
        // Suspended: nothing is handed out, and nothing new is booked.
        bench.ssm.tick(at(away + 30), &mut bench.ground, &mut bench.notes);
        assert!(bench.ground.take().is_empty());
        bench.ground.identity = Some("regulator");
        let sent = bench.receive(away + 31, ACTOR, &Message::ScanRequest(request(3, 700)));
        let [Message::Refused(refused)] = messages(&sent)[..] else { panic!() };
        assert_eq!(refused.reason, Refusal::Offline);
        bench.ground.identity = None;
        // What passes is rejected.
        bench.ssm.tick(at(10 * 60 + 60 + 180), &mut bench.ground, &mut bench.notes);
        assert_eq!(bench.notes.reports, [(0, Outcome::Rejected(Rejection::Offline))]);
        bench.ground.take();
        // It returns, and is handed what is left.
        bench.device.join();
        let later = 10 * 60 + 300;
        bench.settle(later);
        bench.settle(later + 1);
        assert!(bench.device.is_associated());
        let left: Vec<_> = bench.device.schedule().map(|(entry, _)| entry.request).collect();
        assert_eq!(left, [RequestId(2)], "leaves: {leaves}");
        assert_eq!(bench.notes.reports.len(), 1);
    }
}

#[test]
fn a_nonce_is_used_once_and_a_lost_request_asks_for_another() {
    let mut bench = bench(Some(b"mast-1's private"));
    let now = at(0);
    bench.device.tick(now, &mut bench.air, &mut bench.idle);
    let first = bench.air.take();
    bench.ssm.receive(now, &address(DEVICE), &first[0].1, &mut bench.ground, &mut bench.notes);
    let challenge = bench.ground.take();
    bench.device.receive(now, &address(0), &challenge[0].1, &mut bench.air, &mut bench.idle);
    bench.device.tick(now, &mut bench.air, &mut bench.idle);
    let proved = bench.air.take();
    let [Message::Associate(associate)] = messages(&proved)[..] else { panic!() };
    assert!(matches!(associate.proof.unwrap().binding, Binding::Challenge(_)));
    // That is lost.
    bench.device.tick(at(30), &mut bench.air, &mut bench.idle);
    let again = bench.air.take();
    let [Message::Associate(associate)] = messages(&again)[..] else { panic!() };
    assert_eq!(associate.proof, None);
    // The proof arrives late: once it is taken, and never from elsewhere.
    for (from, associations) in [(5, 0), (DEVICE, 1)] {
        let octets = &proved[0].1;
        let from = address(from);
        bench.ssm.receive(at(31), &from, octets, &mut bench.ground, &mut bench.notes);
        assert_eq!(bench.ssm.stats().associations, associations);
    }
    assert_eq!(bench.notes.suspicions, [Suspicion::StaleNonce]);
}

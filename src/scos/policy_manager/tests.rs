use std::boxed::Box;
use std::vec::Vec;

use super::*;
use crate::scos::ssm::{self, Ssm};
use crate::scos::testing::{SSM_CONFIG, Wire, address, at, messages, octets, ssm};

const SSM: u8 = 1;
const MANAGER: u8 = 9;
const FIRST: u32 = 100;
const REFRESH: Option<Duration> = Some(Duration::from_secs(600));
const STRONG: ActorPolicy = ActorPolicy { quota_minutes: Some(120), priority: 3 };
const WEAK: ActorPolicy = ActorPolicy { quota_minutes: Some(10), priority: 0 };

#[derive(Default)]
struct Told {
    applied: Vec<(ActorId, ActorPolicy)>,
    refused: Vec<(ActorId, PolicyOutcome)>,
}

impl PolicyUser for Told {
    fn applied(&mut self, _now: Now, setting: &ActorSetting) {
        self.applied.push((setting.actor(), setting.policy()));
    }

    fn refused(&mut self, _now: Now, setting: &ActorSetting, outcome: PolicyOutcome) {
        self.refused.push((setting.actor(), outcome));
    }
}

struct Bench {
    manager: PolicyManager<'static>,
    ssm: Ssm<'static>,
    told: Told,
}

fn manager(first_version: u32, refresh: Option<Duration>) -> PolicyManager<'static> {
    let (ssm, backoff) = (address(SSM), Backoff::NOMINAL);
    let config = PolicyManagerConfig { ssm, backoff, refresh, first_version };
    PolicyManager::new(config, Box::leak((0..3).map(|_| Slot::EMPTY).collect()))
}

fn authorised(mut ssm: Ssm<'static>) -> Ssm<'static> {
    ssm.set_policy_manager(Some(ssm::PolicyManager::Address(address(MANAGER))));
    ssm
}

impl Bench {
    fn new() -> Self {
        let ssm = authorised(ssm(SSM_CONFIG, 16, 3, 4));
        Self { manager: manager(FIRST, REFRESH), ssm, told: Told::default() }
    }

    /// What the policy manager sends now.
    fn tick(&mut self, seconds: u64) -> Vec<SetActorPolicy> {
        let mut wire = Wire::default();
        self.manager.tick(at(seconds), &mut wire);
        let sent = wire.take();
        assert!(sent.iter().all(|(to, _)| *to == address(SSM)));
        let settings = messages(&sent).into_iter().map(|message| match message {
            Message::SetActorPolicy(set) => set,
            other => panic!("{other:?}"),
        });
        settings.collect()
    }

    fn receive(&mut self, seconds: u64, from: u8, message: &Message<'_>) {
        let (mut wire, octets) = (Wire::default(), octets(message));
        self.manager.receive(at(seconds), &address(from), &octets, &mut wire, &mut self.told);
        assert!(wire.take().is_empty());
    }

    /// The SSM answers, and the policy manager hears it.
    fn exchange(&mut self, seconds: u64) -> usize {
        let sent = self.tick(seconds);
        for set in &sent {
            let (mut wire, octets) = (Wire::default(), octets(&Message::SetActorPolicy(*set)));
            self.ssm.receive(at(seconds), &address(MANAGER), &octets, &mut wire, &mut ());
            for answer in messages(&wire.take()) {
                self.receive(seconds, SSM, &answer);
            }
        }
        sent.len()
    }

    fn due(&self) -> Option<u64> {
        self.manager.next_deadline().map(|due| due.as_micros() / 1_000_000)
    }
}

const ONE: ActorId = ActorId(1);

#[test]
fn what_is_set_holds() {
    let mut bench = Bench::new();
    assert_eq!(bench.manager.next_deadline(), None);
    bench.manager.set(ONE, STRONG).unwrap();
    bench.manager.set(ActorId(2), WEAK).unwrap();
    assert_eq!(bench.due(), Some(0));
    assert_eq!(bench.exchange(5), 2);
    assert_eq!(bench.told.applied, [(ONE, STRONG), (ActorId(2), WEAK)]);
    assert_eq!(bench.ssm.actor_policy(ONE), STRONG);
    let set: Vec<_> = bench.ssm.actor_policies().map(|(_, _, version)| version).collect();
    assert_eq!(set, [FIRST, FIRST + 1]);
    // The same again is nothing new; another is.
    bench.manager.set(ONE, STRONG).unwrap();
    assert_eq!(bench.exchange(6), 0);
    bench.manager.set(ONE, WEAK).unwrap();
    assert_eq!(bench.manager.setting(ONE).unwrap().state(), SettingState::Owed);
    assert_eq!(bench.exchange(7), 1);
    assert_eq!(bench.ssm.actor_policy(ONE), WEAK);
    assert_eq!(bench.manager.setting(ONE).unwrap().state(), SettingState::InForce);
}

#[test]
fn it_is_said_until_it_is_answered_and_as_it_is_wanted_then() {
    let mut bench = Bench::new();
    bench.manager.set(ONE, STRONG).unwrap();
    assert_eq!(bench.tick(0).len(), 1);
    assert_eq!(bench.tick(1).len(), 0);
    assert_eq!((bench.due(), bench.tick(2).len()), (Some(2), 1));
    assert_eq!(bench.due(), Some(6), "the wait doubles");
    bench.manager.set(ONE, WEAK).unwrap();
    let sent = bench.tick(2);
    let set = SetActorPolicy { version: FIRST + 1, actor: ONE, policy: WEAK };
    assert_eq!(sent, [set]);
    // The answer to the first one is late.
    let late = ActorPolicyAck { actor: ONE, version: FIRST, outcome: PolicyOutcome::Applied };
    bench.receive(3, SSM, &Message::ActorPolicyAck(late));
    assert_eq!((bench.told.applied.len(), bench.manager.stats().stray_answers), (0, 1));
    assert_eq!(bench.exchange(4), 1);
    assert_eq!(bench.told.applied, [(ONE, WEAK)]);
}

#[test]
fn a_refusal_is_told_once_and_the_ssm_asked_again() {
    let mut bench = Bench::new();
    bench.ssm.set_policy_manager(None);
    bench.manager.set(ONE, STRONG).unwrap();
    for seconds in [0, 2, 6] {
        assert_eq!(bench.exchange(seconds), 1);
    }
    assert_eq!(bench.told.refused, [(ONE, PolicyOutcome::NotAuthorised)]);
    assert_eq!(bench.manager.stats().refused, 3);
    let state = SettingState::Refused(PolicyOutcome::NotAuthorised);
    assert_eq!(bench.manager.setting(ONE).unwrap().state(), state);
    bench.ssm = authorised(ssm(SSM_CONFIG, 16, 3, 4));
    assert_eq!(bench.exchange(14), 1);
    assert_eq!(bench.told.applied, [(ONE, STRONG)]);
}

#[test]
fn a_manager_that_starts_anew_goes_above_what_holds() {
    let mut bench = Bench::new();
    bench.manager.set(ONE, STRONG).unwrap();
    bench.exchange(0);
    bench.manager = manager(0, REFRESH);
    bench.manager.set(ONE, WEAK).unwrap();
    bench.manager.set(ActorId(2), WEAK).unwrap();
    bench.exchange(1);
    assert_eq!(bench.manager.stats().overtaken, 1);
    assert_eq!(bench.exchange(1), 1, "at once");
    assert_eq!(bench.ssm.actor_policy(ONE), WEAK);
    assert_eq!(bench.manager.setting(ONE).unwrap().version(), FIRST + 1);
    // The highest version there is: it cannot be set above that, and is asked slowly.
    let top = PolicyOutcome::Stale(u32::MAX);
    bench.manager.set(ONE, STRONG).unwrap();
    let version = bench.manager.setting(ONE).unwrap().version();
    let ack = ActorPolicyAck { actor: ONE, version, outcome: top };
    bench.receive(2, SSM, &Message::ActorPolicyAck(ack));
    let [set] = bench.tick(2)[..] else { panic!() };
    assert_eq!(set.version, u32::MAX);
    bench.receive(2, SSM, &Message::ActorPolicyAck(ActorPolicyAck { version: u32::MAX, ..ack }));
    assert_eq!((bench.tick(2).len(), bench.due()), (0, Some(4)));
}

#[test]
fn an_ssm_that_has_lost_it_has_it_again() {
    let mut bench = Bench::new();
    bench.manager.set(ONE, STRONG).unwrap();
    bench.exchange(0);
    assert_eq!(bench.due(), Some(600));
    bench.ssm = authorised(ssm(SSM_CONFIG, 16, 3, 4));
    assert_eq!((bench.exchange(599), bench.exchange(600)), (0, 1));
    assert_eq!(bench.ssm.actor_policy(ONE), STRONG);
    assert_eq!(bench.due(), Some(1_200));
    // Without: never.
    bench.manager = manager(FIRST, None);
    bench.manager.set(ActorId(2), WEAK).unwrap();
    bench.exchange(700);
    assert_eq!(bench.manager.next_deadline(), None);
}

#[test]
fn what_is_withdrawn_is_forgotten_when_it_is_known() {
    let mut bench = Bench::new();
    bench.manager.set(ONE, STRONG).unwrap();
    bench.exchange(0);
    bench.manager.withdraw(ONE).unwrap();
    assert_eq!(bench.manager.settings().count(), 1);
    assert_eq!(bench.exchange(1), 1);
    assert_eq!(bench.ssm.actor_policy(ONE), ActorPolicy::default());
    assert_eq!((bench.manager.settings().count(), bench.due()), (0, None));
    // Wanted again before it is gone.
    bench.manager.set(ONE, STRONG).unwrap();
    bench.manager.withdraw(ONE).unwrap();
    bench.manager.set(ONE, STRONG).unwrap();
    assert_eq!(bench.exchange(2), 1);
    assert_eq!(bench.ssm.actor_policy(ONE), STRONG);
    assert_eq!(bench.manager.settings().count(), 1);
}

#[test]
fn there_is_room_for_so_many() {
    let mut bench = Bench::new();
    for actor in 1..=3 {
        bench.manager.set(ActorId(actor), WEAK).unwrap();
    }
    assert_eq!(bench.manager.set(ActorId(4), STRONG), Err(Full(STRONG)));
    assert_eq!(bench.manager.withdraw(ActorId(4)), Err(Full(ActorPolicy::default())));
    let versions: Vec<_> = bench.manager.settings().map(ActorSetting::version).collect();
    assert_eq!(versions, [FIRST, FIRST + 1, FIRST + 2]);
}

#[test]
fn strays_are_counted_and_change_nothing() {
    let mut bench = Bench::new();
    bench.manager.set(ONE, STRONG).unwrap();
    bench.tick(0);
    let ack = ActorPolicyAck { actor: ONE, version: FIRST, outcome: PolicyOutcome::Applied };
    let before = std::format!("{:?}", bench.manager.settings);
    for other in
        [ActorPolicyAck { actor: ActorId(7), ..ack }, ActorPolicyAck { version: 99, ..ack }]
    {
        bench.receive(1, SSM, &Message::ActorPolicyAck(other));
    }
    bench.receive(1, SSM, &Message::NotAssociated);
    let mut wire = Wire::default();
    bench.manager.receive(at(1), &address(SSM), b"", &mut wire, &mut ());
    assert_eq!(std::format!("{:?}", bench.manager.settings), before);
    let stats = bench.manager.stats();
    assert_eq!((stats.stray_answers, stats.link.unexpected, stats.link.malformed), (2, 1, 1));
    // Where the transport is busy it is said later.
    assert_eq!(stats.sent, 1);
    bench.receive(2, SSM, &Message::ActorPolicyAck(ack));
    bench.receive(2, SSM, &Message::ActorPolicyAck(ack));
    assert_eq!((bench.told.applied.len(), bench.manager.stats().stray_answers), (1, 3));
}

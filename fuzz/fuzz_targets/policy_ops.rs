//! Whatever an SSM answers, a policy manager goes on saying what is wanted until it is
//! told that it holds, and of each Actor only what is wanted last.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use farpost::scos::messages::{ActorPolicyAck, Message, PolicyOutcome};
use farpost::scos::policy_manager::{
    ActorSetting, PolicyManager, PolicyManagerConfig, PolicyUser, SettingState,
};
use farpost::scos::{ActorId, ActorPolicy};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::Address;
use farpost_fuzz::scos::{self, BACKOFF, Radio};
use farpost_fuzz::{Result, Unstructured, noise, u8, wait};
use libfuzzer_sys::fuzz_target;

const ROOM: usize = 3;

/// What is wanted, and what the policy manager has told of it.
#[derive(Default)]
struct Told {
    wanted: BTreeMap<ActorId, ActorPolicy>,
    applied: u64,
}

impl PolicyUser for Told {
    fn applied(&mut self, _: Now, setting: &ActorSetting) {
        self.applied += 1;
        let wanted = self.wanted.get(&setting.actor()).copied().unwrap_or_default();
        assert_eq!(setting.policy(), wanted, "not what is wanted");
        assert_eq!(setting.state(), SettingState::InForce);
    }

    fn refused(&mut self, _: Now, setting: &ActorSetting, outcome: PolicyOutcome) {
        assert_eq!(setting.state(), SettingState::Refused(outcome));
    }
}

struct Bench<'s> {
    manager: PolicyManager<'s>,
    told: Told,
    radio: Radio,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { manager, told, radio, now } = self;
        match u8(u)? % 8 {
            0 => wait(now, u8(u)?, |now, due| {
                if due.is_some() {
                    manager.tick(now, radio);
                }
                manager.next_deadline()
            }),
            1 => radio.busy = u8(u)? % 2 == 1,
            2 => manager.receive(*now, &scos::address(u)?, noise(u)?, radio, told),
            3 => {
                let octets = scos::message(u, *now, radio)?;
                manager.receive(*now, &scos::address(u)?, &octets, radio, told);
            }
            4 | 5 => {
                let actor = ActorId((u8(u)? % 5).into());
                let (quota, priority) = (u8(u)?, u8(u)? % 3);
                let policy = ActorPolicy { quota_minutes: Some(quota.into()), priority };
                let has_room =
                    told.wanted.contains_key(&actor) || manager.settings().count() < ROOM;
                let known = manager.setting(actor).is_some();
                match manager.set(actor, policy) {
                    Ok(()) => drop(told.wanted.insert(actor, policy)),
                    Err(_) => assert!(!known && !has_room),
                }
            }
            6 => {
                let actor = ActorId((u8(u)? % 5).into());
                if manager.withdraw(actor).is_ok() {
                    told.wanted.remove(&actor);
                } else {
                    assert!(manager.setting(actor).is_none());
                }
            }
            _ => self.answer(u)?,
        }
        Ok(())
    }

    /// An answer to what was asked, or to something like it.
    fn answer(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { manager, told, radio, now } = self;
        let actor = ActorId((u8(u)? % 5).into());
        let (form, off) = (u8(u)?, u8(u)?);
        let asked = manager.setting(actor).map_or(1, ActorSetting::version);
        let outcome = match form % 4 {
            0 => PolicyOutcome::Applied,
            1 => PolicyOutcome::Stale(asked.saturating_add(off.into())),
            2 => PolicyOutcome::NotAuthorised,
            _ => PolicyOutcome::NoRoom,
        };
        let version = asked.saturating_sub(u32::from(form / 64));
        let ack = Message::ActorPolicyAck(ActorPolicyAck { actor, version, outcome });
        let mut buffer = [0; 64];
        let octets = ack.encode(&mut buffer).expect("it is small");
        manager.receive(*now, &scos::address(u)?, octets, radio, told);
        Ok(())
    }

    fn assert_in_order(&mut self) {
        let Self { manager, told, radio, now } = self;
        manager.tick(*now, radio);
        let next = manager.next_deadline();
        assert!(next.is_none_or(|next| next > now.monotonic), "a tick left something due");
        assert_eq!(manager.stats().applied, told.applied);
        for setting in manager.settings() {
            let wanted = told.wanted.get(&setting.actor()).copied().unwrap_or_default();
            assert_eq!(setting.policy(), wanted);
        }
        let missing = |actor: &ActorId| manager.setting(*actor).is_none();
        assert!(!told.wanted.keys().any(missing), "what is wanted is forgotten");
    }
}

fuzz_target!(|octets: &[u8]| {
    let config = PolicyManagerConfig {
        ssm: Address::new(0, &[0]),
        backoff: BACKOFF,
        refresh: octets.first().filter(|octet| **octet & 1 == 1).map(|_| Duration::from_secs(90)),
        first_version: 1,
    };
    let mut settings = [const { Slot::EMPTY }; ROOM];
    let manager = PolicyManager::new(config, &mut settings);
    let (told, radio) = (Told::default(), Radio::default());
    let mut bench = Bench { manager, told, radio, now: scos::start() };
    let mut u = Unstructured::new(octets.get(1..).unwrap_or_default());
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

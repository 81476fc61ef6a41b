//! Whatever a store holds, machines come up: each record is taken, damaged, unknown or
//! without room, and what was damaged is not there the next time.
#![no_main]

use std::collections::BTreeMap;

use farpost::scos::Restored;
use farpost::scos::actor::{Actor, ActorUser};
use farpost::scos::messages::{Rejection, Report};
use farpost::scos::ssd::{Scan, Sensor, Ssd};
use farpost::scos::ssm::Ssm;
use farpost::storage::Slot;
use farpost::store::{Loaded, RECORD_MAX, RecordKey, Store, StoreError};
use farpost::time::{Instant, Now, Utc};
use farpost_fuzz::machines::{self, ACTOR_REQUESTS, SsdRoom, SsmRoom};
use farpost_fuzz::scos::{self, Radio};
use libfuzzer_sys::fuzz_target;

/// Kinds of records: those of all machines, and one of none.
const KINDS: [u8; 13] =
    [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x7f];

/// Fewer than are cleared away in one start.
const RECORDS: usize = 24;

#[derive(Default)]
struct Memory(BTreeMap<RecordKey, Vec<u8>>);

impl Store for Memory {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        self.0.iter().for_each(|(key, value)| each(key, value));
        Ok(Loaded::default())
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        assert!(value.len() <= RECORD_MAX);
        self.0.insert(*key, value.to_vec());
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        self.0.remove(key);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// CRC-32, as in Ethernet.
fn sum(octets: impl Iterator<Item = u8>) -> u32 {
    !octets.fold(u32::MAX, |sum, octet| {
        (0..8).fold(sum ^ u32::from(octet), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 }
        })
    })
}

/// Records: what each is of, three octets of its key, how it is sealed, its length, and
/// its value in postcard.
fn records(mut octets: &[u8]) -> Memory {
    let mut memory = Memory::default();
    while let [kind, a, b, c, seal, length, rest @ ..] = octets
        && memory.0.len() < RECORDS
    {
        let (body, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        octets = rest;
        let kind = KINDS[usize::from(*kind) % KINDS.len()];
        let key = [kind, 0, 0, 0, *a, 0, 0, 0, *b, 0, *c];
        let version = if seal % 16 == 1 { 2 } else { 1 };
        let mut value: Vec<u8> = core::iter::once(version).chain(body.iter().copied()).collect();
        let sum = sum(key.iter().chain(&value).copied()) ^ u32::from(seal % 16 == 2);
        value.extend(sum.to_le_bytes());
        value.truncate(if seal % 16 == 3 { 3 } else { RECORD_MAX });
        memory.0.insert(RecordKey::new(key), value);
    }
    memory
}

struct Front;

impl Sensor for Front {
    fn begin(&mut self, _: Now, _: &Scan) -> Result<(), Rejection> {
        Ok(())
    }

    fn stop(&mut self, _: Now, _: &Scan) {}
}

struct User;

impl ActorUser for User {
    fn report(&mut self, _: Now, _: &Report<'_>) {}
}

/// Half an hour, half a minute at a time.
fn times() -> impl Iterator<Item = Now> {
    (0..60_u32).map(|turn| {
        let since = 30_000_000 * u64::from(turn);
        let start = scos::start();
        let utc = start.utc.unix_micros() + 30_000_000 * i64::from(turn);
        Now { monotonic: Instant::from_micros(since), utc: Utc::from_unix_micros(utc), ..start }
    })
}

fn ssm(memory: &mut Memory) -> Restored {
    let mut room = SsmRoom::<2>::default();
    let mut ssm = Ssm::new(machines::SSM, room.storage()).with_store(memory).expect("it is read");
    let restored = *ssm.restored();
    let mut radio = Radio::default();
    for now in times() {
        ssm.tick(now, &mut radio, &mut ());
        assert!(ssm.scheduler().is_consistent());
    }
    restored
}

fn ssd(memory: &mut Memory) -> Restored {
    let mut room = SsdRoom::default();
    let mut ssd =
        Ssd::new(machines::ssd_config(), room.storage()).with_store(memory).expect("it is read");
    let restored = *ssd.restored();
    let mut radio = Radio::default();
    for now in times() {
        ssd.tick(now, &mut radio, &mut Front);
        let mut schedule = ssd.schedule();
        assert!(schedule.all(|(entry, next)| next < entry.series.occurrences()));
    }
    restored
}

/// None where the store is that of another Actor.
fn actor(memory: &mut Memory) -> Option<Restored> {
    let mut requests = [const { Slot::EMPTY }; ACTOR_REQUESTS];
    let mut actor = match Actor::new(machines::actor_config(), &mut requests).with_store(memory) {
        Ok(actor) => actor,
        Err(error) => {
            assert_eq!(error, StoreError::Foreign);
            return None;
        }
    };
    let restored = *actor.restored();
    let mut radio = Radio::default();
    times().for_each(|now| actor.tick(now, &mut radio, &mut User));
    Some(restored)
}

fuzz_target!(|octets: &[u8]| {
    let [machine, octets @ ..] = octets else { return };
    let mut memory = records(octets);
    let count = memory.0.len();
    let start = |memory: &mut Memory| match machine % 3 {
        0 => Some(ssm(memory)),
        1 => Some(ssd(memory)),
        _ => actor(memory),
    };
    let Some(first) = start(&mut memory) else { return };
    let Restored { records, damaged, unknown, no_room, .. } = first;
    let found = records + damaged + unknown + no_room;
    assert_eq!(usize::try_from(found), Ok(count), "{first:?}");
    let again = start(&mut memory).expect("it is its own");
    // What is unknown stays, unless the machine keeps something of its own in its place.
    assert!(again.damaged == 0 && again.unknown <= unknown, "{again:?}");
});

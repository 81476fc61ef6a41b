//! What the tests of the machines share.

pub(crate) mod disk;
#[cfg(feature = "flash")]
pub(crate) mod flash;

use core::cell::Cell;
use core::time::Duration;
use std::vec::Vec;

use proptest::prelude::*;

use super::actor::{Actor, ActorConfig};
use super::calendar::{DevicePlan, Policy, RefusalReason};
use super::messages::{
    ActorPolicyAck, Advertise, Advertised, Alternative, Associate, Associated, Association,
    AssociationRefusal, AssociationRefused, Binding, Cancel, Cancelled, Challenge, Change, Cursor,
    Devices, EntriesBuffer, Granted, InventoryDevice, InventoryItem, InventoryRequest, MESSAGE_MAX,
    Message, Outcome, Place, PolicyOutcome, Proof, Refusal, Refused, Rejection, Report,
    ScanRequest, ScheduleAck, ScheduleChange, ScheduleEntry, ScheduleMark, SetActorPolicy, Usage,
    UsageItem, UsageRequest,
};
use super::metadata::{Analyser, Antenna, HardwareSpec, Host, Location, Receiver, SectionsBuffer};
use super::ssd::{Ssd, SsdConfig, SsdStorage};
use super::ssm::{Ssm, SsmConfig, SsmStorage};
use super::{
    ActorId, ActorPolicy, Admission, Backoff, Detector, DeviceConfig, DeviceMetadata, Limit,
    Pointing, ReferenceLevel, RequestId, ScanId, ScanParameters, ScanSettings, Section, Series,
    Summary, Sweep, When, Window, metadata,
};
use crate::crypto::{KeyUnusable, NoRandom, Random, SignatureScheme};
use crate::storage::Slot;
use crate::time::{ClockQuality, Instant, Now, Utc};
use crate::transport::{Address, Peer, SendError, Transport};

/// Monday, 2026-11-23T00:00Z, in minutes since 1970.
pub(crate) const MONDAY: i64 = 29_923_200;

pub(crate) const SCAN: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 5_000,
    transforms: 32,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

pub(crate) const RECEIVER: Receiver = Receiver {
    frequency_low_hz: 24_000_000,
    frequency_high_hz: 1_766_000_000,
    bandwidth_max_hz: 2_400_000,
    resolution_min_hz: 500,
    gain_min_db: 0,
    gain_max_db: 49,
};

pub(crate) const ANALYSER: Section<'static> = Section::Analyser(Analyser::new(RECEIVER));

pub(crate) const ANTENNA: Section<'static> = Section::Antenna(Antenna {
    spec: HardwareSpec { model: "D-130", ..HardwareSpec::UNKNOWN },
    kind: "discone",
    gain_tenth_dbi: Some(21),
    ..Antenna::UNKNOWN
});

pub(crate) const METADATA: &[Section<'static>] = &[
    ANALYSER,
    ANTENNA,
    Section::Host(Host { name: "mast", ..Host::UNKNOWN }),
    Section::Location(Location {
        latitude_e7: 472_000_000,
        longitude_e7: -83_000_000,
        height_cm: 51_200,
    }),
];

pub(crate) const fn sensor(recipes: u16) -> Section<'static> {
    Section::Sensor(metadata::Sensor { recipes, ..metadata::Sensor::UNKNOWN })
}

/// So many seconds after the machine started, on Monday at 00:00 and then some.
pub(crate) fn at(seconds: u64) -> Now {
    at_millis(seconds * 1_000)
}

pub(crate) fn at_millis(millis: u64) -> Now {
    Now {
        monotonic: Instant::from_micros(millis * 1_000),
        utc: Utc::from_unix_micros(MONDAY * 60_000_000 + millis as i64 * 1_000),
        quality: ClockQuality::Synchronised,
    }
}

pub(crate) fn address(number: u8) -> Address {
    Address::new(1, &[number])
}

pub(crate) fn octets(message: &Message<'_>) -> Vec<u8> {
    message.encode(&mut [0; MESSAGE_MAX]).unwrap().to_vec()
}

/// A transport that keeps what it is given, or takes nothing.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) sent: Vec<(Address, Vec<u8>)>,
    pub(crate) busy: bool,
    /// What it knows of everybody: who it is, and the value of the connection.
    pub(crate) identity: Option<&'static str>,
    pub(crate) binding: Option<[u8; 32]>,
    /// Where whom is that is asked for by identity.
    pub(crate) resolves_to: Option<Address>,
}

impl Wire {
    /// The octets sent since the last call.
    pub(crate) fn take(&mut self) -> Vec<(Address, Vec<u8>)> {
        core::mem::take(&mut self.sent)
    }
}

impl Transport for Wire {
    fn resolve(&mut self, _service: &str, _endpoint: &str) -> Option<Address> {
        self.resolves_to
    }

    fn send(&mut self, to: &Address, _flow: u8, octets: &[u8]) -> Result<(), SendError> {
        if self.busy {
            return Err(SendError::Busy);
        }
        self.sent.push((*to, octets.to_vec()));
        Ok(())
    }

    fn peer(&self, _address: &Address) -> Peer<'_> {
        Peer { identity: self.identity, binding: self.binding, origin: None }
    }
}

/// What is signed with a key, as a number: FNV-1a. Its public key is the private one
/// with every bit turned.
#[derive(Debug, Default)]
pub(crate) struct Toy {
    /// How many signatures were verified.
    pub(crate) verified: Cell<u32>,
}

impl Toy {
    pub(crate) fn public(private: &[u8]) -> Vec<u8> {
        private.iter().map(|octet| !octet).collect()
    }

    fn signature(private: &[u8], text: &[&[u8]]) -> [u8; 8] {
        let octets = private.iter().chain(text.iter().copied().flatten());
        let hash = octets.fold(0xcbf2_9ce4_8422_2325, |hash: u64, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        hash.to_be_bytes()
    }
}

impl SignatureScheme for Toy {
    fn signature_len(&self) -> usize {
        8
    }

    fn is_public_key(&self, key: &[u8]) -> bool {
        !key.is_empty()
    }

    fn is_private_key(&self, key: &[u8]) -> bool {
        !key.is_empty()
    }

    fn sign(&self, private: &[u8], text: &[&[u8]], to: &mut [u8]) -> Result<(), KeyUnusable> {
        if private.is_empty() {
            return Err(KeyUnusable);
        }
        to.copy_from_slice(&Self::signature(private, text));
        Ok(())
    }

    fn verify(&self, public: &[u8], text: &[&[u8]], signature: &[u8]) -> bool {
        self.verified.set(self.verified.get() + 1);
        Self::signature(&Self::public(public), text) == signature
    }
}

/// Octets that are another each time, or none.
#[derive(Debug, Default)]
pub(crate) struct Dice {
    pub(crate) thrown: Cell<u8>,
    pub(crate) lost: Cell<bool>,
}

impl Random for Dice {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        if self.lost.get() {
            return Err(NoRandom);
        }
        for octet in octets {
            self.thrown.set(self.thrown.get().wrapping_add(1));
            *octet = self.thrown.get();
        }
        Ok(())
    }
}

/// The messages among octets sent.
pub(crate) fn messages(sent: &[(Address, Vec<u8>)]) -> Vec<Message<'_>> {
    sent.iter().map(|(_, octets)| Message::parse(octets).unwrap()).collect()
}

/// The parts of any message: texts and octets are borrowed from them.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    device: std::string::String,
    pub(crate) texts: [std::string::String; 4],
    key: Vec<u8>,
    spectrum: Vec<u8>,
    pub(crate) numbers: [u32; 6],
    pub(crate) long: [i64; 2],
    pub(crate) small: [u16; 5],
    pub(crate) parameters: ScanParameters,
    choice: u8,
    pub(crate) flag: bool,
}

pub(crate) fn parts() -> impl Strategy<Value = Parts> {
    let texts = ["[a-z0-9]{1,32}", "[a-zé]{0,16}", "[ -~]{0,32}", "[A-Z]{0,32}", "[0-9]{0,9}"];
    let [device, a, b, c, d] = texts;
    let small = (1_u16..=10_080, 0_u16..10_080, any::<u16>(), any::<u16>(), 1_u16..);
    let bytes = |limit| proptest::collection::vec(any::<u8>(), 0..=limit);
    (
        (device, [a, b, c, d], bytes(64), bytes(1_024)),
        (any::<[u32; 6]>(), any::<[i64; 2]>(), small, parameters(), any::<u8>(), any::<bool>()),
    )
        .prop_map(
            |((device, texts, key, spectrum), (numbers, long, small, parameters, choice, flag))| {
                let small = [small.0, small.1, small.2, small.3, small.4];
                Parts {
                    device,
                    texts,
                    key,
                    spectrum,
                    numbers,
                    long,
                    small,
                    parameters,
                    choice,
                    flag,
                }
            },
        )
}

pub(crate) fn parameters() -> impl Strategy<Value = ScanParameters> {
    (
        any::<(u64, u32, u32, u16, i8)>(),
        proptest::sample::select(Detector::ALL.to_vec()),
        proptest::sample::select(Window::ALL.to_vec()),
        proptest::option::of(settings()),
    )
        .prop_map(|(numbers, detector, window, settings)| {
            let (center_hz, bandwidth_hz, resolution_hz, transforms, gain_db) = numbers;
            ScanParameters {
                center_hz,
                bandwidth_hz,
                resolution_hz,
                transforms,
                detector,
                window,
                gain_db,
                settings,
            }
        })
}

fn settings() -> impl Strategy<Value = ScanSettings> {
    use proptest::option::of;
    (
        of(any::<(u64, u32)>()),
        of(any::<(i16, u16, bool)>()),
        of(any::<u8>()),
        of(any::<(u16, i16)>()),
        any::<(u32, bool)>(),
    )
        .prop_map(|(sweep, level, rf_path, pointing, (skip_samples, calibrated))| {
            ScanSettings {
                sweep: sweep.map(|(stop_hz, step_hz)| Sweep { stop_hz, step_hz }),
                level: level.map(|(reference_tenth_dbm, attenuation_tenth_db, preamplifier)| {
                    ReferenceLevel { reference_tenth_dbm, attenuation_tenth_db, preamplifier }
                }),
                rf_path,
                pointing: pointing.map(|(azimuth_tenth_deg, elevation_tenth_deg)| Pointing {
                    azimuth_tenth_deg,
                    elevation_tenth_deg,
                }),
                skip_samples,
                calibrated,
            }
        })
}

const REFUSALS: [Refusal; 6] = [
    Refusal::Calendar(RefusalReason::UnknownRequest),
    Refusal::Calendar(RefusalReason::Conflict),
    Refusal::OutOfCapability(Limit::Gain),
    Refusal::Calendar(RefusalReason::NotOnAMinute),
    Refusal::Forgotten,
    Refusal::Busy,
];

const OUTCOMES: [Outcome; 6] = [
    Outcome::Rejected(Rejection::Displaced),
    Outcome::Complete,
    Outcome::Incomplete,
    Outcome::Rejected(Rejection::Clock),
    Outcome::Rejected(Rejection::NoReport),
    Outcome::Rejected(Rejection::Restart),
];

const REQUESTS: [Association; 3] =
    [Association::New, Association::Refresh, Association::Disassociate];

/// How many kinds of messages there are.
pub(crate) const KINDS: u8 = 22;

impl Parts {
    pub(crate) fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[usize::from(self.choice) % of.len()]
    }

    fn series(&self) -> Series {
        let [minutes, repeats, ..] = self.small;
        Series { start: self.long[0], minutes, repeats, offset: minutes.saturating_add(7) }
    }

    fn entry(&self) -> ScheduleEntry {
        ScheduleEntry {
            actor: ActorId(self.numbers[0]),
            request: RequestId(self.numbers[1]),
            series: self.series(),
            parameters: self.parameters,
        }
    }

    fn scan(&self) -> ScanId {
        ScanId {
            actor: ActorId(self.numbers[0]),
            request: RequestId(self.numbers[1]),
            occurrence: self.small[2],
        }
    }

    /// A message of a kind, made of these parts.
    pub(crate) fn with_message<R>(&self, kind: u8, f: impl FnOnce(Message<'_>) -> R) -> R {
        let (actor, request) = (ActorId(self.numbers[0]), RequestId(self.numbers[1]));
        let floor = RequestId(self.numbers[2]);
        let device = &*self.device;
        let [_, _, a, b, c, d] = self.numbers;
        let mut entries = EntriesBuffer::new();
        for _ in 0..self.choice % 9 {
            entries.push(&self.entry());
        }
        let mut sections = SectionsBuffer::new();
        for kind in 0..self.choice % 3 {
            sections.push(&self.section((self.choice + kind).into()));
        }
        let section = self.section(self.choice.into());
        let place =
            if self.flag { Place::Section(section.key()) } else { Place::Recipe(actor, request) };
        let cursor = Cursor { device: self.small[3], place };
        f(match kind % KINDS {
            0 => Message::Associate(Associate {
                request: self.pick(&REQUESTS),
                device,
                public_key: &self.key,
                boot: a,
                sequence: b,
                schedule: ScheduleMark { epoch: c, version: d },
                proof: self.flag.then(|| Proof {
                    binding: self.pick(&[Binding::Connection, Binding::Challenge([7; 16])]),
                    signature: self.spectrum.get(..96).unwrap_or(&self.spectrum),
                }),
            }),
            1 => Message::Associated(Associated {
                device,
                sequence: a,
                state: self.pick(&REQUESTS),
                max_ttl_s: b,
                remaining_ttl_s: c,
                epoch: d,
            }),
            2 => Message::AssociationRefused(AssociationRefused {
                device,
                sequence: a,
                reason: AssociationRefusal::NotAuthorised,
            }),
            3 => Message::NotAssociated,
            4 => Message::Advertise(Advertise { boot: a, revision: b.max(1), section }),
            5 => Message::Advertised(Advertised {
                revision: a,
                section: section.key(),
                full: self.flag,
            }),
            6 => {
                let entry = self.entry();
                let change = if self.flag {
                    Change::Add { entry, next: entry.series.repeats }
                } else {
                    Change::Remove { actor, request }
                };
                let base = b % u32::MAX;
                Message::ScheduleChange(ScheduleChange {
                    epoch: a,
                    base,
                    version: base + 1,
                    change,
                })
            }
            7 => Message::ScheduleAck(ScheduleAck { epoch: a, version: b, full: self.flag }),
            8 => Message::Report(Report {
                scan: self.scan(),
                start: self.long[1],
                outcome: self.pick(&OUTCOMES),
                time_to_complete_ms: a,
                parameters: self.parameters,
                metadata: b,
                spectrum: &self.spectrum,
            }),
            9 => Message::ReportAck(self.scan()),
            10 => Message::ScanRequest(ScanRequest {
                actor,
                request,
                floor,
                replaces: self.flag.then_some(floor),
                dry_run: self.choice.is_multiple_of(3),
                devices: self.pick(&[
                    Devices::One(device),
                    Devices::Any,
                    Devices::any_of(&[device, "b", device]).unwrap(),
                    Devices::any_of(&[device; 8]).unwrap(),
                ]),
                across_weeks: self.choice.is_multiple_of(5),
                series: Series {
                    start: self.long[0],
                    minutes: self.small[2],
                    repeats: self.small[3],
                    offset: self.small[1],
                },
                when: self.pick(&[
                    When::Exact,
                    When::Nearest { max_shift_minutes: None },
                    When::Nearest { max_shift_minutes: Some(self.small[2]) },
                ]),
                parameters: self.parameters,
            }),
            11 => Message::Cancel(Cancel { actor, request, floor }),
            12 => Message::Granted(Granted {
                actor,
                request,
                dry_run: self.flag,
                replaced: self.choice.is_multiple_of(3).then_some(self.small[2]),
                device,
                series: self.series(),
                parameters: self.parameters,
            }),
            13 => Message::Refused(Refused {
                actor,
                request,
                reason: self.pick(&REFUSALS),
                first_conflict: self.flag.then_some(self.long[1]),
                alternative: (self.choice.is_multiple_of(3))
                    .then_some(Alternative { device, start: self.long[0] }),
            }),
            14 => Message::Cancelled(Cancelled { actor, request, keep: self.small[2] }),
            15 => Message::InventoryRequest(InventoryRequest { actor, copy: a, at: cursor }),
            17 => Message::Challenge(Challenge {
                device,
                sequence: a,
                nonce: core::array::from_fn(|at| self.choice.wrapping_mul(at as u8)),
            }),
            20 => Message::SetActorPolicy(SetActorPolicy {
                version: a.max(1),
                actor,
                policy: ActorPolicy {
                    quota_minutes: self.flag.then_some(b),
                    priority: self.choice,
                },
            }),
            21 => Message::ActorPolicyAck(ActorPolicyAck {
                actor,
                version: a,
                outcome: self.pick(&[
                    PolicyOutcome::Applied,
                    PolicyOutcome::Stale(b),
                    PolicyOutcome::NotAuthorised,
                    PolicyOutcome::NoRoom,
                ]),
            }),
            16 => Message::InventoryItem(InventoryItem {
                actor,
                copy: a,
                at: cursor,
                device: self.flag.then(|| InventoryDevice {
                    device,
                    remaining_ttl_s: b,
                    metadata: sections.sections(),
                    schedule: entries.entries(),
                }),
                next: self.choice.is_multiple_of(2).then_some(cursor),
            }),
            18 => Message::UsageRequest(UsageRequest { actor, copy: a, at: ActorId(b) }),
            _ => Message::UsageItem(UsageItem {
                actor,
                copy: a,
                at: ActorId(b),
                usage: self.flag.then_some(Usage {
                    granted_minutes: u64::from(c) << 32,
                    granted: d.into(),
                    time_to_complete_ms: u64::MAX - u64::from(a),
                    ..Usage::new(ActorId(c))
                }),
                next: self.choice.is_multiple_of(2).then_some(ActorId(d)),
            }),
        })
    }
}

/// Empty storage that lives as long as the tests.
pub(crate) fn slots<T>(count: usize) -> &'static mut [Slot<T>] {
    Vec::leak((0..count).map(|_| Slot::EMPTY).collect())
}

/// Room for spectra that lives as long as the tests.
pub(crate) fn summaries(count: usize) -> &'static mut [Summary] {
    Vec::leak(std::vec![Summary::EMPTY; count])
}

pub(crate) const QUICK: Backoff =
    Backoff { first: Duration::from_secs(2), limit: Duration::from_secs(20) };

/// A device of a name, with room for 16 recipes and 8 reports.
pub(crate) fn ssd(device: &'static str, ssm: Address, boot: u32) -> Ssd<'static> {
    ssd_with_key(device, device.as_bytes(), ssm, boot)
}

/// The same with another public key.
pub(crate) fn ssd_with_key(
    device: &'static str,
    public_key: &'static [u8],
    ssm: Address,
    boot: u32,
) -> Ssd<'static> {
    let config = SsdConfig {
        device,
        public_key,
        metadata: METADATA,
        ssm,
        boot,
        seed: boot.into(),
        backoff: QUICK,
        tolerance: Duration::from_secs(5),
        guard: Duration::from_secs(30),
    };
    let storage = SsdStorage {
        recipes: slots(16),
        reports: slots(8),
        summaries: summaries(8),
        metadata: Vec::leak(std::vec![0; DeviceMetadata::OCTETS]),
    };
    Ssd::new(config, storage)
}

pub(crate) const SSM_CONFIG: SsmConfig<'static> = SsmConfig {
    epoch: 9,
    devices: &[
        DeviceConfig { device: "mast-1", public_key: b"mast-1" },
        DeviceConfig { device: "mast-2", public_key: b"mast-2" },
        DeviceConfig { device: "mast-3", public_key: b"mast-3" },
    ],
    admission: Admission::Configured,
    max_ttl: Duration::from_secs(300),
    policy: Policy { lead_minutes: 1, ..Policy::OPEN },
    guard: Duration::from_secs(30),
    grace: Duration::from_secs(180),
    backoff: QUICK,
    memory: Duration::from_secs(3_600),
    keep: Duration::from_secs(86_400),
    operator: Some(ActorId(1)),
};

/// An SSM with room for four devices and so many requests, Actors and reports.
pub(crate) fn ssm(
    config: SsmConfig<'_>,
    bookings: usize,
    actors: usize,
    reports: usize,
) -> Ssm<'static> {
    Ssm::new(
        config,
        SsmStorage {
            devices: slots(4),
            plans: Vec::leak(std::vec![DevicePlan::EMPTY; 4]),
            metadata: Vec::leak(std::vec![DeviceMetadata::EMPTY; 4]),
            recipes: slots(bookings),
            bookings: slots(bookings),
            actors: slots(actors),
            reports: slots(reports),
            summaries: summaries(reports),
            usage: slots(actors),
        },
    )
}

pub(crate) fn actor(number: u32, ssm: Address) -> Actor<'static> {
    let config = ActorConfig {
        actor: ActorId(number),
        ssm,
        first_request: RequestId(1),
        backoff: QUICK,
        attempts: 20,
    };
    Actor::new(config, slots(64))
}

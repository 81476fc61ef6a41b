//! What the targets of the SCOS machines share: a transport that judges what it is
//! given, and messages made of a few octets of fuzz.

use std::time::Duration;

use farpost::scos::messages::{
    ActorPolicyAck, Advertise, Advertised, Alternative, Associate, Associated, Association,
    AssociationRefusal, AssociationRefused, Binding, Cancel, Cancelled, Challenge, Change, Cursor,
    Devices, EntriesBuffer, Granted, InventoryDevice, InventoryItem, InventoryRequest, MESSAGE_MAX,
    Message, Outcome, Place, PolicyOutcome, Proof, Refusal, Refused, Rejection, Report,
    ScanRequest, ScheduleAck, ScheduleChange, ScheduleEntry, ScheduleMark, SetActorPolicy, Usage,
    UsageItem, UsageRequest, VERSION_NOTICE,
};
use farpost::scos::metadata::{
    Analyser, Antenna, Environment, HardwareSpec, Host, Receiver, SectionKey, SectionKind,
    SectionsBuffer, Sensor, Surroundings,
};
use farpost::scos::{
    ActorId, ActorPolicy, Backoff, Detector, RequestId, ScanId, ScanParameters, ScanSettings,
    Section, Series, When, Window,
};
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};

use super::{Result, Unstructured, u8};

/// Sunday, 2026-11-22T23:40Z, in minutes since 1970: a week ends soon.
pub const START: i64 = 29_923_180;

pub const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(2), limit: Duration::from_secs(20) };

pub const SCAN: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 5_000,
    transforms: 32,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

pub const METADATA: &[Section<'static>] = &[
    Section::Analyser(Analyser::new(Receiver {
        frequency_low_hz: 24_000_000,
        frequency_high_hz: 1_766_000_000,
        bandwidth_max_hz: 2_400_000,
        resolution_min_hz: 500,
        gain_min_db: 0,
        gain_max_db: 49,
    })),
    Section::Antenna(Antenna { kind: "discone", gain_tenth_dbi: Some(21), ..Antenna::UNKNOWN }),
    Section::Host(Host { name: "mast", ..Host::UNKNOWN }),
    Section::Environment(Environment {
        surroundings: Some(Surroundings::OutdoorRural),
        ..Environment::UNKNOWN
    }),
];

pub const DEVICES: [&str; 3] = ["mast-1", "mast-2", "mast-3"];

/// The clock at the start of an input.
pub fn start() -> Now {
    Now {
        monotonic: Instant::ZERO,
        utc: Utc::from_unix_minute(START),
        quality: ClockQuality::Synchronised,
    }
}

/// Steps UTC by minutes or weeks, either way, or changes how far it is trusted.
pub fn step(now: &mut Now, u: &mut Unstructured<'_>) -> Result<()> {
    let by = i64::from(u8(u)?.cast_signed());
    let minutes = match u8(u)? % 8 {
        0 => by * 10_080,
        1 => {
            now.utc = Utc::from_unix_micros(if by < 0 { i64::MIN } else { i64::MAX });
            0
        }
        2 => {
            let qualities =
                [ClockQuality::Unset, ClockQuality::FreeRunning, ClockQuality::Synchronised];
            now.quality = qualities[usize::from(by.unsigned_abs() as u8) % 3];
            0
        }
        3 => {
            now.utc = start().utc;
            0
        }
        _ => by,
    };
    let micros = now.utc.unix_micros().saturating_add(minutes * 60_000_000);
    now.utc = Utc::from_unix_micros(micros);
    Ok(())
}

pub fn address(u: &mut Unstructured<'_>) -> Result<Address> {
    Ok(Address::new(0, &[u8(u)? % 4]))
}

/// Takes messages. What a machine sends that is none is a finding. It remembers
/// what an answer to them has to say.
#[derive(Default)]
pub struct Radio {
    pub busy: bool,
    /// The number of a device's run that was said last, and that of a request.
    pub boot: u32,
    pub requested: Option<RequestId>,
    sequence: u32,
    epoch: u32,
    version: u32,
    scan: ScanId,
    /// What was handed out last.
    handed: Option<ScheduleEntry>,
    copy: u32,
    at: Cursor,
    usage_copy: u32,
    usage_at: ActorId,
    /// The section that was said last, with its revision.
    section: Option<(u32, SectionKey)>,
}

impl Transport for Radio {
    fn resolve(&mut self, _: &str, _: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, _: &Address, _: u8, octets: &[u8]) -> std::result::Result<(), SendError> {
        if octets != VERSION_NOTICE {
            match Message::parse(octets).expect("a machine sent what is no message") {
                Message::Associate(associate) => {
                    self.sequence = associate.sequence;
                    if !self.busy {
                        self.boot = associate.boot;
                    }
                }
                Message::ScanRequest(asked) if !self.busy => {
                    self.requested = self.requested.max(Some(asked.request));
                }
                Message::ScheduleChange(change) => {
                    (self.epoch, self.version) = (change.epoch, change.version);
                    if let Change::Add { entry, .. } = change.change {
                        self.handed = Some(entry);
                    }
                }
                Message::Report(report) => self.scan = report.scan,
                Message::InventoryRequest(request) => {
                    (self.copy, self.at) = (request.copy, request.at);
                }
                Message::UsageRequest(request) => {
                    (self.usage_copy, self.usage_at) = (request.copy, request.at);
                }
                Message::Advertise(said) => {
                    self.section = Some((said.revision, said.section.key()));
                }
                _ => {}
            }
        }
        if self.busy { Err(SendError::Busy) } else { Ok(()) }
    }
}

/// One of a few, or, seldom, any.
fn few(u: &mut Unstructured<'_>, limit: u8) -> Result<u32> {
    match u8(u)? {
        255 => u.arbitrary(),
        other => Ok((other % limit).into()),
    }
}

fn few_u16(u: &mut Unstructured<'_>, limit: u8) -> Result<u16> {
    Ok(few(u, limit)? as u16)
}

fn scan(u: &mut Unstructured<'_>, radio: &Radio) -> Result<ScanId> {
    if u8(u)? % 2 == 0 {
        return Ok(radio.scan);
    }
    Ok(ScanId {
        actor: ActorId(few(u, 3)?),
        request: RequestId(few(u, 6)?),
        occurrence: few_u16(u, 8)?,
    })
}

/// Slots soon after `now`; they may be nonsense.
pub fn series(u: &mut Unstructured<'_>, now: Now) -> Result<Series> {
    let start = match u8(u)? {
        255 => u.arbitrary()?,
        ahead => now.utc.unix_minute().saturating_add(i64::from(ahead % 32) - 3),
    };
    let [minutes, repeats, offset] = [few_u16(u, 4)?, few_u16(u, 6)?, few_u16(u, 8)?];
    Ok(Series { start, minutes, repeats, offset })
}

/// Slots that can be granted.
fn sound_series(u: &mut Unstructured<'_>, now: Now) -> Result<Series> {
    let Series { start, minutes, repeats, offset } = series(u, now)?;
    let minutes = minutes.clamp(1, 10_080);
    Ok(Series { start, minutes, repeats: repeats.min(10_079), offset: offset.max(minutes) })
}

pub fn when(u: &mut Unstructured<'_>) -> Result<When> {
    Ok(match u8(u)? {
        0 => When::Nearest { max_shift_minutes: None },
        other if other % 2 == 0 => When::Nearest { max_shift_minutes: Some(other.into()) },
        _ => When::Exact,
    })
}

pub fn device(u: &mut Unstructured<'_>) -> Result<&'static str> {
    Ok(DEVICES[usize::from(u8(u)?) % 3])
}

pub fn parameters(u: &mut Unstructured<'_>) -> Result<ScanParameters> {
    Ok(parameters_of(u8(u)?))
}

fn parameters_of(octet: u8) -> ScanParameters {
    match octet % 8 {
        7 => ScanParameters { gain_db: 99, ..SCAN },
        6 => ScanParameters { settings: Some(ScanSettings::default()), ..SCAN },
        _ => SCAN,
    }
}

/// A device, or a choice of several.
pub fn devices(u: &mut Unstructured<'_>) -> Result<Devices<'static>> {
    let octet = u8(u)?;
    let one = DEVICES[usize::from(octet) % 3];
    Ok(match octet {
        224.. => Devices::Any,
        192.. => Devices::any_of(&[one, DEVICES[0], DEVICES[1]]).expect("there are three"),
        _ => Devices::One(one),
    })
}

fn entry(u: &mut Unstructured<'_>, now: Now) -> Result<ScheduleEntry> {
    Ok(ScheduleEntry {
        actor: ActorId(few(u, 3)?),
        request: RequestId(few(u, 6)?),
        series: sound_series(u, now)?,
        parameters: parameters(u)?,
    })
}

fn association(u: &mut Unstructured<'_>) -> Result<Association> {
    let all = [Association::New, Association::Refresh, Association::Disassociate];
    Ok(all[usize::from(u8(u)? % 3)])
}

/// A section of metadata, those that scans are judged by more often than others.
pub fn section(u: &mut Unstructured<'_>) -> Result<Section<'static>> {
    let text = ["", "mast", "12345678901234567890123456789012"][usize::from(u8(u)? % 3)];
    Ok(match u8(u)? % 8 {
        0 => Section::Antenna(Antenna { index: u8(u)? % 16, kind: text, ..Antenna::UNKNOWN }),
        1 => Section::Host(Host {
            spec: HardwareSpec { id: text, model: text, version: text, description: text },
            ..Host::UNKNOWN
        }),
        2 => Section::Environment(Environment {
            humidity_permille: Some(u16::from(u8(u)?)),
            weather: text,
            ..Environment::UNKNOWN
        }),
        3..=5 => METADATA[0],
        _ => Section::Sensor(Sensor { recipes: 3, ..Sensor::UNKNOWN }),
    })
}

fn place(u: &mut Unstructured<'_>) -> Result<Place> {
    Ok(match u8(u)? % 4 {
        0 => Place::Recipe(ActorId(few(u, 3)?), RequestId(few(u, 6)?)),
        1 => Place::Section(SectionKey { kind: SectionKind::Antenna, index: u8(u)? }),
        _ => Cursor::START.place,
    })
}

pub fn rejection(u: &mut Unstructured<'_>) -> Result<Rejection> {
    Ok([Rejection::Sensor, Rejection::Unable, Rejection::Busy][usize::from(u8(u)? % 3)])
}

/// A message of any kind.
pub fn message(u: &mut Unstructured<'_>, now: Now, radio: &Radio) -> Result<Vec<u8>> {
    let kind = u8(u)?;
    let (actor, request) = (ActorId(few(u, 3)?), RequestId(few(u, 6)?));
    let mut entries = EntriesBuffer::new();
    let mut sections = SectionsBuffer::new();
    // What came later has the numbers from 240 on.
    let message = match if kind < 240 { kind % 20 } else { 20 + kind % 2 } {
        0 => {
            let device = device(u)?;
            let key = if u8(u)? % 8 == 7 { "another" } else { device };
            Message::Associate(Associate {
                request: association(u)?,
                device,
                public_key: key.as_bytes(),
                boot: few(u, 3)?,
                sequence: few(u, 16)?,
                schedule: ScheduleMark { epoch: few(u, 3)?, version: few(u, 6)? },
                proof: if u8(u)? % 4 == 3 {
                    Some(Proof { binding: Binding::Challenge([7; 16]), signature: &[7; 64] })
                } else {
                    None
                },
            })
        }
        1 => Message::Associated(Associated {
            device: DEVICES[0],
            sequence: radio.sequence.wrapping_sub(few(u, 2)?),
            state: association(u)?,
            max_ttl_s: few(u, 90)?,
            remaining_ttl_s: few(u, 90)?,
            epoch: few(u, 3)?,
        }),
        2 => Message::AssociationRefused(AssociationRefused {
            device: DEVICES[0],
            sequence: radio.sequence,
            reason: AssociationRefusal::NotAuthorised,
        }),
        3 => Message::NotAssociated,
        4 => Message::Advertise(Advertise {
            boot: few(u, 3)?,
            revision: few(u, 6)?.max(1),
            section: section(u)?,
        }),
        5 => {
            let (revision, section) = radio.section.unwrap_or((1, SectionKey::SENSOR));
            let full = u8(u)? % 8 == 7;
            Message::Advertised(Advertised {
                revision: revision.wrapping_sub(few(u, 2)?),
                section,
                full,
            })
        }
        6 => {
            let change = if u8(u)? % 4 == 0 {
                Change::Remove { actor, request }
            } else {
                let entry = entry(u, now)?;
                Change::Add { entry, next: few_u16(u, 4)? % entry.series.occurrences() }
            };
            let base = few(u, 8)?.min(u32::MAX - 256);
            let version = base + 1 + u32::from(u8(u)? % 4);
            Message::ScheduleChange(ScheduleChange { epoch: few(u, 3)?, base, version, change })
        }
        7 => Message::ScheduleAck(ScheduleAck {
            epoch: radio.epoch,
            version: if u8(u)? % 2 == 0 { radio.version } else { few(u, 8)? },
            full: false,
        }),
        8 => {
            let outcomes =
                [Outcome::Complete, Outcome::Incomplete, Outcome::Rejected(rejection(u)?)];
            let outcome = outcomes[usize::from(u8(u)? % 3)];
            let spectrum = if outcome == Outcome::Complete { &b"spectrum"[..] } else { b"" };
            let scan = scan(u, radio)?;
            let handed = radio
                .handed
                .filter(|entry| (entry.actor, entry.request) == (scan.actor, scan.request));
            let start = handed.map_or(now.utc, |entry| entry.series.start_of(scan.occurrence));
            Message::Report(Report {
                scan,
                start: start.unix_minute(),
                outcome,
                time_to_complete_ms: few(u, 200)?,
                parameters: SCAN,
                metadata: few(u, 3)?,
                spectrum,
            })
        }
        9 => Message::ReportAck(scan(u, radio)?),
        10 => {
            let (floor, devices) = (RequestId(few(u, 2)?), devices(u)?);
            let (series, when, last) = (series(u, now)?, when(u)?, u8(u)?);
            Message::ScanRequest(ScanRequest {
                actor,
                request,
                floor,
                replaces: (last & 64 != 0).then(|| RequestId(request.0.wrapping_sub(1))),
                dry_run: last & 32 != 0,
                devices,
                series,
                when,
                across_weeks: last & 16 != 0,
                parameters: parameters_of(last),
            })
        }
        11 => Message::Cancel(Cancel { actor, request, floor: RequestId(few(u, 4)?) }),
        12 => Message::Granted(Granted {
            actor,
            request,
            dry_run: kind >= 119,
            replaced: (kind >= 187).then_some(1),
            device: device(u)?,
            series: sound_series(u, now)?,
            parameters: SCAN,
        }),
        13 => {
            let reasons = [Refusal::Busy, Refusal::Offline, Refusal::Forgotten];
            let reason = reasons[usize::from(u8(u)? % 3)];
            let alternative = (kind >= 119)
                .then(|| Alternative { device: DEVICES[0], start: now.utc.unix_minute() });
            Message::Refused(Refused { actor, request, reason, first_conflict: None, alternative })
        }
        20 => Message::SetActorPolicy(SetActorPolicy {
            version: few(u, 4)?.max(1),
            actor,
            policy: ActorPolicy {
                quota_minutes: (u8(u)? % 2 == 1).then_some(few(u, 12)?),
                priority: u8(u)? % 4,
            },
        }),
        21 => Message::ActorPolicyAck(ActorPolicyAck {
            actor,
            version: few(u, 4)?,
            outcome: PolicyOutcome::Applied,
        }),
        14 => Message::Cancelled(Cancelled { actor, request, keep: few_u16(u, 4)? }),
        19 => Message::Challenge(Challenge {
            device: DEVICES[0],
            sequence: radio.sequence.wrapping_sub(few(u, 2)?),
            nonce: [u8(u)?; 16],
        }),
        15 => Message::InventoryRequest(InventoryRequest {
            actor,
            copy: few(u, 3)?,
            at: Cursor { device: few_u16(u, 4)?, place: place(u)? },
        }),
        16 => {
            for _ in 0..u8(u)? % 4 {
                entries.push(&entry(u, now)?);
                sections.push(&section(u)?);
            }
            let next = Cursor { device: few_u16(u, 4)?, place: place(u)? };
            Message::InventoryItem(InventoryItem {
                actor,
                copy: radio.copy,
                at: radio.at,
                device: Some(InventoryDevice {
                    device: device(u)?,
                    remaining_ttl_s: 1,
                    metadata: sections.sections(),
                    schedule: entries.entries(),
                }),
                next: (u8(u)? % 2 == 0).then_some(next),
            })
        }
        17 => {
            Message::UsageRequest(UsageRequest { actor, copy: few(u, 3)?, at: ActorId(few(u, 3)?) })
        }
        _ => Message::UsageItem(UsageItem {
            actor,
            copy: radio.usage_copy,
            at: radio.usage_at,
            usage: (u8(u)? % 2 == 0).then_some(Usage::new(radio.usage_at)),
            next: (u8(u)? % 2 == 0).then_some(ActorId(few(u, 6)?)),
        }),
    };
    let mut buffer = [0; MESSAGE_MAX];
    Ok(message.encode(&mut buffer).expect("there is room").to_vec())
}

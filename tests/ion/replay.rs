//! Replaying a conversation with one of our machines in the place it had.

use core::mem;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};

use farpost::ams::pdu::{Aams, Mpdu, MpduType};
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};

use crate::conversation::{Conversation, Direction, Kind, Line, with_reference};

/// A machine of ours, with whoever uses it.
pub(crate) trait Entity {
    fn receive(&mut self, now: Now, from: &Address, line: &Line, wire: &mut Wire);
    fn tick(&mut self, now: Now, wire: &mut Wire);
    fn next_deadline(&self) -> Option<Instant>;
    /// Its user does what led to `line` then, if that was a user's doing.
    fn act(&mut self, now: Now, line: &Line, wire: &mut Wire);
}

/// Writes down what is sent. Addresses are endpoint names.
#[derive(Default)]
pub(crate) struct Wire {
    sent: Vec<(Address, Vec<u8>)>,
}

impl Transport for Wire {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        ["udp", "tcp"].contains(&service).then(|| address(service, endpoint))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        assert!(octets.len() >= 2, "ION closes a socket that gets less");
        self.sent.push((*to, octets.to_vec()));
        Ok(())
    }
}

/// The address of an endpoint name.
pub(crate) fn address(service: &str, endpoint: &str) -> Address {
    Address::new(u8::from(service == "tcp"), endpoint.as_bytes())
}

/// Longer than this an entity did not stand still but for being stopped.
const STOPPED: Duration = Duration::from_secs(9);

/// Feeds `entity` what came in, when it came, and compares what it sends.
pub(crate) fn replay(entity: &mut dyn Entity, conversation: &Conversation) {
    let mut stage = Stage { entity, wire: Wire::default(), at: Duration::ZERO };
    let mut numbers = Numbers::default();
    stage.run_until(Duration::ZERO);
    for line in &conversation.lines {
        stage.run_until(line.at);
        match line.direction {
            Direction::Out => {
                numbers.captured(line);
                stage.entity.act(at(line.at), line, &mut stage.wire);
            }
            Direction::In => {
                numbers.sent(&stage.wire);
                let line = numbers.translate(line.clone());
                let from = address("udp", &line.peer);
                stage.entity.receive(at(line.at), &from, &line, &mut stage.wire);
            }
        }
    }
    let last = conversation.lines.last().unwrap().at;
    stage.run_until(last + Duration::from_millis(10));
    let expected = conversation.lines.iter().filter(|line| line.direction == Direction::Out);
    let expected =
        expected.map(|line| (address("udp", &line.peer), line.octets.clone(), line.kind));
    numbers.sent(&stage.wire);
    let numbers = &numbers;
    let sent = stage.wire.sent.iter().map(|(to, octets)| (*to, octets.clone(), kind(octets)));
    compare(meanings(expected, |number| numbers.ours(number)), meanings(sent, |number| number));
}

struct Stage<'e> {
    entity: &'e mut dyn Entity,
    wire: Wire,
    at: Duration,
}

impl Stage<'_> {
    /// Ticks at every deadline up to `until`, but for a time it was stopped in: then
    /// what came meanwhile is read first.
    fn run_until(&mut self, until: Duration) {
        if until > self.at + STOPPED {
            self.at = until;
            return;
        }
        while let Some(next) = self.entity.next_deadline() {
            let next = Duration::from_micros(next.as_micros()).saturating_sub(START);
            if next > until {
                break;
            }
            self.at = self.at.max(next);
            self.entity.tick(at(self.at), &mut self.wire);
        }
        self.at = self.at.max(until);
    }
}

/// Machines start an hour after their clock did.
const START: Duration = Duration::from_secs(3_600);

fn at(since: Duration) -> Now {
    let start = Now {
        monotonic: Instant::ZERO,
        utc: Utc::from_unix_seconds(1_795_300_000),
        quality: ClockQuality::Synchronised,
    };
    start.after(START + since)
}

/// The query numbers of then and now.
#[derive(Default)]
struct Numbers {
    /// Captured questions that were not asked again yet, by type.
    open: HashMap<MpduType, VecDeque<u32>>,
    now: HashMap<u32, u32>,
    seen: usize,
}

impl Numbers {
    fn captured(&mut self, line: &Line) {
        if line.kind == Kind::Mams && is_question(line.mpdu().mpdu_type()) {
            let mpdu = line.mpdu();
            self.open.entry(mpdu.mpdu_type()).or_default().push_back(mpdu.reference());
        }
    }

    fn sent(&mut self, wire: &Wire) {
        for (_, octets) in &wire.sent[self.seen..] {
            let Ok(mpdu) = Mpdu::parse(octets) else { continue };
            let open = self.open.get_mut(&mpdu.mpdu_type());
            if let Some(captured) = open.and_then(VecDeque::pop_front) {
                self.now.insert(captured, mpdu.reference());
            }
        }
        self.seen = wire.sent.len();
    }

    fn ours(&self, captured: u32) -> u32 {
        self.now.get(&captured).copied().unwrap_or(captured)
    }

    /// What ION answers then as an answer to what is asked now.
    fn translate(&self, line: Line) -> Line {
        if line.kind == Kind::Aams || !is_answer(line.mpdu().mpdu_type()) {
            return line;
        }
        let reference = self.ours(line.mpdu().reference());
        Line { octets: with_reference(line.octets, reference), ..line }
    }
}

fn is_question(kind: MpduType) -> bool {
    [
        MpduType::REGISTRAR_QUERY,
        MpduType::MODULE_REGISTRATION,
        MpduType::RECONNECT,
        MpduType::ANNOUNCE_REGISTRAR,
    ]
    .contains(&kind)
}

fn is_answer(kind: MpduType) -> bool {
    [
        MpduType::CELL_SPEC,
        MpduType::REGISTRAR_UNKNOWN,
        MpduType::REGISTRAR_NOTED,
        MpduType::REJECTION,
        MpduType::YOU_ARE_IN,
        MpduType::RECONNECTED,
    ]
    .contains(&kind)
}

/// What was sent, in order, to each address and of each type.
type Meanings = BTreeMap<(String, String), Vec<String>>;

fn meanings(
    sent: impl Iterator<Item = (Address, Vec<u8>, Kind)>,
    number: impl Fn(u32) -> u32,
) -> Meanings {
    let mut all = Meanings::new();
    for (to, octets, kind) in sent {
        let (name, meaning) = match kind {
            Kind::Aams => ("message".into(), message(&octets)),
            Kind::Mams => {
                let mpdu = Mpdu::parse(&octets).unwrap();
                (mpdu.mpdu_type().name().unwrap().to_owned(), mams(&mpdu, &octets, &number))
            }
        };
        all.entry((format!("{to:?}"), name)).or_default().push(meaning);
    }
    all
}

/// Who says so, of what, and the contents, without the time tag.
fn mams(mpdu: &Mpdu<'_>, octets: &[u8], number: impl Fn(u32) -> u32) -> String {
    assert!(mpdu.checksum_flag(), "ION wants one");
    let reference =
        if is_question(mpdu.mpdu_type()) { number(mpdu.reference()) } else { mpdu.reference() };
    let contents = &octets[17..octets.len() - 2];
    format!("{:?} {reference:08x} {contents:02x?}", mpdu.sender())
}

fn message(octets: &[u8]) -> String {
    let message = Aams::parse(octets).unwrap();
    format!("{message:?}")
}

/// A PDU by its look: the header of an MPDU has the preamble of the time code.
fn kind(octets: &[u8]) -> Kind {
    if octets.get(12) == Some(&0x1c) && Mpdu::parse(octets).is_ok() {
        Kind::Mams
    } else {
        Kind::Aams
    }
}

/// Heartbeats need not be as many; of everything else there is as much as then.
fn compare(mut then: Meanings, mut now: Meanings) {
    let beats = |all: &mut Meanings| {
        let (beats, others) =
            mem::take(all).into_iter().partition(|((_, name), _)| name == "heartbeat");
        *all = others;
        beats
    };
    let (then_beats, now_beats): (Meanings, Meanings) = (beats(&mut then), beats(&mut now));
    for ((to, _), beats) in &then_beats {
        let same = now_beats.iter().find(|((now, _), _)| now == to);
        let count = same.map_or(0, |(_, beats)| beats.len());
        assert!(count.abs_diff(beats.len()) <= 2, "{to}: {count} heartbeats for {}", beats.len());
        assert!(same.is_none_or(|(_, now)| now.iter().all(|beat| beats.contains(beat))));
    }
    for (key, meanings) in &then {
        assert_eq!(now.get(key), Some(meanings), "{key:?}");
    }
    for (key, meanings) in &now {
        assert!(then.contains_key(key), "{key:?} was not sent then: {meanings:?}");
    }
}

//! Whatever a controller, a link, a clock, a device and a store do: an agent answers each
//! request once at most, leaves nothing due, and what its device has follows from its
//! schedule.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use farpost::crypto::{NoRandom, Random};
use farpost::southbound::agent::{
    AckPolicy, Agent, AgentConfig, AgentStorage, Answer, Call, Change, ClockPolicy, Device,
    DeviceFault, GapPolicy, Link, LinkState, StreamPolicy,
};
use farpost::southbound::messages::{
    ConfigurationChangeValues, CreateEntryValues, DeleteEntryValues, DeleteRouteValues,
    ExportMetrics, ExportMetricsValues, FinalizeValues, FromController, FromControllerValues,
    IfOperStatusDataPoint, InterfaceMetricsValues, RequestValues, Reset, SetRouteValues,
    StatusCode, Timestamp, ToController,
};
use farpost::southbound::protobuf::Encode;
use farpost::southbound::schedule::ChangeKey;
use farpost::southbound::telemetry::MetricKind;
use farpost::storage::Slot;
use farpost::time::{ClockQuality, Now, Utc};
use farpost::transport::SendError;
use farpost_fuzz::{Result, Unstructured, noise, u8, wait};
use libfuzzer_sys::fuzz_target;

const START: i64 = 1_715_299_200;

#[derive(Debug, Default)]
struct Counter(std::cell::Cell<u64>);

impl Random for Counter {
    fn fill(&self, octets: &mut [u8]) -> std::result::Result<(), NoRandom> {
        self.0.set(self.0.get() + 1);
        let given = self.0.get().to_le_bytes();
        octets.iter_mut().zip(given.iter().cycle()).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

#[derive(Default)]
struct Way {
    call: Call,
    export: Call,
    token: String,
    busy: bool,
    /// Requests given on this stream that are not answered.
    owed: BTreeMap<i64, u32>,
}

impl Way {
    fn take(&self) -> std::result::Result<(), SendError> {
        if self.busy { Err(SendError::Busy) } else { Ok(()) }
    }
}

impl Link for Way {
    fn reset(&mut self, call: Call, request: &[u8]) -> std::result::Result<(), SendError> {
        let reset = Reset::parse(request).expect("an ill-formed reset");
        assert_eq!(reset.agent_id(), "post");
        self.take()?;
        self.call = call;
        self.token = reset.schedule_manipulation_token().into();
        Ok(())
    }

    fn open(&mut self, call: Call) -> std::result::Result<(), SendError> {
        self.take()?;
        self.call = call;
        self.owed.clear();
        Ok(())
    }

    fn send(&mut self, call: Call, message: &[u8]) -> std::result::Result<(), SendError> {
        let message = ToController::parse(message).expect("an ill-formed message");
        assert_eq!(call, self.call);
        self.take()?;
        if let Some(response) = message.response() {
            let owed = self.owed.get_mut(&response.request_id());
            let owed = owed.expect("an answer to nothing");
            assert!(*owed > 0, "answered twice");
            *owed -= 1;
        }
        Ok(())
    }

    fn close(&mut self, _: Call) {}

    fn export(&mut self, call: Call, request: &[u8]) -> std::result::Result<(), SendError> {
        ExportMetrics::parse(request).expect("ill-formed metrics");
        self.take()?;
        self.export = call;
        Ok(())
    }
}

#[derive(Default)]
struct Board {
    configured: BTreeMap<String, Vec<u8>>,
    fails: bool,
}

impl Device for Board {
    fn apply(&mut self, _: Now, change: &Change<'_>) -> std::result::Result<(), DeviceFault> {
        if self.fails {
            return Err(DeviceFault);
        }
        let mut octets = vec![0; change.request.raw().len()];
        change.request.raw().copy_to(&mut octets).expect("there is room");
        self.configured.insert(format!("{:?}", change.key), octets);
        Ok(())
    }

    fn remove(&mut self, _: Now, key: &ChangeKey<'_>) -> std::result::Result<(), DeviceFault> {
        if self.fails {
            return Err(DeviceFault);
        }
        self.configured.remove(&format!("{key:?}"));
        Ok(())
    }
}

struct Bench<'s> {
    agent: Agent<'s>,
    way: Way,
    board: Board,
    now: Now,
    request_id: i64,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { agent, way, board, now, .. } = self;
        match u8(u)? % 12 {
            0 => wait(now, u8(u)?, |now, due| {
                if due.is_some() {
                    agent.tick(now, way, board);
                }
                agent.next_deadline()
            }),
            1 => way.busy = u8(u)? % 2 == 1,
            2 => board.fails = u8(u)? % 2 == 1,
            3 => {
                let call = way.call;
                let status = [StatusCode::OK, StatusCode::UNAVAILABLE][usize::from(u8(u)? % 2)];
                agent.reset_done(*now, call, status, way, board);
            }
            4 => agent.stream_opened(*now, way.call, way, board),
            5 => agent.stream_closed(*now, way.call, way, board),
            6 => {
                now.utc = Utc::from_unix_seconds(START + i64::from(u8(u)?));
                now.quality =
                    [ClockQuality::Synchronised, ClockQuality::Unset][usize::from(u8(u)? / 200)];
            }
            7 => {
                let call = Call(way.call.0.wrapping_sub((u8(u)? / 128).into()));
                let octets = noise(u)?;
                // What its request is called, as far as that can be told.
                let lengths = core::iter::once(octets.len()).chain(1..octets.len().min(12));
                for length in lengths {
                    if let Ok(message) = FromController::parse(&octets[..length]) {
                        way.owed.insert(message.request_id(), 2);
                    }
                }
                agent.receive(*now, call, octets, way, board);
            }
            8 => {
                let id = format!("if{}", u8(u)?);
                let point = IfOperStatusDataPoint::default();
                let metrics = InterfaceMetricsValues {
                    interface_id: Some(&id),
                    operational_state_data_points: &[point],
                    ..InterfaceMetricsValues::default()
                };
                let metrics =
                    ExportMetricsValues { interface_metrics: &[metrics], modem_metrics: &[] };
                agent.report(*now, MetricKind::State, &metrics);
            }
            9 => {
                let status = StatusCode((u8(u)? % 17).into());
                agent.exported(*now, way.export, status);
            }
            _ => self.request(u)?,
        }
        Ok(())
    }

    /// A well-formed request, with a number near the one whose turn it is.
    fn request(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { agent, way, board, now, request_id } = self;
        let seqno = (agent.next_seqno() + u64::from(u8(u)? % 8)).saturating_sub(2);
        let token = way.token.clone();
        let schedule_manipulation_token = if u8(u)? == 0 { "" } else { &token };
        let (kind, id, second) = (u8(u)?, u8(u)? % 8, u8(u)?);
        let id = format!("e{id}");
        let to = format!("{}", second % 5);
        let via = format!("{}", kind / 8);
        let time = Some(Timestamp { seconds: START + i64::from(second), nanos: 0 });
        let set = SetRouteValues { from: "", to: &to, dev: "", via: &via };
        let unset = DeleteRouteValues { from: "", to: &to };
        let change = match kind % 8 {
            0 => ConfigurationChangeValues::DeleteRoute(&unset),
            _ => ConfigurationChangeValues::SetRoute(&set),
        };
        let create = CreateEntryValues {
            schedule_manipulation_token,
            seqno,
            id: &id,
            time,
            time_gpst: None,
            change: Some(change),
        };
        let delete = DeleteEntryValues { schedule_manipulation_token, seqno, id: &id };
        let finalize =
            FinalizeValues { schedule_manipulation_token, seqno, up_to: time, up_to_gpst: None };
        let request = match kind % 8 {
            5 | 6 => RequestValues::DeleteEntry(&delete),
            7 => RequestValues::Finalize(&finalize),
            _ => RequestValues::CreateEntry(&create),
        };
        *request_id += 1;
        let message = FromControllerValues { request_id: *request_id, request: Some(request) };
        let mut buffer = vec![0; message.encoded_len()];
        let octets = message.encode(&mut buffer).expect("there is room");
        *way.owed.entry(*request_id).or_default() += 1;
        agent.receive(*now, way.call, octets, way, board);
        Ok(())
    }

    fn assert_in_order(&mut self) {
        let Self { agent, way, board, now, .. } = self;
        agent.tick(*now, way, board);
        let next = agent.next_deadline();
        assert!(next.is_none_or(|next| next > now.monotonic), "a tick left something due");
        let mut last = None;
        for entry in agent.entries() {
            assert!(last < Some((entry.time, entry.seqno)), "out of order");
            last = Some((entry.time, entry.seqno));
        }
        // No two changes are in force for the same, and the device has them all.
        let mut keys = std::collections::BTreeSet::new();
        for entry in agent.configuration() {
            let key = entry.key.expect("what sets something has a key");
            assert!(keys.insert(key), "two are in force");
            let has = board.configured.get(&format!("{key:?}"));
            let is_late = agent.stats().enact_failures > 0;
            assert!(is_late || has.is_some_and(|octets| octets == entry.change));
        }
        assert!(agent.link_state() != LinkState::Down || agent.next_deadline().is_some());
    }
}

fuzz_target!(|octets: &[u8]| {
    let Some((&how, octets)) = octets.split_first() else { return };
    let random = Counter::default();
    let config = AgentConfig {
        on_stream_end: if how & 1 == 0 { StreamPolicy::Renew } else { StreamPolicy::Resume },
        acknowledge: if how & 2 == 0 { AckPolicy::OnExecute } else { AckPolicy::OnReceipt },
        on_gap: if how & 4 == 0 { GapPolicy::Wait } else { GapPolicy::Renew },
        on_backstep: match how >> 3 & 3 {
            0 => ClockPolicy::Clamp,
            1 => ClockPolicy::Replay,
            _ => ClockPolicy::Renew,
        },
        drive_intermediate: how & 32 != 0,
        strict: how & 64 != 0,
        enact_retry: None,
        reserve: 64,
        stall_timeout: Duration::from_secs(20),
        ..AgentConfig::new("post", &random)
    };
    // Little of everything, so that it is often full.
    let mut rows = [const { Slot::EMPTY }; 8];
    let (mut room, mut answers, mut buffer) = ([0; 256], [Answer::EMPTY; 4], [0; 128]);
    let (mut states, mut statistics, mut links) = ([0; 48], [0; 48], [0; 48]);
    let storage = AgentStorage {
        rows: &mut rows,
        octets: &mut room,
        answers: &mut answers,
        buffer: &mut buffer,
        metrics: [&mut states, &mut statistics, &mut links],
    };
    let agent = Agent::new(config, storage).expect("it is of use");
    let now = Now {
        utc: Utc::from_unix_seconds(START),
        quality: ClockQuality::Synchronised,
        ..Now::default()
    };
    let (way, board) = (Way::default(), Board::default());
    let mut bench = Bench { agent, way, board, now, request_id: 0 };
    let mut u = Unstructured::new(octets);
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

//! An agent of the southbound interface is reset, given requests in and out of order, plays
//! them and exports metrics.

use std::time::Duration;

use farpost::crypto::{NoRandom, Random};
use farpost::southbound::agent::{
    Agent, AgentConfig, AgentStorage, Answer, Call, Change, Device, DeviceFault, Link,
};
use farpost::southbound::messages::{
    ConfigurationChangeValues, CreateEntryValues, DeleteEntryValues, ExportMetricsValues,
    FinalizeValues, FromControllerValues, IfOperStatusDataPoint, InterfaceMetricsValues,
    RequestValues, Reset, SetRouteValues, StatusCode, Timestamp,
};
use farpost::southbound::protobuf::Encode;
use farpost::southbound::schedule::ChangeKey;
use farpost::southbound::telemetry::MetricKind;
use farpost::storage::Slot;
use farpost::time::{ClockQuality, Now, Utc};
use farpost::transport::SendError;

use super::{assert_none, lend};

const START: i64 = 1_715_299_200;

#[derive(Debug)]
struct Fixed;

impl Random for Fixed {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        octets.fill(7);
        Ok(())
    }
}

struct Way {
    call: Call,
    token: [u8; 36],
    sent: u32,
    exported: u32,
}

impl Link for Way {
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        let reset = Reset::parse(request).unwrap();
        self.token.copy_from_slice(reset.schedule_manipulation_token().as_bytes());
        self.call = call;
        Ok(())
    }

    fn open(&mut self, call: Call) -> Result<(), SendError> {
        self.call = call;
        Ok(())
    }

    fn send(&mut self, _: Call, _: &[u8]) -> Result<(), SendError> {
        self.sent += 1;
        Ok(())
    }

    fn close(&mut self, _: Call) {}

    fn export(&mut self, _: Call, _: &[u8]) -> Result<(), SendError> {
        self.exported += 1;
        Ok(())
    }
}

#[derive(Default)]
struct Board {
    applied: u32,
    removed: u32,
}

impl Device for Board {
    fn apply(&mut self, _: Now, _: &Change<'_>) -> Result<(), DeviceFault> {
        self.applied += 1;
        Ok(())
    }

    fn remove(&mut self, _: Now, _: &ChangeKey<'_>) -> Result<(), DeviceFault> {
        self.removed += 1;
        Ok(())
    }
}

/// The request to route to a network of this name from a second on.
fn create<'a>(
    seqno: u64,
    schedule_manipulation_token: &'a str,
    id: &'a str,
    second: i64,
    route: &'a SetRouteValues<'a>,
) -> CreateEntryValues<'a> {
    CreateEntryValues {
        schedule_manipulation_token,
        seqno,
        id,
        time: Some(Timestamp { seconds: START + second, nanos: 0 }),
        time_gpst: None,
        change: Some(ConfigurationChangeValues::SetRoute(route)),
    }
}

#[test]
fn an_agent_allocates_nothing() {
    let storage = AgentStorage {
        rows: lend([const { Slot::EMPTY }; 16]),
        octets: lend([0; 1_024]),
        answers: lend([Answer::EMPTY; 8]),
        buffer: lend([0; 128]),
        metrics: [lend([0; 256]), lend([0; 256]), lend([0; 256])],
    };
    let mut agent = Agent::new(AgentConfig::new("post", &Fixed), storage).unwrap();
    let (mut way, mut board) =
        (Way { call: Call::default(), token: [0; 36], sent: 0, exported: 0 }, Board::default());
    let mut now = Now {
        utc: Utc::from_unix_seconds(START),
        quality: ClockQuality::Synchronised,
        ..Now::default()
    };
    assert_none("an agent at work", || {
        agent.tick(now, &mut way, &mut board);
        agent.reset_done(now, way.call, StatusCode::OK, &mut way, &mut board);
        agent.stream_opened(now, way.call, &mut way, &mut board);
        let token = way.token;
        let token = core::str::from_utf8(&token).unwrap();
        let delete = DeleteEntryValues { schedule_manipulation_token: token, seqno: 4, id: "a" };
        let finalize = FinalizeValues {
            schedule_manipulation_token: token,
            seqno: 5,
            up_to: Some(Timestamp { seconds: START, nanos: 0 }),
            up_to_gpst: None,
        };
        let [a, b, c] = ["a", "b", "c"].map(|to| SetRouteValues {
            from: "",
            to,
            dev: "eth0",
            via: "198.51.100.1",
        });
        let requests = [
            RequestValues::CreateEntry(&create(3, token, "c", 20, &c)),
            RequestValues::CreateEntry(&create(2, token, "b", 10, &b)),
            RequestValues::CreateEntry(&create(1, token, "a", -10, &a)),
            RequestValues::DeleteEntry(&delete),
            RequestValues::Finalize(&finalize),
        ];
        for (request_id, request) in (1..).zip(requests) {
            let message = FromControllerValues { request_id, request: Some(request) };
            let mut buffer = [0; 256];
            let octets = message.encode(&mut buffer).unwrap();
            agent.receive(now, way.call, octets, &mut way, &mut board);
        }
        let metrics = InterfaceMetricsValues {
            interface_id: Some("eth0"),
            operational_state_data_points: &[IfOperStatusDataPoint::default()],
            ..InterfaceMetricsValues::default()
        };
        let metrics = ExportMetricsValues { interface_metrics: &[metrics], modem_metrics: &[] };
        assert!(agent.report(now, MetricKind::State, &metrics));
        for _ in 0..30 {
            now = now.after(Duration::from_secs(1));
            agent.tick(now, &mut way, &mut board);
        }
    });
    assert_eq!((way.sent, way.exported), (6, 1));
    assert_eq!((board.applied, board.removed), (3, 1));
}

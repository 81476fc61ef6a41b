//! A controller and an agent between whom streams are lost.

use std::format;
use std::string::ToString;
use std::vec::Vec;

use core::time::Duration;

use super::{
    AskError, Controller, ControllerConfig, ControllerStorage, ControllerUser, ToAgent, Wish,
};
use crate::crypto::{NoRandom, Random};
use crate::southbound::agent::{
    Agent, AgentConfig, AgentStorage, Answer, Call, Change, Device, DeviceFault, Link, LinkState,
    StreamPolicy,
};
use crate::southbound::messages::{
    ConfigurationChangeValues, CreateEntryValues, FromController, FromControllerValues,
    HelloValues, RequestValues, ResetValues, ResponseValues, SetRouteValues, StatusCode,
    StatusValues, Timestamp, ToControllerValues,
};
use crate::southbound::protobuf::Encode;
use crate::southbound::schedule::ChangeKey;
use crate::storage::Slot;
use crate::time::{ClockQuality, Instant, Now, Utc, earliest};
use crate::transport::SendError;

const START: i64 = 1_715_299_200;

#[derive(Debug, Default)]
struct Counter(core::cell::Cell<u64>);

impl Random for Counter {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        self.0.set(self.0.get() + 1);
        let given = self.0.get().to_le_bytes();
        octets.iter_mut().zip(given.iter().cycle()).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

/// What either side has sent.
#[derive(Default)]
struct Wire {
    resets: Vec<(Call, Vec<u8>)>,
    opened: Option<Call>,
    up: Vec<Vec<u8>>,
    down: Vec<Vec<u8>>,
    is_busy: bool,
}

impl Link for Wire {
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        self.resets.push((call, request.to_vec()));
        Ok(())
    }

    fn open(&mut self, call: Call) -> Result<(), SendError> {
        self.opened = Some(call);
        Ok(())
    }

    fn send(&mut self, _: Call, message: &[u8]) -> Result<(), SendError> {
        self.up.push(message.to_vec());
        Ok(())
    }

    fn close(&mut self, _: Call) {}

    fn export(&mut self, _: Call, _: &[u8]) -> Result<(), SendError> {
        Ok(())
    }
}

impl ToAgent for Wire {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.is_busy {
            return Err(SendError::Busy);
        }
        self.down.push(message.to_vec());
        Ok(())
    }
}

#[derive(Default)]
struct Routes(std::collections::BTreeSet<std::string::String>);

impl Device for Routes {
    fn apply(&mut self, _: Now, change: &Change<'_>) -> Result<(), DeviceFault> {
        self.0.insert(change.key.to.to_string());
        Ok(())
    }

    fn remove(&mut self, _: Now, key: &ChangeKey<'_>) -> Result<(), DeviceFault> {
        self.0.remove(key.to);
        Ok(())
    }
}

/// What the controller has told.
#[derive(Default)]
struct Told {
    resets: u32,
    executed: Vec<u64>,
    refused: Vec<(u64, StatusCode)>,
}

impl ControllerUser for Told {
    fn reset(&mut self, _: Now) {
        self.resets += 1;
    }

    fn executed(&mut self, _: Now, seqno: u64) {
        self.executed.push(seqno);
    }

    fn refused(&mut self, _: Now, seqno: u64, status: StatusCode) {
        self.refused.push((seqno, status));
    }
}

fn leak<T: Clone>(value: T, count: usize) -> &'static mut [T] {
    Vec::leak(std::vec![value; count])
}

fn controller(rows: usize) -> Controller<'static> {
    let storage = ControllerStorage {
        rows: Vec::leak((0..rows).map(|_| Slot::EMPTY).collect()),
        octets: leak(0, 4_096),
        buffer: leak(0, 512),
    };
    Controller::new(ControllerConfig::new("post"), storage)
}

fn route(controller: &mut Controller<'_>, number: usize, second: i64) -> Result<u64, AskError> {
    let (id, to) = (format!("e{number}"), format!("192.0.2.{number}/32"));
    let route = SetRouteValues { from: "", to: &to, dev: "", via: "198.51.100.1" };
    controller.ask(&Wish::Create {
        id: &id,
        time: Timestamp { seconds: START + second, nanos: 0 },
        change: ConfigurationChangeValues::SetRoute(&route),
    })
}

const fn now(seconds: u64) -> Now {
    Now {
        monotonic: Instant::from_micros(seconds * 1_000_000),
        utc: Utc::from_unix_seconds(START),
        quality: ClockQuality::Synchronised,
    }
}

fn reset(token: &str) -> Vec<u8> {
    let reset = ResetValues { agent_id: "post", schedule_manipulation_token: token };
    let mut buffer = std::vec![0; reset.encoded_len()];
    reset.encode(&mut buffer).unwrap().to_vec()
}

fn said(hello: bool, answer: Option<(i64, StatusCode)>) -> Vec<u8> {
    use crate::southbound::messages::HelloValues;
    let message = ToControllerValues {
        hello: hello.then_some(HelloValues { agent_id: "post" }),
        response: answer.map(|(request_id, status)| ResponseValues {
            request_id,
            status: Some(StatusValues { code: status.0, ..StatusValues::default() }),
        }),
    };
    let mut buffer = std::vec![0; message.encoded_len()];
    message.encode(&mut buffer).unwrap().to_vec()
}

#[test]
fn a_request_is_sent_until_it_is_answered_for_good() {
    let (mut controller, mut wire, mut told) = (controller(8), Wire::default(), Told::default());
    assert_eq!(route(&mut controller, 1, 0), Err(AskError::NoToken));
    assert_eq!(controller.reset(now(0), &[0xff], &mut told), StatusCode::INVALID_ARGUMENT);
    assert_eq!(controller.reset(now(0), &reset("t"), &mut told), StatusCode::OK);
    assert_eq!(controller.reset(now(0), &reset("t"), &mut told), StatusCode::OK);
    assert_eq!(told.resets, 1);
    assert_eq!([1, 2].map(|number| route(&mut controller, number, 0)), [Ok(1), Ok(2)]);
    controller.tick(now(1), &mut wire);
    assert!(wire.down.is_empty(), "nobody has said hello");
    assert_eq!(controller.next_deadline(), None);
    controller.receive(now(1), &said(true, None), &mut told);
    controller.tick(now(1), &mut wire);
    assert_eq!(wire.down.len(), 2);
    assert_eq!(controller.next_deadline(), None);
    controller.receive(now(2), &said(false, Some((1, StatusCode::RESOURCE_EXHAUSTED))), &mut told);
    controller.receive(now(2), &said(false, Some((1, StatusCode::OK))), &mut told);
    controller.receive(now(2), &said(false, Some((0, StatusCode::OK))), &mut told);
    assert_eq!(controller.stats().stray_answers, 2);
    controller.receive(now(2), &said(false, Some((2, StatusCode::INVALID_ARGUMENT))), &mut told);
    assert_eq!(told.refused, [(2, StatusCode::INVALID_ARGUMENT)]);
    controller.tick(now(2), &mut wire);
    assert_eq!(wire.down.len(), 2);
    wire.is_busy = true;
    controller.tick(now(3), &mut wire);
    assert_eq!(controller.stats().send_refused, 1);
    wire.is_busy = false;
    controller.tick(now(4), &mut wire);
    assert_eq!(wire.down.len(), 3);
    controller.stream_closed();
    controller.receive(now(5), &said(true, None), &mut told);
    controller.tick(now(5), &mut wire);
    controller.receive(now(5), &said(false, Some((4, StatusCode::OK))), &mut told);
    assert_eq!((controller.unanswered(), &told.executed[..]), (0, &[1][..]));
    controller.receive(now(5), &[0xff], &mut told);
    assert_eq!(controller.stats().malformed, 1);
}

#[test]
fn without_room_nothing_is_asked() {
    let (mut controller, mut told) = (controller(2), Told::default());
    controller.reset(now(0), &reset("t"), &mut told);
    assert_eq!(route(&mut controller, 1, 0), Ok(1));
    assert_eq!(route(&mut controller, 2, 0), Ok(2));
    assert_eq!(route(&mut controller, 3, 0), Err(AskError::NoRoom));
    controller.reset(now(0), &reset("u"), &mut told);
    assert_eq!(route(&mut controller, 3, 0), Ok(1));
}

#[test]
fn over_streams_that_are_lost_all_is_executed_once_and_in_order() {
    for (seed, policy) in (0..40).zip([StreamPolicy::Renew, StreamPolicy::Resume].iter().cycle()) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let random: &'static Counter = std::boxed::Box::leak(std::boxed::Box::default());
        let config = AgentConfig { on_stream_end: *policy, ..AgentConfig::new("post", random) };
        let storage = AgentStorage {
            rows: Vec::leak((0..40).map(|_| Slot::EMPTY).collect()),
            octets: leak(0, 4_096),
            answers: leak(Answer::EMPTY, 16),
            buffer: leak(0, 128),
            metrics: core::array::from_fn(|_| leak(0, 16)),
        };
        let mut agent = Agent::new(config, storage).unwrap();
        let (mut controller, mut wire) = (controller(40), Wire::default());
        let (mut told, mut routes) = (Told::default(), Routes::default());
        let (mut time, mut wanted, mut resets) = (now(1), 0, 0);
        for round in 0..2_000 {
            agent.tick(time, &mut wire, &mut routes);
            if let Some((call, request)) = wire.resets.pop() {
                let status = controller.reset(time, &request, &mut told);
                agent.reset_done(time, call, status, &mut wire, &mut routes);
            }
            if agent.link_state() == LinkState::Opening {
                agent.stream_opened(time, wire.opened.unwrap(), &mut wire, &mut routes);
            }
            if told.resets > resets {
                (resets, wanted) = (told.resets, 0);
                told.executed.clear();
            }
            if wanted < 20 && route(&mut controller, wanted, 0).is_ok() {
                wanted += 1;
            }
            controller.tick(time, &mut wire);
            // Requests arrive in any order.
            rng.shuffle(&mut wire.down);
            if let Some(octets) = wire.down.pop() {
                let call = wire.opened.unwrap();
                agent.receive(time, call, &octets, &mut wire, &mut routes);
            }
            for octets in core::mem::take(&mut wire.up) {
                controller.receive(time, &octets, &mut told);
            }
            if round < 1_500 && agent.link_state() == LinkState::Open && rng.u8(..40) == 0 {
                agent.stream_closed(time, wire.opened.unwrap(), &mut wire, &mut routes);
                controller.stream_closed();
                wire.down.clear();
                wire.up.clear();
            }
            let next = earliest(agent.next_deadline(), controller.next_deadline());
            let wait = next.map_or(Duration::ZERO, |next| next.since(time.monotonic));
            time = time.after(wait.min(Duration::from_millis(200)));
        }
        assert_eq!(controller.unanswered(), 0, "seed {seed}");
        assert_eq!(told.executed.len(), 20, "seed {seed}");
        assert_eq!((routes.0.len(), agent.entries().count()), (20, 20), "seed {seed}");
        assert!(told.refused.is_empty());
    }
}

#[test]
fn what_somebody_else_wrote_is_asked_under_its_own_token_and_number() {
    /// Keeps what is sent.
    #[derive(Default)]
    struct Sent(Vec<Vec<u8>>);

    impl ToAgent for Sent {
        fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
            self.0.push(message.to_vec());
            Ok(())
        }
    }

    fn encoded(message: &dyn Encode) -> Vec<u8> {
        let mut room = std::vec![0; 512];
        let mut encoder = crate::southbound::protobuf::Encoder::new(&mut room);
        encoder.all(message);
        encoder.finish().unwrap().to_vec()
    }

    let (mut controller, now) = (controller(8), Now::default());
    let change = SetRouteValues { from: "", to: "192.0.2.1/32", dev: "", via: "198.51.100.1" };
    let create = CreateEntryValues {
        schedule_manipulation_token: "another",
        seqno: 77,
        id: "e1",
        time: Some(Timestamp { seconds: START + 5, nanos: 0 }),
        time_gpst: None,
        change: Some(ConfigurationChangeValues::SetRoute(&change)),
    };
    let message = FromControllerValues {
        request_id: 4_000,
        request: Some(RequestValues::CreateEntry(&create)),
    };
    let message = encoded(&message);
    let message = FromController::parse(&message).unwrap();
    assert_eq!(controller.ask_as(&message), Err(AskError::NoToken));
    let reset = ResetValues { agent_id: "post", schedule_manipulation_token: "token" };
    assert_eq!(controller.reset(now, &encoded(&reset), &mut ()), StatusCode::OK);
    assert_eq!(controller.ask_as(&message), Ok(1));
    assert_eq!(route(&mut controller, 1, 5), Ok(2));
    let hello = HelloValues { agent_id: "post" };
    let hello = ToControllerValues { hello: Some(hello), response: None };
    controller.receive(now, &encoded(&hello), &mut ());
    let mut sent = Sent::default();
    controller.tick(now, &mut sent);
    let sent: Vec<_> = sent.0.iter().map(|octets| FromController::parse(octets).unwrap()).collect();
    let said = |message: &FromController<'_>| match message.request() {
        Some(crate::southbound::messages::Request::CreateEntry(create)) => {
            assert_eq!(create.schedule_manipulation_token(), "token");
            (message.request_id(), create.seqno(), create.id().to_string(), create.time())
        }
        other => panic!("{other:?}"),
    };
    let time = Some(Timestamp { seconds: START + 5, nanos: 0 });
    let both = [(1, 1, "e1".to_string(), time), (2, 2, "e1".to_string(), time)];
    assert_eq!(sent.iter().map(said).collect::<Vec<_>>(), both);

    let nothing = FromController::parse(&[]).unwrap();
    assert_eq!(controller.ask_as(&nothing), Err(AskError::NoRequest));
}

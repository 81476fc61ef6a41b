//! An agent with a device that only notes, run against a controller.

use std::time::{Duration, Instant as RealInstant};

use bytes::Bytes;
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::grpc::{AgentHost, AgentMemory, GrpcConfig, GrpcLink};
use farpost::host::random::SystemRandom;
use farpost::southbound::agent::{
    Agent, AgentConfig, Change, Device, DeviceFault, Event, Pace, StreamPolicy,
};
use farpost::southbound::messages::{Reset, StatusCode, ToController};
use farpost::southbound::schedule::ChangeKey;
use farpost::time::Now;

use crate::controller::{Controller, Seen};
use crate::requests::AGENT;

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Notes what it is told.
#[derive(Debug, Default)]
pub(crate) struct Notes(pub(crate) Vec<String>);

impl Device for Notes {
    fn apply(&mut self, _now: Now, change: &Change<'_>) -> Result<(), DeviceFault> {
        self.0.push(format!("+{} {}", change.key.name, change.key.to));
        Ok(())
    }

    fn remove(&mut self, _now: Now, key: &ChangeKey<'_>) -> Result<(), DeviceFault> {
        self.0.push(format!("-{} {}", key.name, key.to));
        Ok(())
    }

    fn event(&mut self, _now: Now, event: Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

pub(crate) fn memory() -> AgentMemory {
    AgentMemory::new(64, 65_536, 4_096)
}

/// The configuration of agents here: as the default, but not as patient.
pub(crate) fn agent_config(policy: StreamPolicy) -> AgentConfig<'static> {
    let quick = Pace { first: Duration::from_millis(20), limit: Duration::from_millis(200) };
    AgentConfig {
        pace: quick,
        on_stream_end: policy,
        batch_delay: Duration::ZERO,
        ..AgentConfig::new(AGENT, &SystemRandom)
    }
}

/// An agent and what runs it.
pub(crate) struct Rig<'s> {
    driver: Driver<SystemClock>,
    pub(crate) host: AgentHost<'s, Notes>,
    /// What the controller saw and no test has asked for yet.
    pub(crate) seen: Vec<Seen>,
}

impl<'s> Rig<'s> {
    pub(crate) fn new(memory: &'s mut AgentMemory, policy: StreamPolicy, url: &str) -> Self {
        Self::with(memory, policy, &GrpcConfig::new(url))
    }

    pub(crate) fn with(
        memory: &'s mut AgentMemory,
        policy: StreamPolicy,
        config: &GrpcConfig,
    ) -> Self {
        let mut driver = Driver::new(SystemClock::new()).unwrap();
        let link = GrpcLink::start(config, driver.waker().unwrap()).unwrap();
        let agent = Agent::new(agent_config(policy), memory.storage()).unwrap();
        let mut host = AgentHost::new(agent, Notes::default(), link);
        driver.add(&mut host).unwrap();
        Self { driver, host, seen: Vec::new() }
    }

    /// Runs the agent once.
    pub(crate) fn turn(&mut self) -> Now {
        self.driver.turn(&mut [&mut self.host], Duration::from_millis(10)).unwrap()
    }

    /// Runs the agent until there is something.
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut find: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let began = RealInstant::now();
        loop {
            self.turn();
            if let Some(found) = find(self) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{what} does not come: {:#?}", self.host);
        }
    }

    /// Runs the agent until its controller sees something.
    pub(crate) fn sees<T>(
        &mut self,
        controller: &Controller,
        what: &str,
        mut find: impl FnMut(&Seen) -> Option<T>,
    ) -> T {
        self.until(what, |rig| {
            rig.seen.extend(controller.seen());
            let (place, found) =
                rig.seen.iter().enumerate().find_map(|(place, seen)| Some((place, find(seen)?)))?;
            // What was before has been passed over.
            rig.seen.drain(..=place);
            Some(found)
        })
    }

    /// Runs the agent until it has reset: the token.
    pub(crate) fn sees_reset(&mut self, controller: &Controller) -> String {
        let request = self.sees(controller, "a reset", |seen| match seen {
            Seen::Reset(request) => Some(request.clone()),
            _ => None,
        });
        let reset = Reset::parse(&request).unwrap();
        assert_eq!(reset.agent_id(), AGENT);
        assert_eq!(reset.schedule_manipulation_token().len(), 36);
        reset.schedule_manipulation_token().to_owned()
    }

    /// Runs the agent until it says something, which is its hello.
    pub(crate) fn sees_hello(&mut self, controller: &Controller) {
        let message = self.sees(controller, "a hello", said);
        let message = ToController::parse(&message).unwrap();
        assert_eq!(message.hello().map(|hello| hello.agent_id()), Some(AGENT));
        assert!(message.response().is_none());
    }

    /// Runs the agent until it answers: the request and the code.
    pub(crate) fn sees_answer(&mut self, controller: &Controller) -> (i64, StatusCode) {
        let message = self.sees(controller, "an answer", said);
        let message = ToController::parse(&message).unwrap();
        assert!(message.hello().is_none());
        let response = message.response().expect("it is an answer");
        let code = response.status().map_or(0, |status| status.code());
        (response.request_id(), StatusCode(code))
    }

    /// Runs the agent until it has reset and said hello: the token.
    pub(crate) fn joins(&mut self, controller: &Controller) -> String {
        let token = self.sees_reset(controller);
        self.sees_hello(controller);
        token
    }
}

fn said(seen: &Seen) -> Option<Bytes> {
    match seen {
        Seen::Said(message) => Some(message.clone()),
        _ => None,
    }
}

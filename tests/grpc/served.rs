//! Agents of this host call controllers of this host.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::grpc::{
    AgentsUser, BearerToken, ControllerHost, ControllerMemory, GrpcConfig, GrpcServer, MetricsEra,
    ServerConfig, StartError,
};
use farpost::southbound::agent::StreamPolicy::{Renew, Resume};
use farpost::southbound::controller::{ControllerConfig, Wish};
use farpost::southbound::messages::{
    ConfigurationChangeValues, ExportMetrics, SetRouteValues, StatusCode, Timestamp,
};
use farpost::southbound::method;
use farpost::time::Now;

use crate::requests::{AGENT, PAST};
use crate::rig::{Rig, memory};
use crate::{certificate, report};

/// Notes what it is told, a line each.
#[derive(Debug, Default)]
struct Notes(Vec<String>);

impl AgentsUser for Notes {
    fn reset(&mut self, _now: Now, agent: &str) {
        self.0.push(format!("{agent} reset"));
    }
    fn connected(&mut self, _now: Now, agent: &str) {
        self.0.push(format!("{agent} connected"));
    }
    fn disconnected(&mut self, _now: Now, agent: &str) {
        self.0.push(format!("{agent} disconnected"));
    }
    fn executed(&mut self, _now: Now, agent: &str, seqno: u64) {
        self.0.push(format!("{agent} executed {seqno}"));
    }
    fn refused(&mut self, _now: Now, agent: &str, seqno: u64, status: StatusCode) {
        self.0.push(format!("{agent} refused {seqno} {}", status.name().unwrap_or_default()));
    }
    fn metrics(&mut self, _now: Now, era: MetricsEra, request: &[u8]) {
        let request = ExportMetrics::parse(request).unwrap();
        let interface = request.interface_metrics().next().and_then(|one| one.interface_id());
        self.0.push(format!("{era:?} {interface:?}"));
    }
    fn stranger(&mut self, _now: Now, agent: Option<&str>) {
        self.0.push(format!("stranger {agent:?}"));
    }
}

/// Controllers and what runs them.
struct Ground<'s> {
    driver: Driver<SystemClock>,
    host: ControllerHost<'s, Notes>,
    address: SocketAddr,
}

impl<'s> Ground<'s> {
    fn new(config: &ServerConfig) -> Self {
        let mut driver = Driver::new(SystemClock::new()).unwrap();
        let server = GrpcServer::start(config, driver.waker().unwrap()).unwrap();
        let address = server.address();
        let mut host = ControllerHost::new(server, Notes::default());
        driver.add(&mut host).unwrap();
        Self { driver, host, address }
    }

    fn serving(agent: &'s str, memory: &'s mut ControllerMemory) -> Self {
        let mut ground = Self::new(&anywhere());
        ground.host.serve(ControllerConfig::new(agent), memory);
        ground
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn turn(&mut self) {
        self.driver.turn(&mut [&mut self.host], Duration::from_millis(5)).unwrap();
    }

    fn wants(&mut self, agent: &str, id: &str, to: &str, seconds: i64) {
        let (controller, _) = self.host.controller(agent).unwrap();
        let route = SetRouteValues { from: "10.1.0.1", to, dev: "eth0", via: "10.1.0.254" };
        let change = ConfigurationChangeValues::SetRoute(&route);
        let time = Timestamp { seconds, nanos: 0 };
        controller.ask(&Wish::Create { id, time, change }).unwrap();
    }

    /// Runs both sides until this has been told.
    fn tells(&mut self, rig: &mut Rig<'_>, line: &str) {
        rig.until(line, |_| {
            self.turn();
            self.host.user.0.iter().any(|told| told == line).then_some(())
        });
    }

    /// Runs both sides until the agent has met with a fault.
    fn faults(&mut self, rig: &mut Rig<'_>) -> (&'static str, StatusCode, String) {
        let fault = rig.until("a fault", |rig| {
            self.turn();
            rig.host.link.take_fault()
        });
        (fault.method, fault.code, fault.message)
    }
}

fn anywhere() -> ServerConfig {
    ServerConfig::new("127.0.0.1:0".parse().unwrap())
}

fn room() -> ControllerMemory {
    ControllerMemory::new(8, 4_096, 1_024)
}

#[test]
fn each_agent_that_calls_has_a_controller() {
    let mut rooms = [room(), room()];
    let mut ground = Ground::new(&anywhere());
    for (agent, room) in [AGENT, "another"].into_iter().zip(&mut rooms) {
        ground.host.serve(ControllerConfig::new(agent), room);
    }
    assert_eq!(ground.host.agents().collect::<Vec<_>>(), [AGENT, "another"]);
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &ground.url());
    report(&mut rig, PAST);
    ground.tells(&mut rig, &format!("{AGENT} connected"));
    assert_eq!(ground.host.user.0.first(), Some(&format!("{AGENT} reset")));
    ground.tells(&mut rig, r#"Guide Some("eth0")"#);
    assert!(ground.host.is_connected(AGENT) && !ground.host.is_connected("another"));
    ground.wants(AGENT, "a", "10.2.0.0/16", PAST);
    ground.wants(AGENT, "b", "10.3.0.0/16", i64::MAX);
    ground.tells(&mut rig, &format!("{AGENT} executed 1"));
    ground.tells(&mut rig, &format!("{AGENT} refused 2 INVALID_ARGUMENT"));
    assert!(rig.host.device.0.iter().any(|told| told == "+10.1.0.1 10.2.0.0/16"));
    assert!(!ground.host.user.0.iter().any(|told| told.starts_with("another")));
    drop(rig);
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &ground.url());
    ground.tells(&mut rig, &format!("{AGENT} disconnected"));
}

#[test]
fn an_agent_that_calls_again_has_one_stream_that_works() {
    let mut room = room();
    let mut ground = Ground::serving(AGENT, &mut room);
    let (mut first, mut second) = (memory(), memory());
    let mut before = Rig::new(&mut first, Resume, &ground.url());
    ground.tells(&mut before, &format!("{AGENT} connected"));
    // It was started twice: whoever calls last is the one, and the other's stream ends.
    let mut after = Rig::new(&mut second, Resume, &ground.url());
    before.until("the end of its stream", |before| {
        after.turn();
        ground.turn();
        (before.host.agent.stats().streams_ended > 0).then_some(())
    });
    assert!(ground.host.is_connected(AGENT));
}

#[test]
fn who_is_not_served_is_not_found() {
    let mut room = room();
    let mut ground = Ground::serving("another", &mut room);
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &ground.url());
    let (method, code, _) = ground.faults(&mut rig);
    assert_eq!((method, code), (method::RESET, StatusCode::NOT_FOUND));
    assert_eq!(ground.host.user.0.first(), Some(&format!("stranger Some({AGENT:?})")));
    assert_eq!(rig.host.agent.stats().resets, 0);
}

#[test]
fn who_has_not_the_token_is_not_told_whether_it_is_served() {
    let mut ground = Ground::new(&ServerConfig { token: Some("secret".to_owned()), ..anywhere() });
    for token in [None, Some("secre"), Some("secret1"), Some("Secret")] {
        let mut config = GrpcConfig::new(&ground.url());
        if let Some(token) = token {
            config.credentials = Arc::new(BearerToken::new(token).unwrap());
        }
        let mut room = memory();
        let mut rig = Rig::with(&mut room, Renew, &config);
        let (method, code, _) = ground.faults(&mut rig);
        assert_eq!((method, code), (method::RESET, StatusCode::UNAUTHENTICATED));
    }
    assert!(ground.host.user.0.is_empty(), "{:?}", ground.host.user);
    assert!(!format!("{:?}", ground.host).contains("secret"));
}

#[test]
fn a_message_that_is_too_long_is_refused_and_the_next_is_taken() {
    let mut ground = Ground::new(&ServerConfig { longest: 8, ..anywhere() });
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &ground.url());
    let (method, code, message) = ground.faults(&mut rig);
    assert_eq!((method, code), (method::RESET, StatusCode::OUT_OF_RANGE), "{message}");
    assert!(ground.host.user.0.is_empty());
    let (_, code, _) = ground.faults(&mut rig);
    assert_eq!(code, StatusCode::OUT_OF_RANGE, "it serves on");
}

#[test]
fn a_controller_shows_its_certificate_and_asks_for_a_token() {
    let (certificate, key) = certificate();
    let mut room = room();
    let mut ground = Ground::new(&ServerConfig {
        token: Some("secret".to_owned()),
        identity: Some((certificate.clone(), key)),
        ..anywhere()
    });
    ground.host.serve(ControllerConfig::new(AGENT), &mut room);
    let config = GrpcConfig {
        credentials: Arc::new(BearerToken::new("secret").unwrap()),
        roots: Some(certificate),
        compress: true,
        ..GrpcConfig::new(&format!("https://{}", ground.address))
    };
    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &config);
    ground.tells(&mut rig, &format!("{AGENT} connected"));
    ground.wants(AGENT, "a", "10.2.0.0/16", PAST);
    ground.tells(&mut rig, &format!("{AGENT} executed 1"));
}

#[test]
fn what_cannot_be_served_is_said_at_once() {
    let start = |config: &ServerConfig| {
        let driver = Driver::new(SystemClock::new()).unwrap();
        GrpcServer::start(config, driver.waker().unwrap())
    };
    let open = ServerConfig {
        token: Some("secret".to_owned()),
        ..ServerConfig::new("0.0.0.0:0".parse().unwrap())
    };
    assert!(matches!(start(&open), Err(StartError::ClearText)));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = ServerConfig::new(taken.local_addr().unwrap());
    assert!(matches!(start(&there), Err(StartError::System(_))));
    let pem = b"no PEM".to_vec();
    let wrong = ServerConfig { identity: Some((pem.clone(), pem)), ..anywhere() };
    assert!(matches!(start(&wrong), Err(StartError::Tls(_))));
}

//! The agents of a board, and those on the ground who manage it and write its schedule.

use core::cell::Cell;
use core::time::Duration;

use farpost::crypto::{NoRandom, Random};
use farpost::management::Kind;
use farpost::management::agent::{AgentConfig, Collected, Failed, ManagerConfig};
use farpost::management::amp::Value;
use farpost::management::manager::{Manager, ManagerConfig as Desk, ManagerStorage};
use farpost::southbound::agent::{AgentConfig as ScheduleConfig, Call, Link};
use farpost::southbound::controller::{
    Controller, ControllerConfig, ControllerStorage, ToAgent, Wish,
};
use farpost::southbound::messages::{
    ExportMetricsValues, InterfaceMetricsValues, StandardInterfaceStatistics, StatusCode,
};
use farpost::southbound::telemetry::MetricKind;
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::{Address, SendError, Transport};
use heapless::{Deque, Vec};
use static_cell::{ConstStaticCell, StaticCell};

use crate::START;
use crate::agents::agreed::adm::{datum, report};
use crate::agents::agreed::{modem, rule};
use crate::agents::{ADMS, Agents, Managed, Receiver};
use crate::deepest::Deepest;

const NAME: &str = "post";

static MANAGERS: [ManagerConfig<'static>; 1] =
    [ManagerConfig { name: rule::GROUND, service: "queue", endpoint: "ground", issuer: b"ground" }];
static NUMBERS: StaticCell<Counter> = StaticCell::new();

type Octets = Vec<u8, 512>;
type Queue = Deque<Octets, 4>;

static TO_AGENT: ConstStaticCell<Queue> = ConstStaticCell::new(Deque::new());
static TO_GROUND: ConstStaticCell<Queue> = ConstStaticCell::new(Deque::new());

/// Numbers for tokens that are nobody's secret.
#[derive(Debug, Default)]
struct Counter(Cell<u8>);

impl Random for Counter {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        for octet in octets {
            self.0.set(self.0.get().wrapping_add(1));
            *octet = self.0.get();
        }
        Ok(())
    }
}

/// A front-end with a level that is told.
#[derive(Default)]
struct FrontEnd {
    level: i32,
    gain: i32,
    rest_hz: u64,
}

impl Receiver for FrontEnd {
    fn datum(&self, _now: Now, index: u32) -> Option<Collected<'static>> {
        Some(Collected::fresh(match u8::try_from(index).ok()? {
            datum::LEVEL => Value::Int(self.level),
            datum::GAIN => Value::Int(self.gain),
            datum::SAMPLES => Value::Uvast(1 << 40),
            _ => Value::Uint(1),
        }))
    }

    fn set_gain(&mut self, gain_db: i8) -> Result<(), Failed> {
        self.gain = gain_db.into();
        Ok(())
    }

    fn tune(&mut self, center_hz: u64, _rate_hz: u32) -> Result<(), Failed> {
        self.rest_hz = center_hz;
        Ok(())
    }
}

/// What is sent waits.
struct Way<'w>(&'w mut Queue);

impl Way<'_> {
    fn put(&mut self, octets: &[u8]) -> Result<(), SendError> {
        let octets = Vec::from_slice(octets).map_err(|_| SendError::TooLong)?;
        self.0.push_back(octets).map_err(|_| SendError::Busy)
    }
}

impl Transport for Way<'_> {
    fn resolve(&mut self, _service: &str, _endpoint: &str) -> Option<Address> {
        Some(Address::new(0, &[]))
    }

    fn send(&mut self, _to: &Address, _flow: u8, octets: &[u8]) -> Result<(), SendError> {
        self.put(octets)
    }
}

impl ToAgent for Way<'_> {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.put(message)
    }
}

/// Calls of the agent, and what it sends with them.
struct Calls<'w> {
    to: Way<'w>,
    begun: Option<(Begun, Call)>,
}

#[derive(Clone, Copy)]
enum Begun {
    Reset,
    Stream,
    Export,
}

impl Link for Calls<'_> {
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        self.begun = Some((Begun::Reset, call));
        self.to.put(request)
    }

    fn open(&mut self, call: Call) -> Result<(), SendError> {
        self.begun = Some((Begun::Stream, call));
        Ok(())
    }

    fn send(&mut self, _call: Call, message: &[u8]) -> Result<(), SendError> {
        self.to.put(message)
    }

    fn close(&mut self, _call: Call) {}

    fn export(&mut self, call: Call, _request: &[u8]) -> Result<(), SendError> {
        self.begun = Some((Begun::Export, call));
        Ok(())
    }
}

/// A rule is defined and fires; entries of a schedule are created, deleted and enacted, and
/// metrics exported. Returns whether all of that was so.
pub fn live(management_depth: &mut Deepest, schedule_depth: &mut Deepest) -> Option<bool> {
    let (up, down) = (TO_AGENT.take(), TO_GROUND.take());
    let management = AgentConfig::new(NAME, &MANAGERS, &ADMS);
    let schedule = ScheduleConfig::new(NAME, NUMBERS.init(Counter::default()));
    let mut agents = Agents::new(management, schedule)?;
    let mut front_end = FrontEnd { level: -60, gain: 30, rest_hz: 0 };
    let managed = manage(&mut agents, &mut front_end, management_depth, up, down)?;
    up.clear();
    down.clear();
    let tuned = tune(&mut agents, &mut front_end, schedule_depth, up, down)?;
    Some(managed && tuned)
}

fn manage(
    agents: &mut Agents,
    front_end: &mut FrontEnd,
    depth: &mut Deepest,
    up: &mut Queue,
    down: &mut Queue,
) -> Option<bool> {
    let agent = &mut agents.management;
    let (mut letters, mut known) = ([const { Slot::EMPTY }; 4], [const { Slot::EMPTY }; 1]);
    let (mut octets, mut buffer) = ([0; 512], [0; 512]);
    let storage = ManagerStorage {
        agents: &mut known,
        letters: &mut letters,
        octets: &mut octets,
        buffer: &mut buffer,
    };
    let mut manager = Manager::new(Desk::default(), storage);
    let at = Address::new(0, &[]);
    let mut now = now();
    let mut room = [0; 192];
    manager.perform(now, at, 0, &rule::quieter(-35, 10, &mut room)?, true).ok()?;
    for second in 0..30 {
        if second % 10 == 5 {
            let mut room = [0; 64];
            manager.perform(now, at, 0, &rule::ask(report::HEALTH, &mut room)?, true).ok()?;
        }
        if second == 20 {
            front_end.level = -30;
        }
        manager.tick(now, &mut Way(up), &mut ());
        while let Some(octets) = up.pop_front() {
            depth.of(|| {
                agent.receive(now, &at, &octets, &mut Way(down), &mut Managed(front_end));
            });
        }
        depth.of(|| agent.tick(now, &mut Way(down), &mut Managed(front_end)));
        while let Some(octets) = down.pop_front() {
            manager.receive(now, &at, &octets, &mut ());
        }
        now = now.after(Duration::from_secs(1));
    }
    // Three times asked, and told once that the rule has fired.
    Some(
        agent.defined(Kind::StateRule) == 1
            && front_end.gain == 10
            && manager.stats().reports == 4
            && manager.waiting() == 0,
    )
}

fn tune(
    agents: &mut Agents,
    front_end: &mut FrontEnd,
    depth: &mut Deepest,
    up: &mut Queue,
    down: &mut Queue,
) -> Option<bool> {
    let agent = &mut agents.schedule;
    let mut rows = [const { Slot::EMPTY }; 4];
    let (mut octets, mut buffer) = ([0; 512], [0; 256]);
    let storage = ControllerStorage { rows: &mut rows, octets: &mut octets, buffer: &mut buffer };
    let mut controller = Controller::new(ControllerConfig::new(NAME), storage);
    let mut now = now();
    let mut open = None;
    for second in 0..60 {
        let device = &mut Managed(front_end);
        let mut link = Calls { to: Way(down), begun: None };
        while let Some(octets) = up.pop_front() {
            depth.of(|| agent.receive(now, open.unwrap_or_default(), &octets, &mut link, device));
        }
        if second % 20 == 10 {
            depth.of(|| report(agent, now));
        }
        depth.of(|| agent.tick(now, &mut link, device));
        while let Some((begun, call)) = link.begun.take() {
            match begun {
                Begun::Reset => {
                    let request = link.to.0.pop_front()?;
                    let status = controller.reset(now, &request, &mut ());
                    depth.of(|| agent.reset_done(now, call, status, &mut link, device));
                }
                Begun::Stream => {
                    open = Some(call);
                    depth.of(|| agent.stream_opened(now, call, &mut link, device));
                    ask(&mut controller, now)?;
                }
                Begun::Export => depth.of(|| agent.exported(now, call, StatusCode::OK)),
            }
        }
        while let Some(octets) = down.pop_front() {
            controller.receive(now, &octets, &mut ());
        }
        controller.tick(now, &mut Way(up));
        now = now.after(Duration::from_secs(1));
    }
    Some(
        controller.unanswered() == 0
            && agent.stats().executed == 4
            && agent.telemetry_stats().exported == 3
            && front_end.rest_hz == 433_500_000,
    )
}

/// Two entries, one of which is deleted again, and a promise.
fn ask(controller: &mut Controller<'_>, now: Now) -> Option<()> {
    let after = |seconds| now.utc.after(Duration::from_secs(seconds)).into();
    for (id, seconds, center_hz) in [("a", 20, 433_500_000), ("b", 30, 98_000_000)] {
        modem::receive_at(center_hz, |change| {
            controller.ask(&Wish::Create { id, time: after(seconds), change })
        })
        .ok()?;
    }
    controller.ask(&Wish::Delete { id: "b" }).ok()?;
    controller.ask(&Wish::Finalize { up_to: after(0) }).ok()?;
    Some(())
}

/// Metrics of an interface.
fn report(agent: &mut farpost::southbound::agent::Agent<'_>, now: Now) {
    let time = Some(now.utc.into());
    let statistics = StandardInterfaceStatistics {
        start_time: time,
        time,
        rx_packets: Some(1_000),
        tx_packets: Some(1_000),
        ..StandardInterfaceStatistics::default()
    };
    let interface = InterfaceMetricsValues {
        interface_id: Some("eth0"),
        standard_interface_statistics_data_points: &[statistics],
        ..InterfaceMetricsValues::default()
    };
    let metrics = ExportMetricsValues { interface_metrics: &[interface], modem_metrics: &[] };
    agent.report(now, MetricKind::Statistics, &metrics);
}

fn now() -> Now {
    let quality = farpost::time::ClockQuality::Synchronised;
    Now { monotonic: farpost::time::Instant::ZERO, utc: START, quality }
}

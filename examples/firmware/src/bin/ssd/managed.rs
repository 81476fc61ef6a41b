//! The agents of the board and their links: AMP in messages of the board's module to the manager
//! (`farpost::management::carriage`), and the southbound interface in datagrams to the controller
//! (`agreed::carriage`).

use core::time::Duration;

use defmt::info;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use farpost::ams::carriage::Party;
use farpost::ams::module::Module;
use farpost::ams::service::{Message, Received};
use farpost::management::agent::{AgentConfig, Collected, Failed, ManagerConfig, MaxAge};
use farpost::management::amp::Value;
use farpost::management::carriage::{Carrier, SERVICE, manager};
use farpost::southbound::agent::{AgentConfig as ScheduleConfig, Call, Link};
use farpost::southbound::messages::{
    ExportMetricsValues, InterfaceMetricsValues, StandardInterfaceStatistics, StatusCode,
};
use farpost::southbound::telemetry::MetricKind;
use farpost::time::{Instant, Now, Utc, earliest};
use farpost::transport::{Address, SendError, Transport};
use static_cell::ConstStaticCell;

use crate::agents::agreed::adm::{FRONT_END, datum};
use crate::agents::agreed::carriage::{Datagram, Kind, LONGEST, Stream, Taken};
use crate::agents::agreed::modem::MODEM;
use crate::agents::agreed::rule::GROUND;
use crate::agents::agreed::space::{BOARD, DESK, DESK_ENDPOINT, LEVELS, Level};
use crate::agents::random::Octets;
use crate::agents::{ADMS, Agents, Managed as Lent, Receiver, measured};
use crate::device::Device;
use crate::device::ethernet::{self, Way};
use crate::device::radio::Samples;
use crate::member::{CONTINUUM, Member};
use crate::mps2::lan9118::Lan9118;
use crate::network::{Network, Port};

static MANAGERS: [ManagerConfig<'static>; 1] =
    [ManagerConfig { name: GROUND, service: SERVICE, endpoint: DESK_ENDPOINT, issuer: b"ground" }];
static PARTIES: [Party; 1] = [DESK];
static DATAGRAM: ConstStaticCell<[u8; LONGEST]> = ConstStaticCell::new([0; LONGEST]);

/// A level that was measured before is no reason to act.
const MAX_AGES: &[MaxAge] = &[MaxAge { adm: FRONT_END, index: datum::LEVEL as u32, seconds: 60 }];
/// Between two registrations with the manager, which may not have had the one before.
const REGISTER: Duration = Duration::from_secs(600);
/// Between two reports of what the interface has counted.
const COUNTS: Duration = Duration::from_secs(60);
/// The name of the Ethernet interface in metrics.
const INTERFACE: &str = "eth0";

/// The agents, and what their links keep.
pub struct Managed {
    agents: Agents,
    controller: Controller,
    /// When the interface is reported.
    counts_due: Option<Instant>,
    /// Scans that are published.
    published: u32,
}

impl Managed {
    /// The agents in their storage, of the board of that name; the controller is at a port of
    /// the host. They can be made once. `None` if the name is too long.
    pub fn new(device: &'static str, controller: u16) -> Option<Self> {
        let management = AgentConfig {
            max_ages: MAX_AGES,
            register_every: Some(REGISTER),
            ..AgentConfig::new(device, &MANAGERS, &ADMS)
        };
        let schedule = ScheduleConfig::new(device, &Octets);
        let controller = Controller {
            address: ethernet::host(controller),
            stream: None,
            buffer: DATAGRAM.take(),
        };
        let agents = Agents::new(management, schedule)?;
        Some(Self { agents, controller, counts_due: None, published: 0 })
    }

    /// A message of the manager.
    pub fn receive<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples>(
        &mut self,
        now: Now,
        message: &Received<'_>,
        (module, way): (&mut Module<'static>, Way<'_>),
        device: &mut Device<S, P, D, A>,
    ) {
        let from = manager(message.subject);
        let mut carrier = carrier(module, way);
        let agent = &mut self.agents.management;
        agent.receive(now, &from, message.data, &mut carrier, &mut Lent(device));
    }

    /// Takes the datagrams that have arrived and does what is due.
    pub fn run<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples>(
        &mut self,
        now: Now,
        network: &mut Network,
        member: &mut Member,
        device: &mut Device<S, P, D, A>,
    ) {
        if member.is_settled(now) {
            self.publish(network, member, device);
            let mut carrier = carrier(&mut member.module, network.way(Port::Aams));
            self.agents.management.tick(now, &mut carrier, &mut Lent(device));
        }

        let receiver = &mut Lent(device);
        while let Some((from, octets, way)) = network.receive(Port::Controller) {
            if let Some(datagram) = Datagram::parse(octets)
                && from == self.controller.address
            {
                self.hear(now, &datagram, way, receiver);
            }
        }
        self.count(now, network.ethernet());
        let mut rpcs = self.controller.rpcs(now, network.way(Port::Controller));
        rpcs.pulse();
        let over = rpcs.controller.stream.filter(|stream| stream.is_over(now));
        let agent = &mut self.agents.schedule;
        if let Some(stream) = over {
            rpcs.close(Call(stream.call));
            agent.stream_closed(now, Call(stream.call), &mut rpcs, receiver);
        }
        agent.tick(now, &mut rpcs, receiver);
    }

    /// Publishes what the last scan met, unless that is done.
    fn publish<S, P, D, A>(
        &mut self,
        network: &mut Network,
        member: &mut Member,
        device: &Device<S, P, D, A>,
    ) {
        let scans = device.health.scans;
        if let Some((dbfs, _)) = device.health.level
            && self.published != scans
        {
            self.published = scans;
            let level = Level { scans, dbfs }.octets();
            member.publish(&Message::new(LEVELS, &level), network);
        }
    }

    /// A datagram of the controller.
    fn hear(&mut self, now: Now, datagram: &Datagram<'_>, way: Way<'_>, receiver: &mut Lent<'_>) {
        let agent = &mut self.agents.schedule;
        let call = Call(datagram.call);
        let status = StatusCode(datagram.number.into());
        let rpcs = &mut self.controller.rpcs(now, way);
        match datagram.kind {
            Kind::RESET_DONE => agent.reset_done(now, call, status, rpcs, receiver),
            Kind::EXPORTED => agent.exported(now, call, status),
            Kind::OPENED => agent.stream_opened(now, call, rpcs, receiver),
            Kind::MESSAGE | Kind::PULSE => {
                let stream = rpcs.controller.stream.as_mut();
                let Some(stream) = stream.filter(|stream| stream.call == datagram.call) else {
                    return rpcs.close(call);
                };
                match stream.take(now, datagram) {
                    Taken::Message => agent.receive(now, call, datagram.message, rpcs, receiver),
                    Taken::Nothing => {}
                    Taken::Broken => {
                        rpcs.close(call);
                        agent.stream_closed(now, call, rpcs, receiver);
                    }
                }
            }
            Kind::CLOSE => {
                if rpcs.controller.stream.is_some_and(|stream| stream.call == datagram.call) {
                    rpcs.controller.stream = None;
                }
                agent.stream_closed(now, call, rpcs, receiver);
            }
            _ => {}
        }
    }

    /// Has the controller told what the interface has counted, now and then.
    fn count(&mut self, now: Now, ethernet: &Lan9118) {
        if self.counts_due.is_some_and(|due| now.monotonic < due) {
            return;
        }
        self.counts_due = Some(now.monotonic.after(COUNTS));
        // It counts since the board was started.
        let running = i64::try_from(now.monotonic.as_micros()).unwrap_or(i64::MAX);
        let start = Utc::from_unix_micros(now.utc.unix_micros().saturating_sub(running));
        let statistics = StandardInterfaceStatistics {
            start_time: Some(start.into()),
            time: Some(now.utc.into()),
            rx_packets: Some(ethernet.came.frames.into()),
            tx_packets: Some(ethernet.went.frames.into()),
            rx_bytes: Some(ethernet.came.octets.into()),
            tx_bytes: Some(ethernet.went.octets.into()),
            ..StandardInterfaceStatistics::default()
        };
        let interface = InterfaceMetricsValues {
            interface_id: Some(INTERFACE),
            standard_interface_statistics_data_points: &[statistics],
            ..InterfaceMetricsValues::default()
        };
        let metrics = ExportMetricsValues { interface_metrics: &[interface], modem_metrics: &[] };
        // Without a clock it is not taken, and told the next time.
        let _ = self.agents.schedule.report(now, MetricKind::Statistics, &metrics);
    }

    /// When something is due but for what the module carries, even if nothing arrives.
    pub fn next_deadline(&self) -> Option<Instant> {
        let stream = self.controller.stream.map(|stream| stream.next_deadline());
        earliest(self.agents.schedule.next_deadline(), earliest(stream, self.counts_due))
    }

    /// When something is due that the module carries.
    pub fn carried_deadline(&self) -> Option<Instant> {
        self.agents.management.next_deadline()
    }
}

/// The carrier of the agent's groups.
fn carrier<'c, 's, T>(module: &'c mut Module<'s>, transport: T) -> Carrier<'c, 's, T> {
    let (subject, continuum) = (BOARD.subject, CONTINUUM);
    Carrier { module, transport, subject, managers: &PARTIES, continuum }
}

/// Where the controller is, and the stream to it.
struct Controller {
    address: Address,
    stream: Option<Stream>,
    buffer: &'static mut [u8; LONGEST],
}

impl Controller {
    fn rpcs<'c>(&'c mut self, now: Now, way: Way<'c>) -> Rpcs<'c> {
        Rpcs { controller: self, now, way }
    }
}

/// The RPCs in datagrams.
struct Rpcs<'c> {
    controller: &'c mut Controller,
    now: Now,
    way: Way<'c>,
}

impl Rpcs<'_> {
    fn put(&mut self, datagram: &Datagram<'_>) -> Result<(), SendError> {
        let octets = datagram.write(self.controller.buffer).ok_or(SendError::TooLong)?;
        self.way.send(&self.controller.address, 0, octets)
    }

    fn pulse(&mut self) {
        let now = self.now;
        let pulse = self.controller.stream.as_mut().and_then(|stream| stream.pulse(now));
        if let Some(pulse) = pulse {
            // One that does not get out is as good as lost.
            let _ = self.put(&pulse);
        }
    }
}

impl Link for Rpcs<'_> {
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        self.put(&Datagram { message: request, ..Datagram::new(Kind::RESET, call.0, 0) })
    }

    fn open(&mut self, call: Call) -> Result<(), SendError> {
        self.put(&Datagram::new(Kind::OPEN, call.0, 0))?;
        self.controller.stream = Some(Stream::new(call.0, self.now));
        Ok(())
    }

    fn send(&mut self, call: Call, message: &[u8]) -> Result<(), SendError> {
        let stream = self.controller.stream.filter(|stream| stream.call == call.0);
        let mut stream = stream.ok_or(SendError::Unreachable)?;
        self.put(&stream.carry(message))?;
        stream.carried(self.now);
        self.controller.stream = Some(stream);
        Ok(())
    }

    fn close(&mut self, call: Call) {
        if self.controller.stream.is_some_and(|stream| stream.call == call.0) {
            self.controller.stream = None;
        }
        // Who does not hear of it hears nothing more.
        let _ = self.put(&Datagram::new(Kind::CLOSE, call.0, 0));
    }

    fn export(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        self.put(&Datagram { message: request, ..Datagram::new(Kind::EXPORT, call.0, 0) })
    }
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples> Receiver for Device<S, P, D, A> {
    fn datum(&self, now: Now, index: u32) -> Option<Collected<'static>> {
        let fresh = match u8::try_from(index).ok()? {
            datum::LEVEL => {
                let (level, at) = self.health.level?;
                return Some(measured(now, at, Value::Int(level)));
            }
            datum::GAIN => Value::Int(self.front_end.most_gain_db.into()),
            datum::SCANS => Value::Uint(self.health.scans),
            datum::SAMPLES => Value::Uvast(self.health.samples),
            datum::STACK => Value::Uint(u32::try_from(self.stack()).ok()?),
            datum::REST => {
                let rest = self.front_end.rest.map_or(0, |(center_hz, _)| center_hz / 1_000);
                Value::Uint(u32::try_from(rest).ok()?)
            }
            _ => return None,
        };
        Some(Collected::fresh(fresh))
    }

    fn set_gain(&mut self, gain_db: i8) -> Result<(), Failed> {
        // A scan that runs keeps its gain: its figures are of one.
        self.front_end.most_gain_db = gain_db;
        info!("rule: no more gain than {} dB from now on", gain_db);
        self.front_end.rest().then_some(()).ok_or(Failed)
    }

    fn tune(&mut self, center_hz: u64, rate_hz: u32) -> Result<(), Failed> {
        self.front_end.rest = Some((center_hz, rate_hz));
        info!("schedule: {=str} rests on {} kHz", MODEM, center_hz / 1_000);
        self.front_end.rest().then_some(()).ok_or(Failed)
    }
}

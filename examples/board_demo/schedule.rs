//! Who writes the board's schedule: a controller of the southbound interface, in datagrams
//! (`agreed::carriage`). It asks for one entry, and takes what the board exports.

use std::io;
use std::net::SocketAddr;

use bumpalo::Bump;
use farpost::host::driver::Entity;
use farpost::host::net::{MAX_RECEIVED, UdpEndpoint};
use farpost::southbound::controller::{
    Controller, ControllerConfig, ControllerStorage, ControllerUser, ToAgent, Wish,
};
use farpost::southbound::messages::{ExportMetrics, StatusCode};
use farpost::time::{Instant, Now, earliest};
use farpost::transport::{Address, SendError, Transport};
use mio::{Registry, Token};

use super::agreed::carriage::{Datagram, Kind, LONGEST, Stream, Taken};
use super::agreed::modem::{self, MODEM};
use super::journal::Journal;
use super::script::{DEVICE, REST_KHZ, rest_from};
use super::stations::slots;

/// The controller at its socket.
#[derive(Debug)]
pub(crate) struct Scheduler<'a> {
    endpoint: UdpEndpoint,
    controller: Controller<'a>,
    /// The stream of the agent, and where it is.
    stream: Option<(Address, Stream)>,
    user: User,
    buffer: Vec<u8>,
}

/// What became of the entry.
#[derive(Debug, Default)]
struct User {
    /// It is to be asked for.
    wanted: bool,
    asked: u32,
    kept: u32,
    refused: u32,
    /// Elements of metrics that came, and the frames the interface had sent by then.
    metrics: u32,
    frames: i64,
}

impl<'a> Scheduler<'a> {
    /// A controller at a port the system chooses, on loopback.
    pub(crate) fn bind(arena: &'a Bump) -> io::Result<Self> {
        let endpoint = UdpEndpoint::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let storage = ControllerStorage {
            rows: slots(arena, 4),
            octets: arena.alloc_slice_fill_copy(1_024, 0),
            buffer: arena.alloc_slice_fill_copy(512, 0),
        };
        Ok(Self {
            endpoint,
            controller: Controller::new(ControllerConfig::new(DEVICE), storage),
            stream: None,
            user: User::default(),
            buffer: vec![0; MAX_RECEIVED],
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.endpoint.local().port()
    }

    /// Whether all that was asked for is answered, and something was.
    pub(crate) fn is_ready(&self) -> bool {
        self.user.asked > 0 && self.controller.unanswered() == 0
    }

    /// Whether the board has exported something.
    pub(crate) const fn has_metrics(&self) -> bool {
        self.user.metrics > 0
    }

    /// Prints the sums. True if they are right.
    pub(crate) fn summarise(&self) -> bool {
        let User { asked, kept, refused, metrics, frames, .. } = self.user;
        println!("schedule    {asked} entries = {kept} kept + {refused} refused");
        println!("metrics     {metrics} of the board's interface");
        let mut right = true;
        for (holds, what) in [
            (asked > 0 && kept == asked, "the entry was not kept"),
            (metrics > 0 && frames > 0, "no metrics were exported"),
        ] {
            if !holds {
                println!("WRONG: {what}");
                right = false;
            }
        }
        right
    }

    /// Asks for the entry.
    fn ask(&mut self, now: Now) {
        let time = rest_from().into();
        let asked = modem::receive_at(u64::from(REST_KHZ) * 1_000, |change| {
            self.controller.ask(&Wish::Create { id: "rest", time, change })
        });
        if asked.is_ok() {
            self.user.wanted = false;
            self.user.asked += 1;
            let from = rest_from().to_string();
            let from = from.get(11..19).unwrap_or(&from);
            let what = format!("asks that {MODEM} rests on {REST_KHZ} kHz from {from} on");
            Journal::tell(now, "plan", &what);
        }
    }

    /// A datagram of the agent.
    fn hear(&mut self, now: Now, from: Address, datagram: &Datagram<'_>) {
        let call = datagram.call;
        match datagram.kind {
            Kind::RESET => {
                let status = self.controller.reset(now, datagram.message, &mut self.user);
                self.answer(from, Kind::RESET_DONE, call, status);
            }
            Kind::OPEN => {
                self.controller.stream_closed();
                self.stream = Some((from, Stream::new(call, now)));
                self.answer(from, Kind::OPENED, call, StatusCode::OK);
            }
            Kind::EXPORT => {
                let status = self.user.metrics(now, datagram.message);
                self.answer(from, Kind::EXPORTED, call, status);
            }
            Kind::MESSAGE | Kind::PULSE => {
                let stream = self.stream.as_mut().filter(|(at, _)| *at == from);
                let stream = stream.map(|(_, stream)| stream);
                let taken = match stream.filter(|stream| stream.call == call) {
                    Some(stream) => stream.take(now, datagram),
                    // It is of a stream that is no more here.
                    None => return self.answer(from, Kind::CLOSE, call, StatusCode::OK),
                };
                match taken {
                    Taken::Message => {
                        self.controller.receive(now, datagram.message, &mut self.user);
                    }
                    Taken::Nothing => {}
                    Taken::Broken => self.close(),
                }
            }
            Kind::CLOSE if self.stream.is_some_and(|(_, stream)| stream.call == call) => {
                self.stream = None;
                self.controller.stream_closed();
            }
            _ => {}
        }
    }

    /// Ends the stream.
    fn close(&mut self) {
        if let Some((at, stream)) = self.stream.take() {
            self.answer(at, Kind::CLOSE, stream.call, StatusCode::OK);
        }
        self.controller.stream_closed();
    }

    /// Answers a call. An answer that is lost is asked for again.
    fn answer(&mut self, to: Address, kind: Kind, call: u32, status: StatusCode) {
        let number = u16::try_from(status.0).unwrap_or(u16::MAX);
        let _ = put(&mut self.endpoint, &to, &Datagram::new(kind, call, number));
    }
}

fn put(to: &mut UdpEndpoint, at: &Address, datagram: &Datagram<'_>) -> Result<(), SendError> {
    let mut buffer = [0; LONGEST];
    to.send(at, 0, datagram.write(&mut buffer).ok_or(SendError::TooLong)?)
}

impl Entity for Scheduler<'_> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.endpoint.register(registry, token)
    }

    fn run(&mut self, now: Now) {
        let mut buffer = std::mem::take(&mut self.buffer);
        while let Some((from, datagrams)) = self.endpoint.receive(&mut buffer) {
            for datagram in datagrams.filter_map(Datagram::parse) {
                self.hear(now, from, &datagram);
            }
        }
        self.buffer = buffer;
        if self.user.wanted {
            self.ask(now);
        }
        if self.stream.is_some_and(|(_, stream)| stream.is_over(now)) {
            self.close();
        }
        if let Some((at, stream)) = &mut self.stream {
            if let Some(pulse) = stream.pulse(now) {
                let _ = put(&mut self.endpoint, at, &pulse);
            }
            let mut way = Way { endpoint: &mut self.endpoint, at, stream, now };
            self.controller.tick(now, &mut way);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let stream = self.stream.map(|(_, stream)| stream.next_deadline());
        earliest(stream, self.controller.next_deadline())
    }
}

/// The stream, for the controller's messages.
struct Way<'w> {
    endpoint: &'w mut UdpEndpoint,
    at: &'w Address,
    stream: &'w mut Stream,
    now: Now,
}

impl ToAgent for Way<'_> {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        put(self.endpoint, self.at, &self.stream.carry(message))?;
        self.stream.carried(self.now);
        Ok(())
    }
}

impl ControllerUser for User {
    fn reset(&mut self, now: Now) {
        self.wanted = true;
        Journal::tell(now, "plan", &format!("{DEVICE} has a schedule, which is empty"));
    }

    fn executed(&mut self, now: Now, seqno: u64) {
        self.kept += 1;
        Journal::tell(now, "plan", &format!("is told that entry {seqno} is kept"));
    }

    fn refused(&mut self, now: Now, seqno: u64, status: StatusCode) {
        self.refused += 1;
        Journal::tell(now, "plan", &format!("is told that entry {seqno} is not: {status:?}"));
    }
}

impl User {
    /// Metrics were exported.
    fn metrics(&mut self, now: Now, request: &[u8]) -> StatusCode {
        let Ok(metrics) = ExportMetrics::parse(request) else {
            return StatusCode::INVALID_ARGUMENT;
        };
        for interface in metrics.interface_metrics() {
            let points = interface.standard_interface_statistics_data_points();
            let sent = points.into_iter().filter_map(|point| point.tx_packets).max();
            self.frames = sent.map_or(self.frames, |sent| sent.max(self.frames));
            if self.metrics == 0 {
                let name = interface.interface_id().unwrap_or("no interface");
                Journal::tell(now, "plan", &format!("has the first counts of {name}"));
            }
            self.metrics += 1;
        }
        StatusCode::OK
    }
}

//! SCOS stations on a host: SSD, SSM and Actor as applications of AMS modules.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;
use std::vec::Vec;

use super::module::{Application, Service};
use super::sensing::Summary;
use super::sensing::{FrontEnd, FrontEndError, Plan, SenseError, measure, summarise};
use crate::ams::mib::ServiceMode;
use crate::ams::service::{Delivery, Fault, Indication};
use crate::machine::Machine;
use crate::scos::actor::{Actor, ActorUser};
use crate::scos::carriage::{Carriage, Carrier, Continua, Station, source};
use crate::scos::messages::Rejection;
use crate::scos::ssd::{Scan, Sensor, Ssd};
use crate::scos::ssm::{Ssm, SsmUser};
use crate::scos::{AssociationEvent, ScanId};
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, Transport};

/// The application of a module that is a SCOS station: it carries the machine's
/// messages as application data, and registers the module anew when its
/// termination was imputed.
#[derive(Debug)]
pub struct StationApplication<M> {
    /// The machine.
    pub machine: M,
    station: Station,
    carriage: Carriage,
    continua: Continua,
    mode: ServiceMode,
    /// Not before this is the machine ticked: its module has just been registered,
    /// and the others introduce themselves.
    settled_at: Option<Instant>,
    /// Faults of the module and of what it received.
    faults: u32,
}

impl<M: Machine> StationApplication<M> {
    /// A station of this kind in a network whose stations are in `continua`, or all in
    /// one continuum. Its messages are delivered in `mode`; those of other continua as
    /// its gateway sends them.
    pub fn new(
        machine: M,
        station: Station,
        carriage: Carriage,
        continua: impl Into<Continua>,
        mode: ServiceMode,
    ) -> Self {
        let continua = continua.into();
        Self { machine, station, carriage, continua, mode, settled_at: None, faults: 0 }
    }

    /// How many faults the module has indicated.
    #[must_use]
    pub const fn faults(&self) -> u32 {
        self.faults
    }

    /// From when on the station may speak: a while after its module has been registered,
    /// in which the others introduce themselves. `None` while it is not.
    #[must_use]
    pub const fn settled_at(&self) -> Option<Instant> {
        self.settled_at
    }

    /// The transport that carries the messages of the station.
    pub fn carrier<'c, 's>(
        &self,
        service: &'c mut Service<'s>,
    ) -> Carrier<'c, 's, impl Transport + 'c> {
        let (module, transport) = service.parts();
        Carrier {
            module,
            transport,
            subject: self.carriage.party(self.station).subject,
            manager: self.carriage.manager.role,
            continuum: self.continua.manager,
        }
    }

    fn invite(&mut self, now: Now, service: &mut Service<'_>) {
        for request in self.carriage.invitations(self.station, self.continua, self.mode) {
            if service.invite(now, &request).is_err() {
                self.faults = self.faults.saturating_add(1);
            }
        }
    }
}

impl<M: Machine> Application for StationApplication<M> {
    fn indicated(&mut self, now: Now, service: &mut Service<'_>, indication: Indication) {
        match indication {
            Indication::Registered(_) => {
                self.invite(now, service);
                self.settled_at = Some(now.monotonic.after(SETTLE));
            }
            Indication::ModuleIsDead => {
                self.settled_at = None;
                if service.register(now).is_err() {
                    self.faults = self.faults.saturating_add(1);
                }
            }
            Indication::Fault(_) => self.faults = self.faults.saturating_add(1),
            _ => {}
        }
    }

    fn delivered(
        &mut self,
        now: Now,
        service: &mut Service<'_>,
        delivery: Result<Delivery<'_>, Fault>,
    ) {
        match delivery {
            Ok(delivery) if self.carriage.is_for(self.station, delivery.message()) => {
                let message = delivery.message();
                let mut carrier = self.carrier(service);
                self.machine.receive(now, &source(message), message.data, &mut carrier);
            }
            _ => self.faults = self.faults.saturating_add(1),
        }
    }

    fn tick(&mut self, now: Now, service: &mut Service<'_>) {
        let mut carrier = self.carrier(service);
        self.machine.tick(now, &mut carrier);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let settled = self.settled_at?;
        self.machine.next_deadline().map(|deadline| deadline.max(settled))
    }
}

/// How long others have to introduce themselves before a station speaks.
const SETTLE: Duration = Duration::from_secs(1);

/// An SSD with its front-end.
#[derive(Debug)]
pub struct DeviceStation<'s, F> {
    /// The machine.
    pub ssd: Ssd<'s>,
    /// What senses.
    pub sensor: FrontEndSensor<F>,
}

impl<F: FrontEnd + Send + 'static> Machine for DeviceStation<'_, F> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.ssd.receive(now, from, octets, transport, &mut self.sensor);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        if let Some((scan, result)) = self.sensor.finished(now) {
            // Not taken when its slot is over by now: that has been reported.
            let _ = match result {
                Ok(spectrum) => self.ssd.complete(now, scan, &spectrum),
                Err(reason) => self.ssd.fail(now, scan, reason),
            };
        }
        self.ssd.tick(now, transport, &mut self.sensor);
    }

    fn next_deadline(&self) -> Option<Instant> {
        earliest(self.ssd.next_deadline(), self.sensor.next_deadline())
    }
}

/// What came of a scan: an encoded summary, or why there is none.
type ScanResult = Result<Vec<u8>, Rejection>;

/// A sensor over a [`FrontEnd`]. Samples are taken and transformed by a thread of
/// their own; the scan takes as long as its samples take to arrive.
pub struct FrontEndSensor<F> {
    /// `None` while a thread has it.
    front_end: Option<F>,
    running: Option<Running>,
    returned: (Sender<Measured<F>>, Receiver<Measured<F>>),
    /// What the association has come to, newest last, for whoever watches.
    pub events: Vec<AssociationEvent>,
}

/// The scan that runs.
#[derive(Clone, Copy, Debug)]
struct Running {
    scan: ScanId,
    /// When its last sample has arrived.
    due: Instant,
}

/// What a thread gives back.
struct Measured<F> {
    scan: ScanId,
    front_end: F,
    result: ScanResult,
}

impl<F: FrontEnd + Send + 'static> FrontEndSensor<F> {
    /// A sensor at rest.
    #[must_use]
    pub fn new(front_end: F) -> Self {
        let returned = channel();
        Self { front_end: Some(front_end), running: None, returned, events: Vec::new() }
    }

    /// The scan that has finished by now, if one has.
    fn finished(&mut self, now: Now) -> Option<(ScanId, ScanResult)> {
        let running = self.running.filter(|running| now.monotonic >= running.due)?;
        match self.returned.1.try_recv() {
            Ok(Measured { scan, front_end, result }) => {
                self.front_end = Some(front_end);
                if scan != running.scan {
                    return None;
                }
                self.running = None;
                Some((scan, result))
            }
            Err(TryRecvError::Empty) => {
                self.running = Some(Running { due: now.monotonic.after(POLL), ..running });
                None
            }
            Err(TryRecvError::Disconnected) => {
                self.running = None;
                Some((running.scan, Err(Rejection::Sensor)))
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.running.map(|running| running.due)
    }
}

/// How often a thread that takes its time is asked whether it is done.
const POLL: Duration = Duration::from_millis(250);

impl<F: FrontEnd + Send + 'static> Sensor for FrontEndSensor<F> {
    fn begin(&mut self, now: Now, scan: &Scan) -> Result<(), Rejection> {
        let plan = Plan::new(&scan.parameters).map_err(|_| Rejection::Unable)?;
        // One that was given up may have come back since.
        if let Ok(measured) = self.returned.1.try_recv() {
            self.front_end = Some(measured.front_end);
        }
        let mut front_end = self.front_end.take().ok_or(Rejection::Busy)?;
        let (id, parameters, start) = (scan.id, scan.parameters, scan.start);
        let back = self.returned.0.clone();
        let work = move || {
            let result = measure(&mut front_end, &parameters, start).map_err(|error| match error {
                SenseError::Plan(_)
                | SenseError::FrontEnd(
                    FrontEndError::Frequency { .. }
                    | FrontEndError::Bandwidth { .. }
                    | FrontEndError::Gain { .. }
                    | FrontEndError::Setting { .. },
                ) => Rejection::Unable,
                SenseError::FrontEnd(_) => Rejection::Sensor,
            });
            let result = result.and_then(|spectrum| {
                let mut buffer = [0; 1_024];
                let summary = summarise(&spectrum, Summary::MOST_POINTS);
                let octets = summary.encode(&mut buffer).ok_or(Rejection::Sensor)?;
                Ok(octets.to_vec())
            });
            // Nobody listens any more: the station was switched off.
            let _ = back.send(Measured { scan: id, front_end, result });
        };
        thread::Builder::new().spawn(work).map_err(|_| Rejection::Sensor)?;
        let due = now.monotonic.after(plan.duration());
        self.running = Some(Running { scan: id, due });
        Ok(())
    }

    fn stop(&mut self, _now: Now, _scan: &Scan) {
        self.running = None;
    }

    fn association(&mut self, _now: Now, event: AssociationEvent) {
        self.events.push(event);
    }
}

impl<F> fmt::Debug for FrontEndSensor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrontEndSensor")
            .field("at_rest", &self.front_end.is_some())
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

/// An SSM with whoever watches it.
#[derive(Debug)]
pub struct ManagerStation<'s, U> {
    /// The machine.
    pub ssm: Ssm<'s>,
    /// Who watches.
    pub user: U,
}

impl<U: SsmUser> Machine for ManagerStation<'_, U> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.ssm.receive(now, from, octets, transport, &mut self.user);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.ssm.tick(now, transport, &mut self.user);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.ssm.next_deadline()
    }
}

/// An Actor with whoever it acts for.
#[derive(Debug)]
pub struct ActorStation<'s, U> {
    /// The machine.
    pub actor: Actor<'s>,
    /// Who it acts for.
    pub user: U,
}

impl<U: ActorUser> Machine for ActorStation<'_, U> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.actor.receive(now, from, octets, transport, &mut self.user);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.actor.tick(now, transport, &mut self.user);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.actor.next_deadline()
    }
}

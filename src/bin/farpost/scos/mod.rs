//! The SCOS stations as programs: what `ssm`, `ssd`, `actor` and `policy` share.

pub(crate) mod actor;
mod export;
mod host;
mod pace;
pub(crate) mod policy;
mod scan;
pub(crate) mod ssd;
pub(crate) mod ssm;
mod status;
mod tell;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Args;
use farpost::ams::ids::ContinuumNumber;
use farpost::ams::mib::{Mib, ServiceMode, Venture};
use farpost::ams::module::Membership;
use farpost::host::clock::{SystemClock, system_utc};
use farpost::host::driver::{Driver, Waker};
use farpost::host::mib::Bump;
use farpost::host::module::{Capacity, ModuleHost};
use farpost::host::net::endpoint_name;
use farpost::host::secret::Psk;
use farpost::host::station::StationApplication;
use farpost::host::store::FileStore;
use farpost::host::tls::{Link, TlsClient, TlsClientOptions};
use farpost::machine::Machine;
use farpost::scos::Restored;
use farpost::scos::carriage::{Carriage, Continua, Station, manager};
use farpost::storage::Slot;
use farpost::time::{Clock, Now};
use farpost::transport::Address;
use serde_json::{Map, Value, json};

use crate::ams::{
    Failure, Interrupt, Names, Output, Place, SIGNATURES, contents, event, mib_changed, object,
    require_role_key, seen_enough, venture_of,
};
use host::{Mailbox, Module, StationHost};
use pace::Pace;

/// Where a station keeps what is to survive, and by which time it lives.
#[derive(Args)]
pub(crate) struct Keeping {
    /// Keep what is to survive a loss of power in this file, and go on where it ended.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// For trials: let time pass so much faster since a time in seconds since 1970. All
    /// stations are told the same.
    #[arg(long, value_name = "SPEED@SECONDS")]
    pace: Option<Pace>,
}

/// How an SSD or an Actor reaches its SSM: as a module of the MIB, or over TLS.
#[derive(Args)]
pub(crate) struct Reach {
    #[command(flatten)]
    place: Place,
    /// With a MIB: the continuum the SSM is in, if not in this one.
    #[arg(long, value_name = "N", requires = "mib")]
    ssm_continuum: Option<u16>,
    /// Reach the SSM over TLS at this address, and not as a module.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "mib", requires = "psk")]
    tls: Option<String>,
    /// The file of the pre-shared key, as `farpost keygen --list` makes it.
    #[arg(long, value_name = "FILE", requires = "tls")]
    psk: Option<PathBuf>,
}

/// A station, besides its messages.
pub(crate) trait Program: Machine {
    /// Its link, if it has one.
    type Link: Link;

    /// Does what was asked for, and shows how it stands.
    fn work(&mut self, now: Now, link: Option<&mut Self::Link>) -> Result<(), Failure>;

    /// Somebody asked it to read its files again: what became of them, if it has any.
    fn reload(&mut self, link: Option<&mut Self::Link>) -> Option<Map<String, Value>> {
        let _ = link;
        None
    }

    /// It is to end: begins to take its leave.
    fn leave(&mut self) {}

    /// Whether it has.
    fn has_left(&self) -> bool {
        true
    }

    /// Whether it has done all it was asked for, and with which exit status it ends then.
    fn is_done(&self) -> Option<ExitCode> {
        None
    }
}

/// Where a program and whoever watches its machine tell what happens.
pub(crate) type Told = Rc<RefCell<Output>>;

impl Keeping {
    fn pace(&self) -> Pace {
        self.pace.unwrap_or_default()
    }

    /// The store, if there is to be one.
    fn store<'a>(&self, arena: &'a Bump) -> Result<Option<&'a mut FileStore>, Failure> {
        let Some(file) = &self.store else { return Ok(None) };
        Ok(Some(arena.alloc(FileStore::open(file)?)))
    }

    /// Tells what was found in the store. What another version or another machine has
    /// written is no reason to write over it.
    fn found(&self, told: &Told, found: &Restored) -> Result<(), Failure> {
        let Some(file) = &self.store else { return Ok(()) };
        if let Some(fault) = found.fault {
            return Err(Failure::new(format!("{}: {fault}; use another file", file.display())));
        }
        let Restored { records, damaged, no_room, .. } = found;
        let details = json!({"records": records, "damaged": damaged, "no_room": no_room});
        told.borrow_mut().line(event("restored", details));
        Ok(())
    }
}

impl Reach {
    /// Where the SSM is found.
    fn ssm(&self) -> Address {
        if self.tls.is_some() { TlsClient::server() } else { manager() }
    }

    /// The link of whoever has this identity, if there is to be one.
    fn link(&self, identity: &str) -> Result<Option<TlsClient>, Failure> {
        let (Some(endpoint), Some(file)) = (&self.tls, &self.psk) else { return Ok(None) };
        client(endpoint, identity, file).map(Some)
    }

    fn continua(&self) -> Option<ContinuumNumber> {
        self.ssm_continuum.map(ContinuumNumber::from_bits)
    }
}

/// The link of whoever has this identity, and the key in this file.
fn client(endpoint: &str, identity: &str, file: &Path) -> Result<TlsClient, Failure> {
    let seed = system_utc().unix_micros().unsigned_abs();
    let options = TlsClientOptions::new(seed ^ u64::from(std::process::id()));
    Ok(TlsClient::new(endpoint, identity, &Psk::read(file)?, options)?)
}

/// How a station takes part.
pub(crate) struct Part<'a, L> {
    pub(crate) place: &'a Place,
    pub(crate) keeping: &'a Keeping,
    pub(crate) station: Station,
    /// Where its partners are, if not in its own continuum.
    pub(crate) elsewhere: Option<ContinuumNumber>,
    pub(crate) link: Option<L>,
    /// What is said of its link when it has started.
    pub(crate) linked: Value,
}

impl<L: Link> Part<'_, L> {
    /// Runs a program until it is done or somebody ends it.
    pub(crate) fn run<P: Program<Link = L>>(
        self,
        arena: &Bump,
        told: &Told,
        make: impl FnOnce(Waker) -> Result<P, Failure>,
    ) -> Result<ExitCode, Failure> {
        let mut started = object(self.linked.clone());
        let module = match (self.place.has_mib(), &self.link) {
            (true, _) => Some(self.module(arena, &mut started)?),
            (false, Some(_)) => None,
            (false, None) => {
                return Err(Failure::new(
                    "nothing carries its messages: say --mib FILE, or --tls ADDRESS",
                ));
            }
        };
        let mut driver = Driver::new(SystemClock::new())?;
        let waker = driver.waker()?;
        let interrupt = Interrupt::listen(waker.clone())?;
        let pace = self.keeping.pace();
        let mut host = StationHost::new(make(waker)?, module, self.link, pace);
        driver.add(&mut host)?;
        told.borrow_mut().line(event("started", Value::Object(started)));
        if let Some(module) = &mut host.module {
            module.service.register(driver.clock().now())?;
        }
        let code = go_on(&mut driver, &mut host, &interrupt, told, pace, || self.place.mib(arena))?;
        if let Some(module) = &mut host.module {
            let membership = module.service.module().membership();
            if matches!(membership, Membership::Joining | Membership::Member(_)) {
                module.service.unregister(driver.clock().now())?;
            }
        }
        driver.turn(&mut [&mut host], Duration::ZERO)?;
        let mut output = told.borrow_mut();
        output.line(event("stopped", json!({"faults": host.faults()})));
        output.close();
        Ok(code)
    }

    /// Its module, not registered yet.
    fn module<'a>(
        &self,
        arena: &'a Bump,
        started: &mut Map<String, Value>,
    ) -> Result<Module<'a>, Failure> {
        let mib = self.place.mib(arena)?;
        let venture = venture_of(mib, self.place.venture)?;
        check(venture)?;
        let role = Carriage::DEFAULT.party(self.station).role;
        venture.role(role).map_or(Ok(()), require_role_key)?;
        let unit = self.place.unit(Names(venture))?;
        let sockets = self.place.bind(mib)?;
        let style = self.place.style(mib);
        started.extend(object(json!({
            "endpoint": endpoint_name(sockets.mams(), style),
            "venture": venture.number.0,
            "unit": unit.0,
        })));
        let here = mib.continuum.number;
        let elsewhere = self.elsewhere.unwrap_or(here);
        let continua = match self.station {
            Station::Manager => Continua { manager: here, devices: elsewhere, actors: elsewhere },
            Station::Device | Station::Actor => Continua { manager: elsewhere, ..here.into() },
        };
        // Messages fit datagrams, and what is lost is sent again.
        let (plan, mode) = (Carriage::DEFAULT, ServiceMode::BEST_EFFORT);
        let application =
            StationApplication::new(Mailbox::default(), self.station, plan, continua, mode);
        let place = (venture.number, unit, role);
        let host =
            ModuleHost::new(arena, mib, place, (sockets, style), Capacity::default(), application)?;
        Ok(host.with_authenticator(&SIGNATURES).with_content_handler(contents(arena)))
    }
}

/// Runs it until it is done, or somebody ends it, and it has taken its leave.
fn go_on<'s, P: Program>(
    driver: &mut Driver<SystemClock>,
    host: &mut StationHost<'s, P, P::Link>,
    interrupt: &Interrupt,
    told: &Told,
    pace: Pace,
    reload: impl Fn() -> Result<&'s Mib<'s>, Failure>,
) -> Result<ExitCode, Failure> {
    let mut leaving = None;
    let mut code = ExitCode::SUCCESS;
    loop {
        if interrupt.takes_reload() {
            if host.module.is_some() {
                let changed = reload().and_then(|mib| host.change_mib(mib));
                told.borrow_mut().line(mib_changed(changed));
            }
            if let Some(line) = host.machine.reload(host.link.as_mut()) {
                told.borrow_mut().line(line);
            }
        }
        host.machine.work(pace.now(driver.clock().now()), host.link.as_mut())?;
        let printed = told.borrow_mut().check();
        match printed {
            Err(error) if seen_enough(&error) => return Ok(ExitCode::SUCCESS),
            result => result?,
        }
        if leaving.is_none() {
            let done = host.machine.is_done();
            if done.is_some() || interrupt.is_asked() {
                code = done.unwrap_or(ExitCode::SUCCESS);
                leaving = Some(Instant::now());
                host.machine.leave();
            }
        }
        if let Some(since) = leaving
            && (host.machine.has_left() || since.elapsed() >= PATIENCE)
        {
            return Ok(code);
        }
        let at_most = if leaving.is_some() { POLL } else { Duration::MAX };
        driver.turn(&mut [host], at_most)?;
    }
}

/// How long an end may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a program that ends is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Whether a venture has what SCOS needs.
fn check(venture: &Venture<'_>) -> Result<(), Failure> {
    let Carriage { device, manager, actor } = Carriage::DEFAULT;
    let example = "examples/mib/stations.toml has all that stations need";
    for (name, party) in [("SSD", device), ("SSM", manager), ("Actor", actor)] {
        if venture.role(party.role).is_none() && !venture.roles.is_empty() {
            return Err(Failure::new(format!(
                "the MIB has no role {}, which the {name} registers in; {example}",
                party.role.0
            )));
        }
        if venture.subject(party.subject).is_none() {
            return Err(Failure::new(format!(
                "the MIB has no subject {}, which the {name} sends on; {example}",
                party.subject.0
            )));
        }
    }
    Ok(())
}

/// Empty slots.
fn slots<T>(arena: &Bump, count: usize) -> &mut [Slot<T>] {
    arena.alloc_slice_fill_with(count, |_| Slot::EMPTY)
}

/// Writes a file so that nobody sees half of it.
fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, file));
    written.map_err(|error| Failure::new(format!("{} cannot be written: {error}", file.display())))
}

//! The SCOS stations as programs: what `ssm`, `ssd` and `actor` share.

pub(crate) mod actor;
mod devices;
mod pace;
mod scan;
pub(crate) mod ssd;
pub(crate) mod ssm;
#[cfg(unix)]
mod status;
mod tell;

use std::cell::RefCell;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Args;
use farpost::ams::ids::UnitNumber;
use farpost::ams::mib::{Mib, ServiceMode, Venture};
use farpost::host::clock::SystemClock;
use farpost::host::driver::{Driver, Waker};
use farpost::host::mib::Bump;
use farpost::host::module::{BindOptions, Capacity, ModuleHost, ModuleSockets};
use farpost::host::net::endpoint_name;
use farpost::host::station::StationApplication;
use farpost::host::store::FileStore;
use farpost::machine::Machine;
use farpost::scos::Restored;
use farpost::scos::carriage::{Carriage, Station};
use farpost::storage::Slot;
use farpost::time::{Clock, Now};
use serde_json::json;

use crate::ams::{
    EndpointStyle, Failure, Interrupt, Named, Names, Output, SIGNATURES, contents, event, load_mib,
    local_ip, name_style, require_role_key, seen_enough, venture_of,
};
use pace::{Pace, Paced};

/// Where a station takes part, and where it keeps what is to survive.
#[derive(Args)]
pub(crate) struct Place {
    /// The MIB: TOML, or ION's amsrc or XML. It has the roles 2 (SSD), 3 (SSM) and
    /// 4 (Actor), and the subjects 1, 2 and 3 that they send on.
    #[arg(long, value_name = "FILE")]
    mib: PathBuf,
    /// The venture; by default the first of the MIB.
    #[arg(long, value_name = "N")]
    venture: Option<u8>,
    /// The unit whose cell it registers in, by name or number.
    #[arg(long, value_name = "NAME|N", default_value = "0")]
    unit: String,
    /// The address others reach it at; by default as the MIB has it, or the one that
    /// reaches the configuration server.
    #[arg(long, value_name = "IP")]
    bind: Option<IpAddr>,
    /// How endpoint names are written; by default as the MIB's profile has it.
    #[arg(long, value_enum)]
    endpoint_style: Option<EndpointStyle>,
    /// Keep what is to survive a loss of power in this file, and go on where it ended.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Let time pass so much faster since a time in seconds since 1970, as SPEED@SECONDS:
    /// for trials with slots of a minute.
    #[arg(long, value_name = "SPEED@SECONDS", hide = true)]
    pace: Option<Pace>,
}

/// A station, besides its messages.
pub(crate) trait Program: Machine {
    /// Does what was asked for, and shows how it stands.
    fn work(&mut self, now: Now) -> Result<(), Failure>;

    /// Somebody asked it to read its files again.
    fn reload(&mut self) -> Result<(), Failure> {
        Ok(())
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

impl Place {
    pub(crate) fn pace(&self) -> Pace {
        self.pace.unwrap_or_default()
    }

    /// The store, if there is to be one.
    pub(crate) fn store<'a>(&self, arena: &'a Bump) -> Result<Option<&'a mut FileStore>, Failure> {
        let Some(file) = &self.store else { return Ok(None) };
        Ok(Some(arena.alloc(FileStore::open(file)?)))
    }

    /// Runs a program until it is done or somebody ends it.
    pub(crate) fn run<'a, P: Program>(
        &self,
        arena: &'a Bump,
        station: Station,
        told: &Told,
        make: impl FnOnce(Waker) -> Result<P, Failure>,
    ) -> Result<ExitCode, Failure> {
        let mib: &'a Mib<'a> = arena.alloc(load_mib(arena, &self.mib)?);
        let venture = venture_of(mib, self.venture)?;
        let party = Carriage::DEFAULT.party(station);
        check(venture)?;
        venture.role(party.role).map_or(Ok(()), require_role_key)?;
        let unit = Names(venture).unit(&Named::from(self.unit.as_str())).map_err(Failure)?;
        let mut driver = Driver::new(SystemClock::new())?;
        let waker = driver.waker()?;
        let interrupt = Interrupt::listen(waker.clone())?;
        let pace = self.pace();
        let program = Paced::new(make(waker)?, pace);
        let sockets = self.bind(mib)?;
        let style = name_style(self.endpoint_style, mib);
        let endpoint = endpoint_name(sockets.mams(), style);
        let application = StationApplication::new(
            program,
            station,
            Carriage::DEFAULT,
            mib.continuum.number,
            // Reports are longer than datagrams like to be.
            if station == Station::Actor { ServiceMode::ASSURED } else { ServiceMode::BEST_EFFORT },
        );
        let place = (venture.number, unit, party.role);
        let capacity = Capacity::default();
        let mut host = ModuleHost::new(arena, mib, place, (sockets, style), capacity, application)?
            .with_authenticator(&SIGNATURES)
            .with_content_handler(contents(arena));
        driver.add(&mut host)?;
        told.borrow_mut().line(event(
            "started",
            json!({"endpoint": endpoint, "venture": venture.number.0, "unit": UnitNumber::from(unit).0}),
        ));
        host.service.register(driver.clock().now())?;
        let mut leaving = None;
        let mut done = ExitCode::SUCCESS;
        loop {
            let now = driver.clock().now();
            let program = &mut host.application.machine.machine;
            if interrupt.takes_reload() {
                let outcome = match program.reload() {
                    Ok(()) => event("reloaded", json!({})),
                    Err(Failure(problem)) => event("reload_refused", json!({"message": problem})),
                };
                told.borrow_mut().line(outcome);
            }
            program.work(pace.now(now))?;
            let ended = told.borrow_mut().check();
            match ended {
                Err(error) if seen_enough(&error) => return Ok(ExitCode::SUCCESS),
                result => result?,
            }
            if let Some(code) = program.is_done().filter(|_| leaving.is_none()) {
                done = code;
                leaving = Some(Instant::now());
                program.leave();
            } else if interrupt.is_asked() && leaving.is_none() {
                leaving = Some(Instant::now());
                program.leave();
            }
            if let Some(since) = leaving
                && (program.has_left() || since.elapsed() >= PATIENCE)
            {
                break;
            }
            let at_most = if leaving.is_some() { POLL } else { Duration::MAX };
            driver.turn(&mut [&mut host], at_most)?;
        }
        // Not a member any more, it has no message space to leave.
        let _ = host.service.unregister(driver.clock().now());
        driver.turn(&mut [&mut host], Duration::ZERO)?;
        let mut output = told.borrow_mut();
        output.line(event("stopped", json!({})));
        output.close();
        Ok(done)
    }

    fn bind(&self, mib: &Mib<'_>) -> Result<ModuleSockets, Failure> {
        let options = BindOptions { local: local_ip(mib), ip: self.bind, mams_port: None };
        let sockets = ModuleSockets::bind_by_mib(mib, &options)?;
        let ip = sockets.mams().ip();
        if ip.is_unspecified() {
            return Err(Failure::new(format!(
                "{ip} is no address that others can be told; bind one that they reach this host at"
            )));
        }
        Ok(sockets)
    }
}

/// How long an end may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a program that ends is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Whether a venture has what SCOS needs.
fn check(venture: &Venture<'_>) -> Result<(), Failure> {
    let Carriage { device, manager, actor } = Carriage::DEFAULT;
    for (name, party) in [("SSD", device), ("SSM", manager), ("Actor", actor)] {
        if venture.role(party.role).is_none() && !venture.roles.is_empty() {
            return Err(Failure::new(format!(
                "the MIB has no role {}, which the {name} registers in; see \
                 examples/mib/stations.toml",
                party.role.0
            )));
        }
        if venture.subject(party.subject).is_none() {
            return Err(Failure::new(format!(
                "the MIB has no subject {}, which the {name} sends on; see \
                 examples/mib/stations.toml",
                party.subject.0
            )));
        }
    }
    Ok(())
}

/// Tells what was found in a store. Records of a later version are no reason to write
/// over them.
pub(crate) fn found(told: &Told, store: Option<&Path>, found: &Restored) -> Result<(), Failure> {
    let Some(store) = store else { return Ok(()) };
    if let Some(fault) = found.fault {
        return Err(Failure::new(format!("{}: {fault}; use another file", store.display())));
    }
    told.borrow_mut().line(event(
        "restored",
        json!({"records": found.records, "damaged": found.damaged, "no_room": found.no_room}),
    ));
    Ok(())
}

/// Empty slots.
pub(crate) fn slots<T>(arena: &Bump, count: usize) -> &mut [Slot<T>] {
    arena.alloc_slice_fill_with(count, |_| Slot::EMPTY)
}

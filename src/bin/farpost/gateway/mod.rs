//! `farpost gateway`: joins a message space to those in other continua.

mod observed;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use farpost::ams::gateway::GatewayConfig;
use farpost::ams::ids::{RoleNumber, UnitNumber};
use farpost::ams::mib::{Mib, RamsNetwork, Venture};
use farpost::ams::module::Membership;
use farpost::host::bundle::{BundleCarriage, BundleWatch, DEFAULT_DAEMON, DaemonUrl, EndpointId};
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::gateway::{GatewayCapacity, GatewayHost, GatewaySetup};
use farpost::host::mib::Bump;
use farpost::host::net::{endpoint_name, resolve_endpoint};
use farpost::host::rams::{Carriages, UdpCarriage};
use farpost::time::Clock;
use serde_json::json;

use crate::ams::{
    CHANNELS, Failure, Interrupt, Names, Place, SIGNATURES, event, exit, mib_changed,
    require_role_key, seconds, seen_enough, venture_of,
};
use observed::Observed;

/// Run the RAMS gateway of a message space: it forwards messages to and from the
/// same venture in other continua.
///
/// It prints what happens as JSON lines: started, registered, neighbour_declared,
/// neighbour_retracted, petition_asserted, petition_cancelled, waiting, daemon_joined,
/// daemon_away, and at the end stopped, with all counters. Ctrl-C retracts the gateway from its neighbours
/// and unregisters it; the signal to hang up has it read the MIB again. The MIB has the
/// locations of this gateway and of its neighbours, and whether they are a mesh or a tree.
#[derive(Args)]
#[command(mut_arg("mib", |mib| mib.required(true)))]
pub(crate) struct Gateway {
    #[command(flatten)]
    place: Place,
    /// Where it receives RPDUs by UDP; by default at its location in the MIB, the
    /// `gateway` of the venture.
    #[arg(long, value_name = "IP:PORT")]
    rams_bind: Option<SocketAddr>,
    /// Where it receives RPDUs in bundles, `dtn://NODE/SERVICE` or `ipn:NODE.SERVICE`; by
    /// default at its location in the MIB, where that is `bp@EID`.
    #[arg(long, value_name = "EID", value_parser = EndpointId::parse)]
    bundle_endpoint: Option<EndpointId>,
    /// Where the interface of the bundle daemon is, dtnd of dtn7, whose node that endpoint
    /// is of.
    #[arg(long, value_name = "URL", default_value = DEFAULT_DAEMON, value_parser = DaemonUrl::parse)]
    bundle_daemon: DaemonUrl,
    /// How many messages may wait for neighbours that cannot be reached.
    #[arg(long, value_name = "N", default_value_t = GatewayCapacity::default().messages)]
    store_messages: usize,
    /// How many octets of them.
    #[arg(long, value_name = "N", default_value_t = GatewayCapacity::default().octets)]
    store_octets: usize,
    /// How long they wait at the most.
    #[arg(long, value_name = "SECONDS", default_value = "86400", value_parser = seconds)]
    lifetime: Duration,
    /// How often it declares itself to a neighbour that has not declared itself; 10, but 600
    /// where RPDUs go in bundles.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    repeat: Option<Duration>,
    /// How often it asserts all petitions again, in case some were lost; 60, but 3,600 where
    /// RPDUs go in bundles.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    refresh: Option<Duration>,
    /// Never assert them again: nothing that carries RPDUs here loses any.
    #[arg(long, conflicts_with = "refresh")]
    no_refresh: bool,
    /// How long the petitions of a neighbour that has started anew stand without being
    /// asserted again: longer than there and back; 150, but a day where RPDUs go in bundles.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    grace: Option<Duration>,
    /// How many subscription specifications it has room for.
    #[arg(long, value_name = "N", default_value_t = GatewayCapacity::default().petitions)]
    petitions: usize,
}

type Host<'s> = GatewayHost<'s, Observed<'s>>;

impl Gateway {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.serve())
    }

    fn serve(&self) -> Result<ExitCode, Failure> {
        let arena = Bump::new();
        let mib = self.place.mib(&arena)?;
        let venture = venture_of(mib, self.place.venture)?;
        let names = Names(venture);
        let unit = self.place.unit(names)?;
        venture.role(RoleNumber::RAMS_GATEWAY).map_or(Ok(()), require_role_key)?;
        let (carriages, watch) = self.carriages(venture)?;
        let sockets = self.place.bind(mib)?;
        let setup = self.setup(mib, venture, unit, watch.is_some())?;
        let endpoint = endpoint_name(sockets.mams(), setup.style);
        let observed = Observed::new(mib, names, watch);
        let host = GatewayHost::new(&arena, mib, setup, sockets, carriages, observed)?;
        let mut host =
            host.with_authenticator(&SIGNATURES).with_channel_security(&arena, &CHANNELS);
        require_service(&host, mib)?;
        let mut driver = Driver::new(SystemClock::new())?;
        driver.add(&mut host)?;
        let interrupt = Interrupt::listen(driver.waker()?)?;
        let network = match venture.network {
            RamsNetwork::Mesh => "mesh",
            RamsNetwork::Tree => "tree",
        };
        host.user.output.line(event(
            "started",
            json!({"endpoint": endpoint, "continuum": mib.continuum.number.get(),
                   "venture": venture.number.0, "unit": unit.0, "location": venture.gateway,
                   "network": network, "neighbours": host.gateway().neighbours().count()}),
        ));
        host.register(driver.clock().now())?;
        let number = venture.number.0;
        go_on(&mut driver, &mut host, &interrupt, |now, host| {
            let mib = self.place.mib(&arena)?;
            let changed = venture_of(mib, Some(number))?;
            require_same_place(host.user.names.0, changed)?;
            require_service(host, mib)?;
            host.change_mib(now, mib)?;
            host.user.change_mib(mib, Names(changed));
            Ok(())
        })?;
        leave(&mut driver, &mut host)
    }

    fn setup(
        &self,
        mib: &Mib<'_>,
        venture: &Venture<'_>,
        unit: UnitNumber,
        has_bundles: bool,
    ) -> Result<GatewaySetup, Failure> {
        if self.store_octets > MOST_OCTETS || self.store_messages > MOST_MESSAGES {
            return Err(Failure::new(format!(
                "the store has room for at most {MOST_OCTETS} octets and {MOST_MESSAGES} messages"
            )));
        }
        let usual = if has_bundles { DELAYED } else { GatewayConfig::default() };
        let config = GatewayConfig {
            repeat: self.repeat.unwrap_or(usual.repeat),
            refresh: self.refresh.or(usual.refresh).filter(|_| !self.no_refresh),
            grace: self.grace.unwrap_or(usual.grace),
            lifetime: self.lifetime,
        };
        if config.repeat < LEAST || config.refresh.is_some_and(|period| period < LEAST) {
            return Err(Failure::new("--repeat and --refresh take 0.1 seconds at the least"));
        }
        let capacity = GatewayCapacity {
            petitions: self.petitions.min(MOST_PETITIONS),
            messages: self.store_messages,
            octets: self.store_octets,
            ..GatewayCapacity::default()
        };
        let style = self.place.style(mib);
        Ok(GatewaySetup { venture: venture.number, unit, style, config, capacity })
    }

    /// What carries RPDUs here: UDP or bundles, at the location the MIB has, and either
    /// where an option says so.
    fn carriages(
        &self,
        venture: &Venture<'_>,
    ) -> Result<(Carriages, Option<BundleWatch>), Failure> {
        let location = venture.gateway.split_once('@');
        let at = match (self.rams_bind, location) {
            (Some(at), _) => Some(at),
            (None, Some(("udp", endpoint))) => {
                Some(resolve_endpoint(endpoint).ok_or_else(|| {
                    Failure::new(format!(
                        "the host of `udp@{endpoint}` is not known; see to its name, or say where \
                         to receive RPDUs with --rams-bind IP:PORT"
                    ))
                })?)
            }
            _ => None,
        };
        let endpoint = match (&self.bundle_endpoint, location) {
            (Some(endpoint), _) => Some(endpoint.clone()),
            (None, Some(("bp", endpoint))) => {
                Some(EndpointId::parse(endpoint).map_err(|fault| {
                    Failure::new(format!(
                        "this gateway is at `bp@{endpoint}` in the MIB: {fault}; {REMEDY}"
                    ))
                })?)
            }
            _ => None,
        };
        let mut carriages = Carriages::new();
        if let Some(at) = at {
            let carriage = UdpCarriage::bind(at).map_err(|error| {
                Failure::new(format!(
                    "{at} cannot be bound for RPDUs: {error}; where this host has another address \
                     than the MIB says, say it with --rams-bind IP:PORT"
                ))
            })?;
            carriages.push(Box::new(carriage));
        }
        let mut watch = None;
        if let Some(endpoint) = endpoint {
            let daemon = self.bundle_daemon.clone();
            let carriage = BundleCarriage::new(endpoint, daemon, self.lifetime)?;
            watch = Some(carriage.watch());
            carriages.push(Box::new(carriage));
        }
        match location {
            _ if !carriages.is_empty() => Ok((carriages, watch)),
            Some((service, _)) => Err(Failure::new(format!(
                "this gateway is at `{}` in the MIB, and nothing here carries RPDUs by \
                 `{service}`; {REMEDY}",
                venture.gateway
            ))),
            None => Err(Failure::new(format!(
                "the MIB does not say where this gateway is; {REMEDY}, or say --rams-bind IP:PORT"
            ))),
        }
    }
}

/// What the MIB may say.
const REMEDY: &str = "give the venture `gateway = \"udp@HOST:PORT\"` or \
                      `\"bp@EID\"` (in an ION file `gweid=udp@HOST:PORT`)";

/// The times of a gateway whose RPDUs may be on the way for hours: what is repeated
/// waits in the stores of the network, and who has started anew is heard of late.
const DELAYED: GatewayConfig = GatewayConfig {
    repeat: Duration::from_secs(600),
    refresh: Some(Duration::from_secs(3_600)),
    grace: Duration::from_secs(86_400),
    lifetime: Duration::from_secs(86_400),
};

/// The most that a store can be asked to have room for.
const MOST_OCTETS: usize = 1 << 34;
const MOST_MESSAGES: usize = 1 << 24;
const MOST_PETITIONS: usize = 1 << 16;

/// The shortest time between repetitions.
const LEAST: Duration = Duration::from_millis(100);

/// Neighbours must be where something here leads to.
fn require_service(host: &Host<'_>, mib: &Mib<'_>) -> Result<(), Failure> {
    match host.unserved(mib).next() {
        None => Ok(()),
        Some(space) => Err(Failure::new(format!(
            "the neighbour in continuum {} is at `{}` in the MIB, and nothing here carries RPDUs \
             there; give its message space `gateway = \"udp@HOST:PORT\"` (in an ION file \
             `gweid=udp@HOST:PORT`), or say that it is no neighbour; where this gateway is reached by \
             UDP and that one by bundles, or the other way about, see --bundle-endpoint and --rams-bind",
            space.continuum, space.gateway
        ))),
    }
}

/// Sockets stay where they are.
fn require_same_place(before: &Venture<'_>, after: &Venture<'_>) -> Result<(), Failure> {
    if before.gateway == after.gateway {
        return Ok(());
    }
    Err(Failure::new(format!(
        "this gateway is at `{}` now, not at `{}`: it has to be started again for that",
        after.gateway, before.gateway
    )))
}

/// Serves until somebody ends the program, or reads no more.
fn go_on<'s>(
    driver: &mut Driver<SystemClock>,
    host: &mut Host<'s>,
    interrupt: &Interrupt,
    reload: impl Fn(farpost::time::Now, &mut Host<'s>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    loop {
        driver.turn(&mut [host], Duration::MAX)?;
        if interrupt.takes_reload() {
            let changed = reload(driver.clock().now(), host);
            host.user.output.line(mib_changed(changed));
        }
        match host.user.output.check() {
            Err(error) if seen_enough(&error) => return Ok(()),
            result => result?,
        }
        if interrupt.is_asked() {
            return Ok(());
        }
    }
}

/// Retracts and unregisters, and tells what was done in all.
fn leave(driver: &mut Driver<SystemClock>, host: &mut Host<'_>) -> Result<ExitCode, Failure> {
    let membership = host.gateway().module().membership();
    if matches!(membership, Membership::Joining | Membership::Member(_)) {
        host.unregister(driver.clock().now())?;
    }
    let until = driver.clock().now().monotonic.after(PATIENCE);
    while host.is_sending() {
        let now = driver.clock().now().monotonic;
        if now >= until {
            break;
        }
        driver.turn(&mut [host], until.since(now))?;
    }
    let stopped = host.user.counters(host.gateway());
    host.user.output.line(event("stopped", stopped));
    host.user.output.close();
    Ok(ExitCode::SUCCESS)
}

/// How long what is still to be sent is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(2);

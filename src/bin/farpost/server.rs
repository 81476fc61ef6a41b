//! `farpost server`: runs a configuration server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use farpost::ams::config_server::{
    CellState, ConfigServer, ConfigServerConfig, ConfigServerState, ConfigServerStorage,
};
use farpost::ams::mib::Mib;
use farpost::host::mib::Bump;
use farpost::host::net::{UdpEndpoint, resolve_endpoint};
use farpost::storage::Slot;
use farpost::time::Now;
use serde_json::json;

use crate::ams::{
    Failure, Observer, Output, SIGNATURE_LEN, SIGNATURES, Watched, event, exit, load_mib,
    reload_mib, require_server_key, watch,
};

/// Run a configuration server of AMS.
///
/// It prints what happens as JSON lines: started, registrar_noted, registrar_lost,
/// standing_by, took_over, and at the end ceased or stopped. Ctrl-C stops it. The exit status is 1 when it
/// ceases because one that ranks higher is running.
#[derive(Args)]
pub(crate) struct Server {
    /// The MIB: TOML, or ION's amsrc or XML.
    #[arg(long, value_name = "FILE")]
    mib: PathBuf,
    /// Which of the MIB's config_servers it is, from 0; by default the first that
    /// is an address of this host and free.
    #[arg(long, value_name = "N")]
    location: Option<usize>,
    /// Where to receive MPDUs instead, for a host that is reached by another address.
    #[arg(long, value_name = "IP:PORT")]
    bind: Option<SocketAddr>,
}

impl Server {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.serve())
    }

    fn serve(&self) -> Result<ExitCode, Failure> {
        let arena = Bump::new();
        let mib = load_mib(&arena, &self.mib)?;
        require_server_key(&mib)?;
        let (location, socket) = self.place(&mib)?;
        let mut observer = Observed::new();
        observer.started(&mib, location, socket.local());
        let cells: usize = mib.ventures.iter().map(|venture| venture.units.len()).sum();
        let cells = cells + SPARE_CELLS;
        let storage = ConfigServerStorage {
            cells: arena.alloc_slice_fill_with(cells, |_| Slot::EMPTY),
            buffer: arena.alloc_slice_fill_copy(ConfigServer::BUFFER_LEN + SIGNATURE_LEN, 0),
        };
        let machine = ConfigServer::new(&mib, ConfigServerConfig { location }, storage)
            .with_authenticator(&SIGNATURES);
        watch(Watched { machine, observer }, socket, |watched| {
            Ok(watched.machine.change_mib(reload_mib(&arena, &self.mib)?)?)
        })
    }

    /// Which location it is at, and its socket.
    fn place(&self, mib: &Mib<'_>) -> Result<(usize, UdpEndpoint), Failure> {
        if let Some(location) = self.location {
            let Some(name) = mib.config_servers.get(location) else {
                let count = mib.config_servers.len();
                return Err(Failure::new(format!(
                    "there is no location {location}; the MIB has {count}, from 0"
                )));
            };
            let at = self.bind.map_or_else(|| address(name), Ok)?;
            return Ok((location, bind(at)?));
        }
        if let Some(at) = self.bind {
            let known =
                mib.config_servers.iter().position(|name| resolve_endpoint(name) == Some(at));
            let location = match (known, mib.config_servers) {
                (Some(location), _) => location,
                (None, [_]) => 0,
                (None, _) => {
                    return Err(Failure::new(format!(
                        "{at} is none of the MIB's config_servers; say with --location which it \
                         stands for"
                    )));
                }
            };
            return Ok((location, bind(at)?));
        }
        let mut tried = Vec::new();
        for (location, name) in mib.config_servers.iter().enumerate() {
            match address(name).and_then(bind) {
                Ok(socket) => return Ok((location, socket)),
                Err(Failure(problem)) => tried.push(problem),
            }
        }
        Err(Failure::new(format!(
            "none of the MIB's config_servers can be bound here ({}); give an address with --bind",
            tried.join("; ")
        )))
    }
}

/// Cells that the MIB may get while the server runs.
const SPARE_CELLS: usize = 64;

fn address(name: &str) -> Result<SocketAddr, Failure> {
    resolve_endpoint(name).ok_or_else(|| Failure::new(format!("`{name}` is not known here")))
}

fn bind(at: SocketAddr) -> Result<UdpEndpoint, Failure> {
    UdpEndpoint::bind(at).map_err(|error| Failure::new(format!("{at} cannot be bound: {error}")))
}

/// Tells of the cells whose registrars come and go.
struct Observed {
    output: Output,
    /// What has been told of each cell.
    told: Vec<(u8, u16, String, bool)>,
    state: ConfigServerState,
}

impl Observed {
    fn new() -> Self {
        Self { output: Output::new(), told: Vec::new(), state: ConfigServerState::Running }
    }

    fn look_at_state(&mut self, state: ConfigServerState) {
        if state == self.state {
            return;
        }
        self.state = state;
        self.output.line(match state {
            ConfigServerState::Running => event("took_over", json!({})),
            ConfigServerState::StandingBy => event("standing_by", json!({"reason": "outranked"})),
            ConfigServerState::Outranked => event("ceased", json!({"reason": "outranked"})),
        });
    }

    fn started(&mut self, mib: &Mib<'_>, location: usize, at: SocketAddr) {
        let continuum = mib.continuum.number.get();
        self.output.line(event(
            "started",
            json!({"endpoint": at.to_string(), "location": location, "continuum": continuum}),
        ));
        self.output.status(format!("configuration server at {at}: no registrar yet"));
    }
}

impl Observer<ConfigServer<'_>> for Observed {
    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn has_ceased(&self) -> bool {
        self.state == ConfigServerState::Outranked
    }

    fn look(&mut self, _: Now, machine: &ConfigServer<'_>) {
        let seen: Vec<_> = machine
            .cells()
            .map(|cell| {
                let known = cell.state() == CellState::Known;
                (cell.venture().0, cell.unit().0, cell.endpoint().to_owned(), known)
            })
            .collect();
        for cell in seen.iter().filter(|cell| !self.told.contains(cell)) {
            let (venture, unit, endpoint, known) = cell;
            let name = if *known { "registrar_noted" } else { "registrar_lost" };
            let details = json!({"venture": venture, "unit": unit, "endpoint": endpoint});
            self.output.line(event(name, details));
        }
        if seen != self.told {
            let known = seen.iter().filter(|(.., known)| *known).count();
            self.output.status(format!("configuration server: {known} registrars known"));
            self.told = seen;
        }
        self.look_at_state(machine.state());
    }
}

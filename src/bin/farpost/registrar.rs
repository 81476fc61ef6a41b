//! `farpost registrar`: runs the registrar of a cell.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use farpost::ams::ids::{RoleNumber, UnitNumber};
use farpost::ams::mib::{Introduction, Mib};
use farpost::ams::pdu::EndpointName;
use farpost::ams::registrar::{
    Registrar as Machine, RegistrarConfig, RegistrarCounts, RegistrarState, RegistrarStorage,
};
use farpost::host::clock::system_utc;
use farpost::host::mib::Bump;
use farpost::host::net::endpoint_name;
use farpost::storage::Slot;
use farpost::time::Now;
use serde_json::{Map, Value, json};

use crate::ams::{
    EndpointStyle, Failure, Named, Names, Observer, Output, SIGNATURE_LEN, SIGNATURES, Watched,
    bindable, event, exit, load_mib, local_ip, name_style, object, require_registrar_key, seconds,
    venture_of, watch,
};

/// Run the registrar of a cell of AMS.
///
/// It prints what happens as JSON lines: started, noted, config_server_lost,
/// census_over, cell_known, module_registered, module_terminated, and at the end
/// ceased or stopped. Ctrl-C stops it. The exit status is 1 when it ceases because
/// the configuration server rejects it.
#[derive(Args)]
pub(crate) struct Registrar {
    /// The MIB: TOML, or ION's amsrc or XML.
    #[arg(long, value_name = "FILE")]
    mib: PathBuf,
    /// The venture; by default the first of the MIB.
    #[arg(long, value_name = "N")]
    venture: Option<u8>,
    /// The unit whose cell it is, by name or number.
    #[arg(long, value_name = "NAME|N", default_value = "0")]
    unit: String,
    /// Where to receive MPDUs, port 0 for any; by default any port of the address
    /// that reaches the configuration server.
    #[arg(long, value_name = "IP:PORT")]
    bind: Option<SocketAddr>,
    /// Who tells a new module of the others; by default as the MIB's policy says.
    #[arg(long, value_enum)]
    introduction: Option<Introducer>,
    /// How long after its start no new modules are registered, because those of an
    /// earlier registrar may reconnect; by default as the MIB's policy says, or N5.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    census: Option<Duration>,
    /// How endpoint names are written; by default as the MIB's profile has it.
    #[arg(long, value_enum)]
    endpoint_style: Option<EndpointStyle>,
}

/// Who introduces modules to a new one.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Introducer {
    /// Each of the others.
    Modules,
    /// The registrar.
    Registrar,
}

impl Registrar {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.serve())
    }

    fn serve(&self) -> Result<ExitCode, Failure> {
        let arena = Bump::new();
        let mib = self.with_policy(&load_mib(&arena, &self.mib)?);
        let venture = venture_of(&mib, self.venture)?;
        require_registrar_key(venture)?;
        let names = Names(venture);
        let unit = names.unit(&Named::from(self.unit.as_str())).map_err(Failure)?;
        if venture.unit(unit).is_none() {
            return Err(Failure::new(format!("the MIB has no unit {unit}")));
        }
        let at = self.bind.unwrap_or_else(|| SocketAddr::new(local_ip(&mib), 0));
        let socket = bindable(at)?;
        let endpoint = endpoint_name(socket.local(), name_style(self.endpoint_style, &mib));
        let name = EndpointName::new(arena.alloc_str(&endpoint))?;
        let config = RegistrarConfig {
            // A new series of query numbers for each life (5.1.3.1).
            first_query: u32::try_from(system_utc().unix_seconds() & 0x7fff_ffff)?,
            ..RegistrarConfig::new(venture.number, unit, name)
        };
        let mut observer = Observed::new(names, unit);
        observer.output.line(event(
            "started",
            json!({"endpoint": endpoint, "venture": venture.number.0, "unit": unit.0}),
        ));
        let storage = storage(&arena, venture.units.len() + SPARE_CELLS);
        let machine = Machine::new(&mib, config, storage).with_authenticator(&SIGNATURES);
        let number = venture.number.0;
        watch(Watched { machine, observer }, socket, |watched| {
            let mib = arena.alloc(self.with_policy(&load_mib(&arena, &self.mib)?));
            watched.machine.change_mib(mib)?;
            watched.observer.names = Names(venture_of(mib, Some(number))?);
            Ok(())
        })
    }

    /// The MIB with what the command line says of the policy.
    fn with_policy<'m>(&self, mib: &Mib<'m>) -> Mib<'m> {
        let mut policy = mib.policy;
        match self.introduction {
            Some(Introducer::Modules) => policy.introduction = Introduction::ByModules,
            Some(Introducer::Registrar) => policy.introduction = Introduction::ByRegistrar,
            None => {}
        }
        policy.census = self.census.or(policy.census);
        Mib { policy, ..*mib }
    }
}

/// Cells that the MIB may get while the registrar runs.
const SPARE_CELLS: usize = 16;

/// Room for a full cell, and for the rules of a large message space.
fn storage(arena: &Bump, cells: usize) -> RegistrarStorage<'_> {
    RegistrarStorage {
        members: arena.alloc_slice_fill_with(255, |_| Slot::EMPTY),
        registrars: arena.alloc_slice_fill_with(cells, |_| Slot::EMPTY),
        dossiers: arena.alloc_slice_fill_with(cells * 255, |_| Slot::EMPTY),
        rules: arena.alloc_slice_fill_with(8_192, |_| Slot::EMPTY),
        buffer: arena.alloc_slice_fill_copy(4_114 + SIGNATURE_LEN, 0),
    }
}

/// Tells of the modules that come and go, and how the registrar stands.
struct Observed<'m> {
    output: Output,
    names: Names<'m>,
    unit: UnitNumber,
    state: RegistrarState,
    census: bool,
    members: Vec<(u8, u8)>,
    cells: Vec<u16>,
    counts: RegistrarCounts,
}

impl<'m> Observed<'m> {
    fn new(names: Names<'m>, unit: UnitNumber) -> Self {
        Self {
            output: Output::new(),
            names,
            unit,
            state: RegistrarState::Announcing,
            census: true,
            members: Vec::new(),
            cells: Vec::new(),
            counts: RegistrarCounts::default(),
        }
    }

    fn look_at_state(&mut self, state: RegistrarState) {
        if state == self.state {
            return;
        }
        self.state = state;
        self.output.line(match state {
            RegistrarState::Announcing => event("config_server_lost", json!({})),
            RegistrarState::Noted => event("noted", json!({})),
            RegistrarState::Ceased(reason) => {
                event("ceased", json!({"reason": reason.name(), "reason_number": reason.0}))
            }
        });
    }

    fn look_at_members(&mut self, machine: &Machine<'_>) {
        let members: Vec<_> =
            machine.members().map(|member| (member.number().0, member.role().0)).collect();
        let counts = *machine.counts();
        let how = if counts.imputed != self.counts.imputed { "imputed" } else { "stopped" };
        for gone in self.members.iter().filter(|member| !members.contains(member)) {
            let mut details = self.module(*gone);
            details.insert("cause".into(), how.into());
            self.output.line(event("module_terminated", Value::Object(details)));
        }
        let back = counts.reconnected != self.counts.reconnected;
        let name = if back { "module_reconnected" } else { "module_registered" };
        for new in members.iter().filter(|member| !self.members.contains(member)) {
            let details = self.module(*new);
            self.output.line(event(name, Value::Object(details)));
        }
        self.members = members;
        self.counts = counts;
    }

    fn module(&self, (number, role): (u8, u8)) -> Map<String, Value> {
        let role_name = self.names.role_name(RoleNumber(role));
        let unit = self.unit.0;
        object(json!({"unit": unit, "module": number, "role": role, "role_name": role_name}))
    }

    fn look_at_cells(&mut self, machine: &Machine<'_>) {
        let cells: Vec<_> = machine.registrars().map(|other| other.unit().0).collect();
        for new in cells.iter().filter(|unit| !self.cells.contains(unit)) {
            self.output.line(event("cell_known", json!({"unit": new})));
        }
        self.cells = cells;
    }

    fn show_status(&mut self) {
        let state = match self.state {
            RegistrarState::Announcing => "looking for the configuration server",
            RegistrarState::Noted if self.census => "noted, census in progress",
            RegistrarState::Noted => "noted",
            RegistrarState::Ceased(_) => "ceased",
        };
        let (unit, modules) = (self.unit, self.members.len());
        self.output.status(format!("registrar of unit {unit}: {state}, {modules} modules"));
    }
}

impl Observer<Machine<'_>> for Observed<'_> {
    fn look(&mut self, now: Now, machine: &Machine<'_>) {
        self.look_at_state(machine.state());
        if self.census && !machine.census_in_progress(now) {
            self.census = false;
            self.output.line(event("census_over", json!({})));
        }
        self.look_at_members(machine);
        self.look_at_cells(machine);
        self.show_status();
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn has_ceased(&self) -> bool {
        matches!(self.state, RegistrarState::Ceased(_))
    }
}

//! Octets of RAM that a row of each table takes on this target.
#![no_std]
#![no_main]

use cortex_m as _; // its critical section
use cortex_m_rt::entry;
use farpost::ams::config_server::{Cell, ConfigServer};
use farpost::ams::module::{Module, OwnRule, Peer, PendingQuery, Rule};
use farpost::ams::registrar::{Dossier, DossierRule, Member, OtherRegistrar, Registrar};
use farpost::storage::Slot;
use semihosting::{println, process};

#[entry]
fn main() -> ! {
    row::<Module<'_>>("module");
    row::<Slot<Peer>>("module: other module");
    row::<Slot<Rule>>("module: rule of another module");
    row::<Slot<OwnRule>>("module: own rule");
    row::<Slot<PendingQuery>>("module: pending query");
    row::<Registrar<'_>>("registrar");
    row::<Slot<Member>>("registrar: member");
    row::<Slot<OtherRegistrar>>("registrar: other registrar");
    row::<Slot<Dossier>>("registrar: dossier");
    row::<Slot<DossierRule>>("registrar: rule in a dossier");
    row::<ConfigServer<'_>>("configuration server");
    row::<Slot<Cell>>("configuration server: cell");
    process::exit(0)
}

fn row<T>(name: &str) {
    println!("{}: {}", name, size_of::<T>());
}

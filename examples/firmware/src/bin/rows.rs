//! Octets of RAM that a row of each table takes on this target, and machines with all of
//! their storage.
#![no_std]
#![no_main]

#[path = "../panic.rs"]
mod panic;
#[path = "../vectors.rs"]
mod vectors;

use cortex_m as _; // its critical section
use cortex_m_rt::entry;
use farpost::ams::config_server::{Cell, ConfigServer, ConfigServerMemory};
use farpost::ams::gateway::{Block, Gateway, Neighbour, Parcel, Petition};
use farpost::ams::module::{Module, ModuleMemory, Peer, PendingQuery, Rule, StaticModule};
use farpost::ams::registrar::{
    Dossier, DossierRule, Member, OtherRegistrar, Registrar, RegistrarMemory,
};
use farpost::management::Definition;
use farpost::management::agent::{Agent, AgentMemory, Outgoing};
use farpost::scos::actor::{Actor, ActorRequest};
use farpost::scos::calendar::{DevicePlan, RecipeRow};
use farpost::scos::messages::Usage;
use farpost::scos::policy_manager::{ActorSetting, PolicyManager};
use farpost::scos::ssd::{Ssd, SsdRecipe};
use farpost::scos::ssm::{Booking, KnownActor, Ssm};
use farpost::scos::{DeviceMetadata, RegisteredDevice, StoredReport, Summary};
use farpost::southbound::agent::{Agent as ScheduleAgent, Answer};
use farpost::southbound::schedule::ScheduleRow;
use farpost::storage::Slot;
use farpost::store::flash::FlashRow;
use farpost::transport::Address;
use semihosting::{println, process};

#[entry]
fn main() -> ! {
    messages();
    sensing();
    management();
    southbound();
    row::<Slot<FlashRow>>("store in flash: record");
    whole_machines();
    process::exit(0)
}

fn messages() {
    row::<Module<'_>>("module");
    row::<StaticModule<'_>>("module, static configuration");
    row::<Slot<Peer>>("module: other module");
    row::<Slot<Rule>>("module: rule of another module");
    row::<Slot<PendingQuery>>("module: pending query");
    row::<Registrar<'_>>("registrar");
    row::<Slot<Member>>("registrar: member");
    row::<Slot<OtherRegistrar>>("registrar: other registrar");
    row::<Slot<Dossier>>("registrar: dossier");
    row::<Slot<DossierRule>>("registrar: rule in a dossier");
    row::<ConfigServer<'_>>("configuration server");
    row::<Slot<Cell>>("configuration server: cell");
    row::<Gateway<'_>>("gateway, with its module");
    row::<Slot<Neighbour>>("gateway: neighbour");
    row::<Slot<Petition>>("gateway: petition");
    row::<Slot<Parcel>>("gateway: message that waits");
    row::<Block>("gateway: 60 octets of messages that wait");
}

fn sensing() {
    row::<Ssd<'_>>("SSD");
    row::<Slot<SsdRecipe>>("SSD: recipe");
    row::<Slot<StoredReport>>("SSD: report that waits");
    row::<Summary>("SSD: spectrum of one");
    row::<[u8; DeviceMetadata::OCTETS]>("SSD: what it says of itself");
    row::<Ssm<'_>>("SSM");
    row::<Slot<RegisteredDevice>>("SSM: device");
    row::<DevicePlan>("SSM: calendar of a device");
    row::<DeviceMetadata>("SSM: what a device says of itself");
    row::<Slot<RecipeRow>>("SSM: recipe of the calendars");
    row::<Slot<Booking>>("SSM: request");
    row::<Slot<KnownActor>>("SSM: Actor");
    row::<Slot<Usage>>("SSM: what an Actor has had");
    row::<Slot<StoredReport>>("SSM: report that waits");
    row::<Summary>("SSM: spectrum of one");
    row::<Actor<'_>>("Actor");
    row::<Slot<ActorRequest>>("Actor: request");
    row::<PolicyManager<'_>>("policy manager");
    row::<Slot<ActorSetting>>("policy manager: Actor");
}

fn management() {
    row::<Agent<'_>>("management agent");
    row::<Slot<Definition>>("management agent: definition");
    row::<Slot<Outgoing>>("management agent: report that waits");
    row::<Slot<Address>>("management agent: manager");
}

fn southbound() {
    row::<ScheduleAgent<'_>>("southbound agent");
    row::<Slot<ScheduleRow>>("southbound agent: entry, or request before its turn");
    row::<Answer>("southbound agent: answer that waits");
}

/// Machines with storage as a post has it. What each is for, `docs/numbers.md` tells.
fn whole_machines() {
    const SUMMARY: usize = size_of::<Slot<StoredReport>>() + size_of::<Summary>();
    type Space = ModuleMemory<8, 24, 4, 1, 512, 1_172>;
    whole(
        "module with 8 others and 24 rules of theirs",
        size_of::<Module<'_>>() + size_of::<Space>(),
    );
    type Fixed = ModuleMemory<8, 24, 4, 1, 0, 1_172>;
    whole("static module with the same", size_of::<StaticModule<'_>>() + size_of::<Fixed>());
    type Cells = RegistrarMemory<8, 2, 8, 32, 1_400>;
    whole(
        "registrar with 8 members and 32 rules of theirs",
        size_of::<Registrar<'_>>() + size_of::<Cells>(),
    );
    let server = size_of::<ConfigServer<'_>>() + size_of::<ConfigServerMemory<4>>();
    whole("configuration server with 4 cells", server);
    let gateway = size_of::<Gateway<'_>>()
        + size_of::<Space>()
        + 2 * size_of::<Slot<Neighbour>>()
        + 16 * size_of::<Slot<Petition>>()
        + 64 * (size_of::<Slot<Parcel>>() + 2 * size_of::<Block>())
        + 1_200;
    whole("gateway with 2 neighbours and 64 messages of 120 octets that wait", gateway);
    let device = size_of::<Ssd<'_>>()
        + 16 * size_of::<Slot<SsdRecipe>>()
        + 8 * SUMMARY
        + DeviceMetadata::OCTETS;
    whole("SSD with 16 recipes and 8 spectra", device);
    let each =
        size_of::<Slot<RegisteredDevice>>() + size_of::<DevicePlan>() + size_of::<DeviceMetadata>();
    let manager = size_of::<Ssm<'_>>()
        + 8 * each
        + 32 * (size_of::<Slot<RecipeRow>>() + size_of::<Slot<Booking>>())
        + 4 * (size_of::<Slot<KnownActor>>() + size_of::<Slot<Usage>>())
        + 8 * SUMMARY;
    whole("SSM with 8 devices, 32 requests, 4 Actors and 8 spectra", manager);
    let actor = size_of::<Actor<'_>>() + 8 * size_of::<Slot<ActorRequest>>();
    whole("Actor with 8 requests", actor);
    let policies = size_of::<PolicyManager<'_>>() + 8 * size_of::<Slot<ActorSetting>>();
    whole("policy manager with 8 Actors", policies);
    type Defined = AgentMemory<16, 1_024, 8, 1_024, 2, 512>;
    let agent = size_of::<Agent<'_>>() + size_of::<Defined>();
    let scheduled = size_of::<ScheduleAgent<'_>>()
        + 32 * size_of::<Slot<ScheduleRow>>()
        + 16 * size_of::<Answer>()
        + 4_096
        + 128
        + 3 * 1_024;
    whole("southbound agent with 32 entries of 4,096 octets, metrics of 3,072", scheduled);
    whole("management agent with 16 definitions, 8 reports, 2 managers", agent);
}

fn row<T>(name: &str) {
    whole(name, size_of::<T>());
}

fn whole(name: &str, octets: usize) {
    println!("{name}: {octets}");
}

//! What carries the groups of an agent or a manager: a UDP socket, or a module of AMS.

use std::net::SocketAddr;

use clap::Args;
use farpost::ams::ids::UnitNumber;
use farpost::ams::mib::{Mib, ServiceMode, Venture};
use farpost::ams::module::Membership;
use farpost::host::driver::{Entity, MachineHost};
use farpost::host::management::{ManagementApplication, Side};
use farpost::host::mib::Bump;
use farpost::host::module::{Capacity, ModuleHost, ModuleSockets};
use farpost::host::net::{NameStyle, UdpEndpoint, endpoint_name};
use farpost::machine::Machine;
use farpost::management::carriage::Party;
use farpost::time::{Instant, Now};
use farpost::transport::Address;
use mio::{Registry, Token};
use serde_json::{Value, json};

use super::socket;
use crate::ams::{Failure, Names, Place, SIGNATURES, contents, require_role_key, venture_of};

/// How an agent or a manager reaches the others.
#[derive(Args)]
pub(crate) struct Carriage {
    /// Receive over UDP here; port 0 is any.
    #[arg(long, value_name = "IP:PORT", required_unless_present = "mib", conflicts_with = "mib")]
    udp: Option<SocketAddr>,
    #[command(flatten)]
    place: Place,
    /// With a MIB: its role, which alone sends on one subject.
    #[arg(long, value_name = "NAME|N", requires = "mib", required_unless_present = "udp")]
    role: Option<String>,
}

/// A way to the others, before there is a machine.
pub(super) enum Way<'a> {
    Udp(UdpEndpoint),
    Space(Box<Space<'a>>),
}

/// A place in a message space.
pub(super) struct Space<'a> {
    mib: &'a Mib<'a>,
    venture: &'a Venture<'a>,
    unit: UnitNumber,
    own: Party,
    partners: Vec<Party>,
    sockets: ModuleSockets,
    style: NameStyle,
}

impl Carriage {
    /// Opens it; with a MIB for partners in these roles.
    pub(super) fn open<'a>(&self, arena: &'a Bump, partners: &[&str]) -> Result<Way<'a>, Failure> {
        let role = match (self.udp, &self.role) {
            (Some(at), _) => {
                let udp = UdpEndpoint::bind(at)
                    .map_err(|error| Failure::new(format!("{at} cannot be bound: {error}")))?;
                return Ok(Way::Udp(udp));
            }
            (None, Some(role)) => role,
            (None, None) => {
                return Err(Failure::new("say --udp IP:PORT, or --mib FILE --role ROLE"));
            }
        };
        let mib = self.place.mib(arena)?;
        let venture = venture_of(mib, self.place.venture)?;
        let own = party(venture, role)?;
        venture.role(own.role).map_or(Ok(()), require_role_key)?;
        let unit = self.place.unit(Names(venture))?;
        let partners: Result<_, _> = partners.iter().map(|role| party(venture, role)).collect();
        let (partners, sockets) = (partners?, self.place.bind(mib)?);
        let style = self.place.style(mib);
        let space = Space { mib, venture, unit, own, partners, sockets, style };
        Ok(Way::Space(Box::new(space)))
    }

    /// The MIB as it is now.
    pub(super) fn mib<'a>(&self, arena: &'a Bump) -> Result<&'a Mib<'a>, Failure> {
        self.place.mib(arena)
    }
}

/// The role of that name or number, and the subject that it alone sends on.
fn party(venture: &Venture<'_>, role: &str) -> Result<Party, Failure> {
    let number = Names(venture).role(&role.into()).map_err(Failure)?;
    let mut own = venture.subjects.iter().filter(|subject| subject.senders == [number]);
    match (own.next(), own.next()) {
        (Some(subject), None) => Ok(Party { role: number, subject: subject.number }),
        (found, _) => {
            let many = if found.is_some() { "several subjects" } else { "no subject" };
            Err(Failure::new(format!(
                "the MIB has {many} of which role `{role}` is the only sender, and there is to be one; \
                 examples/mib/management.toml has all that management needs"
            )))
        }
    }
}

impl<'a> Way<'a> {
    /// Where the partner of that place in the list is found, and by which service.
    pub(super) fn endpoint(
        &self,
        place: usize,
        name: &str,
    ) -> Result<(&'static str, String), Failure> {
        match self {
            Self::Udp(_) => socket(name).map(|_| ("udp", name.to_owned())),
            Self::Space(space) => {
                let party = space.partners.get(place);
                let party = party.ok_or_else(|| Failure::new("it is none of the partners"))?;
                Ok((farpost::management::carriage::SERVICE, party.subject.0.to_string()))
            }
        }
    }

    /// The address of somebody over UDP.
    pub(super) fn address(&mut self, name: &str) -> Result<Address, Failure> {
        use farpost::transport::Transport;
        socket(name)?;
        let address = match self {
            Self::Udp(udp) => udp.resolve("udp", name),
            Self::Space(_) => None,
        };
        address.ok_or_else(|| Failure::new(format!("`{name}` cannot be reached")))
    }

    /// What is said of it when the program has started.
    pub(super) fn told(&self) -> Value {
        match self {
            Self::Udp(udp) => json!({"endpoint": udp.local().to_string()}),
            Self::Space(space) => json!({
                "endpoint": endpoint_name(space.sockets.mams(), space.style),
                "venture": space.venture.number.0,
                "unit": space.unit.0,
            }),
        }
    }

    /// Gives it a machine on that side.
    pub(super) fn carry<M: Machine>(
        self,
        arena: &'a Bump,
        side: Side,
        machine: M,
    ) -> Result<Carried<'a, M>, Failure> {
        let space = match self {
            Self::Udp(udp) => return Ok(Carried::Udp(Box::new(MachineHost::new(machine, udp)))),
            Self::Space(space) => *space,
        };
        let Space { mib, venture, unit, own, partners, sockets, style } = space;
        // Groups are told by nobody twice: streams lose none of them.
        let mode = ServiceMode::ASSURED;
        let application = ManagementApplication::new(machine, side, own, partners, mode);
        let place = (venture.number, unit, own.role);
        let host =
            ModuleHost::new(arena, mib, place, (sockets, style), Capacity::default(), application)?;
        let host = host.with_authenticator(&SIGNATURES).with_content_handler(contents(arena));
        Ok(Carried::Module(Box::new(host)))
    }
}

/// A machine at the end of its way, for a driver to run.
pub(super) enum Carried<'a, M> {
    Udp(Box<MachineHost<M>>),
    Module(Box<ModuleHost<'a, ManagementApplication<M>>>),
}

impl<'a, M: Machine> Carried<'a, M> {
    pub(super) const fn machine(&mut self) -> &mut M {
        match self {
            Self::Udp(host) => &mut host.machine,
            Self::Module(host) => &mut host.application.machine,
        }
    }

    /// Takes part from now on.
    pub(super) fn begin(&mut self, now: Now) -> Result<(), Failure> {
        match self {
            Self::Udp(_) => Ok(()),
            Self::Module(host) => Ok(host.service.register(now)?),
        }
    }

    /// Takes its leave.
    pub(super) fn end(&mut self, now: Now) -> Result<(), Failure> {
        let Self::Module(host) = self else { return Ok(()) };
        let membership = host.service.module().membership();
        if matches!(membership, Membership::Joining | Membership::Member(_)) {
            host.service.unregister(now)?;
        }
        Ok(())
    }

    /// Goes by another MIB; whether there is one at all.
    pub(super) fn change_mib(
        &mut self,
        mib: impl FnOnce() -> Result<&'a Mib<'a>, Failure>,
    ) -> Option<Result<(), Failure>> {
        let Self::Module(host) = self else { return None };
        Some(mib().and_then(|mib| Ok(host.service.change_mib(mib)?)))
    }
}

impl<M: Machine> Entity for Carried<'_, M> {
    fn register(&mut self, registry: &Registry, token: Token) -> std::io::Result<()> {
        match self {
            Self::Udp(host) => host.register(registry, token),
            Self::Module(host) => host.register(registry, token),
        }
    }

    fn run(&mut self, now: Now) {
        match self {
            Self::Udp(host) => host.run(now),
            Self::Module(host) => host.run(now),
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Udp(host) => host.next_deadline(),
            Self::Module(host) => host.next_deadline(),
        }
    }
}

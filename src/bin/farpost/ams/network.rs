//! What an entity needs to know before it starts: its MIB, its venture, and where
//! it is reached.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;

use clap::ValueEnum;
use farpost::ams::mib::{Mib, Venture};
use farpost::host::mib::{Bump, load_with};
use farpost::host::net::{NameStyle, UdpEndpoint, resolve_endpoint};

use super::Failure;
use super::security::KEY_RULES;

/// How endpoint names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EndpointStyle {
    /// 127.0.0.1:4711.
    Address,
    /// 2130706433:4711, which every part of ION reads.
    Decimal,
}

impl From<EndpointStyle> for NameStyle {
    fn from(style: EndpointStyle) -> Self {
        match style {
            EndpointStyle::Address => Self::Address,
            EndpointStyle::Decimal => Self::Decimal,
        }
    }
}

/// How endpoint names are written: as asked for, or as the profile of the MIB has it.
pub(crate) fn name_style(asked: Option<EndpointStyle>, mib: &Mib<'_>) -> NameStyle {
    asked.map_or_else(|| mib.profile.into(), Into::into)
}

/// The MIB in `file`, if it is one that can be used here.
pub(crate) fn load_mib<'b>(arena: &'b Bump, file: &Path) -> Result<Mib<'b>, Failure> {
    let mib = load_with(arena, file, &KEY_RULES)?;
    let primary = mib.primary_transport;
    if primary != "udp" {
        return Err(Failure::new(format!(
            "the primary transport service of {} is `{primary}`, and MPDUs are carried by `udp` \
             here; say `primary_transport = \"udp\"` (in an ION file `ptsname=udp`) in the MIB of \
             every entity of the continuum",
            file.display()
        )));
    }
    Ok(mib)
}

/// The MIB in `file` once more, to go by from now on.
pub(crate) fn reload_mib<'b>(arena: &'b Bump, file: &Path) -> Result<&'b Mib<'b>, Failure> {
    Ok(arena.alloc(load_mib(arena, file)?))
}

/// The venture of this number, by default the first of the MIB.
pub(crate) fn venture_of<'m>(
    mib: &Mib<'m>,
    number: Option<u8>,
) -> Result<&'m Venture<'m>, Failure> {
    let found = match number {
        Some(number) => mib.ventures.iter().find(|venture| venture.number.0 == number),
        None => mib.ventures.first(),
    };
    found.ok_or_else(|| {
        let known: Vec<_> = mib.ventures.iter().map(|venture| venture.number.to_string()).collect();
        let wanted = number.map_or("a venture".into(), |number| format!("venture {number}"));
        Failure::new(format!("the MIB has not got {wanted}; it has [{}]", known.join(", ")))
    })
}

/// The address of this host that its configuration server can reach it at, as
/// the system would choose it: others are told this one.
pub(crate) fn local_ip(mib: &Mib<'_>) -> IpAddr {
    let servers = mib.config_servers.iter().filter_map(|name| resolve_endpoint(name));
    let mut reachable = servers.filter_map(|server| route_to(server).ok());
    reachable.next().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The local address of packets to `server`. Nothing is sent.
fn route_to(server: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    Ok(socket.local_addr()?.ip())
}

/// A socket at `at`, which others can be told of.
pub(crate) fn bindable(at: SocketAddr) -> Result<UdpEndpoint, Failure> {
    if at.ip().is_unspecified() {
        return Err(Failure::new(format!(
            "{} is no address that others can be told; bind one that they reach this host at",
            at.ip()
        )));
    }
    UdpEndpoint::bind(at).map_err(|error| Failure::new(format!("{at} cannot be bound: {error}")))
}

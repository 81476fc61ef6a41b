//! Autonomous management as programs: what `agent` and `manager` share.

pub(crate) mod agent;
mod carry;
pub(crate) mod manager;
mod order;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use clap::ValueEnum;
use farpost::host::management::LARGEST;
use farpost::host::net::{resolve_endpoint, udp_socket};
use farpost::management::amp::{Epoch, Profile};
use farpost::management::carriage::module;
use farpost::transport::Address;

use crate::ams::{Failure, Output};

/// Where a program and whoever it lends its machine tell what happens.
type Told = Rc<RefCell<Output>>;

/// Whom octets are exchanged with.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Peers {
    /// Those that keep to draft-birrane-dtn-amp-08.
    Draft08,
    /// ION's nm: what it does otherwise, and times from 1970 on.
    Ion,
}

impl Peers {
    const fn profile(self) -> Profile {
        match self {
            Self::Draft08 => Profile::Draft08,
            Self::Ion => Profile::IonCompat,
        }
    }

    const fn epoch(self) -> Epoch {
        match self {
            Self::Draft08 => Epoch::Draft2000,
            Self::Ion => Epoch::UnixIon,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Draft08 => "draft08",
            Self::Ion => "ion",
        }
    }
}

/// Octets of one datagram: enough for a registration and a report of one value at least.
fn datagram(text: &str) -> Result<usize, String> {
    let range = 128..=LARGEST;
    let problem = || format!("a datagram has {} to {LARGEST} octets", range.start());
    text.parse().ok().filter(|octets| range.contains(octets)).ok_or_else(problem)
}

/// Where somebody is, as text: HOST:PORT, or CONTINUUM.UNIT.MODULE.
fn endpoint(address: &Address) -> String {
    match (udp_socket(address), module(address)) {
        (Some(socket), _) => socket.to_string(),
        (None, Some((continuum, key))) => {
            format!("{}.{}.{}", continuum.get(), key.unit.0, key.module.0)
        }
        (None, None) => format!("{address:?}"),
    }
}

/// The socket address that somebody has named.
fn socket(name: &str) -> Result<SocketAddr, Failure> {
    resolve_endpoint(name)
        .ok_or_else(|| Failure::new(format!("`{name}` is no HOST:PORT that is known")))
}

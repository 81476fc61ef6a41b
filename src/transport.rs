//! What a board or a host implements to move datagrams, and how machines name
//! where they go.

use core::fmt;

/// Where a datagram goes to or came from, as a [`Transport`] knows it: up to 18
/// opaque octets and the number of the service they belong to.
///
/// Machines get an address from [`Transport::resolve`] or as the `from` of a
/// received datagram, keep it, compare it, and give it back. Only the transport
/// looks inside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Address {
    service: u8,
    length: u8,
    octets: [u8; Self::CAPACITY],
}

impl Address {
    /// Octets an address holds: enough for an IPv6 address and a port.
    pub const CAPACITY: usize = 18;

    /// An address of `service`, a number the transport chooses, made of
    /// `octets`. Octets past [`Address::CAPACITY`] are not kept.
    #[must_use]
    pub fn new(service: u8, octets: &[u8]) -> Self {
        let mut address = Self { service, length: 0, octets: [0; Self::CAPACITY] };
        for (to, from) in address.octets.iter_mut().zip(octets) {
            *to = *from;
            address.length = address.length.saturating_add(1);
        }
        address
    }

    /// The number of the service.
    #[must_use]
    pub const fn service(&self) -> u8 {
        self.service
    }

    /// The octets it was made of.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The octets it was made of, if it is one of this service and there are `N`.
    #[cfg(feature = "std")]
    pub(crate) fn octets_of<const N: usize>(&self, service: u8) -> Option<&[u8; N]> {
        let alike = [self.service, self.length] == [service, u8::try_from(N).unwrap_or(u8::MAX)];
        if alike { self.octets.first_chunk() } else { None }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.service)?;
        self.octets().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// What a transport knows of who is at an address. A link that authenticates nobody
/// knows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Who it is, as the link has authenticated it: of TLS-PSK, the identity of the key.
    pub identity: Option<&'a str>,
    /// A value that both ends of this connection have, and no other connection: of
    /// TLS, what RFC 9266 exports.
    pub binding: Option<[u8; 32]>,
    /// What all addresses at one place have in common, such as the IP address that
    /// their connections come from. `None` where every address is a place of its own.
    pub origin: Option<Address>,
}

/// Why a transport did not take a datagram. Nothing of it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SendError {
    /// Not now: a buffer is full or a connection is being made. The machine
    /// offers it again at its next tick where its protocol has it persist.
    Busy,
    /// This address cannot be reached by this transport.
    Unreachable,
    /// The link cannot carry so many octets in one datagram.
    TooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "the transport is busy",
            Self::Unreachable => "the address cannot be reached",
            Self::TooLong => "the datagram is too long for the link",
        })
    }
}

impl core::error::Error for SendError {}

/// Why not all of many datagrams were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refused {
    /// How many datagrams were taken, in their order. None of the others was.
    pub taken: usize,
    /// Why the next one was not.
    pub why: SendError,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {} datagrams", self.why, self.taken)
    }
}

impl core::error::Error for Refused {}

/// The transport services below a machine (735.1-B-1 3.2).
///
/// It is lent to a machine for the length of a call. It takes each datagram
/// whole or refuses it, and never waits.
pub trait Transport {
    /// The address of `endpoint`, a name in the namespace of the transport
    /// service `service` (735.1-B-1 annex A). `None` when this transport does not
    /// provide the service or cannot make sense of the name.
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address>;

    /// Sends `octets` as one datagram. The flow label is the service user's
    /// (735.1-B-1 3.1.2.12); a transport without flows ignores it.
    ///
    /// # Errors
    /// [`SendError`] when the datagram was not taken.
    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError>;

    /// What is known of who is at `address`.
    fn peer(&self, address: &Address) -> Peer<'_> {
        let _ = address;
        Peer::default()
    }

    /// Sends a run of datagrams to each of several addresses: each datagram is the
    /// next `size` octets of `octets`, at least 1, and the last may have fewer. All
    /// go to the first address, then all to the next. A transport that can send
    /// many at once does so; this sends them one by one.
    ///
    /// # Errors
    /// [`Refused`] when only the first of the datagrams were taken, or none.
    fn send_run(
        &mut self,
        to: &[Address],
        flow_label: u8,
        octets: &[u8],
        size: usize,
    ) -> Result<(), Refused> {
        let mut taken = 0_usize;
        for to in to {
            for datagram in octets.chunks(size.max(1)) {
                self.send(to, flow_label, datagram).map_err(|why| Refused { taken, why })?;
                taken = taken.saturating_add(1);
            }
        }
        Ok(())
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        (**self).resolve(service, endpoint)
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        (**self).send(to, flow_label, octets)
    }

    fn peer(&self, address: &Address) -> Peer<'_> {
        (**self).peer(address)
    }

    fn send_run(
        &mut self,
        to: &[Address],
        flow_label: u8,
        octets: &[u8],
        size: usize,
    ) -> Result<(), Refused> {
        (**self).send_run(to, flow_label, octets, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_fits() {
        assert_eq!(Address::new(1, &[1, 2]).octets(), &[1, 2]);
        assert_ne!(Address::new(1, &[1]), Address::new(1, &[1, 0]));
        assert_eq!(Address::new(0, &[7; 30]).octets(), &[7; 18]);
    }
}

//! Frames to datagrams: link headers, IP with its fragments, UDP and TCP.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use etherparse::defrag::{IpDefragPayloadVec, IpDefragPool};
use etherparse::err::ip::LaxHeaderSliceError;
use etherparse::{
    EtherType, IpNumber, LaxNetSlice, LaxSlicedPacket, LenSource, NetSlice, SlicedPacket, TcpSlice,
    TransportSlice, UdpSlice,
};
use jiff::Timestamp;

use crate::json::Fault;

/// The IP packet in a frame of a link type of the tcpdump.org registry: `None`
/// when the type is not known, `Some(None)` when the frame is of another protocol.
pub(crate) fn internet(link: i32, frame: &[u8]) -> Option<Option<&[u8]>> {
    let tagged = |protocol: Option<&[u8]>, from: usize| {
        let &[high, low] = protocol?.first_chunk::<2>()?;
        untagged(EtherType(u16::from_be_bytes([high, low])), frame.get(from..)?)
    };
    Some(match link {
        // BSD loopback: the address family, in one byte order or another.
        0 | 108 => frame.get(4..),
        1 => tagged(frame.get(12..), 14),
        // Raw IP, under its many numbers.
        12 | 14 | 101 | 228 | 229 => Some(frame),
        // Linux "cooked", versions 1 and 2.
        113 => tagged(frame.get(14..), 16),
        276 => tagged(frame.get(0..), 20),
        _ => return None,
    })
}

/// The IP packet behind an EtherType and any VLAN tags.
fn untagged(protocol: EtherType, octets: &[u8]) -> Option<&[u8]> {
    let vlan = |protocol| {
        matches!(
            protocol,
            EtherType::VLAN_TAGGED_FRAME
                | EtherType::PROVIDER_BRIDGING
                | EtherType::VLAN_DOUBLE_TAGGED_FRAME
        )
    };
    let (mut protocol, mut octets) = (protocol, octets);
    while vlan(protocol) {
        let (&[_, _, high, low], rest) = octets.split_first_chunk::<4>()?;
        (protocol, octets) = (EtherType(u16::from_be_bytes([high, low])), rest);
    }
    matches!(protocol, EtherType::IPV4 | EtherType::IPV6).then_some(octets)
}

/// What an IP packet holds.
pub(crate) enum Contents<'a> {
    /// A UDP datagram or a TCP segment, though perhaps not captured to its end.
    Whole(Packet<'a>),
    /// A part of one.
    Fragment,
}

/// A UDP datagram or a TCP segment.
pub(crate) struct Packet<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) payload: &'a [u8],
    /// Octets of the payload that were not captured.
    pub(crate) missing: usize,
    /// What TCP says of a segment.
    pub(crate) segment: Option<Segment>,
}

/// Where a TCP segment stands in its stream.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) sequence: u32,
    pub(crate) opens: bool,
    pub(crate) ends: bool,
    pub(crate) aborts: bool,
}

impl<'a> Packet<'a> {
    /// Reads an IP packet; `None` when it holds something else.
    ///
    /// # Errors
    /// When not even the ports were captured.
    pub(crate) fn read(octets: &'a [u8]) -> Result<Option<Contents<'a>>, Fault> {
        let cut = |what| Fault::new("header_truncated", format!("{what} is cut within its header"));
        let sliced = match LaxSlicedPacket::from_ip(octets) {
            Ok(sliced) => sliced,
            Err(LaxHeaderSliceError::Len(_)) => return Err(cut("an IP packet".to_owned())),
            Err(LaxHeaderSliceError::Content(_)) => return Ok(None),
        };
        let Some(net) = &sliced.net else { return Ok(None) };
        let (from, to, stated) = match net {
            LaxNetSlice::Ipv4(ip) => {
                let header = ip.header();
                let stated = usize::from(header.total_len());
                (header.source_addr().into(), header.destination_addr().into(), stated)
            }
            LaxNetSlice::Ipv6(ip) => {
                let header = ip.header();
                let stated = usize::from(header.payload_length()) + 40;
                (header.source_addr().into(), header.destination_addr().into(), stated)
            }
            LaxNetSlice::Arp(_) => return Ok(None),
        };
        let payload = match net.ip_payload_ref() {
            Some(payload) if matches!(payload.ip_number, IpNumber::UDP | IpNumber::TCP) => payload,
            _ => return Ok(None),
        };
        if payload.fragmented {
            return Ok(Some(Contents::Fragment));
        }
        let missing = if payload.incomplete { stated.saturating_sub(octets.len()) } else { 0 };
        let packet = match sliced.transport {
            Some(TransportSlice::Udp(udp)) => Self::udp(from, to, &udp, missing),
            Some(TransportSlice::Tcp(tcp)) => Self::tcp(from, to, &tcp, missing),
            _ => return Err(cut(format!("a packet from {from} to {to}"))),
        };
        Ok(Some(Contents::Whole(packet)))
    }

    fn udp(from: IpAddr, to: IpAddr, udp: &UdpSlice<'a>, missing: usize) -> Self {
        // The length of 0 is that of a jumbogram.
        let stated = usize::from(udp.length()).saturating_sub(8);
        let missing = match udp.payload_len_source() {
            LenSource::UdpHeaderLen => 0,
            _ => missing.max(stated.saturating_sub(udp.payload().len())),
        };
        Self {
            source: SocketAddr::new(from, udp.source_port()),
            destination: SocketAddr::new(to, udp.destination_port()),
            payload: udp.payload(),
            missing,
            segment: None,
        }
    }

    fn tcp(from: IpAddr, to: IpAddr, tcp: &TcpSlice<'a>, missing: usize) -> Self {
        Self {
            source: SocketAddr::new(from, tcp.source_port()),
            destination: SocketAddr::new(to, tcp.destination_port()),
            payload: tcp.payload(),
            missing,
            segment: Some(Segment {
                sequence: tcp.sequence_number(),
                opens: tcp.syn(),
                ends: tcp.fin(),
                aborts: tcp.rst(),
            }),
        }
    }
}

/// IP packets of which only some fragments have been seen. What it holds is
/// never more than the capture does.
#[derive(Default)]
pub(crate) struct Reassembly {
    pool: IpDefragPool<Origin>,
    count: u64,
}

/// When a fragment was seen, and between whom. The number tells it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    number: u64,
    time: Option<Timestamp>,
    from: IpAddr,
    to: IpAddr,
}

/// A packet put together from its fragments.
pub(crate) struct Reassembled {
    from: IpAddr,
    to: IpAddr,
    payload: IpDefragPayloadVec,
}

impl Reassembly {
    /// Adds the fragment `octets`, an IP packet; gives the whole when it was the last.
    pub(crate) fn add(
        &mut self,
        octets: &[u8],
        time: Option<Timestamp>,
    ) -> Result<Option<Reassembled>, Fault> {
        let bad = |error: &dyn std::fmt::Display| Fault::new("fragment_bad", error.to_string());
        let sliced = SlicedPacket::from_ip(octets).map_err(|error| bad(&error))?;
        let (from, to) = match &sliced.net {
            Some(NetSlice::Ipv4(ip)) => {
                (ip.header().source_addr().into(), ip.header().destination_addr().into())
            }
            Some(NetSlice::Ipv6(ip)) => {
                (ip.header().source_addr().into(), ip.header().destination_addr().into())
            }
            _ => return Ok(None),
        };
        self.count += 1;
        let origin = Origin { number: self.count, time, from, to };
        let whole =
            self.pool.process_sliced_packet(&sliced, origin, ()).map_err(|error| bad(&error))?;
        Ok(whole.map(|payload| Reassembled { from, to, payload }))
    }

    /// The packets of which fragments are missing.
    pub(crate) fn incomplete(mut self) -> Vec<(Option<Timestamp>, Fault)> {
        // The pool may ask about a packet more than once.
        let origins = RefCell::new(BTreeSet::new());
        self.pool.retain(|&origin| {
            origins.borrow_mut().insert(origin);
            false
        });
        let fault = |Origin { time, from, to, .. }| {
            let message = format!("of a packet from {from} to {to} not all fragments are there");
            (time, Fault::new("fragments_missing", message))
        };
        origins.into_inner().into_iter().map(fault).collect()
    }
}

impl Reassembled {
    /// The UDP datagram or TCP segment it is.
    pub(crate) fn packet(&self) -> Option<Packet<'_>> {
        let octets = &self.payload.payload;
        if self.payload.ip_number == IpNumber::UDP {
            let udp = UdpSlice::from_slice_lax(octets).ok()?;
            return Some(Packet::udp(self.from, self.to, &udp, 0));
        }
        let tcp = TcpSlice::from_slice(octets).ok()?;
        Some(Packet::tcp(self.from, self.to, &tcp, 0))
    }
}

//! Many datagrams in one call of the system: Linux cuts a buffer into datagrams
//! when it sends (UDP_SEGMENT), and joins those of one size and source that it
//! receives (UDP_GRO). On the wire they are what they would be singly.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::vec; // for `cmsg_space`
use std::vec::Vec;

use mio::net::UdpSocket;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
    sockopt,
};

/// What may be sent at once: segments, and octets in all of them.
const MAX_SEGMENTS: usize = 64;
const MAX_OCTETS: usize = 65_507;

/// What a socket can do, and what it needs for it.
#[derive(Debug)]
pub(super) struct Segments {
    sends: bool,
    /// Room for what the system says of a datagram.
    control: Vec<u8>,
}

impl Segments {
    /// Has `socket` join what it receives, if it can.
    pub(super) fn new(socket: &UdpSocket) -> Self {
        // Where it cannot, every datagram arrives singly: that is no fault.
        let _ = setsockopt(socket, sockopt::UdpGroSegment, &true);
        Self { sends: true, control: nix::cmsg_space!(i32) }
    }

    /// As if the system had been found unable.
    #[cfg(test)]
    pub(super) const fn disable(&mut self) {
        self.sends = false;
    }

    /// How many datagrams of `size` octets to offer at once; 1 when the system has
    /// been found unable to send more.
    pub(super) fn most(&self, size: usize) -> usize {
        let fitting = MAX_OCTETS.checked_div(size).unwrap_or(1);
        if self.sends { fitting.clamp(1, MAX_SEGMENTS) } else { 1 }
    }

    /// Sends `octets` as datagrams of `size` octets, all of them or none. False
    /// when the system cannot send these at once.
    pub(super) fn send(
        &mut self,
        socket: &UdpSocket,
        to: SocketAddr,
        octets: &[u8],
        size: usize,
    ) -> io::Result<bool> {
        let Ok(size) = u16::try_from(size) else {
            return Ok(false);
        };
        let to = SockaddrStorage::from(to);
        let (parts, control) = ([IoSlice::new(octets)], [ControlMessage::UdpGsoSegments(&size)]);
        match sendmsg(socket.as_raw_fd(), &parts, &control, MsgFlags::empty(), Some(&to)) {
            Ok(_) => Ok(true),
            Err(error @ (Errno::EAGAIN | Errno::ECONNREFUSED)) => Err(error.into()),
            Err(error) => {
                // EIO is a device that cannot do it; others say that these datagrams
                // are too long for it, and must be fragmented instead.
                self.sends &= error != Errno::EIO;
                Ok(false)
            }
        }
    }

    /// Takes what has arrived: how many octets, how many of them are a datagram,
    /// and from where.
    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        buffer: &mut [u8],
    ) -> io::Result<(usize, usize, SocketAddr)> {
        let mut parts = [IoSliceMut::new(buffer)];
        let control = Some(self.control.as_mut_slice());
        let received =
            recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, control, MsgFlags::empty())?;
        let size = received.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::UdpGroSegments(size) => usize::try_from(size).ok(),
            _ => None,
        });
        let from = received.address.as_ref().and_then(|from| {
            let v4 = from.as_sockaddr_in().map(|from| SocketAddr::V4((*from).into()));
            v4.or_else(|| from.as_sockaddr_in6().map(|from| SocketAddr::V6((*from).into())))
        });
        let from = from.ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok((received.bytes, size.unwrap_or(received.bytes), from))
    }
}

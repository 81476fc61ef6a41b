//! What `segments` does, for systems that send and receive datagrams one by one.

use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;

/// What a socket can do.
#[derive(Debug)]
pub(super) struct Segments;

impl Segments {
    pub(super) const fn new(_: &UdpSocket) -> Self {
        Self
    }

    /// As if it could do more.
    #[cfg(test)]
    pub(super) const fn disable(&mut self) {}

    /// How many datagrams to offer at once.
    pub(super) const fn most(&self, _size: usize) -> usize {
        1
    }

    /// Sends nothing.
    pub(super) const fn send(
        &mut self,
        _: &UdpSocket,
        _: SocketAddr,
        _: &[u8],
        _: usize,
    ) -> io::Result<bool> {
        Ok(false)
    }

    /// Takes the next datagram: its length twice, and from where it came.
    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        buffer: &mut [u8],
    ) -> io::Result<(usize, usize, SocketAddr)> {
        socket.recv_from(buffer).map(|(length, from)| (length, length, from))
    }
}

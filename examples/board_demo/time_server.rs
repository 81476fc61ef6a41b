//! A time server: SNTP (RFC 4330), as much of it as the board asks for, by the clock
//! of the demonstration.

use std::io;
use std::net::SocketAddr;

use farpost::host::clock::VirtualClock;
use farpost::host::driver::Entity;
use farpost::time::{Clock, Instant, Now, Utc};
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

/// Seconds from the start of NTP's first era, 1900, to 1970.
const NTP_TO_UNIX: i64 = 2_208_988_800;

const LENGTH: usize = 48;
const CLIENT_MODE: u8 = 3;
/// No leap, version 4, server.
const SERVER: u8 = (4 << 3) | 4;

/// The server at its socket.
#[derive(Debug)]
pub(crate) struct TimeServer {
    socket: UdpSocket,
    clock: VirtualClock,
}

impl TimeServer {
    /// A server at a port the system chooses, on loopback.
    pub(crate) fn bind(clock: VirtualClock) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { socket, clock })
    }

    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }
}

impl Entity for TimeServer {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    fn run(&mut self, _now: Now) {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let answer = buffer
                .get(..length)
                .and_then(|question| answer(question.first_chunk()?, self.clock.now().utc));
            if let Some(answer) = answer {
                // Who gets no answer asks again.
                let _ = self.socket.send_to(&answer, from);
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}

/// The answer to a client's question; none to anything else.
fn answer(question: &[u8; LENGTH], now: Utc) -> Option<[u8; LENGTH]> {
    let [head, ..] = *question;
    if head & 7 != CLIENT_MODE {
        return None;
    }
    let mut answer = [0; LENGTH];
    let time = timestamp(now);
    let (start, rest) = answer.split_at_mut(24);
    // Stratum 1: this clock is the reference here.
    start[..2].copy_from_slice(&[SERVER, 1]);
    start[12..16].copy_from_slice(b"LOCL");
    let (originate, rest) = rest.split_at_mut(8);
    originate.copy_from_slice(&question[40..]);
    let (receive, transmit) = rest.split_at_mut(8);
    receive.copy_from_slice(&time);
    transmit.copy_from_slice(&time);
    Some(answer)
}

/// Seconds since 1900, of the era it is in, and their fractions.
fn timestamp(time: Utc) -> [u8; 8] {
    let micros = time.unix_micros();
    let seconds = micros.div_euclid(1_000_000) + NTP_TO_UNIX;
    let fraction = (micros.rem_euclid(1_000_000) << 32) / 1_000_000;
    ((seconds << 32) | fraction).to_be_bytes()
}

//! The TLS of a board, which is another implementation: `embedded-tls`, without an
//! operating system or an allocator, over any stream of octets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use embedded_tls::blocking::TlsConnection;
use embedded_tls::{Aes128GcmSha256, TlsConfig, TlsContext, TlsError, UnsecureProvider};
use farpost::crypto::Random;
use farpost::host::clock::SystemClock;
use farpost::host::random::SystemRandom;
use farpost::scos::stream::{Deframer, FRAME_MAX, frame};
use farpost::time::Clock;
use farpost::transport::{Address, SendError, Transport};
use rand_core::{CryptoRng, RngCore};

use super::commands::CertificateServer;
use super::harness::{DEVICES, Idle, Network, SECTIONS, psk_octets, ssd};

/// A stream of octets, as a board's driver has one.
struct Stream(TcpStream);

impl embedded_io::ErrorType for Stream {
    type Error = std::io::Error;
}

impl embedded_io::Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(to)
    }
}

impl embedded_io::Write for Stream {
    fn write(&mut self, octets: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush()
    }
}

/// The system's random octets, as this TLS takes them.
struct Octets;

impl RngCore for Octets {
    fn next_u32(&mut self) -> u32 {
        let mut octets = [0; 4];
        self.fill_bytes(&mut octets);
        u32::from_be_bytes(octets)
    }

    fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        SystemRandom.fill(to).unwrap();
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl CryptoRng for Octets {}

/// What the machine says, to be written when it has returned. The link knows nothing of
/// its connection.
#[derive(Default)]
struct Said(Vec<Vec<u8>>);

impl Transport for Said {
    fn resolve(&mut self, _: &str, _: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, _: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        let mut buffer = [0; FRAME_MAX];
        self.0.push(frame(octets, &mut buffer).ok_or(SendError::TooLong)?.to_vec());
        Ok(())
    }
}

/// Runs a device at a board until it is associated and its advertisement is
/// acknowledged. Returns how often it was challenged.
fn board(at: SocketAddr, identity: &str, key: &[u8]) -> Result<u64, TlsError> {
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // A kilobyte and a half to read a record with the longest message, less to write.
    let (mut read, mut write) = ([0; 2_048], [0; 2_048]);
    let mut tls = TlsConnection::new(Stream(stream), &mut read, &mut write);
    let identities = [identity.as_bytes()];
    let config = TlsConfig::new().with_psk(key, &identities);
    tls.open(TlsContext::new(&config, UnsecureProvider::new::<Aes128GcmSha256>(Octets)))?;

    let (clock, server) = (SystemClock::new(), Address::new(9, b"server"));
    let mut device = ssd(DEVICES[0], DEVICES[0], server);
    let (mut said, mut idle, mut deframer) = (Said::default(), Idle::default(), Deframer::new());
    let mut answers = 0;
    loop {
        device.tick(clock.now(), &mut said, &mut idle);
        for frame in said.0.drain(..) {
            tls.write(&frame)?;
            tls.flush()?;
        }
        // Challenge, association, acknowledgements of advertisements.
        if answers == 2 + SECTIONS {
            break;
        }
        let mut buffer = [0; 256];
        let count = tls.read(&mut buffer)?;
        let mut octets = &buffer[..count];
        while let Some(message) = deframer.take(&mut octets).unwrap() {
            device.receive(clock.now(), &server, message, &mut said, &mut idle);
            answers += 1;
        }
    }
    assert!(device.is_associated());
    let challenges = device.stats().challenges;
    tls.close().map_err(|(_, error)| error)?;
    Ok(challenges)
}

#[test]
fn a_board_with_embedded_tls_associates_by_a_challenge() {
    let mut network = Network::new();
    let (at, (to, from)) = (network.at(), channel());
    let thread = thread::spawn(move || {
        // Nobody listens when the test has failed.
        let _ = to.send(board(at, DEVICES[0], &psk_octets(DEVICES[0])));
    });
    let mut outcome = None;
    network.run("the board", &mut [], |_, _| {
        outcome = from.try_recv().ok();
        outcome.is_some()
    });
    assert_eq!(outcome.unwrap().unwrap(), 1);
    thread.join().unwrap();
    let stats = network.manager.machine.ssm.stats();
    assert_eq!((stats.challenges, stats.associations, stats.advertisements), (1, 1, SECTIONS));
    network.run("its end", &mut [], |manager, _| manager.link.connections() == (0, 0));
    let link = network.manager.link.stats();
    assert_eq!((link.handshakes, link.broken), (1, 0), "{link:?}");
}

#[test]
fn a_board_with_another_key_gets_no_connection() {
    let mut network = Network::new();
    let (at, (to, from)) = (network.at(), channel());
    let thread = thread::spawn(move || {
        for (identity, key) in [(DEVICES[0], [7; 32]), ("mast-9", psk_octets("mast-9"))] {
            let _ = to.send(board(at, identity, &key).is_err());
        }
    });
    let mut refused = Vec::new();
    network.run("both refused", &mut [], |_, _| {
        refused.extend(from.try_iter());
        refused.len() == 2
    });
    assert_eq!(refused, [true, true]);
    thread.join().unwrap();
    let link = network.manager.link.stats();
    assert_eq!((link.wrong_keys, link.unknown_identities, link.handshakes), (1, 1, 0));
}

/// It verifies no certificates here; that a server without the key is found out all the
/// same is what this holds fast.
#[test]
fn a_board_gets_no_connection_to_a_server_without_its_key() {
    let server = CertificateServer::start();
    let (to, from) = channel();
    let at = server.at;
    let thread = thread::spawn(move || {
        let _ = to.send(board(at, DEVICES[0], &psk_octets(DEVICES[0])).map_err(|_| ()));
    });
    assert_eq!(from.recv_timeout(Duration::from_secs(60)).unwrap(), Err(()));
    thread.join().unwrap();
}

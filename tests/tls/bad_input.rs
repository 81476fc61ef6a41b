//! What a listener on a public port has to live with.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use farpost::host::tls::{TlsLimits, TlsServerStats};

use super::harness::{DEVICES, Network, psk_octets};

use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion};

/// A client of the TLS library alone, which can say anything.
fn raw(network: &mut Network, identity: &'static str) -> SslStream<TcpStream> {
    let mut context = SslContext::builder(SslMethod::tls()).unwrap();
    context.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
    context.set_ciphersuites("TLS_AES_128_GCM_SHA256").unwrap();
    context.set_verify(SslVerifyMode::PEER);
    context.set_psk_client_callback(move |_, _, said, key| {
        said[..identity.len()].copy_from_slice(identity.as_bytes());
        said[identity.len()] = 0;
        key[..32].copy_from_slice(&psk_octets(identity));
        Ok(32)
    });
    let stream = TcpStream::connect(network.at()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut ssl = SslStream::new(Ssl::new(&context.build()).unwrap(), stream).unwrap();
    network.run("a handshake", &mut [], |_, _| match ssl.connect() {
        Ok(()) => true,
        Err(error) => {
            assert!(error.io_error().is_some(), "{error}");
            false
        }
    });
    // What is written first finds the handshake done.
    network.run("a handshake done", &mut [], |manager, _| manager.link.connections().1 == 0);
    ssl
}

/// Runs the server until a counter is 1.
fn until(network: &mut Network, what: &str, counter: impl Fn(&TlsServerStats) -> u64) {
    network.run(what, &mut [], |manager, _| counter(manager.link.stats()) >= 1);
    assert_eq!(counter(network.manager.link.stats()), 1, "{what}");
}

#[test]
fn lengths_no_message_has_close_the_connection() {
    for head in [[0, 0], [0x04, 0x81], [0xff, 0xff]] {
        let mut network = Network::new();
        let mut ssl = raw(&mut network, DEVICES[0]);
        ssl.ssl_write(&head).unwrap();
        until(&mut network, "a bad length", |stats| stats.bad_lengths);
        assert_eq!(network.manager.link.connections(), (0, 0));
        network.still_serves(DEVICES[0]);
    }
}

#[test]
fn what_is_no_message_is_counted_by_the_machine_and_harms_nobody() {
    let mut network = Network::new();
    let mut ssl = raw(&mut network, DEVICES[0]);
    ssl.ssl_write(&[0, 3, 1, 99, 99]).unwrap();
    // In pieces.
    for octet in [0, 1, 1] {
        ssl.ssl_write(&[octet]).unwrap();
    }
    network.run("malformed", &mut [], |manager, _| manager.machine.ssm.stats().link.malformed == 2);
    assert_eq!(network.manager.link.connections(), (1, 0));
}

#[test]
fn a_record_that_was_touched_or_cut_ends_its_connection() {
    let mut network = Network::new();
    let mut ssl = raw(&mut network, DEVICES[0]);
    // Application data of nobody.
    let record = [[23, 3, 3, 0, 32].as_slice(), &[7; 32]].concat();
    ssl.get_mut().write_all(&record).unwrap();
    until(&mut network, "a record that is none", |stats| stats.broken);
    let mut ssl = raw(&mut network, DEVICES[1]);
    ssl.get_mut().write_all(&record[..9]).unwrap();
    drop(ssl);
    until(&mut network, "a record cut short", |stats| stats.cut);
    // Within a message, announced all the same.
    let mut ssl = raw(&mut network, DEVICES[2]);
    ssl.ssl_write(&[0, 9, 1]).unwrap();
    ssl.shutdown().unwrap();
    network.run("a message cut short", &mut [], |manager, _| manager.link.stats().cut == 2);
    assert_eq!(network.manager.link.connections(), (0, 0));
    network.still_serves(DEVICES[0]);
}

#[test]
fn garbage_and_other_protocols_are_no_handshake() {
    let mut network = Network::new();
    let says: [&[u8]; 3] = [b"GET / HTTP/1.1\r\n\r\n", &[0; 600], &[22, 3, 1, 0, 4, 1, 0, 0, 0]];
    let mut streams = Vec::new();
    for octets in says {
        let mut stream = TcpStream::connect(network.at()).unwrap();
        stream.write_all(octets).unwrap();
        streams.push(stream);
    }
    network.run("garbage", &mut [], |manager, _| manager.link.stats().not_tls == 3);
    // A scanner that connects and leaves.
    drop(TcpStream::connect(network.at()).unwrap());
    until(&mut network, "who left", |stats| stats.handshakes_cut);
    assert_eq!(network.manager.link.connections(), (0, 0));
    network.still_serves(DEVICES[0]);
}

#[test]
fn half_open_connections_time_out() {
    let limits = TlsLimits { handshake: Duration::from_millis(300), ..TlsLimits::default() };
    let mut network = Network::with_limits(limits);
    let mut silent = TcpStream::connect(network.at()).unwrap();
    let mut slow = TcpStream::connect(network.at()).unwrap();
    slow.write_all(&[22, 3, 1]).unwrap();
    network.run("time-outs", &mut [], |manager, _| manager.link.stats().handshakes_timed_out == 2);
    assert_eq!(network.manager.link.connections(), (0, 0));
    assert_eq!(silent.read(&mut [0; 8]).unwrap_or(0), 0);
    network.still_serves(DEVICES[0]);
}

#[test]
fn a_flood_of_connections_displaces_the_oldest_and_devices_get_through() {
    let limits = TlsLimits { handshakes: 16, connections: 2, ..TlsLimits::default() };
    let mut network = Network::with_limits(limits);
    let mut flood = Vec::new();
    for _ in 0..100 {
        flood.push(TcpStream::connect(network.at()).unwrap());
    }
    network.run("the flood", &mut [], |manager, _| manager.link.stats().accepted == 100);
    let stats = *network.manager.link.stats();
    assert_eq!((stats.handshakes_displaced, network.manager.link.connections()), (84, (16, 16)));
    network.still_serves(DEVICES[0]);
    // Two are served; a third is not.
    let first = raw(&mut network, DEVICES[1]);
    let second = raw(&mut network, DEVICES[2]);
    let third = TcpStream::connect(network.at()).unwrap();
    until(&mut network, "refused", |stats| stats.refused);
    drop((first, second, third, flood));
    network.run("all gone", &mut [], |manager, _| manager.link.connections() == (0, 0));
}

#[test]
fn connections_that_are_silent_are_closed() {
    let limits = TlsLimits { silence: Duration::from_secs(2), ..TlsLimits::default() };
    let mut network = Network::with_limits(limits);
    let ssl = raw(&mut network, DEVICES[0]);
    until(&mut network, "silence", |stats| stats.silent);
    assert_eq!(network.manager.link.connections(), (0, 0));
    drop(ssl);
}

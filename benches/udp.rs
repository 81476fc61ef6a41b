//! Instructions of a program that publishes over UDP, counted by callgrind: those
//! of the program and its libraries, not the kernel's.
//!
//! `cargo install gungraun-runner --version 0.20.0`, then
//! `cargo bench --features std --bench udp`. A count above the limit of its bench
//! fails the run.
#![allow(
    missing_docs,
    clippy::as_conversions,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    unused_qualifications,
    unreachable_pub,
    reason = "a benchmark, and what its macros make"
)]

use std::hint::black_box;
use std::net::{SocketAddr, UdpSocket};

use farpost::ams::module::Module;
use farpost::ams::service::Message;
use farpost::host::net::UdpEndpoint;
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use member::{SUBJECT, UNIT, data, hear_subscription, leaked, meet, member, other, rule};

mod member;

fn limit(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

const ANY: &str = "127.0.0.1:0";

type Publisher = (&'static mut Module<'static>, &'static mut UdpEndpoint, &'static [u8]);

/// A module with `receivers` subscribers, each with a socket of its own, that has
/// published before.
fn publisher(receivers: u8) -> Publisher {
    let endpoint = leaked(UdpEndpoint::bind(ANY.parse().unwrap()).unwrap());
    let module = member(200);
    for number in 1..=receivers {
        let socket: &UdpSocket = leaked(UdpSocket::bind(ANY).unwrap());
        let name = socket.local_addr().unwrap().to_string();
        meet(module, other(UNIT.0, number), &name, endpoint);
        hear_subscription(module, other(UNIT.0, number), &rule(SUBJECT));
    }
    let data = data(100);
    let fanout = module.publish(&Message::new(SUBJECT, data), endpoint, &mut |_| ()).unwrap();
    assert_eq!(fanout.sent, u32::from(receivers));
    (module, endpoint, data)
}

type Sender = (&'static UdpSocket, Vec<SocketAddr>, &'static [u8]);

fn sender(receivers: u8) -> Sender {
    let sockets: Vec<&UdpSocket> =
        (0..receivers).map(|_| &*leaked(UdpSocket::bind(ANY).unwrap())).collect();
    let to = sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
    (leaked(UdpSocket::bind(ANY).unwrap()), to, data(118))
}

// One message of 100 octets, with checksum.
#[library_benchmark]
#[bench::to_1(args = (1), setup = publisher, config = limit(300))]
#[bench::to_4(args = (4), setup = publisher, config = limit(350))]
fn publish((module, endpoint, data): Publisher) -> u32 {
    let message = Message::new(SUBJECT, black_box(data));
    module.publish(&message, endpoint, &mut |_| ()).unwrap().sent
}

// The same octets by the socket of the standard library and nothing else.
#[library_benchmark]
#[bench::to_1(args = (1), setup = sender)]
#[bench::to_4(args = (4), setup = sender)]
fn bare((socket, to, octets): Sender) -> usize {
    let sent = to.iter().map(|to| socket.send_to(black_box(octets), to).unwrap()).sum();
    std::mem::forget(to);
    sent
}

library_benchmark_group!(name = udp, benchmarks = [publish, bare]);
main!(library_benchmark_groups = udp);

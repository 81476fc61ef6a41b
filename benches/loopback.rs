//! How fast messages are published and received over the loopback device, beside a
//! bare loop of system calls that moves the same octets: in one run, round by round
//! in turn, and as the median of the ratios.
//!
//! `cargo bench --features std --bench loopback`. It prints numbers and judges
//! nothing: times are the machine's.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    unused_qualifications,
    unreachable_pub,
    reason = "a benchmark"
)]

use std::hint::black_box;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use farpost::ams::module::Module;
use farpost::ams::service::{Delivery, Message};
use farpost::host::net::{MAX_RECEIVED, UdpEndpoint};
use member::{SUBJECT, UNIT, data, hear_subscription, meet, member, other, rule, subscribe};

mod member;

const ANY: &str = "127.0.0.1:0";
/// Octets of application data, and of the datagram.
const DATA: usize = 100;
const DATAGRAM: usize = DATA + 18;
/// Messages that are sent before any is received, and that make a run.
const RUN: usize = 32;
const ROUNDS: usize = 41;
const ROUND: Duration = Duration::from_millis(40);

fn main() {
    // The libtest flags of `cargo bench` mean nothing here.
    for receivers in [1, 4] {
        let (mut ours, mut bare) = (Ours::new(receivers), Bare::new(receivers));
        report(
            &std::format!("one by one, {receivers} receivers"),
            || ours.singly(),
            || bare.singly(),
        );
        #[cfg(target_os = "linux")]
        report(
            &std::format!("in runs of {RUN}, {receivers} receivers"),
            || ours.in_runs(),
            || bare.in_runs(),
        );
    }
}

/// Runs both in turn, the first of each round alternating, and prints medians.
fn report(what: &str, mut ours: impl FnMut() -> usize, mut bare: impl FnMut() -> usize) {
    let (mut rates, mut bare_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (ours, bare) = if round % 2 == 0 {
            let ours = rate(&mut ours);
            (ours, rate(&mut bare))
        } else {
            let bare = rate(&mut bare);
            (rate(&mut ours), bare)
        };
        rates.push(ours);
        bare_rates.push(bare);
        ratios.push(ours / bare);
    }
    println!(
        "{what}: {:.0} messages/s, bare {:.0}, ratio {:.3}",
        median(rates),
        median(bare_rates),
        median(ratios)
    );
}

/// Messages that arrive in a second.
fn rate(step: &mut impl FnMut() -> usize) -> f64 {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < ROUND {
        for _ in 0..8 {
            count += step();
        }
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A module that publishes, and subscribers that read what they are sent.
struct Ours {
    publisher: &'static mut Module<'static>,
    endpoint: UdpEndpoint,
    subscribers: Vec<(&'static mut Module<'static>, UdpEndpoint)>,
    data: &'static [u8],
    buffer: Vec<u8>,
}

impl Ours {
    fn new(receivers: u8) -> Self {
        let mut endpoint = UdpEndpoint::bind(ANY.parse().unwrap()).unwrap();
        let publisher = member(200);
        let subscribers = (1..=receivers).map(|number| {
            let socket = UdpEndpoint::bind(ANY.parse().unwrap()).unwrap();
            meet(publisher, other(UNIT.0, number), &socket.local().to_string(), &mut endpoint);
            hear_subscription(publisher, other(UNIT.0, number), &rule(SUBJECT));
            let module = member(number);
            meet(module, other(UNIT.0, 200), "127.0.0.1:9", &mut endpoint);
            subscribe(module);
            (module, socket)
        });
        let subscribers = subscribers.collect();
        let buffer = vec![0; MAX_RECEIVED];
        Self { publisher, endpoint, subscribers, data: data(DATA * RUN), buffer }
    }

    fn singly(&mut self) -> usize {
        for data in self.data.chunks(DATA) {
            let message = Message::new(SUBJECT, data);
            let fanout = self.publisher.publish(&message, &mut self.endpoint, &mut |_| ());
            assert_eq!(fanout.unwrap().failed, 0);
        }
        self.deliver(RUN)
    }

    fn in_runs(&mut self) -> usize {
        let message = Message::new(SUBJECT, self.data);
        let sent = self.publisher.publish_run(&message, DATA, &mut self.endpoint, &mut |_| ());
        assert_eq!(sent.unwrap().failed, 0);
        self.deliver(RUN)
    }

    /// Delivers `count` messages to each subscriber.
    fn deliver(&mut self, count: usize) -> usize {
        for (module, socket) in &mut self.subscribers {
            let mut delivered = 0;
            while delivered < count {
                let Some((_, datagrams)) = socket.receive(&mut self.buffer) else { continue };
                for octets in datagrams {
                    let Ok(Delivery::Message(message)) = module.receive_aams(octets) else {
                        panic!("not delivered");
                    };
                    delivered += usize::from(black_box(message).data.len() == DATA);
                }
            }
        }
        count * self.subscribers.len()
    }
}

/// The same datagrams by system calls alone.
struct Bare {
    sender: UdpSocket,
    receivers: Vec<(UdpSocket, SocketAddr)>,
    octets: Vec<u8>,
    buffer: Vec<u8>,
}

impl Bare {
    fn new(receivers: u8) -> Self {
        let bind = |_| {
            let socket = UdpSocket::bind(ANY).unwrap();
            socket.set_nonblocking(true).unwrap();
            let at = socket.local_addr().unwrap();
            (socket, at)
        };
        let (sender, _) = bind(0);
        let receivers: Vec<_> = (0..receivers).map(bind).collect();
        Self { sender, receivers, octets: vec![7; DATAGRAM * RUN], buffer: vec![0; MAX_RECEIVED] }
    }

    fn singly(&mut self) -> usize {
        for datagram in self.octets.chunks(DATAGRAM) {
            for (_, to) in &self.receivers {
                self.sender.send_to(datagram, to).unwrap();
            }
        }
        for (socket, _) in &self.receivers {
            for _ in 0..RUN {
                while !matches!(socket.recv_from(&mut self.buffer), Ok((DATAGRAM, _))) {}
            }
        }
        RUN * self.receivers.len()
    }

    #[cfg(target_os = "linux")]
    fn in_runs(&mut self) -> usize {
        use nix::sys::socket::{
            ControlMessage, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
        };
        use std::io::{IoSlice, IoSliceMut};
        use std::os::fd::AsRawFd;

        let (size, flags) = (DATAGRAM as u16, MsgFlags::empty());
        for (socket, to) in &self.receivers {
            setsockopt(socket, sockopt::UdpGroSegment, &true).unwrap();
            let (parts, to) = ([IoSlice::new(&self.octets)], SockaddrStorage::from(*to));
            let segments = [ControlMessage::UdpGsoSegments(&size)];
            sendmsg(self.sender.as_raw_fd(), &parts, &segments, flags, Some(&to)).unwrap();
        }
        let mut control = nix::cmsg_space!(i32);
        for (socket, _) in &self.receivers {
            let mut count = 0;
            while count < RUN {
                let mut parts = [IoSliceMut::new(&mut self.buffer)];
                let control = Some(control.as_mut_slice());
                let received =
                    recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, control, flags);
                count += received.map_or(0, |received| received.bytes / DATAGRAM);
            }
        }
        RUN * self.receivers.len()
    }
}

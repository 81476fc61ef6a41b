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

use std::hint::{black_box, spin_loop};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
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
/// Messages that make a run.
const RUN: usize = 32;
/// Runs that are sent before the publisher waits for all receivers.
const RUNS: usize = 4;
const ROUNDS: usize = 41;
const ROUND: Duration = Duration::from_millis(40);

fn main() {
    // The libtest flags of `cargo bench` mean nothing here.
    for receivers in [1, 4] {
        let (mut ours, mut bare) = (Ours::new(receivers), Bare::new(receivers, false));
        report(
            &std::format!("one by one, {receivers} receivers"),
            || rate(&mut ours, Ours::singly),
            || rate(&mut bare, Bare::singly),
        );
        #[cfg(target_os = "linux")]
        let mut bare = Bare::new(receivers, true);
        #[cfg(target_os = "linux")]
        report(
            &std::format!("in runs of {RUN}, {receivers} receivers"),
            || rate(&mut ours, Ours::in_runs),
            || rate(&mut bare, Bare::in_runs),
        );
    }
}

/// Runs both in turn, the first of each round alternating, and prints medians.
fn report(what: &str, mut ours: impl FnMut() -> f64, mut bare: impl FnMut() -> f64) {
    let (mut rates, mut bare_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (ours, bare) = if round % 2 == 0 {
            let ours = ours();
            (ours, bare())
        } else {
            let bare = bare();
            (ours(), bare)
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

/// Messages that arrive in a second, while the receivers of others are at rest.
fn rate<S: Side>(side: &mut S, step: impl Fn(&mut S) -> usize) -> f64 {
    side.receivers().begin();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < ROUND {
        for _ in 0..8 {
            count += step(side);
        }
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    side.receivers().rest();
    rate
}

/// A publisher with receivers.
trait Side {
    fn receivers(&self) -> &Receivers;
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Receivers in a thread of their own, as they are in programs of their own.
struct Receivers {
    at: Vec<SocketAddr>,
    received: Arc<AtomicUsize>,
    active: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receivers {
    /// `start` binds the receivers, and makes what receives what has arrived: how many.
    fn new<R: FnMut() -> usize>(
        start: impl FnOnce() -> (Vec<SocketAddr>, R) + Send + 'static,
    ) -> Self {
        let flag = || Arc::new(AtomicBool::new(false));
        let (received, active, over) = (Arc::new(AtomicUsize::new(0)), flag(), flag());
        let (tell, told) = mpsc::channel();
        let (count, work, end) = (received.clone(), active.clone(), over.clone());
        let thread = thread::spawn(move || {
            let (at, mut receive) = start();
            tell.send(at).unwrap();
            while !end.load(Ordering::Relaxed) {
                if work.load(Ordering::Relaxed) {
                    count.fetch_add(receive(), Ordering::Release);
                } else {
                    thread::park();
                }
            }
        });
        Self { at: told.recv().unwrap(), received, active, over, thread: Some(thread) }
    }

    fn begin(&self) {
        self.active.store(true, Ordering::Relaxed);
        self.thread.iter().for_each(|thread| thread.thread().unpark());
    }

    /// They do nothing until they begin again, and take no processor from others.
    fn rest(&self) {
        self.active.store(false, Ordering::Relaxed);
    }

    /// Waits until `count` more have been received than at the last time.
    fn wait(&self, count: usize) -> usize {
        while self.received.load(Ordering::Acquire) < count {
            spin_loop();
        }
        self.received.fetch_sub(count, Ordering::Relaxed);
        count
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.begin();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A module that publishes, and subscribers that read what they are sent.
struct Ours {
    publisher: &'static mut Module<'static>,
    endpoint: UdpEndpoint,
    receivers: Receivers,
    data: &'static [u8],
}

impl Ours {
    fn new(receivers: u8) -> Self {
        let mut endpoint = UdpEndpoint::bind(ANY.parse().unwrap()).unwrap();
        let publisher = member(200);
        let receivers = Receivers::new(move || {
            let bound: Vec<_> = (1..=receivers).map(subscriber).collect();
            let at = bound.iter().map(|(_, socket)| socket.local()).collect();
            (at, receiving(bound))
        });
        for (number, at) in (1..).zip(&receivers.at) {
            meet(publisher, other(UNIT.0, number), &at.to_string(), &mut endpoint);
            hear_subscription(publisher, other(UNIT.0, number), &rule(SUBJECT));
        }
        Self { publisher, endpoint, receivers, data: data(DATA * RUN) }
    }

    fn singly(&mut self) -> usize {
        for data in core::iter::repeat_n(self.data, RUNS).flat_map(|data| data.chunks(DATA)) {
            let message = Message::new(SUBJECT, data);
            let fanout = self.publisher.publish(&message, &mut self.endpoint, &mut |_| ());
            assert_eq!(fanout.unwrap().failed, 0);
        }
        self.receivers.wait(RUNS * RUN * self.receivers.at.len())
    }

    fn in_runs(&mut self) -> usize {
        for _ in 0..RUNS {
            let message = Message::new(SUBJECT, self.data);
            let sent = self.publisher.publish_run(&message, DATA, &mut self.endpoint, &mut |_| ());
            assert_eq!(sent.unwrap().failed, 0);
        }
        self.receivers.wait(RUNS * RUN * self.receivers.at.len())
    }
}

impl Side for Ours {
    fn receivers(&self) -> &Receivers {
        &self.receivers
    }
}

/// A module that subscribes to what the publisher says, and its socket.
fn subscriber(number: u8) -> (&'static mut Module<'static>, UdpEndpoint) {
    let mut socket = UdpEndpoint::bind(ANY.parse().unwrap()).unwrap();
    let module = member(number);
    meet(module, other(UNIT.0, 200), "127.0.0.1:9", &mut socket);
    subscribe(module);
    (module, socket)
}

/// Delivers what has arrived to each of these.
fn receiving(
    mut subscribers: Vec<(&'static mut Module<'static>, UdpEndpoint)>,
) -> impl FnMut() -> usize {
    let mut buffer = vec![0; MAX_RECEIVED];
    move || {
        let mut delivered = 0;
        for (module, socket) in &mut subscribers {
            let Some((_, datagrams)) = socket.receive(&mut buffer) else { continue };
            for octets in datagrams {
                let Ok(Delivery::Message(message)) = module.receive_aams(octets) else {
                    panic!("not delivered");
                };
                delivered += usize::from(black_box(message).data.len() == DATA);
            }
        }
        delivered
    }
}

/// The same datagrams by system calls alone. Receivers of runs have the system join
/// what they receive.
struct Bare {
    sender: UdpSocket,
    receivers: Receivers,
    octets: Vec<u8>,
}

impl Side for Bare {
    fn receivers(&self) -> &Receivers {
        &self.receivers
    }
}

impl Bare {
    fn new(receivers: u8, joined: bool) -> Self {
        let sender = UdpSocket::bind(ANY).unwrap();
        sender.set_nonblocking(true).unwrap();
        let receivers = Receivers::new(move || {
            let bound: Vec<_> = (0..receivers).map(|_| bare_socket(joined)).collect();
            let at = bound.iter().map(|socket| socket.local_addr().unwrap()).collect();
            (at, bare_receiving(bound, joined))
        });
        Self { sender, receivers, octets: vec![7; DATAGRAM * RUN] }
    }

    fn singly(&mut self) -> usize {
        let all = core::iter::repeat_n(&self.octets, RUNS);
        for datagram in all.flat_map(|octets| octets.chunks(DATAGRAM)) {
            for to in &self.receivers.at {
                self.sender.send_to(datagram, to).unwrap();
            }
        }
        self.receivers.wait(RUNS * RUN * self.receivers.at.len())
    }

    #[cfg(target_os = "linux")]
    fn in_runs(&mut self) -> usize {
        use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
        use std::io::IoSlice;
        use std::os::fd::AsRawFd;

        let size = u16::try_from(DATAGRAM).unwrap();
        let (parts, control) =
            ([IoSlice::new(&self.octets)], [ControlMessage::UdpGsoSegments(&size)]);
        for to in core::iter::repeat_n(&self.receivers.at, RUNS).flatten() {
            let (to, from) = (SockaddrStorage::from(*to), self.sender.as_raw_fd());
            sendmsg(from, &parts, &control, MsgFlags::empty(), Some(&to)).unwrap();
        }
        self.receivers.wait(RUNS * RUN * self.receivers.at.len())
    }
}

fn bare_socket(joined: bool) -> UdpSocket {
    let socket = UdpSocket::bind(ANY).unwrap();
    socket.set_nonblocking(true).unwrap();
    #[cfg(target_os = "linux")]
    if joined {
        use nix::sys::socket::{setsockopt, sockopt};
        setsockopt(&socket, sockopt::UdpGroSegment, &true).unwrap();
    }
    let _ = joined;
    socket
}

/// Takes what has arrived at each of these.
fn bare_receiving(sockets: Vec<UdpSocket>, joined: bool) -> impl FnMut() -> usize {
    let mut buffer = vec![0; MAX_RECEIVED];
    move || {
        let mut datagrams = 0;
        for socket in &sockets {
            let octets = if joined {
                receive_joined(socket, &mut buffer)
            } else {
                socket.recv_from(&mut buffer).map_or(0, |(octets, _)| octets)
            };
            datagrams += octets / DATAGRAM;
        }
        datagrams
    }
}

#[cfg(not(target_os = "linux"))]
fn receive_joined(_: &UdpSocket, _: &mut [u8]) -> usize {
    0
}

/// With what tells how long the datagrams are, as a receiver has to ask.
#[cfg(target_os = "linux")]
fn receive_joined(socket: &UdpSocket, buffer: &mut [u8]) -> usize {
    use nix::sys::socket::{MsgFlags, SockaddrStorage, recvmsg};
    use std::io::IoSliceMut;
    use std::os::fd::AsRawFd;

    let mut control = nix::cmsg_space!(i32);
    let mut parts = [IoSliceMut::new(buffer)];
    let (from, flags) = (socket.as_raw_fd(), MsgFlags::empty());
    recvmsg::<SockaddrStorage>(from, &mut parts, Some(&mut control), flags)
        .map_or(0, |received| received.bytes)
}

//! The carriage over sockets.

use std::format;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::string::{String, ToString};
use std::vec::Vec;

use super::daemon::{Daemon, Mood};
use super::{DAY, bundle, endpoint, start};
use crate::host::bundle::{
    BundleCarriage, DaemonFault, DaemonState, DaemonUrl, EndpointId, LONGEST, NotADaemonUrl,
};
use crate::host::rams::{Arrivals, RamsCarriage, number};
use crate::time::Now;
use crate::transport::{Address, SendError};

/// A carriage and a daemon on loopback, both in this thread.
struct Pair {
    carriage: BundleCarriage,
    listener: TcpListener,
    connection: Option<TcpStream>,
    daemon: Daemon,
    now: Now,
    received: Vec<(Address, String)>,
}

impl Pair {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let url = DaemonUrl::parse(&url).unwrap();
        let carriage = BundleCarriage::new(endpoint("dtn://one/rams"), url, DAY).unwrap();
        let daemon = Daemon::new();
        let received = Vec::new();
        Self { carriage, listener, connection: None, daemon, now: start(), received }
    }

    /// Runs both until `done`, with time that passes from turn to turn.
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..200_000 {
            if done(self) {
                return;
            }
            self.now = self.now.after(core::time::Duration::from_millis(1));
            self.carriage.run(self.now);
            let mut arrivals = Arrivals::default();
            self.carriage.receive(self.now, &mut arrivals);
            for (from, rpdu) in arrivals.iter() {
                self.received.push((*from, String::from_utf8(rpdu.to_vec()).unwrap()));
            }
            self.serve();
        }
        panic!("it did not come to this: {:?}, {:?}", self.carriage, self.daemon);
    }

    fn serve(&mut self) {
        if let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true).unwrap();
            self.connection = Some(stream);
        }
        let Some(stream) = &mut self.connection else { return };
        let mut buffer = [0; 4_096];
        match stream.read(&mut buffer) {
            Ok(0) => self.connection = None,
            Ok(count) => match self.daemon.input(&buffer[..count]) {
                Some(answers) => stream.write_all(&answers).unwrap(),
                None => self.connection = None,
            },
            Err(_) => {}
        }
    }
}

#[test]
fn rpdus_go_and_come_through_a_daemon() {
    let mut pair = Pair::new();
    assert_eq!((pair.carriage.service(), pair.carriage.number()), ("bp", number::BUNDLE));
    let to = pair.carriage.resolve(pair.now, "dtn://two/rams").unwrap();
    assert_eq!(pair.carriage.send(pair.now, &to, b"early"), Err(SendError::Busy));
    pair.until(|pair| pair.carriage.state() == DaemonState::Joined);
    pair.carriage.send(pair.now, &to, b"hello").unwrap();
    assert!(pair.carriage.is_sending());
    pair.until(|pair| !pair.carriage.is_sending());
    assert_eq!(pair.daemon.taken[0].payload().unwrap(), b"hello");
    // An answer has the address that is sent to; a stranger has one of its own.
    pair.daemon.arrive(&bundle("dtn://two/rams", "dtn://one/rams", 1, b"answer"));
    pair.until(|pair| pair.received.len() == 1);
    pair.daemon.arrive(&bundle("ipn:9.9", "dtn://one/rams", 1, b"stranger"));
    pair.until(|pair| pair.received.len() == 2);
    assert_eq!(pair.received[0], (to, "answer".to_string()));
    let stranger = pair.received[1].0;
    assert_ne!(stranger, to);
    assert_eq!(pair.carriage.send(pair.now, &stranger, b""), Err(SendError::Unreachable));
    assert_eq!(pair.carriage.endpoint_of(&to).map(EndpointId::as_str), Some("dtn://two/rams"));
    assert_eq!(pair.carriage.endpoint_of(&stranger), None);
    pair.until(|pair| pair.daemon.store.is_empty());
    let long = std::vec![0; LONGEST + 1];
    assert_eq!(pair.carriage.send(pair.now, &to, &long), Err(SendError::TooLong));
    pair.carriage.send(pair.now, &to, &long[1..]).unwrap();
    pair.until(|pair| !pair.carriage.is_sending());
    assert_eq!(pair.daemon.taken[1].payload().unwrap().len(), LONGEST);
}

#[test]
fn a_daemon_that_is_restarted_is_joined_again() {
    let mut pair = Pair::new();
    let to = pair.carriage.resolve(pair.now, "ipn:3.7").unwrap();
    pair.until(|pair| pair.carriage.state() == DaemonState::Joined);
    // It goes while a bundle is on the way.
    pair.daemon.moods = std::vec![("/insert", Mood::Ends)];
    pair.carriage.send(pair.now, &to, b"kept").unwrap();
    pair.until(|pair| pair.carriage.state() == DaemonState::Away);
    assert!(pair.carriage.is_sending());
    pair.daemon.restart(false);
    pair.daemon.moods.clear();
    pair.until(|pair| !pair.carriage.is_sending());
    assert_eq!(pair.daemon.taken[0].payload().unwrap(), b"kept");
    assert_eq!(pair.carriage.stats().joined, 2);
    // It goes while nothing is on the way.
    pair.connection = None;
    pair.until(|pair| pair.carriage.stats().lost == 2);
    pair.until(|pair| pair.carriage.stats().joined == 3);
    // And for good.
    pair.connection = None;
    pair.listener = TcpListener::bind("127.0.0.1:0").unwrap();
    pair.listener.set_nonblocking(true).unwrap();
    pair.until(|pair| {
        matches!(pair.carriage.stats().last_fault, Some(DaemonFault::Unreachable(_)))
    });
    assert_eq!(pair.carriage.send(pair.now, &to, b"later"), Err(SendError::Busy));
}

#[test]
fn a_daemon_is_told_by_its_url() {
    for good in ["http://127.0.0.1:3000", "http://[::1]:3000/", "http://localhost:1"] {
        assert!(DaemonUrl::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "127.0.0.1:3000",
        "https://127.0.0.1:3000",
        "http://127.0.0.1",
        "http://@:3000",
        "http://127.0.0.1:0",
        "http://127.0.0.1:3000/x",
        "http://a\r\nb:1",
    ] {
        assert_eq!(DaemonUrl::parse(bad), Err(NotADaemonUrl), "{bad}");
    }
}

//! The conversation with a daemon on virtual time, and the carriage over real sockets.

mod carriage;
mod daemon;

use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use self::daemon::{Daemon, Mood};
use super::client::{Client, DaemonState};
use super::codec;
use super::eid::EndpointId;
use super::fault::DaemonFault;
use super::http::AnswerFault;
use crate::time::{ClockQuality, Instant, Now, Utc};
use crate::transport::SendError;

const DAY: Duration = Duration::from_secs(86_400);

fn endpoint(text: &str) -> EndpointId {
    EndpointId::parse(text).unwrap()
}

/// A bundle from another gateway, with the number that tells it from others.
fn bundle(from: &str, to: &str, sequence: u64, rpdu: &[u8]) -> Vec<u8> {
    codec::encode(start(), sequence, DAY, (&endpoint(from), &endpoint(to)), rpdu)
}

fn start() -> Now {
    let utc = Utc::from_unix_seconds(1_795_392_000);
    Now { monotonic: Instant::ZERO, utc, quality: ClockQuality::Synchronised }
}

/// A client and its daemon.
struct Bench {
    client: Client,
    daemon: Daemon,
    now: Now,
    is_daemon_there: bool,
    received: Vec<(String, String)>,
}

impl Bench {
    fn new() -> Self {
        let client = Client::new(endpoint("dtn://one/rams"), "[::1]:3000".to_string(), DAY, 7);
        let daemon = Daemon::new();
        Self { client, daemon, now: start(), is_daemon_there: true, received: Vec::new() }
    }

    fn joined() -> Self {
        let mut bench = Self::new();
        bench.turn();
        assert_eq!(bench.client.state(), DaemonState::Joined);
        bench
    }

    /// Runs the client until it waits, and takes what has arrived.
    fn turn(&mut self) {
        self.client.run(self.now);
        if self.client.wants_connection(self.now) {
            self.client.connecting(self.now);
            if self.is_daemon_there {
                self.client.connected(self.now);
            } else {
                let refused = std::io::ErrorKind::ConnectionRefused;
                self.client.failed(self.now, DaemonFault::Unreachable(refused));
            }
        }
        self.talk();
    }

    fn talk(&mut self) {
        loop {
            while !self.client.output().is_empty() {
                let output = self.client.output().to_vec();
                self.client.wrote(output.len());
                match self.daemon.input(&output) {
                    // As it comes from a socket: in parts.
                    Some(answers) => {
                        answers.chunks(50).for_each(|part| self.client.input(self.now, part));
                    }
                    None => self.client.failed(self.now, DaemonFault::Ended),
                }
            }
            let Some(arrived) = self.client.take() else { return };
            let rpdu = String::from_utf8(arrived.rpdu).unwrap();
            self.received.push((arrived.source, rpdu));
            self.client.run(self.now);
        }
    }

    /// Lets time pass to each deadline in `span`; fails when one is not met.
    fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        while let Some(at) = self.client.next_deadline().filter(|at| *at <= end.monotonic) {
            self.now = self.now.after(at.since(self.now.monotonic));
            self.turn();
            let next = self.client.next_deadline();
            assert!(next.is_none_or(|next| next > self.now.monotonic), "{:?}", self.client);
        }
        self.now = self.now.after(end.monotonic.since(self.now.monotonic));
        self.turn();
    }

    fn lose_daemon(&mut self) {
        self.is_daemon_there = false;
        self.client.failed(self.now, DaemonFault::Ended);
    }

    fn send(&mut self, rpdu: &str) -> Result<(), SendError> {
        self.client.send(self.now, &endpoint("dtn://two/rams"), rpdu.as_bytes())
    }

    fn rpdus(&self) -> Vec<&str> {
        self.received.iter().map(|(_, rpdu)| rpdu.as_str()).collect()
    }

    /// The RPDUs that the daemon was given, each once.
    fn taken(&self) -> Vec<String> {
        let text = |bundle: &bp7::Bundle| String::from_utf8(bundle.payload().unwrap().clone());
        self.daemon.taken.iter().map(|bundle| text(bundle).unwrap()).collect()
    }
}

#[test]
fn it_joins_and_the_daemon_gets_bundles() {
    let mut bench = Bench::joined();
    assert_eq!(bench.daemon.registered, ["dtn://one/rams"]);
    bench.send("first").unwrap();
    bench.send("second").unwrap();
    assert_eq!(bench.client.unconfirmed(), 2);
    bench.talk();
    assert_eq!(bench.taken(), ["first", "second"]);
    let names: Vec<_> = bench.daemon.taken.iter().map(bp7::Bundle::id).collect();
    let at = 848_707_200_000_u64;
    assert_eq!(names, [format!("dtn://one/rams-{at}-7"), format!("dtn://one/rams-{at}-8")]);
    assert_eq!(bench.daemon.taken[0].primary.destination.to_string(), "dtn://two/rams");
    assert_eq!(bench.daemon.taken[0].primary.lifetime, DAY);
    let stats = bench.client.stats();
    assert_eq!((bench.client.unconfirmed(), stats.sent, stats.joined), (0, 2, 1));
}

#[test]
fn bundles_are_fetched_and_deleted_only_when_they_were_taken() {
    let mut bench = Bench::joined();
    let name = bench.daemon.arrive(&bundle("dtn://two/rams", "dtn://one/rams", 1, b"hello"));
    bench.now = bench.now.after(Duration::from_secs(1));
    bench.client.run(bench.now);
    // Not taken yet: it stays where it is.
    while !bench.client.output().is_empty() {
        let output = bench.client.output().to_vec();
        bench.client.wrote(output.len());
        let answers = bench.daemon.input(&output).unwrap();
        bench.client.input(bench.now, &answers);
    }
    assert!(bench.daemon.store.contains_key(&name));
    bench.talk();
    assert_eq!(bench.received, [("dtn://two/rams".to_string(), "hello".to_string())]);
    assert!(bench.daemon.store.is_empty() && bench.daemon.queue.is_empty());
    assert_eq!(bench.client.stats().received, 1);
    assert_eq!(bench.client.stats().duplicates, 0);
}

#[test]
fn everything_that_waits_at_a_daemon_is_fetched() {
    let mut bench = Bench::new();
    // As many as wait in a gateway at a time, and more; some came before the daemon was
    // restarted and are in no queue.
    for sequence in 0..100 {
        let rpdu = sequence.to_string();
        bench.daemon.arrive(&bundle("ipn:2.7", "dtn://one/rams", sequence, rpdu.as_bytes()));
    }
    bench.turn();
    for sequence in 100..200 {
        let rpdu = sequence.to_string();
        bench.daemon.arrive(&bundle("ipn:2.7", "dtn://one/rams", sequence, rpdu.as_bytes()));
    }
    bench.pass(Duration::from_secs(2));
    let mut numbers: Vec<u64> = bench.rpdus().iter().map(|rpdu| rpdu.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    assert!(bench.daemon.store.is_empty() && bench.daemon.queue.is_empty());
}

#[test]
fn a_bundle_that_comes_again_is_dropped() {
    let mut bench = Bench::joined();
    for (sequence, rpdu) in [(1, "a"), (2, "b"), (1, "a"), (1, "a"), (3, "c"), (2, "b")] {
        bench.daemon.arrive(&bundle("dtn://two/rams", "dtn://one/rams", sequence, rpdu.as_bytes()));
        bench.pass(Duration::from_secs(1));
    }
    // The same number of another source is another bundle.
    bench.daemon.arrive(&bundle("ipn:2.7", "dtn://one/rams", 1, b"d"));
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.rpdus(), ["a", "b", "c", "d"]);
    assert_eq!(bench.client.stats().duplicates, 3);
    assert!(bench.daemon.store.is_empty() && bench.daemon.queue.is_empty());
}

#[test]
fn without_a_daemon_nothing_is_taken_and_the_back_off_grows() {
    let mut bench = Bench::new();
    bench.is_daemon_there = false;
    let mut waits = Vec::new();
    for _ in 0..10 {
        bench.turn();
        assert_eq!(bench.send("lost?"), Err(SendError::Busy));
        let next = bench.client.next_deadline().unwrap();
        let wait = next.since(bench.now.monotonic);
        waits.push(wait.as_millis());
        // Not before.
        bench.now = bench.now.after(wait - Duration::from_micros(1));
        assert!(!bench.client.wants_connection(bench.now));
        bench.now = bench.now.after(Duration::from_micros(1));
        assert!(bench.client.wants_connection(bench.now));
    }
    assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    let fault = DaemonFault::Unreachable(std::io::ErrorKind::ConnectionRefused);
    assert_eq!(bench.client.stats().last_fault, Some(fault));
    assert_eq!(bench.client.stats().busy, 10);
    // Far longer than numbers go.
    bench.pass(DAY);
    assert_eq!(bench.client.state(), DaemonState::Away);
    bench.is_daemon_there = true;
    bench.pass(Duration::from_secs(30));
    assert_eq!(bench.client.state(), DaemonState::Joined);
    // And it begins anew.
    bench.lose_daemon();
    let wait = bench.client.next_deadline().unwrap().since(bench.now.monotonic);
    assert_eq!(wait.as_millis(), 250);
}

#[test]
fn what_a_daemon_did_not_confirm_is_offered_again_as_the_same_bundle() {
    let mut bench = Bench::joined();
    bench.daemon.moods = vec![("/insert", Mood::Ends)];
    bench.send("first").unwrap();
    bench.send("second").unwrap();
    let sent = bench.client.output().to_vec();
    bench.talk();
    assert_eq!((bench.client.state(), bench.client.unconfirmed()), (DaemonState::Away, 2));
    assert_eq!(bench.send("third"), Err(SendError::Busy));
    bench.daemon.restart(false);
    bench.daemon.moods.clear();
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.taken(), ["first", "second"]);
    // To the last octet.
    let again = bench.daemon.taken[0].to_cbor();
    assert!(sent.ends_with(&again));
    assert_eq!(bench.daemon.registered, ["dtn://one/rams"]);
    assert_eq!(bench.client.stats().lost, 1);
}

#[test]
fn what_a_daemon_confirmed_just_before_it_ended_is_offered_again() {
    let mut bench = Bench::joined();
    bench.send("settled").unwrap();
    bench.talk();
    bench.pass(Duration::from_secs(2));
    bench.send("late").unwrap();
    bench.talk();
    bench.pass(Duration::from_millis(1_999));
    let confirmed = bench.daemon.taken[1].clone();
    bench.daemon.restart(true);
    bench.lose_daemon();
    assert_eq!(bench.client.unconfirmed(), 1);
    bench.is_daemon_there = true;
    bench.pass(Duration::from_secs(1));
    // The same bundle; and it is counted once.
    assert_eq!(bench.daemon.taken, [confirmed]);
    let stats = bench.client.stats();
    assert_eq!((stats.sent, stats.repeated, bench.client.unconfirmed()), (2, 1, 0));
}

#[test]
fn bundles_expire_while_the_daemon_is_away() {
    let mut bench = Bench::joined();
    bench.daemon.moods = vec![("/insert", Mood::Ends)];
    bench.send("old").unwrap();
    bench.talk();
    bench.is_daemon_there = false;
    bench.pass(DAY);
    bench.is_daemon_there = true;
    bench.daemon.moods.clear();
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.client.state(), DaemonState::Joined);
    assert_eq!((bench.client.stats().expired, bench.client.unconfirmed()), (1, 0));
    assert_eq!(bench.taken(), Vec::<String>::new());
}

#[test]
fn a_daemon_that_is_behind_is_left_alone() {
    let mut bench = Bench::joined();
    bench.daemon.moods = vec![("/insert", Mood::Silent)];
    let taken = (0..100).filter(|number: &u32| bench.send(&number.to_string()).is_ok()).count();
    assert_eq!((taken, bench.client.stats().busy), (64, 36));
    // It never answers: that is as if it were away.
    bench.talk();
    bench.pass(Duration::from_secs(29));
    assert_eq!(bench.client.state(), DaemonState::Joined);
    bench.daemon.moods.clear();
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.client.stats().last_fault, Some(DaemonFault::Silent));
    let all: Vec<_> = (0..64).map(|number: u32| number.to_string()).collect();
    assert_eq!(bench.taken(), all);
    // And by octets: a long one may be the last.
    let long = "x".repeat(600_000);
    assert_eq!([bench.send(&long), bench.send(&long)], [Ok(()), Ok(())]);
    assert_eq!(bench.send(""), Err(SendError::Busy));
}

#[test]
fn a_connection_that_is_never_made_is_given_up() {
    let mut bench = Bench::new();
    assert!(bench.client.wants_connection(bench.now));
    bench.client.connecting(bench.now);
    bench.now = bench.now.after(Duration::from_secs(9));
    bench.client.run(bench.now);
    assert!(!bench.client.is_away());
    assert_eq!(
        bench.client.next_deadline(),
        Some(start().monotonic.after(Duration::from_secs(10)))
    );
    bench.now = bench.now.after(Duration::from_secs(1));
    bench.client.run(bench.now);
    assert!(bench.client.is_away());
    assert_eq!(bench.client.stats().last_fault, Some(DaemonFault::Silent));
}

#[test]
fn nonsense_and_refusals_are_named_and_lose_nothing() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: ";
    let list_of_numbers: &'static str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]";
    for (target, says, fault) in [
        ("/status/nodeid", "hello\r\n\r\n", None),
        ("/status/nodeid", "HTTP/1.1 200 OK\r\n\r\n", Some(AnswerFault::Length)),
        ("/register", "HTTP/1.1 200 OK\r\ntransfer-encoding: x\r\n\r\n", Some(AnswerFault::Coding)),
        (
            "/status/bundles",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
            Some(AnswerFault::TooLong),
        ),
    ] {
        let mut bench = Bench::new();
        bench.daemon.moods = vec![(target, Mood::Says(says))];
        bench.turn();
        assert_eq!(bench.client.state(), DaemonState::Away, "{says}");
        let last = bench.client.stats().last_fault;
        match fault {
            Some(fault) => assert_eq!(last, Some(DaemonFault::Nonsense(fault))),
            None => assert!(matches!(last, Some(DaemonFault::Nonsense(AnswerFault::Syntax(_))))),
        }
    }
    for (target, says, fault) in [
        (
            "/status/nodeid",
            "HTTP/1.1 403 X\r\ncontent-length: 0\r\n\r\n",
            DaemonFault::Refused(403),
        ),
        ("/register", "HTTP/1.1 400 X\r\ncontent-length: 0\r\n\r\n", DaemonFault::Refused(400)),
        ("/insert", "HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", DaemonFault::Refused(500)),
        ("/status/bundles", list_of_numbers, DaemonFault::NoList),
    ] {
        let mut bench = Bench::new();
        bench.turn();
        let taken = bench.send("kept").is_ok();
        bench.lose_daemon();
        bench.is_daemon_there = true;
        bench.daemon.moods = vec![(target, Mood::Says(says))];
        bench.pass(Duration::from_secs(300));
        assert_eq!(bench.client.stats().last_fault, Some(fault));
        // Again and again, but ever more seldom.
        assert!((10..25).contains(&bench.client.stats().lost), "{}", bench.client.stats().lost);
        bench.daemon.moods.clear();
        bench.pass(Duration::from_secs(60));
        assert!(taken && bench.taken().contains(&"kept".to_string()));
    }
    // More than was asked for.
    let mut bench = Bench::joined();
    bench.client.input(bench.now, format!("{ok}2\r\n\r\n[]").as_bytes());
    assert_eq!(bench.client.stats().last_fault, Some(DaemonFault::Nonsense(AnswerFault::Unasked)));
    let mut bench = Bench::joined();
    bench.client.input(bench.now, b"H");
    assert_eq!(bench.client.stats().last_fault, Some(DaemonFault::Nonsense(AnswerFault::Unasked)));
}

#[test]
fn another_node_is_not_joined() {
    let mut bench = Bench::new();
    bench.daemon.node = "dtn://two/";
    bench.turn();
    assert_eq!(bench.client.state(), DaemonState::Away);
    assert_eq!(bench.client.stats().last_fault, Some(DaemonFault::OtherNode));
    assert!(bench.daemon.registered.is_empty());
}

#[test]
fn a_bundle_that_the_daemon_rejects_does_not_hold_up_others() {
    let mut bench = Bench::joined();
    bench.daemon.moods =
        vec![("/insert", Mood::Says("HTTP/1.1 413 X\r\ncontent-length: 0\r\n\r\n"))];
    bench.send("too long").unwrap();
    bench.talk();
    bench.daemon.moods.clear();
    bench.send("short").unwrap();
    bench.talk();
    assert_eq!(bench.taken(), ["short"]);
    let stats = bench.client.stats();
    assert_eq!((stats.rejected, stats.last_fault), (1, Some(DaemonFault::Refused(413))));
}

#[test]
fn what_is_not_for_it_stays_and_what_is_no_rpdu_goes() {
    let mut bench = Bench::joined();
    // Its own that waits for a link; another's; one that is none; one whose name
    // would be two requests; a fragment; a record.
    let own = bench.daemon.arrive(&bundle("dtn://one/rams", "dtn://two/rams", 1, b"own"));
    let foreign = bench.daemon.arrive(&bundle("dtn://two/rams", "dtn://one/rams2", 2, b"other"));
    let none = "dtn://two/rams-1-1".to_string();
    bench.daemon.store.insert(none.clone(), b"none".to_vec());
    let evil = "dtn://x/y\r\n\r\nGET /delete?all HTTP/1.1-1-1".to_string();
    bench.daemon.store.insert(evil.clone(), b"evil".to_vec());
    for (sequence, flags) in [(3, 0x1), (4, 0x2)] {
        let octets = bundle("dtn://two/rams", "dtn://one/rams", sequence, b"part");
        let mut bundle = bp7::Bundle::try_from(octets).unwrap();
        bundle.primary.bundle_control_flags = flags;
        bench.daemon.arrive(&bundle.to_cbor());
    }
    bench.daemon.queue.clear();
    bench.daemon.arrive(&bundle("dtn://two/rams", "dtn://one/rams", 5, b"good"));
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.rpdus(), ["good"]);
    let left: Vec<_> = bench.daemon.store.keys().cloned().collect();
    let mut expected = vec![own, foreign.clone(), none, evil];
    expected.sort();
    assert_eq!(left, expected);
    let stats = bench.client.stats();
    assert_eq!((stats.fragments, stats.records, stats.unreadable), (1, 1, 2));
    // What is another's is fetched once, and its own never.
    assert_eq!(bench.daemon.count(&format!("/download?{foreign}")), 1);
    assert_eq!(bench.daemon.count("/download?dtn://one"), 0);
}

#[test]
fn a_bundle_that_ends_the_connection_is_given_up() {
    let mut bench = Bench::joined();
    let bad = bench.daemon.arrive(&bundle("dtn://two/rams", "dtn://one/rams", 1, b"bad"));
    let target: &'static str = Box::leak(format!("/download?{bad}").into_boxed_str());
    bench.daemon.moods = vec![(target, Mood::Ends)];
    bench.daemon.arrive(&bundle("dtn://two/rams", "dtn://one/rams", 2, b"good"));
    bench.daemon.queue.clear();
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.rpdus(), ["good"]);
    assert_eq!((bench.daemon.count(target), bench.client.stats().unreadable), (3, 1));
    assert_eq!(bench.client.state(), DaemonState::Joined);
}

#[test]
fn what_is_left_in_the_daemon_s_queue_is_swept() {
    let mut bench = Bench::joined();
    for sequence in 0..5 {
        let octets = bundle("dtn://two/rams", "dtn://one/rams", sequence, b"x");
        bench.daemon.arrive(&octets);
        // A copy that stays behind, as when the connection ends at the wrong time.
        bench.daemon.queue.push_back(octets);
    }
    bench.pass(Duration::from_secs(120));
    assert_eq!(bench.received.len(), 5);
    assert!(bench.daemon.queue.is_empty() && bench.daemon.store.is_empty());
}

#[test]
fn an_endpoint_that_somebody_unregistered_is_registered_again() {
    let mut bench = Bench::joined();
    bench.daemon.registered.clear();
    bench.daemon.arrive(&bundle("dtn://two/rams", "dtn://one/rams", 1, b"x"));
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.daemon.registered, ["dtn://one/rams"]);
    assert_eq!(bench.rpdus(), ["x"]);
    assert_eq!(bench.client.stats().joined, 2);
}

#[test]
fn asking_takes_a_small_part_of_the_time() {
    let mut bench = Bench::joined();
    let before = bench.daemon.count("/status/bundles");
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.daemon.count("/status/bundles") - before, 40);
    // A daemon with a great store takes a second for its list.
    bench.daemon.moods = vec![("/status/bundles", Mood::Silent)];
    bench.pass(Duration::from_millis(250));
    bench.now = bench.now.after(Duration::from_secs(1));
    bench.client.input(bench.now, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]");
    bench.talk();
    let next = bench.client.next_deadline().unwrap().since(bench.now.monotonic);
    assert!((19..=21).contains(&next.as_secs()), "{next:?}");
}

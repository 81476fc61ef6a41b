//! Runs of messages: one message after the other for whoever receives them, at
//! once for a transport that can.

use std::vec::Vec;

use super::harness::*;
use crate::ams::ids::{Priority, SubjectNumber};
use crate::ams::module::Fanout;
use crate::ams::pdu::{Aams, AssertionValues};
use crate::ams::service::{Fault, Indication, Message};
use crate::transport::{Address, Refused, SendError, Transport};

/// Takes so many datagrams each time, and writes down the runs.
struct Coach {
    seats: usize,
    runs: Vec<(Address, u8, Vec<Vec<u8>>)>,
}

impl Coach {
    fn new(seats: usize) -> Self {
        Self { seats, runs: Vec::new() }
    }

    /// The data of what was taken, all runs to `to` one after the other.
    fn data(&self, to: &str) -> Vec<Vec<u8>> {
        let datagrams = self.runs.iter().filter(|run| run.0 == address(to)).flat_map(|run| &run.2);
        datagrams.map(|octets| Aams::parse(octets).unwrap().data().to_vec()).collect()
    }
}

impl Transport for Coach {
    fn resolve(&mut self, _: &str, _: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, _: &Address, _: u8, _: &[u8]) -> Result<(), SendError> {
        panic!("messages of a run go by the run");
    }

    fn send_run(
        &mut self,
        to: &[Address],
        flow_label: u8,
        octets: &[u8],
        size: usize,
    ) -> Result<(), Refused> {
        let all: Vec<_> = octets.chunks(size).map(<[u8]>::to_vec).collect();
        let mut free = self.seats;
        for to in to {
            let taken: Vec<_> = all.iter().take(free).cloned().collect();
            free -= taken.len();
            let refused = taken.len() < all.len();
            self.runs.push((*to, flow_label, taken));
            if refused {
                return Err(Refused { taken: self.seats, why: SendError::Busy });
            }
        }
        Ok(())
    }
}

/// A member whose messages on subject 1 go to 3/1.5 as they are, and to 4/1.6
/// under priority 2 and flow label 9.
fn with_two_readers() -> Bench {
    let mut bench = Bench::acquainted();
    bench.hear(&has_started(id(4, 1, 6), &contact("six")));
    bench.hear(&subscribe(FIVE, assertion(1)));
    let urgent =
        AssertionValues { priority: Priority::new(2).unwrap(), flow_label: 9, ..assertion(1) };
    bench.hear(&subscribe(id(4, 1, 6), urgent));
    bench.forget();
    bench
}

impl Bench {
    fn publish_run(
        &mut self,
        data: &[u8],
        size: usize,
        transport: &mut dyn Transport,
    ) -> Result<Fanout, Fault> {
        let message = Message::new(SubjectNumber(1), data);
        let heard = &mut self.heard;
        self.module.publish_run(&message, size, transport, &mut |event| heard.push(event))
    }
}

#[test]
fn every_message_of_a_run_is_a_datagram_of_its_own() {
    let data: Vec<u8> = (0..95).collect();
    let messages: Vec<_> = data.chunks(10).map(<[u8]>::to_vec).collect();
    let mut bench = with_two_readers();
    let mut coach = Coach::new(usize::MAX);
    let fanout = bench.publish_run(&data, 10, &mut coach).unwrap();
    assert_eq!(fanout, Fanout { sent: 20, failed: 0 });
    assert_eq!((coach.data("five1"), coach.data("six1")), (messages.clone(), messages));
    // The buffer of 120 octets holds four messages of 28, and the last two.
    let sizes: Vec<_> = coach.runs.iter().map(|run| run.2.len()).collect();
    assert_eq!(sizes, [4, 4, 4, 4, 2, 2]);
    for (to, flow_label, datagrams) in &coach.runs {
        let (priority, flow) = if *to == address("six1") { (2, 9) } else { (8, 0) };
        assert_eq!(*flow_label, flow);
        for octets in datagrams {
            let message = Aams::parse(octets).unwrap();
            assert_eq!(message.priority(), Priority::new(priority));
            assert_eq!(message.flow_label(), flow);
            assert!(message.checksum().is_some());
        }
    }
    assert_eq!(bench.module.message_stats().sent, 20);
}

#[test]
fn a_run_says_what_messages_published_one_by_one_say() {
    let data: Vec<u8> = (0..100).collect();
    for size in [1, 7, 50, 99, 100, 101] {
        let (mut runs, mut singles) = (with_two_readers(), with_two_readers());
        for piece in data.chunks(size) {
            let message = Message::new(SubjectNumber(1), piece);
            singles.module.publish(&message, &mut singles.wire, &mut |_| {}).unwrap();
        }
        let mut wire = core::mem::take(&mut runs.wire);
        runs.publish_run(&data, size, &mut wire).unwrap();
        for to in ["five1", "six1"] {
            let to_one = |wire: &Wire| {
                wire.sent.iter().filter(|sent| sent.to == to).cloned().collect::<Vec<_>>()
            };
            assert_eq!(to_one(&wire), to_one(&singles.wire), "size {size}");
        }
    }
}

#[test]
fn of_a_run_that_is_taken_in_part_the_rest_is_told_and_nothing_doubled() {
    let mut bench = with_two_readers();
    let mut coach = Coach::new(3);
    let data: Vec<u8> = (0..60).collect();
    let fanout = bench.publish_run(&data, 10, &mut coach).unwrap();
    assert_eq!(fanout, Fanout { sent: 10, failed: 2 });
    let pieces: Vec<_> = data.chunks(10).map(<[u8]>::to_vec).collect();
    for to in ["five1", "six1"] {
        assert_eq!(coach.data(to), [&pieces[..3], &pieces[4..]].concat());
    }
    let busy = |id: crate::ams::ids::ModuleId| {
        Indication::Fault(Fault::NotTransmitted(id.key(), SendError::Busy))
    };
    assert_eq!(bench.indications(), [busy(FIVE), busy(id(4, 1, 6))]);
    let stats = bench.module.message_stats();
    assert_eq!((stats.sent, stats.not_sent), (10, 2));
}

#[test]
fn a_run_without_a_delivery_point_fails_message_by_message() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, AssertionValues { delivery_vector: 3, ..assertion(1) }));
    bench.forget();
    let fanout = bench.publish_run(&[0; 30], 10, &mut Coach::new(9)).unwrap();
    assert_eq!(fanout, Fanout { sent: 0, failed: 3 });
    assert_eq!(bench.indications(), [Indication::Fault(Fault::NoDeliveryPoint(FIVE.key())); 3]);
}

#[test]
fn what_is_no_run_is_not_issued() {
    let mut bench = with_two_readers();
    let mut coach = Coach::new(9);
    let too_long = bench.publish_run(&[0; 206], 103, &mut coach);
    assert_eq!(too_long, Err(Fault::DataTooLong));
    assert_eq!(bench.publish_run(&[], 10, &mut coach), Ok(Fanout::default()));
    assert_eq!(Bench::joining().publish_run(&[0; 9], 3, &mut coach), Err(Fault::NotRegistered));
    assert!(coach.runs.is_empty());
    bench.publish_run(&[1, 2], 0, &mut coach).unwrap();
    assert_eq!(coach.data("five1"), [[1], [2]]);
}

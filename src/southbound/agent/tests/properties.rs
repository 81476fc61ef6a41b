//! Whatever is asked, in whatever order: the configuration is what the simple schedule says.

use std::vec::Vec;

use core::time::Duration;

use proptest::prelude::*;

use super::bench::{Bench, Do, ROOM, config, random};
use super::model::Model;
use crate::southbound::agent::{AckPolicy, AgentConfig, ClockPolicy};

fn request(seconds: core::ops::Range<i64>) -> impl Strategy<Value = Do> {
    let create = (0..10_u8, seconds.clone(), 0..4_u8, proptest::option::weighted(0.7, 1..4_u8));
    prop_oneof![
        6 => create.prop_map(|(id, second, route, via)| Do::Create { id, second, route, via }),
        3 => (0..10_u8).prop_map(|id| Do::Delete { id }),
        1 => seconds.prop_map(|second| Do::Finalize { second }),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(Do),
    Pass(u64),
    SetClock(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => request(-30..40).prop_map(Step::Ask),
        3 => (0..12_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn order_and_repetition_of_requests_do_not_matter(
        requests in proptest::collection::vec(request(-20..20), 1..30),
        order in proptest::collection::vec(any::<u16>(), 60),
        on_receipt in any::<bool>(),
    ) {
        let acknowledge =
            if on_receipt { AckPolicy::OnReceipt } else { AckPolicy::OnExecute };
        let config = AgentConfig { acknowledge, random: random(), ..config() };
        let mut bench = Bench::open_with(config, ROOM);
        // Each at least once, some twice, in any order.
        let mut sent: Vec<(u16, usize)> = order
            .iter()
            .enumerate()
            .map(|(at, key)| (*key, at % requests.len()))
            .collect();
        sent.truncate(requests.len() * 2);
        sent.sort_unstable();
        let mut owed = std::collections::BTreeSet::new();
        for (_, at) in sent {
            owed.insert(bench.request_id);
            for (request_id, status) in bench.send(at as u64 + 1, requests[at]) {
                prop_assert!(owed.remove(&request_id), "answered twice: {}", request_id);
                prop_assert!(status == 0 || status == 9, "{}", status);
            }
        }
        prop_assert!(owed.is_empty(), "not answered: {:?}", owed);
        let model = Model::of(&requests);
        model.assert_is(&bench);
        prop_assert_eq!(bench.routes(), model.routes(0));
        bench.pass(Duration::from_secs(30));
        prop_assert_eq!(bench.routes(), model.routes(30));
    }

    #[test]
    fn what_is_created_and_deleted_in_the_past_is_as_if_it_had_been_in_time(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut bench = Bench::open_with(AgentConfig { random: random(), ..config() }, ROOM);
        let (mut model, mut seqno, mut second) = (Model::default(), 0, 0);
        for step in steps {
            match step {
                Step::Ask(request) => {
                    seqno += 1;
                    let before = bench.routes();
                    bench.send(seqno, request);
                    model.execute(seqno, request);
                    if matches!(request, Do::Finalize { .. }) {
                        prop_assert_eq!(&before, &bench.routes(), "finalizing changed it");
                    }
                }
                Step::Pass(seconds) => {
                    bench.pass(Duration::from_secs(seconds));
                    second += seconds as i64;
                }
                Step::SetClock(_) => {}
            }
            model.assert_is(&bench);
            prop_assert_eq!(bench.routes(), model.routes(second));
            let configured: Vec<_> = bench.agent.configuration().collect();
            prop_assert_eq!(configured.len(), bench.routes().len());
        }
        // Of what is final and due there is one entry for each route at the most.
        let kept = bench.agent.entries().filter(|entry| entry.is_final).count();
        prop_assert!(kept <= 4, "{} entries of history are kept", kept);
    }

    #[test]
    fn a_clock_that_steps_never_changes_what_is_final(
        steps in proptest::collection::vec(
            prop_oneof![3 => step(), 1 => (-40..60_i64).prop_map(Step::SetClock)], 1..60),
        replay in any::<bool>(),
    ) {
        let on_backstep = if replay { ClockPolicy::Replay } else { ClockPolicy::Clamp };
        let config = AgentConfig { random: random(), on_backstep, ..config() };
        let mut bench = Bench::open_with(config, ROOM);
        let (mut model, mut seqno) = (Model::default(), 0);
        // What the clock shows, what is due, and before what nothing can change.
        let (mut clock, mut due, mut floor) = (0, 0, i64::MIN);
        for step in steps {
            match step {
                Step::Ask(request) => {
                    seqno += 1;
                    bench.send(seqno, request);
                    model.execute(seqno, request);
                }
                Step::Pass(seconds) => {
                    // Second by second, as the agent may follow the clock at any.
                    for _ in 0..seconds {
                        clock += 1;
                        bench.pass(Duration::from_secs(1));
                        due = follow(due, clock, floor, replay);
                        floor = floor.max(model.finalized.min(due));
                    }
                }
                Step::SetClock(second) => {
                    clock = second;
                    bench.set_clock(second);
                    bench.tick();
                    due = follow(due, clock, floor, replay);
                }
            }
            floor = floor.max(model.finalized.min(due));
            prop_assert_eq!(bench.routes(), model.routes(due));
            prop_assert!(due >= floor);
        }
    }
}

/// What is due when the clock shows `clock`.
fn follow(due: i64, clock: i64, floor: i64, replay: bool) -> i64 {
    if replay && due - clock > 5 { clock.max(floor) } else { due.max(clock) }
}

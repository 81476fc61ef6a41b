//! Lives of an agent: streams end, links are busy, clocks step, power is lost. A story is
//! made from one seed.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use core::time::Duration;

use super::bench::{Bench, Board, Do, ROOM, config, random, set, storage};
use super::model::Model;
use crate::southbound::agent::{
    AckPolicy, Agent, AgentConfig, ClockPolicy, GapPolicy, LinkState, StreamPolicy,
};
use crate::southbound::messages::StatusCode;
use crate::store::disk::Disk;

/// A controller: what it wants of the schedule, as requests under the token there is.
#[derive(Default)]
struct Ground {
    token: std::string::String,
    requests: Vec<Do>,
    /// Numbers of requests that need not be sent again.
    done: BTreeSet<u64>,
    /// What the requests on this stream were.
    sent: BTreeMap<i64, u64>,
}

impl Ground {
    /// Another token: all that is wanted is asked for anew.
    fn reset(&mut self, token: std::string::String) {
        let wanted = Model::of(&self.requests);
        self.requests = wanted.planned.iter().map(super::model::Planned::create).collect();
        self.token = token;
        self.done.clear();
        self.sent.clear();
    }

    fn answered(&mut self, answers: &[(i64, i32)]) {
        for (request_id, status) in answers {
            let Some(seqno) = self.sent.get(request_id) else { continue };
            match StatusCode(*status) {
                // Final entries are refused once and for all.
                StatusCode::OK | StatusCode::FAILED_PRECONDITION => drop(self.done.insert(*seqno)),
                StatusCode::RESOURCE_EXHAUSTED | StatusCode::UNAVAILABLE => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

struct Sim {
    rng: fastrand::Rng,
    config: AgentConfig<'static>,
    disk: Option<Disk>,
    bench: Bench,
    ground: Ground,
    /// What the clock is at least when all is over.
    latest: i64,
}

impl Sim {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let pick = |rng: &mut fastrand::Rng| rng.u8(..3);
        let config = AgentConfig {
            random: random(),
            on_stream_end: if rng.bool() { StreamPolicy::Renew } else { StreamPolicy::Resume },
            acknowledge: if rng.bool() { AckPolicy::OnReceipt } else { AckPolicy::OnExecute },
            on_backstep: match pick(&mut rng) {
                0 => ClockPolicy::Clamp,
                1 => ClockPolicy::Replay,
                _ => ClockPolicy::Renew,
            },
            on_gap: if rng.bool() { GapPolicy::Wait } else { GapPolicy::Renew },
            drive_intermediate: rng.bool(),
            ..config()
        };
        let disk = rng.bool().then(Disk::default);
        let bench = Self::agent(config, disk.as_ref());
        Self { rng, config, disk, bench, ground: Ground::default(), latest: 0 }
    }

    fn agent(config: AgentConfig<'static>, disk: Option<&Disk>) -> Bench {
        let agent = Agent::new(config, storage(ROOM)).unwrap();
        Bench::of(match disk {
            Some(disk) => agent.with_store(disk.lend()).unwrap(),
            None => agent,
        })
    }

    fn second(&self) -> i64 {
        self.bench.now.utc.unix_seconds() - super::bench::START
    }

    fn request(&mut self) -> Do {
        let second = self.second() + self.rng.i64(-15..40);
        let id = self.rng.u8(..24);
        match self.rng.u8(..10) {
            0..6 => Do::Create {
                id,
                second,
                route: self.rng.u8(..6),
                via: (self.rng.u8(..4) > 0).then(|| self.rng.u8(1..5)),
            },
            6..9 => Do::Delete { id },
            _ => Do::Finalize { second: second - 20 },
        }
    }

    fn step(&mut self) {
        match self.rng.u8(..100) {
            0..30 => {
                if self.ground.requests.len() < 200 {
                    let request = self.request();
                    self.ground.requests.push(request);
                }
            }
            30..70 => {
                self.send();
            }
            70..88 => {
                let millis = self.rng.u64(..4_000);
                self.bench.pass(Duration::from_millis(millis));
            }
            88..91 => {
                if self.bench.agent.link_state() == LinkState::Open {
                    self.close();
                }
            }
            91..94 => {
                let to = self.second() + self.rng.i64(-20..20);
                self.bench.set_clock(to);
                self.bench.tick();
            }
            94..96 => self.bench.way.is_busy = self.rng.bool(),
            96 => self.bench.board.fails = self.rng.bool(),
            97 => self.restart(),
            _ => {
                if let Some(disk) = &self.disk {
                    disk.state().failing = self.rng.bool();
                }
            }
        }
        self.answer();
        self.bench.tick();
        self.latest = self.latest.max(self.second());
    }

    fn close(&mut self) {
        self.bench.close();
        self.ground.sent.clear();
    }

    /// Power is lost and comes back.
    fn restart(&mut self) {
        let kept = self.bench.agent.is_kept() && self.disk.is_some();
        if let Some(disk) = &self.disk {
            disk.state().failing = false;
            disk.revive(self.rng.u64(..10));
        }
        let mut next = Self::agent(self.config, self.disk.as_ref());
        next.now = self.bench.now;
        next.request_id = self.bench.request_id;
        // What an agent does not know it cannot clear.
        if kept {
            let configured = self.bench.board.configured.clone();
            next.board = Board { configured, ..Board::default() };
        }
        self.bench = next;
        self.ground.sent.clear();
    }

    /// The controller does its part of what is under way.
    fn answer(&mut self) {
        let fails = self.rng.u8(..8) == 0;
        match self.bench.agent.link_state() {
            LinkState::Resetting => {
                let (call, token) = self.bench.way.resets.last().cloned().unwrap();
                // It may have been heard, and the answer lost.
                let heard = !fails || self.rng.bool();
                if heard && token != self.ground.token {
                    self.ground.reset(token);
                }
                let status = if fails { StatusCode::UNAVAILABLE } else { StatusCode::OK };
                self.bench.reset_done(call, status);
            }
            LinkState::Opening if fails => self.bench.close(),
            LinkState::Opening => self.bench.connect(),
            _ => {}
        }
        let answers = core::mem::take(&mut self.bench.way.answers);
        self.ground.answered(&answers);
    }

    /// Something that is not done is sent, in no order. Whether there was anything.
    fn send(&mut self) -> bool {
        let ground = &mut self.ground;
        let open: Vec<u64> = (1..=ground.requests.len() as u64)
            .filter(|seqno| !ground.done.contains(seqno))
            .take(12)
            .collect();
        let Some(seqno) = self.rng.choice(open) else { return false };
        if self.bench.agent.link_state() != LinkState::Open {
            return true;
        }
        let request_id = self.bench.request_id;
        self.bench.request_id += 1;
        ground.sent.insert(request_id, seqno);
        let octets = ground.requests[seqno as usize - 1].encode(&ground.token, seqno, request_id);
        self.bench.give(&octets);
        let answers = core::mem::take(&mut self.bench.way.answers);
        self.ground.answered(&answers);
        true
    }

    /// Nothing goes wrong any more: all is done in the end.
    fn settle(&mut self) {
        self.bench.way.is_busy = false;
        self.bench.board.fails = false;
        if let Some(disk) = &self.disk {
            disk.state().failing = false;
        }
        // What was left of schedules before goes, and everything becomes due.
        let end = self.latest + 500;
        self.ground.requests.push(set(77, self.latest + 100, 9, 1));
        for round in 0_u64.. {
            assert!(
                round < 20_000,
                "it does not come to an end: {:?} waits {} of {}, done {:?}, {:?}",
                self.config,
                self.bench.agent.waiting(),
                self.ground.requests.len(),
                self.ground.done,
                self.bench.agent
            );
            let is_open = self.bench.agent.link_state() == LinkState::Open;
            let has_finalized = self.ground.requests.contains(&Do::Finalize { second: end });
            if !has_finalized {
                self.ground.requests.push(Do::Finalize { second: end });
            }
            if !self.send() && is_open {
                break;
            }
            self.bench.pass(Duration::from_millis(200));
            self.answer();
        }
        self.bench.set_clock(end + 1_000);
        self.bench.pass(Duration::from_secs(600));
        let model = Model::of(&self.ground.requests);
        assert_eq!(self.bench.routes(), model.routes(end + 1_000));
        let kept = self.bench.agent.entries().count();
        assert_eq!(kept, self.bench.routes().len(), "history is kept that nobody can see");
        assert_eq!(self.bench.agent.waiting(), 0);
    }
}

#[test]
fn whatever_happens_the_device_is_in_the_end_as_the_controller_wants_it() {
    for seed in 0..150 {
        let outcome = std::panic::catch_unwind(|| {
            let mut sim = Sim::new(seed);
            for _ in 0..400 {
                sim.step();
            }
            sim.settle();
        });
        if let Err(cause) = outcome {
            std::eprintln!("the story of seed {seed} ended badly");
            std::panic::resume_unwind(cause);
        }
    }
}

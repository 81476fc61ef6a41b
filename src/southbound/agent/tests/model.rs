//! A schedule that is as simple as can be, to hold the agent against.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::bench::{Bench, Do, START};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) id: u8,
    pub(super) second: i64,
    seqno: u64,
    route: u8,
    via: Option<u8>,
}

impl Planned {
    /// The request that creates it.
    pub(super) const fn create(&self) -> Do {
        Do::Create { id: self.id, second: self.second, route: self.route, via: self.via }
    }
}

/// All that was ever asked for and still holds; history is never freed.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) planned: Vec<Planned>,
    pub(super) finalized: i64,
}

impl Default for Model {
    fn default() -> Self {
        Self { planned: Vec::new(), finalized: i64::MIN }
    }
}

impl Model {
    pub(super) fn of(requests: &[Do]) -> Self {
        let mut model = Self::default();
        for (seqno, request) in (1..).zip(requests) {
            model.execute(seqno, *request);
        }
        model
    }

    pub(super) fn execute(&mut self, seqno: u64, request: Do) {
        let finalized = self.finalized;
        match request {
            Do::Create { id, second, route, via } => {
                let is_taken =
                    self.planned.iter().any(|other| other.id == id && other.second >= finalized);
                if second >= finalized && !is_taken {
                    self.planned.push(Planned { id, second, seqno, route, via });
                }
            }
            Do::Delete { id } => {
                self.planned.retain(|other| other.id != id || other.second < finalized);
            }
            Do::Finalize { second } => self.finalized = finalized.max(second),
        }
    }

    /// Routes and next hops at a second: all is played from the beginning.
    pub(super) fn routes(&self, second: i64) -> BTreeMap<u8, u8> {
        let mut due: Vec<_> =
            self.planned.iter().filter(|planned| planned.second <= second).collect();
        due.sort_by_key(|planned| (planned.second, planned.seqno));
        let mut routes = BTreeMap::new();
        for planned in due {
            match planned.via {
                Some(via) => routes.insert(planned.route, via),
                None => routes.remove(&planned.route),
            };
        }
        routes
    }

    /// The agent has what is planned and not final, and nothing else.
    #[track_caller]
    pub(super) fn assert_is(&self, bench: &Bench) {
        let mut expected: Vec<_> = self
            .planned
            .iter()
            .filter(|planned| planned.second >= self.finalized)
            .map(|planned| (planned.second + START, planned.seqno, std::format!("e{}", planned.id)))
            .collect();
        expected.sort();
        let finalized = bench.agent.finalized_up_to();
        let entries = bench.agent.entries().filter(|entry| entry.time >= finalized);
        let entries: Vec<_> =
            entries.map(|entry| (entry.time.seconds(), entry.seqno, entry.id.into())).collect();
        assert_eq!(entries, expected);
    }
}

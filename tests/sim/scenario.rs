//! Stories: what is done to a continuum, and when. All of one comes from its seed.

use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::ids::{
    ContinuumNumber, Domain, Priority, RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Introduction, Policy, ReconnectionPolicy};
use farpost::ams::module::{RuleKind, RuleRequest};
use farpost::ams::registrar::Registrar;
use farpost::time::Instant;

use super::continuum::{CONTINUUM, Cell, Continuum, Layout, Post, ROLES};
use super::entity::Way;
use super::network::{NodeId, Weather};

/// One thing that is done. What it picks from is what there is by then.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A module subscribes or invites.
    Assert(NodeId, RuleKind, RuleRequest),
    /// A module cancels one of its rules.
    Cancel(NodeId, usize),
    /// A module issues a message, a private one to one of those it knows.
    Write(NodeId, Writing, SubjectNumber),
    /// A module unregisters and is gone.
    Leave(NodeId),
    /// A node is gone, and its memory with it.
    Crash(NodeId),
    /// These nodes are gone all at once.
    Blackout(Vec<NodeId>),
    /// A node that is down, or has ceased, is started.
    Revive(NodeId),
    /// The network changes for better or worse.
    Weather(Weather),
    /// These can reach one another and nobody else can reach them.
    CutOff(Vec<NodeId>),
    /// Everybody can reach everybody.
    Heal,
    /// The wall clock of a node is set, some seconds back or forth.
    StepClock(NodeId, i64),
}

/// How a message is issued, to whom where it matters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Writing {
    Publish,
    Announce(Domain),
    Send(usize),
    Query(usize),
}

/// A story.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) layout: Layout,
    pub(crate) weather: Weather,
    /// In the order of their times.
    pub(crate) events: Vec<(Duration, Action)>,
}

const MINUTE: Duration = Duration::from_secs(60);
/// Until then registrars hold their census and modules register.
const BEGIN: Duration = Duration::from_secs(120);
/// All that is to go wrong does so until then.
const END: Duration = Duration::from_secs(600);
/// How long it may take to agree once nothing goes wrong any more: the time until
/// a termination is imputed, a census, a reconnection, some resynchronisations.
const PATIENCE: Duration = Duration::from_secs(600);

impl Scenario {
    /// The story of this seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut dice = Dice(&mut random);
        let layout = dice.layout();
        let weather = dice.weather();
        let posts = layout.posts();
        let mut events = Vec::new();
        let mut at = BEGIN;
        while at < END {
            at += Duration::from_millis(dice.0.u64(10..1_500));
            events.push((at, dice.action(&posts)));
        }
        Self { seed, layout, weather, events }
    }

    /// The story of this seed with these of its events alone.
    pub(crate) fn keeping(&self, kept: &[usize]) -> Self {
        let events = kept.iter().filter_map(|at| self.events.get(*at).cloned()).collect();
        Self { events, ..self.clone() }
    }

    /// Plays it. An error is a rule that was broken on the way, or what somebody
    /// is still wrong about long after everything has become well.
    pub(crate) fn play(&self, trace: bool) -> Result<Outcome, String> {
        let arena = Bump::new();
        let mut continuum = Continuum::new(&arena, self.seed, self.layout.clone(), self.weather);
        continuum.network.trace = trace;
        continuum.start_all();
        for (at, action) in &self.events {
            let left = Instant::ZERO.after(*at).since(continuum.network.now().monotonic);
            continuum.network.run(left);
            if trace {
                println!("{:>14} {action:?}", at.as_micros());
            }
            continuum.perform(action)?;
            if let Some(broken) = continuum.network.broken() {
                return Err(broken.clone());
            }
        }
        continuum.calm();
        let took = continuum.settle_for_good(PATIENCE)?;
        continuum.stay(2 * MINUTE)?;
        continuum.examine()?;
        let (deaths, delivered) = continuum.tally();
        let (posted, history) = (continuum.network.posted(), continuum.network.history());
        Ok(Outcome { took, deaths, delivered, posted, history })
    }
}

/// What became of a story that ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// From when everything became well until all agreed.
    pub(crate) took: Duration,
    /// How often a living module was declared dead.
    pub(crate) deaths: u32,
    /// Messages that were delivered.
    pub(crate) delivered: u32,
    /// Datagrams.
    pub(crate) posted: u64,
    /// Stands for all that happened.
    pub(crate) history: u64,
}

impl Continuum<'_> {
    /// Does what is to be done. An error is a rule that was broken.
    pub(crate) fn perform(&mut self, action: &Action) -> Result<(), String> {
        match *action {
            Action::Assert(node, kind, ref request) => {
                // That the table is full, or that the role may not receive, is a
                // possible answer.
                self.member(node, |member, now, transport| {
                    let _ = match kind {
                        RuleKind::Subscription => member.module.subscribe(now, request, transport),
                        RuleKind::Invitation => member.module.invite(now, request, transport),
                    };
                });
            }
            Action::Cancel(node, pick) => self.cancel(node, pick),
            Action::Write(node, writing, subject) => return self.write(node, writing, subject),
            Action::Leave(node) => {
                self.member(node, |member, now, transport| {
                    let _ = member.module.unregister(now, transport);
                });
                self.network.crash(node);
            }
            Action::Crash(node) => self.network.crash(node),
            Action::Blackout(ref nodes) => nodes.iter().for_each(|node| self.network.crash(*node)),
            Action::Revive(node) if self.has_ceased(node) => self.renew(node),
            Action::Revive(node) => self.revive(node),
            Action::Weather(weather) => self.network.weather = weather,
            Action::CutOff(ref island) => self.network.cut_off(island.iter().copied()),
            Action::Heal => self.network.cut_off([]),
            Action::StepClock(node, by) => self.network.step_clock(node, by),
        }
        Ok(())
    }

    /// Nothing goes wrong any more. Wall clocks stay as they are.
    fn calm(&mut self) {
        self.network.weather = Weather::FAIR;
        self.network.cut_off([]);
        self.all().for_each(|node| self.revive(node));
    }

    /// Runs until all agree and have done so for a minute: that is longer than it
    /// takes to notice that a configuration server has ceased. Returns how long it
    /// took until they agreed.
    fn settle_for_good(&mut self, limit: Duration) -> Result<Duration, String> {
        let start = self.network.now().monotonic;
        loop {
            let left = start.after(limit).since(self.network.now().monotonic);
            self.settle(left)?;
            let took = self.network.now().monotonic.since(start);
            match self.stay(MINUTE) {
                Ok(()) => return Ok(took),
                Err(why) if took >= limit => return Err(why),
                Err(_) => {}
            }
        }
    }

    /// For `span` they go on agreeing.
    fn stay(&mut self, span: Duration) -> Result<(), String> {
        let end = self.network.now().monotonic.after(span);
        while self.network.now().monotonic < end {
            self.network.run(Duration::from_secs(7));
            let wrong = self.network.broken().cloned().or_else(|| self.disagreement());
            if let Some(why) = wrong {
                return Err(format!("they agreed, and do no more: {why}"));
            }
        }
        Ok(())
    }

    fn cancel(&mut self, node: NodeId, pick: usize) {
        self.member(node, |member, now, transport| {
            let own: Vec<_> = member.module.own_rules().copied().collect();
            let Some(rule) = own.get(pick % own.len().max(1)) else { return };
            let (subject, domain) = (rule.assertion().subject, rule.assertion().domain);
            if !subject.is_application() && subject != SubjectNumber::ALL {
                // The invitation of the gateway is not the user's.
                return;
            }
            let cancelled = match rule.kind() {
                RuleKind::Subscription => {
                    member.module.unsubscribe(now, subject, domain, transport)
                }
                RuleKind::Invitation => member.module.disinvite(now, subject, domain, transport),
            };
            assert_eq!(cancelled, Ok(()), "it was asserted");
        });
    }

    fn write(
        &mut self,
        node: NodeId,
        writing: Writing,
        subject: SubjectNumber,
    ) -> Result<(), String> {
        let number = self.next_letter();
        let written = self.member(node, |member, now, transport| {
            let known: Vec<_> = member.module.peers().map(|peer| peer.id().key()).collect();
            let one = |pick: usize| known.get(pick % known.len().max(1)).copied();
            let way = match writing {
                Writing::Publish => Some(Way::Publish),
                Writing::Announce(domain) => Some(Way::Announce(domain)),
                Writing::Send(pick) => one(pick).map(Way::Send),
                Writing::Query(pick) => one(pick).map(Way::Query),
            };
            way.map_or(Ok(()), |way| member.write(now, way, subject, number, transport))
        });
        written.unwrap_or(Ok(()))
    }
}

/// What is left to chance.
pub(crate) struct Dice<'r>(pub(crate) &'r mut fastrand::Rng);

impl Dice<'_> {
    /// What a module does.
    pub(crate) fn of_a_module(&mut self, node: NodeId) -> Action {
        match self.0.u8(0..100) {
            0..2 => Action::Crash(node),
            2..3 => Action::Leave(node),
            3..40 => Action::Assert(node, self.kind(), self.request()),
            40..60 => Action::Cancel(node, self.0.usize(0..100)),
            _ => Action::Write(node, self.writing(), SubjectNumber(self.0.i16(1..=5))),
        }
    }

    /// Anything at all.
    fn action(&mut self, posts: &[Post]) -> Action {
        let any = self.0.usize(0..posts.len());
        let node = NodeId::try_from(any).unwrap();
        match self.0.u8(0..100) {
            0..2 => Action::Weather(self.weather()),
            2..4 => Action::CutOff(self.some(posts)),
            4..7 => Action::Heal,
            7..8 => Action::Crash(node),
            8..9 if self.0.u8(0..4) == 0 => Action::Blackout(self.some(posts)),
            8..20 => Action::Revive(node),
            20..24 => Action::StepClock(
                node,
                [1, 3_600, 1_000_000_000][self.0.usize(0..3)] * self.0.i64(-9..=9),
            ),
            _ => match posts[any] {
                Post::Module(..) => self.of_a_module(node),
                // Those who serve crash less often than they are picked.
                _ if self.0.u8(0..10) == 0 => Action::Crash(node),
                _ => Action::Revive(node),
            },
        }
    }

    fn some(&mut self, posts: &[Post]) -> Vec<NodeId> {
        (0..).zip(posts).map(|(node, _)| node).filter(|_| self.0.bool()).collect()
    }

    /// Two ventures; cells with units that contain one another by their names.
    fn layout(&mut self) -> Layout {
        const UNITS: [&str; 5] = ["", "post", "post.radio", "post.weather", "base"];
        let mut cells = Vec::new();
        for (venture, most) in [(1, 4), (2, 2)] {
            let units = self.0.usize(1..=most);
            for (number, name) in (0..).zip(&UNITS[..units]) {
                cells.push(Cell {
                    venture: VentureNumber(venture),
                    unit: UnitNumber(number),
                    name: name.to_string(),
                    modules: self.0.u16(1..=5),
                });
            }
        }
        Layout {
            servers: self.0.usize(1..=2),
            cells,
            policy: self.policy(),
            dossiers: [0, 4, 40, 40][self.0.usize(0..4)],
            buffer: [Registrar::BUFFER_LEN, 500, 4_200][self.0.usize(0..3)],
            resync_period: self.0.u32(1..=6),
            rules: 400,
            watched: true,
        }
    }

    fn policy(&mut self) -> Policy {
        let by_registrar = self.0.bool();
        Policy {
            census: [Some(0), Some(20), None, None][self.0.usize(0..4)].map(Duration::from_secs),
            reconnection: ReconnectionPolicy {
                timely: self.0.u8(0..4) > 0,
                consistent: self.0.u8(0..4) > 0,
                unique: self.0.u8(0..4) > 0,
            },
            introduction: if by_registrar {
                Introduction::ByRegistrar
            } else {
                Introduction::ByModules
            },
            briefing_delay: self.short(),
            one_status: self.0.u8(0..4) == 0,
            introduction_delay: self.short(),
            introduction_repeats: self.0.u8(0..3),
            aggregation: self.short() * 10,
            takeover: self.0.u8(0..3),
        }
    }

    /// No time at all, or some of it.
    fn short(&mut self) -> Duration {
        Duration::from_millis([0, 0, 50, 700][self.0.usize(0..4)])
    }

    /// Up to 40 % of datagrams are lost, up to 30 % arrive twice, and one may
    /// overtake another that was sent up to two seconds before.
    fn weather(&mut self) -> Weather {
        Weather {
            loss: self.0.u16(0..=400),
            duplication: self.0.u16(0..=300),
            refusal: self.0.u16(0..=50),
            jitter: Duration::from_millis(self.0.u64(0..2_000)),
        }
    }

    fn request(&mut self) -> RuleRequest {
        let subject = SubjectNumber(self.0.i16(0..=5));
        let here = subject == SubjectNumber::ALL || self.0.bool();
        let continuum = if here { CONTINUUM } else { ContinuumNumber::ALL };
        let domain = Domain { continuum, ..self.domain() };
        let priority = Priority::new(self.0.u8(1..=15)).unwrap();
        RuleRequest { domain, priority, flow_label: self.0.u8(..), ..RuleRequest::new(subject) }
    }

    /// Units that are not in the MIB, and roles that nobody has, are among them.
    fn domain(&mut self) -> Domain {
        let any_unit = self.0.bool();
        let unit = if any_unit { UnitNumber::ROOT } else { UnitNumber(self.0.u16(0..=5)) };
        let any_role = self.0.bool();
        let role = if any_role { RoleNumber::ALL } else { ROLES[self.0.usize(0..ROLES.len())] };
        Domain { continuum: CONTINUUM, unit, role }
    }

    fn kind(&mut self) -> RuleKind {
        if self.0.bool() { RuleKind::Subscription } else { RuleKind::Invitation }
    }

    fn writing(&mut self) -> Writing {
        match self.0.u8(0..4) {
            0 => Writing::Publish,
            1 => Writing::Announce(self.domain()),
            2 => Writing::Send(self.0.usize(0..100)),
            _ => Writing::Query(self.0.usize(0..100)),
        }
    }
}

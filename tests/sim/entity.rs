//! The nodes of a continuum: machines and their users. What must hold at any time
//! is looked at after every event.

use std::collections::BTreeSet;
use std::time::Duration;

use farpost::ams::MetaStats;
use farpost::ams::config_server::ConfigServer;
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, Priority, RoleNumber,
    SubjectNumber,
};
use farpost::ams::mib::{Mib, Venture};
use farpost::ams::module::{Membership, Module, RuleKind};
use farpost::ams::pdu::{AssertionValues, Mpdu};
use farpost::ams::registrar::Registrar;
use farpost::ams::service::{Delivery, Indication, Message, Received};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, SendError, Transport};

use super::network::{Node, NodeId};

/// Where MPDUs and where messages arrive.
pub(crate) const MAMS: u8 = 0;
pub(crate) const AAMS: u8 = 1;

/// A machine of AMS, and who uses it.
pub(crate) enum Machine<'a> {
    Server(Box<ConfigServer<'a>>),
    Registrar(Box<Registrar<'a>>),
    Member(Box<Member<'a>>),
}

/// A machine whose counters and tables are watched.
pub(crate) struct Entity<'a> {
    pub(crate) machine: Machine<'a>,
    counters: [u32; COUNTERS],
    /// Large networks are looked at in the end alone.
    pub(crate) watched: bool,
}

impl<'a> Entity<'a> {
    pub(crate) fn new(machine: Machine<'a>, watched: bool) -> Self {
        Self { machine, counters: [0; COUNTERS], watched }
    }

    pub(crate) fn member(&self) -> Option<&Member<'a>> {
        match &self.machine {
            Machine::Member(member) => Some(member),
            _ => None,
        }
    }

    /// What holds at any time: counters never go back, and tables are consistent.
    fn check(&mut self) -> Result<(), String> {
        if !self.watched {
            return Ok(());
        }
        let counters = self.machine.counters();
        if let Some(at) = (0..COUNTERS).find(|&at| counters[at] < self.counters[at]) {
            return Err(format!("counter {at} went back to {}", counters[at]));
        }
        self.counters = counters;
        match &self.machine {
            Machine::Server(_) => Ok(()),
            Machine::Registrar(registrar) => check_registrar(registrar),
            Machine::Member(member) => check_module(&member.module),
        }
    }
}

impl Node for Entity<'_> {
    fn receive(
        &mut self,
        now: Now,
        from: &Address,
        port: u8,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) -> Result<(), String> {
        match &mut self.machine {
            Machine::Server(server) => server.receive(now, from, octets, transport),
            Machine::Registrar(registrar) => registrar.receive(now, from, octets, transport),
            Machine::Member(member) if port == MAMS => {
                member.module.receive_mams(now, from, octets, transport, &mut |_: Indication| {});
                member.go_on(now, transport);
            }
            Machine::Member(member) => member.read(octets, transport)?,
        }
        self.check()
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) -> Result<(), String> {
        match &mut self.machine {
            Machine::Server(server) => server.tick(now, transport),
            Machine::Registrar(registrar) => registrar.tick(now, transport),
            Machine::Member(member) => {
                member.module.tick(now, transport, &mut |_: Indication| {});
                member.go_on(now, transport);
            }
        }
        self.check()
    }

    fn next_deadline(&self) -> Option<Instant> {
        match &self.machine {
            Machine::Server(server) => server.next_deadline(),
            Machine::Registrar(registrar) => registrar.next_deadline(),
            Machine::Member(member) => member.module.next_deadline(),
        }
    }

    fn describe(port: u8, octets: &[u8]) -> String {
        match Mpdu::parse(octets) {
            Ok(mpdu) if port == MAMS => {
                let id = ModuleId::from_reference(mpdu.reference());
                format!("{:?} {} ({})", mpdu.mpdu_type(), mpdu.reference(), id.key())
            }
            _ => format!("{} octets", octets.len()),
        }
    }
}

const COUNTERS: usize = 28;

impl Machine<'_> {
    /// Every counter there is, in any order.
    fn counters(&self) -> [u32; COUNTERS] {
        let mut counters = [0; COUNTERS];
        let mut places = counters.iter_mut();
        let mut note = |values: &[u32]| {
            values.iter().zip(&mut places).for_each(|(value, place)| *place = *value);
        };
        match self {
            Self::Server(server) => {
                note(&meta_counters(server.stats()));
                let counts = server.counts();
                note(&[
                    counts.registrars_noted,
                    counts.repeated,
                    counts.duplicates,
                    counts.unknown_cells,
                    counts.registrars_lost,
                ]);
            }
            Self::Registrar(registrar) => {
                note(&meta_counters(registrar.stats()));
                let counts = registrar.counts();
                note(&[
                    counts.registered,
                    counts.repeated,
                    counts.rejected_full,
                    counts.rejected_census,
                    counts.unknown_roles,
                    counts.introductions_by_modules,
                    counts.reconnected,
                    counts.reconnections_refused,
                    counts.stopped,
                    counts.imputed,
                    counts.disowned,
                    counts.config_servers_lost,
                    counts.relayed,
                    counts.copies_lost,
                    counts.news_dropped,
                ]);
            }
            Self::Member(member) => {
                note(&meta_counters(member.module.meta_stats()));
                let stats = member.module.message_stats();
                note(&[
                    stats.sent,
                    stats.not_sent,
                    stats.received,
                    stats.delivered,
                    stats.malformed,
                    stats.not_authorised,
                    stats.uninvited,
                    stats.inappropriate,
                ]);
            }
        }
        counters
    }
}

fn meta_counters(stats: &MetaStats) -> [u32; 11] {
    [
        stats.received,
        stats.malformed,
        stats.deviating,
        stats.not_ours,
        stats.inappropriate,
        stats.stale,
        stats.unknown_module,
        stats.full,
        stats.unresolved,
        stats.sent,
        stats.refused,
    ]
}

fn check_registrar(registrar: &Registrar<'_>) -> Result<(), String> {
    let mut places = BTreeSet::new();
    if let Some(twin) = registrar.members().find(|member| !places.insert(member.address())) {
        return Err(format!("{:?} is a member under two numbers", twin.address()));
    }
    match registrar.rules().find(|rule| !registrar.knows(rule.module())) {
        Some(rule) => Err(format!("a rule of {}, of whom there is no dossier", rule.module())),
        None => Ok(()),
    }
}

fn check_module(module: &Module<'_>) -> Result<(), String> {
    let me = module.id().map(|id| id.key());
    let peers: Vec<ModuleKey> = module.peers().map(|peer| peer.id().key()).collect();
    if me.is_some_and(|me| peers.contains(&me)) {
        return Err("it takes itself for another".into());
    }
    match module.rules().find(|(whose, ..)| !peers.contains(whose)) {
        Some((whose, ..)) => Err(format!("a rule of {whose}, whom it does not know")),
        None => Ok(()),
    }
}

/// A module and its user, who registers again when the module has died, answers
/// every query, and looks at every message.
pub(crate) struct Member<'a> {
    pub(crate) module: Module<'a>,
    pub(crate) node: NodeId,
    pub(crate) role: RoleNumber,
    pub(crate) mib: &'a Mib<'a>,
    pub(crate) venture: &'a Venture<'a>,
    /// How often it was told that it is dead.
    pub(crate) deaths: u32,
    pub(crate) delivered: u32,
    /// What was delivered since somebody looked last.
    pub(crate) inbox: Vec<Letter>,
}

/// A message as its receiver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Letter {
    pub(crate) number: u32,
    pub(crate) priority: Priority,
    pub(crate) flow_label: u8,
}

/// How a message is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Publish,
    Announce(Domain),
    Send(ModuleKey),
    Query(ModuleKey),
}

impl Member<'_> {
    /// Issues message `number`, which there is no other like.
    pub(crate) fn write(
        &mut self,
        now: Now,
        way: Way,
        subject: SubjectNumber,
        number: u32,
        transport: &mut dyn Transport,
    ) -> Result<(), String> {
        let data = self.data(number);
        let message = Message { context: ContextNumber(number), ..Message::new(subject, &data) };
        let continuum = self.mib.continuum.number;
        let points = self.module.peers().filter_map(|peer| peer.delivery_point(1).copied());
        let mut copies = Copies { left: points.collect(), surplus: None, transport };
        let module = &mut self.module;
        let user = &mut |_: Indication| {};
        // That nobody asks for it is a possible answer, and so are other faults.
        let _ = match way {
            Way::Publish => module.publish(&message, &mut copies, user).map(drop),
            Way::Announce(domain) => module.announce(domain, &message, &mut copies, user).map(drop),
            Way::Send(to) => module.send((continuum, to), &message, &mut copies),
            Way::Query(to) => {
                let term = Some(Duration::from_secs(5));
                module.query(now, (continuum, to), &message, term, &mut copies)
            }
        };
        match copies.surplus {
            Some(to) => Err(format!("message {number} went to {to:?} twice")),
            None => Ok(()),
        }
    }

    /// Goes on living.
    fn go_on(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.module.membership() == Membership::Dead {
            self.deaths += 1;
            let again = self.module.register(now, transport, &mut |_: Indication| {});
            again.expect("it is dead");
        }
    }

    fn read(&mut self, octets: &[u8], transport: &mut dyn Transport) -> Result<(), String> {
        let Ok(delivery) = self.module.receive_aams(octets) else { return Ok(()) };
        let received = *delivery.message();
        self.accept(&received)?;
        if let Delivery::Query(_) = delivery {
            let data = self.data(u32::MAX);
            let answer =
                Message { context: received.context, ..Message::new(received.subject, &data) };
            // The one who asks may not invite an answer.
            let _ = self.module.reply((received.continuum, received.source), &answer, transport);
        }
        Ok(())
    }

    /// A message was delivered: one of the rules of this module asks for it.
    fn accept(&mut self, received: &Received<'_>) -> Result<(), String> {
        let &[a, b, c, d, high, low, role] = received.data else {
            return Err(format!("no data of ours: {received:?}"));
        };
        let (number, role) = (u32::from_be_bytes([a, b, c, d]), RoleNumber(role));
        if NodeId::from_be_bytes([high, low]) == self.node {
            return Err(format!("it was sent its own message {received:?}"));
        }
        let ModuleKey { unit, module } = received.source;
        let sender = ModuleId { role, unit, module };
        let known = self.module.peers().any(|peer| peer.id() == sender);
        let asked_for = self.module.own_rules().any(|own| {
            let AssertionValues { subject, domain, .. } = own.assertion();
            // Messages do not tell the role: that of a module that is not known yet, or
            // that has lost its number to another, is given credit.
            let domain =
                Domain { role: if known { domain.role } else { RoleNumber::ALL }, ..domain };
            (subject == SubjectNumber::ALL || subject == received.subject)
                && covers(self.mib, self.venture, &domain, received.source, role)
        });
        if !asked_for {
            return Err(format!("delivered outside every domain: {received:?} from role {role}"));
        }
        if known && !self.venture.may_send(role, received.subject) {
            return Err(format!("from role {role}, which may not send: {received:?}"));
        }
        let Received { priority, flow_label, .. } = *received;
        self.delivered += 1;
        self.inbox.push(Letter { number, priority, flow_label });
        Ok(())
    }

    /// Tells the receiver which message it is, and where and in which role its
    /// sender is.
    fn data(&self, number: u32) -> [u8; 7] {
        let [a, b, c, d] = number.to_be_bytes();
        let [high, low] = self.node.to_be_bytes();
        [a, b, c, d, high, low, self.role.0]
    }
}

/// Whether a module of the local continuum is in `domain`, as 1.3.4.3 has it.
pub(crate) fn covers(
    mib: &Mib<'_>,
    venture: &Venture<'_>,
    domain: &Domain,
    module: ModuleKey,
    role: RoleNumber,
) -> bool {
    let Domain { continuum, unit, role: wanted } = *domain;
    (continuum == ContinuumNumber::ALL || continuum == mib.continuum.number)
        && venture.contains(unit, module.unit)
        && (wanted == RoleNumber::ALL || wanted == role)
}

/// The rule of `rules` that a message is sent on account of, if there is any.
pub(crate) fn winner<'r>(
    rules: impl Iterator<Item = &'r (RuleKind, AssertionValues)>,
    kind: RuleKind,
    subject: SubjectNumber,
    covers: impl Fn(&Domain) -> bool,
) -> Option<&'r AssertionValues> {
    rules
        .filter(|(of, rule)| {
            *of == kind
                && (rule.subject == subject || rule.subject == SubjectNumber::ALL)
                && covers(&rule.domain)
        })
        .map(|(_, rule)| rule)
        .max_by_key(|rule| (rule.subject == subject, rule.domain))
}

/// Sees to it that no more copies of a message go to an address than there are
/// modules the sender knows there: one, unless the module has been restarted and
/// its former life is not forgotten yet.
struct Copies<'t> {
    left: Vec<Address>,
    surplus: Option<Address>,
    transport: &'t mut dyn Transport,
}

impl Transport for Copies<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.transport.resolve(service, endpoint)
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        match self.left.iter().position(|point| point == to) {
            Some(place) => drop(self.left.swap_remove(place)),
            None => self.surplus = Some(*to),
        }
        self.transport.send(to, flow_label, octets)
    }
}

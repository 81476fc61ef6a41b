//! What is true of a continuum, and who is wrong about it.
//!
//! The truth is which modules there are, under the numbers they have, and what
//! each has asserted itself. Everyone else only knows it from hearsay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::ams::config_server::{CellState, ConfigServer, ConfigServerState};
use farpost::ams::ids::{Domain, ModuleId, ModuleKey, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::Introduction;
use farpost::ams::module::RuleKind;
use farpost::ams::pdu::{AssertionValues, CancellationValues};
use farpost::ams::registrar::{Registrar, RegistrarState};

use super::continuum::{Continuum, Post};
use super::entity::{AAMS, Letter, MAMS, Machine, Member, Way, covers, winner};
use super::network::{NodeId, address, name};

/// A module as it is: where, who, and what it has asserted.
struct Fact {
    node: NodeId,
    id: ModuleId,
    rules: Vec<(RuleKind, AssertionValues)>,
}

/// The modules of a venture, by cell and number.
type Facts = BTreeMap<ModuleKey, Fact>;

/// A rule as whoever knows it sees it: who, which kind, subject and domain.
type Known = (ModuleKey, RuleKind, SubjectNumber, Domain);

impl Continuum<'_> {
    /// Runs until everyone agrees on everything, looking once a second; how long
    /// it took. After `limit` the disagreement is the error.
    pub(crate) fn settle(&mut self, limit: Duration) -> Result<Duration, String> {
        self.settle_looking_every(Duration::from_secs(1), limit)
    }

    /// The same, looking less often where that takes long.
    pub(crate) fn settle_looking_every(
        &mut self,
        pause: Duration,
        limit: Duration,
    ) -> Result<Duration, String> {
        let start = self.network.now().monotonic;
        loop {
            let took = self.network.now().monotonic.since(start);
            match self.disagreement() {
                None => return Ok(took),
                Some(why) if took >= limit => return Err(why),
                Some(_) => self.network.run(pause),
            }
            if let Some(broken) = self.network.broken() {
                return Err(broken.clone());
            }
        }
    }

    /// The first thing anybody is wrong about, where all nodes are up.
    pub(crate) fn disagreement(&self) -> Option<String> {
        if let Some(down) = self.all().find(|node| self.network.node(*node).is_none()) {
            return Some(format!("node {down} is down"));
        }
        self.mib
            .ventures
            .iter()
            .find_map(|venture| self.venture_disagrees(venture.number))
            .or_else(|| self.servers_disagree())
    }

    /// Every module publishes and announces on every subject, in a network that
    /// loses nothing: each receiver gets exactly the copies its rules ask for, as
    /// they ask for them.
    pub(crate) fn examine(&mut self) -> Result<(), String> {
        let mut expected: BTreeMap<NodeId, Vec<Letter>> = BTreeMap::new();
        for node in self.modules() {
            self.member(node, |member, _, _| member.inbox.clear());
        }
        for venture in self.mib.ventures {
            let facts = self.facts(venture.number)?;
            for source in facts.values() {
                for subject in (1..=5).map(SubjectNumber) {
                    for (kind, way) in [
                        (RuleKind::Subscription, Way::Publish),
                        (RuleKind::Invitation, Way::Announce(Domain::ALL)),
                    ] {
                        let number = self.next_letter();
                        for (receiver, letter) in
                            self.receivers(&facts, source, kind, subject, number)
                        {
                            expected.entry(receiver).or_default().push(letter);
                        }
                        self.member(source.node, |member, now, transport| {
                            member.write(now, way, subject, number, transport)
                        })
                        .unwrap_or(Ok(()))?;
                    }
                }
            }
        }
        self.network.run(Duration::from_secs(1));
        self.members().try_for_each(|(node, member)| {
            let mut got = member.inbox.clone();
            got.sort_unstable();
            let mut due = expected.remove(&node).unwrap_or_default();
            due.sort_unstable();
            if got == due {
                return Ok(());
            }
            let wrong = |a: &[Letter], b: &[Letter]| a.iter().find(|one| !b.contains(one)).copied();
            let (more, less) = (wrong(&got, &due), wrong(&due, &got));
            Err(format!("node {node} got {more:?}, which was not due, or not {less:?}, which was"))
        })
    }

    /// Who gets message `number` from `source`, and how.
    fn receivers(
        &self,
        facts: &Facts,
        source: &Fact,
        kind: RuleKind,
        subject: SubjectNumber,
        number: u32,
    ) -> Vec<(NodeId, Letter)> {
        let Some(Machine::Member(sender)) = self.network.node(source.node).map(|it| &it.machine)
        else {
            return Vec::new();
        };
        let Member { mib, venture, role, .. } = **sender;
        let others = facts.values().filter(|fact| {
            fact.node != source.node
                && venture.may_send(role, subject)
                && venture.may_receive(fact.id.role, subject)
        });
        let copy = others.filter_map(|fact| {
            let concerns = |domain: &Domain| covers(mib, venture, domain, source.id.key(), role);
            let rule = winner(fact.rules.iter(), kind, subject, concerns)?;
            let AssertionValues { priority, flow_label, .. } = *rule;
            Some((fact.node, Letter { number, priority, flow_label }))
        });
        copy.collect()
    }

    /// The truth about a venture; an error where there is none yet.
    fn facts(&self, venture: VentureNumber) -> Result<Facts, String> {
        let mut facts = Facts::new();
        let members = self.members().filter(|(_, member)| member.venture.number == venture);
        for (node, member) in members {
            let Some(id) = member.module.id() else {
                return Err(format!("node {node} is {:?}", member.module.membership()));
            };
            let own = member.module.own_rules();
            let rules = own.map(|own| (own.kind(), own.assertion())).collect();
            if let Some(other) = facts.insert(id.key(), Fact { node, id, rules }) {
                return Err(format!("nodes {node} and {} are both {}", other.node, id.key()));
            }
        }
        Ok(facts)
    }

    fn venture_disagrees(&self, venture: VentureNumber) -> Option<String> {
        let facts = match self.facts(venture) {
            Ok(facts) => facts,
            Err(why) => return Some(why),
        };
        let rules: BTreeSet<Known> = facts.values().flat_map(all_known).collect();
        let registrars = self.registrars().filter_map(|node| {
            match (self.posts[usize::from(node)], &self.network.node(node)?.machine) {
                (Post::Registrar(of, unit), Machine::Registrar(registrar)) if of == venture => {
                    Some((node, unit, registrar))
                }
                _ => None,
            }
        });
        let cells: BTreeMap<UnitNumber, NodeId> =
            registrars.clone().map(|(node, unit, _)| (unit, node)).collect();
        for (node, unit, registrar) in registrars {
            let wrong = registrar_is_wrong(registrar, unit, &facts, &cells)
                .or_else(|| self.dossiers_are_wrong(registrar, &facts, &rules));
            if let Some(why) = wrong {
                return Some(format!("registrar {node} of {venture}.{unit}: {why}"));
            }
        }
        let members = self.members().filter(|(_, member)| member.venture.number == venture);
        members
            .filter_map(|(node, member)| {
                member_is_wrong(member, &facts, &rules).map(|why| format!("node {node}: {why}"))
            })
            .next()
    }

    /// A registrar that introduces modules has to know them.
    fn dossiers_are_wrong(
        &self,
        registrar: &Registrar<'_>,
        facts: &Facts,
        rules: &BTreeSet<Known>,
    ) -> Option<String> {
        let complete = self.layout.dossiers >= self.modules().len();
        if self.layout.policy.introduction == Introduction::ByModules || !complete {
            return None;
        }
        let known: BTreeSet<ModuleId> = registrar.dossiers().map(|dossier| dossier.id()).collect();
        let there: BTreeSet<ModuleId> = facts.values().map(|fact| fact.id).collect();
        if let Some(wrong) = known.symmetric_difference(&there).next() {
            return Some(format!("wrong about the dossier of {wrong:?}"));
        }
        let known = registrar.rules().map(|rule| {
            let kind = match rule.is_invitation() {
                true => RuleKind::Invitation,
                false => RuleKind::Subscription,
            };
            let AssertionValues { subject, domain, .. } = rule.assertion();
            (rule.module(), kind, subject, domain)
        });
        let known: BTreeSet<Known> = known.collect();
        let wrong = known.symmetric_difference(rules).next()?;
        Some(format!("wrong about the dossier's rule {wrong:?}"))
    }

    /// One configuration server runs, and knows where every registrar is.
    fn servers_disagree(&self) -> Option<String> {
        let servers = self.network.nodes().filter_map(|(node, entity)| match &entity.machine {
            Machine::Server(server) if server.state() == ConfigServerState::Running => {
                Some((node, server))
            }
            _ => None,
        });
        let running: Vec<(NodeId, &Box<ConfigServer<'_>>)> = servers.collect();
        let &[(_, server)] = running.as_slice() else {
            return Some(format!("{} configuration servers are running", running.len()));
        };
        self.registrars().find_map(|node| {
            let Post::Registrar(venture, unit) = self.posts[usize::from(node)] else { return None };
            let mut cells = server.cells();
            let cell = cells.find(|cell| (cell.venture(), cell.unit()) == (venture, unit));
            let right = cell.is_some_and(|cell| {
                cell.state() == CellState::Known && cell.endpoint() == name(node, MAMS)
            });
            (!right).then(|| format!("the server is wrong about registrar {node}: {cell:?}"))
        })
    }
}

fn all_known(fact: &Fact) -> impl Iterator<Item = Known> + '_ {
    fact.rules.iter().map(|(kind, rule)| {
        let CancellationValues { subject, domain } = rule.cancellation();
        (fact.id.key(), *kind, subject, domain)
    })
}

fn registrar_is_wrong(
    registrar: &Registrar<'_>,
    unit: UnitNumber,
    facts: &Facts,
    cells: &BTreeMap<UnitNumber, NodeId>,
) -> Option<String> {
    if registrar.state() != RegistrarState::Noted {
        return Some(format!("is {:?}", registrar.state()));
    }
    let own = facts.values().filter(|fact| fact.id.unit == unit);
    let there = own.map(|fact| (fact.id.module, fact.id.role, address(fact.node, MAMS)));
    let members = || registrar.members().map(|one| (one.number(), one.role(), one.address()));
    if !members().eq(there.clone()) {
        let (members, there): (Vec<_>, Vec<_>) = (members().collect(), there.collect());
        return Some(format!("has {members:?}, there are {there:?}"));
    }
    let others = cells.iter().filter(|(other, _)| **other != unit);
    let others = others.map(|(other, node)| (*other, address(*node, MAMS)));
    let known = registrar.registrars().map(|other| (other.unit(), other.address()));
    (!known.eq(others)).then(|| "is wrong about the other registrars".into())
}

fn member_is_wrong(member: &Member<'_>, facts: &Facts, rules: &BTreeSet<Known>) -> Option<String> {
    let me = member.module.id()?.key();
    let others = facts.values().filter(|fact| fact.id.key() != me);
    let others = others.map(|fact| (fact.id, Some(address(fact.node, AAMS))));
    let peers = || member.module.peers().map(|peer| (peer.id(), peer.delivery_point(1).copied()));
    if !peers().eq(others.clone()) {
        let (peers, others): (BTreeSet<_>, BTreeSet<_>) = (peers().collect(), others.collect());
        let wrong: Vec<_> = peers.symmetric_difference(&others).collect();
        return Some(format!("wrong about the members {wrong:?}"));
    }
    let mut known: Vec<Known> = member
        .module
        .rules()
        .map(|(module, kind, rule)| (module, kind, rule.subject, rule.domain))
        .collect();
    known.sort_unstable();
    if known.iter().eq(rules.iter().filter(|rule| rule.0 != me)) {
        return None;
    }
    let known: BTreeSet<Known> = known.into_iter().collect();
    let there: BTreeSet<Known> = rules.iter().filter(|rule| rule.0 != me).copied().collect();
    let wrong: Vec<_> = known.symmetric_difference(&there).collect();
    Some(format!("wrong about the rules {wrong:?}"))
}

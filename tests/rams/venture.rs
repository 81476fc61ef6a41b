//! A venture in several continua, and who ought to get which message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, RoleNumber, SubjectNumber, UnitNumber,
};
use farpost::ams::mib::{Mib, RamsNetwork};
use farpost::ams::module::{RuleKind, RuleRequest};
use farpost::ams::service::{Indication, Message};

use super::entity::{Entity, NODES, PRIVATE, Plan, Post, ROLES, SUBJECTS, mib, number, role};
use super::network::{Network, NodeId, Weather};

/// A subscription as whoever keeps the books sees it.
type Asked = (NodeId, SubjectNumber, Domain);

/// A message: who published it, on what.
struct Letter {
    from: NodeId,
    subject: SubjectNumber,
    number: u32,
}

/// A query to one module, and an announcement to all.
struct Private {
    from: NodeId,
    to: NodeId,
    query: u32,
    announcement: u32,
}

/// A venture, and the truth about it.
pub(crate) struct Venture {
    pub(crate) network: Network<'static, Entity>,
    plan: Plan,
    mibs: Vec<&'static Mib<'static>>,
    letters: Vec<Letter>,
    private: Vec<Private>,
    last_letter: u32,
    lives: u32,
}

impl Venture {
    pub(crate) fn new(plan: Plan, weather: Weather) -> Self {
        let mibs = (0..plan.continua).map(|continuum| mib(&plan, continuum)).collect();
        let mut venture = Self {
            network: Network::new(plan.seed, weather),
            plan,
            mibs,
            letters: Vec::new(),
            private: Vec::new(),
            last_letter: 0,
            lives: 0,
        };
        for continuum in 0..venture.plan.continua {
            for offset in 0..NODES {
                let entity = venture.entity(continuum, offset);
                assert_eq!(venture.network.add(entity), continuum * NODES + offset);
            }
        }
        venture
    }

    /// Has everybody register.
    pub(crate) fn start(&mut self) {
        for node in 0..self.plan.continua * NODES {
            self.start_node(node);
        }
    }

    /// Every module subscribes to something, from everywhere.
    pub(crate) fn subscribe_everybody(&mut self) {
        for node in self.modules() {
            let subject = SubjectNumber(1 + i16::try_from(node).unwrap() % SUBJECTS);
            self.subscribe(node, subject, Domain::ALL);
        }
    }

    /// All subscriptions end.
    pub(crate) fn unsubscribe_everybody(&mut self) {
        for asked in self.asked() {
            self.unsubscribe(asked);
        }
    }

    /// A subscription is made or ended, at random.
    pub(crate) fn change_something(&mut self) {
        let seed = self.network.random().u64(..);
        self.change(seed);
    }

    /// A subscription is made or ended, which one comes from the seed.
    pub(crate) fn change(&mut self, seed: u64) {
        let (modules, asked) = (self.modules(), self.asked());
        let random = &mut fastrand::Rng::with_seed(seed);
        if random.u8(0..4) == 0 && !asked.is_empty() {
            let gone = random.usize(0..asked.len());
            return self.unsubscribe(*asked.iter().nth(gone).unwrap());
        }
        let node = modules[random.usize(0..modules.len())];
        let subject = SubjectNumber(random.i16(1..=SUBJECTS));
        let continuum = random.u16(0..=self.plan.continua);
        let unit = UnitNumber(random.u16(0..3));
        let role = if random.bool() { RoleNumber::ALL } else { ROLES[random.usize(0..3)] };
        let continuum = ContinuumNumber::from_bits(continuum);
        self.subscribe(node, subject, Domain { continuum, unit, role });
    }

    /// Every subscription that is in force, as the subscribers see it.
    fn asked(&self) -> BTreeSet<Asked> {
        let modules = self.network.nodes().filter_map(|(node, entity)| match entity {
            Entity::Module(member) => Some((node, &member.module)),
            _ => None,
        });
        modules
            .flat_map(|(node, module)| module.own_rules().map(move |rule| (node, rule)))
            .filter(|(_, rule)| rule.kind() == RuleKind::Subscription)
            .map(|(node, rule)| (node, rule.assertion().subject, rule.assertion().domain))
            .collect()
    }

    fn subscribe(&mut self, node: NodeId, subject: SubjectNumber, domain: Domain) {
        let request = RuleRequest { domain, ..RuleRequest::new(subject) };
        self.network.at(node, |entity, now, transport| {
            let Entity::Module(member) = entity else { panic!() };
            // That it is being registered anew is a possible answer.
            let _ = member.module.subscribe(now, &request, transport);
        });
    }

    fn unsubscribe(&mut self, (node, subject, domain): Asked) {
        self.network.at(node, |entity, now, transport| {
            let Entity::Module(member) = entity else { panic!() };
            // So is that here.
            let _ = member.module.unsubscribe(now, subject, domain, transport);
        });
    }

    /// Every module publishes a message on every subject. How many there were.
    pub(crate) fn publish_everybody(&mut self) -> usize {
        for node in self.modules() {
            self.publish(node.into());
        }
        self.letters.len()
    }

    /// One module, of all, publishes a message on every subject.
    pub(crate) fn publish(&mut self, nth: usize) {
        let modules = self.modules();
        let node = modules[nth % modules.len()];
        for subject in (1..=SUBJECTS).map(SubjectNumber) {
            self.last_letter += 1;
            let number = self.last_letter;
            self.network.at(node, |entity, _, transport| {
                let Entity::Module(member) = entity else { panic!() };
                let message =
                    Message { context: ContextNumber(number), ..Message::new(subject, b"letter") };
                let user = &mut |indication: Indication| panic!("{indication:?}");
                // It may be being registered anew.
                let _ = member.module.publish(&message, transport, user);
            });
            self.letters.push(Letter { from: node, subject, number });
        }
    }

    /// Every module invites private messages from everywhere.
    pub(crate) fn invite_everybody(&mut self) {
        for node in self.modules() {
            self.network.at(node, |entity, now, transport| {
                let Entity::Module(member) = entity else { panic!() };
                member.module.invite(now, &RuleRequest::new(PRIVATE), transport).unwrap();
            });
        }
    }

    /// Every module announces a message to all the venture, and queries one module
    /// of another continuum, which answers.
    pub(crate) fn converse(&mut self) {
        let modules = self.modules();
        for node in modules.clone() {
            let far = modules.iter().copied().filter(|other| other / NODES != node / NODES);
            let far: Vec<NodeId> = far.collect();
            let to = far[self.network.random().usize(0..far.len())];
            let key = self.key(to);
            let (query, announcement) = (self.last_letter + 1, self.last_letter + 2);
            self.last_letter = announcement;
            self.network.at(node, |entity, now, transport| {
                let Entity::Module(member) = entity else { panic!() };
                let message = |number| Message {
                    context: ContextNumber(number),
                    ..Message::new(PRIVATE, b"private")
                };
                let (module, term) = (&mut member.module, Some(Duration::from_secs(30)));
                module.query(now, key, &message(query), term, transport).unwrap();
                let user = &mut |indication: Indication| panic!("{indication:?}");
                module.announce(Domain::ALL, &message(announcement), transport, user).unwrap();
            });
            self.private.push(Private { from: node, to, query, announcement });
        }
    }

    /// Every query reached whom it was for and the reply who asked, once, and every
    /// announcement everybody else, once.
    pub(crate) fn check_private(&self) {
        let times = |book: &BTreeMap<u32, u32>, number| book.get(&number).copied().unwrap_or(0);
        for Private { from, to, query, announcement } in &self.private {
            for (node, entity) in self.network.nodes() {
                let Entity::Module(member) = entity else { continue };
                let asked = times(&member.got, *query);
                assert_eq!(asked, u32::from(node == *to), "query {query} of {from} at {node}");
                let replied = times(&member.replies, *query);
                assert_eq!(replied, u32::from(node == *from), "reply {query} of {to} at {node}");
                let heard = times(&member.got, *announcement);
                let due = u32::from(node != *from);
                assert_eq!(heard, due, "announcement {announcement} of {from} at {node}");
            }
        }
    }

    /// Where a module is found.
    fn key(&self, node: NodeId) -> (ContinuumNumber, ModuleKey) {
        let Some(Entity::Module(member)) = self.network.node(node) else { panic!() };
        (number(node / NODES), member.module.id().unwrap().key())
    }

    /// Nothing is asked about the messages published so far, but whether one came back.
    pub(crate) fn forget_letters(&mut self) {
        self.letters.clear();
    }

    /// A gateway ends, `politely` or not, and comes back without its memory.
    pub(crate) fn restart_gateway(&mut self, continuum: usize, politely: bool) {
        let node = NodeId::try_from(continuum).unwrap() % self.plan.continua * NODES + 2;
        if politely {
            self.network.at(node, |entity, now, transport| {
                let Entity::Gateway(post) = entity else { panic!() };
                post.gateway.unregister(now, transport).unwrap();
            });
        }
        self.network.crash(node);
        self.network.run(Duration::from_secs(20));
        let entity = self.entity(node / NODES, 2);
        self.network.restart(node, entity);
        self.start_node(node);
    }

    /// How many petitions there are besides declarations.
    pub(crate) fn petitions(&self) -> usize {
        self.posts()
            .flat_map(|(_, post)| post.gateway.petitions())
            .filter(|petition| petition.specification().subject.0 > 0)
            .count()
    }

    /// What is left of petitions when nobody wants anything.
    pub(crate) fn check_clean(&self) -> Result<(), String> {
        for (node, post) in self.posts() {
            let left = post.gateway.petitions().find(|one| one.specification().subject.0 > 0);
            if let Some(petition) = left {
                return Err(format!("gateway {node} has {petition:?}"));
            }
            let mut own = post.gateway.module().own_rules();
            if let Some(rule) = own.find(|rule| rule.assertion().subject.0 > 0) {
                return Err(format!("gateway {node} subscribes: {rule:?}"));
            }
            if post.gateway.waiting() > 0 {
                return Err(format!("{} messages wait at {node}", post.gateway.waiting()));
            }
        }
        Ok(())
    }

    /// How many RPDUs were handed over to channels.
    pub(crate) fn rpdus(&self) -> u32 {
        self.posts().map(|(_, post)| post.channels.sent).sum()
    }

    /// All channels lose and repeat so many of a thousand RPDUs from now on; of
    /// messages none is repeated.
    pub(crate) fn set_channels(&mut self, loss: u16, duplication: u16) {
        for continuum in 0..self.plan.continua {
            self.network.at(continuum * NODES + 2, |entity, _, _| {
                let Entity::Gateway(post) = entity else { panic!() };
                (post.channels.loss, post.channels.duplication) = (loss, duplication);
            });
        }
    }

    /// This of all channels, both ways, takes nothing, or does again.
    pub(crate) fn set_away(&mut self, channel: usize, away: bool) {
        let channels = &self.plan.channels;
        let (one, other) = *channels.iter().nth(channel % channels.len()).unwrap();
        for (here, there) in [(one, other), (other, one)] {
            self.network.at(here * NODES + 2, |entity, _, _| {
                let Entity::Gateway(post) = entity else { panic!() };
                let there = there * NODES + 2;
                let set = &mut post.channels.away;
                _ = if away { set.insert(there) } else { set.remove(&there) };
            });
        }
    }

    /// Every channel is there.
    pub(crate) fn all_back(&mut self) {
        for channel in 0..self.plan.channels.len() {
            self.set_away(channel, false);
        }
    }

    /// A module is gone without a word, and comes back without its memory.
    pub(crate) fn restart_module(&mut self, nth: usize) {
        let modules = self.modules();
        let node = modules[nth % modules.len()];
        self.network.crash(node);
        self.network.run(Duration::from_secs(10));
        let entity = self.entity(node / NODES, node % NODES);
        self.network.restart(node, entity);
        self.start_node(node);
    }

    /// How often messages crossed a channel.
    pub(crate) fn crossings(&self) -> usize {
        self.posts().map(|(_, post)| post.channels.crossed.len()).sum()
    }

    /// Every message was delivered once to each module that asks for it and to no
    /// other, crossed no channel twice, and came to no continuum without interest.
    pub(crate) fn check(&self) -> Result<(), String> {
        let asked = self.asked();
        for letter in &self.letters {
            let wanted: BTreeSet<NodeId> = asked
                .iter()
                .filter(|(node, subject, domain)| {
                    *node != letter.from
                        && *subject == letter.subject
                        && self.includes(domain, letter.from)
                })
                .map(|(node, ..)| *node)
                .collect();
            for (node, entity) in self.network.nodes() {
                let Entity::Module(member) = entity else { continue };
                let got = member.got.get(&letter.number).copied().unwrap_or(0);
                let due = u32::from(wanted.contains(&node));
                let Letter { from, subject, number } = letter;
                if got != due {
                    return Err(format!(
                        "letter {number} on {subject} from node {from} at node {node}: {got} of \
                         {due}{}",
                        self.describe()
                    ));
                }
            }
            self.check_crossings(letter, &wanted)?;
        }
        self.check_returns()
    }

    /// What gateways know, for a report.
    fn describe(&self) -> String {
        let mut text = String::new();
        for (node, post) in self.posts() {
            let module = post.gateway.module();
            let peers: Vec<_> = module.peers().map(|peer| peer.id().module.0).collect();
            let wanted: Vec<_> = module
                .rules()
                .filter(|(_, kind, rule)| *kind == RuleKind::Subscription && rule.subject.0 > 0)
                .map(|(key, _, rule)| format!("{key}: {rule:?}"))
                .collect();
            text += &format!("\ngateway {node} {:?} of {peers:?}\n", module.membership());
            text += &format!("  wanted here: {}\n", wanted.join("; "));
            for petition in post.gateway.petitions() {
                let places = |set: farpost::ams::gateway::NeighbourSet| {
                    let names = post.gateway.neighbours().filter(|one| set.contains(one.set()));
                    names.map(|one| one.continuum().get()).collect::<Vec<_>>()
                };
                text += &format!(
                    "  {:?}: told {:?}, asked by {:?}, owed {:?}\n",
                    petition.specification(),
                    places(petition.sources()),
                    places(petition.destinations()),
                    places(petition.owed())
                );
            }
        }
        text
    }

    /// No message ever crossed a channel twice, either way.
    pub(crate) fn check_returns(&self) -> Result<(), String> {
        let mut crossed = BTreeSet::new();
        for (node, post) in self.posts() {
            for (number, to) in &post.channels.crossed {
                if !crossed.insert((*number, node.min(*to), node.max(*to))) {
                    return Err(format!("letter {number} crossed {node} to {to} twice"));
                }
            }
        }
        Ok(())
    }

    fn check_crossings(&self, letter: &Letter, wanted: &BTreeSet<NodeId>) -> Result<(), String> {
        for (node, post) in self.posts() {
            let crossed =
                post.channels.crossed.iter().filter(|(number, _)| *number == letter.number);
            for (_, to) in crossed {
                let (here, there) = (node / NODES, to / NODES);
                let beyond = self.beyond(there, here);
                if !wanted.iter().any(|node| beyond.contains(&(node / NODES))) {
                    let number = letter.number;
                    return Err(format!("letter {number} went to {there}, where nobody wants it"));
                }
            }
        }
        Ok(())
    }

    /// The continua that are reached through `there` from `here`.
    fn beyond(&self, there: u16, here: u16) -> BTreeSet<u16> {
        let mut reached = BTreeSet::from([there]);
        let mut fresh = vec![there];
        while let (RamsNetwork::Tree, Some(one)) = (self.plan.kind, fresh.pop()) {
            for other in (0..self.plan.continua).filter(|other| *other != here) {
                if self.plan.joined(one, other) && reached.insert(other) {
                    fresh.push(other);
                }
            }
        }
        reached
    }

    fn includes(&self, domain: &Domain, node: NodeId) -> bool {
        let continuum = number(node / NODES);
        (domain.continuum == ContinuumNumber::ALL || domain.continuum == continuum)
            && (domain.role == RoleNumber::ALL || domain.role == role(node % NODES))
            // All are registered in the root cell, which no other unit contains.
            && domain.unit == UnitNumber::ROOT
    }

    fn modules(&self) -> Vec<NodeId> {
        (0..self.plan.continua * NODES).filter(|node| node % NODES >= 3).collect()
    }

    fn posts(&self) -> impl Iterator<Item = (NodeId, &Post)> {
        self.network.nodes().filter_map(|(node, entity)| match entity {
            Entity::Gateway(post) => Some((node, &**post)),
            _ => None,
        })
    }

    fn start_node(&mut self, node: NodeId) {
        self.network.at(node, |entity, now, transport| {
            let user = &mut |_: Indication| {};
            match entity {
                Entity::Module(member) => member.module.register(now, transport, user).unwrap(),
                Entity::Gateway(post) => post.gateway.register(now, transport, user).unwrap(),
                Entity::Server(_) | Entity::Registrar(_) => {}
            }
        });
    }

    fn entity(&mut self, continuum: u16, offset: u16) -> Entity {
        self.lives += 1;
        Entity::new(self.mibs[usize::from(continuum)], continuum, offset, self.lives)
    }
}

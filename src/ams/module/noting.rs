//! Noting and forgetting other modules and their rules.

use super::rows::{Peer, VECTORS};
use super::{Module, Rule, RuleKey, RuleKind, Turn, bump};
use crate::ams::ids::{Domain, ModuleId, ModuleKey, Priority, RoleNumber, UnitNumber};
use crate::ams::pdu::{AssertionValues, CancellationValues, ContactSummary, Declaration};
use crate::ams::routing::applies;
use crate::ams::service::Indication;
use crate::storage::Row;

impl Module<'_> {
    /// Notes a module, or that it is reached otherwise than was known
    /// (4.2.5.5.8 a to c). False when there is no room for it.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn note_peer(
        &mut self,
        id: ModuleId,
        contact: &ContactSummary<'_>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let key = id.key();
        let mams = turn.resolve(self.mib.primary_transport, contact.endpoint.as_bytes());
        if mams.is_none() {
            bump(&mut self.outlet.stats.unresolved);
        }
        let known = self.peers.get(key).map(|peer| peer.role == id.role && peer.mams == mams);
        if known == Some(false) {
            self.forget_peer(key, turn);
        }
        if known != Some(true) {
            if self.peers.len() >= MAX_PEERS || !self.add_peer(Peer::new(id, mams)) {
                bump(&mut self.outlet.stats.full);
                return false;
            }
            turn.user.indicate(Indication::ModuleRegistered(id));
        }
        self.note_points(key, contact, turn);
        true
    }

    /// False when there is no room for it. A row is long: one place where it is moved.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn add_peer(&mut self, peer: Peer) -> bool {
        let id = peer.id();
        let is_new = self.peers.insert(peer).is_ok();
        if let (true, Some(place)) = (is_new, self.place_of(id)) {
            self.rules.peer_noted(place);
        }
        is_new
    }

    /// Forgets a module and its rules (4.2.6.4 a to d).
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn forget_peer(&mut self, key: ModuleKey, turn: &mut Turn<'_>) {
        let Some(id) = self.peers.get(key).map(Peer::id) else {
            return;
        };
        turn.user.indicate(Indication::ModuleUnregistered(id));
        if let Some(place) = self.place_of(id) {
            self.forget_rules_beside(id, &Declaration::EMPTY, turn);
            self.rules.peer_forgotten(place);
        }
        self.peers.remove(key);
    }

    /// Notes or forgets a rule of a module, as it is asserted or cancelled (4.2.10.4 to
    /// 4.2.13.4).
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn set_rule(
        &mut self,
        id: ModuleId,
        kind: RuleKind,
        (assertion, asserted): (&AssertionValues, bool),
        turn: &mut Turn<'_>,
    ) {
        let Some(place) = self.place_of(id) else {
            return bump(&mut self.outlet.stats.unknown_module);
        };
        let us = (self.identity.unit, self.identity.role);
        let ours = applies((self.mib, self.venture), us, id.role, &assertion.cancellation());
        let rule = Rule::new(kind, place, assertion, ours);
        if asserted {
            match self.rules.insert(rule) {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => return bump(&mut self.outlet.stats.full),
            }
            turn.user.indicate(rule.told(id, true));
        } else if !self.drop_rule(id, rule.key(), turn) {
            bump(&mut self.outlet.stats.stale);
        }
    }

    /// Forgets a rule of a module. False when it is not known.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn drop_rule(&mut self, id: ModuleId, key: RuleKey, turn: &mut Turn<'_>) -> bool {
        let rule = self.rules.remove(key);
        if let Some(rule) = &rule {
            turn.user.indicate(rule.told(id, false));
        }
        rule.is_some()
    }

    /// Judges all rules anew, which is due when units or subjects have changed in
    /// the MIB.
    pub(super) fn rejudge_rules(&mut self) {
        let Self { mib, venture, identity, peers, rules, .. } = self;
        rules.judge(|rule| {
            let receiver = peers.at(usize::from(rule.peer));
            receiver.is_some_and(|peer| {
                let us = (identity.unit, identity.role);
                applies((mib, *venture), us, peer.role, &rule.cancellation())
            })
        });
    }

    /// The place of this very module among the peers.
    fn place_of(&self, id: ModuleId) -> Option<u16> {
        let place = self.peers.place(id.key())?;
        self.peers.at(place).filter(|peer| peer.role == id.role)?;
        u16::try_from(place).ok()
    }

    /// Forgets those rules of a module that it does not declare (4.2.9.6 c to f).
    pub(super) fn forget_rules_beside(
        &mut self,
        id: ModuleId,
        declared: &Declaration<'_>,
        turn: &mut Turn<'_>,
    ) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        let goes = |rule: &&Rule| rule.peer == place && !rule.is_in(declared);
        // Boards have few rules, and little room for code.
        if !cfg!(feature = "std") {
            loop {
                let key = self.rules.iter().find(goes).map(Row::key);
                let Some(key) = key else { return };
                self.drop_rule(id, key, turn);
            }
        }
        // Mostly there is nothing to forget, and all that is not written stays in place.
        if self.rules.iter().any(|rule| goes(&rule)) {
            self.rules.retain(|rule| {
                let goes = goes(&rule);
                if goes {
                    turn.user.indicate(rule.told(id, false));
                }
                !goes
            });
        }
    }

    /// Notes for each delivery vector the first delivery point of a transport service
    /// this module can transmit by (4.2.5.5.8 c). A point whose name the
    /// transport cannot make sense of is passed over.
    fn note_points(&mut self, key: ModuleKey, contact: &ContactSummary<'_>, turn: &mut Turn<'_>) {
        let Self { mib, peers, rules, outlet, .. } = self;
        let Some(peer) = peers.get_mut(key) else {
            return;
        };
        let before = peer.points;
        peer.points = [None; VECTORS];
        let mut free = peer.points.iter_mut();
        for vector in contact.delivery_vectors.iter() {
            // By the name in the MIB, which is text.
            let usable = vector.names().find_map(|(service, endpoint)| {
                let mut known = mib.transports.iter().map(|own| own.name);
                let own = known.find(|own| own.as_bytes() == service)?;
                turn.resolve(own, endpoint)
            });
            if usable.is_none() {
                bump(&mut outlet.stats.unresolved);
                continue;
            }
            match free.next() {
                Some(slot) => *slot = usable.map(|address| (vector.number(), address)),
                None => bump(&mut outlet.stats.full),
            }
        }
        // Boards have little to prepare, and little room for code.
        if !cfg!(feature = "std") || before != peer.points {
            rules.unprepare();
        }
    }
}

/// Other modules there can be: as many as have a place of 16 bits.
const MAX_PEERS: usize = 65_535;

/// What is cancelled by this: how messages were asked for does not matter.
pub(super) const fn cancelled(
    CancellationValues { subject, domain }: CancellationValues,
) -> AssertionValues {
    let (priority, flow_label) = (Priority::DEFAULT, 0);
    AssertionValues { subject, domain, delivery_vector: 0, priority, flow_label }
}

/// The domain of the invitation every module asserts so that its gateway can
/// forward to it (4.2.5.5.5 b).
pub(super) fn gateway_domain(module: &Module<'_>) -> Domain {
    Domain {
        continuum: module.mib.continuum.number,
        unit: UnitNumber::ROOT,
        role: RoleNumber::RAMS_GATEWAY,
    }
}

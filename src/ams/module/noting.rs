//! Noting and forgetting other modules and their rules.

use super::introduction::Introduction;
use super::rows::{Peer, VECTORS};
use super::{Module, Rule, RuleKey, RuleKind, Turn, bump};
use crate::ams::ids::{Domain, ModuleId, ModuleKey, RoleNumber, UnitNumber};
use crate::ams::pdu::{AssertionValues, CancellationValues, ContactSummary, Declaration};
use crate::ams::routing::applies;
use crate::ams::service::Indication;
use crate::transport::Address;

impl Module<'_> {
    /// Notes a module, or that it is reached otherwise than was known
    /// (4.2.5.5.8 a to c). False when there is no room for it.
    pub(super) fn note_peer(
        &mut self,
        id: ModuleId,
        contact: &ContactSummary<'_>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let mams = self.resolve_mams(contact, turn);
        if self.peers.get(id.key()).is_some_and(|peer| peer.role != id.role || peer.mams != mams) {
            self.forget_peer(id.key(), turn);
        }
        let points = [None; VECTORS];
        let introduction = Introduction::NONE;
        let mut peer = Peer { key: id.key(), role: id.role, mams, points, introduction };
        self.best_fits(contact, &mut peer.points, turn);
        if let Some(known) = self.peers.get_mut(id.key()) {
            if known.points != peer.points {
                known.points = peer.points;
                self.rules.unprepare();
            }
            return true;
        }
        if self.peers.len() >= MAX_PEERS || self.peers.insert(peer).is_err() {
            bump(&mut self.outlet.stats.full);
            return false;
        }
        if let Some(place) = self.place_of(id) {
            self.rules.peer_noted(place);
        }
        turn.user.indicate(Indication::ModuleRegistered(id));
        true
    }

    /// Forgets a module and its rules (4.2.6.4 a to d).
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

    /// Notes a rule of a module (4.2.10.4, 4.2.12.4).
    pub(super) fn note_rule(
        &mut self,
        id: ModuleId,
        kind: RuleKind,
        assertion: AssertionValues,
        turn: &mut Turn<'_>,
    ) {
        let Some(place) = self.place_of(id) else {
            return bump(&mut self.outlet.stats.unknown_module);
        };
        let applies = self.asks_for_ours(id.role, &assertion.cancellation());
        let Ok(new) = self.rules.insert(Rule::new(kind, place, &assertion, applies)) else {
            return bump(&mut self.outlet.stats.full);
        };
        if new {
            turn.user.indicate(match kind {
                RuleKind::Subscription => Indication::SubscriptionAsserted(id, assertion),
                RuleKind::Invitation => Indication::InvitationAsserted(id, assertion),
            });
        }
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

    /// Whether this very module is known: not another under its number.
    pub(super) fn knows(&self, id: ModuleId) -> bool {
        self.place_of(id).is_some()
    }

    /// The place of this very module among the peers.
    fn place_of(&self, id: ModuleId) -> Option<u16> {
        let place = self.peers.place(id.key())?;
        self.peers.at(place).filter(|peer| peer.role == id.role)?;
        u16::try_from(place).ok()
    }

    /// Forgets a rule of a module (4.2.11.4, 4.2.13.4).
    pub(super) fn forget_rule(
        &mut self,
        id: ModuleId,
        kind: RuleKind,
        CancellationValues { subject, domain }: CancellationValues,
        turn: &mut Turn<'_>,
    ) {
        let Some(peer) = self.place_of(id) else {
            return bump(&mut self.outlet.stats.unknown_module);
        };
        match self.rules.remove(RuleKey { subject, kind, peer, domain }) {
            Some(rule) => turn.user.indicate(cancelled(id, &rule)),
            None => bump(&mut self.outlet.stats.stale),
        }
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
        let goes = |rule: &Rule| rule.peer == place && !rule.is_in(declared);
        // Mostly there is nothing to forget, and all that is not written stays in place.
        if self.rules.iter().any(goes) {
            self.rules.retain(|rule| {
                let goes = goes(rule);
                if goes {
                    turn.user.indicate(cancelled(id, rule));
                }
                !goes
            });
        }
    }

    /// Whether a rule of a module in `role` asks for messages of this module.
    fn asks_for_ours(&self, role: RoleNumber, rule: &CancellationValues) -> bool {
        let us = (self.identity.unit, self.identity.role);
        applies((self.mib, self.venture), us, role, rule)
    }

    fn resolve_mams(
        &mut self,
        contact: &ContactSummary<'_>,
        turn: &mut Turn<'_>,
    ) -> Option<Address> {
        let address = turn.transport.resolve(self.mib.primary_transport, contact.endpoint.as_str());
        if address.is_none() {
            bump(&mut self.outlet.stats.unresolved);
        }
        address
    }

    /// For each delivery vector the first delivery point of a transport service
    /// this module can transmit by (4.2.5.5.8 c). A point whose name the
    /// transport cannot make sense of is passed over.
    fn best_fits(
        &mut self,
        contact: &ContactSummary<'_>,
        points: &mut [Option<(u8, Address)>],
        turn: &mut Turn<'_>,
    ) {
        let mut free = points.iter_mut();
        for vector in contact.delivery_vectors.iter() {
            let usable = vector
                .points()
                .filter(|point| self.mib.transports.iter().any(|own| own.name == point.service))
                .find_map(|point| turn.transport.resolve(point.service, point.endpoint));
            let Some(address) = usable else {
                bump(&mut self.outlet.stats.unresolved);
                continue;
            };
            match free.next() {
                Some(slot) => *slot = Some((vector.number(), address)),
                None => bump(&mut self.outlet.stats.full),
            }
        }
    }
}

/// Other modules there can be: as many as have a place of 16 bits.
const MAX_PEERS: usize = 65_535;

fn cancelled(id: ModuleId, rule: &Rule) -> Indication {
    match rule.kind {
        RuleKind::Subscription => Indication::SubscriptionCancelled(id, rule.cancellation()),
        RuleKind::Invitation => Indication::InvitationCancelled(id, rule.cancellation()),
    }
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

//! Noting and forgetting other modules and their rules.

use super::rows::{Peer, Rule, RuleKey, RuleKind, VECTORS};
use super::{Module, bump};
use crate::ams::ids::{Domain, ModuleId, ModuleKey, RoleNumber, UnitNumber};
use crate::ams::pdu::{AssertionList, AssertionValues, CancellationValues, ContactSummary};
use crate::ams::service::{Indication, ServiceUser};
use crate::transport::{Address, Transport};

impl Module<'_> {
    /// Notes a module, or that it is reached otherwise than was known
    /// (4.2.5.5.8 a to c). False when there is no room for it.
    pub(super) fn note_peer(
        &mut self,
        id: ModuleId,
        contact: &ContactSummary<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> bool {
        let mams = self.resolve_mams(contact, transport);
        if self.peers.get(id.key()).is_some_and(|peer| peer.role != id.role || peer.mams != mams) {
            self.forget_peer(id.key(), user);
        }
        let points = self.best_fits(contact, transport);
        if let Some(peer) = self.peers.get_mut(id.key()) {
            peer.points = points;
            return true;
        }
        let peer = Peer { key: id.key(), role: id.role, mams, points, here_owed: false };
        if self.peers.insert(peer).is_err() {
            bump(&mut self.outlet.stats.full);
            return false;
        }
        user.indicate(Indication::ModuleRegistered(id));
        true
    }

    /// Forgets a module and its rules (4.2.6.4 a to d).
    pub(super) fn forget_peer(&mut self, key: ModuleKey, user: &mut dyn ServiceUser) {
        let Some(peer) = self.peers.remove(key) else {
            return;
        };
        user.indicate(Indication::ModuleUnregistered(peer.id()));
        self.forget_rules_but(peer.id(), user, |_, _| false);
    }

    /// Notes a rule of a module (4.2.10.4, 4.2.12.4).
    pub(super) fn note_rule(
        &mut self,
        id: ModuleId,
        kind: RuleKind,
        assertion: AssertionValues,
        user: &mut dyn ServiceUser,
    ) {
        if !self.knows(id) {
            return bump(&mut self.outlet.stats.unknown_module);
        }
        let AssertionValues { subject, domain, delivery_vector, priority, flow_label } = assertion;
        let key = RuleKey { subject, kind, module: id.key(), domain };
        let covers_us = self.is_in(&domain);
        let rule = Rule { key, delivery_vector, priority, flow_label, covers_us };
        let known = self.rules.contains(key);
        if self.rules.insert(rule).is_err() {
            return bump(&mut self.outlet.stats.full);
        }
        if !known {
            user.indicate(match kind {
                RuleKind::Subscription => Indication::SubscriptionAsserted(id, assertion),
                RuleKind::Invitation => Indication::InvitationAsserted(id, assertion),
            });
        }
    }

    /// Whether this very module is known: not another under its number.
    pub(super) fn knows(&self, id: ModuleId) -> bool {
        self.peers.get(id.key()).is_some_and(|peer| peer.role == id.role)
    }

    /// Forgets a rule of a module (4.2.11.4, 4.2.13.4).
    pub(super) fn forget_rule(
        &mut self,
        id: ModuleId,
        kind: RuleKind,
        CancellationValues { subject, domain }: CancellationValues,
        user: &mut dyn ServiceUser,
    ) {
        if !self.knows(id) {
            return bump(&mut self.outlet.stats.unknown_module);
        }
        let key = RuleKey { subject, kind, module: id.key(), domain };
        match self.rules.remove(key) {
            Some(_) => user.indicate(cancelled(id, key)),
            None => bump(&mut self.outlet.stats.stale),
        }
    }

    /// Makes the rules of a module agree with its declaration (4.2.9.6 c to f).
    pub(super) fn reconcile_rules(
        &mut self,
        id: ModuleId,
        subscriptions: AssertionList<'_>,
        invitations: AssertionList<'_>,
        user: &mut dyn ServiceUser,
    ) {
        self.forget_rules_but(id, user, |kind, key| {
            let list = match kind {
                RuleKind::Subscription => subscriptions,
                RuleKind::Invitation => invitations,
            };
            list.iter().any(|assertion| assertion.values().cancellation() == key)
        });
        for assertion in subscriptions.iter() {
            self.note_rule(id, RuleKind::Subscription, assertion.values(), user);
        }
        for assertion in invitations.iter() {
            self.note_rule(id, RuleKind::Invitation, assertion.values(), user);
        }
    }

    fn forget_rules_but(
        &mut self,
        id: ModuleId,
        user: &mut dyn ServiceUser,
        keep: impl Fn(RuleKind, CancellationValues) -> bool,
    ) {
        self.rules.retain(|rule| {
            let stays = rule.key.module != id.key() || keep(rule.key.kind, rule.key.cancellation());
            if !stays {
                user.indicate(cancelled(id, rule.key));
            }
            stays
        });
    }

    fn resolve_mams(
        &mut self,
        contact: &ContactSummary<'_>,
        transport: &mut dyn Transport,
    ) -> Option<Address> {
        let address = transport.resolve(self.mib.primary_transport, contact.endpoint.as_str());
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
        transport: &mut dyn Transport,
    ) -> [Option<(u8, Address)>; VECTORS] {
        let mut points = [None; VECTORS];
        let mut free = points.iter_mut();
        for vector in contact.delivery_vectors.iter() {
            let usable = vector
                .points()
                .filter(|point| self.mib.transports.iter().any(|own| own.name == point.service))
                .find_map(|point| transport.resolve(point.service, point.endpoint));
            let Some(address) = usable else {
                bump(&mut self.outlet.stats.unresolved);
                continue;
            };
            match free.next() {
                Some(slot) => *slot = Some((vector.number(), address)),
                None => bump(&mut self.outlet.stats.full),
            }
        }
        points
    }
}

fn cancelled(id: ModuleId, key: RuleKey) -> Indication {
    match key.kind {
        RuleKind::Subscription => Indication::SubscriptionCancelled(id, key.cancellation()),
        RuleKind::Invitation => Indication::InvitationCancelled(id, key.cancellation()),
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

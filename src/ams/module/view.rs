//! What a gateway sees of the module that it is.

use super::{Module, Peer, Rule, RuleKind};
use crate::ams::ids::{ContinuumNumber, Domain, ModuleKey, SubjectNumber};
use crate::ams::mib::Venture;
use crate::ams::pdu::CancellationValues;

impl<'s> Module<'s> {
    /// The local continuum.
    #[must_use]
    pub const fn continuum(&self) -> ContinuumNumber {
        self.mib.continuum.number
    }

    /// Its venture in the MIB.
    pub(in crate::ams) const fn venture(&self) -> Option<&'s Venture<'s>> {
        self.venture
    }

    /// Another module of the message space.
    pub(in crate::ams) fn peer(&self, key: ModuleKey) -> Option<&Peer> {
        self.peers.get(key)
    }

    /// The first of the other modules, or the one after `last`.
    pub(in crate::ams) fn next_peer(&self, last: Option<ModuleKey>) -> Option<ModuleKey> {
        let from = last.unwrap_or_default();
        let mut keys = self.peers.iter_from(from).map(|peer| peer.key);
        keys.find(|key| Some(*key) != last)
    }

    /// The rules of others of one kind on one subject: whose, and from where.
    pub(in crate::ams) fn rules_on(
        &self,
        kind: RuleKind,
        subject: SubjectNumber,
    ) -> impl Iterator<Item = (ModuleKey, Domain)> {
        self.rules.on(kind, subject).filter_map(|rule| {
            let peer = self.peers.at(usize::from(rule.peer))?;
            Some((peer.key, rule.domain()))
        })
    }

    /// Whether this module itself subscribes so.
    pub(in crate::ams) fn subscribes(&self, specification: &CancellationValues) -> bool {
        let key = Rule::own_key(RuleKind::Subscription, *specification);
        let own = self.own.get(key);
        own.is_some_and(|rule| rule.is_asserted())
    }
}

//! Petitions of neighbours and of modules here: taken in, followed, and told to
//! whom they concern (735.1-B-1 4.4.2 to 4.4.7).

use super::neighbours::{Neighbour, NeighbourSet as Set};
use super::petitions::{Owed, Specification, declaration};
use super::{DUPLICATE, Gateway, PLACES, RETRY, bump, forwarding, is_across};
use crate::ams::ids::ContinuumNumber;
use crate::ams::module::{RuleKind, RuleRequest};
use crate::ams::pdu::{CancellationValues, ControlCode, EnvelopeHeader};
use crate::ams::service::Fault;
use crate::time::Now;
use crate::transport::{Address, SendError, Transport};
use crate::wire::Octets;

impl Gateway<'_> {
    /// A petition assertion from a neighbour (4.4.6).
    pub(super) fn petition_asserted(&mut self, now: Now, place: u8, specification: Specification) {
        let set = Set::one(place);
        let declared = self.declared().contains(set);
        let Some(neighbour) = self.neighbours.get_mut(place) else {
            return;
        };
        if specification == declaration(neighbour.continuum) {
            let time = now.monotonic;
            if declared && neighbour.heard_at.is_some_and(|at| time < at.after(DUPLICATE)) {
                return bump(&mut self.stats.duplicates);
            }
            neighbour.heard_at = Some(time);
            neighbour.declare_at = None;
            if declared {
                neighbour.sweep_at = Some(time.after(self.config.grace));
                self.petitions.declared_anew(set);
            }
            // It may have forgotten what it was told, unless that was just now: two
            // who answer one another must come to an end.
            if neighbour.declared_at.is_none_or(|at| time >= at.after(DUPLICATE)) {
                self.petitions.owe_again(set);
            }
        } else if !declared {
            return bump(&mut self.stats.undeclared);
        }
        if self.petitions.asserted(set, specification).is_err() {
            bump(&mut self.stats.full);
        }
    }

    /// A petition cancellation from a neighbour (4.4.7).
    pub(super) fn petition_cancelled(&mut self, place: u8, specification: Specification) {
        let set = Set::one(place);
        let Some(neighbour) = self.neighbours.get_mut(place) else {
            return;
        };
        if specification == declaration(neighbour.continuum) {
            neighbour.sweep_at = None;
            neighbour.heard_at = None;
            self.greeted.take(set);
            self.petitions.retracted(set);
        } else {
            self.petitions.cancelled(set, specification);
        }
    }

    /// Makes petitions, and the gateway's own subscriptions, follow from what
    /// neighbours assert and modules subscribe to, and sends what is to be sent.
    pub(super) fn settle(&mut self, now: Now, transport: &mut dyn Transport) {
        let local = self.mib.continuum.number;
        let across = self.module.rules().filter(|(_, kind, rule)| is_across(local, *kind, rule));
        let specifications = across.map(|(_, _, rule)| rule);
        for specification in specifications.chain([declaration(local)]) {
            if self.petitions.entry(specification).is_err() {
                bump(&mut self.stats.full);
            }
        }
        let surroundings = forwarding::Surroundings::of(&self.module);
        self.petitions.settle(&self.neighbours, self.greeted, &surroundings);
        self.follow(now, transport);
        self.flush(now, transport);
    }

    /// Subscribes in the message space to what neighbours want of it, and to
    /// announcements (4.4.6.4, 4.4.7.3, 4.4.2.1.2).
    fn follow(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.module.id().is_none() {
            return;
        }
        for specification in self.petitions.subscriptions() {
            if self.module.subscribes(&specification) {
                continue;
            }
            let request = RuleRequest {
                domain: specification.domain,
                mode: self.module.usual_mode(),
                ..RuleRequest::new(specification.subject)
            };
            match self.module.subscribe(now, &request, transport) {
                Ok(()) => {}
                Err(Fault::NotAuthorisedReceiver) => bump(&mut self.stats.not_authorised),
                Err(_) => bump(&mut self.stats.full),
            }
        }
        while let Some(CancellationValues { subject, domain }) = self.unwanted_subscription() {
            if self.module.unsubscribe(now, subject, domain, transport).is_err() {
                break;
            }
        }
    }

    /// A subscription of its own that no neighbour wants any more.
    fn unwanted_subscription(&self) -> Option<Specification> {
        let own = self.module.own_rules().filter(|rule| rule.kind() == RuleKind::Subscription);
        own.map(|rule| rule.assertion().cancellation())
            .find(|specification| !self.petitions.is_subscription(specification))
    }

    /// Has the neighbour forget this gateway, if it can be told now.
    pub(super) fn retract(&mut self, place: u8, transport: &mut dyn Transport) {
        let known = self.neighbours.get(place).and_then(|neighbour| neighbour.address);
        if let Some(to) = known.or_else(|| self.address(place, transport)) {
            let retraction = Owed::Cancellation(declaration(self.mib.continuum.number));
            // Counted if it is refused; there is no later.
            let _ = self.send_petition(&to, retraction, transport);
        }
    }

    /// A neighbour is none any more.
    pub(super) fn part_from(&mut self, place: u8) {
        let set = Set::one(place);
        self.neighbours.remove(place);
        self.petitions.retracted(set);
        self.store.withdraw(set);
        self.greeted.take(set);
        self.retracting.take(set);
    }

    /// A continuum's gateway is a neighbour, if it was none before.
    pub(super) fn meet(&mut self, continuum: ContinuumNumber) {
        if self.neighbours.iter().any(|neighbour| neighbour.continuum == continuum) {
            return;
        }
        let free = PLACES.into_iter().find(|place| self.neighbours.get(*place).is_none());
        let Some(place) = free else { return bump(&mut self.stats.full) };
        if self.neighbours.insert(Neighbour::new(place, continuum)).is_err() {
            return bump(&mut self.stats.full);
        }
        if self.refresh_at.is_some() || self.module.id().is_some() {
            self.greeted.add(Set::one(place));
        }
    }

    /// Sends every neighbour what it is owed, as far as its channel takes it:
    /// petitions first, then the messages that wait.
    pub(super) fn flush(&mut self, now: Now, transport: &mut dyn Transport) {
        let declared = self.declared();
        for place in PLACES {
            let ready = self.neighbours.get(place).is_some_and(|one| now.monotonic >= one.offer_at);
            if !ready {
                continue;
            }
            let Some(to) = self.address(place, transport) else {
                // The transport is asked again, but not without end.
                self.leave_alone(now, place);
                continue;
            };
            let sent = self.flush_petitions(now, place, &to, declared, transport);
            let sent = sent.and_then(|()| self.flush_store(place, &to, transport));
            if sent.is_err() {
                self.leave_alone(now, place);
            }
        }
    }

    /// A neighbour's channel is not offered anything for a while.
    pub(super) fn leave_alone(&mut self, now: Now, place: u8) {
        if let Some(neighbour) = self.neighbours.get_mut(place) {
            neighbour.offer_at = now.monotonic.after(RETRY);
        }
    }

    fn flush_petitions(
        &mut self,
        now: Now,
        place: u8,
        to: &Address,
        declared: Set,
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        let (set, own) = (Set::one(place), declaration(self.mib.continuum.number));
        while let Some(owed) = self.petitions.next_owed(set) {
            if owed == Owed::Assertion(own) && self.retracting.contains(set) {
                self.send_petition(to, Owed::Cancellation(own), transport)?;
                self.retracting.take(set);
            }
            self.send_petition(to, owed, transport)?;
            let specification = owed.specification();
            self.petitions.told(set, specification);
            if specification == own
                && let Some(neighbour) = self.neighbours.get_mut(place)
            {
                neighbour.declared_at = Some(now.monotonic);
                let again = now.monotonic.after(self.config.repeat);
                neighbour.declare_at = (!declared.contains(set)).then_some(again);
            }
        }
        Ok(())
    }

    fn flush_store(
        &mut self,
        place: u8,
        to: &Address,
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        let set = Set::one(place);
        while let Some(key) = self.store.next_for(set) {
            let Some(octets) = self.store.read(key, self.rpdu) else {
                self.store.done(key, set, false);
                continue;
            };
            match transport.send(to, 0, octets) {
                Ok(()) => bump(&mut self.stats.sent),
                Err(SendError::TooLong) => {
                    bump(&mut self.stats.too_long);
                    self.store.done(key, set, false);
                    continue;
                }
                Err(refused) => {
                    bump(&mut self.stats.refused);
                    return Err(refused);
                }
            }
            self.store.done(key, set, true);
        }
        Ok(())
    }

    fn send_petition(
        &mut self,
        to: &Address,
        owed: Owed,
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        let (control_code, Specification { subject, domain }) = match owed {
            Owed::Assertion(of) => (ControlCode::PetitionAssertion, of),
            Owed::Cancellation(of) => (ControlCode::PetitionCancellation, of),
        };
        let header = EnvelopeHeader {
            control_code,
            continuum: domain.continuum,
            unit: domain.unit,
            source: domain.role.0,
            destination: 0,
            subject,
        };
        let sent = header
            .encode(&Octets(&[]), self.rpdu)
            .map_err(|_| SendError::TooLong)
            .and_then(|octets| transport.send(to, 0, octets));
        bump(if sent.is_ok() { &mut self.stats.sent } else { &mut self.stats.refused });
        sent
    }

    /// Where the RPDUs of the neighbour at `place` go, as soon as the transport can tell.
    pub(super) fn address(&mut self, place: u8, transport: &mut dyn Transport) -> Option<Address> {
        let neighbour = self.neighbours.get_mut(place)?;
        if neighbour.address.is_none() {
            let continuum = neighbour.continuum;
            let space =
                self.module.venture()?.remote.iter().find(|space| space.continuum == continuum)?;
            let (service, endpoint) = space.gateway.split_once('@')?;
            neighbour.address = transport.resolve(service, endpoint);
        }
        neighbour.address
    }
}

//! Petitions of neighbours and of modules here: taken in, followed, and told to
//! whom they concern (735.1-B-1 4.4.2 to 4.4.7).

use super::neighbours::{Neighbour, NeighbourSet as Set};
use super::petitions::{Owed, Specification, declaration};
use super::{DUPLICATE, Gateway, PLACES, RETRY, bump, forwarding, is_across};
use crate::ams::ids::{ContinuumNumber, SubjectNumber};
use crate::ams::module::{RuleKind, RuleRequest};
use crate::ams::pdu::{CancellationValues, ControlCode, EnvelopeHeader};
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
        // On all subjects nobody subscribes across continua (4.2.10.1.1), and nobody
        // else is the conduit for this one.
        let local = self.mib.continuum.number;
        if [SubjectNumber::ALL, local.pseudo_subject()].contains(&specification.subject) {
            return bump(&mut self.stats.inappropriate);
        }
        if specification == declaration(neighbour.continuum) {
            let time = now.monotonic;
            let acknowledged = core::mem::take(&mut neighbour.acknowledged);
            if declared && neighbour.heard_at.is_some_and(|at| time < at.after(DUPLICATE)) {
                return bump(&mut self.stats.duplicates);
            }
            neighbour.heard_at = Some(time);
            neighbour.declare_at = None;
            neighbour.retracted = false;
            if declared && neighbour.sweep_at.is_none() {
                neighbour.sweep_at = Some(time.after(self.config.grace));
                self.petitions.declared_anew(set);
            }
            // It may have forgotten what it was told, unless it says that it has not, or
            // it was told just now: two who answer one another must come to an end.
            let just_told = neighbour.declared_at.is_some_and(|at| time < at.after(DUPLICATE));
            if !acknowledged && !just_told {
                self.petitions.owe_again(set);
            }
        } else if !declared {
            return bump(&mut self.stats.undeclared);
        }
        if self.petitions.asserted(&self.neighbours, set, specification).is_err() {
            bump(&mut self.stats.full);
        }
    }

    /// A petition cancellation from a neighbour (4.4.7).
    pub(super) fn petition_cancelled(&mut self, now: Now, place: u8, specification: Specification) {
        let set = Set::one(place);
        let declared = self.declared().contains(set);
        let Some(neighbour) = self.neighbours.get_mut(place) else {
            return;
        };
        if specification == declaration(self.mib.continuum.number) {
            neighbour.acknowledged = true;
        } else if specification == declaration(neighbour.continuum) {
            neighbour.sweep_at = None;
            neighbour.heard_at = None;
            neighbour.acknowledged = false;
            if declared {
                // It will declare itself when it is back. But where channels lose RPDUs both
                // may wait for that: it is greeted again after a while.
                self.greeted.take(set);
                neighbour.retracted = true;
                neighbour.declare_at =
                    self.config.refresh.map(|period| now.monotonic.after(period));
            }
            self.petitions.retracted(set);
        } else {
            self.petitions.cancelled(set, specification);
        }
    }

    /// Makes petitions, and the gateway's own subscriptions, follow from what
    /// neighbours assert and modules subscribe to, and sends what is to be sent.
    pub(super) fn settle(&mut self, now: Now, transport: &mut dyn Transport) {
        let local = self.mib.continuum.number;
        self.petitions.drop_idle();
        let across = self.module.rules().filter(|(_, kind, rule)| is_across(local, *kind, rule));
        let specifications = across.map(|(_, _, rule)| rule);
        for specification in core::iter::once(declaration(local)).chain(specifications) {
            if self.petitions.entry(&self.neighbours, specification).is_err() {
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
        if self.fixed {
            let own = || self.module.own_rules().filter(|own| own.kind() == RuleKind::Subscription);
            let covered = |wanted: &Specification| {
                own().any(|rule| rule.assertion().subject == wanted.subject)
            };
            for _ in self.petitions.subscriptions().filter(|wanted| !covered(wanted)) {
                bump(&mut self.stats.not_subscribed);
            }
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
            if self.module.subscribe(now, &request, transport).is_err() {
                bump(&mut self.stats.not_subscribed);
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

    /// Begins to take part in the RAMS network: knows of nothing that was, retracts
    /// itself and declares itself (4.4.2.1).
    pub(super) fn commence(&mut self, now: Now, transport: &mut dyn Transport) {
        self.forget_petitions();
        self.active = true;
        let all = self.neighbours.iter().fold(Set::EMPTY, |all, one| all.union(one.set()));
        self.greeted = all;
        self.retracting = all;
        self.refresh_at = self.config.refresh.map(|period| now.monotonic.after(period));
        self.settle(now, transport);
    }

    /// Takes part no longer (4.4.2.2.3).
    pub(super) fn cease(&mut self, now: Now, transport: &mut dyn Transport) {
        for place in PLACES {
            self.retract(now, place, transport);
        }
        self.forget_petitions();
        self.active = false;
        self.greeted = Set::EMPTY;
        self.retracting = Set::EMPTY;
        self.refresh_at = None;
    }

    fn forget_petitions(&mut self) {
        self.petitions.clear();
        for neighbour in self.neighbours.iter_mut() {
            neighbour.forget_exchange();
        }
    }

    /// Has the neighbour forget this gateway, if it can be told now.
    pub(super) fn retract(&mut self, now: Now, place: u8, transport: &mut dyn Transport) {
        if let Some(to) = self.address(now, place, transport) {
            let retraction = Owed::Cancellation(declaration(self.mib.continuum.number));
            // Counted if it is refused; there is no later.
            let _ = self.send_petition((place, &to), retraction, transport);
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
        let row = free.map(|place| Neighbour::new(place, continuum));
        let set = row.and_then(|row| self.neighbours.insert(row).ok()).map(|one| one.set());
        match set {
            Some(set) if self.active => self.greeted.add(set),
            Some(_) => {}
            None => bump(&mut self.stats.neighbours_full),
        }
    }

    /// Sends every neighbour what it is owed, as far as its channel takes it:
    /// petitions first, then the messages that wait.
    pub(super) fn flush(&mut self, now: Now, transport: &mut dyn Transport) {
        let declared = self.declared();
        for place in PLACES {
            let set = Set::one(place);
            let ready = self.neighbours.get(place).is_some_and(|one| now.monotonic >= one.offer_at);
            if !ready || !self.owes(set, declared) {
                continue;
            }
            let Some(to) = self.address(now, place, transport) else { continue };
            let mut sent = self.flush_petitions(now, place, &to, declared, transport);
            if sent.is_ok() && declared.contains(set) {
                sent = self.flush_store(place, &to, transport);
            }
            if sent.is_err() {
                self.leave_alone(now, place);
            }
        }
    }

    /// Whether there is something for a neighbour: petitions, or messages if it has
    /// declared itself.
    pub(super) fn owes(&self, neighbour: Set, declared: Set) -> bool {
        self.petitions.next_owed(neighbour).is_some()
            || declared.contains(neighbour) && self.store.next_for(neighbour).is_some()
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
                self.send_petition((place, to), Owed::Cancellation(own), transport)?;
                self.retracting.take(set);
            }
            if owed == Owed::Assertion(own)
                && declared.contains(set)
                && let Some(neighbour) = self.neighbours.get(place)
            {
                // It need not answer: that it leads here it never asserts.
                let heard = Owed::Cancellation(declaration(neighbour.continuum));
                self.send_petition((place, to), heard, transport)?;
            }
            self.send_petition((place, to), owed, transport)?;
            let specification = owed.specification();
            self.petitions.told(set, specification);
            if specification == own
                && let Some(neighbour) = self.neighbours.get_mut(place)
            {
                neighbour.declared_at = Some(now.monotonic);
                let period = match neighbour.retracted {
                    true => self.config.refresh,
                    false => Some(self.config.repeat),
                };
                let again = period.map(|period| now.monotonic.after(period));
                neighbour.declare_at = again.filter(|_| !declared.contains(set));
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
            let length = octets.len();
            match self.send_rpdu(place, to, length, transport) {
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
        (place, to): (u8, &Address),
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
            .map(|octets| octets.len())
            .map_err(|_| SendError::TooLong)
            .and_then(|length| self.send_rpdu(place, to, length, transport));
        bump(if sent.is_ok() { &mut self.stats.sent } else { &mut self.stats.refused });
        sent
    }

    /// Where the RPDUs of the neighbour at `place` go, as soon as the transport can
    /// tell. It is asked again, but not all the time.
    pub(super) fn address(
        &mut self,
        now: Now,
        place: u8,
        transport: &mut dyn Transport,
    ) -> Option<Address> {
        let neighbour = self.neighbours.get(place)?;
        if neighbour.address.is_some() || now.monotonic < neighbour.offer_at {
            return neighbour.address;
        }
        let continuum = neighbour.continuum;
        let remote = self.module.venture().map_or(&[][..], |venture| venture.remote);
        let space = remote.iter().find(|space| space.continuum == continuum);
        // Octet by octet: the search for a character has a way to a panic.
        let place_of = space.and_then(|space| {
            let at = space.gateway.bytes().position(|octet| octet == b'@')?;
            let (service, endpoint) = space.gateway.split_at_checked(at)?;
            Some((service, endpoint.get(1..)?))
        });
        let address = place_of.and_then(|(service, at)| transport.resolve(service, at));
        match self.neighbours.get_mut(place) {
            Some(neighbour) if address.is_some() => neighbour.address = address,
            _ => self.leave_alone(now, place),
        }
        address
    }
}

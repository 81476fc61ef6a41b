//! Messages: from the message space to neighbours, from neighbours to the message
//! space and to other neighbours (735.1-B-1 4.4.8 to 4.4.10).

use super::neighbours::NeighbourSet as Set;
use super::petitions::{self, Source, Specification};
use super::{Gateway, Neighbour, PLACES, bump, declaration, is_across, specification};
use crate::ams::ids::{
    ContinuumNumber, Domain, ModuleKey, ModuleNumber, Priority, RoleNumber, SubjectNumber,
    UnitNumber,
};
use crate::ams::mib::{RamsNetwork, Venture};
use crate::ams::module::{Module, RuleKind};
use crate::ams::pdu::{Aams, ControlCode, Envelope, EnvelopeHeader, MessageType};
use crate::ams::service::{Fault, Message};
use crate::time::Now;
use crate::transport::{Address, SendError, Transport};

/// What of the message space petitions and messages are judged by.
pub(super) struct Surroundings<'m, 's> {
    module: &'m Module<'s>,
    local: ContinuumNumber,
    venture: Option<&'s Venture<'s>>,
}

impl<'m, 's> Surroundings<'m, 's> {
    pub(super) fn of(module: &'m Module<'s>) -> Self {
        Self { module, local: module.continuum(), venture: module.venture() }
    }

    /// Whether `receiver` has a rule of `kind` for `subject`, or all subjects, that
    /// includes `source`, and may receive on the subject.
    fn asks_for(
        &self,
        receiver: ModuleKey,
        kind: RuleKind,
        subject: SubjectNumber,
        source: &Source,
    ) -> bool {
        use petitions::Surroundings as _;
        let role = self.module.peer(receiver).map(|peer| peer.id().role);
        let may = self
            .venture
            .is_none_or(|venture| role.is_some_and(|role| venture.may_receive(role, subject)));
        may && [subject, SubjectNumber::ALL].into_iter().any(|subject| {
            self.module
                .rules_on(kind, subject)
                .filter(|(module, _)| *module == receiver)
                .any(|(_, domain)| self.includes(&domain, source))
        })
    }

    /// Whether the unit and the role of `module` are those of a domain's modules.
    fn is_in(&self, (unit, role): (UnitNumber, u8), module: ModuleKey) -> bool {
        let outer =
            self.venture.map_or(unit == module.unit, |venture| venture.contains(unit, module.unit));
        let known = self.module.peer(module).map(|peer| peer.id().role);
        outer && (role == RoleNumber::ALL.0 || known == Some(RoleNumber(role)))
    }
}

impl petitions::Surroundings for Surroundings<'_, '_> {
    fn is_wanted(&self, Specification { subject, domain }: &Specification) -> bool {
        let of = Specification { subject: *subject, domain: *domain };
        is_across(self.local, RuleKind::Subscription, &of)
            && self.module.rules_on(RuleKind::Subscription, *subject).any(|(_, own)| own == *domain)
    }

    fn includes(&self, domain: &Domain, source: &Source) -> bool {
        (domain.continuum == ContinuumNumber::ALL || domain.continuum == source.continuum)
            && self.venture.map_or(domain.unit == source.unit, |venture| {
                venture.contains(domain.unit, source.unit)
            })
            && (domain.role == RoleNumber::ALL || domain.role == source.role)
    }
}

/// What arrives.
impl Gateway<'_> {
    /// Takes a datagram that arrived at a delivery point of the module: a message
    /// to forward (4.4.8, 4.4.9).
    ///
    /// # Errors
    /// The [`Fault`] for which it is discarded as a message. What cannot be
    /// forwarded is counted.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive_aams(
        &mut self,
        now: Now,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let message = self.module.admit_aams(octets)?;
        if message.message_type() != MessageType::Unary {
            bump(&mut self.stats.inappropriate);
        } else if message.subject().is_application() {
            self.forward_published(now, &message, transport);
        } else {
            self.forward_private(now, &message, transport);
        }
        Ok(())
    }

    /// Takes a datagram that arrived where this gateway receives RPDUs.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive_rams(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) {
        bump(&mut self.stats.received);
        self.unsealed(now, from, octets, transport);
    }

    /// Takes an RPDU in clear. It is from the neighbour `known`, if its address or its key
    /// says so.
    pub(super) fn take_rpdu(
        &mut self,
        now: Now,
        from: &Address,
        known: Option<u8>,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) {
        let envelope = match Envelope::parse(octets) {
            Ok(envelope) => envelope,
            Err(fault) => {
                bump(&mut self.stats.malformed);
                self.stats.last_malformed = Some(fault);
                return;
            }
        };
        if !self.active {
            return bump(&mut self.stats.inappropriate);
        }
        let header = envelope.header();
        let Some(place) = known.or_else(|| self.place_by_declaration(from, &header)) else {
            return bump(&mut self.stats.strangers);
        };
        match (header.control_code, envelope.content()) {
            (ControlCode::PetitionAssertion, _) => {
                self.petition_asserted(now, place, specification(&header));
                self.settle(now, transport);
            }
            (ControlCode::PetitionCancellation, _) => {
                self.petition_cancelled(now, place, specification(&header));
                self.settle(now, transport);
            }
            (_, Some(content)) if self.declared().contains(Set::one(place)) => {
                self.take_message(now, place, &header, &content, transport);
            }
            _ => bump(&mut self.stats.undeclared),
        }
    }

    /// Which neighbour receives, or is known to send, at an address.
    pub(super) fn place_by_address(
        &mut self,
        now: Now,
        from: &Address,
        transport: &mut dyn Transport,
    ) -> Option<u8> {
        for place in PLACES {
            if self.address(now, place, transport) == Some(*from) {
                return Some(place);
            }
        }
        let known = self.neighbours.iter().find(|one| one.alias == Some(*from));
        known.map(|neighbour| neighbour.place)
    }

    /// Which neighbour declares itself, in clear, from an address at which it does not
    /// receive. It is known there from now on.
    fn place_by_declaration(&mut self, from: &Address, header: &EnvelopeHeader) -> Option<u8> {
        let stated = specification(header);
        let declares = |one: &&Neighbour| declaration(one.continuum) == stated;
        let Neighbour { place, continuum, .. } = *self.neighbours.iter().find(declares)?;
        // Who has a key says so by it.
        if !self.channel_key(continuum).is_empty() {
            return None;
        }
        self.neighbours.get_mut(place)?.alias = Some(*from);
        Some(place)
    }

    /// A message from a neighbour (4.4.10).
    fn take_message(
        &mut self,
        now: Now,
        place: u8,
        header: &EnvelopeHeader,
        content: &Aams<'_>,
        transport: &mut dyn Transport,
    ) {
        let is_tree = self.petitions.network() == RamsNetwork::Tree;
        let local = self.mib.continuum.number;
        let from = Set::one(place);
        let source = Source {
            continuum: content.source_continuum(),
            unit: content.source().unit,
            role: RoleNumber(header.source),
        };
        let is_here = header.continuum == local;
        // It was sent in a remote continuum (4.4.10.2.1), on the subject that was judged
        // there (4.4.8.3).
        let own = [local, ContinuumNumber::ALL].contains(&source.continuum);
        if own || header.subject != content.subject() {
            return bump(&mut self.stats.inappropriate);
        }
        match header.control_code {
            ControlCode::PublishOnReception => {
                if is_tree {
                    let surroundings = Surroundings::of(&self.module);
                    let subject = content.subject();
                    let interested = self.petitions.interested(subject, &source, &surroundings);
                    self.forward(now, interested.without(from), header, content, transport);
                }
                self.distribute(content, transport, |surroundings, module| {
                    let kind = RuleKind::Subscription;
                    surroundings.asks_for(module, kind, content.subject(), &source)
                });
            }
            ControlCode::SendOnReception if is_here => {
                let module = ModuleNumber(header.destination);
                let to = ModuleKey { unit: header.unit, module };
                let (kind, subject) = (RuleKind::Invitation, content.subject());
                if Surroundings::of(&self.module).asks_for(to, kind, subject, &source) {
                    self.hand_over(to, content, transport);
                } else {
                    bump(&mut self.stats.not_invited);
                }
            }
            ControlCode::AnnounceOnReception
                if is_here || header.continuum == ContinuumNumber::ALL =>
            {
                if is_tree && !is_here {
                    let others = self.declared().without(from);
                    self.forward(now, others, header, content, transport);
                }
                self.distribute(content, transport, |surroundings, module| {
                    let kind = RuleKind::Invitation;
                    surroundings.is_in((header.unit, header.destination), module)
                        && surroundings.asks_for(module, kind, content.subject(), &source)
                });
            }
            // For another continuum: this gateway is on the way to it, in a tree.
            _ if is_tree && header.continuum != ContinuumNumber::ALL => {
                self.forward_to_conduit(now, from, header, content, transport);
            }
            _ => bump(&mut self.stats.inappropriate),
        }
    }
}

/// What goes on.
impl Gateway<'_> {
    /// A message that was published in the message space (4.4.9).
    fn forward_published(&mut self, now: Now, message: &Aams<'_>, transport: &mut dyn Transport) {
        let role = self.role_of(message.source());
        let unit = message.source().unit;
        let source = Source { continuum: message.source_continuum(), unit, role };
        let header = EnvelopeHeader {
            control_code: ControlCode::PublishOnReception,
            continuum: ContinuumNumber::ALL,
            unit: UnitNumber::ROOT,
            source: role.0,
            destination: 0,
            subject: message.subject(),
        };
        let surroundings = Surroundings::of(&self.module);
        let to = self.petitions.interested(message.subject(), &source, &surroundings);
        self.forward(now, to, &header, message, transport);
    }

    /// A message on a pseudo-subject holds an envelope for other continua (4.4.8).
    fn forward_private(&mut self, now: Now, message: &Aams<'_>, transport: &mut dyn Transport) {
        let envelope = match Envelope::parse_enclosed(message.data(), Aams::HEADER_LEN) {
            Ok(envelope) => envelope,
            Err(fault) => {
                bump(&mut self.stats.malformed);
                self.stats.last_malformed = Some(fault);
                return;
            }
        };
        let header = envelope.header();
        let announcement = header.control_code == ControlCode::AnnounceOnReception;
        let private = announcement || header.control_code == ControlCode::SendOnReception;
        let Some(content) = envelope.content().filter(|_| private) else {
            return bump(&mut self.stats.inappropriate);
        };
        // What is judged here is what is delivered there, and who sends it is who says so.
        let source = (message.source_continuum(), message.source());
        if header.subject != content.subject()
            || source != (content.source_continuum(), content.source())
        {
            return bump(&mut self.stats.inappropriate);
        }
        let role = self.role_of(message.source());
        let pretends = role != RoleNumber::ALL && role != RoleNumber(header.source);
        let venture = self.module.venture();
        if pretends || venture.is_some_and(|venture| !venture.may_send(role, header.subject)) {
            return bump(&mut self.stats.not_authorised);
        }
        if header.continuum != ContinuumNumber::ALL {
            self.forward_to_conduit(now, Set::EMPTY, &header, &content, transport);
        } else if announcement {
            self.forward(now, self.declared(), &header, &content, transport);
        } else {
            bump(&mut self.stats.inappropriate);
        }
    }

    /// Forwards to the conduit for the destination, unless it came `from` there.
    fn forward_to_conduit(
        &mut self,
        now: Now,
        from: Set,
        header: &EnvelopeHeader,
        content: &Aams<'_>,
        transport: &mut dyn Transport,
    ) {
        let conduit = self.petitions.conduit(&self.neighbours, header.continuum).without(from);
        if conduit.is_empty() || header.continuum == self.mib.continuum.number {
            return bump(&mut self.stats.no_conduit);
        }
        self.forward(now, conduit, header, content, transport);
    }

    /// Sends a message to neighbours, or has it wait for those whose channels are
    /// away or behind.
    fn forward(
        &mut self,
        now: Now,
        to: Set,
        header: &EnvelopeHeader,
        content: &Aams<'_>,
        transport: &mut dyn Transport,
    ) {
        let mut waiting = Set::EMPTY;
        for place in to.places() {
            let set = Set::one(place);
            let behind = self.store.next_for(set).is_some();
            let ready = self.neighbours.get(place).is_some_and(|one| now.monotonic >= one.offer_at);
            let address = self.address(now, place, transport).filter(|_| ready && !behind);
            let Some(address) = address else {
                waiting.add(set);
                continue;
            };
            let encoded = header.encode(&content.enclosure(), self.rpdu).map(|octets| octets.len());
            let sent = encoded
                .map_err(|_| SendError::TooLong)
                .and_then(|length| self.send_rpdu(place, &address, length, transport));
            match sent {
                Ok(()) => bump(&mut self.stats.sent),
                Err(SendError::TooLong) => bump(&mut self.stats.too_long),
                Err(_) => {
                    bump(&mut self.stats.refused);
                    waiting.add(set);
                    self.leave_alone(now, place);
                }
            }
        }
        if waiting.is_empty() {
            return;
        }
        let priority = content.priority().unwrap_or(Priority::DEFAULT);
        match header.encode(&content.enclosure(), self.rpdu) {
            // What is refused there is counted there.
            Ok(octets) => _ = self.store.keep(waiting, priority, now.monotonic, octets),
            Err(_) => bump(&mut self.stats.too_long),
        }
    }

    /// Sends a message to every module here for which `wants` is true.
    fn distribute(
        &mut self,
        content: &Aams<'_>,
        transport: &mut dyn Transport,
        wants: impl Fn(&Surroundings<'_, '_>, ModuleKey) -> bool,
    ) {
        let mut next = self.module.next_peer(None);
        while let Some(module) = next {
            if wants(&Surroundings::of(&self.module), module) {
                self.hand_over(module, content, transport);
            }
            next = self.module.next_peer(Some(module));
        }
    }

    /// Sends a message to a module here, enclosed in one on the pseudo-subject of
    /// this continuum (4.4.10.2.3, 4.4.10.3.3).
    fn hand_over(&mut self, to: ModuleKey, content: &Aams<'_>, transport: &mut dyn Transport) {
        let local = self.mib.continuum.number;
        let Ok(data) = content.enclosure().write(self.rpdu) else {
            return bump(&mut self.stats.not_delivered);
        };
        let message =
            Message { priority: content.priority(), ..Message::new(local.pseudo_subject(), data) };
        let sent = self.module.send((local, to), &message, transport);
        bump(match sent {
            Ok(()) => &mut self.stats.delivered,
            Err(_) => &mut self.stats.not_delivered,
        });
    }

    /// The role of a module here; that of none, if it is not known.
    fn role_of(&self, module: ModuleKey) -> RoleNumber {
        self.module.peer(module).map_or(RoleNumber::ALL, |peer| peer.id().role)
    }
}

//! What arrives: MPDUs, which change what the module knows, and messages, which
//! are delivered.

use super::noting::cancelled;
use super::{Membership, Module, RuleKind, Turn, bump};
use crate::ams::ids::{
    ModuleId, ModuleKey, ModuleNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use crate::ams::pdu::{
    Aams, ContactSummary, Content, Declaration, MessageType, ModuleList, ModuleStatus,
    ModuleStatusList, Mpdu,
};
use crate::ams::routing::domain_includes;
use crate::ams::service::{Delivery, Fault, Received, ServiceUser};
use crate::time::Now;
use crate::transport::{Address, Transport};

/// How much of its rules the status of a module tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Some: an *I_am_here* that would be too long is split.
    Part,
    /// All there are: a rule it does not tell is no more (4.2.9.6 c to f).
    All,
}

/// MPDUs.
impl Module<'_> {
    /// Takes a datagram that arrived at the MAMS endpoint.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive_mams(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) {
        let turn = &mut Turn { now: &now, transport, user };
        bump(&mut self.outlet.stats.received);
        if !self.outlet.admits(turn.now, octets) {
            return;
        }
        let mpdu = match Mpdu::parse(octets) {
            Ok(mpdu) => mpdu,
            Err(fault) => return self.outlet.stats.note_malformed(fault),
        };
        self.outlet.stats.note_deviations(mpdu.deviations());
        let venture = mpdu.sender().venture;
        if venture != self.identity.venture && venture != VentureNumber(0) {
            return bump(&mut self.outlet.stats.not_ours);
        }
        match self.membership {
            Membership::Outside | Membership::Dead => {
                bump(&mut self.outlet.stats.inappropriate);
            }
            Membership::Joining | Membership::Member(_) => {
                let content = &mpdu.content();
                self.take(from, (mpdu.sender().unit, content), turn);
            }
        }
    }

    /// Takes what the configuration server or the registrar says to this module, or what
    /// is said about modules of the message space.
    fn take(
        &mut self,
        from: &Address,
        (unit, content): (UnitNumber, &Content<'_>),
        turn: &mut Turn<'_>,
    ) {
        match *content {
            Content::CellSpec { cell, .. } if cell.unit != self.identity.unit => {
                bump(&mut self.outlet.stats.not_ours);
            }
            Content::CellSpec { echo, .. } | Content::RegistrarUnknown { echo } => {
                if !self.interrogation.answered(echo, from) {
                    bump(&mut self.outlet.stats.stale);
                } else if let Content::CellSpec { cell, .. } = *content {
                    self.located(cell.registrar, turn);
                } else {
                    self.not_located(turn);
                }
            }
            Content::Rejection { echo, reason } => {
                if self.close_request(echo, true) {
                    self.retry_at = turn.after(&self.mib.timers.n2);
                    turn.fault(Fault::Rejected(reason));
                }
            }
            Content::YouAreIn { echo, module } => {
                if self.close_request(echo, true) {
                    self.admitted(from, module, turn);
                }
            }
            Content::Reconnected { echo } => {
                if self.close_request(echo, false) {
                    self.reconnected(turn);
                }
            }
            Content::Heartbeat { source: ModuleNumber::NONE } => {
                if unit == self.identity.unit {
                    self.pulse.heard(turn.now.monotonic);
                } else {
                    bump(&mut self.outlet.stats.not_ours);
                }
            }
            Content::YouAreDead if self.membership != Membership::Joining => self.die(turn),
            Content::IAmStarting { module, ref contact } => {
                self.take_start(module, contact, true, turn);
            }
            Content::ModuleHasStarted { module, ref contact } => {
                self.take_start(module, contact, false, turn);
            }
            Content::IAmHere { modules } => self.take_statuses(modules, Told::Part, turn),
            Content::ModuleStatus { modules, .. } => {
                self.take_statuses(modules, Told::All, turn);
            }
            Content::IAmStopping { module } => self.take_stop(module, turn),
            Content::CellStatus { unit, modules } => self.take_cell_status(unit, modules, turn),
            Content::Subscribe { module, assertion } | Content::Invite { module, assertion } => {
                let kind = match content {
                    Content::Subscribe { .. } => RuleKind::Subscription,
                    _ => RuleKind::Invitation,
                };
                self.set_rule(module, kind, (&assertion.values(), true), turn);
            }
            Content::Unsubscribe { module, cancellation }
            | Content::Disinvite { module, cancellation } => {
                let kind = match content {
                    Content::Unsubscribe { .. } => RuleKind::Subscription,
                    _ => RuleKind::Invitation,
                };
                self.set_rule(module, kind, (&cancelled(cancellation.values()), false), turn);
            }
            _ => bump(&mut self.outlet.stats.inappropriate),
        }
    }

    /// A module has been registered (4.2.5.5.8, 4.2.5.5.9).
    fn take_start(
        &mut self,
        id: ModuleId,
        contact: &ContactSummary<'_>,
        wants_state: bool,
        turn: &mut Turn<'_>,
    ) {
        if self.is_me(id) || !self.note_peer(id, contact, turn) {
            return;
        }
        if wants_state {
            self.introduce_to(id.key(), turn);
        }
    }

    /// The state of modules that were here before (4.2.5.5.10), or as they declare it
    /// (4.2.9.6).
    fn take_statuses(&mut self, modules: ModuleStatusList<'_>, told: Told, turn: &mut Turn<'_>) {
        for ModuleStatus { id, contact, declaration } in modules.iter() {
            if self.is_me(id) || !self.note_peer(id, &contact, turn) {
                continue;
            }
            if told == Told::All {
                self.forget_rules_beside(id, &declaration, turn);
            }
            let Declaration { subscriptions, invitations } = declaration;
            let lists =
                [(RuleKind::Subscription, subscriptions), (RuleKind::Invitation, invitations)];
            for (kind, list) in lists {
                for assertion in list.iter() {
                    self.set_rule(id, kind, (&assertion.values(), true), turn);
                }
            }
        }
    }

    /// A module has terminated (4.2.6.4).
    ///
    /// A restarted registrar may not know the role of a module that it has only
    /// heard of (2.3.7): role 0 is any.
    fn take_stop(&mut self, id: ModuleId, turn: &mut Turn<'_>) {
        let is = |role| id.role == RoleNumber::ALL || id.role == role;
        if self.is_me(id) && is(self.identity.role) {
            self.die(turn);
        } else if self.peers.get(id.key()).is_some_and(|peer| is(peer.role)) {
            self.forget_peer(id.key(), turn);
        } else {
            bump(&mut self.outlet.stats.unknown_module);
        }
    }

    /// The membership of a cell (4.2.9.3).
    fn take_cell_status(&mut self, unit: UnitNumber, modules: ModuleList<'_>, turn: &mut Turn<'_>) {
        let absent = |key: &ModuleKey| key.unit == unit && !modules.contains(key.module);
        loop {
            let gone = self.peers.iter().map(|peer| peer.key).find(absent);
            let Some(gone) = gone else { break };
            self.forget_peer(gone, turn);
        }
        if unit == self.identity.unit {
            self.status_owed = true;
            self.do_what_is_due(turn);
        }
    }

    /// Nobody has number 0, which is this module's while it has none.
    fn is_me(&self, id: ModuleId) -> bool {
        self.known_as().key() == id.key()
    }

    /// Closes the request that `echo` answers, a registration when `joining`, else a
    /// reconnection. False and counted when it answers none.
    fn close_request(&mut self, echo: u32, joining: bool) -> bool {
        if joining != (self.membership == Membership::Joining) {
            bump(&mut self.outlet.stats.inappropriate);
            return false;
        }
        if self.request.is_some_and(|request| request.query == echo) {
            self.request = None;
            return true;
        }
        bump(&mut self.outlet.stats.stale);
        false
    }
}

/// Messages.
impl Module<'_> {
    /// Takes a datagram that arrived at a delivery point. It yields exactly one
    /// indication, whose data lie in `octets` (4.3.8). Messages that are encrypted or
    /// marshalled are for [`Module::receive_aams_in`].
    ///
    /// # Errors
    /// The [`Fault`] for which the message is discarded.
    pub fn receive_aams<'d>(&mut self, octets: &'d [u8]) -> Result<Delivery<'d>, Fault> {
        self.receive_aams_in(octets, &mut [])
    }

    /// The same, with room to decrypt and to un-marshal data in; those of a message
    /// that needs it lie there. As long as the datagram is enough to decrypt, and as
    /// much more as un-marshalled data take.
    ///
    /// # Errors
    /// The [`Fault`] for which the message is discarded.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive_aams_in<'d>(
        &mut self,
        octets: &'d [u8],
        room: &'d mut [u8],
    ) -> Result<Delivery<'d>, Fault> {
        let mut fault = Fault::NotRegistered;
        self.take_aams(octets, room, &mut fault).ok_or(fault)
    }

    /// The same. What is wrong is told by reference here and below, for a fault is four
    /// words to be copied wherever it is passed on.
    fn take_aams<'d>(
        &mut self,
        octets: &'d [u8],
        room: &'d mut [u8],
        fault: &mut Fault,
    ) -> Option<Delivery<'d>> {
        let message = self.read_aams(octets, fault)?;
        let role = self.peers.get(message.source()).map(|peer| peer.role);
        let forwarded = match role {
            Some(role) => role == RoleNumber::RAMS_GATEWAY,
            None => message.subject() == self.mib.continuum.number.pseudo_subject(),
        };
        if forwarded {
            // The message that a gateway forwards is the one to deliver (4.3.8.1.2).
            let enclosed = self.parse_aams(message.data(), true, fault)?;
            return self.deliver(&enclosed, room, fault);
        }
        self.check_source(&message, role, fault)?;
        self.deliver(&message, room, fault)
    }

    /// Takes a message to pass on as it is: what a gateway does with those it
    /// subscribes to.
    pub(in crate::ams) fn admit_aams<'d>(&mut self, octets: &'d [u8]) -> Result<Aams<'d>, Fault> {
        let mut fault = Fault::NotRegistered;
        self.pass_aams(octets, &mut fault).ok_or(fault)
    }

    fn pass_aams<'d>(&mut self, octets: &'d [u8], fault: &mut Fault) -> Option<Aams<'d>> {
        let message = self.read_aams(octets, fault)?;
        let role = self.peers.get(message.source()).map(|peer| peer.role);
        self.check_source(&message, role, fault)?;
        bump(&mut self.stats.delivered);
        Some(message)
    }

    /// A message of the local continuum, while this module is a member.
    fn read_aams<'d>(&mut self, octets: &'d [u8], fault: &mut Fault) -> Option<Aams<'d>> {
        bump(&mut self.stats.received);
        let message = self.parse_aams(octets, false, fault)?;
        let continuum = message.source_continuum();
        let is_member = matches!(self.membership, Membership::Member(_));
        if is_member && continuum == self.mib.continuum.number {
            return Some(message);
        }
        bump(&mut self.stats.inappropriate);
        *fault = if is_member { Fault::ForeignContinuum(continuum) } else { Fault::NotRegistered };
        None
    }

    /// Whether `octets` begin as a message of a module that is known. A driver that has
    /// MPDUs and messages waiting may deliver such a message first, and others when
    /// it has read the MPDUs.
    #[must_use]
    pub fn knows_source(&self, octets: &[u8]) -> bool {
        Aams::peek_source(octets).is_some_and(|source| self.peers.contains(source))
    }

    /// Reads a message: a datagram, or one that is enclosed in a message. What is to be
    /// said of it is counted.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn parse_aams<'d>(
        &mut self,
        octets: &'d [u8],
        enclosed: bool,
        fault: &mut Fault,
    ) -> Option<Aams<'d>> {
        let message = if enclosed {
            Aams::parse_enclosed(octets, Aams::HEADER_LEN)
        } else {
            Aams::parse(octets)
        };
        match message {
            Ok(message) => {
                self.outlet.stats.note_deviations(message.deviations());
                Some(message)
            }
            Err(malformed) => {
                bump(&mut self.stats.malformed);
                *fault = Fault::Malformed(malformed);
                None
            }
        }
    }

    /// Whether the source may send to this module on the subject: it is
    /// authorised (4.3.8.1.1), and the subject is subscribed to or invited.
    fn check_source(
        &mut self,
        message: &Aams<'_>,
        role: Option<RoleNumber>,
        fault: &mut Fault,
    ) -> Option<()> {
        let subject = message.subject();
        // A module that is not known has no role to be authorised by (4.1.6).
        let known = role.unwrap_or(RoleNumber::ALL);
        if self.venture.is_some_and(|venture| !venture.may_send(known, subject)) {
            bump(&mut self.stats.not_authorised);
            *fault = Fault::SenderNotAuthorised(message.source());
            return None;
        }
        // While its introduction is on the way, any role is given credit.
        let source = (message.source().unit, role);
        let wanted = self.own.iter().any(|own| {
            own.is_asserted()
                && (own.subject == subject || own.subject == SubjectNumber::ALL)
                && domain_includes(self.venture, self.mib, &own.domain(), source)
        });
        if !wanted {
            bump(&mut self.stats.uninvited);
            *fault = Fault::Uninvited(message.source());
            return None;
        }
        Some(())
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn deliver<'d>(
        &mut self,
        message: &Aams<'d>,
        room: &'d mut [u8],
        fault: &mut Fault,
    ) -> Option<Delivery<'d>> {
        let data = self.restore(message, room).map_err(|why| *fault = why).ok()?;
        bump(&mut self.stats.delivered);
        let received = Received {
            continuum: message.source_continuum(),
            source: message.source(),
            subject: message.subject(),
            priority: message.priority().unwrap_or_default(),
            flow_label: message.flow_label(),
            context: message.context(),
            data,
        };
        Some(match message.message_type() {
            MessageType::Unary => Delivery::Message(received),
            MessageType::Query => Delivery::Query(received),
            MessageType::Reply => {
                self.queries.remove(received.context);
                Delivery::Reply(received)
            }
        })
    }
}

//! Joining, staying in and leaving the message space, and asserting rules.

use super::noting::gateway_domain;
use super::status::{Part, Statement};
use super::{Membership, Module, Request, Turn, bump};
use crate::ams::ids::{Domain, ModuleKey, ModuleNumber, Priority, RoleNumber, SubjectNumber};
use crate::ams::meta::{Pulse, RETRY};
use crate::ams::mib::ServiceMode;
use crate::ams::pdu::{AssertionValues, CancellationValues, EndpointName, MpduType};
use crate::ams::routing::{Rule, RuleKind, Standing};
use crate::ams::service::{Fault, Indication, ServiceUser};
use crate::storage::Row;
use crate::time::{Instant, Now};
use crate::transport::{Address, SendError, Transport};

/// After this many failures in a row the registrar is looked for anew.
const FAILURES_TO_RELOCATE: u8 = 2;

/// Requests of the service user.
impl Module<'_> {
    /// `Register.request`: commences participation in the message space (3.1.3).
    /// [`Indication::Registered`] tells when it has succeeded; until then faults
    /// tell what fails, and the attempt is repeated.
    ///
    /// # Errors
    /// [`Fault::AlreadyRegistered`], [`Fault::InvalidUnit`] or
    /// [`Fault::InvalidRole`]; nothing is changed then.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn register(
        &mut self,
        now: Now,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<(), Fault> {
        if matches!(self.membership, Membership::Joining | Membership::Member(_)) {
            return Err(Fault::AlreadyRegistered);
        }
        let Some(venture) = self.venture else {
            return Err(Fault::InvalidUnit);
        };
        if venture.unit(self.identity.unit).is_none() {
            return Err(Fault::InvalidUnit);
        }
        let role = self.identity.role;
        let known = venture.roles.is_empty() || venture.role(role).is_some();
        if role == RoleNumber::ALL || !(known || role == RoleNumber::RAMS_GATEWAY) {
            return Err(Fault::InvalidRole);
        }
        self.forget_all();
        self.membership = Membership::Joining;
        self.retry_at = now.monotonic;
        self.do_what_is_due(&mut Turn { now: &now, transport, user });
        Ok(())
    }

    /// `Unregister.request`: ends participation (3.1.4, 4.2.6.1). If the
    /// registrar cannot be told, it will impute the termination. Returns the
    /// `Unregister.indication` of the module itself (3.1.19.3).
    ///
    /// # Errors
    /// [`Fault::NotRegistered`] when there is nothing to end.
    pub fn unregister(
        &mut self,
        now: Now,
        transport: &mut dyn Transport,
    ) -> Result<Indication, Fault> {
        if !matches!(self.membership, Membership::Joining | Membership::Member(_)) {
            return Err(Fault::NotRegistered);
        }
        if self.registrar.is_some() && self.membership != Membership::Joining {
            let turn = &mut Turn { now: &now, transport, user: &mut nobody };
            // Counted if it is refused; there is no later.
            let _ = self.say(MpduType::I_AM_STOPPING, None, Part::ALL, turn);
        }
        let number = self.known_as().module;
        self.forget_all();
        self.membership = Membership::Outside;
        Ok(Indication::Unregistered(number))
    }

    /// `Assert_subscription.request`: asks for a copy of every message on
    /// `subject` that modules in `domain` publish (3.1.7, 4.2.10.1). Asserting
    /// again what is asserted changes its mode, priority and flow label.
    ///
    /// # Errors
    /// A [`Fault`] that says why not; nothing is changed then.
    pub fn subscribe(
        &mut self,
        now: Now,
        request: &RuleRequest,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.declare(RuleKind::Subscription, (request, true), &now, transport)
    }

    /// `Assert_invitation.request`: lets modules in `domain` send messages on
    /// `subject` privately (3.1.5, 4.2.12.1). Asserting again what is asserted
    /// changes its mode, priority and flow label.
    ///
    /// # Errors
    /// A [`Fault`] that says why not; nothing is changed then.
    pub fn invite(
        &mut self,
        now: Now,
        request: &RuleRequest,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.declare(RuleKind::Invitation, (request, true), &now, transport)
    }

    /// `Cancel_subscription.request` (3.1.8, 4.2.11.1).
    ///
    /// # Errors
    /// [`Fault::NotRegistered`], or [`Fault::RedundantCancellation`] when no such
    /// subscription is asserted.
    pub fn unsubscribe(
        &mut self,
        now: Now,
        subject: SubjectNumber,
        domain: Domain,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let request = &RuleRequest { domain, ..RuleRequest::new(subject) };
        self.declare(RuleKind::Subscription, (request, false), &now, transport)
    }

    /// `Cancel_invitation.request` (3.1.6, 4.2.13.1).
    ///
    /// # Errors
    /// [`Fault::NotRegistered`], or [`Fault::RedundantCancellation`] when no such
    /// invitation is asserted.
    pub fn disinvite(
        &mut self,
        now: Now,
        subject: SubjectNumber,
        domain: Domain,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let request = &RuleRequest { domain, ..RuleRequest::new(subject) };
        self.declare(RuleKind::Invitation, (request, false), &now, transport)
    }

    /// Asserts a rule, or cancels it.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn declare(
        &mut self,
        kind: RuleKind,
        (request, asserted): (&RuleRequest, bool),
        now: &Now,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.require_member()?;
        let RuleRequest { subject, mode, domain, priority, flow_label } = *request;
        if asserted {
            let may = self.venture.is_none_or(|v| v.may_receive(self.identity.role, subject));
            if !may {
                return Err(Fault::NotAuthorisedReceiver);
            }
            // "All continua or any other than the local one" (4.2.10.1.1).
            if subject == SubjectNumber::ALL && domain.continuum != self.mib.continuum.number {
                return Err(Fault::AllSubjectsElsewhere);
            }
            let delivery_vector = self.vector_of(mode).ok_or(Fault::NoDeliveryVector)?;
            let assertion =
                AssertionValues { subject, domain, delivery_vector, priority, flow_label };
            let row = Rule::own(kind, &assertion, Standing::ToTell);
            self.own.insert(row).map_err(|_| Fault::TableFull)?;
        } else {
            let key = Rule::own_key(kind, CancellationValues { subject, domain });
            match self.own.get_mut(key) {
                Some(row) if row.is_asserted() => row.standing = Standing::ToCancel,
                _ => return Err(Fault::RedundantCancellation),
            }
        }
        let turn = &mut Turn { now, transport, user: &mut nobody };
        self.send_rules(turn).map_or(Ok(()), |kind| Err(Fault::MpduTooLong(kind)))
    }
}

/// The user of a call that indicates nothing.
fn nobody(_: Indication) {}

/// What to subscribe to or invite (3.1.5.2, 3.1.7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleRequest {
    /// The subject; [`SubjectNumber::ALL`] for all of the local continuum.
    pub subject: SubjectNumber,
    /// How messages are to be delivered.
    pub mode: ServiceMode,
    /// Whose messages.
    pub domain: Domain,
    /// The priority asked for.
    pub priority: Priority,
    /// The flow label asked for.
    pub flow_label: u8,
}

impl RuleRequest {
    /// Messages on `subject` from everywhere, by best effort, with the defaults
    /// of 3.1.5.5: priority 8 and flow label 0.
    #[must_use]
    pub const fn new(subject: SubjectNumber) -> Self {
        Self {
            subject,
            mode: ServiceMode::BEST_EFFORT,
            domain: Domain::ALL,
            priority: Priority::DEFAULT,
            flow_label: 0,
        }
    }
}

/// What there is to do, one thing at a time.
impl Module<'_> {
    /// Whether the registrar, or its answer, is sought.
    pub(super) const fn wants_registrar(&self) -> bool {
        match self.membership {
            Membership::Joining => true,
            Membership::Member(_) => self.request.is_some(),
            Membership::Outside | Membership::Dead => false,
        }
    }

    /// Whether something for the registrar waits for the transport to take it.
    pub(super) fn owes_registrar(&self) -> bool {
        self.has_confidant() && (self.status_owed || self.untold().is_some())
    }

    /// The first own rule that the registrar has not been told of.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn untold(&self) -> Option<(usize, &Rule)> {
        self.own.iter().enumerate().find(|(_, row)| row.standing != Standing::Told)
    }

    /// Whether the registrar is known and this module is a member in its eyes: one that has
    /// to be reconnected to first would discard what it is told.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) const fn has_confidant(&self) -> bool {
        matches!(self.membership, Membership::Member(_))
            && self.request.is_none()
            && self.registrar.is_some()
    }

    /// The registrar has not answered (4.2.5.5.6).
    pub(super) fn request_failed(&mut self, turn: &mut Turn<'_>) {
        let Some(request) = self.request.as_mut() else {
            return;
        };
        request.until = Instant::MAX;
        request.failures = request.failures.saturating_add(1);
        if request.failures >= FAILURES_TO_RELOCATE {
            request.failures = 0;
            self.registrar = None;
        }
        self.retry_at = turn.now.monotonic;
        turn.fault(Fault::RegistrarSilent);
    }

    /// The registrar has not been heard of for N6 heartbeats (4.2.7.5).
    pub(super) const fn lose_registrar(&mut self, turn: &Turn<'_>) {
        self.registrar = None;
        // Not at the next beat: a registrar that was restarted lets its modules
        // reconnect for a while only (4.2.8.2 a).
        self.pulse.beat_again(turn.now.monotonic);
    }

    /// A heartbeat to the registrar, or reconnection when it is lost (4.2.7).
    pub(super) fn beat(&mut self, turn: &mut Turn<'_>) {
        self.pulse.beat(turn.now.monotonic, self.mib.timers.n4());
        if !matches!(self.membership, Membership::Member(_)) {
            return;
        }
        match (&self.request, &self.registrar) {
            (None, Some(_)) => {
                if self.say(MpduType::HEARTBEAT, None, Part::ALL, turn).is_err() {
                    self.pulse.beat_again(turn.after(&RETRY));
                }
            }
            // Required to send a heartbeat, and the location is unknown (4.2.7.1.4).
            (None, None) => {
                self.ask();
                self.retry_at = turn.now.monotonic;
            }
            (Some(_), _) => {}
        }
    }

    /// The question to the registrar: the one that is open, or a new one.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn ask(&mut self) -> &mut Request {
        let outlet = &mut self.outlet;
        self.request.get_or_insert_with(|| Request::new(outlet.next_query()))
    }

    /// Asks the configuration server where the registrar is (4.2.4.2.1).
    pub(super) fn seek_registrar(&mut self, turn: &mut Turn<'_>) {
        let query = self.outlet.next_query();
        let now = turn.now.monotonic;
        let server = self.interrogation.begin(now, query, self.mib, turn.transport);
        if server.is_none() {
            return bump(&mut self.outlet.stats.unresolved);
        }
        // If it is refused, N1 passes and the next location is asked.
        let _ = self.say(MpduType::REGISTRAR_QUERY, server.as_ref(), Part::ALL, turn);
    }

    /// Sends the registration or the reconnection, whichever is open (4.2.5.4,
    /// 4.2.8.1 b).
    pub(super) fn send_request(&mut self, turn: &mut Turn<'_>) {
        let until = turn.after(&self.mib.timers.n2);
        self.ask().until = until;
        let kind = match self.membership {
            Membership::Member(_) => MpduType::RECONNECT,
            _ => MpduType::MODULE_REGISTRATION,
        };
        let sent = self.say(kind, None, Part::ALL, turn);
        // If it is refused for now, N2 passes and it is sent again.
        self.is_owed(sent, kind, turn);
    }

    /// Sends what an MPDU of this type says of this module `to` somebody, or else to the
    /// registrar.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn say(
        &mut self,
        kind: MpduType,
        to: Option<&Address>,
        part: Part,
        turn: &mut Turn<'_>,
    ) -> Result<(), SendError> {
        let id = self.known_as();
        let Self { identity, registrar, request, peers, own, outlet, .. } = self;
        let Some(to) = to.or(registrar.as_ref()) else {
            return Err(SendError::Unreachable);
        };
        let reference = match kind {
            MpduType::HEARTBEAT => u32::from(id.module.0),
            MpduType::I_AM_HERE => 0,
            MpduType::REGISTRAR_QUERY => outlet.last_query(),
            MpduType::MODULE_REGISTRATION | MpduType::RECONNECT => {
                request.as_ref().map_or(0, |request| request.query)
            }
            _ => id.reference(),
        };
        let statement = Statement { kind, id, contact: &identity.contact, own, peers, part };
        outlet.send_raw(turn.now, to, kind, reference, &statement, turn.transport)
    }

    /// Whether what became of an MPDU that must not be lost leaves it to be offered
    /// again. One that is too long always will be: a fault.
    pub(super) fn is_owed(
        &mut self,
        sent: Result<(), SendError>,
        kind: MpduType,
        turn: &mut Turn<'_>,
    ) -> bool {
        if sent == Err(SendError::TooLong) {
            turn.fault(Fault::MpduTooLong(kind));
        }
        self.outlet.is_owed(sent)
    }

    /// Tells the registrar of own rules it has not been told of (4.2.10.1.2 b and
    /// its like). It stops where the transport does, and goes on at a later tick.
    /// What nobody can ever be told of is no rule any more: returns the type of the MPDU,
    /// for that is a fault.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn send_rules(&mut self, turn: &mut Turn<'_>) -> Option<MpduType> {
        let mut too_long = None;
        if !self.has_confidant() {
            return too_long;
        }
        while let Some((first, rule)) = self.untold() {
            let (key, kind, asserted) = (rule.key(), rule.mpdu_type(), rule.is_asserted());
            let sent = self.say(kind, None, Part { first, count: 1 }, turn);
            if sent == Err(SendError::TooLong) {
                too_long = Some(kind);
            }
            if self.outlet.is_owed(sent) {
                self.offer_at = turn.after(&RETRY);
                break;
            }
            match self.own.get_mut(key) {
                Some(row) if asserted && sent.is_ok() => row.standing = Standing::Told,
                _ => {
                    self.own.remove(key);
                }
            }
        }
        too_long
    }

    /// Sends this module's state to the registrar, if it is owed (4.2.9.3 b).
    pub(super) fn send_owed_status(&mut self, turn: &mut Turn<'_>) {
        if !self.status_owed || !self.has_confidant() {
            return;
        }
        let kind = MpduType::MODULE_STATUS;
        let sent = self.say(kind, None, Part::ALL, turn);
        self.status_owed = self.is_owed(sent, kind, turn);
        if self.status_owed {
            self.offer_at = turn.after(&RETRY);
        }
    }
}

/// What answers to this module change.
impl Module<'_> {
    /// The registrar's location, in answer to `registrar_query` (4.2.4.2.3).
    pub(super) fn located(&mut self, registrar: EndpointName<'_>, turn: &mut Turn<'_>) {
        self.registrar = turn.resolve(self.mib.primary_transport, registrar.as_bytes());
        if self.registrar.is_none() {
            bump(&mut self.outlet.stats.unresolved);
            self.retry_at = turn.after(&self.mib.timers.n1);
            return;
        }
        self.retry_at = turn.now.monotonic;
        self.do_what_is_due(turn);
    }

    /// The registrar cannot be located now (4.2.4.2.4). A reconnection waits for
    /// the next heartbeat (4.2.8.1 a); a registration is tried again after N1.
    pub(super) fn not_located(&mut self, turn: &mut Turn<'_>) {
        self.interrogation.abandon();
        self.retry_at = turn.after(&self.mib.timers.n1);
        if matches!(self.membership, Membership::Member(_)) {
            self.request = None;
        }
        turn.fault(Fault::RegistrarUnknown);
    }

    /// `you_are_in` (4.2.5.5.5).
    pub(super) fn admitted(&mut self, from: &Address, number: ModuleNumber, turn: &mut Turn<'_>) {
        self.membership = Membership::Member(number);
        self.request = None;
        // It may have been given up and be sought anew: here it is.
        if self.registrar.is_none() {
            self.registrar = Some(*from);
        }
        self.interrogation.abandon();
        self.pulse = Pulse::commence(turn.now.monotonic);
        self.retry_at = turn.now.monotonic;
        self.offer_at = turn.now.monotonic;
        // Whoever is still known under this number is no more.
        self.forget_peer(ModuleKey { unit: self.identity.unit, module: number }, turn);
        turn.user.indicate(Indication::Registered(number));
        let gateway = RuleRequest {
            domain: gateway_domain(self),
            mode: self.usual_mode(),
            ..RuleRequest::new(self.mib.continuum.number.pseudo_subject())
        };
        let asserted = (&gateway, true);
        if let Err(fault) = self.declare(RuleKind::Invitation, asserted, turn.now, turn.transport) {
            turn.fault(fault);
        }
        self.do_what_is_due(turn);
    }

    /// `reconnected` (4.2.8.4).
    pub(super) fn reconnected(&mut self, turn: &Turn<'_>) {
        self.request = None;
        self.pulse.heard(turn.now.monotonic);
    }

    /// Its termination has been imputed (4.2.8.3, 4.2.6.4 e).
    pub(super) fn die(&mut self, turn: &mut Turn<'_>) {
        self.forget_all();
        self.membership = Membership::Dead;
        turn.user.indicate(Indication::ModuleIsDead);
    }

    fn forget_all(&mut self) {
        self.registrar = None;
        self.request = None;
        self.interrogation.abandon();
        self.status_owed = false;
        self.introduce_at = Instant::MAX;
        self.peers.clear();
        self.rules.clear();
        self.own.clear();
        self.queries.clear();
    }
}

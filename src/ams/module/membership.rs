//! Joining, staying in and leaving the message space, and asserting rules.

use super::noting::gateway_domain;
use super::rows::{OwnRule, OwnState};
use super::status::{Census, One, OwnStatus};
use super::{Membership, Module, Request, Turn, bump};
use crate::ams::ids::{
    Domain, ModuleId, ModuleKey, ModuleNumber, Priority, RoleNumber, SubjectNumber,
};
use crate::ams::meta::{Pulse, RETRY};
use crate::ams::mib::ServiceMode;
use crate::ams::pdu::{AssertionValues, CancellationValues, MpduType};
use crate::ams::routing::RuleKind;
use crate::ams::service::{Fault, Indication, ServiceUser};
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, SendError, Transport};
use crate::wire::Encode;

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
        self.do_what_is_due(&mut Turn { now, transport, user });
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
        if let (Some(module), Some(registrar)) = (self.id(), self.registrar) {
            // Counted if it is refused; there is no later.
            let _ = self.outlet.say(
                &now,
                &registrar,
                MpduType::I_AM_STOPPING,
                module.reference(),
                transport,
            );
        }
        let number = self.id().map_or(ModuleNumber::NONE, |id| id.module);
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
        self.assert(
            RuleKind::Subscription,
            request,
            &mut Turn { now, transport, user: &mut nobody },
        )
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
        self.assert(RuleKind::Invitation, request, &mut Turn { now, transport, user: &mut nobody })
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
        let key = (RuleKind::Subscription, CancellationValues { subject, domain });
        self.cancel(key, &mut Turn { now, transport, user: &mut nobody })
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
        let key = (RuleKind::Invitation, CancellationValues { subject, domain });
        self.cancel(key, &mut Turn { now, transport, user: &mut nobody })
    }

    fn assert(
        &mut self,
        kind: RuleKind,
        request: &RuleRequest,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        self.require_member()?;
        let RuleRequest { subject, mode, domain, priority, flow_label } = *request;
        let may = self.venture.is_none_or(|v| v.may_receive(self.identity.role, subject));
        if !may {
            return Err(Fault::NotAuthorisedReceiver);
        }
        // "All continua or any other than the local one" (4.2.10.1.1).
        if subject == SubjectNumber::ALL && domain.continuum != self.mib.continuum.number {
            return Err(Fault::AllSubjectsElsewhere);
        }
        let delivery_vector = self.vector_of(mode)?;
        let assertion = AssertionValues { subject, domain, delivery_vector, priority, flow_label };
        let row = OwnRule { kind, assertion, state: OwnState::AssertionOwed };
        self.own.insert(row).map_err(|_| Fault::TableFull)?;
        self.send_rules(turn)
    }

    fn cancel(
        &mut self,
        key: (RuleKind, CancellationValues),
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        self.require_member()?;
        match self.own.get_mut(key) {
            Some(row) if row.is_asserted() => row.state = OwnState::CancellationOwed,
            _ => return Err(Fault::RedundantCancellation),
        }
        self.send_rules(turn)
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

/// Driving.
impl Module<'_> {
    /// Does whatever is due. Extra calls do nothing.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport, user: &mut dyn ServiceUser) {
        self.do_what_is_due(&mut Turn { now, transport, user });
    }

    pub(super) fn do_what_is_due(&mut self, turn: &mut Turn<'_>) {
        if !matches!(self.membership, Membership::Joining | Membership::Member(_)) {
            return;
        }
        if self.interrogation.failed(turn.now.monotonic, self.mib) {
            turn.fault(Fault::ConfigServerSilent);
        }
        self.check_request(turn);
        self.keep_heartbeat(turn);
        self.seek_registrar(turn);
        self.send_request(turn);
        if turn.now.monotonic >= self.offer_at {
            if let Err(fault) = self.send_rules(turn) {
                turn.fault(fault);
            }
            self.send_owed_status(turn);
        }
        self.introduce(turn);
        self.time_queries_out(turn.now.monotonic, turn.user);
    }

    /// When [`Module::tick`] is next to be called. Any other call may change it.
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn next_deadline(&self) -> Option<Instant> {
        let timers = &self.mib.timers;
        let queries = self.queries.iter().map(|query| query.until).fold(None, earliest);
        let own = match self.membership {
            Membership::Outside | Membership::Dead => return None,
            Membership::Joining => None,
            Membership::Member(_) if self.confidant().is_some() => {
                Some(self.pulse.deadline(timers.n4(), timers.n6))
            }
            // Nothing is expected of a registrar that is not known.
            Membership::Member(_) => Some(self.pulse.next_beat()),
        };
        let asked = self.interrogation.deadline();
        let answered = self.request.and_then(|request| request.until);
        let idle = asked.is_none() && answered.is_none() && self.wants_registrar();
        let retry = idle.then_some(self.retry_at);
        let offer = self.owes_registrar().then_some(self.offer_at);
        let introduction = self.id().and(self.introduce_at);
        let all = [own, queries, asked, answered, retry, offer, introduction];
        all.iter().copied().fold(None, earliest)
    }

    /// Whether the registrar, or its answer, is sought.
    const fn wants_registrar(&self) -> bool {
        match self.membership {
            Membership::Joining => true,
            Membership::Member(_) => self.request.is_some(),
            Membership::Outside | Membership::Dead => false,
        }
    }

    /// Whether something for the registrar waits for the transport to take it.
    fn owes_registrar(&self) -> bool {
        matches!(self.membership, Membership::Member(_))
            && self.confidant().is_some()
            && (self.status_owed || self.own.iter().any(|row| row.state != OwnState::Asserted))
    }

    /// The registrar, when it is known and this module is a member in its eyes: one
    /// that has to be reconnected to first would discard what it is told.
    fn confidant(&self) -> Option<Address> {
        if self.request.is_some() { None } else { self.registrar }
    }

    fn check_request(&mut self, turn: &mut Turn<'_>) {
        let Some(request) = self.request.as_mut() else {
            return;
        };
        if request.until.is_none_or(|until| turn.now.monotonic < until) {
            return;
        }
        request.until = None;
        request.failures = request.failures.saturating_add(1);
        if request.failures >= FAILURES_TO_RELOCATE {
            request.failures = 0;
            self.registrar = None;
        }
        self.retry_at = turn.now.monotonic;
        turn.fault(Fault::RegistrarSilent);
    }

    /// Heartbeats with the registrar, and reconnection when it is lost (4.2.7).
    fn keep_heartbeat(&mut self, turn: &mut Turn<'_>) {
        let Membership::Member(module) = self.membership else {
            return;
        };
        let timers = self.mib.timers;
        let silent = self.pulse.is_silent(turn.now.monotonic, timers.n4(), timers.n6);
        if silent && self.confidant().is_some() {
            self.registrar = None;
            // Not at the next beat: a registrar that was restarted lets its modules
            // reconnect for a while only (4.2.8.2 a).
            self.pulse.beat_again(turn.now.monotonic);
        }
        if !self.pulse.beat(turn.now.monotonic, timers.n4()) {
            return;
        }
        match self.confidant() {
            Some(registrar) => {
                let (kind, source) = (MpduType::HEARTBEAT, u32::from(module.0));
                let sent = self.outlet.say(&turn.now, &registrar, kind, source, turn.transport);
                if sent.is_err() {
                    self.pulse.beat_again(turn.now.monotonic.after(RETRY));
                }
            }
            // Required to send a heartbeat, and the location is unknown (4.2.7.1.4).
            None if self.request.is_none() => {
                let query = self.outlet.next_query();
                self.request = Some(Request { query, until: None, failures: 0 });
                self.retry_at = turn.now.monotonic;
            }
            None => {}
        }
    }

    /// Asks the configuration server where the registrar is (4.2.4.2.1).
    fn seek_registrar(&mut self, turn: &mut Turn<'_>) {
        let idle = self.registrar.is_none() && !self.interrogation.is_open();
        if !idle || !self.wants_registrar() || turn.now.monotonic < self.retry_at {
            return;
        }
        let query = self.outlet.next_query();
        let now = turn.now.monotonic;
        let Some(server) = self.interrogation.begin(now, query, self.mib, turn.transport) else {
            return bump(&mut self.outlet.stats.unresolved);
        };
        let (kind, endpoint) = (MpduType::REGISTRAR_QUERY, &self.identity.contact.endpoint);
        // If it is refused, N1 passes and the next location is asked.
        let _ = self.outlet.send_raw(&turn.now, &server, kind, query, endpoint, turn.transport);
    }

    /// Sends the registration or the reconnection, whichever is open (4.2.5.4,
    /// 4.2.8.1 b).
    fn send_request(&mut self, turn: &mut Turn<'_>) {
        let Some(registrar) = self.registrar else {
            return;
        };
        if !self.wants_registrar() || turn.now.monotonic < self.retry_at {
            return;
        }
        let request = match self.request {
            Some(Request { until: Some(_), .. }) => return,
            Some(request) => request,
            None => Request { query: self.outlet.next_query(), until: None, failures: 0 },
        };
        let until = Some(turn.now.monotonic.after(self.mib.timers.n2));
        self.request = Some(Request { until, ..request });
        let (kind, sent) = match self.membership {
            Membership::Member(module) => {
                let sent = self.send_reconnect(&registrar, module, request.query, turn);
                (MpduType::RECONNECT, sent)
            }
            _ => {
                let (kind, contact) = (MpduType::MODULE_REGISTRATION, &self.identity.contact);
                let query = request.query;
                let sent = self.outlet.send_raw(
                    &turn.now,
                    &registrar,
                    kind,
                    query,
                    contact,
                    turn.transport,
                );
                (kind, sent)
            }
        };
        // If it is refused for now, N2 passes and it is sent again.
        if sent == Err(SendError::TooLong) {
            bump(&mut self.outlet.stats.too_long);
            turn.fault(Fault::MpduTooLong(kind));
        }
    }

    fn send_reconnect(
        &mut self,
        registrar: &Address,
        module: ModuleNumber,
        query: u32,
        turn: &mut Turn<'_>,
    ) -> Result<(), SendError> {
        let id = ModuleId { role: self.identity.role, unit: self.identity.unit, module };
        let status = OwnStatus::whole(id, &self.identity.contact, &self.own);
        let unit = self.identity.unit;
        let others = self.peers.iter().filter(|peer| peer.key.unit == unit).count();
        let census = Census { status, module, others, peers: &self.peers };
        let kind = MpduType::RECONNECT;
        self.outlet.send_raw(&turn.now, registrar, kind, query, &census, turn.transport)
    }

    /// Tells the registrar of own rules it has not been told of (4.2.10.1.2 b and
    /// its like). It stops where the transport does, and goes on at a later tick.
    /// What nobody can ever be told of is no rule any more, and a fault.
    fn send_rules(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let (Some(module), Some(registrar)) = (self.id(), self.confidant()) else {
            return Ok(());
        };
        let mut result = Ok(());
        for row in self.own.iter_mut().filter(|row| row.state != OwnState::Asserted) {
            let kind = row.mpdu_type();
            let cancellation = row.assertion.cancellation();
            let supplement: &dyn Encode =
                if row.is_asserted() { &row.assertion } else { &cancellation };
            let reference = module.reference();
            let sent = self.outlet.send_raw(
                &turn.now,
                &registrar,
                kind,
                reference,
                supplement,
                turn.transport,
            );
            if sent == Err(SendError::TooLong) {
                result = Err(Fault::MpduTooLong(kind));
            }
            if self.outlet.is_owed(sent) {
                self.offer_at = turn.now.monotonic.after(RETRY);
                break;
            }
            row.state = if row.is_asserted() && sent.is_ok() {
                OwnState::Asserted
            } else {
                OwnState::CancellationSent
            };
        }
        self.own.retain(|row| row.state != OwnState::CancellationSent);
        result
    }

    /// Sends this module's state to the registrar, if it is owed (4.2.9.3 b).
    pub(super) fn send_owed_status(&mut self, turn: &mut Turn<'_>) {
        let (Some(id), Some(registrar), true) = (self.id(), self.confidant(), self.status_owed)
        else {
            return;
        };
        let list = One(OwnStatus::whole(id, &self.identity.contact, &self.own));
        let (kind, reference) = (MpduType::MODULE_STATUS, id.reference());
        let sent =
            self.outlet.send_raw(&turn.now, &registrar, kind, reference, &list, turn.transport);
        if sent == Err(SendError::TooLong) {
            turn.fault(Fault::MpduTooLong(kind));
        }
        self.status_owed = self.outlet.is_owed(sent);
        if self.status_owed {
            self.offer_at = turn.now.monotonic.after(RETRY);
        }
    }

    pub(super) fn time_queries_out(&mut self, now: Instant, user: &mut dyn ServiceUser) {
        self.queries.retain(|query| {
            let open = query.until.is_none_or(|until| now < until);
            if !open {
                user.indicate(Indication::Fault(Fault::QueryTimedOut(query.context)));
            }
            open
        });
    }
}

/// What answers to this module change.
impl Module<'_> {
    /// The registrar's location, in answer to `registrar_query` (4.2.4.2.3).
    pub(super) fn located(&mut self, registrar: &str, turn: &mut Turn<'_>) {
        self.registrar = turn.transport.resolve(self.mib.primary_transport, registrar);
        if self.registrar.is_none() {
            bump(&mut self.outlet.stats.unresolved);
            self.retry_at = turn.now.monotonic.after(self.mib.timers.n1);
            return;
        }
        self.retry_at = turn.now.monotonic;
        self.send_request(turn);
    }

    /// The registrar cannot be located now (4.2.4.2.4). A reconnection waits for
    /// the next heartbeat (4.2.8.1 a); a registration is tried again after N1.
    pub(super) fn not_located(&mut self, turn: &mut Turn<'_>) {
        self.interrogation.abandon();
        self.retry_at = turn.now.monotonic.after(self.mib.timers.n1);
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
        self.registrar = self.registrar.or(Some(*from));
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
        if let Err(fault) = self.assert(RuleKind::Invitation, &gateway, turn) {
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
        self.introduce_at = None;
        self.peers.clear();
        self.rules.clear();
        self.own.clear();
        self.queries.clear();
    }
}

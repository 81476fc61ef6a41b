//! Joining, staying in and leaving the message space, and asserting rules.

use super::noting::gateway_domain;
use super::status::{Census, One, OwnStatus};
use super::{Membership, Module, Request, Turn, bump};
use crate::ams::ids::{Domain, ModuleKey, ModuleNumber, Priority, RoleNumber, SubjectNumber};
use crate::ams::meta::{Pulse, RETRY};
use crate::ams::mib::ServiceMode;
use crate::ams::pdu::{AssertionValues, CancellationValues, MpduType};
use crate::ams::routing::{Rule, RuleKey, RuleKind, Standing};
use crate::ams::service::{Fault, Indication, ServiceUser};
use crate::time::{Instant, Now};
use crate::transport::{Address, SendError, Transport};
use crate::wire::{Encode, Octets};

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
        if let (Some(module), Some(registrar)) = (self.id(), &self.registrar) {
            let what = (MpduType::I_AM_STOPPING, module.reference());
            let turn = &mut Turn { now: &now, transport, user: &mut nobody };
            // Counted if it is refused; there is no later.
            let _ = turn.send(&mut self.outlet, registrar, what, &Octets(&[]));
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
            &mut Turn { now: &now, transport, user: &mut nobody },
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
        self.assert(
            RuleKind::Invitation,
            request,
            &mut Turn { now: &now, transport, user: &mut nobody },
        )
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
        let key = Rule::own_key(RuleKind::Subscription, CancellationValues { subject, domain });
        self.cancel(key, &mut Turn { now: &now, transport, user: &mut nobody })
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
        let key = Rule::own_key(RuleKind::Invitation, CancellationValues { subject, domain });
        self.cancel(key, &mut Turn { now: &now, transport, user: &mut nobody })
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
        let row = Rule::own(kind, &assertion, Standing::ToTell);
        self.own.insert(row).map_err(|_| Fault::TableFull)?;
        self.send_rules(turn)
    }

    fn cancel(&mut self, key: RuleKey, turn: &mut Turn<'_>) -> Result<(), Fault> {
        self.require_member()?;
        match self.own.get_mut(key) {
            Some(row) if row.is_asserted() => row.standing = Standing::ToCancel,
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
        self.has_confidant()
            && (self.status_owed || self.own.iter().any(|row| row.standing != Standing::Told))
    }

    /// Whether the registrar is known and this module is a member in its eyes: one that has
    /// to be reconnected to first would discard what it is told.
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
        let Membership::Member(module) = self.membership else {
            return;
        };
        match (&self.request, &self.registrar) {
            (None, Some(registrar)) => {
                let what = (MpduType::HEARTBEAT, u32::from(module.0));
                if turn.send(&mut self.outlet, registrar, what, &Octets(&[])).is_err() {
                    self.pulse.beat_again(turn.now.monotonic.after(RETRY));
                }
            }
            // Required to send a heartbeat, and the location is unknown (4.2.7.1.4).
            (None, None) => {
                self.request = Some(Request::new(self.outlet.next_query()));
                self.retry_at = turn.now.monotonic;
            }
            (Some(_), _) => {}
        }
    }

    /// Asks the configuration server where the registrar is (4.2.4.2.1).
    pub(super) fn seek_registrar(&mut self, turn: &mut Turn<'_>) {
        let query = self.outlet.next_query();
        let now = turn.now.monotonic;
        let Some(server) = self.interrogation.begin(now, query, self.mib, turn.transport) else {
            return bump(&mut self.outlet.stats.unresolved);
        };
        let endpoint = &self.identity.contact.endpoint;
        // If it is refused, N1 passes and the next location is asked.
        let _ = turn.send(&mut self.outlet, &server, (MpduType::REGISTRAR_QUERY, query), endpoint);
    }

    /// Sends the registration or the reconnection, whichever is open (4.2.5.4,
    /// 4.2.8.1 b).
    pub(super) fn send_request(&mut self, turn: &mut Turn<'_>) {
        let Some(registrar) = &self.registrar else {
            return;
        };
        let request = match self.request {
            Some(request) => request,
            None => Request::new(self.outlet.next_query()),
        };
        let until = turn.now.monotonic.after(self.mib.timers.n2);
        self.request = Some(Request { until, ..request });
        let contact = &self.identity.contact;
        let census;
        let (kind, supplement): (_, &dyn Encode) = match self.id() {
            Some(id) => {
                census =
                    Census { status: OwnStatus::whole(id, contact, &self.own), peers: &self.peers };
                (MpduType::RECONNECT, &census)
            }
            None => (MpduType::MODULE_REGISTRATION, contact),
        };
        let sent = turn.send(&mut self.outlet, registrar, (kind, request.query), supplement);
        // If it is refused for now, N2 passes and it is sent again.
        self.is_owed(sent, kind, turn);
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
    /// What nobody can ever be told of is no rule any more, and a fault.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn send_rules(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let (None, Some(registrar), Some(id)) = (&self.request, &self.registrar, self.id()) else {
            return Ok(());
        };
        let mut result = Ok(());
        for row in self.own.iter_mut().filter(|row| row.standing != Standing::Told) {
            let kind = row.mpdu_type();
            let (assertion, cancellation) = (row.assertion(), row.cancellation());
            let supplement: &dyn Encode =
                if row.is_asserted() { &assertion } else { &cancellation };
            let what = (kind, id.reference());
            let sent = turn.send(&mut self.outlet, registrar, what, supplement);
            if sent == Err(SendError::TooLong) {
                result = Err(Fault::MpduTooLong(kind));
            }
            if self.outlet.is_owed(sent) {
                self.offer_at = turn.now.monotonic.after(RETRY);
                break;
            }
            row.standing =
                if row.is_asserted() && sent.is_ok() { Standing::Told } else { Standing::Gone };
        }
        self.own.retain(|row| row.standing != Standing::Gone);
        result
    }

    /// Sends this module's state to the registrar, if it is owed (4.2.9.3 b).
    pub(super) fn send_owed_status(&mut self, turn: &mut Turn<'_>) {
        let (None, Some(registrar), Some(id), true) =
            (&self.request, &self.registrar, self.id(), self.status_owed)
        else {
            return;
        };
        let list = One(OwnStatus::whole(id, &self.identity.contact, &self.own));
        let kind = MpduType::MODULE_STATUS;
        let sent = turn.send(&mut self.outlet, registrar, (kind, id.reference()), &list);
        self.status_owed = self.is_owed(sent, kind, turn);
        if self.status_owed {
            self.offer_at = turn.now.monotonic.after(RETRY);
        }
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
        self.do_what_is_due(turn);
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
        self.introduce_at = Instant::MAX;
        self.peers.clear();
        self.rules.clear();
        self.own.clear();
        self.queries.clear();
    }
}

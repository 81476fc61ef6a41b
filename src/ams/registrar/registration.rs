//! Registration and what follows from it (735.1-B-1 4.2.5.5, 4.2.6.2, 4.2.7.6).

use super::circle::{Briefing, Member, Recipient};
use super::{Arrival, Registrar};
use crate::ams::ids::{ModuleId, ModuleKey, ModuleNumber, RoleNumber};
use crate::ams::meta::{Pulse, RETRY, bump};
use crate::ams::mib::Introduction;
use crate::ams::pdu::{ContactSummary, Content, MpduType, RefusalReason};
use crate::time::Now;
use crate::transport::{Address, SendError, Transport};

impl Registrar<'_> {
    /// A *module_registration* (4.2.5.5).
    pub(super) fn register(
        &mut self,
        arrival: &Arrival<'_>,
        query: u32,
        contact: &ContactSummary<'_>,
        transport: &mut dyn Transport,
    ) {
        let now = arrival.now;
        let role = arrival.sender.role;
        if !self.is_in_mib(role) {
            return bump(&mut self.counts.unknown_roles);
        }
        let to = self.address_of(contact.endpoint, arrival.from, transport);
        let before = self.circle.members.iter().find(|member| member.recipient.address == to);
        if let Some(&Member { number, query: asked, role: played, .. }) = before {
            if asked == query && played == role {
                bump(&mut self.counts.repeated);
                return self.introduce(now, number, contact, transport);
            }
            // Nobody else can have its endpoint while it lives. *you_are_dead*
            // would reach the new module.
            self.terminate(now, number, transport);
            bump(&mut self.counts.imputed);
        }
        let number = self.number_for_next(now);
        let enrolled = number.and_then(|number| {
            self.enrol(arrival, query, number, role, to).then_some(number).ok_or(FULL)
        });
        match enrolled {
            Ok(number) => {
                bump(&mut self.counts.registered);
                self.introduce(now, number, contact, transport);
            }
            Err(reason) => self.reject(now, &to, query, reason, transport),
        }
    }

    /// Adds a member (4.2.5.5.3.1, 4.2.5.5.3.4). False when there is no room.
    pub(super) fn enrol(
        &mut self,
        arrival: &Arrival<'_>,
        query: u32,
        number: ModuleNumber,
        role: RoleNumber,
        address: Address,
    ) -> bool {
        self.circle.forgive(number);
        let member = Member {
            number,
            role,
            query,
            answer_owed: false,
            briefing: None,
            briefed: false,
            pulse: Pulse::commence(arrival.now.monotonic),
            recipient: Recipient::new(address),
        };
        let enrolled = self.circle.members.insert(member).is_ok();
        if enrolled {
            self.census.gone.remove(number);
        }
        enrolled
    }

    /// The module has terminated: it is no member any more, and all are told so
    /// on its behalf.
    pub(super) fn terminate(
        &mut self,
        now: Now,
        number: ModuleNumber,
        transport: &mut dyn Transport,
    ) {
        if self.release(now, number) {
            self.announce_stop(now, number, transport);
        }
    }

    /// The number is no member's any more. False when it was not.
    pub(super) fn release(&mut self, now: Now, number: ModuleNumber) -> bool {
        let Some(member) = self.circle.members.remove(number) else { return false };
        if let Some(role) = self.roles.get_mut(usize::from(number.0)) {
            *role = member.role;
        }
        self.resting.add(now.monotonic, self.mib.timers.n5(), number);
        self.census.gone.insert(number);
        self.archive.forget(ModuleKey { unit: self.unit, module: number });
        self.aggregate.leave_out(number);
        true
    }

    /// *I_am_stopping* on behalf of a module that is no member (4.2.7.6).
    pub(super) fn announce_stop(
        &mut self,
        now: Now,
        number: ModuleNumber,
        transport: &mut dyn Transport,
    ) {
        let module = ModuleId { role: self.role_of(number), unit: self.unit, module: number };
        let content = Content::IAmStopping { module };
        self.census.gone.insert(number);
        if self.circle.tell_all(now, number, &mut self.outlet, &content, transport) {
            self.retry_later(now);
        }
    }

    /// Tells a new member that it is in and of the others, and the others of it
    /// (4.2.5.5.3.1 to 4.2.5.5.3.3).
    fn introduce(
        &mut self,
        now: Now,
        number: ModuleNumber,
        contact: &ContactSummary<'_>,
        transport: &mut dyn Transport,
    ) {
        let key = ModuleKey { unit: self.unit, module: number };
        if self.keeps_dossiers()
            && !self.archive.contains(key)
            && let Some(member) = self.circle.members.get(number)
        {
            self.archive.note_start(member.id(self.unit), contact);
        }
        let briefed = self.can_brief(key);
        let Some(member) = self.circle.members.get_mut(number) else { return };
        member.answer_owed = true;
        member.briefed = briefed;
        let at = now.monotonic.after(self.mib.policy.briefing_delay);
        member.briefing =
            briefed.then_some(Briefing { at, next: ModuleKey::default(), rules_told: 0 });
        let id = member.id(self.unit);
        self.answer(now, number, transport);
        self.brief(now, number, transport);
        let content = start(id, *contact, briefed);
        if self.circle.tell_all(now, number, &mut self.outlet, &content, transport) {
            self.retry_later(now);
            if !self.archive.contains(key) && !self.archive.note_start(id, contact) {
                self.drop_news(now, number);
            }
        }
    }

    /// Offers again what is owed to members and registrars.
    pub(super) fn settle(&mut self, now: Now, transport: &mut dyn Transport) {
        for number in self.circle.numbers().iter() {
            self.answer(now, number, transport);
        }
        for number in self.circle.owed().iter() {
            self.tell_again(now, number, transport);
        }
        self.send_status(now, transport);
    }

    /// *you_are_in*, if it is owed.
    fn answer(&mut self, now: Now, number: ModuleNumber, transport: &mut dyn Transport) {
        let Some(member) = self.circle.members.get_mut(number).filter(|member| member.answer_owed)
        else {
            return;
        };
        let content = Content::YouAreIn { echo: member.query, module: number };
        let sent = self.outlet.send(&now, &member.recipient.address, &content, transport);
        member.answer_owed = self.outlet.is_owed(sent);
        if member.answer_owed {
            self.retry_later(now);
        }
    }

    /// How things are with `number` by now, to those who have yet to be told.
    fn tell_again(&mut self, now: Now, number: ModuleNumber, transport: &mut dyn Transport) {
        let key = ModuleKey { unit: self.unit, module: number };
        let content = match self.circle.members.get(number) {
            Some(member) => {
                let (id, briefed) = (member.id(self.unit), member.briefed);
                self.archive.contact(key).map(|contact| start(id, contact, briefed))
            }
            None => {
                let role = self.role_of(number);
                Some(Content::IAmStopping {
                    module: ModuleId { role, unit: self.unit, module: number },
                })
            }
        };
        let Some(content) = content else { return self.drop_news(now, number) };
        if self.circle.tell_owed(now, number, &mut self.outlet, &content, transport) {
            self.retry_later(now);
        } else if !self.keeps_dossiers() {
            self.archive.forget(key);
        }
    }

    /// Nobody is told any more that `number` has started.
    fn drop_news(&mut self, now: Now, number: ModuleNumber) {
        if self.circle.forgive(number) {
            bump(&mut self.counts.news_dropped);
            self.hasten_resync(now);
        }
    }

    /// The *I_am_here*s that are due.
    pub(super) fn go_on_briefing(&mut self, now: Now, transport: &mut dyn Transport) {
        let due = |member: &&Member| member.briefing.is_some_and(|it| now.monotonic >= it.at);
        if self.circle.members.iter().any(|member| due(&member)) {
            for number in self.circle.numbers().iter() {
                self.brief(now, number, transport);
            }
        }
    }

    /// *I_am_here* to one member, until it has been told all or the transport is
    /// full (4.2.5.5.3.2). It comes after *you_are_in*.
    fn brief(&mut self, now: Now, number: ModuleNumber, transport: &mut dyn Transport) {
        let Some(member) = self.circle.members.get_mut(number) else { return };
        let key = ModuleKey { unit: self.unit, module: number };
        let mut limit = self.outlet.supplement_limit();
        let mut dropped = false;
        while let Some(briefing) = member.briefing.filter(|it| now.monotonic >= it.at) {
            let later = Some(Briefing { at: now.monotonic.after(RETRY), ..briefing });
            if member.answer_owed {
                member.briefing = later;
                break;
            }
            let Some(portion) =
                self.archive.portion(key, &briefing, limit, self.mib.policy.one_status)
            else {
                member.briefing = None;
                break;
            };
            let to = &member.recipient.address;
            let sent = self.outlet.send_raw(&now, to, MpduType::I_AM_HERE, 0, &portion, transport);
            match sent {
                Ok(()) => member.briefing = portion.rest(now.monotonic),
                // The link carries less than the buffer holds.
                Err(SendError::TooLong) if limit > SHORT => limit = limit.div_ceil(2),
                Err(SendError::TooLong) => {
                    dropped = true;
                    member.briefing = portion.rest(now.monotonic);
                }
                Err(_) => {
                    member.briefing = later;
                    break;
                }
            }
        }
        if dropped {
            bump(&mut self.counts.news_dropped);
            self.hasten_resync(now);
        }
    }

    /// Whether all other modules are known and there are any.
    fn can_brief(&mut self, key: ModuleKey) -> bool {
        if self.mib.policy.introduction == Introduction::ByModules {
            return false;
        }
        let unit = self.unit;
        let complete = self.archive.overflows() == 0
            && !self.left_out
            && self.census.heard_of.is_empty()
            && self.circle.registrars.iter().all(|registrar| registrar.complete)
            && self
                .circle
                .members
                .iter()
                .all(|member| self.archive.contains(ModuleKey { unit, module: member.number }));
        if !complete {
            bump(&mut self.counts.introductions_by_modules);
        }
        complete && self.archive.has_others(key)
    }

    /// The number for one more member, or why there is none (4.2.5.5.1, 4.2.5.5.2).
    fn number_for_next(&mut self, now: Now) -> Result<ModuleNumber, RefusalReason> {
        if self.circle.members.len() >= self.circle.members.capacity() {
            return Err(FULL);
        }
        if self.census_in_progress(now) {
            return Err(RefusalReason::CENSUS_IN_PROGRESS);
        }
        let mut used = self.circle.numbers();
        used.extend(&self.census.heard_of);
        let owed = self.circle.owed();
        let n5 = self.mib.timers.n5();
        self.resting.choose(now.monotonic, n5, &used, &owed).ok_or(FULL)
    }

    fn reject(
        &mut self,
        now: Now,
        to: &Address,
        echo: u32,
        reason: RefusalReason,
        transport: &mut dyn Transport,
    ) {
        bump(match reason {
            FULL => &mut self.counts.rejected_full,
            _ => &mut self.counts.rejected_census,
        });
        // Refused by the transport too, it will be asked for again.
        let _ = self.outlet.send(&now, to, &Content::Rejection { echo, reason }, transport);
    }

    /// Whether modules may have this role: it is in the MIB, the MIB lists none,
    /// or it is the gateway's, which is everyone's.
    fn is_in_mib(&self, role: RoleNumber) -> bool {
        let venture = self.mib.venture(self.config.venture);
        role == RoleNumber::RAMS_GATEWAY
            || venture.is_none_or(|it| it.roles.is_empty() || it.role(role).is_some())
    }

    pub(super) fn retry_later(&mut self, now: Now) {
        self.retry_at = Some(now.monotonic.after(RETRY));
    }
}

/// Links that carry no MPDU of this many octets of supplementary data are not
/// told of modules.
const SHORT: usize = 32;

const FULL: RefusalReason = RefusalReason::CELL_IS_FULL;

/// What all are told of a new member (4.2.5.5.3.3).
const fn start(module: ModuleId, contact: ContactSummary<'_>, briefed: bool) -> Content<'_> {
    if briefed {
        Content::ModuleHasStarted { module, contact }
    } else {
        Content::IAmStarting { module, contact }
    }
}

//! What a registrar keeps of modules: how they are reached and what they
//! subscribe to and invite.

use super::circle::Briefing;
use super::numbers::Numbers;
use crate::ams::ids::{Domain, ModuleId, ModuleKey, SubjectNumber, UnitNumber};
use crate::ams::meta::bump;
use crate::ams::pdu::{
    Assertion, AssertionValues, Cancellation, CancellationValues, ContactSummary, ModuleList,
    ModuleStatus, ModuleStatusHead,
};
use crate::storage::{Row, Slot, Table};
use crate::time::Instant;
use crate::wire::{Encode, NoSpace, Writer};

/// How one module of the message space is reached.
#[derive(Clone, Copy, Debug)]
pub struct Dossier {
    id: ModuleId,
    length: u8,
    contact: [u8; Self::CONTACT],
}

impl Dossier {
    /// The longest contact summary that can be kept, in octets.
    pub const CONTACT: usize = 160;

    fn new(id: ModuleId, contact: &ContactSummary<'_>) -> Option<Self> {
        let mut dossier = Self { id, length: 0, contact: [0; Self::CONTACT] };
        let mut writer = Writer::new(&mut dossier.contact);
        contact.encode(&mut writer).ok()?;
        dossier.length = u8::try_from(writer.len()).ok()?;
        Some(dossier)
    }

    /// Which module it is of.
    #[must_use]
    pub const fn id(&self) -> ModuleId {
        self.id
    }

    fn octets(&self) -> &[u8] {
        self.contact.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// How the module is reached.
    #[must_use]
    pub fn contact(&self) -> Option<ContactSummary<'_>> {
        ContactSummary::parse(self.octets()).ok()
    }
}

impl Row for Dossier {
    type Key = ModuleKey;

    fn key(&self) -> ModuleKey {
        self.id.key()
    }
}

/// A subscription or an invitation of one module.
#[derive(Clone, Copy, Debug)]
pub struct DossierRule {
    module: ModuleKey,
    invitation: bool,
    assertion: AssertionValues,
}

impl DossierRule {
    /// Whose it is.
    #[must_use]
    pub const fn module(&self) -> ModuleKey {
        self.module
    }

    /// Whether it is an invitation, not a subscription.
    #[must_use]
    pub const fn is_invitation(&self) -> bool {
        self.invitation
    }

    /// What it says.
    #[must_use]
    pub const fn assertion(&self) -> AssertionValues {
        self.assertion
    }
}

/// By module, subscriptions before invitations, and by what is asserted.
impl Row for DossierRule {
    type Key = (ModuleKey, bool, CancellationValues);

    fn key(&self) -> Self::Key {
        let AssertionValues { subject, domain, .. } = self.assertion;
        (self.module, self.invitation, CancellationValues { subject, domain })
    }
}

/// The dossiers of all modules that are known, with their rules.
#[derive(Debug)]
pub(super) struct Archive<'s> {
    dossiers: Table<'s, Dossier>,
    rules: Table<'s, DossierRule>,
    /// How often there was no room for something.
    overflows: u32,
}

impl<'s> Archive<'s> {
    pub(super) fn new(
        dossiers: &'s mut [Slot<Dossier>],
        rules: &'s mut [Slot<DossierRule>],
    ) -> Self {
        Self { dossiers: Table::new(dossiers), rules: Table::new(rules), overflows: 0 }
    }

    /// Notes how a module is reached that has just started; whoever had its
    /// number before is forgotten. False when there is no room.
    pub(super) fn note_start(&mut self, id: ModuleId, contact: &ContactSummary<'_>) -> bool {
        self.forget(id.key());
        let kept = Dossier::new(id, contact).is_some_and(|row| self.dossiers.insert(row).is_ok());
        if !kept {
            bump(&mut self.overflows);
        }
        kept
    }

    /// Notes all there is to know of a module, in place of what was known. False
    /// when there is no room for all of it.
    pub(super) fn note_status(&mut self, status: &ModuleStatus<'_>) -> bool {
        let mut noted = self.note_start(status.id, &status.contact);
        let declaration = &status.declaration;
        for (invitation, list) in
            [(false, declaration.subscriptions), (true, declaration.invitations)]
        {
            for assertion in list.iter() {
                noted &= self.note_rule(status.id.key(), invitation, assertion);
            }
        }
        noted
    }

    /// Notes a rule of a module that is known. False when there is no room.
    pub(super) fn note_rule(
        &mut self,
        module: ModuleKey,
        invitation: bool,
        assertion: Assertion<'_>,
    ) -> bool {
        let rule = DossierRule { module, invitation, assertion: assertion.values() };
        let noted = !self.dossiers.contains(module) || self.rules.insert(rule).is_ok();
        if !noted {
            bump(&mut self.overflows);
        }
        noted
    }

    /// Forgets a rule of a module.
    pub(super) fn forget_rule(
        &mut self,
        module: ModuleKey,
        invitation: bool,
        cancellation: Cancellation<'_>,
    ) {
        self.rules.remove((module, invitation, cancellation.values()));
    }

    /// Forgets a module.
    pub(super) fn forget(&mut self, module: ModuleKey) {
        if self.dossiers.remove(module).is_some() {
            self.rules.retain(|rule| rule.module != module);
        }
    }

    /// Forgets the modules of `unit` that are not in `list`. Returns whether
    /// all that are in it are known.
    pub(super) fn keep_cell(&mut self, unit: UnitNumber, list: ModuleList<'_>) -> bool {
        let gone = |key: ModuleKey| key.unit == unit && !list.contains(key.module);
        self.dossiers.retain(|dossier| !gone(dossier.key()));
        self.rules.retain(|rule| !gone(rule.module));
        list.iter().all(|module| self.contains(ModuleKey { unit, module }))
    }

    pub(super) fn contains(&self, module: ModuleKey) -> bool {
        self.dossiers.contains(module)
    }

    pub(super) fn contact(&self, module: ModuleKey) -> Option<ContactSummary<'_>> {
        self.dossiers.get(module)?.contact()
    }

    /// Whether modules other than `except` are known.
    pub(super) fn has_others(&self, except: ModuleKey) -> bool {
        self.dossiers.iter().any(|dossier| dossier.key() != except)
    }

    pub(super) const fn overflows(&self) -> u32 {
        self.overflows
    }

    pub(super) const fn dossiers(&self) -> &Table<'s, Dossier> {
        &self.dossiers
    }

    pub(super) const fn rules(&self) -> &Table<'s, DossierRule> {
        &self.rules
    }

    /// What fits in one *I_am_here* of `limit` octets of supplementary data, of
    /// what `module` has yet to be told; `None` when it has been told all.
    ///
    /// A module whose rules do not fit is told of in several, which add up.
    pub(super) fn portion(
        &self,
        module: ModuleKey,
        briefing: &Briefing,
        limit: usize,
        one_status: bool,
    ) -> Option<Portion<'_>> {
        // The module to go on with may have gone meanwhile.
        let told = self.contains(briefing.next).then_some(briefing.rules_told);
        let mut skip = told.unwrap_or_default();
        let mut portion = Portion {
            archive: self,
            except: module,
            from: briefing.next,
            statuses: 0,
            skip,
            rules: usize::MAX,
        };
        let mut room = limit.saturating_sub(LIST_HEAD);
        for dossier in portion.dossiers() {
            let left = self.rules_of(dossier.key()).count().saturating_sub(skip);
            let head = STATUS_HEAD.saturating_add(usize::from(dossier.length));
            let need = head.saturating_add(left.saturating_mul(Assertion::LEN));
            if need > room {
                if portion.statuses == 0 {
                    // At least one rule, so that there is an end to it.
                    portion.rules = (room.saturating_sub(head) / Assertion::LEN).max(1);
                    portion.statuses = 1;
                }
                break;
            }
            room = room.saturating_sub(need);
            skip = 0;
            portion.statuses = portion.statuses.saturating_add(1);
            if one_status {
                break;
            }
        }
        (portion.statuses > 0).then_some(portion)
    }

    /// Octets of the module status list of this module alone; `None` if it is not
    /// known.
    pub(super) fn status_len(&self, module: ModuleKey) -> Option<usize> {
        let dossier = self.dossiers.get(module)?;
        let rules = self.rules_of(module).count().saturating_mul(Assertion::LEN);
        let head = LIST_HEAD.saturating_add(STATUS_HEAD).saturating_add(rules);
        Some(head.saturating_add(usize::from(dossier.length)))
    }

    /// The first of these modules of `unit`, at least one, whose statuses fit `limit`
    /// octets of supplementary data.
    pub(super) fn batch(&self, unit: UnitNumber, modules: &Numbers, limit: usize) -> Numbers {
        let mut batch = Numbers::NONE;
        let mut room = limit.saturating_sub(LIST_HEAD);
        for module in modules.iter() {
            let length = self.status_len(ModuleKey { unit, module }).unwrap_or_default();
            let need = length.saturating_sub(LIST_HEAD);
            if need > room && !batch.is_empty() {
                break;
            }
            room = room.saturating_sub(need);
            batch.insert(module);
        }
        batch
    }

    /// The statuses of these modules of `unit`, of those that are known.
    pub(super) const fn statuses<'a>(
        &'a self,
        unit: UnitNumber,
        modules: &'a Numbers,
    ) -> Statuses<'a> {
        Statuses { archive: self, unit, modules }
    }

    /// Writes the status of a module with so many of its rules.
    fn encode_status(
        &self,
        dossier: &Dossier,
        (skip, count): (usize, usize),
        to: &mut Writer<'_>,
    ) -> Result<(), NoSpace> {
        ModuleStatusHead(dossier.id).encode(to)?;
        to.octets(dossier.octets())?;
        let rules = self.rules_of(dossier.key()).skip(skip).take(count);
        for invitation in [false, true] {
            let list = rules.clone().filter(|rule| rule.invitation == invitation);
            to.u16(u16::try_from(list.clone().count()).unwrap_or(u16::MAX))?;
            for rule in list {
                to.octets(&rule.assertion.octets())?;
            }
        }
        Ok(())
    }

    fn rules_of(&self, module: ModuleKey) -> impl Iterator<Item = &DossierRule> + Clone {
        const LOWEST: CancellationValues =
            CancellationValues { subject: SubjectNumber(i16::MIN), domain: Domain::ALL };
        self.rules.iter_from((module, false, LOWEST)).take_while(move |rule| rule.module == module)
    }
}

/// Octets of a module status list before its members (5.1.5.16).
const LIST_HEAD: usize = 4;
/// Octets of a module status besides its contact summary and its rules (5.1.5.15).
const STATUS_HEAD: usize = 8;

/// The module status list of one *I_am_here*.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portion<'a> {
    archive: &'a Archive<'a>,
    /// The module it is for.
    except: ModuleKey,
    from: ModuleKey,
    statuses: usize,
    /// Rules of the first module that have been told before.
    skip: usize,
    /// The most rules of a module; it matters where there is one module only.
    rules: usize,
}

impl<'a> Portion<'a> {
    /// What is left to be told after this, at time `at`.
    pub(super) fn rest(&self, at: Instant) -> Option<Briefing> {
        let last = self.dossiers().nth(self.statuses.saturating_sub(1))?;
        let skip = if self.statuses == 1 { self.skip } else { 0 };
        let rules_told = skip.saturating_add(self.rules);
        if rules_told < self.archive.rules_of(last.key()).count() {
            return Some(Briefing { at, next: last.key(), rules_told });
        }
        let next = self.dossiers().nth(self.statuses)?.key();
        Some(Briefing { at, next, rules_told: 0 })
    }

    /// All that is left to be told of, not only what fits.
    fn dossiers(&self) -> impl Iterator<Item = &'a Dossier> + use<'a> {
        let except = self.except;
        self.archive.dossiers.iter_from(self.from).filter(move |dossier| dossier.key() != except)
    }
}

impl Encode for Portion<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u32(u32::try_from(self.statuses).unwrap_or(u32::MAX))?;
        let mut skip = self.skip;
        for dossier in self.dossiers().take(self.statuses) {
            self.archive.encode_status(dossier, (skip, self.rules), to)?;
            skip = 0;
        }
        Ok(())
    }
}

/// The module status list of several modules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statuses<'a> {
    archive: &'a Archive<'a>,
    unit: UnitNumber,
    modules: &'a Numbers,
}

impl Encode for Statuses<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let Self { archive, unit, modules } = *self;
        let known =
            || modules.iter().filter_map(|module| archive.dossiers.get(ModuleKey { unit, module }));
        to.u32(u32::try_from(known().count()).unwrap_or(u32::MAX))?;
        known().try_for_each(|dossier| archive.encode_status(dossier, (0, usize::MAX), to))
    }
}

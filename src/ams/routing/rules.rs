//! The rules of other modules: those a message concerns are found by its subject,
//! and what does not depend on the message was judged when they were noted.

use super::rule::{Rule, RuleKey, RuleKind, Standing};
use crate::ams::ids::SubjectNumber;
use crate::storage::{Full, Slot, Table};

/// The rules of other modules, over borrowed slots: 14 octets a rule.
#[derive(Debug)]
pub struct Rules<'s> {
    table: Table<'s, Rule>,
    /// What was published on lately, each subject where its low-order bits say.
    recent: [Recent; RECENT],
    version: u64,
}

/// Subjects whose subscriptions are found without a search.
const RECENT: usize = if cfg!(feature = "std") { 4 } else { 1 };

/// A subject this module may publish on, and where the subscriptions are that
/// concern it, as of this version.
#[derive(Clone, Copy, Debug)]
struct Recent {
    version: u64,
    subject: SubjectNumber,
    places: Places,
}

impl Recent {
    /// There are not as many versions.
    const NONE: Self =
        Self { version: u64::MAX, subject: SubjectNumber::ALL, places: Places::NONE };
}

/// Where the rules of one kind are that concern a subject: from where to where
/// those for this subject, and those for all subjects.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    specific: (u32, u32),
    general: (u32, u32),
}

impl Places {
    pub(in crate::ams) const NONE: Self = Self { specific: (0, 0), general: (0, 0) };

    /// Those for just this subject.
    pub(in crate::ams) const fn specific_only(self) -> Self {
        Self { general: (0, 0), ..self }
    }
}

impl<'s> Rules<'s> {
    /// No rules yet, over `slots`; whatever they held is forgotten.
    #[must_use]
    pub fn new(slots: &'s mut [Slot<Rule>]) -> Self {
        Self { table: Table::new(slots), recent: [Recent::NONE; RECENT], version: 0 }
    }

    /// Notes `rule` in place of the one with the same key. True when there was none.
    ///
    /// # Errors
    /// [`Full`] with the rule when it is new and no slot is free.
    pub fn insert(&mut self, rule: Rule) -> Result<bool, Full<Rule>> {
        let before = self.table.len();
        self.table.insert(rule)?;
        self.crown(&rule);
        Ok(self.table.len() != before)
    }

    /// Forgets the rule with this key, and returns it.
    pub fn remove(&mut self, key: RuleKey) -> Option<Rule> {
        let rule = self.table.remove(key)?;
        self.crown(&rule);
        Some(rule)
    }

    /// Keeps the rules for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&Rule) -> bool) {
        self.unprepare();
        if self.table.retain(|rule| keep(rule)) > 0 {
            self.crown_all();
        }
    }

    /// Judges anew which rules apply.
    pub fn judge(&mut self, applies: impl Fn(&Rule) -> bool) {
        self.unprepare();
        for rule in self.table.iter_mut() {
            rule.standing = if applies(rule) { Standing::Applies } else { Standing::Idle };
        }
        self.crown_all();
    }

    /// A module has got this place among the peers: those behind it have moved.
    pub fn peer_noted(&mut self, place: u16) {
        self.unprepare();
        // The order of the rules does not change.
        for rule in self.table.iter_mut().filter(|rule| rule.peer >= place) {
            rule.peer = rule.peer.saturating_add(1);
        }
    }

    /// The module that had this place, and has no rules any more, is not among the
    /// peers any more.
    pub fn peer_forgotten(&mut self, place: u16) {
        self.unprepare();
        for rule in self.table.iter_mut().filter(|rule| rule.peer > place) {
            rule.peer = rule.peer.saturating_sub(1);
        }
    }

    /// Forgets all rules.
    pub fn clear(&mut self) {
        self.unprepare();
        self.table.clear();
    }

    /// What has been found out of receivers is true no longer.
    pub(in crate::ams) const fn unprepare(&mut self) {
        self.version = self.version.wrapping_add(1);
    }

    /// Remembers that this module may publish on `subject`, as long as no rule
    /// changes and none is judged anew. Returns where its subscriptions are.
    pub(in crate::ams) fn prepare(&mut self, subject: SubjectNumber) -> Places {
        let places = self.places(RuleKind::Subscription, subject);
        if let Some(recent) = self.recent.get_mut(recent_place(subject)) {
            *recent = Recent { version: self.version, subject, places };
        }
        places
    }

    /// Where the subscriptions on `subject` are, if it is prepared.
    pub(in crate::ams) fn prepared(&self, subject: SubjectNumber) -> Option<Places> {
        let recent = self.recent.get(recent_place(subject))?;
        (recent.subject == subject && recent.version == self.version).then_some(recent.places)
    }

    /// Where the rules of a kind are that concern `subject`.
    #[must_use]
    pub fn places(&self, kind: RuleKind, subject: SubjectNumber) -> Places {
        self.places_of(kind, subject, None)
    }

    /// Where they are, of all modules or of the one at this place among the peers.
    #[must_use]
    pub fn places_of(&self, kind: RuleKind, subject: SubjectNumber, peer: Option<u16>) -> Places {
        Places {
            specific: self.place(kind, subject, peer),
            general: self.place(kind, SubjectNumber::ALL, peer),
        }
    }

    /// Every module with rules at these places that apply, once and in the order of
    /// the peers, by the rule that wins.
    pub(super) fn receivers(&self, places: Places) -> Receivers<'_> {
        Receivers { specific: self.run(places.specific), general: self.run(places.general) }
    }

    /// The rule that wins for one module, by its place among the peers.
    #[must_use]
    pub fn winning(&self, kind: RuleKind, subject: SubjectNumber, peer: u16) -> Option<&Rule> {
        self.receivers(self.places_of(kind, subject, Some(peer))).next()
    }

    /// All rules of one kind for one subject.
    pub(in crate::ams) fn on(
        &self,
        kind: RuleKind,
        subject: SubjectNumber,
    ) -> impl Iterator<Item = &Rule> {
        let rules = self.table.iter_from(RuleKey::first(kind, subject, 0));
        rules.take_while(move |rule| rule.subject == subject && rule.kind == kind)
    }

    /// Another number whenever something about receivers has changed.
    pub(in crate::ams) const fn version(&self) -> u64 {
        self.version
    }

    /// All rules, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.table.iter()
    }

    /// Where the rules of this kind on just this subject are.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn place(&self, kind: RuleKind, subject: SubjectNumber, peer: Option<u16>) -> (u32, u32) {
        let from = self.table.position(RuleKey::first(kind, subject, peer.unwrap_or(0)));
        let mut to = from;
        while let Some(rule) = self.table.at(to)
            && (rule.kind, rule.subject) == (kind, subject)
            && peer.is_none_or(|peer| rule.peer == peer)
        {
            to = to.wrapping_add(1);
        }
        let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        (place(from), place(to))
    }

    fn run(&self, (from, to): (u32, u32)) -> Run<'_> {
        let place = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        let rows = self.table.rows().get(place(from)..place(to)).unwrap_or_default();
        Run { rest: rows, next: None }
    }

    /// Finds the rule that wins among those of the same kind, subject and module as
    /// `rule`: of those that apply the last, for its domain is the greatest.
    fn crown(&mut self, rule: &Rule) {
        self.unprepare();
        // Boards have few rules, and little room for code.
        if !cfg!(feature = "std") {
            return self.crown_all();
        }
        let Rule { kind, subject, peer, .. } = *rule;
        let group = rule.group();
        let from = self.table.position(RuleKey::first(kind, subject, peer));
        let rules = self.table.iter_mut().skip(from).take_while(|rule| rule.group() == group);
        let mut last = None;
        for rule in rules.filter(|rule| rule.applies()) {
            rule.standing = Standing::Applies;
            last = Some(rule);
        }
        if let Some(rule) = last {
            rule.standing = Standing::Wins;
        }
    }

    /// The same for all rules.
    fn crown_all(&mut self) {
        // No group is so great.
        let mut crowned = u64::MAX;
        for rule in self.table.iter_mut().rev() {
            if rule.applies() {
                let group = rule.group();
                rule.standing = if crowned == group { Standing::Applies } else { Standing::Wins };
                crowned = group;
            }
        }
    }
}

/// Where among the recent subjects this one has its place.
fn recent_place(subject: SubjectNumber) -> usize {
    let [_, low] = subject.0.to_be_bytes();
    usize::from(low).checked_rem(RECENT).unwrap_or_default()
}

/// The rules of one kind on one subject that win: one for each module, in the order
/// of the peers.
struct Run<'t> {
    rest: &'t [Slot<Rule>],
    /// One that was looked at already.
    next: Option<&'t Rule>,
}

impl<'t> Run<'t> {
    /// The place of the module of the next, greater than any where there is none.
    fn peer(&mut self) -> u32 {
        self.next = self.take();
        self.next.map_or(u32::MAX, |rule| rule.peer.into())
    }

    #[cfg_attr(feature = "std", inline)]
    fn take(&mut self) -> Option<&'t Rule> {
        match self.next.take() {
            Some(rule) => Some(rule),
            None => {
                while let [slot, rest @ ..] = self.rest {
                    self.rest = rest;
                    if let Some(rule) = slot.row().filter(|rule| rule.wins()) {
                        return Some(rule);
                    }
                }
                None
            }
        }
    }
}

/// Every receiver once: rules for the subject win over rules for all subjects.
pub(super) struct Receivers<'t> {
    specific: Run<'t>,
    general: Run<'t>,
}

impl Receivers<'_> {
    /// Whether no rules for all subjects are left.
    fn is_specific(&self) -> bool {
        self.general.next.is_none() && self.general.rest.is_empty()
    }
}

impl<'t> Iterator for Receivers<'t> {
    type Item = &'t Rule;

    #[cfg_attr(feature = "std", inline)]
    fn next(&mut self) -> Option<&'t Rule> {
        if self.is_specific() {
            return self.specific.take();
        }
        let (specific, general) = (self.specific.peer(), self.general.peer());
        if general < specific {
            return self.general.take();
        }
        if general == specific {
            self.general.next = None;
        }
        self.specific.take()
    }

    /// Nothing has to be compared where there are no rules for all subjects.
    #[cfg_attr(feature = "std", inline)]
    fn fold<B, F: FnMut(B, &'t Rule) -> B>(mut self, start: B, mut note: F) -> B {
        let mut sum = start;
        if cfg!(feature = "std") && self.is_specific() {
            if let Some(rule) = self.specific.next {
                sum = note(sum, rule);
            }
            // A loop, not a fold of the slice, which counts where this follows a pointer.
            for rule in self.specific.rest.iter().filter_map(Slot::row) {
                if rule.wins() {
                    sum = note(sum, rule);
                }
            }
            return sum;
        }
        core::iter::from_fn(|| self.next()).fold(sum, note)
    }
}

//! The rules of other modules: those a message concerns are found by its subject,
//! and what does not depend on the message was judged when they were noted.

use core::slice;

use super::rows::{Rule, RuleKey, RuleKind};
use crate::ams::ids::SubjectNumber;
use crate::storage::{Full, Slot, Table};

/// The rules of other modules.
#[derive(Debug)]
pub(super) struct Rules<'s> {
    table: Table<'s, Rule>,
    /// What was published on lately, each subject where its low-order bits say.
    recent: [Recent; RECENT],
}

/// Subjects whose subscriptions are found without a search.
const RECENT: usize = 8;

/// A subject this module may publish on, and where the subscriptions are that
/// concern it. Subject 0, all subjects, stands for none.
#[derive(Clone, Copy, Debug)]
struct Recent {
    subject: SubjectNumber,
    specific: u16,
    general: u16,
}

impl Recent {
    const NONE: Self = Self { subject: SubjectNumber::ALL, specific: 0, general: 0 };
}

/// Where the rules of one kind begin that concern a subject: those for this
/// subject, and those for all subjects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    specific: usize,
    general: usize,
}

impl<'s> Rules<'s> {
    pub(super) fn new(slots: &'s mut [Slot<Rule>]) -> Self {
        Self { table: Table::new(slots), recent: [Recent::NONE; RECENT] }
    }

    /// Notes `rule` in place of the one with the same key. True when there was none.
    pub(super) fn note(&mut self, rule: Rule) -> Result<bool, Full<Rule>> {
        let before = self.table.len();
        self.table.insert(rule)?;
        self.unprepare();
        Ok(self.table.len() != before)
    }

    pub(super) fn forget(&mut self, key: RuleKey) -> Option<Rule> {
        self.unprepare();
        self.table.remove(key)
    }

    /// Keeps the rules for which `keep` is true.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Rule) -> bool) {
        self.unprepare();
        self.table.retain(|rule| keep(rule));
    }

    /// Judges anew which rules apply.
    pub(super) fn judge(&mut self, applies: impl Fn(&Rule) -> bool) {
        self.unprepare();
        for rule in self.table.iter_mut() {
            rule.applies = applies(rule);
        }
    }

    /// A module has got this place among the peers: those behind it have moved.
    pub(super) fn peer_noted(&mut self, place: u16) {
        // The order of the rules does not change.
        for rule in self.table.iter_mut().filter(|rule| rule.peer >= place) {
            rule.peer = rule.peer.saturating_add(1);
        }
    }

    /// The module that had this place, and has no rules any more, is not among the
    /// peers any more.
    pub(super) fn peer_forgotten(&mut self, place: u16) {
        for rule in self.table.iter_mut().filter(|rule| rule.peer > place) {
            rule.peer = rule.peer.saturating_sub(1);
        }
    }

    pub(super) fn clear(&mut self) {
        self.unprepare();
        self.table.clear();
    }

    /// Remembers that this module may publish on `subject`, as long as no rule
    /// changes and none is judged anew. Returns where its subscriptions are.
    pub(super) fn prepare(&mut self, subject: SubjectNumber) -> Places {
        let places = self.places(RuleKind::Subscription, subject);
        let Places { specific, general } = places;
        if let (Ok(specific), Ok(general)) = (u16::try_from(specific), u16::try_from(general))
            && let Some(recent) = self.recent.get_mut(recent_place(subject))
        {
            *recent = Recent { subject, specific, general };
        }
        places
    }

    /// Where the subscriptions on `subject` are, if it is prepared.
    pub(super) fn prepared(&self, subject: SubjectNumber) -> Option<Places> {
        let recent = self.recent.get(recent_place(subject))?;
        (recent.subject == subject && subject != SubjectNumber::ALL).then_some(Places {
            specific: usize::from(recent.specific),
            general: usize::from(recent.general),
        })
    }

    /// Where the rules of a kind are that concern `subject`.
    pub(super) fn places(&self, kind: RuleKind, subject: SubjectNumber) -> Places {
        let first = |subject| self.table.position(RuleKey::first(kind, subject, 0));
        Places { specific: first(subject), general: first(SubjectNumber::ALL) }
    }

    /// Every module with rules of this kind that apply to messages on `subject`,
    /// once and in the order of the peers, by the rule that wins.
    pub(super) fn receivers(
        &self,
        kind: RuleKind,
        subject: SubjectNumber,
        places: Places,
    ) -> Receivers<'_> {
        Receivers {
            specific: self.run(kind, subject, places.specific),
            general: self.run(kind, SubjectNumber::ALL, places.general),
        }
    }

    /// The rule that wins for one module, by its place among the peers.
    pub(super) fn winning(
        &self,
        kind: RuleKind,
        subject: SubjectNumber,
        peer: u16,
    ) -> Option<&Rule> {
        [subject, SubjectNumber::ALL].into_iter().find_map(|subject| {
            let place = self.table.position(RuleKey::first(kind, subject, peer));
            self.run(kind, subject, place).take().filter(|rule| rule.peer == peer)
        })
    }

    /// All rules of one kind for one subject.
    pub(super) fn on(&self, kind: RuleKind, subject: SubjectNumber) -> impl Iterator<Item = &Rule> {
        let rules = self.table.iter_from(RuleKey::first(kind, subject, 0));
        rules.take_while(move |rule| rule.subject == subject && rule.kind == kind)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.table.iter()
    }

    fn run(&self, kind: RuleKind, subject: SubjectNumber, place: usize) -> Run<'_> {
        let rest = self.table.rows().get(place..).unwrap_or_default().iter();
        let mut run = Run { rest, subject, kind, next: None };
        run.next = run.advance();
        run
    }

    fn unprepare(&mut self) {
        self.recent = [Recent::NONE; RECENT];
    }
}

/// Where among the recent subjects this one has its place.
fn recent_place(subject: SubjectNumber) -> usize {
    let [_, low] = subject.0.to_be_bytes();
    usize::from(low) % RECENT
}

/// The rules of one kind on one subject that apply: for each module the last, in
/// the order of the peers.
struct Run<'t> {
    rest: slice::Iter<'t, Slot<Rule>>,
    subject: SubjectNumber,
    kind: RuleKind,
    /// The first rule of the next module.
    next: Option<&'t Rule>,
}

impl<'t> Run<'t> {
    fn peer(&self) -> Option<u16> {
        self.next.map(|rule| rule.peer)
    }

    /// The last rule of the next module.
    fn take(&mut self) -> Option<&'t Rule> {
        let mut last = self.next?;
        loop {
            self.next = self.advance();
            match self.next {
                Some(rule) if rule.peer == last.peer => last = rule,
                _ => return Some(last),
            }
        }
    }

    /// The next rule of the run that applies.
    fn advance(&mut self) -> Option<&'t Rule> {
        while let Some(rule) = self.rest.next().and_then(Slot::row) {
            if rule.subject != self.subject || rule.kind != self.kind {
                return None;
            }
            if rule.applies {
                return Some(rule);
            }
        }
        None
    }
}

/// Every receiver once: rules for the subject win over rules for all subjects.
pub(super) struct Receivers<'t> {
    specific: Run<'t>,
    general: Run<'t>,
}

impl<'t> Iterator for Receivers<'t> {
    type Item = &'t Rule;

    fn next(&mut self) -> Option<&'t Rule> {
        match (self.specific.peer(), self.general.peer()) {
            (Some(specific), Some(general)) if specific == general => {
                self.general.take();
                self.specific.take()
            }
            (Some(specific), Some(general)) if general < specific => self.general.take(),
            (Some(_), _) => self.specific.take(),
            (None, _) => self.general.take(),
        }
    }
}

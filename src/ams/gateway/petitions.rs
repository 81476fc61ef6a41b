//! Petitions: what is wanted across continua, and who has been told
//! (735.1-B-1 4.4.1, 4.4.3 to 4.4.7).
//!
//! The standard gives procedures: on this event compute that set and send to it.
//! Here the sets follow from the facts. [`Petitions::settle`] computes of every
//! petition to whom it ought to be asserted now, and owes each neighbour the
//! difference from what it was told last. The outcome is that of the procedures,
//! whatever was lost, repeated, or refused by a channel on the way; and it is
//! right where they leave a petition asserted that nobody here wants any more: in
//! a mesh with several neighbours in the DGS, and in a tree where one remains
//! that is in the SGS (4.4.3.3 names that case, no event leads to it).

use super::neighbours::{Neighbour, NeighbourSet};
use crate::ams::ids::{ContinuumNumber, Domain, RoleNumber, SubjectNumber, UnitNumber};
use crate::ams::mib::RamsNetwork;
use crate::ams::pdu::CancellationValues;
use crate::storage::{Full, Row, Slot, Table};

/// A subscription specification: a subject and a domain (3.1.22.5).
pub(super) type Specification = CancellationValues;

/// The declaration petition of the gateway of `continuum` (4.4.2.1.3): for its
/// pseudo-subject, from everywhere.
pub(super) const fn declaration(continuum: ContinuumNumber) -> Specification {
    Specification { subject: continuum.pseudo_subject(), domain: Domain::ALL }
}

/// A petition: the interest in all messages that satisfy a subscription
/// specification (4.4.1). 28 octets a slot.
///
/// Its third component, the DMS, is the modules of the message space that the
/// gateway knows to subscribe so; it is not kept twice.
#[derive(Clone, Copy, Debug)]
pub struct Petition {
    specification: Specification,
    /// SGS: to whom it is asserted.
    sources: NeighbourSet,
    /// DGS: who asserted it.
    destinations: NeighbourSet,
    /// Members of the DGS that have declared themselves anew since they asserted it.
    unconfirmed: NeighbourSet,
    /// Who has not been told yet: of an assertion, in the SGS; else of a cancellation.
    owed: NeighbourSet,
}

impl Petition {
    const fn new(specification: Specification) -> Self {
        Self {
            specification,
            sources: NeighbourSet::EMPTY,
            destinations: NeighbourSet::EMPTY,
            unconfirmed: NeighbourSet::EMPTY,
            owed: NeighbourSet::EMPTY,
        }
    }

    /// The subject and the domain it is for.
    #[must_use]
    pub const fn specification(&self) -> CancellationValues {
        self.specification
    }

    /// The source gateway set: neighbours to which it is asserted.
    #[must_use]
    pub const fn sources(&self) -> NeighbourSet {
        self.sources
    }

    /// The destination gateway set: neighbours that have asserted it.
    #[must_use]
    pub const fn destinations(&self) -> NeighbourSet {
        self.destinations
    }

    /// Neighbours that have yet to be told.
    #[must_use]
    pub const fn owed(&self) -> NeighbourSet {
        self.owed
    }

    /// Whether nobody has anything to do with it.
    const fn is_idle(&self) -> bool {
        self.sources.union(self.destinations).union(self.owed).is_empty()
    }

    /// To whom it ought to be asserted (4.4.3.1, 4.4.3.3), where `candidates` are
    /// the declared neighbours or the conduit, whichever its domain calls for.
    fn targets(
        &self,
        network: RamsNetwork,
        wanted_here: bool,
        candidates: NeighbourSet,
    ) -> NeighbourSet {
        let forwards = network == RamsNetwork::Tree && !self.destinations.is_empty();
        if wanted_here {
            candidates
        } else if forwards && self.destinations.len() == 1 {
            // Who alone wants these messages is not to send them here to get them back.
            candidates.without(self.destinations)
        } else if forwards {
            candidates
        } else {
            NeighbourSet::EMPTY
        }
    }

    /// Makes `wanted` the SGS and owes everybody who is not told so.
    fn assert_to(&mut self, wanted: NeighbourSet) {
        let changed = wanted.union(self.sources).without(wanted.common(self.sources));
        self.sources = wanted;
        self.owed.add(changed);
    }

    fn drop_neighbour(&mut self, neighbour: NeighbourSet) {
        self.sources.take(neighbour);
        self.destinations.take(neighbour);
        self.unconfirmed.take(neighbour);
        self.owed.take(neighbour);
    }
}

impl Row for Petition {
    type Key = Specification;

    fn key(&self) -> Specification {
        self.specification
    }
}

/// What a petition is judged by, besides itself.
pub(super) trait Surroundings {
    /// Whether a module of the message space subscribes so, from another
    /// continuum or all: whether the DMS has members.
    fn is_wanted(&self, specification: &Specification) -> bool;

    /// Whether messages from `source` satisfy the domain.
    fn includes(&self, domain: &Domain, source: &Source) -> bool;
}

/// Who issued a message, of whichever continuum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) continuum: ContinuumNumber,
    pub(super) unit: UnitNumber,
    pub(super) role: RoleNumber,
}

/// An RPDU that a neighbour is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owed {
    Assertion(Specification),
    Cancellation(Specification),
}

impl Owed {
    pub(super) const fn specification(&self) -> Specification {
        match self {
            Self::Assertion(of) | Self::Cancellation(of) => *of,
        }
    }
}

/// The petitions of a gateway.
#[derive(Debug)]
pub(super) struct Petitions<'s> {
    local: ContinuumNumber,
    network: RamsNetwork,
    rows: Table<'s, Petition>,
}

impl<'s> Petitions<'s> {
    pub(super) fn new(
        local: ContinuumNumber,
        network: RamsNetwork,
        slots: &'s mut [Slot<Petition>],
    ) -> Self {
        Self { local, network, rows: Table::new(slots) }
    }

    /// A neighbour asserts a petition (4.4.6.3).
    ///
    /// # Errors
    /// [`Full`] when it is a new one and there is no room.
    pub(super) fn asserted(
        &mut self,
        neighbours: &Table<'_, Neighbour>,
        neighbour: NeighbourSet,
        specification: Specification,
    ) -> Result<(), Full<Petition>> {
        let petition = self.entry(neighbours, specification)?;
        petition.destinations.add(neighbour);
        petition.unconfirmed.take(neighbour);
        Ok(())
    }

    /// A neighbour cancels a petition (4.4.7.2). False when it had not asserted it.
    pub(super) fn cancelled(
        &mut self,
        neighbour: NeighbourSet,
        specification: Specification,
    ) -> bool {
        let Some(petition) = self.rows.get_mut(specification) else {
            return false;
        };
        let known = petition.destinations.contains(neighbour);
        petition.destinations.take(neighbour);
        petition.unconfirmed.take(neighbour);
        known
    }

    /// A neighbour has retracted itself (4.4.7.4).
    pub(super) fn retracted(&mut self, neighbour: NeighbourSet) {
        for petition in self.rows.iter_mut() {
            petition.drop_neighbour(neighbour);
        }
    }

    /// A neighbour has declared itself anew (4.4.6.2): what it does not assert
    /// again before [`Petitions::sweep`] is forgotten.
    pub(super) fn declared_anew(&mut self, neighbour: NeighbourSet) {
        for petition in self.rows.iter_mut() {
            petition.unconfirmed.add(petition.destinations.common(neighbour));
        }
    }

    /// Forgets what a neighbour has not asserted again since it declared itself anew.
    pub(super) fn sweep(&mut self, neighbour: NeighbourSet) {
        for petition in self.rows.iter_mut() {
            let gone = petition.unconfirmed.common(neighbour);
            petition.destinations.take(gone);
            petition.unconfirmed.take(gone);
        }
    }

    /// Owes every neighbour in `to` every petition that is asserted to it, the
    /// declaration among them, once more.
    pub(super) fn owe_again(&mut self, to: NeighbourSet) {
        for petition in self.rows.iter_mut() {
            petition.owed.add(petition.sources.common(to));
        }
    }

    /// Makes sure that there is a petition for this specification. The declarations
    /// of this gateway and its neighbours have room whatever else there is.
    pub(super) fn entry(
        &mut self,
        neighbours: &Table<'_, Neighbour>,
        specification: Specification,
    ) -> Result<&mut Petition, Full<Petition>> {
        let new = Petition::new(specification);
        if self.rows.contains(specification) {
            return self.rows.get_mut(specification).ok_or(Full(new));
        }
        let continua = neighbours.iter().map(Neighbour::continuum).chain([self.local]);
        let mut declarations = continua.map(declaration);
        if !declarations.clone().any(|one| one == specification) {
            let missing = declarations.by_ref().filter(|one| !self.rows.contains(*one)).count();
            if self.rows.len().saturating_add(missing) >= self.rows.capacity() {
                return Err(Full(new));
            }
        }
        self.rows.insert(new)
    }

    /// Asserts and cancels whatever is to be (4.4.3), where `greeted` are the
    /// neighbours to declare to even if they have not declared themselves, and
    /// forgets the petitions that nobody has anything to do with.
    pub(super) fn settle(
        &mut self,
        neighbours: &Table<'_, Neighbour>,
        greeted: NeighbourSet,
        surroundings: &impl Surroundings,
    ) {
        let declared = self.declared(neighbours);
        let own = declaration(self.local);
        let mut next = self.rows.iter().next().map(Row::key);
        while let Some(specification) = next {
            let is_own = specification == own;
            let candidates = match specification.domain.continuum {
                _ if is_own => declared.union(greeted),
                ContinuumNumber::ALL => declared,
                continuum if continuum == self.local => NeighbourSet::EMPTY,
                continuum => self.conduit(neighbours, continuum),
            };
            let wanted_here = is_own || surroundings.is_wanted(&specification);
            let network = self.network;
            if let Some(petition) = self.rows.get_mut(specification) {
                petition.assert_to(petition.targets(network, wanted_here, candidates));
            }
            let behind = |petition: &&Petition| petition.specification > specification;
            next = self.rows.iter_from(specification).find(behind).map(Row::key);
        }
        self.drop_idle();
    }

    /// Forgets the petitions that nobody has anything to do with.
    pub(super) fn drop_idle(&mut self) {
        let own = declaration(self.local);
        self.rows.retain(|petition| petition.specification == own || !petition.is_idle());
    }

    /// Whether the gateway itself is to subscribe so in its message space: some
    /// neighbour wants such messages from here (4.4.6.4, 4.4.7.3), or they are
    /// announcements to all continua (4.4.2.1.2).
    pub(super) fn is_subscription(&self, specification: &Specification) -> bool {
        self.rows.get(*specification).is_some_and(|petition| self.is_wanted_elsewhere(petition))
    }

    /// All subscriptions the gateway itself is to have in its message space.
    pub(super) fn subscriptions(&self) -> impl Iterator<Item = Specification> {
        let wanted = self.rows.iter().filter(|petition| self.is_wanted_elsewhere(petition));
        wanted.map(|petition| petition.specification)
    }

    fn is_wanted_elsewhere(&self, petition: &Petition) -> bool {
        let near = [self.local, ContinuumNumber::ALL];
        petition.specification == declaration(self.local)
            || !petition.destinations.is_empty()
                && near.contains(&petition.specification.domain.continuum)
    }

    /// The next RPDU that `neighbour` is owed, the declaration first.
    pub(super) fn next_owed(&self, neighbour: NeighbourSet) -> Option<Owed> {
        let own = self.rows.get(declaration(self.local)).into_iter();
        let petition =
            own.chain(self.rows.iter()).find(|petition| petition.owed.contains(neighbour))?;
        Some(if petition.sources.contains(neighbour) {
            Owed::Assertion(petition.specification)
        } else {
            Owed::Cancellation(petition.specification)
        })
    }

    /// A neighbour has been told what it was owed of this petition.
    pub(super) fn told(&mut self, neighbour: NeighbourSet, specification: Specification) {
        let Some(petition) = self.rows.get_mut(specification) else { return };
        petition.owed.take(neighbour);
        if petition.is_idle() && specification != declaration(self.local) {
            self.rows.remove(specification);
        }
    }

    /// A neighbour is owed this petition once more, if it is asserted to it.
    pub(super) fn owe(&mut self, neighbour: NeighbourSet, specification: Specification) {
        if let Some(petition) = self.rows.get_mut(specification) {
            petition.owed.add(petition.sources.common(neighbour));
        }
    }

    /// The declared neighbours (4.4.2.3.1).
    pub(super) fn declared(&self, neighbours: &Table<'_, Neighbour>) -> NeighbourSet {
        neighbours.iter().fold(NeighbourSet::EMPTY, |all, neighbour| {
            let declared = self
                .rows
                .get(declaration(neighbour.continuum))
                .is_some_and(|petition| petition.destinations.contains(neighbour.set()));
            if declared { all.union(neighbour.set()) } else { all }
        })
    }

    /// The conduit for a continuum (4.4.2.3.2): the declared neighbour that its
    /// messages go to. In a network that is no tree there may be several; then it is
    /// the gateway of that continuum itself, or else the first, so that no message
    /// goes two ways.
    pub(super) fn conduit(
        &self,
        neighbours: &Table<'_, Neighbour>,
        continuum: ContinuumNumber,
    ) -> NeighbourSet {
        let Some(petition) = self.rows.get(declaration(continuum)) else {
            return NeighbourSet::EMPTY;
        };
        let itself = neighbours.iter().find(|one| one.continuum == continuum).map(Neighbour::set);
        let direct = itself.filter(|itself| petition.destinations.contains(*itself));
        direct.unwrap_or_else(|| petition.destinations.first())
    }

    /// The neighbours that want a message on `subject` from `source`: members of the
    /// DGS of a petition that it satisfies (4.4.9.3).
    pub(super) fn interested(
        &self,
        subject: SubjectNumber,
        source: &Source,
        surroundings: &impl Surroundings,
    ) -> NeighbourSet {
        let first = Specification { subject, domain: Domain::ALL };
        self.rows
            .iter_from(first)
            .take_while(|petition| petition.specification.subject == subject)
            .filter(|petition| surroundings.includes(&petition.specification.domain, source))
            .fold(NeighbourSet::EMPTY, |all, petition| all.union(petition.destinations))
    }

    /// Whether this is part of a mesh or of a tree.
    pub(super) const fn network(&self) -> RamsNetwork {
        self.network
    }

    /// It is part of a mesh or of a tree from now on.
    pub(super) const fn set_network(&mut self, network: RamsNetwork) {
        self.network = network;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// All petitions, in the order of subject and domain.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Petition> {
        self.rows.iter()
    }
}

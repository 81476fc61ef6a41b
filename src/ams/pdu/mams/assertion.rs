//! Subscriptions and invitations, asserted and cancelled (735.1-B-1 5.1.5.10 to
//! 5.1.5.14, 5.1.5.17, 5.1.5.18). The two kinds have the same structure.
//!
//! ```text
//! | subject number               16 | reserved 1 | continuum number        15 |
//! | unit number                  16 | role number  8 |     end of a cancellation
//! | delivery vector 4 | priority  4 | flow label   8 |     end of an assertion
//! ```

use crate::ams::ids::{ContinuumNumber, Domain, Priority, RoleNumber, SubjectNumber, UnitNumber};
use crate::ams::pdu::decoding::Decoder;
use crate::ams::pdu::{Deviation, Deviations, PduRule};
use crate::wire::{Encode, NoSpace, Writer};

const ASSERTION_LEN: usize = 9;
const CANCELLATION_LEN: usize = 7;

/// A subscription or invitation assertion structure: a view of nine octets
/// (5.1.5.10, 5.1.5.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assertion<'a>(&'a [u8; ASSERTION_LEN]);

impl<'a> Assertion<'a> {
    /// Octets of the structure.
    pub const LEN: usize = ASSERTION_LEN;

    /// A view of nine octets; all of them mean something.
    #[must_use]
    pub const fn new(octets: &'a [u8; ASSERTION_LEN]) -> Self {
        Self(octets)
    }

    pub(super) fn check(from: &mut Decoder<'_>) {
        split_rules(from, ASSERTION_LEN, ASSERTION_LEN, PduRule::AssertionTruncated);
    }

    /// One that has been checked and is all of `octets`.
    pub(super) fn checked(octets: &'a [u8]) -> Self {
        Self(octets.first_chunk().unwrap_or(const { &[0; ASSERTION_LEN] }))
    }

    pub(super) const fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// The subject.
    #[must_use]
    pub const fn subject(&self) -> SubjectNumber {
        let [high, low, ..] = *self.0;
        SubjectNumber(i16::from_be_bytes([high, low]))
    }

    /// The reserved bit, clear from whoever keeps to the standard.
    #[must_use]
    pub const fn reserved_bit(&self) -> bool {
        let [_, _, high, ..] = *self.0;
        high & 0x80 != 0
    }

    /// The modules it pertains to.
    #[must_use]
    pub const fn domain(&self) -> Domain {
        let [_, _, a, b, c, d, role, ..] = *self.0;
        domain([a, b, c, d, role])
    }

    /// The number of the delivery vector to use, 0 to 15.
    #[must_use]
    pub const fn delivery_vector(&self) -> u8 {
        let [_, _, _, _, _, _, _, octet, _] = *self.0;
        octet >> 4
    }

    /// The priority asked for; `None` where it is 0.
    #[must_use]
    pub const fn priority(&self) -> Option<Priority> {
        let [_, _, _, _, _, _, _, octet, _] = *self.0;
        Priority::new(octet & 0x0f)
    }

    /// The flow label asked for.
    #[must_use]
    pub const fn flow_label(&self) -> u8 {
        let [.., flow_label] = *self.0;
        flow_label
    }

    /// All of it as values, with the default for a priority of 0.
    #[must_use]
    pub fn values(&self) -> AssertionValues {
        AssertionValues {
            subject: self.subject(),
            domain: self.domain(),
            delivery_vector: self.delivery_vector(),
            priority: self.priority().unwrap_or_default(),
            flow_label: self.flow_label(),
        }
    }
}

impl Encode for Assertion<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.array(self.0)
    }
}

/// Subscriptions or invitations one after the other, asserted or cancelled, of `size`
/// octets each and `length` in all; notes what is odd about them.
#[cfg_attr(not(feature = "std"), inline(never))]
fn split_rules<'a>(from: &mut Decoder<'a>, length: usize, size: usize, rule: PduRule) -> &'a [u8] {
    let octets = from.octets(length, rule);
    if from.is_first() {
        let mut odd = Deviations::NONE;
        let mut rest = octets;
        while let Some((rule, behind)) = rest.split_at_checked(size) {
            if rule.get(2).is_some_and(|octet| octet & 0x80 != 0) {
                odd.note(Deviation::ReservedBits);
            }
            // A cancellation ends before its priority.
            if rule.get(7).is_some_and(|octet| octet & 0x0f == 0) {
                odd.note(Deviation::AssertionPriorityZero);
            }
            rest = behind;
        }
        from.note(odd);
    }
    octets
}

/// The values of a subscription or invitation, for sending and keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AssertionValues {
    /// The subject.
    pub subject: SubjectNumber,
    /// The modules it pertains to.
    pub domain: Domain,
    /// The number of the delivery vector to use, 0 to 15.
    pub delivery_vector: u8,
    /// The priority asked for.
    pub priority: Priority,
    /// The flow label asked for.
    pub flow_label: u8,
}

impl AssertionValues {
    /// The octets of the structure. A delivery vector number above 15 loses its
    /// high bits.
    #[must_use]
    pub const fn octets(&self) -> [u8; Assertion::LEN] {
        let [a, b, c, d, e, f, g] =
            CancellationValues { subject: self.subject, domain: self.domain }.octets();
        [a, b, c, d, e, f, g, self.delivery_vector << 4 | self.priority.get(), self.flow_label]
    }

    /// What cancels this.
    #[must_use]
    pub const fn cancellation(&self) -> CancellationValues {
        CancellationValues { subject: self.subject, domain: self.domain }
    }
}

impl Encode for AssertionValues {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.array(&self.octets())
    }
}

/// A subscription or invitation cancellation structure: a view of seven octets
/// (5.1.5.17, 5.1.5.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancellation<'a>(&'a [u8; CANCELLATION_LEN]);

impl<'a> Cancellation<'a> {
    /// Octets of the structure.
    pub const LEN: usize = CANCELLATION_LEN;

    /// A view of seven octets; all of them mean something.
    #[must_use]
    pub const fn new(octets: &'a [u8; CANCELLATION_LEN]) -> Self {
        Self(octets)
    }

    pub(super) fn check(from: &mut Decoder<'_>) {
        split_rules(from, CANCELLATION_LEN, CANCELLATION_LEN, PduRule::CancellationTruncated);
    }

    /// One that has been checked and is all of `octets`.
    pub(super) fn checked(octets: &'a [u8]) -> Self {
        Self(octets.first_chunk().unwrap_or(const { &[0; CANCELLATION_LEN] }))
    }

    pub(super) const fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// The subject.
    #[must_use]
    pub const fn subject(&self) -> SubjectNumber {
        let [high, low, ..] = *self.0;
        SubjectNumber(i16::from_be_bytes([high, low]))
    }

    /// The reserved bit, clear from whoever keeps to the standard.
    #[must_use]
    pub const fn reserved_bit(&self) -> bool {
        let [_, _, high, ..] = *self.0;
        high & 0x80 != 0
    }

    /// The modules it pertains to.
    #[must_use]
    pub const fn domain(&self) -> Domain {
        let [_, _, octets @ ..] = *self.0;
        domain(octets)
    }

    /// All of it as values.
    #[must_use]
    pub const fn values(&self) -> CancellationValues {
        CancellationValues { subject: self.subject(), domain: self.domain() }
    }
}

impl Encode for Cancellation<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.array(self.0)
    }
}

/// The values that identify a subscription or invitation of one module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CancellationValues {
    /// The subject.
    pub subject: SubjectNumber,
    /// The modules it pertains to.
    pub domain: Domain,
}

impl CancellationValues {
    /// The octets of the structure.
    #[must_use]
    pub const fn octets(&self) -> [u8; Cancellation::LEN] {
        let [subject_high, subject_low] = self.subject.0.to_be_bytes();
        let [continuum_high, continuum_low] = self.domain.continuum.get().to_be_bytes();
        let [unit_high, unit_low] = self.domain.unit.0.to_be_bytes();
        [
            subject_high,
            subject_low,
            continuum_high,
            continuum_low,
            unit_high,
            unit_low,
            self.domain.role.0,
        ]
    }
}

impl Encode for CancellationValues {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.array(&self.octets())
    }
}

const fn domain([continuum_high, continuum_low, unit_high, unit_low, role]: [u8; 5]) -> Domain {
    Domain {
        continuum: ContinuumNumber::from_bits(u16::from_be_bytes([continuum_high, continuum_low])),
        unit: UnitNumber(u16::from_be_bytes([unit_high, unit_low])),
        role: RoleNumber(role),
    }
}

/// A subscription list or an invitation list (5.1.5.12, 5.1.5.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssertionList<'a>(&'a [[u8; ASSERTION_LEN]]);

impl<'a> AssertionList<'a> {
    /// The list without members.
    pub const EMPTY: Self = Self(&[]);

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn split(from: &mut Decoder<'a>, rule: PduRule) -> Self {
        let length = usize::from(from.u16(rule)).wrapping_mul(ASSERTION_LEN);
        Self(split_rules(from, length, ASSERTION_LEN, rule).as_chunks().0)
    }

    /// How many there are, at most 65,535.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The assertions, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = Assertion<'a>> + Clone + use<'a> {
        self.0.iter().map(Assertion)
    }
}

impl Encode for AssertionList<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let Ok(count) = u16::try_from(self.len()) else {
            return Err(NoSpace::new(self.len(), usize::from(u16::MAX)));
        };
        to.u16(count)?;
        to.octets(self.0.as_flattened())
    }
}

/// A declaration structure: what a module subscribes to and what it invites
/// (5.1.5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declaration<'a> {
    /// The subscription list.
    pub subscriptions: AssertionList<'a>,
    /// The invitation list.
    pub invitations: AssertionList<'a>,
}

impl<'a> Declaration<'a> {
    /// That of a module without any.
    pub const EMPTY: Self =
        Self { subscriptions: AssertionList::EMPTY, invitations: AssertionList::EMPTY };

    pub(super) fn split(from: &mut Decoder<'a>) -> Self {
        let mut list = |rule| AssertionList::split(from, rule);
        Self {
            subscriptions: list(PduRule::SubscriptionListTruncated),
            invitations: list(PduRule::InvitationListTruncated),
        }
    }
}

impl Encode for Declaration<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        self.subscriptions.encode(to)?;
        self.invitations.encode(to)
    }
}

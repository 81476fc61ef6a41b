//! Whether a message space that stays as it is agrees with itself, with its MIB
//! and with the standard. All of it is `const`, as the check of a MIB is.

use core::fmt;

use super::fixed::{StaticMember, StaticSpace};
use crate::ams::ids::{ModuleKey, ModuleNumber, RoleNumber, SubjectNumber};
use crate::ams::mib::{Invalid, Mib, Subject, Venture, check, each, same};
use crate::ams::pdu::{AssertionValues, DeliveryPoint, DeliveryVectorValues};

type Checked = Result<(), StaticInvalid>;

/// What is wrong with a static message space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StaticInvalid {
    /// The MIB it goes with is not valid by itself.
    Mib(Invalid),
    /// Its venture is not in the MIB.
    UnknownVenture,
    /// A module has number 0.
    ModuleZero(ModuleKey),
    /// Two modules have the same unit and number.
    Repeated(ModuleKey),
    /// The unit of a module is not in the MIB.
    UnknownUnit(ModuleKey),
    /// The role of a module is 0 or not in the MIB.
    UnknownRole(ModuleKey),
    /// A module has more than four delivery vectors, two of one number, one above 15,
    /// or one without a delivery point.
    DeliveryVectors(ModuleKey),
    /// A delivery point is of a transport service that is not in the MIB.
    UnknownService(ModuleKey),
    /// A rule names a delivery vector its module has not got.
    NoDeliveryVector(ModuleKey, SubjectNumber),
    /// A rule is on a subject its module may not receive on (4.2.10.1.1).
    NotAuthorisedReceiver(ModuleKey, SubjectNumber),
    /// A rule is for all subjects of all or other continua (4.2.10.1.1).
    AllSubjectsElsewhere(ModuleKey),
}

impl fmt::Display for StaticInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, text) = match self {
            Self::Mib(invalid) => return invalid.fmt(f),
            Self::UnknownVenture => return f.write_str("its venture is not in the MIB"),
            Self::ModuleZero(key) => (key, "its number is 0"),
            Self::Repeated(key) => (key, "it is there twice"),
            Self::UnknownUnit(key) => (key, "its unit is not in the MIB"),
            Self::UnknownRole(key) => (key, "its role is not in the MIB"),
            Self::DeliveryVectors(key) => (key, "its delivery vectors are not as they must be"),
            Self::UnknownService(key) => (key, "the MIB has not got its transport service"),
            Self::NoDeliveryVector(key, subject) => {
                return write!(f, "module {key}: a rule on subject {subject} has no vector");
            }
            Self::NotAuthorisedReceiver(key, subject) => {
                return write!(f, "module {key}: it may not receive on subject {subject}");
            }
            Self::AllSubjectsElsewhere(key) => {
                (key, "all subjects can be asked for in this continuum only")
            }
        };
        write!(f, "module {key}: {text}")
    }
}

impl core::error::Error for StaticInvalid {}

impl StaticSpace<'_> {
    /// Checks that every module is one the MIB knows, and that what it asks for can
    /// be delivered. Of the MIB everything is checked but the locations of the
    /// configuration server: there is none.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order of the members.
    pub const fn validate(&self, mib: &Mib<'_>) -> Checked {
        if let Err(invalid) = mib.validate_parts(false) {
            return Err(StaticInvalid::Mib(invalid));
        }
        each!(mib.ventures, |_index, venture, _after| {
            if venture.number.0 == self.venture.0 {
                return self.validate_members(mib, venture);
            }
        });
        Err(StaticInvalid::UnknownVenture)
    }

    const fn validate_members(&self, mib: &Mib<'_>, venture: &Venture<'_>) -> Checked {
        each!(self.members, |_index, member, after| {
            check!(identity(member, venture));
            let key = member.id.key();
            each!(after, |_offset, later, _rest| {
                let later = later.id.key();
                if key.unit.0 == later.unit.0 && key.module.0 == later.module.0 {
                    return Err(StaticInvalid::Repeated(key));
                }
            });
            check!(vectors(key, member.delivery_vectors, mib));
            check!(rules(member, member.subscriptions, (mib, venture)));
            check!(rules(member, member.invitations, (mib, venture)));
        });
        Ok(())
    }
}

const fn identity(member: &StaticMember<'_>, venture: &Venture<'_>) -> Checked {
    let key = member.id.key();
    if key.module.0 == ModuleNumber::NONE.0 {
        return Err(StaticInvalid::ModuleZero(key));
    }
    let (mut unit_known, role) = (false, member.id.role.0);
    each!(venture.units, |_index, unit, _after| {
        unit_known = unit_known || unit.number.0 == key.unit.0;
    });
    if !unit_known {
        return Err(StaticInvalid::UnknownUnit(key));
    }
    // Without a list of roles there are all but 0.
    let mut role_known = venture.roles.is_empty() || role == RoleNumber::RAMS_GATEWAY.0;
    each!(venture.roles, |_index, known, _after| {
        role_known = role_known || known.number.0 == role;
    });
    if role == RoleNumber::ALL.0 || !role_known {
        return Err(StaticInvalid::UnknownRole(key));
    }
    Ok(())
}

const fn vectors(key: ModuleKey, vectors: &[DeliveryVectorValues<'_>], mib: &Mib<'_>) -> Checked {
    if vectors.len() > 4 {
        return Err(StaticInvalid::DeliveryVectors(key));
    }
    each!(vectors, |_index, vector, after| {
        if vector.number > 15 || vector.points.is_empty() {
            return Err(StaticInvalid::DeliveryVectors(key));
        }
        each!(after, |_offset, later, _rest| {
            if vector.number == later.number {
                return Err(StaticInvalid::DeliveryVectors(key));
            }
        });
        each!(vector.points, |_at, point, _others| {
            if !is_known(point, mib) {
                return Err(StaticInvalid::UnknownService(key));
            }
        });
    });
    Ok(())
}

const fn is_known(point: &DeliveryPoint<'_>, mib: &Mib<'_>) -> bool {
    each!(mib.transports, |_index, service, _after| {
        if same(service.name, point.service) {
            return true;
        }
    });
    false
}

const fn rules(
    member: &StaticMember<'_>,
    rules: &[AssertionValues],
    (mib, venture): (&Mib<'_>, &Venture<'_>),
) -> Checked {
    let key = member.id.key();
    each!(rules, |_index, rule, _after| {
        let subject = rule.subject;
        let elsewhere = rule.domain.continuum.get() != mib.continuum.number.get();
        if subject.0 == SubjectNumber::ALL.0 && elsewhere {
            return Err(StaticInvalid::AllSubjectsElsewhere(key));
        }
        let mut has_vector = false;
        each!(member.delivery_vectors, |_at, vector, _others| {
            has_vector = has_vector || vector.number == rule.delivery_vector;
        });
        if !has_vector {
            return Err(StaticInvalid::NoDeliveryVector(key, subject));
        }
        each!(venture.subjects, |_at, known, _others| {
            if known.number.0 == subject.0 && !may_receive(known, member.id.role) {
                return Err(StaticInvalid::NotAuthorisedReceiver(key, subject));
            }
        });
    });
    Ok(())
}

const fn may_receive(subject: &Subject<'_>, role: RoleNumber) -> bool {
    each!(subject.receivers, |_index, receiver, _after| {
        if receiver.0 == role.0 {
            return true;
        }
    });
    subject.receivers.is_empty()
}

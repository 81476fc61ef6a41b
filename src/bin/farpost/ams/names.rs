//! The names a venture's MIB gives to numbers, and back.

use std::fmt;

use farpost::ams::ids::{RoleNumber, SubjectNumber, UnitNumber};
use farpost::ams::mib::Venture;
use serde::Deserialize;

/// Something that is told by its name or by its number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a name or a number")]
pub(crate) enum Named {
    /// By its number.
    Number(i64),
    /// By its name.
    Name(String),
}

impl From<&str> for Named {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.into()), Self::Number)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => write!(f, "`{name}`"),
        }
    }
}

/// The names of a venture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'m>(pub(crate) &'m Venture<'m>);

impl<'m> Names<'m> {
    /// The unit of this name or number; it need not be in the MIB to have a number.
    pub(crate) fn unit(self, named: &Named) -> Result<UnitNumber, String> {
        let units = self.0.units.iter().map(|unit| (unit.name, unit.number));
        number("unit", named, units, |number| u16::try_from(number).ok().map(UnitNumber))
    }

    /// The role of this name or number.
    pub(crate) fn role(self, named: &Named) -> Result<RoleNumber, String> {
        let roles = self.0.roles.iter().map(|role| (role.name, role.number));
        number("role", named, roles, |number| u8::try_from(number).ok().map(RoleNumber))
    }

    /// The subject of this name or number.
    pub(crate) fn subject(self, named: &Named) -> Result<SubjectNumber, String> {
        let subjects = self.0.subjects.iter().map(|subject| (subject.name, subject.number));
        number("subject", named, subjects, |number| i16::try_from(number).ok().map(SubjectNumber))
    }

    pub(crate) fn unit_name(self, number: UnitNumber) -> Option<&'m str> {
        self.0.unit(number).map(|unit| unit.name).filter(|name| !name.is_empty())
    }

    pub(crate) fn role_name(self, number: RoleNumber) -> Option<&'m str> {
        self.0.role(number).map(|role| role.name)
    }

    pub(crate) fn subject_name(self, number: SubjectNumber) -> Option<&'m str> {
        self.0.subject(number).map(|subject| subject.name)
    }
}

fn number<'m, N>(
    what: &str,
    named: &Named,
    known: impl Iterator<Item = (&'m str, N)> + Clone,
    in_range: impl Fn(i64) -> Option<N>,
) -> Result<N, String> {
    match named {
        Named::Number(number) => {
            in_range(*number).ok_or_else(|| format!("{number} is out of the range of a {what}"))
        }
        Named::Name(name) => {
            known.clone().find(|(known, _)| known == name).map(|(_, number)| number).ok_or_else(
                || {
                    let names: Vec<_> =
                        known.map(|(name, _)| name).filter(|name| !name.is_empty()).collect();
                    let names = if names.is_empty() { "none".into() } else { names.join(", ") };
                    format!("the MIB has no {what} `{name}`; it has {names}")
                },
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farpost::ams::ids::VentureNumber;
    use farpost::ams::mib::{Role, Subject};

    #[test]
    fn names_and_numbers_are_looked_up() {
        let venture = Venture {
            roles: &[Role::new(RoleNumber(2), "ssd"), Role::new(RoleNumber(3), "ssm")],
            subjects: &[Subject::new(SubjectNumber(4), "report")],
            ..Venture::new(VentureNumber(1), "sensing", "test")
        };
        let names = Names(&venture);
        assert_eq!(names.role(&"ssm".into()), Ok(RoleNumber(3)));
        assert_eq!(names.role(&"9".into()), Ok(RoleNumber(9)));
        assert_eq!(names.subject(&"-2".into()), Ok(SubjectNumber(-2)));
        assert_eq!(names.subject(&"report".into()), Ok(SubjectNumber(4)));
        assert_eq!(names.unit(&"".into()), Ok(UnitNumber::ROOT));
        assert_eq!(
            names.role(&"actor".into()),
            Err("the MIB has no role `actor`; it has ssd, ssm".into())
        );
        assert_eq!(names.role(&"256".into()), Err("256 is out of the range of a role".into()));
    }
}

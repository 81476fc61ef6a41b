//! What is called what: service primitives take names as well as numbers (3.1.2),
//! and the MIB has one for the other.

use super::{Continuum, Mib, Role, Subject, Unit, Venture};
use crate::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber};

impl<'m> Mib<'m> {
    /// The continuum of this name; the empty name is all continua's (3.1.2.1).
    #[must_use]
    pub fn continuum_named(&self, name: &str) -> Option<ContinuumNumber> {
        if name.is_empty() {
            return Some(ContinuumNumber::ALL);
        }
        let known = core::iter::once(&self.continuum).chain(self.continua);
        known.filter(|continuum| continuum.name == name).map(|it| it.number).next()
    }

    /// The continuum of this number, the local one or another that is known of.
    #[must_use]
    pub fn continuum(&self, number: ContinuumNumber) -> Option<&Continuum<'m>> {
        core::iter::once(&self.continuum).chain(self.continua).find(|it| it.number == number)
    }

    /// The venture of this application under this authority (3.1.2.2, 3.1.2.3).
    #[must_use]
    pub fn venture_named(&self, application: &str, authority: &str) -> Option<&'m Venture<'m>> {
        let named = |it: &&Venture<'_>| it.application == application && it.authority == authority;
        self.ventures.iter().find(named)
    }
}

impl<'m> Venture<'m> {
    /// The unit of this name; the empty name is the root unit's (3.1.2.4).
    #[must_use]
    pub fn unit_named(&self, name: &str) -> Option<UnitNumber> {
        if name.is_empty() {
            return Some(UnitNumber::ROOT);
        }
        self.units.iter().find(|unit: &&'m Unit<'m>| unit.name == name).map(|unit| unit.number)
    }

    /// The role of this name; the empty name is all roles', `RAMS` the gateway's
    /// (3.1.2.5).
    #[must_use]
    pub fn role_named(&self, name: &str) -> Option<RoleNumber> {
        match name {
            "" => Some(RoleNumber::ALL),
            "RAMS" => Some(RoleNumber::RAMS_GATEWAY),
            _ => self.roles.iter().find(|role: &&Role<'_>| role.name == name).map(|it| it.number),
        }
    }

    /// The subject of this name; the empty name is all subjects' (3.1.2.8).
    #[must_use]
    pub fn subject_named(&self, name: &str) -> Option<SubjectNumber> {
        if name.is_empty() {
            return Some(SubjectNumber::ALL);
        }
        self.subjects.iter().find(|it: &&Subject<'_>| it.name == name).map(|it| it.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::VentureNumber;

    const FAR: ContinuumNumber = ContinuumNumber::from_bits(3);
    const VENTURE: Venture<'_> = Venture {
        units: &[Unit::ROOT, Unit::new(UnitNumber(4), "north")],
        roles: &[Role::new(RoleNumber(2), "ssd")],
        subjects: &[Subject::new(SubjectNumber(7), "report")],
        ..Venture::new(VentureNumber(1), "sensing", "test")
    };
    const MIB: Mib<'_> = Mib {
        continua: &[Continuum { number: FAR, name: "far", neighbour: true, description: "" }],
        ventures: &[VENTURE],
        ..Mib::new(ContinuumNumber::from_bits(2), "near")
    };

    #[test]
    fn clause_3_1_2_1_to_3_1_2_8_names_stand_for_numbers() {
        assert_eq!(MIB.continuum_named("near"), Some(MIB.continuum.number));
        assert_eq!(MIB.continuum_named("far"), Some(FAR));
        assert_eq!(MIB.continuum_named("mars"), None);
        assert_eq!(MIB.continuum(FAR).map(|it| it.name), Some("far"));
        assert_eq!(MIB.venture_named("sensing", "test"), Some(&VENTURE));
        assert_eq!(MIB.venture_named("sensing", "other"), None);
        assert_eq!(VENTURE.unit_named("north"), Some(UnitNumber(4)));
        assert_eq!(VENTURE.unit_named("south"), None);
        assert_eq!(VENTURE.role_named("ssd"), Some(RoleNumber(2)));
        assert_eq!(VENTURE.role_named("ssm"), None);
        assert_eq!(VENTURE.subject_named("report"), Some(SubjectNumber(7)));
        assert_eq!(VENTURE.subject_named("scan"), None);
    }

    #[test]
    fn annex_b_reserved_names_are_known_without_being_listed() {
        assert_eq!(MIB.continuum_named(""), Some(ContinuumNumber::ALL));
        assert_eq!(VENTURE.unit_named(""), Some(UnitNumber::ROOT));
        assert_eq!(VENTURE.role_named(""), Some(RoleNumber::ALL));
        assert_eq!(VENTURE.role_named("RAMS"), Some(RoleNumber::RAMS_GATEWAY));
        assert_eq!(VENTURE.subject_named(""), Some(SubjectNumber::ALL));
    }
}

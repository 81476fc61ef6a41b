//! The size of ION's tables.

use super::{Checked, invalid, same};
use crate::ams::mib::{Fault, Item, Mib, Profile, Venture};

/// Whether every number and name has room in ION.
pub(super) const fn fits(mib: &Mib<'_>) -> Checked {
    check!(name(Item::Continuum, mib.continuum.name));
    each!(mib.continua, |index, continuum, _after| {
        check!(name(Item::RemoteContinuum(index), continuum.name));
    });
    each!(mib.ventures, |index, content, _after| {
        check!(venture(index, content));
    });
    Ok(())
}

const fn venture(at: usize, content: &Venture<'_>) -> Checked {
    let item = Item::Venture(at);
    if content.number.0 > Profile::ION_VENTURES {
        return invalid(item, Fault::AboveIonLimit(u16::from_be_bytes([0, Profile::ION_VENTURES])));
    }
    check!(name(item, content.application));
    check!(name(item, content.authority));
    each!(content.units, |index, unit, _after| {
        let item = Item::Unit { venture: at, unit: index };
        if unit.number.0 > Profile::ION_UNITS {
            return invalid(item, Fault::AboveIonLimit(Profile::ION_UNITS));
        }
        check!(name(item, unit.name));
    });
    each!(content.roles, |index, role, _after| {
        let item = Item::Role { venture: at, role: index };
        if role.number.0 == Profile::ION_STOP.0 && !same(role.name, "stop") {
            return invalid(item, Fault::NotIonStop);
        }
        check!(name(item, role.name));
    });
    each!(content.subjects, |index, subject, _after| {
        let item = Item::Subject { venture: at, subject: index };
        if subject.number.0.cast_unsigned() > Profile::ION_SUBJECTS {
            return invalid(item, Fault::AboveIonLimit(Profile::ION_SUBJECTS));
        }
        check!(name(item, subject.name));
    });
    Ok(())
}

const fn name(item: Item, name: &str) -> Checked {
    if name.len() > Profile::ION_NAME {
        return invalid(item, Fault::LongIonName);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
    use crate::ams::mib::{Invalid, Role, Subject, Unit};
    use std::vec::Vec;

    const LONG: &str = "a name of three and thirty octets";
    const VENTURE: Venture<'static> = Venture::new(VentureNumber(20), "demo", "test");
    const MIB: Mib<'static> = Mib {
        config_servers: &["2130706433:2357"],
        ..Mib::ion(ContinuumNumber::from_bits(32_767), "ion")
    };

    fn refused(venture: Venture<'_>) -> Option<(Item, Fault)> {
        let invalid = Mib { ventures: &[venture], ..MIB }.validate().err();
        let standard = Mib { profile: Profile::Standard, ventures: &[venture], ..MIB };
        assert_eq!(standard.validate(), Ok(()), "the standard has no such limit");
        invalid.map(|Invalid { item, fault }| (item, fault))
    }

    #[test]
    fn numbers_are_within_the_tables_of_ion() {
        assert_eq!(refused(VENTURE), None);
        let venture = Venture { number: VentureNumber(21), ..VENTURE };
        assert_eq!(refused(venture), Some((Item::Venture(0), Fault::AboveIonLimit(20))));
        for (number, fault) in [(10, None), (11, Some(Fault::AboveIonLimit(10)))] {
            let units = [Unit::ROOT, Unit::new(UnitNumber(number), "u")];
            let item = Item::Unit { venture: 0, unit: 1 };
            let expected = fault.map(|fault| (item, fault));
            assert_eq!(refused(Venture { units: &units, ..VENTURE }), expected);
        }
        for (number, fault) in [(500, None), (501, Some(Fault::AboveIonLimit(500)))] {
            let subjects = [Subject::new(SubjectNumber(number), "s")];
            let item = Item::Subject { venture: 0, subject: 0 };
            let expected = fault.map(|fault| (item, fault));
            assert_eq!(refused(Venture { subjects: &subjects, ..VENTURE }), expected);
        }
    }

    #[test]
    fn role_255_is_the_one_ion_stops_a_message_space_with() {
        for (name, fault) in [("stop", None), ("other", Some(Fault::NotIonStop))] {
            let roles = [Role::new(RoleNumber(255), name)];
            let item = Item::Role { venture: 0, role: 0 };
            let expected = fault.map(|fault| (item, fault));
            assert_eq!(refused(Venture { roles: &roles, ..VENTURE }), expected);
        }
    }

    #[test]
    fn names_have_room_in_ion() {
        assert_eq!(LONG.len(), 33);
        let (units, roles, subjects) = (
            [Unit::ROOT, Unit::new(UnitNumber(1), LONG)],
            [Role::new(RoleNumber(2), LONG)],
            [Subject::new(SubjectNumber(1), LONG)],
        );
        for venture in [
            Venture { application: LONG, ..VENTURE },
            Venture { authority: LONG, ..VENTURE },
            Venture { units: &units, ..VENTURE },
            Venture { roles: &roles, ..VENTURE },
            Venture { subjects: &subjects, ..VENTURE },
        ] {
            assert_eq!(refused(venture).map(|(_, fault)| fault), Some(Fault::LongIonName));
        }
        let mib =
            Mib { config_servers: MIB.config_servers, ..Mib::ion(MIB.continuum.number, LONG) };
        let (item, fault) = (Item::Continuum, Fault::LongIonName);
        assert_eq!(mib.validate(), Err(Invalid { item, fault }));
    }

    #[test]
    fn what_ion_may_read_as_below_0_is_told() {
        let roles = [127, 128, 255].map(|number| Role::new(RoleNumber(number), "stop"));
        let venture = Venture { roles: &roles, ..VENTURE };
        let mib = Mib { ventures: &[VENTURE, venture], ..MIB };
        let told: Vec<_> = mib.cautions().collect();
        assert_eq!(told, [Item::Continuum, Item::Role { venture: 1, role: 1 }]);
        let standard = Mib { profile: Profile::Standard, ..mib };
        assert_eq!(standard.cautions().count(), 0);
    }
}

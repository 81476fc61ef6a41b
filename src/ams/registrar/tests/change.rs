//! Another MIB for a registrar that operates.

use super::*;
use crate::ams::mib::{ChangeRefused, Item};

const FOURTH: &[Role<'_>] = &[Role::new(RoleNumber(4), "four")];
/// The members' roles are not listed any more, and role 4 is.
const NEXT: Mib<'_> = Mib {
    ventures: &[Venture { roles: FOURTH, ..VENTURE }],
    policy: policy(Introduction::ByModules),
    ..MIB
};
const EMPTY: Mib<'_> = Mib { ventures: &[], ..MIB };

#[test]
fn roles_change_and_members_stay() {
    by_modules(|mut b| {
        b.join(at(1), "m1", 2, 11);
        b.join(at(1), "m2", 4, 12);
        assert_eq!(b.numbers().len(), 1, "role 4 is not listed");
        b.net.take();
        assert_eq!(b.registrar.change_mib(&NEXT), Ok(()));
        b.join(at(2), "m2", 4, 12);
        b.join(at(2), "m3", 3, 13);
        assert_eq!(b.numbers().len(), 2, "role 3 is not listed any more");
        let told = b.net.told();
        assert!(told.iter().any(|line| line.starts_with("m2 you_are_in")), "{told:?}");
        b.tick(at(20));
        assert!(b.net.beats().iter().any(|line| line.starts_with("m1")), "it is a member still");
    });
}

#[test]
fn what_the_registrar_is_known_by_does_not_change() {
    by_modules(|mut b| {
        b.join(at(1), "m1", 2, 11);
        b.net.take();
        let refused = ChangeRefused::Fixed(Item::Venture(0));
        assert_eq!(b.registrar.change_mib(&EMPTY), Err(refused));
        b.join(at(2), "m2", 3, 12);
        assert_eq!(b.numbers().len(), 2, "it goes on by the MIB it has");
    });
}

#[test]
fn resynchronisation_comes_and_goes_with_its_period() {
    by_modules(|mut b| {
        b.tick(at(79));
        b.net.take();
        let next = b.registrar.next_deadline();
        assert_eq!(b.registrar.change_mib(&RESYNC_MIB), Ok(()));
        b.join(at(79), "m1", 2, 11);
        b.net.take();
        b.tick(at(80));
        let told = b.net.told();
        assert!(told.iter().any(|line| line.contains("cell_status")), "{told:?}");
        assert_eq!(b.registrar.change_mib(&MIB), Ok(()));
        b.tick(at(161));
        let told = b.net.told();
        assert!(!told.iter().any(|line| line.contains("cell_status")), "{told:?}");
        assert!(b.registrar.next_deadline() > next, "no deadline stays behind");
    });
}

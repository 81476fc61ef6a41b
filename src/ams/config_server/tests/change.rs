//! Another MIB for a configuration server that operates.

use super::*;
use crate::ams::mib::{ChangeRefused, Item};

const FEWER: &[Unit<'_>] = &[Unit::ROOT, UNITS[1], Unit::new(UnitNumber(9), "new")];
/// Units 2 and 3 are gone, 9 has come, and so has a location.
const NEXT: Mib<'_> = Mib {
    config_servers: &["other", "cs1", "cs2", "cs3"],
    ventures: &[Venture { units: FEWER, ..VENTURE }],
    ..MIB
};
const MOVED: Mib<'_> = Mib { config_servers: &["cs0", "other"], ..MIB };

#[test]
fn cells_and_other_locations_change_and_registrars_stay() {
    bench(|mut b| {
        b.tick(at(0));
        b.announce(at(1), 2, 1, "r2");
        b.announce(at(1), 9, 2, "r9");
        b.net.take();
        assert_eq!(b.server.change_mib(&NEXT), Ok(()));
        b.announce(at(2), 9, 3, "r9");
        assert!(b.net.told().iter().any(|line| line.starts_with("r9 registrar_noted 3")));
        b.announce(at(2), 3, 4, "r3");
        assert_eq!(b.net.told(), ["r3 rejection 4 4"], "that cell is gone");
        let known: Vec<_> = b.server.cells().map(|cell| cell.unit().0).collect();
        assert_eq!(known, [2, 9], "what was known is known");
        b.tick(at(60));
        let told = b.net.told();
        for name in ["cs2", "cs3"] {
            assert!(told.contains(&std::format!("{name} I_am_running 0")), "{told:?}");
        }
    });
}

#[test]
fn the_own_location_does_not_change() {
    bench(|mut b| {
        let refused = ChangeRefused::Fixed(Item::ConfigServer(1));
        assert_eq!(b.server.change_mib(&MOVED), Err(refused));
        b.tick(at(0));
        assert_eq!(b.net.told(), ["cs2 I_am_running 0"], "it goes on by the MIB it has");
    });
}

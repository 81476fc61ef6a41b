//! Whatever modules, other registrars and the configuration server say, a registrar
//! stays in order: its tables keep to their sizes, and nothing that is due is left
//! undone by a tick.
#![no_main]

use farpost::ams::ids::{ModuleNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Introduction, Mib, Policy, ReconnectionPolicy};
use farpost::ams::pdu::EndpointName;
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost_fuzz::{MIB, Result, Unstructured, Wire, from, mpdu, noise, u8, wait};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

struct Bench<'s> {
    registrar: Registrar<'s>,
    wire: Wire,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { registrar, wire, now } = self;
        match u8(u)? % 8 {
            0 => wait(now, u8(u)?, |now, tick| {
                if tick.is_some() {
                    registrar.tick(now, wire);
                }
                registrar.next_deadline()
            }),
            1 => wire.turn(u8(u)?),
            2 => registrar.receive(*now, &from(u)?, noise(u)?, wire),
            _ => {
                let octets = mpdu(u, wire.asked)?;
                registrar.receive(*now, &from(u)?, &octets, wire);
            }
        }
        Ok(())
    }

    fn assert_in_order(&mut self) {
        self.registrar.tick(self.now, &mut self.wire);
        let registrar = &self.registrar;
        let numbers: Vec<_> = registrar.members().map(|member| member.number()).collect();
        assert!(numbers.len() <= 4 && !numbers.contains(&ModuleNumber::NONE));
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(registrar.registrars().all(|other| other.unit() != UnitNumber(1)));
        assert!(registrar.registrars().count() <= 1);
        assert!(registrar.dossiers().count() <= 6 && registrar.rules().count() <= 12);
        let known: Vec<_> = registrar.dossiers().map(|dossier| dossier.id().key()).collect();
        assert!(registrar.rules().all(|rule| known.contains(&rule.module())));
        assert!(registrar.next_deadline().is_none_or(|next| next > self.now.monotonic));
    }
}

/// One choice a bit.
fn policy(choice: u8) -> Policy {
    let by_registrar = choice & 1 != 0;
    Policy {
        introduction: if by_registrar {
            Introduction::ByRegistrar
        } else {
            Introduction::ByModules
        },
        census: (choice & 2 != 0).then_some(Duration::ZERO),
        aggregation: Duration::from_secs(if choice & 4 != 0 { 3 } else { 0 }),
        reconnection: ReconnectionPolicy {
            timely: choice & 8 == 0,
            consistent: choice & 16 == 0,
            unique: choice & 32 == 0,
        },
        one_status: choice & 64 != 0,
        briefing_delay: Duration::from_millis(if choice & 128 != 0 { 50 } else { 0 }),
        ..Policy::NOMINAL
    }
}

fuzz_target!(|octets: &[u8]| {
    let mut u = Unstructured::new(octets);
    let Ok(choice) = u8(&mut u) else { return };
    let endpoint = EndpointName::new("r").expect("it is one");
    let mib = Mib { policy: policy(choice), ..MIB };
    let config = RegistrarConfig::new(VentureNumber(1), UnitNumber(1), endpoint);
    let storage = RegistrarStorage {
        members: &mut [const { Slot::EMPTY }; 4],
        registrars: &mut [const { Slot::EMPTY }; 1],
        dossiers: &mut [const { Slot::EMPTY }; 6],
        rules: &mut [const { Slot::EMPTY }; 12],
        buffer: &mut [0; 300],
    };
    let registrar = Registrar::new(&mib, config, storage);
    let mut bench = Bench { registrar, wire: Wire::default(), now: Now::default() };
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

//! Whatever registrars and modules say, a configuration server stays in order: its
//! table keeps to its size and to the MIB, and nothing that is due is left undone
//! by a tick.
#![no_main]

use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::mib::{Mib, Policy};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost_fuzz::{MIB, Result, Unstructured, Wire, from, mpdu, noise, u8, wait};
use libfuzzer_sys::fuzz_target;

struct Bench<'s> {
    server: ConfigServer<'s>,
    wire: Wire,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { server, wire, now } = self;
        match u8(u)? % 8 {
            0 => wait(now, u8(u)?, |now, tick| {
                if tick.is_some() {
                    server.tick(now, wire);
                }
                server.next_deadline()
            }),
            1 => wire.turn(u8(u)?),
            2 => server.receive(*now, &from(u)?, noise(u)?, wire),
            _ => {
                let octets = mpdu(u, wire.asked)?;
                server.receive(*now, &from(u)?, &octets, wire);
            }
        }
        Ok(())
    }

    fn assert_in_order(&mut self) {
        self.server.tick(self.now, &mut self.wire);
        assert!(self.server.cells().count() <= 2);
        assert!(self.server.next_deadline().is_none_or(|next| next > self.now.monotonic));
    }
}

fuzz_target!(|octets: &[u8]| {
    let storage = ConfigServerStorage {
        cells: &mut [const { Slot::EMPTY }; 2],
        buffer: &mut [0; ConfigServer::BUFFER_LEN],
    };
    let mut u = Unstructured::new(octets);
    let Ok(choice) = u8(&mut u) else { return };
    // Whether it takes over, and at which of the locations it is.
    let policy = Policy { takeover: choice & 3, ..Policy::NOMINAL };
    let mib = Mib { policy, ..MIB };
    let config = ConfigServerConfig { location: usize::from(choice >> 2 & 1) };
    let server = ConfigServer::new(&mib, config, storage);
    let mut bench = Bench { server, wire: Wire::default(), now: Now::default() };
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

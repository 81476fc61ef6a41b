//! Every machine with every MPDU it listens to: what is inauthentic is counted and
//! changes nothing (4.1.2).

use std::format;
use std::string::String;
use std::vec::Vec;

use super::network::Cell;
use super::sayings::{MODULE, all};
use super::{READER, Receiver, SENSOR, bound, leak, mib, mixed_up, sign};
use crate::ams::MetaStats;
use crate::ams::mib::Mib;
use crate::ams::module::RuleRequest;
use crate::ams::pdu::Mpdu;

/// A server, a registrar and a module that knows another.
fn cell(mib: &'static Mib<'static>) -> Cell {
    let mut cell = Cell::new(mib);
    cell.join(mib, "s", SENSOR);
    cell.join(mib, "five", READER);
    cell.run(75_000);
    cell.with(1, |module, now, transport, _| {
        module.subscribe(now, &RuleRequest::new(super::PLAIN), transport).unwrap();
    });
    cell.run(80_000);
    cell
}

/// All there is to see of a machine but its counters of traffic.
fn state(cell: &Cell, of: Receiver) -> String {
    match of {
        Receiver::ConfigServer => {
            let cells: Vec<_> = cell.server.cells().collect();
            format!("{:?} {cells:?} {:?}", cell.server.state(), cell.server.next_deadline())
        }
        Receiver::Registrar(_) => {
            let it = cell.registrar.as_ref().unwrap();
            let members: Vec<_> = it.members().collect();
            let others: Vec<_> = it.registrars().collect();
            format!(
                "{:?} {members:?} {others:?} {:?} {:?}",
                it.state(),
                it.counts(),
                it.next_deadline()
            )
        }
        Receiver::Module(_) => {
            let it = &cell.members[0].module;
            let peers: Vec<_> = it.peers().collect();
            let rules: Vec<_> = it.rules().collect();
            format!("{:?} {peers:?} {rules:?} {:?}", it.membership(), it.next_deadline())
        }
    }
}

fn stats(cell: &Cell, of: Receiver) -> MetaStats {
    match of {
        Receiver::ConfigServer => *cell.server.stats(),
        Receiver::Registrar(_) => *cell.registrar.as_ref().unwrap().stats(),
        Receiver::Module(_) => *cell.members[0].module.meta_stats(),
    }
}

const fn endpoint(of: Receiver) -> &'static str {
    match of {
        Receiver::ConfigServer => "cs",
        Receiver::Registrar(_) => "reg",
        Receiver::Module(_) => "s",
    }
}

#[test]
fn clause_4_1_2_what_is_inauthentic_changes_nothing_but_a_counter() {
    let mut cell = cell(leak(mib()));
    for saying in all() {
        let (before, counted) = (state(&cell, saying.to), stats(&cell, saying.to));
        let (said, heard) = (cell.wire.len(), cell.members[0].heard.len());
        cell.say("evil", endpoint(saying.to), &saying.octets);
        cell.say("evil", endpoint(saying.to), &sign(&mixed_up(), &saying.octets));
        assert_eq!(state(&cell, saying.to), before, "{:?}", saying.kind);
        let expected = MetaStats {
            received: counted.received + 2,
            signature_missing: counted.signature_missing + 1,
            signature_wrong: counted.signature_wrong + 1,
            ..counted
        };
        assert_eq!(stats(&cell, saying.to), expected, "{:?}", saying.kind);
        assert_eq!(cell.wire.len(), said + 2, "nothing is answered to {:?}", saying.kind);
        assert_eq!(cell.members[0].heard.len(), heard);
    }
}

#[test]
fn clause_4_1_4_what_is_authentic_is_heard() {
    for saying in all() {
        let mut cell = cell(leak(mib()));
        let counted = stats(&cell, saying.to);
        cell.say("from", endpoint(saying.to), &sign(&mib(), &saying.octets));
        let now = stats(&cell, saying.to);
        assert_eq!(now.signature_missing, counted.signature_missing, "{:?}", saying.kind);
        assert_eq!(now.signature_wrong, counted.signature_wrong, "{:?}", saying.kind);
        assert_eq!(now.usurped, counted.usurped, "{:?}", saying.kind);
        assert!(now.received > counted.received);
    }
}

#[test]
fn clause_5_1_1_2_copies_keep_the_signature_of_their_original_sender() {
    let cell = cell(leak(bound(2)));
    let subscriptions = |to: &str| -> Vec<Vec<u8>> {
        let of = |it: &&super::network::Datagram| {
            it.to == to && Mpdu::parse(&it.octets).unwrap().mpdu_type().name() == Some("subscribe")
        };
        cell.wire.iter().filter(of).map(|it| it.octets.clone()).collect()
    };
    assert_eq!(subscriptions("reg").len(), 1);
    assert_eq!(subscriptions("s"), subscriptions("reg"));
    assert_eq!(cell.members[0].module.rules().count(), 2, "the gateway's invitation, and this");
    assert_eq!(stats(&cell, MODULE).signature_unbound, 0);
}

//! MPDUs against captures, and their rules one by one.

use super::*;
use std::vec::Vec;

/// `I_am_here` of one module with two delivery vectors and two invitations, as ION sends it.
const I_AM_HERE: &str = "360100000300005c000000001c819474750000000100000103323133303730363433333a34343230320002117564703d323133303730363433333a363037313200217463703d323133303730363433333a33383033390000000002ffff000100000118000061000000006118008b0d";

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn a_status_list_is_read_lazily_and_written_again() {
    let octets = octets(I_AM_HERE);
    let mpdu = Mpdu::parse(&octets).unwrap();
    assert!(mpdu.deviations().is_empty());
    let Content::IAmHere { modules } = mpdu.content() else { panic!("{mpdu:?}") };
    let all: Vec<_> = modules.iter().collect();
    assert_eq!(all.len(), 1);
    let status = all[0];
    assert_eq!(status.contact.endpoint.as_str(), "2130706433:44202");
    let points: Vec<_> = status
        .contact
        .delivery_vectors
        .iter()
        .flat_map(|vector| vector.points().map(move |point| (vector.number(), point)))
        .collect();
    assert_eq!(points[0], (1, DeliveryPoint { service: "udp", endpoint: "2130706433:60712" }));
    assert_eq!(points[1], (2, DeliveryPoint { service: "tcp", endpoint: "2130706433:38039" }));
    assert!(status.declaration.subscriptions.is_empty());
    assert_eq!(status.declaration.invitations.len(), 2);

    let header = MpduHeader {
        sender: mpdu.sender(),
        time: TimeCode { seconds: 2_173_990_005 },
        signature: &[],
        checksum: true,
    };
    let mut buffer = [0; 128];
    assert_eq!(header.encode(&mpdu.content(), &mut buffer).unwrap(), octets);
}

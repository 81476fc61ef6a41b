//! All PDUs of section 5, read and written: what the codec weighs, and that it
//! cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::ams::pdu::{Aams, Content, Envelope, Mpdu, MpduHeader};
use farpost::wire::TimeCode;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut buffer = [0; 512];
    loop {
        let octets = black_box(&[0_u8; 256][..]);
        black_box(aams(octets, &mut buffer));
        black_box(rams(octets));
        black_box(mams(octets, &mut buffer));
    }
}

fn aams(octets: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let message = Aams::parse(octets).ok()?;
    Some(message.header()?.encode(message.data(), true, buffer).ok()?.len())
}

fn rams(octets: &[u8]) -> Option<usize> {
    let envelope = black_box(Envelope::parse(octets).ok()?);
    Some(envelope.content()?.data().len())
}

fn mams(octets: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let mpdu = Mpdu::parse(octets).ok()?;
    if let Content::IAmHere { modules } | Content::ModuleStatus { modules, .. } = mpdu.content() {
        for status in modules.iter() {
            for vector in status.contact.delivery_vectors.iter() {
                for point in vector.points() {
                    black_box(point);
                }
            }
            let rules = status.declaration;
            for rule in rules.subscriptions.iter().chain(rules.invitations.iter()) {
                black_box(rule.values());
            }
        }
    }
    let header = MpduHeader {
        sender: mpdu.sender(),
        time: TimeCode { seconds: 1 },
        signature: mpdu.signature(),
        checksum: true,
    };
    Some(header.encode(&mpdu.content(), buffer).ok()?.len())
}

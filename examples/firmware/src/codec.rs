//! All PDUs of section 5, read and written.

use core::hint::black_box;

use farpost::ams::pdu::{Aams, Content, Envelope, Mpdu, MpduHeader};
use farpost::wire::TimeCode;

/// Reads `octets` as each of them, and writes what has been read.
pub fn all(octets: &[u8], buffer: &mut [u8]) {
    black_box(aams(octets, buffer));
    black_box(rams(octets));
    black_box(mams(octets, buffer));
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

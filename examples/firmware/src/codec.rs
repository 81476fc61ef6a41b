//! All PDUs of section 5, read and written.

use core::hint::black_box;

use farpost::ams::pdu::{Aams, AssertionList, Content, Envelope, Mpdu, MpduHeader};
use farpost::wire::{Octets, TimeCode};

/// Reads `octets` as each of them, and writes what has been read.
pub fn all(octets: &[u8], buffer: &mut [u8]) {
    black_box(aams(octets, buffer));
    black_box(rams(octets, buffer));
    black_box(mams(octets, buffer));
}

fn aams(octets: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let message = Aams::parse(octets).ok()?;
    Some(message.header()?.encode(message.data(), true, buffer).ok()?.len())
}

fn rams(octets: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let envelope = Envelope::parse(octets).ok()?;
    let data = envelope.content().map(|message| message.data()).unwrap_or_default();
    Some(envelope.header().encode(&Octets(data), buffer).ok()?.len())
}

/// Names are looked at as octets: whoever wants text of them has the check that makes it.
fn mams(octets: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let mpdu = Mpdu::parse(octets).ok()?;
    let content = mpdu.content();
    if let Content::IAmHere { modules } | Content::ModuleStatus { modules, .. } = &content {
        let mut modules = modules.iter();
        while let Some(status) = &modules.next() {
            black_box(status);
            for vector in status.contact.delivery_vectors.iter() {
                black_box(vector.number());
                let mut names = vector.names();
                while let Some(name) = &names.next() {
                    black_box(name);
                }
            }
            rules(&status.declaration.subscriptions);
            rules(&status.declaration.invitations);
        }
    }
    let header = MpduHeader {
        sender: mpdu.sender(),
        time: TimeCode { seconds: 1 },
        signature: mpdu.signature(),
        checksum: true,
    };
    Some(header.encode(&content, buffer).ok()?.len())
}

#[inline(never)]
fn rules(list: &AssertionList<'_>) {
    for rule in list.iter() {
        black_box(&rule.values());
    }
}

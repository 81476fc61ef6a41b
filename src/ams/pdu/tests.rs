//! Every rule of section 5, broken by at least one PDU.

use super::*;
use crate::wire::checksum;
use std::collections::BTreeSet;
use std::vec::Vec;

/// What a PDU is read as.
#[derive(Clone, Copy, Debug)]
enum Read {
    Mams,
    Aams,
    Rams,
}

impl Read {
    fn rule(self, octets: &[u8]) -> Option<PduRule> {
        let fault = match self {
            Self::Mams => Mpdu::parse(octets).err(),
            Self::Aams => Aams::parse(octets).err(),
            Self::Rams => Envelope::parse(octets).err(),
        };
        fault.map(|fault| fault.rule)
    }
}

/// An MPDU without signature and checksum.
fn mpdu(kind: u8, role: u8, reference: u32, supplement: &[u8]) -> Vec<u8> {
    let length = u16::try_from(supplement.len()).unwrap().to_be_bytes();
    let mut octets = std::vec![kind, 1, 0, 0, role, 0, length[0], length[1]];
    octets.extend_from_slice(&reference.to_be_bytes());
    octets.extend_from_slice(&[0x1c, 0x81, 0x94, 0x74, 0x75]);
    octets.extend_from_slice(supplement);
    octets
}

fn changed(mut octets: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    octets[at] = value;
    octets
}

fn cut(mut octets: Vec<u8>, length: usize) -> Vec<u8> {
    octets.truncate(length);
    octets
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn heartbeat() -> Vec<u8> {
    mpdu(1, 0, 0, &[])
}

/// A `module_registration` with this delivery vector list.
fn registration(vectors: &[u8]) -> Vec<u8> {
    mpdu(19, 1, 7, &joined(&[b"a\0", vectors]))
}

/// An `I_am_here` with this behind the count of 1.
fn here(status: &[u8]) -> Vec<u8> {
    mpdu(22, 1, 0, &joined(&[&[0, 0, 0, 1], status]))
}

/// An AAMS message with two octets of data and no checksum.
fn message() -> Vec<u8> {
    std::vec![0x06, 0, 0, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0x68, 0x69]
}

/// An envelope that publishes that message.
fn publish() -> Vec<u8> {
    joined(&[&[4, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 18], &message()])
}

/// Rules on the fixed parts of MPDUs.
fn frame_rules() -> Vec<(PduRule, Vec<u8>)> {
    let long = joined(&[&[b'a'; 64], b"\0"]);
    std::vec![
        (PduRule::MpduTruncated, cut(heartbeat(), 11)),
        (PduRule::MpduVersion, changed(heartbeat(), 0, 0x41)),
        (PduRule::MpduTypeReserved, changed(heartbeat(), 0, 0)),
        (PduRule::MpduTypeReserved, changed(heartbeat(), 0, 11)),
        (PduRule::MpduTypeReserved, changed(heartbeat(), 0, 23)),
        (PduRule::SupplementTooLong, changed(heartbeat(), 6, 0x10)),
        (PduRule::SenderIsModule, mpdu(2, 1, 7, &[1])),
        (PduRule::SenderIsNotModule, mpdu(18, 0, 7, b"a\0")),
        (PduRule::TimeTagTruncated, cut(heartbeat(), 12)),
        (PduRule::TimeTagTruncated, cut(heartbeat(), 16)),
        (PduRule::TimeTagNotCuc, changed(heartbeat(), 12, 0x4c)),
        (PduRule::TimeTagPField, changed(changed(heartbeat(), 12, 0x9c), 13, 0x80)),
        (PduRule::SignatureTruncated, changed(heartbeat(), 5, 1)),
        (PduRule::SupplementTruncated, changed(heartbeat(), 7, 1)),
        (PduRule::SupplementTrailing, mpdu(1, 0, 0, &[0])),
        (PduRule::SupplementTrailing, mpdu(20, 0, 7, &[1, 0])),
        (PduRule::ReferenceNotZero, mpdu(3, 0, 1, &[])),
        (PduRule::ReferenceNotZero, mpdu(22, 0, 1, &[0, 0, 0, 0])),
        (PduRule::ReferenceNotZero, mpdu(30, 0, 1, &[])),
        (PduRule::HeartbeatSource, mpdu(1, 0, 256, &[])),
        (PduRule::ReferenceNoModule, mpdu(26, 1, 0x0100_0000, &[])),
        (PduRule::ReferenceNotCell, mpdu(28, 0, 1, &[0])),
        (PduRule::ReferenceNotCell, mpdu(28, 0, 0x0100_0000, &[0])),
        (PduRule::MpduTrailing, joined(&[&heartbeat(), &[0]])),
        (PduRule::MpduChecksumTruncated, changed(heartbeat(), 0, 0x21)),
        (PduRule::MpduChecksumTruncated, changed(joined(&[&heartbeat(), &[0]]), 0, 0x21)),
        (PduRule::MpduChecksum, changed(joined(&[&heartbeat(), &[0, 0]]), 0, 0x21)),
        (PduRule::StringUnterminated, mpdu(7, 0, 7, b"a")),
        (PduRule::StringNotText, mpdu(7, 0, 7, b"a\x07\0")),
        (PduRule::StringNotText, mpdu(7, 0, 7, b"\xc3\xa4\0")),
        (PduRule::StringEmpty, mpdu(7, 0, 7, b"\0")),
        (PduRule::EndpointNameTooLong, mpdu(7, 0, 7, &long)),
    ]
}

/// Rules on supplementary data.
fn supplement_rules() -> Vec<(PduRule, Vec<u8>)> {
    let service = joined(&[b"\x01\x11", &[b'u'; 16], b"=e\0"]);
    let endpoint = joined(&[b"\x01\x11udp=", &[b'e'; 64], b"\0"]);
    let module = 0x0100_0001;
    std::vec![
        (PduRule::ServiceNameTooLong, registration(&service)),
        (PduRule::EndpointNameTooLong, registration(&endpoint)),
        (PduRule::DeliveryPointName, registration(b"\x01\x11udp\0")),
        (PduRule::DeliveryPointName, registration(b"\x01\x11=1\0")),
        (PduRule::DeliveryPointName, registration(b"\x01\x12udp=1,\0")),
        (PduRule::DeliveryVectorTruncated, registration(b"")),
        (PduRule::DeliveryVectorTruncated, registration(b"\x01")),
        (PduRule::DeliveryVectorCount, registration(b"\x01\x12udp=1\0")),
        (PduRule::DeliveryVectorCount, registration(b"\x01\x11udp=1,tcp=2\0")),
        (PduRule::CellDescriptorTruncated, mpdu(10, 0, 7, &[0])),
        (PduRule::StringUnterminated, mpdu(10, 0, 7, &[0, 0])),
        (PduRule::ModuleListTruncated, mpdu(28, 0, 0, &[])),
        (PduRule::ModuleListTruncated, mpdu(28, 0, 0, &[2, 1])),
        (PduRule::AssignedModuleTruncated, mpdu(20, 0, 7, &[])),
        (PduRule::AssignedModuleZero, mpdu(20, 0, 7, &[0])),
        (PduRule::AssertionTruncated, mpdu(24, 1, module, &[0; 8])),
        (PduRule::AssertionTruncated, mpdu(8, 1, module, &[0; 8])),
        (PduRule::CancellationTruncated, mpdu(25, 1, module, &[0; 6])),
        (PduRule::CancellationTruncated, mpdu(9, 1, module, &[0; 6])),
        (PduRule::SubscriptionListTruncated, here(b"\0\0\x01\x03a\0\0\0")),
        (PduRule::SubscriptionListTruncated, here(b"\0\0\x01\x03a\0\0\0\x01")),
        (PduRule::InvitationListTruncated, here(b"\0\0\x01\x03a\0\0\0\0\0")),
        (PduRule::InvitationListTruncated, here(b"\0\0\x01\x03a\0\0\0\0\0\x01")),
        (PduRule::ModuleStatusTruncated, here(&[0, 0, 1])),
        (PduRule::ModuleStatusNoModule, here(&[0, 0, 0, 3])),
        (PduRule::ModuleStatusListTruncated, mpdu(31, 0, 0, &[0, 0, 0])),
        (PduRule::RefusalReasonTruncated, mpdu(2, 0, 7, &[])),
    ]
}

/// Rules on AAMS messages and envelopes.
fn message_rules() -> Vec<(PduRule, Read, Vec<u8>)> {
    let flagged = |tail: &[u8]| changed(joined(&[&message(), tail]), 2, 0x80);
    let right = checksum(&flagged(&[])).to_be_bytes();
    let petition = cut(changed(changed(publish(), 0, 2), 11, 0), 12);
    std::vec![
        (PduRule::AamsTruncated, Read::Aams, cut(message(), 15)),
        (PduRule::AamsTruncated, Read::Aams, cut(message(), 17)),
        (PduRule::AamsVersion, Read::Aams, changed(message(), 0, 0x46)),
        (PduRule::AamsTypeReserved, Read::Aams, changed(message(), 0, 0x36)),
        (PduRule::AamsPriorityZero, Read::Aams, changed(message(), 0, 0)),
        (PduRule::AamsDataTooLong, Read::Aams, changed(message(), 14, 0xfe)),
        (PduRule::QueryContextZero, Read::Aams, changed(message(), 0, 0x16)),
        (PduRule::AamsChecksumTruncated, Read::Aams, flagged(&right[..1])),
        (PduRule::AamsChecksum, Read::Aams, flagged(&[0, 0])),
        (PduRule::AamsTrailing, Read::Aams, flagged(&[right[0], right[1], 0])),
        (PduRule::EnvelopeTruncated, Read::Rams, cut(publish(), 11)),
        (PduRule::EnvelopeTruncated, Read::Rams, cut(publish(), 29)),
        (PduRule::EnvelopeVersion, Read::Rams, changed(publish(), 0, 0x44)),
        (PduRule::ControlCodeReserved, Read::Rams, changed(publish(), 0, 7)),
        (PduRule::PetitionContent, Read::Rams, changed(publish(), 0, 2)),
        (PduRule::EnvelopeFieldNotZero, Read::Rams, changed(publish(), 3, 1)),
        (PduRule::EnvelopeFieldNotZero, Read::Rams, changed(petition.clone(), 7, 1)),
        (PduRule::EnvelopeEmpty, Read::Rams, changed(petition, 0, 5)),
        (PduRule::EnvelopeTrailing, Read::Rams, joined(&[&publish(), &[0]])),
    ]
}

#[test]
fn every_rule_is_broken_by_some_octets_and_only_where_it_should_be() {
    let mams = frame_rules().into_iter().chain(supplement_rules());
    let all = mams.map(|(rule, octets)| (rule, Read::Mams, octets)).chain(message_rules());
    let mut broken = BTreeSet::new();
    for (rule, read, octets) in all {
        assert_eq!(read.rule(&octets), Some(rule), "{read:?} {octets:02x?}");
        broken.insert(rule);
    }
    let every: BTreeSet<PduRule> = PduRule::ALL.iter().copied().collect();
    assert_eq!(broken, every);
}

#[test]
fn what_the_tables_are_made_of_is_well_formed() {
    assert_eq!(Read::Mams.rule(&heartbeat()), None);
    assert_eq!(Read::Mams.rule(&registration(b"\x01\x11udp=1\0")), None);
    assert_eq!(Read::Mams.rule(&here(b"\0\0\x01\x03a\0\0\0\0\0\0")), None);
    assert_eq!(Read::Aams.rule(&message()), None);
    assert_eq!(Read::Rams.rule(&publish()), None);
}

//! RPDUs as bundles (RFC 9171): one RPDU is the payload of one bundle, and nothing
//! else is.

use std::string::{String, ToString};
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use bp7::flags::{BlockControlFlags, BundleControlFlags, BundleValidation as _};
use bp7::primary::PrimaryBlock;
use bp7::{Bundle, CreationTimestamp, EndpointID};

use super::eid::EndpointId;
use crate::time::{ClockQuality, Now};

/// 2000-01-01T00:00:00Z, which DTN time counts from.
const EPOCH_UNIX_MS: i64 = 946_684_800_000;

/// A bundle of an RPDU. It must not be fragmented, for not every engine puts
/// fragments together, and asks for no reports. `sequence` tells it from all others
/// of `source`.
pub(super) fn encode(
    now: Now,
    sequence: u64,
    lifetime: Duration,
    (source, destination): (&EndpointId, &EndpointId),
    rpdu: &[u8],
) -> Vec<u8> {
    let unix_ms = now.utc.unix_micros().div_euclid(1_000);
    let known = now.quality != ClockQuality::Unset;
    let time = u64::try_from(unix_ms.saturating_sub(EPOCH_UNIX_MS)).ok().filter(|_| known);
    let payload = bp7::canonical::new_payload_block(BlockControlFlags::empty(), rpdu.to_vec());
    // A node without a clock says 0, and the age instead (4.2.7, 4.4.2).
    let age = || bp7::canonical::new_bundle_age_block(2, BlockControlFlags::empty(), 0);
    let canonicals = if time.is_some() { vec![payload] } else { vec![age(), payload] };
    let mut primary = PrimaryBlock::new();
    primary.bundle_control_flags = BundleControlFlags::BUNDLE_MUST_NOT_FRAGMENTED.bits();
    primary.destination = destination.id().clone();
    primary.source = source.id().clone();
    primary.report_to = EndpointID::none();
    primary.creation_timestamp = CreationTimestamp::with_time_and_seq(time.unwrap_or(0), sequence);
    primary.lifetime = lifetime;
    let mut bundle = Bundle::new(primary, canonicals);
    bundle.set_crc(bp7::crc::CRC_32);
    bundle.to_cbor()
}

/// A bundle that has been received.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    /// What tells it from all others: source, creation time and sequence number.
    pub(super) id: String,
    /// Where it came from, as text.
    pub(super) source: String,
    pub(super) payload: Vec<u8>,
}

/// Why the payload of a bundle is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// These octets are no bundle, or one that its checksums belie.
    Malformed,
    /// It is for another endpoint.
    Elsewhere,
    /// It is a fragment.
    Fragment,
    /// It is about bundles and not for the application.
    Administrative,
}

/// The bundle in `octets`, if it is for `own`.
pub(super) fn decode(octets: &[u8], own: &EndpointId) -> Result<Received, NotTaken> {
    let mut bundle = Bundle::try_from(octets).map_err(|_| NotTaken::Malformed)?;
    if bundle.validate().is_err() || !bundle.crc_valid() {
        return Err(NotTaken::Malformed);
    }
    if bundle.primary.destination != *own.id() {
        return Err(NotTaken::Elsewhere);
    }
    if bundle.primary.bundle_control_flags.contains(BundleControlFlags::BUNDLE_IS_FRAGMENT) {
        return Err(NotTaken::Fragment);
    }
    if bundle.is_administrative_record() {
        return Err(NotTaken::Administrative);
    }
    let id = bundle.id();
    let source = bundle.primary.source.to_string();
    let payload = bundle.payload().ok_or(NotTaken::Malformed)?.clone();
    Ok(Received { id, source, payload })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Instant, Utc};
    use proptest::prelude::*;

    fn endpoint(text: &str) -> EndpointId {
        EndpointId::parse(text).unwrap()
    }

    fn now(utc: Utc, quality: ClockQuality) -> Now {
        Now { monotonic: Instant::ZERO, utc, quality }
    }

    const NOVEMBER: Utc = Utc::from_unix_seconds(1_795_392_000);

    #[test]
    fn a_bundle_is_as_rfc_9171_has_it() {
        let (one, two) = (endpoint("ipn:2.7"), endpoint("ipn:3.7"));
        let day = Duration::from_secs(86_400);
        let now = now(NOVEMBER, ClockQuality::Synchronised);
        let octets = encode(now, 5, day, (&one, &two), b"rpdu");
        let bundle = Bundle::try_from(octets.as_slice()).unwrap();
        assert_eq!(bundle.primary.bundle_control_flags, 0x4);
        assert_eq!(bundle.primary.lifetime, day);
        assert_eq!(bundle.primary.report_to, EndpointID::none());
        // 848,707,200 s after 2000-01-01.
        let created = CreationTimestamp::with_time_and_seq(848_707_200_000, 5);
        assert_eq!(bundle.primary.creation_timestamp, created);
        // An array of no definite length, then one of nine: with a CRC and without fragments.
        assert_eq!(&octets[..4], [0x9f, 0x89, 0x07, 0x04]);
        let received = decode(&octets, &two).unwrap();
        assert_eq!(received.id, "ipn:2.7-848707200000-5");
        assert_eq!(
            (received.source.as_str(), received.payload.as_slice()),
            ("ipn:2.7", &b"rpdu"[..])
        );
        assert_eq!(decode(&octets, &one), Err(NotTaken::Elsewhere));
    }

    #[test]
    fn a_node_without_a_clock_sends_the_age() {
        let ends = (&endpoint("dtn://one/rams"), &endpoint("dtn://two/rams"));
        for now in [
            now(NOVEMBER, ClockQuality::Unset),
            now(Utc::from_unix_seconds(0), ClockQuality::Synchronised),
        ] {
            let octets = encode(now, 5, Duration::from_secs(60), ends, b"rpdu");
            let bundle = Bundle::try_from(octets.as_slice()).unwrap();
            assert_eq!(bundle.primary.creation_timestamp.dtntime(), 0);
            assert!(bundle.extension_block_by_type(bp7::BUNDLE_AGE_BLOCK).is_some());
            assert!(decode(&octets, ends.1).is_ok());
        }
    }

    #[test]
    fn fragments_and_records_are_not_taken() {
        let ends = (&endpoint("dtn://one/rams"), &endpoint("dtn://two/rams"));
        let now = now(NOVEMBER, ClockQuality::Synchronised);
        let octets = encode(now, 5, Duration::from_secs(60), ends, b"rpdu");
        for (flags, why) in [
            (BundleControlFlags::BUNDLE_IS_FRAGMENT, NotTaken::Fragment),
            (BundleControlFlags::BUNDLE_ADMINISTRATIVE_RECORD_PAYLOAD, NotTaken::Administrative),
        ] {
            let mut bundle = Bundle::try_from(octets.as_slice()).unwrap();
            bundle.primary.bundle_control_flags = flags.bits();
            bundle.primary.total_data_length = 100;
            assert_eq!(decode(&bundle.to_cbor(), ends.1), Err(why));
        }
    }

    #[test]
    fn every_octet_is_covered_by_a_checksum() {
        let ends = (&endpoint("dtn://one/rams"), &endpoint("dtn://two/rams"));
        let now = now(NOVEMBER, ClockQuality::Synchronised);
        let octets = encode(now, 5, Duration::from_secs(60), ends, b"rpdu");
        let whole = decode(&octets, ends.1).unwrap();
        for place in 0..octets.len() {
            for bit in 0..8 {
                let mut changed = octets.clone();
                changed[place] ^= 1 << bit;
                // What is not refused says the same.
                if let Ok(received) = decode(&changed, ends.1) {
                    assert_eq!(received, whole, "octet {place}, bit {bit}");
                }
            }
            assert_eq!(decode(&octets[..place], ends.1), Err(NotTaken::Malformed));
        }
    }

    proptest! {
        #[test]
        fn any_rpdu_comes_back(rpdu in proptest::collection::vec(any::<u8>(), 0..300), sequence: u64) {
            let ends = (&endpoint("dtn://one/rams"), &endpoint("ipn:3.7"));
            let now = now(NOVEMBER, ClockQuality::FreeRunning);
            let octets = encode(now, sequence, Duration::from_secs(60), ends, &rpdu);
            prop_assert_eq!(decode(&octets, ends.1).unwrap().payload, rpdu);
        }

        #[test]
        fn no_octets_are_too_strange(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&octets, &endpoint("ipn:3.7"));
        }
    }
}

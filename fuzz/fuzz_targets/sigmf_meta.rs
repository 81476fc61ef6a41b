//! The metadata of a recording keep their promises, and a summary that is read can
//! be written.
#![no_main]

use std::path::Path;

use farpost::host::sensing::{Datatype, Metadata, Summary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(text) = std::str::from_utf8(octets) {
        match Metadata::parse(Path::new("any.sigmf-meta"), text) {
            Ok(metadata) => assert_sound(&metadata),
            Err(error) => assert!(error.to_string().contains("any.sigmf-meta")),
        }
    }
    if let Some(summary) = Summary::decode(octets) {
        assert_eq!(summary.dbm().count(), summary.points.len());
        let mut buffer = vec![0; octets.len()];
        let again = summary.encode(&mut buffer).expect("what was read is no shorter");
        assert_eq!(Summary::decode(again), Some(summary));
    }
});

fn assert_sound(metadata: &Metadata) {
    assert_eq!(metadata.datatype.to_string().parse::<Datatype>().ok(), Some(metadata.datatype));
    assert!(metadata.sample_rate.is_finite() && metadata.sample_rate > 0.0);
    assert!(!metadata.segments.is_empty());
    assert!(metadata.segments.is_sorted_by_key(|segment| segment.first));
    assert!(metadata.segments.iter().all(|segment| segment.center_hz.is_none_or(f64::is_finite)));
    if let Some(name) = &metadata.dataset {
        assert_eq!(Path::new(name).parent(), Some(Path::new("")), "{name:?} leads elsewhere");
    }
}

//! Any octets begin with no time tag or with one that is as long as it says and,
//! written again, has the same octets.
#![no_main]

use farpost::wire::{Encode, Reader, TimeTag, Writer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut reader = Reader::new(octets);
    let Ok(tag) = TimeTag::split(&mut reader) else {
        assert_eq!(reader.offset(), 0, "a failed read consumes nothing");
        return;
    };
    assert_eq!(reader.offset(), tag.len());
    assert!((2..=19).contains(&tag.len()));
    assert!(tag.coarse() < 1 << 56);
    assert_eq!(tag.fine().len(), usize::from(tag.fine_octets()));
    let mut buffer = [0; 19];
    let mut writer = Writer::new(&mut buffer);
    tag.encode(&mut writer).expect("19 octets are the most there can be");
    assert_eq!(writer.finish(), &octets[..tag.len()]);
});

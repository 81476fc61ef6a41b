//! Any octets are refused or are an object of AMP that has the same octets when all that
//! it says is written again; and what the draft allows ION's peer reads as the same. The
//! first octet says what they are to be.
#![no_main]

use farpost::management::amp::Profile;
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/amp/rewrite.rs"]
mod rewrite;

const KINDS: [&str; 14] = [
    "grp", "msg", "ari", "ac", "expr", "tnv", "tnvc", "mac", "rptt", "var", "sbr", "tbr", "rpt",
    "tbl",
];

fuzz_target!(|octets: &[u8]| {
    let Some((&first, octets)) = octets.split_first() else { return };
    // Writing again is quadratic in the nesting and the length.
    if octets.len() > 1_024 {
        return;
    }
    let kind = KINDS[usize::from(first) % KINDS.len()];
    // The reserved bits of messages are not written again.
    let all = !matches!(kind, "grp" | "msg");
    if let Ok((written, quirks)) = rewrite::again(kind, octets, Profile::Draft08) {
        assert!(quirks.is_empty());
        assert!(!all || written == octets);
        let again = rewrite::again(kind, &written, Profile::Draft08).expect("it was read before");
        assert_eq!(again, (written, quirks));
    }
    if let Ok((written, quirks)) = rewrite::again(kind, octets, Profile::IonCompat) {
        // Without quirks it is what the draft has, and where every value has the same
        // one it is as it was; mixed they cannot be.
        if quirks.is_empty() {
            assert!(!all || written == octets);
            let strict = rewrite::again(kind, octets, Profile::Draft08).expect("it has no quirks");
            assert_eq!(strict.0, written);
        }
    }
});

//! What must hold of any text that is given as a MIB file.

use farpost::host::mib::{Bump, KeyStore, from_amsrc, from_toml, from_xml, to_toml};

/// A key for every name, so that a text with keys is read to its end.
struct AnyKey;

impl KeyStore for AnyKey {
    fn key(&self, name: &str) -> Option<Vec<u8>> {
        Some(name.into())
    }
}

/// Reads `octets` in every format. Each gives an error that points into the text, or
/// a MIB that TOML keeps.
pub(crate) fn any_text(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let arena = Bump::new();
    for result in [
        from_toml(&arena, &text, "any"),
        from_amsrc(&arena, &text, "any", &AnyKey),
        from_xml(&arena, &text, "any", &AnyKey),
    ] {
        match result {
            Ok(mib) => {
                let written = to_toml(&mib).expect("a MIB that was read is valid");
                let read = from_toml(&arena, &written, "written");
                assert_eq!(read.as_ref(), Ok(&mib), "{written}");
            }
            Err(error) => {
                let place = error.position.expect("a text was there");
                let lines = text.matches('\n').count() + 1;
                assert!(place.line >= 1 && place.line <= lines, "{error}");
                assert!(place.column >= 1, "{error}");
                assert!(!error.problem.is_empty() && !error.remedy.is_empty(), "{error}");
            }
        }
    }
}

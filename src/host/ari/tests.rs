use std::format;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::AriText;
use crate::management::adm::{Adm, amp_agent::AMP_AGENT, ion_admin::ION_ADMIN};
use crate::management::amp::{Ari, Profile, Quirks};

const ADMS: &[&Adm] = &[&AMP_AGENT, &ION_ADMIN];
const NAMES: AriText<'static> = AriText::new(ADMS, Profile::Draft08);

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A text and the octets of it, both ways.
const BOTH: &[(&str, &str)] = &[
    ("ari:/DTN/ION/ionadmin/Edd.clock_error", "82188e4100"),
    ("ari:/DTN/ION/ionadmin/Mdat.organization", "8018964103"),
    ("ari:/DTN/ION/ionadmin/Tblt.contacts", "8a18934100"),
    ("ari:/DTN/ION/ionadmin/Ctrl.node_clock_error_set(1)", "c1188d410105011401"),
    ("ari:/DTN/ION/ionadmin/Ctrl.node_clock_error_set()", "c1188d410100"),
    ("ari:/DTN/ION/ionadmin/Ctrl.node_clock_error_set((INT) -1)", "c1188d410105011320"),
    ("ari:/DTN/ION/ionadmin/Ctrl.node_init(1, \"abc\")", "c1188d4100050214120163616263"),
    ("ari:/Amp/Agent/Ctrl.reset_counts", "8115410f"),
    (
        "ari:/Amp/Agent/Ctrl.gen_rpts([ari:/DTN/ION/ionadmin/Edd.clock_error], {(STR) \"ipn:1.5\"})",
        "c1154105050225238182188e41000501126769706e3a312e35",
    ),
    (
        "ari:/Amp/Agent/Ctrl.add_var(ari:/M1/VAR.V1, (BOOL) [ari:/DTN/ION/ionadmin/Edd.clock_error, \
         (UINT) 10, ari:/Amp/Agent/Oper.greaterThan()], 16)",
        "c115410005032426112c425631424d31108382188e4100430ac5181842182d0010",
    ),
    ("ari:/Amp/Agent/Ctrl.store_var(#050214140405)", "c115410e050214140405"),
    ("ari:/Amp/Agent/Ctrl.del_var([(UINT) 4])", "c1154101050125814304"),
    ("ari:/VAR.V1", "0c425631"),
    ("ari:/M1/t0/VAR.V1", "3c425631424d31427430"),
    ("ari://VAR.V1", "2c42563140"),
    ("ari:/%41mp/Agent/VAR.V1", "3c42563143416d70454167656e74"),
    ("ari:/MAC.a%2fb%28%ff", "0445612f6228ff"),
    ("ari:/#182/EDD.1974", "8218b6431907b6"),
    ("ari:/#22/CTRL.0((UINT) 4)", "c116410005011404"),
    ("ari:/#142/EDD.14", "82188e410e"),
    ("ari:/M1/MAC.x(#02016161)", "64417802016161424d31"),
    ("(UINT) 4", "4304"),
    ("(STR) \"a \\\"b\\\\ é\"", "2368612022625c20c3a9"),
    ("(BOOL) true", "03f5"),
    ("(BYTE) 255", "1318ff"),
    ("(VAST) -9223372036854775808", "533b7fffffffffffffff"),
    ("(REAL64) 1e300", "83fb7e37e43c8800759c"),
    ("(REAL32) 1.5", "73f93e00"),
    ("(REAL64) -inf", "83f9fc00"),
    ("(REAL64) NaN", "83f97e00"),
];

#[test]
fn texts_and_octets_are_each_other() {
    for (text, octets) in BOTH {
        assert_eq!(NAMES.parse(text).map(|octets| hex(&octets)), Ok((*octets).into()), "{text}");
        let octets = unhex(octets);
        assert_eq!(NAMES.write(&Ari::parse(&octets, Profile::Draft08).unwrap()), *text);
    }
}

#[test]
fn a_text_may_be_written_in_other_ways() {
    for (text, same) in [
        (" ari:/DTN/ION/ionadmin/Edd.0 ", "ari:/DTN/ION/ionadmin/Edd.clock_error"),
        ("ari:/M1/Var.V1", "ari:/M1/VAR.V1"),
        (
            "ari:/DTN/ION/ionadmin/Ctrl.node_init( (UINT)1 ,abc )",
            "ari:/DTN/ION/ionadmin/Ctrl.node_init(1, \"abc\")",
        ),
        ("ari:/#142/Edd.0", "ari:/DTN/ION/ionadmin/Edd.clock_error"),
    ] {
        assert_eq!(NAMES.parse(text), NAMES.parse(same), "{text}");
    }
    // A parameter by its name.
    let octets = NAMES.parse("ari:/DTN/ION/ionadmin/Ctrl.node_init(<node>, abc)").unwrap();
    assert_eq!(hex(&octets), "c1188d410008028294646e6f6465821263616263");
    let known = NAMES.write(&Ari::parse(&octets, Profile::Draft08).unwrap());
    assert_eq!(NAMES.parse(&known).unwrap(), octets);
    // Octets for ION.
    let ion = AriText::new(ADMS, Profile::IonCompat);
    assert_eq!(ion.parse("(BYTE) 255"), Ok(std::vec![0x13, 0xff]));
    assert!(Profile::IonCompat.sends().contains(Quirks::RAW_BYTE));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, offset, expected) in [
        ("", 0, "`ari:/` or a type in parentheses"),
        ("arj:/x", 0, "`ari:/` or a type in parentheses"),
        ("ari:/x", 5, "a kind, `.` and a name"),
        ("ari:/Else.x", 5, "the name of a collection or of a type of objects"),
        ("ari:/UINT.x", 5, "the name of a collection or of a type of objects"),
        ("ari:/DTN/ION/ionadmin/Edd.x", 26, "the name of an object of that collection"),
        ("ari:/DTN/ION/ionadmin/Edd.14", 26, "the name of an object of that collection"),
        ("ari:/A/B/C/Var.x", 5, "an ADM that is known, or an issuer and a tag"),
        ("ari:/#x/Edd.1", 5, "a nickname and an index, which are numbers"),
        ("ari:/Var.%4", 5, "two hexadecimal digits behind each `%`"),
        ("(UINT) -1", 7, "a number in the range of its type"),
        ("(UINT)", 6, "a value"),
        ("(TV) 1", 0, "a primitive type"),
        ("(ELSE) 1", 0, "the name of a type"),
        ("(STR) \"a", 6, "a closing quotation mark"),
        ("(UINT) 4 5", 9, "the end"),
        ("ari:/Var.x(4)", 11, "the type of the value in parentheses"),
        ("ari:/Mac.x((AC) 4)", 16, "`[`"),
        ("ari:/Mac.x((AC) [(UINT) 4", 25, "`,` or the closing bracket"),
        ("ari:/Mac.x((EXPR) [])", 18, "the type of the expression in parentheses"),
        ("ari:/Mac.x((BYTESTR) 01)", 21, "`0x` and hexadecimal digits"),
        ("ari:/Mac.x((BYTESTR) 0x1)", 23, "pairs of hexadecimal digits"),
        ("ari:/DTN/ION/ionadmin/Ctrl.node_init(x)", 37, "a number in the range of its type"),
    ] {
        let fault = NAMES.parse(text).unwrap_err();
        assert_eq!((fault.offset, fault.expected.as_str()), (offset, expected), "{text}");
    }
    // What has a text and is not allowed all the same.
    let fault = NAMES.parse("ari:/M1/Edd.x").unwrap_err();
    assert!(fault.expected.contains("issuer_not_allowed"), "{fault}");
    // And however deep it is.
    let deep = "ari:/Mac.x((AC) [".repeat(10_000);
    assert_eq!(NAMES.parse(&deep).unwrap_err().expected, "less within one another");
}

proptest! {
    #[test]
    fn any_text_is_refused_or_written_as_the_same(
        parts in prop::collection::vec(prop::sample::select(&[
            "ari:/", "DTN/ION/ionadmin/", "Ctrl.", "Var.", "node_init", "M1/", "(", ")", ",", "[",
            "]", "{", "}", "<a>", "(UINT) ", "(AC) ", "(TNVC) ", "(STR) ", "\"x\"", "4", "%41",
            "#", "0x01", "é", "x", "/",
        ][..]), 0..14))
    {
        let text = parts.concat();
        match NAMES.parse(&text) {
            Ok(octets) => {
                let written = NAMES.write(&Ari::parse(&octets, Profile::Draft08).unwrap());
                prop_assert_eq!(NAMES.parse(&written), Ok(octets));
            }
            Err(fault) => prop_assert!(fault.offset <= text.len()),
        }
    }

    #[test]
    fn any_identifier_has_a_text(octets in prop::collection::vec(any::<u8>(), 0..40), first in prop::sample::select(&[0x82, 0xc1, 0x0c, 0x3c, 0x64, 0x43, 0x23, 0x83][..])) {
        let octets = [&[first][..], &octets].concat();
        for length in 0..octets.len() {
            let Ok(ari) = Ari::parse(&octets[..length], Profile::Draft08) else { continue };
            let text = NAMES.write(&ari);
            let again = NAMES.parse(&text);
            prop_assert_eq!(again.as_deref(), Ok(ari.octets()), "{}", text);
        }
    }
}

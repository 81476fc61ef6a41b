//! The front-end's ADM.

use farpost::management::adm::{Adm, ConstDef, CtrlDef, EddDef, Field, Label, ListDef};
use farpost::management::amp::{TypeCode, Value};

/// Its number: one for private use.
pub(crate) const FRONT_END: u32 = 2_000;

/// Indices of its data.
pub(crate) mod datum {
    /// What was received last.
    pub(crate) const LEVEL: u8 = 0;
    /// The gain.
    pub(crate) const GAIN: u8 = 1;
    /// Scans that are done.
    pub(crate) const SCANS: u8 = 2;
    /// Samples that were taken for them.
    pub(crate) const SAMPLES: u8 = 3;
    /// The stack's high-water mark.
    pub(crate) const STACK: u8 = 4;
    /// Where it is tuned to when nothing is scanned.
    pub(crate) const REST: u8 = 5;
}

/// Indices of its report templates.
pub(crate) mod report {
    /// How the board is: gain, scans, samples, stack, rest.
    pub(crate) const HEALTH: u8 = 0;
    /// What the rule acted upon, and what it did: level, gain.
    pub(crate) const OVERLOAD: u8 = 1;
}

/// Its control: no more gain than this, in dB.
pub(crate) const SET_GAIN: u8 = 0;

/// The ADM.
pub(crate) static ADM: Adm = Adm {
    enumeration: FRONT_END,
    metadata: &[ConstDef { value: Value::Str("front_end"), label: Label::new("name", "") }],
    constants: &[],
    controls: &[CtrlDef {
        parameters: &[Field::new(TypeCode::INT, "gain_db")],
        label: Label::new("set_gain", "the most gain there is from now on"),
    }],
    data: &[
        edd("level", TypeCode::INT, "what was received last, in dBFS"),
        edd("gain", TypeCode::INT, "the most gain there is, in dB"),
        edd("scans", TypeCode::UINT, "scans that are done"),
        edd("samples", TypeCode::UVAST, "samples that were taken for them"),
        edd("stack", TypeCode::UINT, "octets of the stack that were in use at most"),
        edd("rest", TypeCode::UINT, "where it is tuned to when nothing is scanned, in kHz"),
    ],
    macros: &[],
    operators: &[],
    report_templates: &[
        ListDef { contents: HEALTH, label: Label::new("health", "how the board is") },
        ListDef { contents: OVERLOAD, label: Label::new("overload", "what the rule did") },
    ],
    table_templates: &[],
    variables: &[],
};

const fn edd(name: &'static str, code: TypeCode, description: &'static str) -> EddDef {
    EddDef { code, parameters: &[], label: Label::new(name, description) }
}

// Collections of data: flags with a nickname, the nickname 20 * 2,000 + 2, an index.
#[rustfmt::skip]
const HEALTH: &[u8] = &[
    0x85,
    0x82, 0x19, 0x9c, 0x42, 0x41, datum::GAIN,
    0x82, 0x19, 0x9c, 0x42, 0x41, datum::SCANS,
    0x82, 0x19, 0x9c, 0x42, 0x41, datum::SAMPLES,
    0x82, 0x19, 0x9c, 0x42, 0x41, datum::STACK,
    0x82, 0x19, 0x9c, 0x42, 0x41, datum::REST,
];
#[rustfmt::skip]
const OVERLOAD: &[u8] = &[
    0x82,
    0x82, 0x19, 0x9c, 0x42, 0x41, datum::LEVEL,
    0x82, 0x19, 0x9c, 0x42, 0x41, datum::GAIN,
];

//! The AMP Agent ADM, enumeration 1, version v3.1: what an agent says of itself, the
//! controls that define things, and the operators of expressions.
//!
//! There is no draft of it of the time of amp-08; indices, names and types are those
//! of ION's nm, which every agent in the field has.

use super::{
    Adm, ConstDef, CtrlDef, EddDef, Field, Label, ListDef, OperDef, TbltDef, VarDef, ctrl, edd,
    tblt, text,
};
use crate::management::amp::{TypeCode, Value};

const AC: TypeCode = TypeCode::AC;
const ARI: TypeCode = TypeCode::ARI;
const BOOL: TypeCode = TypeCode::BOOL;
const BYTE: TypeCode = TypeCode::BYTE;
const EXPR: TypeCode = TypeCode::EXPR;
const INT: TypeCode = TypeCode::INT;
const REAL32: TypeCode = TypeCode::REAL32;
const REAL64: TypeCode = TypeCode::REAL64;
const STR: TypeCode = TypeCode::STR;
const TNVC: TypeCode = TypeCode::TNVC;
const TV: TypeCode = TypeCode::TV;
const UINT: TypeCode = TypeCode::UINT;
const UVAST: TypeCode = TypeCode::UVAST;
const VAST: TypeCode = TypeCode::VAST;

/// The ADM.
pub static AMP_AGENT: Adm = Adm {
    enumeration: 1,
    metadata: METADATA,
    constants: CONSTANTS,
    controls: CONTROLS,
    data: DATA,
    macros: &[],
    operators: OPERATORS,
    report_templates: REPORT_TEMPLATES,
    table_templates: TABLE_TEMPLATES,
    variables: VARIABLES,
};

/// Indices of the controls.
pub mod control {
    /// Defines a variable.
    pub const ADD_VAR: u64 = 0;
    /// Removes variables.
    pub const DEL_VAR: u64 = 1;
    /// Defines a report template.
    pub const ADD_RPTT: u64 = 2;
    /// Removes report templates.
    pub const DEL_RPTT: u64 = 3;
    /// Tells report templates.
    pub const DESC_RPTT: u64 = 4;
    /// Makes reports.
    pub const GEN_RPTS: u64 = 5;
    /// Makes tables.
    pub const GEN_TBLS: u64 = 6;
    /// Defines a macro.
    pub const ADD_MACRO: u64 = 7;
    /// Removes macros.
    pub const DEL_MACRO: u64 = 8;
    /// Tells macros.
    pub const DESC_MACRO: u64 = 9;
    /// Defines a time-based rule.
    pub const ADD_TBR: u64 = 10;
    /// Defines a state-based rule.
    pub const ADD_SBR: u64 = 11;
    /// Removes rules.
    pub const DEL_RULE: u64 = 12;
    /// Tells rules.
    pub const DESC_RULE: u64 = 13;
    /// Sets a variable to what an expression comes to.
    pub const STORE_VAR: u64 = 14;
    /// Sets what is counted to zero.
    pub const RESET_COUNTS: u64 = 15;
}

/// Indices of the data.
pub mod datum {
    /// Report templates.
    pub const NUM_RPT_TPLS: u64 = 0;
    /// Table templates.
    pub const NUM_TBL_TPLS: u64 = 1;
    /// Reports sent.
    pub const SENT_REPORTS: u64 = 2;
    /// Time-based rules.
    pub const NUM_TBR: u64 = 3;
    /// Time-based rules run.
    pub const RUN_TBR: u64 = 4;
    /// State-based rules.
    pub const NUM_SBR: u64 = 5;
    /// State-based rules run.
    pub const RUN_SBR: u64 = 6;
    /// Constants.
    pub const NUM_CONST: u64 = 7;
    /// Variables.
    pub const NUM_VAR: u64 = 8;
    /// Macros.
    pub const NUM_MACROS: u64 = 9;
    /// Macros run.
    pub const RUN_MACROS: u64 = 10;
    /// Controls.
    pub const NUM_CONTROLS: u64 = 11;
    /// Controls run.
    pub const RUN_CONTROLS: u64 = 12;
    /// The time.
    pub const CUR_TIME: u64 = 13;
}

/// Indices of the table templates.
pub mod table {
    /// The ADMs.
    pub const ADMS: u64 = 0;
    /// The variables.
    pub const VARIABLES: u64 = 1;
    /// The report templates.
    pub const RPTTS: u64 = 2;
    /// The macros.
    pub const MACROS: u64 = 3;
    /// The rules.
    pub const RULES: u64 = 4;
    /// The table templates.
    pub const TBLTS: u64 = 5;
}

/// Indices of the operators. Those of arithmetic come in sixes, one for INT, UINT,
/// VAST, UVAST, REAL32 and REAL64 each.
pub mod operator {
    /// The first of the six that add.
    pub const PLUS: u64 = 0;
    /// The first of the six that subtract.
    pub const MINUS: u64 = 6;
    /// The first of the six that multiply.
    pub const MULTIPLY: u64 = 12;
    /// The first of the six that divide.
    pub const DIVIDE: u64 = 18;
    /// The first of the six that give what is left of a division.
    pub const MODULO: u64 = 24;
    /// The first of the six that raise to a power.
    pub const POWER: u64 = 30;
    /// Bits of both.
    pub const BIT_AND: u64 = 36;
    /// Bits of either.
    pub const BIT_OR: u64 = 37;
    /// Bits of one.
    pub const BIT_XOR: u64 = 38;
    /// The other bits.
    pub const BIT_NOT: u64 = 39;
    /// Both.
    pub const AND: u64 = 40;
    /// Either.
    pub const OR: u64 = 41;
    /// Not.
    pub const NOT: u64 = 42;
    /// Without its sign.
    pub const ABS: u64 = 43;
    /// Less.
    pub const LESS: u64 = 44;
    /// Greater.
    pub const GREATER: u64 = 45;
    /// Less or equal.
    pub const LESS_EQUAL: u64 = 46;
    /// Greater or equal.
    pub const GREATER_EQUAL: u64 = 47;
    /// Not equal.
    pub const NOT_EQUAL: u64 = 48;
    /// Equal.
    pub const EQUAL: u64 = 49;
    /// Shifted to the left.
    pub const SHIFT_LEFT: u64 = 50;
    /// Shifted to the right.
    pub const SHIFT_RIGHT: u64 = 51;
    /// Stored: the second in the first, a variable.
    pub const STORE: u64 = 52;
}

const METADATA: &[ConstDef] = &[
    text("name", "amp_agent", "what people call this ADM"),
    text("namespace", "Amp/Agent", "what its objects are named below"),
    text("version", "v3.1", "which edition this is"),
    text("organization", "JHUAPL", "who has issued it"),
];

const CONSTANTS: &[ConstDef] = &[ConstDef {
    value: Value::Ts(1_504_915_200),
    label: Label::new("amp_epoch", "where relative times end, in seconds since 1970"),
}];

const DATA: &[EddDef] = &[
    edd("num_rpt_tpls", UINT, "report templates there are"),
    edd("num_tbl_tpls", UINT, "table templates there are"),
    edd("sent_reports", UINT, "reports sent"),
    edd("num_tbr", UINT, "time-based rules there are"),
    edd("run_tbr", UINT, "time-based rules run since the counts were reset"),
    edd("num_sbr", UINT, "state-based rules there are"),
    edd("run_sbr", UINT, "state-based rules run since the counts were reset"),
    edd("num_const", UINT, "constants there are"),
    edd("num_var", UINT, "variables there are"),
    edd("num_macros", UINT, "macros there are"),
    edd("run_macros", UINT, "macros run since the counts were reset"),
    edd("num_controls", UINT, "controls there are"),
    edd("run_controls", UINT, "controls run since the counts were reset"),
    edd("cur_time", TV, "the time"),
];

/// The number of rules: those of both kinds, added.
const VARIABLES: &[VarDef] = &[VarDef {
    expression: &[20, 0x83, 0x82, 22, 0x41, 3, 0x82, 22, 0x41, 5, 0xc5, 0x18, 24, 0x41, 1, 0],
    label: Label::new("num_rules", "rules there are, of both kinds"),
}];

/// Name and version, the counts, and the number of rules.
const REPORT_TEMPLATES: &[ListDef] = &[ListDef {
    contents: &[
        0x90, 0x80, 0x18, 30, 0x41, 0, 0x80, 0x18, 30, 0x41, 2, 0x82, 22, 0x41, 0, 0x82, 22, 0x41,
        1, 0x82, 22, 0x41, 2, 0x82, 22, 0x41, 3, 0x82, 22, 0x41, 4, 0x82, 22, 0x41, 5, 0x82, 22,
        0x41, 6, 0x82, 22, 0x41, 7, 0x82, 22, 0x41, 8, 0x82, 22, 0x41, 9, 0x82, 22, 0x41, 10, 0x82,
        22, 0x41, 11, 0x82, 22, 0x41, 12, 0x8c, 0x18, 29, 0x41, 0,
    ],
    label: Label::new("full_report", "all the agent says of itself"),
}];

const IDS: &[Field] = &[Field::new(ARI, "ids")];

const TABLE_TEMPLATES: &[TbltDef] = &[
    tblt("adms", &[Field::new(STR, "adm_name")], "the ADMs that are supported"),
    tblt("variables", IDS, "the variables there are"),
    tblt("rptts", IDS, "the report templates there are"),
    tblt("macros", IDS, "the macros there are"),
    tblt("rules", IDS, "the rules there are"),
    tblt("tblts", IDS, "the table templates there are"),
];

const THESE: &[Field] = &[Field::new(AC, "ids")];
const THESE_TO: &[Field] = &[Field::new(AC, "ids"), Field::new(TNVC, "rxmgrs")];

const CONTROLS: &[CtrlDef] = &[
    ctrl(
        "add_var",
        &[Field::new(ARI, "id"), Field::new(EXPR, "def"), Field::new(BYTE, "type")],
        "defines a variable",
    ),
    ctrl("del_var", THESE, "removes variables"),
    ctrl(
        "add_rptt",
        &[Field::new(ARI, "id"), Field::new(AC, "template")],
        "defines a report template",
    ),
    ctrl("del_rptt", THESE, "removes report templates"),
    ctrl("desc_rptt", THESE, "tells the definitions of report templates"),
    ctrl("gen_rpts", THESE_TO, "makes a report on each and sends them to managers"),
    ctrl("gen_tbls", THESE_TO, "makes a table of each and sends them to managers"),
    ctrl(
        "add_macro",
        &[Field::new(STR, "name"), Field::new(ARI, "id"), Field::new(AC, "def")],
        "defines a macro",
    ),
    ctrl("del_macro", THESE, "removes macros"),
    ctrl("desc_macro", THESE, "tells the definitions of macros"),
    ctrl(
        "add_tbr",
        &[
            Field::new(ARI, "id"),
            Field::new(TV, "start"),
            Field::new(TV, "period"),
            Field::new(UVAST, "count"),
            Field::new(AC, "action"),
            Field::new(STR, "description"),
        ],
        "defines a rule that acts every so often",
    ),
    ctrl(
        "add_sbr",
        &[
            Field::new(ARI, "id"),
            Field::new(TV, "start"),
            Field::new(EXPR, "state"),
            Field::new(UVAST, "max_eval"),
            Field::new(UVAST, "count"),
            Field::new(AC, "action"),
            Field::new(STR, "description"),
        ],
        "defines a rule that acts when something holds",
    ),
    ctrl("del_rule", THESE, "removes rules"),
    ctrl("desc_rule", THESE, "tells the definitions of rules"),
    ctrl(
        "store_var",
        &[Field::new(ARI, "id"), Field::new(EXPR, "value")],
        "sets a variable to what an expression comes to",
    ),
    ctrl("reset_counts", &[], "sets what is counted to zero"),
];

const fn oper(
    name: &'static str,
    operands: u8,
    takes: Option<TypeCode>,
    gives: Option<TypeCode>,
    description: &'static str,
) -> OperDef {
    OperDef { operands, takes, gives, label: Label::new(name, description) }
}

const fn same(name: &'static str, code: TypeCode, description: &'static str) -> OperDef {
    oper(name, 2, Some(code), Some(code), description)
}

const fn compare(name: &'static str, description: &'static str) -> OperDef {
    oper(name, 2, None, Some(BOOL), description)
}

const OPERATORS: &[OperDef] = &[
    same("plusINT", INT, "the sum"),
    same("plusUINT", UINT, "the sum"),
    same("plusVAST", VAST, "the sum"),
    same("plusUVAST", UVAST, "the sum"),
    same("plusREAL32", REAL32, "the sum"),
    same("plusREAL64", REAL64, "the sum"),
    same("minusINT", INT, "the difference"),
    same("minusUINT", UINT, "the difference"),
    same("minusVAST", VAST, "the difference"),
    same("minusUVAST", UVAST, "the difference"),
    same("minusREAL32", REAL32, "the difference"),
    same("minusREAL64", REAL64, "the difference"),
    same("multINT", INT, "the product"),
    same("multUINT", UINT, "the product"),
    same("multVAST", VAST, "the product"),
    same("multUVAST", UVAST, "the product"),
    same("multREAL32", REAL32, "the product"),
    same("multREAL64", REAL64, "the product"),
    same("divINT", INT, "the quotient"),
    same("divUINT", UINT, "the quotient"),
    same("divVAST", VAST, "the quotient"),
    same("divUVAST", UVAST, "the quotient"),
    same("divREAL32", REAL32, "the quotient"),
    same("divREAL64", REAL64, "the quotient"),
    same("modINT", INT, "what is left of the division"),
    same("modUINT", UINT, "what is left of the division"),
    same("modVAST", VAST, "what is left of the division"),
    same("modUVAST", UVAST, "what is left of the division"),
    same("modREAL32", REAL32, "what is left of the division"),
    same("modREAL64", REAL64, "what is left of the division"),
    same("expINT", INT, "the power"),
    same("expUINT", UINT, "the power"),
    same("expVAST", VAST, "the power"),
    same("expUVAST", UVAST, "the power"),
    same("expREAL32", REAL32, "the power"),
    same("expREAL64", REAL64, "the power"),
    same("bitAND", UVAST, "the bits of both"),
    same("bitOR", UVAST, "the bits of either"),
    same("bitXOR", UVAST, "the bits of one"),
    oper("bitNOT", 1, Some(UVAST), Some(UVAST), "the other bits"),
    same("logAND", BOOL, "whether both hold"),
    same("logOR", BOOL, "whether either holds"),
    oper("logNOT", 1, Some(BOOL), Some(BOOL), "whether it does not hold"),
    oper("abs", 1, Some(VAST), Some(UVAST), "the number without its sign"),
    compare("lessThan", "whether it is less"),
    compare("greaterThan", "whether it is greater"),
    compare("lessEqual", "whether it is less or equal"),
    compare("greaterEqual", "whether it is greater or equal"),
    compare("notEqual", "whether they differ"),
    compare("Equal", "whether they are equal"),
    same("bitShiftLeft", UVAST, "the bits moved to the left"),
    same("bitShiftRight", UVAST, "the bits moved to the right"),
    oper("STOR", 2, None, None, "sets a variable, the first, to the second"),
];

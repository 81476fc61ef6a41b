//! The ION Admin ADM, enumeration 7, version v0.0 (draft-birrane-dtn-adm-ionadmin-01):
//! contacts, ranges, limits and clocks of a node.
//!
//! The tables are in the order of the draft, which is that of the indices. What ION's
//! own agent does otherwise is in [`ION_FACTS`], fact by fact.

use super::{Adm, ConstDef, CtrlDef, EddDef, Field, TbltDef, ctrl, edd, tblt, text};
use crate::management::amp::{Collection, TypeCode};

const BOOL: TypeCode = TypeCode::BOOL;
const STR: TypeCode = TypeCode::STR;
const TV: TypeCode = TypeCode::TV;
const UINT: TypeCode = TypeCode::UINT;
const UVAST: TypeCode = TypeCode::UVAST;

/// The ADM.
pub static ION_ADMIN: Adm = Adm {
    enumeration: 7,
    metadata: METADATA,
    constants: &[],
    controls: CONTROLS,
    data: DATA,
    macros: &[],
    operators: &[],
    report_templates: &[],
    table_templates: TABLE_TEMPLATES,
    variables: &[],
};

/// What stands for "unknown" or "leave it as it is" in a rate or limit: the draft says
/// -1 of parameters it makes unsigned.
pub const MINUS_ONE: u32 = u32::MAX;

const METADATA: &[ConstDef] = &[
    text("name", "ion_admin", "what people call this ADM"),
    text("namespace", "DTN/ION/ionadmin", "what its objects are named below"),
    text("version", "v0.0", "which edition this is"),
    text("organization", "JHUAPL", "who has issued it"),
];

const DATA: &[EddDef] = &[
    edd("clock_error", UINT, "how far the clock may be off, in seconds either way"),
    edd("clock_sync", UINT, "whether the computer's clock is synchronized"),
    edd("congestion_alarm_control", UINT, "whether congestion that is foreseen raises an alarm"),
    edd("congestion_end_time_forecasts", UINT, "the time beyond which congestion is not forecast"),
    edd(
        "consumption_rate",
        UINT,
        "data delivered to applications here, in octets a second on average",
    ),
    edd(
        "inbound_file_system_occupancy_limit",
        UINT,
        "megabytes of the file system for inbound objects, a million unless set",
    ),
    edd(
        "inbound_heap_occupancy_limit",
        UINT,
        "megabytes of the SDR heap for inbound objects, a fifth of it unless set",
    ),
    edd("number", UINT, "the number of the node in the network"),
    edd(
        "outbound_file_system_occupancy_limit",
        UINT,
        "megabytes of the file system for outbound objects, a million unless set",
    ),
    edd(
        "outbound_heap_occupancy_limit",
        UINT,
        "megabytes of the SDR heap for outbound objects, a fifth of it unless set",
    ),
    edd("production_rate", UINT, "data produced here, in octets a second on average"),
    edd("ref_time", TV, "what relative times are after, until it is set again"),
    edd("time_delta", UINT, "seconds added to the computer's clock to make up for its drift"),
    edd("version", STR, "the version of ION that is installed"),
];

const TABLE_TEMPLATES: &[TbltDef] = &[
    tblt(
        "contacts",
        &[
            Field::new(TV, "start_time"),
            Field::new(TV, "stop_time"),
            Field::new(UINT, "source_node"),
            Field::new(UINT, "dest_node"),
            Field::new(UVAST, "xmit_data"),
            Field::new(UVAST, "confidence"),
        ],
        "when one node is to transmit to another",
    ),
    tblt(
        "ranges",
        &[
            Field::new(TV, "start"),
            Field::new(TV, "stop"),
            Field::new(UINT, "node"),
            Field::new(UINT, "other_node"),
            Field::new(UINT, "distance"),
        ],
        "how far apart nodes are foreseen to be, and when",
    ),
];

const LIMITS: &[Field] =
    &[Field::new(UINT, "heap_occupancy_limit"), Field::new(UINT, "file_system_occupancy_limit")];

const CONTROLS: &[CtrlDef] = &[
    ctrl(
        "node_init",
        &[Field::new(UINT, "node_nbr"), Field::new(STR, "config_file")],
        "makes the node; without a file name, the one that is named after the host is taken",
    ),
    ctrl(
        "node_clock_error_set",
        &[Field::new(UINT, "known_maximum_clock_error")],
        "says how many seconds planned contacts may be off, 1 unless set",
    ),
    ctrl(
        "node_clock_sync_set",
        &[Field::new(BOOL, "new_state")],
        "says whether the computer's clock is synchronized",
    ),
    ctrl(
        "node_congestion_alarm_control_set",
        &[Field::new(STR, "congestion_alarm_control")],
        "says what is executed when congestion is foreseen",
    ),
    ctrl(
        "node_congestion_end_time_forecasts_set",
        &[Field::new(UINT, "end_time_for_congestion_forcasts")],
        "says up to when congestion is forecast; 0, unless set, is without end",
    ),
    ctrl(
        "node_consumption_rate_set",
        &[Field::new(UINT, "planned_data_consumption_rate")],
        "says how much data are delivered here on average; unless set, that is unknown",
    ),
    ctrl(
        "node_contact_add",
        &[
            Field::new(TV, "start"),
            Field::new(TV, "stop"),
            Field::new(UINT, "from_node_id"),
            Field::new(UINT, "to_node_id"),
            Field::new(UVAST, "data_rate"),
            Field::new(UVAST, "prob"),
        ],
        "plans when one node transmits to another, at so many octets a second",
    ),
    ctrl(
        "node_contact_del",
        &[Field::new(TV, "start"), Field::new(UINT, "node_id"), Field::new(STR, "dest")],
        "takes back the contact that starts then, or all of them",
    ),
    ctrl(
        "node_inbound_heap_occupancy_limit_set",
        LIMITS,
        "says how many megabytes inbound objects may take, 30 % of the heap unless set",
    ),
    ctrl(
        "node_outbound_heap_occupancy_limit_set",
        LIMITS,
        "says how many megabytes outbound objects may take, 30 % of the heap unless set",
    ),
    ctrl(
        "node_production_rate_set",
        &[Field::new(UINT, "planned_data_production_rate")],
        "says how much data are produced here on average; unless set, that is unknown",
    ),
    ctrl(
        "node_range_add",
        &[
            Field::new(TV, "start"),
            Field::new(TV, "stop"),
            Field::new(UINT, "node"),
            Field::new(UINT, "other_node"),
            Field::new(UINT, "distance"),
        ],
        "says how many light seconds two nodes are apart, and when",
    ),
    ctrl(
        "node_range_del",
        &[Field::new(TV, "start"), Field::new(UINT, "node"), Field::new(UINT, "other_node")],
        "takes back the range that starts then, or all of them",
    ),
    ctrl(
        "node_ref_time_set",
        &[Field::new(TV, "time")],
        "says what relative times are after; a relative one is after the one before",
    ),
    ctrl(
        "node_time_delta_set",
        &[Field::new(UINT, "local_time_sec_after_epoch")],
        "says how many seconds are added to the computer's clock",
    ),
];

/// What ION's agent does with an object that the draft has otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum IonFact {
    /// It reports a value of this type.
    Returns(TypeCode),
    /// It reports nothing where nothing is set, and the report fails.
    MayReturnNothing,
    /// It never reports anything.
    NotCollected,
    /// It always fails, for it is not there.
    AlwaysFails,
    /// The parameter of that index is read as this type; one of the draft's fails.
    ReadsAs(u8, TypeCode),
    /// The parameter of that index is read as this type; one of any other stops the agent.
    StopsUnless(u8, TypeCode),
    /// Only this value is accepted.
    AcceptsOnly(u32),
    /// A text of more octets is cut.
    AtMost(u8),
    /// A value of more than 32 bits is cut.
    CutTo32Bits,
    /// [`MINUS_ONE`] is taken for -1.
    MinusOne,
    /// A probability is told as 0 or 1.
    AllOrNothing,
    /// What is asked for is done even where it is found wrong.
    DoneThoughWrong,
    /// A start of 0 is refused, and so there is no way to name all.
    NotAll,
}

/// What ION's agent does otherwise: collection, index and fact, in that order.
pub const ION_FACTS: &[(Collection, u8, IonFact)] = {
    use IonFact::{
        AcceptsOnly, AllOrNothing, AlwaysFails, AtMost, CutTo32Bits, DoneThoughWrong,
        MayReturnNothing, MinusOne, NotAll, NotCollected, ReadsAs, Returns, StopsUnless,
    };
    const CTRL: Collection = Collection::CTRL;
    const EDD: Collection = Collection::EDD;
    const TBLT: Collection = Collection::TBLT;
    &[
        (CTRL, 0, AlwaysFails),
        (CTRL, 1, AcceptsOnly(60)),
        (CTRL, 2, ReadsAs(0, UINT)),
        (CTRL, 3, AtMost(255)),
        (CTRL, 3, StopsUnless(0, STR)),
        (CTRL, 4, StopsUnless(0, STR)),
        (CTRL, 5, MinusOne),
        (CTRL, 6, DoneThoughWrong),
        (CTRL, 7, ReadsAs(2, UINT)),
        (CTRL, 7, NotAll),
        (CTRL, 8, AlwaysFails),
        (CTRL, 9, AlwaysFails),
        (CTRL, 10, AlwaysFails),
        (CTRL, 13, AlwaysFails),
        (CTRL, 14, AlwaysFails),
        (EDD, 0, Returns(TypeCode::INT)),
        (EDD, 1, Returns(TypeCode::INT)),
        (EDD, 2, Returns(STR)),
        (EDD, 2, MayReturnNothing),
        (EDD, 3, CutTo32Bits),
        (EDD, 4, MinusOne),
        (EDD, 5, Returns(TypeCode::VAST)),
        (EDD, 6, Returns(TypeCode::VAST)),
        (EDD, 7, Returns(UVAST)),
        (EDD, 8, Returns(TypeCode::VAST)),
        (EDD, 9, Returns(TypeCode::VAST)),
        (EDD, 10, Returns(TypeCode::INT)),
        (EDD, 11, NotCollected),
        (EDD, 12, Returns(TypeCode::INT)),
        (TBLT, 0, AllOrNothing),
    ]
};

/// What ION's agent does otherwise with one object.
pub fn ion_facts(collection: Collection, index: u64) -> impl Iterator<Item = IonFact> {
    let of = move |&&(other, at, _): &&(Collection, u8, IonFact)| {
        other == collection && u64::from(at) == index
    };
    ION_FACTS.iter().filter(of).map(|&(_, _, fact)| fact)
}

/// Whether a report may tell the datum `index` as a value of type `code`: the type
/// of the draft, or the one ION's agent has.
#[must_use]
pub fn is_told_as(index: u64, code: TypeCode) -> bool {
    let drafted = usize::try_from(index).ok().and_then(|index| DATA.get(index));
    drafted.is_some_and(|edd| edd.code == code)
        || ion_facts(Collection::EDD, index).any(|fact| fact == IonFact::Returns(code))
}

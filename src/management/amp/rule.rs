//! Every rule of the encoding that octets can break.

use crate::wire::Rule;

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $clause:literal;)*) => {
        /// A rule of the encoding (amp-08 section 8 and 9) that octets can break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum AmpRule { $($(#[$doc])* $rule,)* }

        impl AmpRule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];
        }

        impl Rule for AmpRule {
            fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            fn clause(self) -> &'static str {
                match self { $(Self::$rule => concat!("amp-08 ", $clause),)* }
            }
        }
    };
}

rules! {
    /// An item ends before it is whole.
    Truncated = "amp_truncated", "6";
    /// Octets follow an object that is to be the whole.
    Trailing = "amp_trailing", "6";
    /// Collections and parameters lie deeper within one another than is read.
    TooDeep = "nested_too_deep", "8.1";
    /// An item has no length but an end.
    Indefinite = "indefinite_length", "8.1";
    /// An item begins with a CBOR tag.
    Tagged = "cbor_tag", "8.1";
    /// An item begins with an octet CBOR reserves.
    HeadReserved = "cbor_head_reserved", "8.1";
    /// A number, length or float is not in its shortest form.
    NotShortest = "not_shortest", "8.1";
    /// A CBOR item is of another major type than is expected here.
    MajorType = "cbor_major_type", "8.2.1";
    /// A number is out of the range of its type.
    OutOfRange = "number_out_of_range", "8.2.1";
    /// A float has more precision than its type.
    TooPrecise = "float_too_precise", "8.2.1";
    /// A text is not UTF-8.
    NotUtf8 = "text_not_utf8", "6";
    /// A value without a type is nothing that has one natively.
    NoNativeValue = "no_native_value", "8.2.3.1";
    /// A type is none of those defined.
    TypeUnknown = "type_unknown", "8.2.2.3";
    /// A type-name-value has the type of one.
    TnvInTnv = "tnv_in_tnv", "8.2.2.3";
    /// The array of a type-name-value does not have as many elements as it should.
    TnvCount = "tnv_count", "8.2.2.3";
    /// Reserved flags of a collection are set, or the mixed flag along with others.
    TnvcFlags = "tnvc_flags", "8.2.3.1";
    /// A collection with flags has no items.
    TnvcEmpty = "tnvc_empty", "8.2.3.1";
    /// The type of an expression is not a primitive one.
    ExpressionType = "expression_type", "8.2.3.3";
    /// The value of a literal is of no primitive type.
    LiteralType = "literal_type", "8.3.1";
    /// The structure type of an identifier is none of the object types.
    StructureType = "structure_type", "8.3.2";
    /// An identifier is of another object type than may stand here.
    ObjectType = "object_type", "8.4";
    /// An identifier has both a nickname and an issuer.
    NicknameAndIssuer = "nickname_and_issuer", "8.3.2";
    /// An identifier has a tag and no issuer.
    TagWithoutIssuer = "tag_without_issuer", "8.3.2";
    /// An object that only an ADM defines has an issuer.
    IssuerNotAllowed = "issuer_not_allowed", "8.4";
    /// A constant or variable has parameters.
    ParametersNotAllowed = "parameters_not_allowed", "8.4";
    /// An identifier has a name of no octets.
    NameEmpty = "name_empty", "8.3.2";
    /// The name of an object of an ADM is not its index.
    NameNotIndex = "name_not_index", "8.3.2";
    /// A report does not have two or three elements.
    ReportCount = "report_count", "8.4.7";
    /// A table does not begin with its template.
    TableEmpty = "table_empty", "8.4.10";
    /// A message group has no message.
    GroupEmpty = "group_empty", "9.2";
    /// The operation code of a message is a reserved one.
    OpcodeReserved = "opcode_reserved", "9.3";
    /// A set of reports or tables, or their recipients, is empty.
    SetEmpty = "set_empty", "9.5";
}

/// What is ill-formed about an object or message.
pub type Malformed = crate::wire::Malformed<AmpRule>;

/// A value that breaks `rule` at `offset`, held against `against`; numbers beyond 32
/// bits are told as the largest there is.
pub(super) fn fault(
    rule: AmpRule,
    offset: usize,
    value: impl TryInto<u32>,
    against: u32,
) -> Malformed {
    Malformed::new(rule, offset, value.try_into().unwrap_or(u32::MAX), against)
}

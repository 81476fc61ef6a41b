//! Codes: types, collections of an ADM, operation codes of messages.

use crate::wire::open_code;

open_code! {
    /// What something is (adm-03 5.4): an object, or a type of value.
    pub struct TypeCode(u8) {
        /// An immutable named value of an ADM.
        CONST = 0, "CONST";
        /// A control: something an agent can be told to do.
        CTRL = 1, "CTRL";
        /// Externally defined data: a value the agent collects.
        EDD = 2, "EDD";
        /// A literal: a value that is its own name.
        LIT = 3, "LIT";
        /// A macro: controls to be run in order.
        MAC = 4, "MAC";
        /// An operator of expressions.
        OPER = 5, "OPER";
        /// A report.
        RPT = 6, "RPT";
        /// A report template.
        RPTT = 7, "RPTT";
        /// A state-based rule.
        SBR = 8, "SBR";
        /// A table.
        TBL = 9, "TBL";
        /// A table template.
        TBLT = 10, "TBLT";
        /// A time-based rule.
        TBR = 11, "TBR";
        /// A variable.
        VAR = 12, "VAR";
        /// A truth value.
        BOOL = 16, "BOOL";
        /// An octet.
        BYTE = 17, "BYTE";
        /// UTF-8 text.
        STR = 18, "STR";
        /// A signed number of 32 bits.
        INT = 19, "INT";
        /// An unsigned number of 32 bits.
        UINT = 20, "UINT";
        /// A signed number of 64 bits.
        VAST = 21, "VAST";
        /// An unsigned number of 64 bits.
        UVAST = 22, "UVAST";
        /// An IEEE 754 float of 32 bits.
        REAL32 = 23, "REAL32";
        /// An IEEE 754 float of 64 bits.
        REAL64 = 24, "REAL64";
        /// A time value: seconds, relative or absolute.
        TV = 32, "TV";
        /// A timestamp: absolute seconds.
        TS = 33, "TS";
        /// A type, name and value.
        TNV = 34, "TNV";
        /// A collection of types, names and values.
        TNVC = 35, "TNVC";
        /// An identifier.
        ARI = 36, "ARI";
        /// A collection of identifiers.
        AC = 37, "AC";
        /// An expression.
        EXPR = 38, "EXPR";
        /// A string of octets.
        BYTESTR = 39, "BYTESTR";
    }
}

impl TypeCode {
    /// Whether it is a primitive type: literals and results of expressions have one.
    #[must_use]
    pub const fn is_primitive(self) -> bool {
        matches!(self.0, 16..=24)
    }

    /// Whether it is a type of numbers that can be reckoned with.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(self.0, 19..=24)
    }

    /// Whether it is an object: what an identifier names.
    #[must_use]
    pub const fn is_object(self) -> bool {
        self.0 <= 12
    }

    /// The type of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().copied().find(|code| code.name() == Some(name))
    }
}

open_code! {
    /// The part of an ADM that a kind of object is in (amp-08 7.1.3). Its numbers are
    /// not those of [`TypeCode`].
    pub struct Collection(u8) {
        /// Constants.
        CONST = 0, "Const";
        /// Controls.
        CTRL = 1, "Ctrl";
        /// Externally defined data.
        EDD = 2, "Edd";
        /// Macros.
        MAC = 3, "Mac";
        /// Operators.
        OPER = 4, "Oper";
        /// Report templates.
        RPTT = 5, "Rptt";
        /// State-based rules.
        SBR = 6, "Sbr";
        /// Table templates.
        TBLT = 7, "Tblt";
        /// Time-based rules.
        TBR = 8, "Tbr";
        /// Variables.
        VAR = 9, "Var";
        /// Metadata, which are constants.
        MDAT = 10, "Mdat";
    }
}

impl Collection {
    /// What the objects in it are; `None` for a reserved one.
    #[must_use]
    pub const fn object(self) -> Option<TypeCode> {
        Some(match self {
            Self::CONST | Self::MDAT => TypeCode::CONST,
            Self::CTRL => TypeCode::CTRL,
            Self::EDD => TypeCode::EDD,
            Self::MAC => TypeCode::MAC,
            Self::OPER => TypeCode::OPER,
            Self::RPTT => TypeCode::RPTT,
            Self::SBR => TypeCode::SBR,
            Self::TBLT => TypeCode::TBLT,
            Self::TBR => TypeCode::TBR,
            Self::VAR => TypeCode::VAR,
            _ => return None,
        })
    }
}

/// A nickname: a collection of an ADM in one number (amp-08 7.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Nickname(pub u64);

impl Nickname {
    /// Numbers an ADM has for its collections.
    const PER_ADM: u32 = 20;

    /// The nickname of a collection of the ADM with that enumeration.
    #[must_use]
    pub const fn new(adm: u32, collection: Collection) -> Self {
        // Neither can overflow: 2^32 times 20 and 255 are below 2^37.
        #[allow(clippy::as_conversions, reason = "widening in a constant function")]
        Self((adm as u64).wrapping_mul(Self::PER_ADM as u64).wrapping_add(collection.0 as u64))
    }

    /// The enumeration of the ADM, and which of its collections; `None` of a nickname of
    /// more than 32 bits, of which no ADM is known.
    #[must_use]
    pub fn parts(self) -> Option<(u32, Collection)> {
        // A division of 64 bits would be 900 octets of a board's code.
        let number = u32::try_from(self.0).ok()?;
        let collection = u8::try_from(number.wrapping_rem(Self::PER_ADM)).ok()?;
        Some((number.wrapping_div(Self::PER_ADM), Collection(collection)))
    }

    /// The enumeration of the ADM; the greatest number there is where none is known.
    #[must_use]
    pub fn adm(self) -> u64 {
        self.parts().map_or(u64::MAX, |(adm, _)| adm.into())
    }

    /// Which of its collections; a reserved one where none is known.
    #[must_use]
    pub fn collection(self) -> Collection {
        self.parts().map_or(Collection(u8::MAX), |(_, collection)| collection)
    }

    /// What the objects in its collection are; `None` where it is reserved.
    #[must_use]
    pub fn object(self) -> Option<TypeCode> {
        self.parts()?.1.object()
    }
}

open_code! {
    /// What a message does (amp-08 9.1).
    pub struct Opcode(u8) {
        /// Makes an agent known to a manager.
        REGISTER_AGENT = 0, "register_agent";
        /// Reports of an agent.
        REPORT_SET = 1, "report_set";
        /// Controls for an agent.
        PERFORM_CONTROL = 2, "perform_control";
        /// Tables of an agent.
        TABLE_SET = 3, "table_set";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nicknames_are_as_the_drafts_have_them() {
        // amp-08 7.1.4, and the ION Admin ADM.
        assert_eq!(Nickname::new(9, Collection::EDD), Nickname(182));
        assert_eq!(Nickname::new(7, Collection::MDAT), Nickname(150));
        assert_eq!(Nickname(147).parts(), Some((7, Collection::TBLT)));
        assert_eq!((Nickname(147).object(), Nickname(159).object()), (Some(TypeCode::TBLT), None));
        let greatest = Nickname(u32::MAX.into());
        assert_eq!(greatest.parts(), Some((214_748_364, Collection(15))));
        assert_eq!(Nickname::new(214_748_364, Collection(15)), greatest);
        assert_eq!(Nickname(1 << 32).parts(), None);
        assert_eq!((Nickname(147).adm(), Nickname(147).collection()), (7, Collection::TBLT));
        assert_eq!(Nickname(1 << 32).adm(), u64::MAX);
        assert_eq!(Nickname(1 << 32).collection().object(), None);
        assert_eq!(Nickname::new(u32::MAX, Collection(19)).parts(), None);
    }

    #[test]
    fn types_are_found_by_their_names() {
        for code in TypeCode::NAMED {
            assert_eq!(code.name().and_then(TypeCode::named), Some(*code));
        }
        assert!(TypeCode::BOOL.is_primitive() && !TypeCode::BOOL.is_numeric());
        assert!(TypeCode::VAR.is_object() && !TypeCode(13).is_object());
        assert_eq!(TypeCode::named("UNK"), None);
    }
}

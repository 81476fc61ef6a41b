//! The one walker over everything AMP encodes.
//!
//! An object is a sequence of kinds of items, a collection a kind and a number, and a
//! typed collection brings its sequence along, for its types are kinds. So what is left
//! to read is a small stack of sequences: there is no recursion, and reading takes as
//! much of the stack whatever is received.

use heapless::Vec;

use super::cbor::{self, Head};
use super::float;
use super::profile::{Profile, Quirks};
use super::rule::{AmpRule, Malformed, fault};
use super::types::TypeCode;
use super::value::Value;
use crate::wire::{Reader, Short};

/// How deep collections, parameters and objects may lie within one another, counted in
/// sequences of items. What a control does, given to a control, takes three.
pub const MAX_NESTING: usize = 24;

/// Kinds of items: the codes of types, and others above them.
pub(super) mod kind {
    pub(crate) const CONST: u8 = 0;
    pub(crate) const MAC: u8 = 4;
    pub(crate) const RPT: u8 = 6;
    pub(crate) const RPTT: u8 = 7;
    pub(crate) const SBR: u8 = 8;
    pub(crate) const TBL: u8 = 9;
    pub(crate) const TBR: u8 = 11;
    pub(crate) const VAR: u8 = 12;
    pub(crate) const BOOL: u8 = 16;
    pub(crate) const BYTE: u8 = 17;
    pub(crate) const STR: u8 = 18;
    pub(crate) const INT: u8 = 19;
    pub(crate) const UINT: u8 = 20;
    pub(crate) const VAST: u8 = 21;
    pub(crate) const UVAST: u8 = 22;
    pub(crate) const REAL32: u8 = 23;
    pub(crate) const REAL64: u8 = 24;
    pub(crate) const TV: u8 = 32;
    pub(crate) const TS: u8 = 33;
    pub(crate) const TNV: u8 = 34;
    pub(crate) const TNVC: u8 = 35;
    pub(crate) const ARI: u8 = 36;
    pub(crate) const AC: u8 = 37;
    pub(crate) const EXPR: u8 = 38;
    pub(crate) const BYTESTR: u8 = 39;
    /// The type of an expression, one octet.
    pub(crate) const PRIMITIVE: u8 = 0x40;
    /// A value that does not say its type.
    pub(crate) const NATIVE: u8 = 0x41;
    /// The name of an agent.
    pub(crate) const AGENT_ID: u8 = 0x42;
    /// An identifier of something to run.
    pub(crate) const CONTROL: u8 = 0x43;
    /// An identifier in an expression.
    pub(crate) const OPERAND: u8 = 0x44;
    /// A collection of things to run.
    pub(crate) const CONTROLS: u8 = 0x45;
    /// The collection an expression is.
    pub(crate) const OPERANDS: u8 = 0x46;
    /// The array of the names of managers.
    pub(crate) const RECIPIENTS: u8 = 0x47;
    /// The array of reports.
    pub(crate) const REPORTS: u8 = 0x48;
    /// The array of tables.
    pub(crate) const TABLES: u8 = 0x49;
    /// The body of a message; its operation code is the rest of the kind.
    pub(crate) const BODY: u8 = 0x50;
    /// An identifier of the object that is the rest of the kind.
    pub(crate) const OF: u8 = 0x60;
}

/// Flags of an identifier (8.3.2).
pub(super) const NICKNAME: u8 = 0x80;
pub(super) const PARAMETERS: u8 = 0x40;
pub(super) const ISSUER: u8 = 0x20;
pub(super) const TAG: u8 = 0x10;

/// Objects that only an ADM defines: CONST, CTRL, EDD, OPER and TBLT, a bit each.
const OF_ADM: u16 = 1 | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 10;
/// Objects that have no parameters: CONST and VAR.
const BARE: u16 = 1 | 1 << 12;

/// The objects that an identifier of this kind may be of, a bit each.
fn objects(kind: u8) -> u16 {
    match kind {
        kind::CONTROL => 1 << 1 | 1 << 4,
        kind::OPERAND => 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 12,
        kind::OF.. => 1_u16.wrapping_shl(u32::from(kind & 0x0f)),
        _ => 0x1fff,
    }
}

/// What is still to be read of an object: a sequence of kinds, then so many of one.
struct Rest<'a> {
    sequence: &'a [u8],
    kind: u8,
    left: u32,
}

impl<'a> Rest<'a> {
    const fn sequence(sequence: &'a [u8]) -> Self {
        Self { sequence, kind: 0, left: 0 }
    }

    const fn repeated(kind: u8, left: u32) -> Self {
        Self { sequence: &[], kind, left }
    }

    fn take(&mut self) -> Option<u8> {
        if let Some((&first, rest)) = self.sequence.split_first() {
            self.sequence = rest;
            return Some(first);
        }
        self.left = self.left.checked_sub(1)?;
        Some(self.kind)
    }
}

fn short(short: Short) -> Malformed {
    Malformed::short(AmpRule::Truncated, short)
}

/// Reads items and notes the quirks they have.
pub(super) struct Walk<'a> {
    pub(super) reader: Reader<'a>,
    accepts: Quirks,
    pub(super) noted: Quirks,
}

impl<'a> Walk<'a> {
    pub(super) fn new(reader: Reader<'a>, profile: Profile) -> Self {
        Self { reader, accepts: profile.accepts(), noted: Quirks::NONE }
    }

    pub(super) fn octet(&mut self) -> Result<u8, Malformed> {
        self.reader.u8().map_err(short)
    }

    /// Reads over an item of `kind` and all that it holds.
    pub(super) fn item(&mut self, kind: u8) -> Result<(), Malformed> {
        let mut stack: Vec<Rest<'a>, MAX_NESTING> = Vec::new();
        let mut next = kind;
        loop {
            let offset = self.reader.offset();
            if let Some(rest) = self.step(next)?
                && stack.push(rest).is_err()
            {
                return Err(fault(AmpRule::TooDeep, offset, next, 24));
            }
            next = loop {
                let Some(rest) = stack.last_mut() else { return Ok(()) };
                match rest.take() {
                    Some(kind) => break kind,
                    None => stack.pop(),
                };
            };
        }
    }

    /// Reads an item, or what an item of several begins with, and tells the rest.
    fn step(&mut self, kind: u8) -> Result<Option<Rest<'a>>, Malformed> {
        let sequence: &[u8] = match kind {
            kind::TNV => return self.tnv(),
            kind::TNVC => return self.tnvc(),
            kind::ARI | kind::CONTROL | kind::OPERAND | kind::OF.. => return self.ari(kind),
            kind::AC => return self.array(kind::ARI, 0),
            kind::CONTROLS => return self.array(kind::CONTROL, 0),
            kind::OPERANDS => return self.array(kind::OPERAND, 0),
            kind::RECIPIENTS => return self.array(kind::STR, 1),
            kind::REPORTS => return self.array(kind::RPT, 1),
            kind::TABLES => return self.array(kind::TBL, 1),
            kind::EXPR => &[kind::PRIMITIVE, kind::OPERANDS],
            kind::MAC => &[kind::OF | kind::MAC, kind::CONTROLS],
            kind::RPTT => &[kind::OF | kind::RPTT, kind::AC],
            kind::VAR => &[kind::OF | kind::VAR, kind::TNV],
            kind::SBR => &[
                kind::OF | kind::SBR,
                kind::TV,
                kind::EXPR,
                kind::UINT,
                kind::UINT,
                kind::CONTROLS,
            ],
            kind::TBR => &[kind::OF | kind::TBR, kind::TV, kind::UINT, kind::UINT, kind::CONTROLS],
            kind::RPT => {
                let offset = self.reader.offset();
                match cbor::count(&mut self.reader, cbor::ARRAY)? {
                    2 => &[kind::ARI, kind::TNVC],
                    3 => &[kind::ARI, kind::TS, kind::TNVC],
                    count => return Err(fault(AmpRule::ReportCount, offset, count, 3)),
                }
            }
            kind::TBL => {
                let offset = self.reader.offset();
                let count = cbor::count(&mut self.reader, cbor::ARRAY)?;
                let Some(left) = count.checked_sub(1) else {
                    return Err(fault(AmpRule::TableEmpty, offset, count, 1));
                };
                let sequence = &[kind::OF | TypeCode::TBLT.0];
                return Ok(Some(Rest { sequence, kind: kind::TNVC, left }));
            }
            // Const, Ctrl, Edd, Lit, Oper and Tblt are their identifiers.
            kind::CONST..=kind::VAR => return self.ari(kind | kind::OF),
            0x50 => &[kind::AGENT_ID],
            0x51 => &[kind::RECIPIENTS, kind::REPORTS],
            0x52 => &[kind::TV, kind::CONTROLS],
            0x53 => &[kind::RECIPIENTS, kind::TABLES],
            _ => return self.scalar(kind).map(|_| None),
        };
        Ok(Some(Rest::sequence(sequence)))
    }

    fn array(&mut self, kind: u8, least: u32) -> Result<Option<Rest<'a>>, Malformed> {
        let offset = self.reader.offset();
        let count = cbor::count(&mut self.reader, cbor::ARRAY)?;
        if count < least {
            return Err(fault(AmpRule::SetEmpty, offset, count, least));
        }
        Ok(Some(Rest::repeated(kind, count)))
    }

    /// A type that a type-name-value may have.
    fn value_type(&self, code: u8, offset: usize) -> Result<(), Malformed> {
        match TypeCode(code) {
            TypeCode::TNV => Err(fault(AmpRule::TnvInTnv, offset, code, 0)),
            code if code.name().is_some() => Ok(()),
            _ => Err(fault(AmpRule::TypeUnknown, offset, code, 0)),
        }
    }

    fn tnv(&mut self) -> Result<Option<Rest<'a>>, Malformed> {
        let offset = self.reader.offset();
        let count = cbor::count(&mut self.reader, cbor::ARRAY)?;
        let at = self.reader.offset();
        let flags = self.octet()?;
        let code = flags & 0x7f;
        self.value_type(code, at)?;
        let mut others = 1;
        if flags & 0x80 != 0 {
            cbor::text(&mut self.reader)?;
            others = 2;
        }
        let kind = match count.checked_sub(others) {
            Some(0) => return Ok(None),
            Some(1) => code,
            Some(2..)
                if self.accepts.contains(Quirks::TNV_COUNT) && others == 1 && !is_scalar(code) =>
            {
                self.noted = self.noted | Quirks::TNV_COUNT;
                code
            }
            _ => return Err(fault(AmpRule::TnvCount, offset, count, others)),
        };
        Ok(Some(Rest::repeated(kind, 1)))
    }

    fn tnvc(&mut self) -> Result<Option<Rest<'a>>, Malformed> {
        let front = self.tnvc_front()?;
        for _ in 0..front.names {
            cbor::text(&mut self.reader)?;
        }
        Ok(match front.flags {
            0 => None,
            8 => Some(Rest::repeated(kind::TNV, front.count)),
            flags if flags & 1 == 0 => None,
            flags if flags & 4 == 0 => Some(Rest::repeated(kind::NATIVE, front.count)),
            _ => Some(Rest::sequence(front.types)),
        })
    }

    /// The flags, the number and the types of a collection.
    pub(super) fn tnvc_front(&mut self) -> Result<TnvcFront<'a>, Malformed> {
        let offset = self.reader.offset();
        let flags = self.octet()?;
        if flags > 8 {
            return Err(fault(AmpRule::TnvcFlags, offset, flags, 8));
        }
        let mut front = TnvcFront { flags, count: 0, types: &[], names: 0 };
        if flags == 0 {
            return Ok(front);
        }
        front.count = cbor::count(&mut self.reader, cbor::UNSIGNED)?;
        if front.count == 0 {
            return Err(fault(AmpRule::TnvcEmpty, offset, flags, 0));
        }
        if flags & 4 != 0 {
            let count = usize::try_from(front.count).unwrap_or(usize::MAX);
            let at = self.reader.offset();
            front.types = self.reader.take(count).map_err(short)?;
            for (index, &code) in front.types.iter().enumerate() {
                self.value_type(code, at.saturating_add(index))?;
            }
        }
        if flags & 2 != 0 {
            front.names = front.count;
        }
        Ok(front)
    }

    fn ari(&mut self, kind: u8) -> Result<Option<Rest<'a>>, Malformed> {
        let offset = self.reader.offset();
        let flags = self.octet()?;
        let object = flags & 0x0f;
        let bit = 1_u16.wrapping_shl(object.into());
        if object > TypeCode::VAR.0 {
            return Err(fault(AmpRule::StructureType, offset, object, 12));
        }
        if objects(kind) & bit == 0 {
            return Err(fault(AmpRule::ObjectType, offset, object, objects(kind).into()));
        }
        if TypeCode(object) == TypeCode::LIT {
            let code = TypeCode(flags.wrapping_shr(4).wrapping_add(TypeCode::BOOL.0));
            if !code.is_primitive() {
                return Err(fault(AmpRule::LiteralType, offset, flags.wrapping_shr(4), 8));
            }
            return self.scalar(code.0).map(|_| None);
        }
        let refused = |rule| Err(fault(rule, offset, flags, object.into()));
        if flags & (NICKNAME | ISSUER) == NICKNAME | ISSUER {
            return refused(AmpRule::NicknameAndIssuer);
        }
        if flags & (TAG | ISSUER) == TAG {
            return refused(AmpRule::TagWithoutIssuer);
        }
        if flags & ISSUER != 0 && OF_ADM & bit != 0 {
            return refused(AmpRule::IssuerNotAllowed);
        }
        if flags & PARAMETERS != 0 && BARE & bit != 0 {
            return refused(AmpRule::ParametersNotAllowed);
        }
        if flags & NICKNAME != 0 {
            Head::of(&mut self.reader, cbor::UNSIGNED)?;
        }
        self.name(flags & NICKNAME != 0)?;
        let behind: &[u8] = match flags & (ISSUER | TAG) {
            0 => &[kind::TNVC],
            ISSUER => &[kind::TNVC, kind::BYTESTR],
            _ => &[kind::TNVC, kind::BYTESTR, kind::BYTESTR],
        };
        match behind {
            _ if flags & PARAMETERS != 0 => Ok(Some(Rest::sequence(behind))),
            [_, rest @ ..] => {
                for _ in rest {
                    cbor::string(&mut self.reader, cbor::BYTES)?;
                }
                Ok(None)
            }
            [] => Ok(None),
        }
    }

    fn name(&mut self, index: bool) -> Result<(), Malformed> {
        let at = self.reader.offset();
        let name = cbor::string(&mut self.reader, cbor::BYTES)?;
        if name.is_empty() {
            return Err(fault(AmpRule::NameEmpty, at, 0_u8, 1));
        }
        if index {
            let at = self.reader.offset().saturating_sub(name.len());
            let mut reader = Reader::at(name, at);
            let number = Head::of(&mut reader, cbor::UNSIGNED);
            if number.is_err() || !reader.is_empty() {
                let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
                return Err(fault(AmpRule::NameNotIndex, at, length, 0));
            }
        }
        Ok(())
    }

    /// Reads an item that is one value.
    #[inline(never)]
    pub(super) fn scalar(&mut self, kind: u8) -> Result<Value<'a>, Malformed> {
        Ok(match kind {
            kind::STR => Value::Str(cbor::text(&mut self.reader)?),
            kind::BYTESTR => Value::Bytes(cbor::string(&mut self.reader, cbor::BYTES)?),
            kind::REAL64 => Value::Real64(f64::from_bits(float::read(&mut self.reader)?)),
            kind::REAL32 => {
                let offset = self.reader.offset();
                let double = float::read(&mut self.reader)?;
                let Some(single) = float::single(double) else {
                    return nan_or_too_precise(double, offset);
                };
                Value::Real32(f32::from_bits(single))
            }
            kind::PRIMITIVE => {
                let offset = self.reader.offset();
                let code = self.octet()?;
                if !TypeCode(code).is_primitive() {
                    return Err(fault(AmpRule::ExpressionType, offset, code, 24));
                }
                Value::Byte(code)
            }
            kind::BYTE if self.accepts.contains(Quirks::RAW_BYTE) => {
                let octet = self.octet()?;
                if octet > 23 {
                    self.noted = self.noted | Quirks::RAW_BYTE;
                }
                Value::Byte(octet)
            }
            kind::NATIVE => return self.native(),
            kind::AGENT_ID => {
                let text = self.accepts.contains(Quirks::TEXT_AGENT_ID)
                    && Head::read(&mut self.reader.clone())?.major() == cbor::TEXT;
                if !text {
                    return self.scalar(kind::BYTESTR);
                }
                self.noted = self.noted | Quirks::TEXT_AGENT_ID;
                Value::Bytes(cbor::text(&mut self.reader)?.as_bytes())
            }
            _ => return self.number(kind),
        })
    }

    /// Reads a value whose type is one of CBOR's.
    fn native(&mut self) -> Result<Value<'a>, Malformed> {
        let head = Head::read(&mut self.reader.clone())?;
        let kind = match head.major() {
            cbor::UNSIGNED => kind::UVAST,
            cbor::NEGATIVE => kind::VAST,
            cbor::BYTES => kind::BYTESTR,
            cbor::TEXT => kind::STR,
            _ if matches!(head.first, cbor::FALSE | cbor::TRUE) => kind::BOOL,
            _ if matches!(head.first, 0xf9..=0xfb) => kind::REAL64,
            _ => return Err(fault(AmpRule::NoNativeValue, head.offset, head.first, 0)),
        };
        self.scalar(kind)
    }

    fn number(&mut self, kind: u8) -> Result<Value<'a>, Malformed> {
        let head = Head::read(&mut self.reader)?;
        let magnitude = i64::try_from(head.value);
        let signed = match (head.major(), magnitude) {
            (cbor::UNSIGNED, Ok(value)) => Some(value),
            (cbor::NEGATIVE, Ok(value)) => Some(!value),
            _ => None,
        };
        match (kind, head.major()) {
            (kind::BOOL, _) => match head.first {
                cbor::FALSE => Ok(Value::Bool(false)),
                cbor::TRUE => Ok(Value::Bool(true)),
                bit @ (0 | 1) if self.accepts.contains(Quirks::RAW_BOOL) => {
                    self.noted = self.noted | Quirks::RAW_BOOL;
                    Ok(Value::Bool(bit == 1))
                }
                first if first >> 5 == cbor::SIMPLE => Err(head.out_of_range(1)),
                _ => Err(head.not(cbor::SIMPLE)),
            },
            (kind::INT, cbor::UNSIGNED | cbor::NEGATIVE) => {
                let value = signed.and_then(|value| i32::try_from(value).ok());
                value.map(Value::Int).ok_or_else(|| head.out_of_range(32))
            }
            (kind::VAST, cbor::UNSIGNED | cbor::NEGATIVE) => {
                signed.map(Value::Vast).ok_or_else(|| head.out_of_range(64))
            }
            (kind::BYTE, cbor::UNSIGNED) => {
                let value = u8::try_from(head.value);
                value.map(Value::Byte).map_err(|_| head.out_of_range(8))
            }
            (kind::UINT, cbor::UNSIGNED) => {
                let value = u32::try_from(head.value);
                value.map(Value::Uint).map_err(|_| head.out_of_range(32))
            }
            (_, cbor::UNSIGNED) => Ok(unsigned(kind, head.value)),
            (kind::UVAST | kind::TV | kind::TS, cbor::NEGATIVE)
                if self.accepts.contains(Quirks::NEGATIVE_UVAST) =>
            {
                if magnitude.is_err() {
                    return Err(head.out_of_range(64));
                }
                self.noted = self.noted | Quirks::NEGATIVE_UVAST;
                Ok(unsigned(kind, !head.value))
            }
            _ => Err(head.not(cbor::UNSIGNED)),
        }
    }
}

const fn unsigned(kind: u8, value: u64) -> Value<'static> {
    match kind {
        kind::TV => Value::Tv(value),
        kind::TS => Value::Ts(value),
        _ => Value::Uvast(value),
    }
}

/// What does not fit a float of 32 bits.
fn nan_or_too_precise(double: u64, offset: usize) -> Result<Value<'static>, Malformed> {
    if f64::from_bits(double).is_nan() {
        Ok(Value::Real32(f32::NAN))
    } else {
        Err(fault(AmpRule::TooPrecise, offset, 64_u8, 32))
    }
}

/// Whether a value of this type is one item.
pub(super) const fn is_scalar(code: u8) -> bool {
    matches!(code, 16..=24 | kind::TV | kind::TS | kind::BYTESTR | 0x40..=0x42)
}

/// What a collection begins with.
pub(super) struct TnvcFront<'a> {
    pub(super) flags: u8,
    pub(super) count: u32,
    pub(super) types: &'a [u8],
    pub(super) names: u32,
}

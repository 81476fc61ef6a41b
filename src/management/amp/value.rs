//! Values of the types of adm-03.

use super::ari::Ari;
use super::cbor;
use super::collection::{Ac, Expr};
use super::float;
use super::item::Item;
use super::object::Object;
use super::profile::Quirks;
use super::tnvc::{Tnv, Tnvc};
use super::types::TypeCode;
use super::walk::kind;
use crate::wire::{NoSpace, Writer};

/// A value. Text, octets and whatever is made of several parts are borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// BOOL.
    Bool(bool),
    /// BYTE.
    Byte(u8),
    /// STR.
    Str(&'a str),
    /// INT.
    Int(i32),
    /// UINT.
    Uint(u32),
    /// VAST.
    Vast(i64),
    /// UVAST.
    Uvast(u64),
    /// REAL32.
    Real32(f32),
    /// REAL64.
    Real64(f64),
    /// TV: seconds, relative or absolute; see [`Epoch`](super::Epoch).
    Tv(u64),
    /// TS: seconds since the epoch.
    Ts(u64),
    /// BYTESTR.
    Bytes(&'a [u8]),
    /// ARI.
    Ari(Ari<'a>),
    /// AC.
    Ac(Ac<'a>),
    /// EXPR.
    Expr(Expr<'a>),
    /// TNV, which no collection holds.
    Tnv(Tnv<'a>),
    /// TNVC.
    Tnvc(Tnvc<'a>),
    /// CONST to VAR: an object, by its identifier or with its definition.
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// Its type.
    #[must_use]
    pub const fn code(&self) -> TypeCode {
        match self {
            Self::Bool(_) => TypeCode::BOOL,
            Self::Byte(_) => TypeCode::BYTE,
            Self::Str(_) => TypeCode::STR,
            Self::Int(_) => TypeCode::INT,
            Self::Uint(_) => TypeCode::UINT,
            Self::Vast(_) => TypeCode::VAST,
            Self::Uvast(_) => TypeCode::UVAST,
            Self::Real32(_) => TypeCode::REAL32,
            Self::Real64(_) => TypeCode::REAL64,
            Self::Tv(_) => TypeCode::TV,
            Self::Ts(_) => TypeCode::TS,
            Self::Bytes(_) => TypeCode::BYTESTR,
            Self::Ari(_) => TypeCode::ARI,
            Self::Ac(_) => TypeCode::AC,
            Self::Expr(_) => TypeCode::EXPR,
            Self::Tnv(_) => TypeCode::TNV,
            Self::Tnvc(_) => TypeCode::TNVC,
            Self::Object(object) => object.code(),
        }
    }

    /// Appends its octets, without its type. Items that are borrowed are written as
    /// they were read.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    #[inline(never)]
    pub fn encode(&self, to: &mut Writer<'_>, quirks: Quirks) -> Result<(), NoSpace> {
        match *self {
            Self::Bool(value) => {
                let cbor = if quirks.contains(Quirks::RAW_BOOL) { 0 } else { cbor::FALSE };
                to.u8(cbor | u8::from(value))
            }
            Self::Byte(value) if quirks.contains(Quirks::RAW_BYTE) => to.u8(value),
            Self::Byte(value) => cbor::write_head(to, cbor::UNSIGNED, value.into()),
            Self::Uint(value) => cbor::write_head(to, cbor::UNSIGNED, value.into()),
            Self::Int(value) => cbor::write_integer(to, value.into()),
            Self::Vast(value) => cbor::write_integer(to, value),
            Self::Uvast(value) | Self::Tv(value) | Self::Ts(value) => {
                write_unsigned(to, value, quirks)
            }
            Self::Str(text) => cbor::write_string(to, cbor::TEXT, text.as_bytes()),
            Self::Bytes(octets) => cbor::write_string(to, cbor::BYTES, octets),
            Self::Real32(value) => float::write(to, float::double(value.to_bits())),
            Self::Real64(value) => float::write(to, value.to_bits()),
            Self::Ari(Ari(item))
            | Self::Ac(Ac(item))
            | Self::Expr(Expr(item))
            | Self::Tnv(Tnv(item))
            | Self::Tnvc(Tnvc(item))
            | Self::Object(Object { item, .. }) => to.octets(item.octets),
        }
    }

    pub(super) const fn of_item(kind: u8, item: Item<'a>) -> Self {
        match kind {
            kind::ARI => Self::Ari(Ari(item)),
            kind::AC => Self::Ac(Ac(item)),
            kind::EXPR => Self::Expr(Expr(item)),
            kind::TNV => Self::Tnv(Tnv(item)),
            kind::TNVC => Self::Tnvc(Tnvc(item)),
            _ => Self::Object(Object { code: TypeCode(kind), item }),
        }
    }
}

/// Writes a UVAST, TV or TS.
pub(super) fn write_unsigned(
    to: &mut Writer<'_>,
    value: u64,
    quirks: Quirks,
) -> Result<(), NoSpace> {
    if quirks.contains(Quirks::NEGATIVE_UVAST) {
        cbor::write_integer(to, value.cast_signed())
    } else {
        cbor::write_head(to, cbor::UNSIGNED, value)
    }
}

//! Identifiers: AMM resource identifiers (8.3).
//!
//! ```text
//! | flags, 1 octet | nickname, if NN | name, a byte string | parameters, if PARM | issuer, if ISS | tag, if TAG |
//! | value type - BOOL, 4 bits | LIT, 4 bits | value |
//! ```

use core::fmt;

use super::cbor::{self, Head};
use super::item::{Cursor, Item, view};
use super::profile::{Profile, Quirks};
use super::rule::Malformed;
use super::tnvc::{Tnvc, TnvcValues};
use super::types::{Collection, Nickname, TypeCode};
use super::value::Value;
use super::walk::{ISSUER, NICKNAME, PARAMETERS, TAG, kind};
use crate::wire::{Encode, NoSpace, Reader, Writer};

view! {
    /// An identifier.
    ///
    /// Two that identify the same object may have different octets, for parameters are
    /// among them; see [`Ari::same_object`].
    Ari = kind::ARI
}

/// The name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Name<'a> {
    /// The index of an object of an ADM in its collection.
    Index(u64),
    /// The name an issuer has given, at least one octet.
    Octets(&'a [u8]),
}

/// Where an ADM defines an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ObjectId {
    /// The nickname: which collection of which ADM.
    pub nickname: Nickname,
    /// The index in it.
    pub index: u64,
}

impl ObjectId {
    /// The object `index` of a collection of the ADM with that enumeration.
    #[must_use]
    pub const fn new(adm: u32, collection: Collection, index: u8) -> Self {
        #[allow(clippy::as_conversions, reason = "widening in a constant function")]
        Self { nickname: Nickname::new(adm, collection), index: index as u64 }
    }

    /// Its identifier, without parameters; `None` where the collection is reserved
    /// or the nickname has more than 32 bits.
    #[must_use]
    pub fn ari(self) -> Option<AriValues<'static>> {
        let object = self.nickname.object()?;
        let nickname = Some(self.nickname);
        Some(AriValues { nickname, ..AriValues::new(object, Name::Index(self.index)) })
    }
}

/// What an identifier says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parts<'a> {
    object: TypeCode,
    nickname: Option<Nickname>,
    name: Name<'a>,
    parameters: Option<Tnvc<'a>>,
    issuer: Option<&'a [u8]>,
    tag: Option<&'a [u8]>,
}

impl<'a> Ari<'a> {
    /// What it identifies.
    #[must_use]
    pub const fn object(&self) -> TypeCode {
        TypeCode(self.flags() & 0x0f)
    }

    /// The value, where it is a literal.
    #[must_use]
    pub fn literal(&self) -> Option<Value<'a>> {
        if self.object() != TypeCode::LIT {
            return None;
        }
        let mut cursor = self.0.cursor();
        let flags = cursor.reader.u8().ok()?;
        cursor.value(flags.wrapping_shr(4).wrapping_add(TypeCode::BOOL.0))
    }

    /// The collection of an ADM it is in, where it says so.
    #[must_use]
    pub fn nickname(&self) -> Option<Nickname> {
        self.parts().nickname
    }

    /// Its name. A literal has none: no octets.
    #[must_use]
    pub fn name(&self) -> Name<'a> {
        self.parts().name
    }

    /// Its parameters, where it has room for some.
    #[must_use]
    pub fn parameters(&self) -> Option<Tnvc<'a>> {
        self.parts().parameters
    }

    /// The octets before its parameters, its parameters, and the octets behind them; all of
    /// the octets where it has no room for some.
    #[must_use]
    pub fn around_parameters(&self) -> (&'a [u8], Tnvc<'a>, &'a [u8]) {
        let octets = self.octets();
        if self.object() == TypeCode::LIT || self.flags() & PARAMETERS == 0 {
            return (octets, Tnvc::EMPTY, &[]);
        }
        let mut cursor = self.0.cursor();
        let _ = cursor.reader.u8();
        if self.flags() & NICKNAME != 0 {
            cursor.unsigned(kind::UVAST);
        }
        let _ = cursor.value(kind::BYTESTR);
        let before = octets.get(..cursor.reader.offset()).unwrap_or_default();
        let parameters = Tnvc(cursor.item(kind::TNVC));
        (before, parameters, cursor.reader.rest())
    }

    /// Who has defined it, where it is not an ADM.
    #[must_use]
    pub fn issuer(&self) -> Option<&'a [u8]> {
        self.parts().issuer
    }

    /// What tells it from others of the same issuer.
    #[must_use]
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.parts().tag
    }

    /// The place in an ADM, where it is an object of one and of the kind that its
    /// collection holds.
    #[must_use]
    pub fn object_id(&self) -> Option<ObjectId> {
        let parts = self.parts();
        let nickname = parts.nickname?;
        let Name::Index(index) = parts.name else { return None };
        let same = nickname.object() == Some(parts.object);
        same.then_some(ObjectId { nickname, index })
    }

    /// Whether both identify the same object, whatever their parameters.
    #[must_use]
    pub fn same_object(&self, other: &Ari<'_>) -> bool {
        if self.object() == TypeCode::LIT {
            return self.octets() == other.octets();
        }
        let (a, b) = (self.parts(), other.parts());
        (a.object, a.nickname, a.issuer, a.tag) == (b.object, b.nickname, b.issuer, b.tag)
            && a.name == b.name
    }

    /// The flags, as on the wire.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.0.flags()
    }

    /// All it says, for writing it with other parameters.
    #[must_use]
    pub fn values(&self) -> AriValues<'a> {
        let Parts { object, nickname, name, parameters, issuer, tag } = self.parts();
        let parameters = parameters.map(TnvcValues::Encoded);
        AriValues { object, nickname, name, parameters, issuer, tag }
    }

    #[inline(never)]
    fn parts(&self) -> Parts<'a> {
        let mut parts = Parts {
            object: self.object(),
            nickname: None,
            name: Name::Octets(&[]),
            parameters: None,
            issuer: None,
            tag: None,
        };
        if parts.object == TypeCode::LIT {
            return parts;
        }
        let flags = self.flags();
        let mut cursor = self.0.cursor();
        let _ = cursor.reader.u8();
        let octets = |cursor: &mut Cursor<'a>| match cursor.value(kind::BYTESTR) {
            Some(Value::Bytes(octets)) => octets,
            _ => &[],
        };
        if flags & NICKNAME != 0 {
            parts.nickname = Some(Nickname(cursor.unsigned(kind::UVAST)));
        }
        let name = octets(&mut cursor);
        parts.name = if parts.nickname.is_some() {
            let index = Head::of(&mut Reader::new(name), cbor::UNSIGNED);
            Name::Index(index.unwrap_or(u64::MAX))
        } else {
            Name::Octets(name)
        };
        if flags & PARAMETERS != 0 {
            parts.parameters = Some(Tnvc(cursor.item(kind::TNVC)));
        }
        if flags & ISSUER != 0 {
            parts.issuer = Some(octets(&mut cursor));
        }
        if flags & TAG != 0 {
            parts.tag = Some(octets(&mut cursor));
        }
        parts
    }
}

/// An identifier to be written. What must not stand together is the writer's matter;
/// whoever reads it refuses it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AriValues<'a> {
    /// What it identifies; no literal, which is [`Literal`].
    pub object: TypeCode,
    /// The collection of an ADM it is in.
    pub nickname: Option<Nickname>,
    /// Its name.
    pub name: Name<'a>,
    /// Its parameters. An object that has some has an identifier that says so, even
    /// where it is named without them.
    pub parameters: Option<TnvcValues<'a>>,
    /// Who has defined it.
    pub issuer: Option<&'a [u8]>,
    /// What tells it from others of the same issuer.
    pub tag: Option<&'a [u8]>,
}

impl<'a> AriValues<'a> {
    /// An object with that name and nothing else.
    #[must_use]
    pub const fn new(object: TypeCode, name: Name<'a>) -> Self {
        Self { object, nickname: None, name, parameters: None, issuer: None, tag: None }
    }

    /// Appends its octets.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn encode(&self, to: &mut Writer<'_>, quirks: Quirks) -> Result<(), NoSpace> {
        let flag = |there, flag| if there { flag } else { 0 };
        to.u8(self.object.0 & 0x0f
            | flag(self.nickname.is_some(), NICKNAME)
            | flag(self.parameters.is_some(), PARAMETERS)
            | flag(self.issuer.is_some(), ISSUER)
            | flag(self.tag.is_some(), TAG))?;
        if let Some(nickname) = self.nickname {
            cbor::write_head(to, cbor::UNSIGNED, nickname.0)?;
        }
        match self.name {
            Name::Octets(name) => cbor::write_string(to, cbor::BYTES, name)?,
            Name::Index(index) => {
                let (octets, length) = cbor::head(cbor::UNSIGNED, index);
                cbor::write_string(to, cbor::BYTES, octets.get(..length).unwrap_or_default())?;
            }
        }
        if let Some(parameters) = self.parameters {
            parameters.encode(to, quirks)?;
        }
        for octets in [self.issuer, self.tag].into_iter().flatten() {
            cbor::write_string(to, cbor::BYTES, octets)?;
        }
        Ok(())
    }
}

/// A value that is its own identifier, to be written (8.3.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Literal<'a>(Value<'a>);

impl<'a> Literal<'a> {
    /// `None` where the value is not of a primitive type: only these are literals.
    #[must_use]
    pub const fn new(value: Value<'a>) -> Option<Self> {
        if value.code().is_primitive() { Some(Self(value)) } else { None }
    }

    /// Appends its octets.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn encode(&self, to: &mut Writer<'_>, quirks: Quirks) -> Result<(), NoSpace> {
        let offset = self.0.code().0.wrapping_sub(TypeCode::BOOL.0);
        to.u8(offset.wrapping_shl(4) | TypeCode::LIT.0)?;
        self.0.encode(to, quirks)
    }
}

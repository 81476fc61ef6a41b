//! Types, names and values: one by itself (8.2.2.3), and collections (8.2.3.1).
//!
//! ```text
//! | TNV:  array of 1 to 3 | name flag, 1 bit | type, 7 bits | name | value |
//! | TNVC: flags, 1 octet: mixed 8, types 4, names 2, values 1 | n | n types | n names | n values or n TNV |
//! ```

use core::fmt;

use super::cbor;
use super::item::{Cursor, Item, view};
use super::profile::{Profile, Quirks};
use super::rule::Malformed;
use super::types::TypeCode;
use super::value::Value;
use super::walk::{Walk, kind};
use crate::wire::{Encode, NoSpace, Reader, Writer};

view! {
    /// A type, and perhaps a name and a value.
    Tnv = kind::TNV
}

/// What one item of a collection says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<'a> {
    /// Its type, where it is told.
    pub code: Option<TypeCode>,
    /// Its name, where it is told.
    pub name: Option<&'a str>,
    /// Its value, where it is told; of CBOR's own types where the type is not told.
    pub value: Option<Value<'a>>,
}

impl<'a> Tnv<'a> {
    /// What it says.
    #[must_use]
    pub fn entry(&self) -> Entry<'a> {
        let mut cursor = self.0.cursor();
        let _ = cbor::count(&mut cursor.reader, cbor::ARRAY);
        let flags = cursor.reader.u8().unwrap_or(0);
        let name = if flags & 0x80 != 0 { cbor::text(&mut cursor.reader).ok() } else { None };
        let code = TypeCode(flags & 0x7f);
        Entry { code: Some(code), name, value: cursor.value(code.0) }
    }

    /// The number of elements, as on the wire.
    #[must_use]
    pub fn count(&self) -> u32 {
        cbor::count(&mut self.0.cursor().reader, cbor::ARRAY).unwrap_or(0)
    }
}

/// A type, name and value to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TnvValues<'a> {
    /// Its type.
    pub code: TypeCode,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its value, of that type.
    pub value: Option<Value<'a>>,
}

impl TnvValues<'_> {
    /// Appends its octets.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn encode(&self, to: &mut Writer<'_>, quirks: Quirks) -> Result<(), NoSpace> {
        // ION counts both parts of an expression.
        let more = matches!(self.value, Some(Value::Expr(_)))
            && self.name.is_none()
            && quirks.contains(Quirks::TNV_COUNT);
        let parts = [self.name.is_some(), self.value.is_some(), more];
        let count = parts.into_iter().fold(1, |count: u8, part| count.wrapping_add(part.into()));
        cbor::write_head(to, cbor::ARRAY, count.into())?;
        to.u8(self.code.0 & 0x7f | if self.name.is_some() { 0x80 } else { 0 })?;
        if let Some(name) = self.name {
            cbor::write_string(to, cbor::TEXT, name.as_bytes())?;
        }
        self.value.map_or(Ok(()), |value| value.encode(to, quirks))
    }
}

view! {
    /// A collection of types, names and values: parameters, the entries of a report, a
    /// row of a table.
    Tnvc = kind::TNVC
}

impl<'a> Tnvc<'a> {
    /// The one without items.
    pub const EMPTY: Tnvc<'static> =
        Tnvc(Item { octets: &[0], profile: Profile::Draft08, quirks: Quirks::NONE });

    /// The flags, as on the wire.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.0.flags()
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.iter().left
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.flags() == 0
    }

    /// The items.
    #[must_use]
    pub fn iter(&self) -> Entries<'a> {
        let mut walk = Walk::new(Reader::new(self.0.octets), self.0.profile);
        let Ok(front) = walk.tnvc_front() else {
            let cursor = Item::empty(self.0.profile).cursor();
            return Entries {
                flags: 0,
                left: 0,
                types: &[],
                names: cursor.clone(),
                values: cursor,
            };
        };
        let names = Cursor { reader: walk.reader, profile: self.0.profile };
        let mut values = names.clone();
        for _ in 0..front.names {
            if cbor::text(&mut values.reader).is_err() {
                break;
            }
        }
        Entries { flags: front.flags, left: front.count, types: front.types, names, values }
    }

    /// The values of the items, as many as have one.
    pub fn values(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.iter().filter_map(|entry| entry.value)
    }
}

impl<'a> IntoIterator for &Tnvc<'a> {
    type Item = Entry<'a>;
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Entries<'a> {
        self.iter()
    }
}

/// The items of a collection.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    flags: u8,
    left: u32,
    types: &'a [u8],
    names: Cursor<'a>,
    values: Cursor<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.checked_sub(1)?;
        if self.flags == 8 {
            return Some(Tnv(self.values.item(kind::TNV)).entry());
        }
        let mut entry = Entry { code: None, name: None, value: None };
        if let Some((&code, rest)) = self.types.split_first() {
            self.types = rest;
            entry.code = Some(TypeCode(code));
        }
        if self.flags & 2 != 0 {
            entry.name = cbor::text(&mut self.names.reader).ok();
        }
        if self.flags & 1 != 0 {
            entry.value = self.values.value(entry.code.map_or(kind::NATIVE, |code| code.0));
        }
        Some(entry)
    }
}

/// A collection to be written. One of no items is written as the empty one, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TnvcValues<'a> {
    /// One that has been read.
    Encoded(Tnvc<'a>),
    /// Values with their types: what ION reads, and nothing else.
    Typed(&'a [Value<'a>]),
    /// Values with their types and names.
    Named(&'a [(&'a str, Value<'a>)]),
    /// Types alone.
    Types(&'a [TypeCode]),
    /// Types and names.
    NamedTypes(&'a [(TypeCode, &'a str)]),
    /// Names alone.
    Names(&'a [&'a str]),
    /// Values alone. There is a native form of BOOL, STR, BYTESTR, REAL64 and numbers;
    /// a UVAST is what is read of a number that is not negative, a VAST of others.
    Native(&'a [Value<'a>]),
    /// Names and values.
    NamedNative(&'a [(&'a str, Value<'a>)]),
    /// Items that are not all alike.
    Mixed(&'a [TnvValues<'a>]),
}

impl<'a> TnvcValues<'a> {
    /// Appends its octets.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    #[inline(never)]
    pub fn encode(&self, to: &mut Writer<'_>, quirks: Quirks) -> Result<(), NoSpace> {
        let (flags, count) = match *self {
            Self::Encoded(tnvc) => return tnvc.encode(to),
            Self::Native(values) => (1, values.len()),
            Self::Names(names) => (2, names.len()),
            Self::NamedNative(values) => (3, values.len()),
            Self::Types(types) => (4, types.len()),
            Self::Typed(values) => (5, values.len()),
            Self::NamedTypes(types) => (6, types.len()),
            Self::Named(values) => (7, values.len()),
            Self::Mixed(items) => (8, items.len()),
        };
        if count == 0 {
            return to.u8(0);
        }
        to.u8(flags)?;
        cbor::write_head(to, cbor::UNSIGNED, cbor::length(count))?;
        if let Self::Mixed(items) = *self {
            return items.iter().try_for_each(|item| item.encode(to, quirks));
        }
        for index in 0..count {
            if let Some(code) = self.entry(index).code
                && flags & 4 != 0
            {
                to.u8(code.0)?;
            }
        }
        for index in 0..count {
            if let Some(name) = self.entry(index).name {
                cbor::write_string(to, cbor::TEXT, name.as_bytes())?;
            }
        }
        for index in 0..count {
            if let Some(value) = self.entry(index).value {
                value.encode(to, quirks)?;
            }
        }
        Ok(())
    }

    fn entry(&self, index: usize) -> Entry<'a> {
        let mut entry = Entry { code: None, name: None, value: None };
        match *self {
            Self::Encoded(_) | Self::Mixed(_) => {}
            Self::Native(values) | Self::Typed(values) => {
                entry.value = values.get(index).copied();
            }
            Self::Named(values) | Self::NamedNative(values) => {
                let value = values.get(index).copied();
                entry.name = value.map(|(name, _)| name);
                entry.value = value.map(|(_, value)| value);
            }
            Self::Names(names) => entry.name = names.get(index).copied(),
            Self::Types(types) => entry.code = types.get(index).copied(),
            Self::NamedTypes(types) => {
                let of = types.get(index).copied();
                entry.code = of.map(|(code, _)| code);
                entry.name = of.map(|(_, name)| name);
            }
        }
        entry.code = entry.code.or(entry.value.map(|value| value.code()));
        entry
    }
}

/// Writes values with their types one by one, where their number is not known before.
///
/// Dropped without [`finish`](Self::finish) it leaves octets that are no collection;
/// [`Writer::truncate`] takes them back.
#[derive(Debug)]
pub struct TnvcWriter {
    start: usize,
    types: usize,
}

impl TnvcWriter {
    /// A collection that begins where `to` is.
    #[must_use]
    pub const fn new(to: &Writer<'_>) -> Self {
        Self { start: to.len(), types: to.len() }
    }

    /// Appends a value. One that does not fit leaves the collection as it was.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn push(
        &mut self,
        to: &mut Writer<'_>,
        value: &Value<'_>,
        quirks: Quirks,
    ) -> Result<(), NoSpace> {
        let end = to.len();
        let written = match value.encode(to, quirks) {
            Ok(()) => to.insert(self.types, &[value.code().0]),
            Err(full) => Err(full),
        };
        match written {
            Ok(()) => self.types = self.types.saturating_add(1),
            Err(_) => to.truncate(end),
        }
        written
    }

    /// Appends an item to a collection of items that are not all alike, which has no others
    /// and is [ended](Self::finish_mixed) as such.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn push_item(
        &mut self,
        to: &mut Writer<'_>,
        item: &TnvValues<'_>,
        quirks: Quirks,
    ) -> Result<(), NoSpace> {
        item.encode(to, quirks)?;
        self.types = self.types.saturating_add(1);
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.types.saturating_sub(self.start)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the collection. It takes up to six octets more than the values, three where
    /// there are less than 256.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn finish(self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        self.end(to, 5)
    }

    /// Ends a collection of items that are not all alike.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn finish_mixed(self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        self.end(to, 8)
    }

    fn end(self, to: &mut Writer<'_>, flags: u8) -> Result<(), NoSpace> {
        if self.is_empty() {
            return to.insert(self.start, &[0]);
        }
        cbor::insert_head(to, self.start, cbor::UNSIGNED, cbor::length(self.len()))?;
        to.insert(self.start, &[flags])
    }
}

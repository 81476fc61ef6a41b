//! Views: octets that have been found to be an item of some kind.

use super::profile::{Profile, Quirks};
use super::rule::{AmpRule, Malformed};
use super::value::Value;
use super::walk::{Walk, is_scalar};
use crate::wire::Reader;

/// Octets that are an item, and how they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) octets: &'a [u8],
    pub(super) profile: Profile,
    pub(super) quirks: Quirks,
}

impl<'a> Item<'a> {
    /// Takes an item of `kind` off `reader`, which is left alone where there is none.
    #[inline(never)]
    pub(super) fn split(
        reader: &mut Reader<'a>,
        profile: Profile,
        kind: u8,
    ) -> Result<Self, Malformed> {
        let mut walk = Walk::new(reader.clone(), profile);
        walk.item(kind)?;
        let length = walk.reader.offset().saturating_sub(reader.offset());
        let octets =
            reader.take(length).map_err(|short| Malformed::short(AmpRule::Truncated, short))?;
        Ok(Self { octets, profile, quirks: walk.noted })
    }

    /// Reads an item that is all of `octets`.
    pub(super) fn parse(octets: &'a [u8], profile: Profile, kind: u8) -> Result<Self, Malformed> {
        let mut reader = Reader::new(octets);
        let item = Self::split(&mut reader, profile, kind)?;
        if reader.is_empty() {
            Ok(item)
        } else {
            Err(Malformed::trailing(AmpRule::Trailing, &reader))
        }
    }

    /// Its first octet, which is flags where it has any.
    pub(super) const fn flags(&self) -> u8 {
        match self.octets {
            [flags, ..] => *flags,
            [] => 0,
        }
    }

    pub(super) const fn empty(profile: Profile) -> Self {
        Self { octets: &[], profile, quirks: Quirks::NONE }
    }

    /// A cursor over what it is made of.
    pub(super) const fn cursor(&self) -> Cursor<'a> {
        Cursor { reader: Reader::new(self.octets), profile: self.profile }
    }
}

/// Goes over octets that have been found well-formed. What is not there is nothing.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) profile: Profile,
}

impl<'a> Cursor<'a> {
    /// The next item.
    pub(super) fn item(&mut self, kind: u8) -> Item<'a> {
        Item::split(&mut self.reader, self.profile, kind).unwrap_or(Item::empty(self.profile))
    }

    /// The next value.
    pub(super) fn value(&mut self, kind: u8) -> Option<Value<'a>> {
        if !is_scalar(kind) {
            let item = self.item(kind);
            return (!item.octets.is_empty()).then(|| Value::of_item(kind, item));
        }
        let mut walk = Walk::new(self.reader.clone(), self.profile);
        let value = walk.scalar(kind).ok()?;
        self.reader = walk.reader;
        Some(value)
    }

    /// The next number, 0 where there is none.
    pub(super) fn unsigned(&mut self, kind: u8) -> u64 {
        match self.value(kind) {
            Some(Value::Tv(value) | Value::Ts(value) | Value::Uvast(value)) => value,
            Some(Value::Uint(value)) => value.into(),
            _ => 0,
        }
    }
}

/// A view of octets that are an item of a kind.
macro_rules! view {
    ($(#[$meta:meta])* $name:ident = $kind:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name<'a>(pub(super) Item<'a>);

        impl<'a> $name<'a> {
            /// Reads one that is all of `octets`.
            ///
            /// # Errors
            /// [`Malformed`](super::Malformed) where it is none.
            pub fn parse(octets: &'a [u8], profile: Profile) -> Result<Self, Malformed> {
                Item::parse(octets, profile, $kind).map(Self)
            }

            /// Takes one off `reader`.
            ///
            /// # Errors
            /// [`Malformed`](super::Malformed) where there is none; nothing is consumed then.
            pub fn split(reader: &mut Reader<'a>, profile: Profile) -> Result<Self, Malformed> {
                Item::split(reader, profile, $kind).map(Self)
            }

            /// Its octets.
            #[must_use]
            pub const fn octets(&self) -> &'a [u8] {
                self.0.octets
            }

            /// How it was read.
            #[must_use]
            pub const fn profile(&self) -> Profile {
                self.0.profile
            }

            /// What had to be overlooked to accept it.
            #[must_use]
            pub const fn quirks(&self) -> Quirks {
                self.0.quirks
            }
        }

        impl Encode for $name<'_> {
            fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
                to.octets(self.0.octets)
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:02x?})"), self.0.octets)
            }
        }
    };
}

pub(super) use view;

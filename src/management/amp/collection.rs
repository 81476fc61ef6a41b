//! Collections of identifiers (8.2.3.2) and the expressions they make (8.2.3.3).
//!
//! ```text
//! | AC:   array of n | identifier | … |
//! | EXPR: type, 1 octet | AC: operands and operators in postfix order |
//! ```

use core::fmt;

use super::ari::Ari;
use super::cbor;
use super::item::{Cursor, Item, view};
use super::profile::{Profile, Quirks};
use super::rule::Malformed;
use super::types::TypeCode;
use super::walk::kind;
use crate::wire::{Encode, NoSpace, Reader, Writer};

view! {
    /// A collection of identifiers, in order.
    Ac = kind::AC
}

impl<'a> Ac<'a> {
    /// The one without identifiers.
    pub const EMPTY: Ac<'static> =
        Ac(Item { octets: &[0x80], profile: Profile::Draft08, quirks: Quirks::NONE });

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.iter().left
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The identifiers.
    #[must_use]
    pub fn iter(&self) -> Aris<'a> {
        let mut cursor = self.0.cursor();
        let left = cbor::count(&mut cursor.reader, cbor::ARRAY).unwrap_or(0);
        Aris { cursor, left }
    }
}

impl<'a> IntoIterator for &Ac<'a> {
    type Item = Ari<'a>;
    type IntoIter = Aris<'a>;

    fn into_iter(self) -> Aris<'a> {
        self.iter()
    }
}

/// The identifiers of a collection.
#[derive(Clone, Debug)]
pub struct Aris<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

impl<'a> Iterator for Aris<'a> {
    type Item = Ari<'a>;

    fn next(&mut self) -> Option<Ari<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(Ari(self.cursor.item(kind::ARI)))
    }
}

view! {
    /// A typed expression in postfix order. Its operands are values, constants,
    /// variables and literals; whether there are as many as its operators take is for
    /// whoever knows the operators to see.
    Expr = kind::EXPR
}

impl<'a> Expr<'a> {
    /// The type of its result, a primitive one.
    #[must_use]
    pub const fn code(&self) -> TypeCode {
        match self.0.octets {
            [code, ..] => TypeCode(*code),
            [] => TypeCode::BOOL,
        }
    }

    /// Its operands and operators.
    #[must_use]
    pub fn items(&self) -> Ac<'a> {
        let mut cursor = self.0.cursor();
        let _ = cursor.reader.u8();
        Ac(Item { octets: cursor.reader.rest(), ..self.0 })
    }

    /// Appends an expression of these operands and operators.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn write(to: &mut Writer<'_>, code: TypeCode, items: &Ac<'_>) -> Result<(), NoSpace> {
        to.u8(code.0)?;
        items.encode(to)
    }
}

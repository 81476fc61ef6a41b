//! Objects with what is told of them (8.4).
//!
//! ```text
//! | RPTT: identifier | AC |            | RPT: array of 2 or 3 | template | TS, perhaps | TNVC |
//! | MAC:  identifier | AC of controls | | TBL: array of 1 + rows | template | TNVC | … |
//! | VAR:  identifier | TNV |
//! | SBR:  identifier | start TV | condition EXPR | evaluations UINT | firings UINT | AC of controls |
//! | TBR:  identifier | start TV | period UINT | firings UINT | AC of controls |
//! ```
//!
//! Const, Ctrl, Edd, Oper and Tblt are told by their identifiers.

use core::fmt;

use super::ari::Ari;
use super::cbor;
use super::collection::{Ac, Expr};
use super::item::{Cursor, Item, view};
use super::profile::{Profile, Quirks};
use super::rule::Malformed;
use super::tnvc::{Tnv, Tnvc, TnvcWriter};
use super::types::TypeCode;
use super::value::write_unsigned;
use super::walk::kind;
use super::write::ArrayWriter;
use crate::wire::{Encode, NoSpace, Reader, Writer};

/// A value that is an object: an identifier, or what is told of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    pub(super) code: TypeCode,
    pub(super) item: Item<'a>,
}

impl<'a> Object<'a> {
    /// Reads an object of that type that is all of `octets`.
    ///
    /// # Errors
    /// [`Malformed`] where it is none, or `code` is no type of objects.
    pub fn parse(octets: &'a [u8], code: TypeCode, profile: Profile) -> Result<Self, Malformed> {
        if !code.is_object() {
            return Err(Malformed::new(super::AmpRule::TypeUnknown, 0, code.0.into(), 12));
        }
        Item::parse(octets, profile, code.0).map(|item| Self { code, item })
    }

    /// What it is.
    #[must_use]
    pub const fn code(&self) -> TypeCode {
        self.code
    }

    /// Its octets.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.item.octets
    }

    /// What had to be overlooked to accept it.
    #[must_use]
    pub const fn quirks(&self) -> Quirks {
        self.item.quirks
    }

    /// It as what it is.
    #[must_use]
    pub const fn definition(&self) -> Definition<'a> {
        match self.code {
            TypeCode::MAC => Definition::Mac(Mac(self.item)),
            TypeCode::RPT => Definition::Rpt(Rpt(self.item)),
            TypeCode::RPTT => Definition::Rptt(Rptt(self.item)),
            TypeCode::SBR => Definition::Sbr(Sbr(self.item)),
            TypeCode::TBL => Definition::Tbl(Tbl(self.item)),
            TypeCode::TBR => Definition::Tbr(Tbr(self.item)),
            TypeCode::VAR => Definition::Var(Var(self.item)),
            _ => Definition::Identifier(Ari(self.item)),
        }
    }
}

/// An object as what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definition<'a> {
    /// An object that is its identifier.
    Identifier(Ari<'a>),
    /// A macro.
    Mac(Mac<'a>),
    /// A report.
    Rpt(Rpt<'a>),
    /// A report template.
    Rptt(Rptt<'a>),
    /// A state-based rule.
    Sbr(Sbr<'a>),
    /// A table.
    Tbl(Tbl<'a>),
    /// A time-based rule.
    Tbr(Tbr<'a>),
    /// A variable.
    Var(Var<'a>),
}

view! {
    /// A macro with its definition (8.4.4): controls and macros to be run in order.
    Mac = kind::MAC
}

view! {
    /// A report template with its contents (8.4.6).
    Rptt = kind::RPTT
}

view! {
    /// A variable with its value (8.4.12), which may be an expression.
    Var = kind::VAR
}

view! {
    /// A state-based rule (8.4.8).
    Sbr = kind::SBR
}

view! {
    /// A time-based rule (8.4.11).
    Tbr = kind::TBR
}

view! {
    /// A report (8.4.7).
    Rpt = kind::RPT
}

view! {
    /// A table (8.4.10).
    Tbl = kind::TBL
}

impl<'a> Mac<'a> {
    /// Its identifier and what it runs.
    #[must_use]
    pub fn parts(&self) -> (Ari<'a>, Ac<'a>) {
        let mut cursor = self.0.cursor();
        (Ari(cursor.item(kind::ARI)), Ac(cursor.item(kind::AC)))
    }
}

impl<'a> Rptt<'a> {
    /// Its identifier and what a report on it has.
    #[must_use]
    pub fn parts(&self) -> (Ari<'a>, Ac<'a>) {
        let mut cursor = self.0.cursor();
        (Ari(cursor.item(kind::ARI)), Ac(cursor.item(kind::AC)))
    }
}

impl<'a> Var<'a> {
    /// Its identifier and its value.
    #[must_use]
    pub fn parts(&self) -> (Ari<'a>, Tnv<'a>) {
        let mut cursor = self.0.cursor();
        (Ari(cursor.item(kind::ARI)), Tnv(cursor.item(kind::TNV)))
    }
}

/// What a state-based rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SbrParts<'a> {
    /// Its identifier.
    pub id: Ari<'a>,
    /// When it is first evaluated, a time value.
    pub start: u64,
    /// What is to hold.
    pub condition: Expr<'a>,
    /// How often it is evaluated at the most; 0 is without end.
    pub evaluations: u32,
    /// How often it acts at the most; 0 is without end.
    pub firings: u32,
    /// What it does, controls and macros.
    pub action: Ac<'a>,
}

impl<'a> Sbr<'a> {
    /// What it says.
    #[must_use]
    pub fn parts(&self) -> SbrParts<'a> {
        let mut cursor = self.0.cursor();
        SbrParts {
            id: Ari(cursor.item(kind::ARI)),
            start: cursor.unsigned(kind::TV),
            condition: Expr(cursor.item(kind::EXPR)),
            evaluations: count(&mut cursor),
            firings: count(&mut cursor),
            action: Ac(cursor.item(kind::AC)),
        }
    }
}

impl SbrParts<'_> {
    /// Appends the octets of the rule.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn encode(&self, to: &mut Writer<'_>, quirks: Quirks) -> Result<(), NoSpace> {
        self.id.encode(to)?;
        write_unsigned(to, self.start, quirks)?;
        self.condition.encode(to)?;
        cbor::write_head(to, cbor::UNSIGNED, self.evaluations.into())?;
        cbor::write_head(to, cbor::UNSIGNED, self.firings.into())?;
        self.action.encode(to)
    }
}

/// What a time-based rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TbrParts<'a> {
    /// Its identifier.
    pub id: Ari<'a>,
    /// When it first acts, a time value.
    pub start: u64,
    /// Seconds from one time to the next.
    pub period: u32,
    /// How often it acts at the most; 0 is without end.
    pub firings: u32,
    /// What it does, controls and macros.
    pub action: Ac<'a>,
}

impl<'a> Tbr<'a> {
    /// What it says.
    #[must_use]
    pub fn parts(&self) -> TbrParts<'a> {
        let mut cursor = self.0.cursor();
        TbrParts {
            id: Ari(cursor.item(kind::ARI)),
            start: cursor.unsigned(kind::TV),
            period: count(&mut cursor),
            firings: count(&mut cursor),
            action: Ac(cursor.item(kind::AC)),
        }
    }
}

impl TbrParts<'_> {
    /// Appends the octets of the rule.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn encode(&self, to: &mut Writer<'_>, quirks: Quirks) -> Result<(), NoSpace> {
        self.id.encode(to)?;
        write_unsigned(to, self.start, quirks)?;
        cbor::write_head(to, cbor::UNSIGNED, self.period.into())?;
        cbor::write_head(to, cbor::UNSIGNED, self.firings.into())?;
        self.action.encode(to)
    }
}

fn count(cursor: &mut Cursor<'_>) -> u32 {
    u32::try_from(cursor.unsigned(kind::UINT)).unwrap_or(u32::MAX)
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RptParts<'a> {
    /// What it is on: a report template, or a value or control by itself.
    pub template: Ari<'a>,
    /// When it was made, a timestamp; `None` is when its message group was made.
    pub time: Option<u64>,
    /// What is reported.
    pub entries: Tnvc<'a>,
}

impl<'a> Rpt<'a> {
    /// What it says.
    #[must_use]
    pub fn parts(&self) -> RptParts<'a> {
        let mut cursor = self.0.cursor();
        let timed = cbor::count(&mut cursor.reader, cbor::ARRAY) == Ok(3);
        RptParts {
            template: Ari(cursor.item(kind::ARI)),
            time: timed.then(|| cursor.unsigned(kind::TS)),
            entries: Tnvc(cursor.item(kind::TNVC)),
        }
    }

    /// Begins a report where `to` is; the entries follow, and their
    /// [`finish`](TnvcWriter::finish) ends the report.
    ///
    /// # Errors
    /// [`NoSpace`] when what is before them does not fit.
    pub fn begin(
        to: &mut Writer<'_>,
        template: &Ari<'_>,
        time: Option<u64>,
        quirks: Quirks,
    ) -> Result<TnvcWriter, NoSpace> {
        cbor::write_head(to, cbor::ARRAY, if time.is_some() { 3 } else { 2 })?;
        template.encode(to)?;
        if let Some(time) = time {
            write_unsigned(to, time, quirks)?;
        }
        Ok(TnvcWriter::new(to))
    }
}

impl<'a> Tbl<'a> {
    /// The template that says what the columns are.
    #[must_use]
    pub fn template(&self) -> Ari<'a> {
        let mut cursor = self.0.cursor();
        let _ = cbor::count(&mut cursor.reader, cbor::ARRAY);
        Ari(cursor.item(kind::ARI))
    }

    /// The rows, each with as many values as there are columns if the agent is right.
    #[must_use]
    pub fn rows(&self) -> Rows<'a> {
        let mut cursor = self.0.cursor();
        let count = cbor::count(&mut cursor.reader, cbor::ARRAY).unwrap_or(0);
        let _ = cursor.item(kind::ARI);
        Rows { cursor, left: count.saturating_sub(1) }
    }

    /// Begins a table where `to` is. Of each row, the writer of the array is told
    /// before it is written.
    ///
    /// # Errors
    /// [`NoSpace`] when the template does not fit.
    pub fn begin(to: &mut Writer<'_>, template: &Ari<'_>) -> Result<ArrayWriter, NoSpace> {
        let mut array = ArrayWriter::new(to);
        array.element();
        template.encode(to)?;
        Ok(array)
    }
}

/// The rows of a table.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Tnvc<'a>;

    fn next(&mut self) -> Option<Tnvc<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(Tnvc(self.cursor.item(kind::TNVC)))
    }
}

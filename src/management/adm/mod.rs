//! Application data models: what there is to manage, as constant tables.
//!
//! | ADM | enumeration | file |
//! |---|---|---|
//! | AMP Agent: what every agent can do | 1 | `amp_agent.rs` |
//! | ION Admin: the node of an ION stack (draft-birrane-dtn-adm-ionadmin-01) | 7 | `ion_admin.rs` |
//!
//! An object is found by its nickname and index: the nickname over 20 is the ADM, the
//! rest is the collection, and the index is that of a slice. Names and descriptions are
//! for people, and there with the feature `alloc` only; a board links none of them.

pub mod amp_agent;
pub mod ion_admin;
#[cfg(test)]
mod tests;

use super::amp::{Collection, Nickname, ObjectId, TypeCode, Value};

/// What people call an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    #[cfg(feature = "alloc")]
    name: &'static str,
    #[cfg(feature = "alloc")]
    description: &'static str,
}

impl Label {
    /// A name and what is meant by it.
    #[must_use]
    #[cfg_attr(not(feature = "alloc"), allow(unused_variables, reason = "kept with alloc only"))]
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self {
            #[cfg(feature = "alloc")]
            name,
            #[cfg(feature = "alloc")]
            description,
        }
    }

    /// The name; `None` without the feature `alloc`.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        #[cfg(feature = "alloc")]
        return Some(self.name);
        #[cfg(not(feature = "alloc"))]
        None
    }

    /// What is meant by it; `None` without the feature `alloc`.
    #[must_use]
    pub const fn description(&self) -> Option<&'static str> {
        #[cfg(feature = "alloc")]
        return Some(self.description);
        #[cfg(not(feature = "alloc"))]
        None
    }
}

/// A parameter of a control, or a column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its type.
    pub code: TypeCode,
    /// Its name.
    pub label: Label,
}

impl Field {
    /// A field of that type and name.
    #[must_use]
    pub const fn new(code: TypeCode, name: &'static str) -> Self {
        Self { code, label: Label::new(name, "") }
    }
}

/// A constant, or a datum about the ADM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstDef {
    /// What it is.
    pub value: Value<'static>,
    /// Its name.
    pub label: Label,
}

/// A control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtrlDef {
    /// Its parameters, in order.
    pub parameters: &'static [Field],
    /// Its name.
    pub label: Label,
}

/// An externally defined datum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EddDef {
    /// Its type.
    pub code: TypeCode,
    /// Its parameters, in order.
    pub parameters: &'static [Field],
    /// Its name.
    pub label: Label,
}

/// A macro or report template: identifiers in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListDef {
    /// The octets of the collection.
    pub contents: &'static [u8],
    /// Its name.
    pub label: Label,
}

/// An operator. All its operands are of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperDef {
    /// How many operands it takes.
    pub operands: u8,
    /// Their type; `None` is any, but both the same.
    pub takes: Option<TypeCode>,
    /// The type of its result; `None` where that is that of its operands.
    pub gives: Option<TypeCode>,
    /// Its name.
    pub label: Label,
}

/// A table template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TbltDef {
    /// Its columns, in order.
    pub columns: &'static [Field],
    /// Its name.
    pub label: Label,
}

/// A variable that an ADM defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VarDef {
    /// The octets of the expression it is, with its type.
    pub expression: &'static [u8],
    /// Its name.
    pub label: Label,
}

/// An application data model.
#[derive(Clone, Copy, Debug)]
pub struct Adm {
    /// Its enumeration, which its nicknames are made of.
    pub enumeration: u32,
    /// Data about it: name, namespace, version, organisation.
    pub metadata: &'static [ConstDef],
    /// Constants.
    pub constants: &'static [ConstDef],
    /// Controls.
    pub controls: &'static [CtrlDef],
    /// Externally defined data.
    pub data: &'static [EddDef],
    /// Macros.
    pub macros: &'static [ListDef],
    /// Operators.
    pub operators: &'static [OperDef],
    /// Report templates.
    pub report_templates: &'static [ListDef],
    /// Table templates.
    pub table_templates: &'static [TbltDef],
    /// Variables.
    pub variables: &'static [VarDef],
}

/// What an ADM says of one of its objects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Definition {
    /// A constant, or a datum about the ADM.
    Const(&'static ConstDef),
    /// A control.
    Ctrl(&'static CtrlDef),
    /// An externally defined datum.
    Edd(&'static EddDef),
    /// A macro.
    Mac(&'static ListDef),
    /// An operator.
    Oper(&'static OperDef),
    /// A report template.
    Rptt(&'static ListDef),
    /// A table template.
    Tblt(&'static TbltDef),
    /// A variable.
    Var(&'static VarDef),
}

impl Definition {
    /// What people call it.
    #[must_use]
    pub const fn label(&self) -> &'static Label {
        match self {
            Self::Const(object) => &object.label,
            Self::Ctrl(object) => &object.label,
            Self::Edd(object) => &object.label,
            Self::Mac(object) | Self::Rptt(object) => &object.label,
            Self::Oper(object) => &object.label,
            Self::Tblt(object) => &object.label,
            Self::Var(object) => &object.label,
        }
    }
}

impl Adm {
    /// The nickname of one of its collections.
    #[must_use]
    pub const fn nickname(&self, collection: Collection) -> Nickname {
        Nickname::new(self.enumeration, collection)
    }

    /// The object `index` of a collection.
    #[must_use]
    pub fn object(&self, collection: Collection, index: u64) -> Option<Definition> {
        let index = usize::try_from(index).ok()?;
        match collection {
            Collection::CONST => self.constants.get(index).map(Definition::Const),
            Collection::CTRL => self.controls.get(index).map(Definition::Ctrl),
            Collection::EDD => self.data.get(index).map(Definition::Edd),
            Collection::MAC => self.macros.get(index).map(Definition::Mac),
            Collection::OPER => self.operators.get(index).map(Definition::Oper),
            Collection::RPTT => self.report_templates.get(index).map(Definition::Rptt),
            Collection::TBLT => self.table_templates.get(index).map(Definition::Tblt),
            Collection::VAR => self.variables.get(index).map(Definition::Var),
            Collection::MDAT => self.metadata.get(index).map(Definition::Const),
            _ => None,
        }
    }

    /// The objects of a collection, in order.
    pub fn objects(&self, collection: Collection) -> impl Iterator<Item = Definition> + '_ {
        (0_u64..).map_while(move |index| self.object(collection, index))
    }

    /// The object of that name, where names are kept.
    #[must_use]
    pub fn named(&self, collection: Collection, name: &str) -> Option<ObjectId> {
        let mut objects = self.objects(collection);
        let index = objects.position(|object| object.label().name() == Some(name))?;
        let index = u64::try_from(index).ok()?;
        Some(ObjectId { nickname: self.nickname(collection), index })
    }
}

/// What the one of `adms` that defines it says of the object.
#[must_use]
pub fn find(adms: &[&'static Adm], object: ObjectId) -> Option<Definition> {
    let (enumeration, collection) = object.nickname.parts()?;
    let adm = adms.iter().find(|adm| adm.enumeration == enumeration)?;
    adm.object(collection, object.index)
}

/// Shorthands for the tables.
const fn text(name: &'static str, value: &'static str, description: &'static str) -> ConstDef {
    ConstDef { value: Value::Str(value), label: Label::new(name, description) }
}

const fn ctrl(
    name: &'static str,
    parameters: &'static [Field],
    description: &'static str,
) -> CtrlDef {
    CtrlDef { parameters, label: Label::new(name, description) }
}

const fn edd(name: &'static str, code: TypeCode, description: &'static str) -> EddDef {
    EddDef { code, parameters: &[], label: Label::new(name, description) }
}

const fn tblt(name: &'static str, columns: &'static [Field], description: &'static str) -> TbltDef {
    TbltDef { columns, label: Label::new(name, description) }
}

//! AMP objects, messages and message groups (draft-birrane-dtn-amp-08).
//!
//! Octets do not say what they are: a group, a message and an object by itself begin
//! in ways that overlap. What is not named is taken for the first of [`Shape::ALL`]
//! that it is, as the draft has it or with what ION does differently.

mod assemble;
mod dissect;

use farpost::management::amp::{
    Ac, AmpRule, Ari, Expr, Group, Malformed, Message, Object as Definition, Profile, Tnv, Tnvc,
    TypeCode,
};
use serde_json::Value;

use super::{Fault, Field, FieldFault, Object};

/// What octets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Group,
    Message,
    Ari,
    Mac,
    Rptt,
    Var,
    Sbr,
    Tbr,
    Expr,
    Tnvc,
    Rpt,
    Ac,
    Tbl,
    Tnv,
}

impl Shape {
    /// In the order in which octets are tried.
    const ALL: [Self; 14] = [
        Self::Group,
        Self::Message,
        Self::Ari,
        Self::Mac,
        Self::Rptt,
        Self::Var,
        Self::Sbr,
        Self::Tbr,
        Self::Expr,
        Self::Tnvc,
        Self::Rpt,
        Self::Ac,
        Self::Tbl,
        Self::Tnv,
    ];

    /// Its name, behind the kind it is of.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Group => "amp:grp",
            Self::Message => "amp:msg",
            Self::Ari => "amp:ari",
            Self::Mac => "amp:mac",
            Self::Rptt => "amp:rptt",
            Self::Var => "amp:var",
            Self::Sbr => "amp:sbr",
            Self::Tbr => "amp:tbr",
            Self::Expr => "amp:expr",
            Self::Tnvc => "amp:tnvc",
            Self::Rpt => "amp:rpt",
            Self::Ac => "amp:ac",
            Self::Tbl => "amp:tbl",
            Self::Tnv => "amp:tnv",
        }
    }

    fn short(self) -> &'static str {
        self.name().trim_start_matches("amp:")
    }

    /// The shape of that name, without the kind.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.short() == name)
    }

    /// What `octets` are, unless they are nothing.
    pub(crate) fn of(octets: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.read(octets, None).is_ok())
    }

    fn names() -> String {
        Self::ALL.map(Self::short).join(", ")
    }

    /// What `octets` of this shape say, as JSON, and the names of their quirks.
    fn say(self, octets: &[u8], profile: Profile) -> Result<(Value, Vec<&'static str>), Malformed> {
        let definition = |code| Definition::parse(octets, code, profile);
        let (decoded, quirks) = match self {
            Self::Group => {
                let group = Group::parse(octets, profile)?;
                (dissect::group(&group), group.quirks())
            }
            Self::Message => {
                let message = Message::parse(octets, profile)?;
                (dissect::message(&message), message.quirks())
            }
            Self::Ari => {
                let ari = Ari::parse(octets, profile)?;
                (dissect::ari(&ari), ari.quirks())
            }
            Self::Expr => {
                let expr = Expr::parse(octets, profile)?;
                (dissect::expr(&expr), expr.quirks())
            }
            Self::Tnvc => {
                let tnvc = Tnvc::parse(octets, profile)?;
                (dissect::tnvc(&tnvc), tnvc.quirks())
            }
            Self::Ac => {
                let ac = Ac::parse(octets, profile)?;
                (dissect::ac(&ac), ac.quirks())
            }
            Self::Tnv => {
                let tnv = Tnv::parse(octets, profile)?;
                (dissect::tnv(&tnv), tnv.quirks())
            }
            Self::Mac | Self::Rptt | Self::Var | Self::Sbr | Self::Tbr | Self::Rpt | Self::Tbl => {
                let object = definition(self.code())?;
                (dissect::object(&object), object.quirks())
            }
        };
        Ok((decoded, quirks.names().collect()))
    }

    const fn code(self) -> TypeCode {
        match self {
            Self::Mac => TypeCode::MAC,
            Self::Rptt => TypeCode::RPTT,
            Self::Var => TypeCode::VAR,
            Self::Sbr => TypeCode::SBR,
            Self::Tbr => TypeCode::TBR,
            Self::Rpt => TypeCode::RPT,
            _ => TypeCode::TBL,
        }
    }

    /// Reads `octets` as this shape: as the draft has it, or as ION does. A message with
    /// reserved bits, or with a list that anything may be, is none unless it is said to be one.
    fn read(
        self,
        octets: &[u8],
        said: Option<Self>,
    ) -> Result<(Value, Vec<&'static str>), Malformed> {
        let first = octets.first().copied().unwrap_or(0);
        if said.is_none() && self == Self::Message && first > 0x1f {
            return Err(Malformed::new(AmpRule::OpcodeReserved, 0, first.into(), 0x1f));
        }
        self.say(octets, Profile::Draft08).or_else(|_| self.say(octets, Profile::IonCompat))
    }
}

pub(super) fn dissect(octets: &[u8], said: Option<Shape>) -> Result<Object, Fault> {
    let mut nearest: Option<Malformed> = None;
    for shape in said.map_or(Shape::ALL.to_vec(), |shape| vec![shape]) {
        match shape.read(octets, said) {
            Ok((decoded, deviations)) => {
                let members = [
                    ("object".to_owned(), shape.short().into()),
                    ("decoded".to_owned(), decoded),
                    ("deviations".to_owned(), deviations.into()),
                ];
                return Ok(Object::from_iter(members));
            }
            // What was read furthest is most likely what it was meant to be.
            Err(error) if nearest.is_none_or(|nearest| error.offset > nearest.offset) => {
                nearest = Some(error);
            }
            Err(_) => {}
        }
    }
    Err(nearest.map_or_else(|| Fault::new("amp_truncated", "no octets"), Fault::from))
}

/// The octets, and what they are.
pub(super) fn assemble(object: &Field<'_>) -> Result<(Shape, Vec<u8>), FieldFault> {
    let field = object.member("object")?;
    let Some(shape) = Shape::named(field.text()?) else {
        return Err(field.expected(format!("one of {}", Shape::names())));
    };
    let quirks = assemble::quirks(object)?;
    let octets = assemble::shape(shape, &object.member("decoded")?, quirks)?;
    Ok((shape, octets))
}

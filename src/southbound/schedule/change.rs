//! What a configuration change is about, and how it is kept.
//!
//! It is kept as those fields of its request that say it, with canonical tags: so a
//! change of any kind can be compared, kept and handed on, and one that comes in several
//! parts is merged where it is read as it was where it came.

use crate::southbound::messages::CreateEntry;
use crate::southbound::protobuf::{Described, Encoder, Message, Value};

/// Of what kind a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum KeyKind {
    /// A route, by where it leads from and to.
    Route,
    /// A modem, by its ID.
    Modem,
    /// A segment-routing policy, by its name.
    SrPolicy,
    /// A beam, by its ID.
    Beam,
    /// A path of a policy, by its name.
    SrPath,
    /// An IP route, by its name.
    IpRoute,
}

/// What a change is about. Of two changes about the same only one is in force. Names are
/// compared as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChangeKey<'a> {
    /// What it is.
    pub kind: KeyKind,
    /// Its ID or name; where a route leads from.
    pub name: &'a str,
    /// Where a route leads to; empty for anything else.
    pub to: &'a str,
}

impl ChangeKey<'_> {
    pub(super) fn hash(&self) -> u32 {
        let kind = match self.kind {
            KeyKind::Route => 0,
            KeyKind::Modem => 1,
            KeyKind::SrPolicy => 2,
            KeyKind::Beam => 3,
            KeyKind::SrPath => 4,
            KeyKind::IpRoute => 5,
        };
        super::hash(&[&[kind], self.name.as_bytes(), self.to.as_bytes()])
    }
}

/// Members of the oneof: number, kind of key, whether it is set, whether the key is in a
/// message that is the first field.
const MEMBERS: [(u8, KeyKind, bool, bool); 12] = [
    (5, KeyKind::Route, true, false),
    (6, KeyKind::Route, false, false),
    (7, KeyKind::Modem, true, false),
    (8, KeyKind::Modem, false, false),
    (9, KeyKind::SrPolicy, true, false),
    (10, KeyKind::SrPolicy, false, false),
    (12, KeyKind::Beam, false, false),
    (15, KeyKind::Beam, true, true),
    (20, KeyKind::SrPath, true, true),
    (21, KeyKind::SrPath, false, false),
    (24, KeyKind::IpRoute, true, true),
    (25, KeyKind::IpRoute, false, false),
];

/// What a change is about, and whether it sets it. None for one that is of a kind that is
/// not known, or for none.
pub(super) fn describe(change: &[u8]) -> Option<(ChangeKey<'_>, bool)> {
    let request = Message::checked(CreateEntry::TYPE, change);
    let set = request.set()?;
    let &(number, kind, is_set, is_inside) = MEMBERS.iter().find(|member| member.0 == set)?;
    let about = request.member(number)?;
    let about = if is_inside { about.member(1) } else { Some(about) };
    let text = |number| match about.and_then(|about| about.last(number)) {
        Some(Value::Len(octets)) => core::str::from_utf8(octets).unwrap_or_default(),
        _ => "",
    };
    let to = if kind == KeyKind::Route { text(2) } else { "" };
    Some((ChangeKey { kind, name: text(1), to }, is_set))
}

/// Gives the fields of a request that say its change: all that could be members of the
/// oneof.
fn each(body: Option<&Message<'_>>, to: &mut dyn FnMut(u8, &[u8])) {
    for field in body.into_iter().flat_map(Message::fields) {
        if let (Ok(number @ (5..=15 | 17..)), Value::Len(octets)) =
            (u8::try_from(field.number), field.value)
        {
            to(number, octets);
        }
    }
}

/// Writes a change to where it is kept, if there is room. Returns the octets it takes.
pub(super) fn copy(body: Option<&Message<'_>>, to: &mut [u8]) -> usize {
    let mut encoder = Encoder::new(to);
    each(body, &mut |number, octets| encoder.len(number, octets));
    encoder.length()
}

/// Whether a change is the one that is kept.
pub(super) fn is(body: Option<&Message<'_>>, kept: &[u8]) -> bool {
    let mut fields = Message::checked(CreateEntry::TYPE, kept).fields();
    let mut same = true;
    each(body, &mut |number, octets| {
        let other = fields.next().map(|field| (field.number, field.value));
        same &= other == Some((number.into(), Value::Len(octets)));
    });
    same && fields.next().is_none()
}

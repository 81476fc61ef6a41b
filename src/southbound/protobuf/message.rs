//! A message as received.

use super::field::packed;
use super::{Field, Malformed, ProtobufRule, Value, Wire};
use crate::southbound::schema::{FieldType, Kind, Label, MessageType};
use crate::wire::{NoSpace, Reader};

/// How many messages can be one inside the other, from one that comes in several parts
/// inwards. No message of the schema has more.
pub const MAX_PARTS_DEPTH: usize = 8;

/// A message as received: a view of its octets that have been checked.
///
/// A message within another may come in several parts, which together are one message.
/// They then lie apart in the octets of the outer message, so the view is of those, and
/// of the way inwards from there.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    kind: MessageType,
    octets: &'a [u8],
    /// Field numbers from `octets` to here, ended by 0; empty but for a message in parts.
    path: [u8; MAX_PARTS_DEPTH],
    /// Parts that end here or before do not count: another member of their oneof followed.
    after: usize,
}

impl<'a> Message<'a> {
    /// Reads a message of type `kind` that is all of `octets`, with all messages in it.
    ///
    /// # Errors
    /// [`Malformed`] when it, or a message in it, breaks a rule of the encoding.
    pub fn parse(kind: MessageType, octets: &'a [u8]) -> Result<Self, Malformed> {
        check(kind, &mut Reader::new(octets))?;
        Ok(Self::checked(kind, octets))
    }

    /// A view of octets that have been checked.
    pub(crate) const fn checked(kind: MessageType, octets: &'a [u8]) -> Self {
        Self { kind, octets, path: [0; MAX_PARTS_DEPTH], after: 0 }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> MessageType {
        self.kind
    }

    /// All of its fields as they come, unknown ones too.
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        Fields {
            octets: self.octets,
            at: 0,
            ends: [0; MAX_PARTS_DEPTH],
            depth: 0,
            path: self.path,
            after: self.after,
        }
    }

    /// Its octets, in one part or several; behind one another they are one message.
    #[must_use]
    pub fn parts(&self) -> Parts<'a> {
        let mut outer = self.fields();
        let mut number = 0;
        if let Some(last) = outer.path.iter_mut().rfind(|number| **number != 0) {
            number = core::mem::take(last);
        }
        Parts { outer, number, whole: (number == 0).then_some(self.octets) }
    }

    /// Its octets, where they are in one part. They nearly always are.
    #[must_use]
    pub fn contiguous(&self) -> Option<&'a [u8]> {
        let mut parts = self.parts();
        let first = parts.next().unwrap_or_default();
        parts.next().is_none().then_some(first)
    }

    /// How many octets it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts().map(<[u8]>::len).fold(0, usize::saturating_add)
    }

    /// Whether it has none, and so no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies its octets to the front of `buffer`, parts behind one another, and returns
    /// the copy. Parsed again it is the same message.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn copy_to<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], NoSpace> {
        let (need, have) = (self.len(), buffer.len());
        let room = buffer.get_mut(..need).ok_or(NoSpace::new(need, have))?;
        for (to, from) in room.iter_mut().zip(self.parts().flatten()) {
            *to = *from;
        }
        Ok(room)
    }

    /// The last value of the field `number`, where it is known and one is there. Of a
    /// member of a oneof, too, whether it is the one that counts or not.
    #[must_use]
    pub fn last(&self, number: u8) -> Option<Value<'a>> {
        let wire = self.kind.field(number.into())?.kind.wire();
        let fits = |field: &Field<'a>| field.is(number) && field.value.wire() == Some(wire);
        self.fields().filter(fits).last().map(|field| field.value)
    }

    /// The member of its oneof that counts, if any.
    #[must_use]
    pub fn set(&self) -> Option<u8> {
        self.oneof().map(|(number, _)| number)
    }

    /// The member of the oneof that counts, and where the first occurrence of it is that
    /// no other member follows.
    fn oneof(&self) -> Option<(u8, usize)> {
        let mut set = None;
        for field in self.fields() {
            let known = self.kind.known(&field).filter(|known| known.label == Label::Oneof);
            let Some(known) = known else { continue };
            if set.is_none_or(|(number, _)| number != known.number) {
                set = Some((known.number, field.start));
            }
        }
        set
    }

    /// The message in the field `number`, merged from all of its occurrences; `None` where
    /// there is none, or another member of the oneof counts.
    #[must_use]
    pub fn member(&self, number: u8) -> Option<Self> {
        let field = self.kind.field(number.into())?;
        let Kind::Message(kind) = field.kind else { return None };
        let mut after = self.after;
        if field.label == Label::Oneof {
            let (set, start) = self.oneof()?;
            if set != number {
                return None;
            }
            after = after.max(start);
        }
        let mut found = None;
        let mut in_parts = false;
        for field in self.fields() {
            if field.is(number)
                && let Value::Len(octets) = field.value
                && field.end > after
            {
                in_parts = found.is_some();
                found = Some(octets);
            }
        }
        let mut message = Self::checked(kind, found?);
        if in_parts {
            let mut path = self.path;
            if let Some(free) = path.iter_mut().find(|number| **number == 0) {
                *free = number;
                message = Self { kind, octets: self.octets, path, after };
            }
        }
        Some(message)
    }

    /// The values of the repeated field `number`, those that are packed one by one.
    #[must_use]
    pub fn values(&self, number: u8) -> Values<'a> {
        let field = self.kind.field(number.into());
        let wire = field.map_or(Wire::Len, |field| field.kind.wire());
        Values { fields: self.fields(), number, wire, packed: Reader::new(&[]) }
    }
}

/// All fields of a message as they come.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    octets: &'a [u8],
    at: usize,
    /// Where the parts end that are open, from the outermost inwards.
    ends: [usize; MAX_PARTS_DEPTH],
    /// How many are.
    depth: usize,
    path: [u8; MAX_PARTS_DEPTH],
    after: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let outer = self.depth.checked_sub(1);
            let end = match outer {
                Some(outer) => *self.ends.get(outer)?,
                None => self.octets.len(),
            };
            let rest = self.octets.get(self.at..end)?;
            if rest.is_empty() {
                self.depth = outer?;
                continue;
            }
            let field = Field::read(&mut Reader::at(rest, self.at)).ok()?;
            self.at = field.end;
            let number = self.path.get(self.depth).copied().unwrap_or_default();
            if number == 0 {
                return Some(field);
            }
            if field.is(number) && matches!(field.value, Value::Len(_)) && field.end > self.after {
                self.at = field.content();
                *self.ends.get_mut(self.depth)? = field.end;
                self.depth = self.depth.saturating_add(1);
            }
        }
    }
}

/// The parts of a message, in order.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    outer: Fields<'a>,
    number: u8,
    /// Of a message in one part.
    whole: Option<&'a [u8]>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.number == 0 {
            return self.whole.take();
        }
        let after = self.outer.after;
        self.outer.by_ref().find_map(|field| match field.value {
            Value::Len(part) if field.is(self.number) && field.end > after => Some(part),
            _ => None,
        })
    }
}

/// The values of a repeated field.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    fields: Fields<'a>,
    number: u8,
    wire: Wire,
    packed: Reader<'a>,
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        loop {
            if !self.packed.is_empty() {
                return packed(&mut self.packed, self.wire).ok();
            }
            let field = self.fields.next()?;
            if !field.is(self.number) {
                continue;
            }
            match field.value {
                value if value.wire() == Some(self.wire) => return Some(value),
                Value::Len(octets) => self.packed = Reader::new(octets),
                _ => {}
            }
        }
    }
}

/// Reads all fields of a message, and of the messages in it. The schema does not recurse,
/// so this ends.
fn check(kind: MessageType, reader: &mut Reader<'_>) -> Result<(), Malformed> {
    while !reader.is_empty() {
        let field = Field::read(reader)?;
        let (Value::Len(octets), Some(known)) = (field.value, kind.field(field.number)) else {
            continue;
        };
        let inside = &mut Reader::at(octets, field.content());
        match *known {
            FieldType { kind: Kind::Message(kind), .. } => check(kind, inside)?,
            FieldType { kind: Kind::String, .. } => check_text(octets, field.content())?,
            FieldType { kind, label: Label::Repeated, .. } if kind.wire() != Wire::Len => {
                while !inside.is_empty() {
                    packed(inside, kind.wire())?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_text(octets: &[u8], at: usize) -> Result<(), Malformed> {
    let Err(error) = core::str::from_utf8(octets) else { return Ok(()) };
    let valid = error.valid_up_to();
    let octet = octets.get(valid).copied().unwrap_or_default();
    Err(Malformed::new(ProtobufRule::Utf8, at.saturating_add(valid), octet.into(), 0x7f))
}

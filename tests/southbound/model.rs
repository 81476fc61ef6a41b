//! A decoder that is as simple as can be: it makes a tree, as libraries for hosts do.
//! Nothing of it is shared with the one that is tested but the schema.

use std::collections::BTreeMap;

use farpost::southbound::schema::{FieldType, Kind, Label, MessageType};

/// A message as a tree.
pub(crate) struct Node {
    kind: MessageType,
    fields: BTreeMap<u8, Vec<Leaf>>,
    unknown: Vec<u8>,
}

enum Leaf {
    Octets(Vec<u8>),
    Node(Node),
}

impl Node {
    /// The message `octets`, or that there is none.
    pub(crate) fn decode(kind: MessageType, octets: &[u8]) -> Option<Self> {
        let mut node = Self::empty(kind);
        node.merge(octets)?;
        Some(node)
    }

    const fn empty(kind: MessageType) -> Self {
        Self { kind, fields: BTreeMap::new(), unknown: Vec::new() }
    }

    fn merge(&mut self, mut rest: &[u8]) -> Option<()> {
        while !rest.is_empty() {
            let start = rest;
            let tag = u32::try_from(varint(&mut rest)?).ok()?;
            let (number, wire) = (tag >> 3, tag & 7);
            if number == 0 {
                return None;
            }
            let value = skip(&mut rest, number, wire, 0)?;
            let field = self.kind.fields().iter().find(|field| u32::from(field.number) == number);
            let taken = match field {
                Some(field) => self.take(*field, wire, value)?,
                None => false,
            };
            if !taken {
                self.unknown.extend_from_slice(&start[..start.len() - rest.len()]);
            }
        }
        Some(())
    }

    /// Takes over a value, whether its wire type is right or not.
    fn take(&mut self, field: FieldType, wire: u32, mut value: &[u8]) -> Option<bool> {
        let (own, repeated) = (wire_of(field.kind), field.label == Label::Repeated);
        if wire != own && !(repeated && own != 2 && wire == 2) {
            return Some(false);
        }
        if field.label == Label::Oneof {
            let others = self.kind.fields().iter().filter(|other| other.label == Label::Oneof);
            for other in others.filter(|other| other.number != field.number) {
                self.fields.remove(&other.number);
            }
        }
        let leaves = self.fields.entry(field.number).or_default();
        match field.kind {
            Kind::Message(kind) => {
                if repeated || leaves.is_empty() {
                    leaves.push(Leaf::Node(Self::empty(kind)));
                }
                let Some(Leaf::Node(node)) = leaves.last_mut() else { unreachable!() };
                node.merge(value)?;
                return Some(true);
            }
            Kind::String => {
                core::str::from_utf8(value).ok()?;
            }
            _ => {}
        }
        if !repeated {
            leaves.clear();
        }
        if wire == 2 && own != 2 {
            while !value.is_empty() {
                let octets = skip(&mut value, 1, own, 0)?;
                leaves.push(Leaf::Octets(normal(field.kind, octets)?));
            }
        } else {
            leaves.push(Leaf::Octets(normal(field.kind, value)?));
        }
        Some(true)
    }

    /// The message in its normal form.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        for (&number, leaves) in &self.fields {
            let field = self.kind.field(number.into()).unwrap();
            let tag = u64::from(u32::from(number) << 3 | wire_of(field.kind));
            if field.label == Label::Repeated && wire_of(field.kind) != 2 {
                let all: Vec<u8> = leaves.iter().flat_map(Leaf::octets).collect();
                if !all.is_empty() {
                    put(&mut to, u64::from(number) << 3 | 2);
                    put(&mut to, all.len() as u64);
                    to.extend(all);
                }
                continue;
            }
            for leaf in leaves {
                let octets = leaf.octets();
                let nothing = octets.iter().all(|&octet| octet == 0);
                if field.label == Label::Implicit
                    && if wire_of(field.kind) == 2 { octets.is_empty() } else { nothing }
                {
                    continue;
                }
                put(&mut to, tag);
                if wire_of(field.kind) == 2 {
                    put(&mut to, octets.len() as u64);
                }
                to.extend(octets);
            }
        }
        to.extend_from_slice(&self.unknown);
        to
    }
}

impl Leaf {
    fn octets(&self) -> Vec<u8> {
        match self {
            Self::Octets(octets) => octets.clone(),
            Self::Node(node) => node.encode(),
        }
    }
}

const fn wire_of(kind: Kind) -> u32 {
    match kind {
        Kind::Int64 | Kind::Uint64 | Kind::Int32 | Kind::Uint32 | Kind::Code(_) => 0,
        Kind::Double => 1,
        Kind::Float => 5,
        Kind::String | Kind::Bytes | Kind::Message(_) => 2,
    }
}

/// The value as the field takes it, as short as can be.
fn normal(kind: Kind, mut octets: &[u8]) -> Option<Vec<u8>> {
    if wire_of(kind) != 0 {
        return Some(octets.to_vec());
    }
    let value = varint(&mut octets)?;
    let mut to = Vec::new();
    put(
        &mut to,
        match kind {
            Kind::Int32 | Kind::Code(_) => value as u32 as i32 as i64 as u64,
            Kind::Uint32 => value as u32 as u64,
            _ => value,
        },
    );
    Some(to)
}

/// Takes a value off the front of `rest`, without its length where it has one.
fn skip<'a>(rest: &mut &'a [u8], number: u32, wire: u32, depth: usize) -> Option<&'a [u8]> {
    let start = *rest;
    let length = match wire {
        0 => {
            varint(rest)?;
            return Some(&start[..start.len() - rest.len()]);
        }
        1 => 8,
        5 => 4,
        2 => usize::try_from(varint(rest)?).ok()?,
        3 if depth < 32 => loop {
            let tag = u32::try_from(varint(rest)?).ok()?;
            match (tag >> 3, tag & 7) {
                (0, _) => return None,
                (other, 4) if other == number => return Some(&start[..start.len() - rest.len()]),
                (_, 4) => return None,
                (inner, wire) => skip(rest, inner, wire, depth + 1)?,
            };
        },
        _ => return None,
    };
    let (value, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(value)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u128;
    for at in 0..10 {
        let octet = *rest.get(at)?;
        value |= u128::from(octet & 0x7f) << (7 * at);
        if octet < 0x80 {
            *rest = &rest[at + 1..];
            return u64::try_from(value).ok();
        }
    }
    None
}

pub(crate) fn put(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// Makes a message of the schema from octets of any kind: fields in any order, repeated and
/// in parts, varints that are longer than they need be, wrong wire types and unknown fields.
/// Now and then it is ill-formed.
pub(crate) fn make(kind: MessageType, noise: &mut &[u8], depth: usize) -> Vec<u8> {
    let mut to = Vec::new();
    let fields = kind.fields();
    for _ in 0..next(noise) % 8 {
        let choice = next(noise);
        let field = fields.get(usize::from(choice) % (fields.len() + 1));
        let Some(field) = field.filter(|_| depth < 10) else {
            // Unknown, or of any wire type, and sometimes nonsense.
            let wire = next(noise);
            put(&mut to, u64::from(choice) << 3 | u64::from(wire % 8));
            match wire % 8 {
                0 => number(&mut to, noise),
                1 => to.extend([wire; 8]),
                2 => to.extend([2, wire, choice]),
                3 => put(&mut to, u64::from(choice) << 3 | 4),
                5 => to.extend([wire; 4]),
                _ if wire < 0x40 => to.extend((0..next(noise) % 12).map(|_| next(noise))),
                _ => to.truncate(to.len().saturating_sub(2)),
            }
            continue;
        };
        let wire = wire_of(field.kind);
        let packed = field.label == Label::Repeated && wire != 2 && choice & 0x80 != 0;
        put(&mut to, u64::from(field.number) << 3 | u64::from(if packed { 2 } else { wire }));
        let mut value = Vec::new();
        match field.kind {
            Kind::Message(inner) => value = make(inner, noise, depth + 1),
            Kind::String => {
                let text = ["", "x", "10.0.0.0/8", "ü🛰", "a\0b"];
                value.extend(text[usize::from(next(noise)) % 5].as_bytes());
            }
            Kind::Bytes => value.extend((0..next(noise) % 5).map(|_| next(noise))),
            _ => {
                let many = if packed { next(noise) % 4 } else { 1 };
                for _ in 0..many {
                    match wire {
                        0 => number(&mut value, noise),
                        1 => value.extend((0..8).map(|_| next(noise))),
                        _ => value.extend((0..4).map(|_| next(noise))),
                    }
                }
            }
        }
        if packed || wire == 2 {
            put(&mut to, value.len() as u64);
        }
        to.extend(value);
    }
    to
}

fn number(to: &mut Vec<u8>, noise: &mut &[u8]) {
    let first = next(noise);
    let value = (0..first % 9).fold(0, |value, _| value << 8 | u64::from(next(noise)));
    put(to, value);
    if first & 0xc0 == 0xc0 && to.len() < 8 {
        // The same number, longer.
        if let Some(last) = to.last_mut() {
            *last |= 0x80;
        }
        to.push(0);
    }
}

fn next(noise: &mut &[u8]) -> u8 {
    let Some((&first, rest)) = noise.split_first() else { return 0 };
    *noise = rest;
    first
}

//! Rust types of fields: what they are on the wire, how they are read and written.
//!
//! A number, a text or a code by itself is 0 or empty where it is not there, and is not
//! written then. In an `Option` it is there or not.

use core::marker::PhantomData;

use super::{Encode, Encoder, Message, Value, Values};
use crate::southbound::schema::{CodeType, Kind, Label, MessageType};

/// A message of the schema.
pub trait Described {
    /// Which one.
    const TYPE: MessageType;
}

/// A view of a message of one type.
pub trait View<'a>: Described + Sized {
    /// The view of `message`, which is of that type.
    fn view(message: Message<'a>) -> Self;
}

/// A message of numbers alone: read as a whole.
pub trait Plain: Described + Copy + Default + Encode {
    /// Takes over what the fields of `message` say.
    fn merge(&mut self, message: Message<'_>);
}

/// What a field is of.
pub(crate) trait Typed {
    const KIND: Kind;
    const LABEL: Label;
}

/// What a view reads from a message.
pub(crate) trait Get<'a>: Typed {
    fn get(message: &Message<'a>, number: u8) -> Self;
}

/// What values write.
pub(crate) trait Put {
    fn put(&self, number: u8, to: &mut Encoder<'_>);
}

/// What a plain message takes over, field by field.
pub(crate) trait Merge {
    fn merge(&mut self, value: Value<'_>);
}

/// A single value that is no message.
pub(crate) trait Scalar<'a>: Copy + Default {
    const KIND: Kind;
    /// The value, where it is of the right wire type.
    fn of(value: Value<'a>) -> Option<Self>;
    fn write(self, number: u8, to: &mut Encoder<'_>);
    /// Whether it is what is assumed where nothing is said.
    fn is_default(self) -> bool;
}

/// What can be repeated.
pub trait Element<'a>: Sized {
    /// The element that a field of the right wire type has.
    fn element(value: Value<'a>) -> Option<Self>;
}

/// What is repeated in a message, in order.
#[derive(Clone, Debug)]
pub struct Repeated<'a, T> {
    values: Values<'a>,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: Element<'a>> Iterator for Repeated<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.values.by_ref().find_map(T::element)
    }
}

/// The low 32 bits, as a 32-bit field takes them.
const fn low(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Implements [`Scalar`] of a type from its kind, its value on the wire and back.
macro_rules! scalar {
    ($type:ty, $kind:expr, $wire:ident($value:ident) => $of:expr, $self:ident => $method:ident($to:expr)) => {
        impl<'a> Scalar<'a> for $type {
            const KIND: Kind = $kind;

            fn of(value: Value<'a>) -> Option<Self> {
                match value {
                    Value::$wire($value) => Some($of),
                    _ => None,
                }
            }

            fn write($self, number: u8, to: &mut Encoder<'_>) {
                to.$method(number, $to);
            }

            fn is_default($self) -> bool {
                scalar!(@default $method, $to)
            }
        }

        scalar!(@rest $type);
    };
    (@default len, $to:expr) => { $to.is_empty() };
    (@default $method:ident, $to:expr) => { $to == 0 };
    (@rest $type:ty) => {
        impl<'a> Typed for $type {
            const KIND: Kind = <Self as Scalar<'a>>::KIND;
            const LABEL: Label = Label::Implicit;
        }

        impl<'a> Typed for Option<$type> {
            const KIND: Kind = <$type as Scalar<'a>>::KIND;
            const LABEL: Label = Label::Optional;
        }

        impl<'a> Get<'a> for $type {
            fn get(message: &Message<'a>, number: u8) -> Self {
                message.last(number).and_then(Self::of).unwrap_or_default()
            }
        }

        impl<'a> Get<'a> for Option<$type> {
            fn get(message: &Message<'a>, number: u8) -> Self {
                message.last(number).and_then(<$type>::of)
            }
        }

        impl<'a> Put for $type {
            fn put(&self, number: u8, to: &mut Encoder<'_>) {
                if !self.is_default() {
                    self.write(number, to);
                }
            }
        }

        impl<'a> Put for Option<$type> {
            #[cfg_attr(not(feature = "std"), inline(never))]
            fn put(&self, number: u8, to: &mut Encoder<'_>) {
                if let Some(value) = self {
                    value.write(number, to);
                }
            }
        }
    };
}

/// Besides, of a type that plain messages have.
macro_rules! number {
    ($type:ty, $($rest:tt)*) => {
        scalar!($type, $($rest)*);

        impl Merge for $type {
            fn merge(&mut self, value: Value<'_>) {
                *self = Self::of(value).unwrap_or(*self);
            }
        }

        impl Merge for Option<$type> {
            fn merge(&mut self, value: Value<'_>) {
                *self = <$type>::of(value).or(*self);
            }
        }
    };
}

number!(i64, Kind::Int64, Varint(value) => value.cast_signed(), self => varint(self.cast_unsigned()));
number!(u64, Kind::Uint64, Varint(value) => value, self => varint(self));
number!(i32, Kind::Int32, Varint(value) => low(value).cast_signed(), self => varint(i64::from(self).cast_unsigned()));
number!(u32, Kind::Uint32, Varint(value) => low(value), self => varint(u64::from(self)));
number!(f64, Kind::Double, I64(value) => Self::from_bits(value), self => i64(self.to_bits()));
number!(f32, Kind::Float, I32(value) => Self::from_bits(value), self => i32(self.to_bits()));
scalar!(&'a str, Kind::String, Len(octets) => core::str::from_utf8(octets).unwrap_or_default(), self => len(self.as_bytes()));
scalar!(&'a [u8], Kind::Bytes, Len(octets) => octets, self => len(self));

/// Implements [`Scalar`] of a registry of codes.
macro_rules! code {
    ($type:ident) => {
        impl Default for $type {
            fn default() -> Self {
                Self(0)
            }
        }

        number!($type, Kind::Code(CodeType::$type), Varint(value) => Self(low(value).cast_signed()),
            self => varint(i64::from(self.0).cast_unsigned()));
    };
}

use crate::southbound::messages::{CoordinateFrame, IfOperStatus, ModemMode, Polarization};

code!(Polarization);
code!(ModemMode);
code!(IfOperStatus);
code!(CoordinateFrame);

impl<V: Described> Typed for Option<V> {
    const KIND: Kind = Kind::Message(V::TYPE);
    const LABEL: Label = Label::Optional;
}

impl<'a, V: View<'a>> Get<'a> for Option<V> {
    fn get(message: &Message<'a>, number: u8) -> Self {
        message.member(number).map(V::view)
    }
}

impl<P: Plain> Merge for Option<P> {
    fn merge(&mut self, value: Value<'_>) {
        if let Value::Len(octets) = value {
            self.get_or_insert_default().merge(Message::checked(P::TYPE, octets));
        }
    }
}

impl<M: Encode> Put for Option<M> {
    fn put(&self, number: u8, to: &mut Encoder<'_>) {
        if let Some(message) = self {
            to.message(number, message);
        }
    }
}

impl<M: Encode> Put for &[M] {
    fn put(&self, number: u8, to: &mut Encoder<'_>) {
        for message in *self {
            to.message(number, message);
        }
    }
}

impl Put for &[&str] {
    fn put(&self, number: u8, to: &mut Encoder<'_>) {
        for text in *self {
            to.len(number, text.as_bytes());
        }
    }
}

impl Put for &[i32] {
    fn put(&self, number: u8, to: &mut Encoder<'_>) {
        if self.is_empty() {
            return;
        }
        let mut length = Encoder::new(&mut []);
        self.iter().for_each(|&value| length.number(i64::from(value).cast_unsigned()));
        to.start(number, length.length());
        self.iter().for_each(|&value| to.number(i64::from(value).cast_unsigned()));
    }
}

impl Put for &[f64] {
    fn put(&self, number: u8, to: &mut Encoder<'_>) {
        if self.is_empty() {
            return;
        }
        to.start(number, self.len().saturating_mul(8));
        self.iter().for_each(|value| to.raw(&value.to_le_bytes()));
    }
}

impl<'a, T: Element<'a> + Repeatable> Typed for Repeated<'a, T> {
    const KIND: Kind = T::KIND;
    const LABEL: Label = Label::Repeated;
}

impl<'a, T: Element<'a> + Repeatable> Get<'a> for Repeated<'a, T> {
    fn get(message: &Message<'a>, number: u8) -> Self {
        Self { values: message.values(number), of: PhantomData }
    }
}

/// The kind of what is repeated.
pub(crate) trait Repeatable {
    const KIND: Kind;
}

impl<V: Described> Repeatable for V {
    const KIND: Kind = Kind::Message(V::TYPE);
}

impl<'a, V: View<'a>> Element<'a> for V {
    fn element(value: Value<'a>) -> Option<Self> {
        match value {
            Value::Len(octets) => Some(V::view(Message::checked(V::TYPE, octets))),
            _ => None,
        }
    }
}

macro_rules! repeatable {
    ($($type:ty),*) => {$(
        impl<'a> Repeatable for $type {
            const KIND: Kind = <$type as Scalar<'a>>::KIND;
        }

        impl<'a> Element<'a> for $type {
            fn element(value: Value<'a>) -> Option<Self> {
                Self::of(value)
            }
        }
    )*};
}

repeatable!(&'a str, i32, f64);

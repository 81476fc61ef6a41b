//! Definitions of messages: from one list of fields a view, values and a row of the schema.

/// A message with texts or lists: a view that reads its fields when asked, and values.
///
/// A field is `NUMBER name: TYPE;`, or `NUMBER name: TYPE = TYPE OF THE VALUES;` where these
/// differ. A oneof comes last.
macro_rules! message {
    (
        $(#[$meta:meta])*
        $view:ident / $values:ident {
            $($(#[$doc:meta])* $number:literal $name:ident: $type:ty $(= $given:ty)?;)*
            $(oneof $oneof_doc:literal $oneof:ident: $oneof_view:ident / $oneof_values:ident {
                $(
                    $(#[$member_doc:meta])*
                    $member_number:literal $member_name:ident
                        $member:ident($member_type:ty $(= $member_given:ty)?);
                )*
            })?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $view<'a>(Message<'a>);

        impl<'a> $view<'a> {
            pub(crate) const FIELDS: &'static [FieldType] = &[
                $(FieldType::of::<$type>($number),)*
                $($(FieldType::of::<Option<$member_type>>($member_number).in_oneof(),)*)?
            ];
            pub(crate) const NAMES: &'static [&'static str] =
                &[$(stringify!($name),)* $($(stringify!($member_name),)*)?];

            /// Reads a message that is all of `octets`.
            ///
            /// # Errors
            /// [`Malformed`] when it, or a message in it, breaks a rule of the encoding.
            pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
                Message::parse(MessageType::$view, octets).map(Self)
            }

            /// The message as such: its fields, known or not, and its octets.
            #[must_use]
            pub const fn raw(&self) -> Message<'a> {
                self.0
            }

            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(&self) -> $type {
                    Get::get(&self.0, $number)
                }
            )*

            $(
                #[doc = $oneof_doc]
                #[must_use]
                pub fn $oneof(&self) -> Option<$oneof_view<'a>> {
                    match self.0.set()? {
                        $($member_number => {
                            let member: Option<$member_type> = Get::get(&self.0, $member_number);
                            member.map($oneof_view::$member)
                        })*
                        _ => None,
                    }
                }
            )?
        }

        impl Described for $view<'_> {
            const TYPE: MessageType = MessageType::$view;
        }

        impl<'a> View<'a> for $view<'a> {
            fn view(message: Message<'a>) -> Self {
                Self(message)
            }
        }

        #[doc = concat!("Values of [`", stringify!($view), "`].")]
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $values<'a> {
            $($(#[$doc])* pub $name: given!($type $(= $given)?),)*
            $(#[doc = $oneof_doc] pub $oneof: Option<$oneof_values<'a>>,)?
        }

        impl Encode for $values<'_> {
            fn put(&self, number: u8, to: &mut Encoder<'_>) {
                match number {
                    $($number => self.$name.put(number, to),)*
                    _ => { $(if let Some(member) = &self.$oneof { member.put(number, to) })? }
                }
            }
        }

        $(
            #[doc = $oneof_doc]
            #[derive(Clone, Copy, Debug)]
            pub enum $oneof_view<'a> {
                $($(#[$member_doc])* $member($member_type),)*
            }

            impl $oneof_view<'_> {
                /// The number of the field that it is in.
                #[must_use]
                pub const fn number(&self) -> u8 {
                    match self {
                        $(Self::$member(_) => $member_number,)*
                    }
                }
            }

            #[doc = concat!("Values of [`", stringify!($oneof_view), "`].")]
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub enum $oneof_values<'a> {
                $($(#[$member_doc])* $member(given!($member_type $(= $member_given)?)),)*
            }

            impl $oneof_values<'_> {
                fn put(&self, number: u8, to: &mut Encoder<'_>) {
                    match (self, number) {
                        $((Self::$member(value), $member_number) => Some(*value).put(number, to),)*
                        _ => {}
                    }
                }
            }
        )?
    };
}

/// A message of numbers alone, which is one type for reading and writing.
macro_rules! plain {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$doc:meta])* $number:literal $field:ident: $type:ty;)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $name {
            pub(crate) const FIELDS: &'static [FieldType] =
                &[$(FieldType::of::<$type>($number),)*];
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($field),)*];

            /// Reads a message that is all of `octets`.
            ///
            /// # Errors
            /// [`Malformed`] when it, or a message in it, breaks a rule of the encoding.
            pub fn parse(octets: &[u8]) -> Result<Self, Malformed> {
                Message::parse(MessageType::$name, octets).map(Self::view)
            }
        }

        impl Described for $name {
            const TYPE: MessageType = MessageType::$name;
        }

        impl View<'_> for $name {
            fn view(message: Message<'_>) -> Self {
                let mut values = Self::default();
                values.merge(message);
                values
            }
        }

        impl Plain for $name {
            fn merge(&mut self, message: Message<'_>) {
                for field in message.fields() {
                    match field.number {
                        $($number => self.$field.merge(field.value),)*
                        _ => {}
                    }
                }
            }
        }

        impl Encode for $name {
            #[allow(unused_variables, reason = "a message may have no fields")]
            fn put(&self, number: u8, to: &mut Encoder<'_>) {
                match number {
                    $($number => self.$field.put(number, to),)*
                    _ => {}
                }
            }
        }
    };
}

/// The type of a field among the values.
macro_rules! given {
    ($type:ty) => {
        $type
    };
    ($type:ty = $given:ty) => {
        $given
    };
}

/// What the definitions use, for the files that hold some.
macro_rules! definitions {
    () => {
        #[allow(unused_imports, reason = "not every file has all kinds of fields")]
        use crate::southbound::{
            protobuf::{
                Described, Encode, Encoder, Get, Malformed, Merge, Message, Plain, Put, Repeated,
                View,
            },
            schema::{FieldType, MessageType},
        };
    };
}

pub(super) use {definitions, given, message, plain};

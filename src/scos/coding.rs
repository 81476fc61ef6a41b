//! What of a value stands in octets, and in which order: as postcard has it, field after
//! field, and an enumeration by the number of the variant first.
//!
//! Types list what they are made of with [`coded!`], which writes both directions: a call a
//! field and no branches, where what serde derives weighs half as much again on a board.
//! They derive serde's traits too, for those who have other formats; tests hold what is
//! written here to what postcard makes of that.

/// Writes [`Encode`] and [`Decode`] for structures and enumerations.
///
/// ```text
/// coded! {
///     struct Scan: id, start;                      // all of its fields, in order
///     struct Row (kept = false): id;               // but for one that is not written
///     struct Text<'a>: text;                       // it borrows from the octets
///     enum Kind: 0 A, 1 B(b), 2 C { c, d }; else Self::A;
/// }
/// ```
///
/// `else` is what stands for an enumeration whose number is not known, till that is told.
macro_rules! coded {
    () => {};
    (struct $name:ident $(<$life:lifetime>)? $(($($skipped:ident = $value:expr),+))?:
        $($field:tt),+; $($rest:tt)*) => {
        impl $(<$life>)? $crate::scos::encoding::Encode for $name $(<$life>)? {
            fn write(&self, to: &mut $crate::scos::encoding::Encoder<'_>) {
                $($crate::scos::encoding::Encode::write(&self.$field, to);)+
            }
        }
        coded! { @read $name $(<$life>)? | from |
            Self {
                $($field: $crate::scos::decoding::Decode::read(from),)+
                $($($skipped: $value,)+)?
            }
        }
        coded! { $($rest)* }
    };
    (enum $name:ident $(<$life:lifetime>)?:
        $($number:literal $variant:ident $(($($item:ident),+))? $({ $($field:ident),+ })?),+;
        else $other:expr; $($rest:tt)*) => {
        impl $(<$life>)? $crate::scos::encoding::Encode for $name $(<$life>)? {
            fn write(&self, to: &mut $crate::scos::encoding::Encoder<'_>) {
                match self {
                    $(Self::$variant $(($($item),+))? $({ $($field),+ })? => {
                        to.octet($number);
                        $($($crate::scos::encoding::Encode::write($item, to);)+)?
                        $($($crate::scos::encoding::Encode::write($field, to);)+)?
                    })+
                }
            }
        }
        coded! { @read $name $(<$life>)? | from |
            match from.varint_32() {
                $($number => {
                    $($(let $item = $crate::scos::decoding::Decode::read(from);)+)?
                    $($(let $field = $crate::scos::decoding::Decode::read(from);)+)?
                    Self::$variant $(($($item),+))? $({ $($field),+ })?
                })+
                _ => from.refuse($other),
            }
        }
        coded! { $($rest)* }
    };
    (@read $name:ident | $from:ident | $value:expr) => {
        impl<'a> $crate::scos::decoding::Decode<'a> for $name {
            fn read($from: &mut $crate::scos::decoding::Decoder<'a>) -> Self {
                $value
            }
        }
    };
    (@read $name:ident <$life:lifetime> | $from:ident | $value:expr) => {
        impl<$life> $crate::scos::decoding::Decode<$life> for $name<$life> {
            fn read($from: &mut $crate::scos::decoding::Decoder<$life>) -> Self {
                $value
            }
        }
    };
}
pub(crate) use coded;

use super::calendar::{
    ActorId, ActorPolicy, DeviceIndex, Grant, Recipe, RefusalReason, RequestId, ScanRequest, When,
};
use super::decoding::{Decode, Decoder};
use super::encoding::{Encode, Encoder};
use crate::time::Utc;

// The calendar knows no octets.
coded! {
    struct ActorId: 0;
    struct RequestId: 0;
    struct DeviceIndex: 0;
    struct ActorPolicy: quota_minutes, priority;
    struct Grant: series;
    struct Recipe: request, grant, priority, given_back;
    struct ScanRequest: actor, request, device, start, minutes, when, repeats, offset_minutes,
        across_weeks, parameters;
    enum When: 0 Exact, 1 Nearest { max_shift_minutes }; else Self::Exact;
    enum RefusalReason: 0 Conflict, 1 NoFit, 2 InThePast, 3 CrossesWeek,
        4 BeyondWindow, 5 ZeroMinutes, 6 TooLong, 7 OverlapsItself, 8 OverQuota,
        9 ReservedForShort, 10 UnknownDevice, 11 TableFull, 12 RequestIdReused, 13 NotOnAMinute,
        14 UnknownRequest, 15 AlreadyBegun; else Self::Conflict;
}

/// As microseconds since 1970.
impl Encode for Utc {
    fn write(&self, to: &mut Encoder<'_>) {
        self.unix_micros().write(to);
    }
}

impl<'a> Decode<'a> for Utc {
    fn read(from: &mut Decoder<'a>) -> Self {
        Self::from_unix_micros(Decode::read(from))
    }
}

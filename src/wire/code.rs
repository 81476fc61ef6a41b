//! Registries that may grow: a newtype with named constants, never an
//! `enum { Known, Other(x) }`, so that equality cannot lie.

/// Defines a newtype over an integer with associated constants, `name()` and a
/// `Debug` that prints the name where there is one.
macro_rules! open_code {
    ($(#[$meta:meta])* $vis:vis struct $type:ident($int:ty) {
        $($(#[$doc:meta])* $constant:ident = $value:literal, $name:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        $vis struct $type(pub $int);

        impl $type {
            $($(#[$doc])* pub const $constant: Self = Self($value);)*

            /// Every code that has a name, in ascending order.
            pub const NAMED: &'static [Self] = &[$(Self($value)),*];

            /// The name the source text gives this code, if it does.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($name),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($type), "({})"), self.0),
                }
            }
        }
    };
}

pub(crate) use open_code;

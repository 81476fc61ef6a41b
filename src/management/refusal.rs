//! Why an agent does not do what it is told.

use core::fmt;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why an agent does not do what a group of messages says. Then it does nothing of
        /// what the group says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum Refusal { $($(#[$doc])* $name = $code,)* }

        impl Refusal {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its number in a report.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }

            /// The reason with this number.
            #[must_use]
            pub const fn of_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }

        impl fmt::Display for Refusal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
}

refusals! {
    /// Octets are ill-formed.
    Malformed = 1, "octets are ill-formed";
    /// An object is of a kind that cannot stand where it does.
    Misplaced = 2, "an object cannot stand where it does";
    /// Something is referred to that the agent does not know.
    Unknown = 3, "something is not known here";
    /// Parameters are more or fewer than the control has, or of other types.
    Parameters = 4, "parameters are not those of the control";
    /// The manager may not do this, or not have this.
    NotPermitted = 5, "the manager has no permission";
    /// A definition is part of another and can neither go nor change.
    Referenced = 6, "the definition is part of another";
    /// A definition would be part of itself.
    Circular = 7, "the definition would be part of itself";
    /// Definitions lie deeper in one another than the agent goes.
    TooDeep = 8, "definitions lie too deep in one another";
    /// What is defined takes more steps than the agent spends on one thing.
    TooHeavy = 9, "the definition takes too many steps";
    /// An expression has too few operands, or too many, or needs too large a stack.
    Operands = 10, "operands of the expression do not add up";
    /// An operator or a result is not for operands of these types.
    Types = 11, "types of the expression do not match";
    /// There is no room for another definition.
    NoSlot = 12, "there is no room for another definition";
    /// There is no room for so many octets.
    NoRoom = 13, "there is no room for so many octets";
    /// The store failed: what cannot be kept is not taken.
    Store = 14, "the store failed";
    /// The identifier is not one that a manager can define.
    Identifier = 15, "the identifier cannot be defined";
    /// There is a definition of this name already, and this control does not change one.
    Exists = 16, "there is such a definition already";
    /// An expression was to be calculated now and has no result.
    NoResult = 17, "the expression has no result";
    /// A receiver of reports is not a manager of this agent.
    Receiver = 18, "a receiver is no manager of this agent";
    /// A message is not for agents.
    Direction = 19, "the message is not for agents";
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn every_refusal_has_a_number_and_words_of_its_own() {
        for (place, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(Refusal::of_code(refusal.code()), Some(*refusal));
            assert!(
                Refusal::ALL[..place].iter().all(|other| other.to_string() != refusal.to_string())
            );
        }
        assert_eq!(Refusal::of_code(0), None);
        assert_eq!(Refusal::of_code(255), None);
    }
}

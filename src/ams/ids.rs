//! The numbers AMS entities are known by (735.1-B-1 1.3.4.3, 3.1.2, annex B).

use core::fmt;

/// Defines a newtype over an integer that every bit pattern is legal for.
macro_rules! number {
    ($(#[$meta:meta])* $type:ident($int:ty) { $($(#[$doc:meta])* $constant:ident = $value:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type(pub $int);

        impl $type {
            $($(#[$doc])* pub const $constant: Self = Self($value);)*
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The number of a venture: one application under one authority. 1 to 255; 0
    /// stands where the sender is the configuration server (table 5-1).
    VentureNumber(u8) {}
}

number! {
    /// The number of a unit, and of the cell that is its part of a continuum.
    UnitNumber(u16) {
        /// The root unit, which contains every other (annex B).
        ROOT = 0;
    }
}

number! {
    /// The number of a role.
    RoleNumber(u8) {
        /// All roles, or any role (annex B).
        ALL = 0;
        /// The RAMS gateway (annex B).
        RAMS_GATEWAY = 1;
    }
}

number! {
    /// The number of a module within its cell.
    ModuleNumber(u8) {
        /// No module (annex B).
        NONE = 0;
    }
}

number! {
    /// The number of a subject. Above zero it is the application's; a negative
    /// one is the pseudo-subject of the continuum of its additive inverse.
    SubjectNumber(i16) {
        /// All subjects (annex B).
        ALL = 0;
    }
}

impl SubjectNumber {
    /// Whether the application gave this subject its meaning.
    #[must_use]
    pub const fn is_application(self) -> bool {
        self.0 > 0
    }
}

number! {
    /// The context a message belongs to; 0 is none (3.1.2.13).
    ContextNumber(u32) {
        /// No context.
        NONE = 0;
    }
}

/// The number of a continuum, 0 to 32,767.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContinuumNumber(u16);

impl ContinuumNumber {
    /// All known continua, or any known continuum (annex B).
    pub const ALL: Self = Self(0);
    /// The highest number, for it has 15 bits.
    pub const MAX: Self = Self(0x7fff);

    /// The continuum of this number; `None` above 32,767.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number > Self::MAX.0 { None } else { Some(Self(number)) }
    }

    /// The low-order 15 bits of `bits`; the bit above is reserved.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & Self::MAX.0)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The pseudo-subject of this continuum: the additive inverse of its number
    /// (annex B).
    #[must_use]
    pub const fn pseudo_subject(self) -> SubjectNumber {
        let [high, low] = self.0.to_be_bytes();
        // At most 32,767, so neither the sign bit nor the negation is lost.
        SubjectNumber(i16::from_be_bytes([high, low]).wrapping_neg())
    }
}

impl fmt::Display for ContinuumNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The priority of a message: 1, the greatest urgency, to 15 (3.1.2.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Priority(u8);

impl Priority {
    /// The most urgent.
    pub const HIGHEST: Self = Self(1);
    /// The default where none is given (3.1.5.5).
    pub const DEFAULT: Self = Self(8);
    /// The least urgent.
    pub const LOWEST: Self = Self(15);

    /// The priority of this number; `None` outside 1 to 15.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 15 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Where a module is found in its message space: the cell it is registered in
/// and its number there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ModuleKey {
    /// The unit of the cell.
    pub unit: UnitNumber,
    /// The number within the cell.
    pub module: ModuleNumber,
}

impl fmt::Display for ModuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.unit, self.module)
    }
}

/// A module ID: role, unit and module number in 32 bits (5.1.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ModuleId {
    /// The role the module registered in.
    pub role: RoleNumber,
    /// The unit of its cell.
    pub unit: UnitNumber,
    /// Its number within the cell.
    pub module: ModuleNumber,
}

impl ModuleId {
    /// The module ID of a cell as such: role and module number are 0.
    #[must_use]
    pub const fn cell(unit: UnitNumber) -> Self {
        Self { role: RoleNumber::ALL, unit, module: ModuleNumber::NONE }
    }

    /// Reads the sum of 5.1.3.4.
    #[must_use]
    pub const fn from_reference(reference: u32) -> Self {
        // The order in which processors have them: nothing is to be swapped.
        let [module, low, high, role] = reference.to_le_bytes();
        Self {
            role: RoleNumber(role),
            unit: UnitNumber(u16::from_le_bytes([low, high])),
            module: ModuleNumber(module),
        }
    }

    /// Module number + 256 × unit number + 16,777,216 × role number (5.1.3.4).
    #[must_use]
    pub const fn reference(self) -> u32 {
        let [low, high] = self.unit.0.to_le_bytes();
        u32::from_le_bytes([self.module.0, low, high, self.role.0])
    }

    /// Where the module is found.
    #[must_use]
    pub const fn key(self) -> ModuleKey {
        ModuleKey { unit: self.unit, module: self.module }
    }
}

/// The modules a service request pertains to (1.3.4.3 "domain"): those of one
/// continuum or all, in one unit, in one role or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Domain {
    /// The continuum; [`ContinuumNumber::ALL`] for every one.
    pub continuum: ContinuumNumber,
    /// The unit; [`UnitNumber::ROOT`] for the whole venture.
    pub unit: UnitNumber,
    /// The role; [`RoleNumber::ALL`] for every one.
    pub role: RoleNumber,
}

impl Domain {
    /// Every module of the venture.
    pub const ALL: Self =
        Self { continuum: ContinuumNumber::ALL, unit: UnitNumber::ROOT, role: RoleNumber::ALL };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_module_id_is_the_sum_of_5_1_3_4() {
        let id = ModuleId { role: RoleNumber(96), unit: UnitNumber(3), module: ModuleNumber(2) };
        assert_eq!(id.reference(), 2 + 256 * 3 + 16_777_216 * 96);
    }

    #[test]
    fn pseudo_subjects_are_additive_inverses() {
        assert_eq!(ContinuumNumber::new(2).unwrap().pseudo_subject(), SubjectNumber(-2));
        assert_eq!(ContinuumNumber::MAX.pseudo_subject(), SubjectNumber(-32_767));
        assert_eq!(ContinuumNumber::new(32_768), None);
    }

    proptest! {
        #[test]
        fn module_ids_round_trip(reference in any::<u32>()) {
            prop_assert_eq!(ModuleId::from_reference(reference).reference(), reference);
        }
    }
}

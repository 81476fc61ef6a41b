//! Cells, module lists and module status (735.1-B-1 5.1.5.3 to 5.1.5.5,
//! 5.1.5.15, 5.1.5.16, 5.1.5.19, 5.1.5.20).

use super::{ContactSummary, Declaration, EndpointName};
use crate::ams::ids::{ModuleId, ModuleNumber, RoleNumber, UnitNumber};
use crate::ams::pdu::PduRule;
use crate::ams::pdu::decoding::Decoder;
use crate::wire::{Encode, NoSpace, Writer, open_code};

open_code! {
    /// Why a registration or announcement is refused (5.1.5.20). What has no
    /// name is reserved; it refuses all the same.
    pub struct RefusalReason(u8) {
        /// 1: the cell has a registrar already.
        DUPLICATE_REGISTRAR = 1, "duplicate registrar";
        /// 2: the registrar does not know all modules of the cell yet.
        CENSUS_IN_PROGRESS = 2, "cell census still in progress";
        /// 3: no more modules can be registered in the cell.
        CELL_IS_FULL = 3, "cell is full";
        /// 4: the configuration server knows no such cell.
        NO_SUCH_UNIT = 4, "no such unit";
    }
}

/// A cell descriptor: a unit number and where the cell's registrar receives MPDUs
/// (5.1.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellDescriptor<'a> {
    /// The unit of the cell.
    pub unit: UnitNumber,
    /// The MAMS endpoint name of its registrar.
    pub registrar: EndpointName<'a>,
}

impl<'a> CellDescriptor<'a> {
    pub(super) fn check(from: &mut Decoder<'_>) {
        from.u16(PduRule::CellDescriptorTruncated);
        EndpointName::split(from);
    }

    /// One that has been checked, and is all of `name` as if that were one.
    pub(super) const fn checked(name: EndpointName<'a>) -> Self {
        let (unit, registrar) = name.behind_number();
        Self { unit: UnitNumber(unit), registrar }
    }
}

impl Encode for CellDescriptor<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u16(self.unit.0)?;
        self.registrar.encode(to)
    }
}

/// A module list: the numbers of up to 255 modules of a cell (5.1.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleList<'a>(&'a [u8]);

impl<'a> ModuleList<'a> {
    /// The list of these module numbers; `None` for more than 255.
    #[must_use]
    pub const fn new(numbers: &'a [u8]) -> Option<Self> {
        if numbers.len() > 255 { None } else { Some(Self(numbers)) }
    }

    pub(super) fn split(from: &mut Decoder<'a>) -> Self {
        let count = from.u8(PduRule::ModuleListTruncated);
        Self(from.octets(usize::from(count), PduRule::ModuleListTruncated))
    }

    /// One whose numbers have been found to be as many as it says.
    pub(super) const fn checked(numbers: &'a [u8]) -> Self {
        Self(numbers)
    }

    pub(super) const fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// How many there are, as the octet that says so: there are no longer lists.
    pub(super) fn count(&self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The module numbers, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = ModuleNumber> + Clone + use<'a> {
        self.0.iter().copied().map(ModuleNumber)
    }

    /// Whether `number` is in the list.
    #[must_use]
    pub fn contains(&self, number: ModuleNumber) -> bool {
        self.iter().any(|other| other == number)
    }
}

impl Encode for ModuleList<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u8(self.count())?;
        to.octets(self.0)
    }
}

/// A module status structure: who a module is, how it is reached, what it
/// subscribes to and invites (5.1.5.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleStatus<'a> {
    /// Unit, module number (not 0) and role.
    pub id: ModuleId,
    /// How it is reached.
    pub contact: ContactSummary<'a>,
    /// What it subscribes to and invites.
    pub declaration: Declaration<'a>,
}

impl<'a> ModuleStatus<'a> {
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn split(from: &mut Decoder<'a>) -> Self {
        let at = from.offset();
        let [high, low, module, role] = *from.array(PduRule::ModuleStatusTruncated);
        if module == 0 {
            from.fail(PduRule::ModuleStatusNoModule, at.wrapping_add(2), 0, 1);
        }
        Self {
            id: ModuleId {
                role: RoleNumber(role),
                unit: UnitNumber(u16::from_be_bytes([high, low])),
                module: ModuleNumber(module),
            },
            contact: ContactSummary::split(from),
            declaration: Declaration::split(from),
        }
    }
}

impl Encode for ModuleStatus<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        ModuleStatusHead(self.id).encode(to)?;
        self.contact.encode(to)?;
        self.declaration.encode(to)
    }
}

/// The four octets a module status structure begins with, for those who write
/// the rest themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleStatusHead(pub ModuleId);

impl Encode for ModuleStatusHead {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let [high, low] = self.0.unit.0.to_be_bytes();
        to.array(&[high, low, self.0.module.0, self.0.role.0])
    }
}

/// A module status list (5.1.5.16): a view of its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleStatusList<'a>(&'a [u8]);

impl<'a> ModuleStatusList<'a> {
    pub(super) fn check(from: &mut Decoder<'_>) {
        let count = u32::from_be_bytes(*from.array(PduRule::ModuleStatusListTruncated));
        for _ in 0..count {
            ModuleStatus::split(from);
            // Each turn consumes octets or is the last, whatever the count says.
            if from.is_faulty() {
                break;
            }
        }
    }

    /// One that has been checked and is all of `octets`.
    pub(super) const fn checked(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(super) const fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// How many modules there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        match self.0.first_chunk() {
            Some(count) => u32::from_be_bytes(*count),
            None => 0,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The modules, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = ModuleStatus<'a>> + Clone + use<'a> {
        let mut from = Decoder::again(self.0.get(4..).unwrap_or_default());
        (0..self.len()).map(move |_| ModuleStatus::split(&mut from))
    }
}

impl Encode for ModuleStatusList<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.octets(self.0)
    }
}

/// A reconnect structure: the module's own status and the cell's module list
/// (5.1.5.19). It is a view of its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect<'a>(&'a [u8]);

impl<'a> Reconnect<'a> {
    pub(super) fn check(from: &mut Decoder<'_>) {
        ModuleStatus::split(from);
        ModuleList::split(from);
    }

    /// One that has been checked and is all of `octets`.
    pub(super) const fn checked(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(super) const fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// The module's own status.
    #[must_use]
    pub fn status(&self) -> ModuleStatus<'a> {
        ModuleStatus::split(&mut Decoder::again(self.0))
    }

    /// The modules of the cell, as far as the module knows.
    #[must_use]
    pub fn modules(&self) -> ModuleList<'a> {
        let mut from = Decoder::again(self.0);
        ModuleStatus::split(&mut from);
        ModuleList::split(&mut from)
    }
}

impl Encode for Reconnect<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.octets(self.0)
    }
}

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

impl RefusalReason {
    pub(super) fn split(from: &mut Decoder<'_>) -> Self {
        Self(from.u8(PduRule::RefusalReasonTruncated))
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
    pub(super) fn split(from: &mut Decoder<'a>) -> Self {
        let unit = UnitNumber(from.u16(PduRule::CellDescriptorTruncated));
        Self { unit, registrar: EndpointName::split(from) }
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
        let Ok(count) = u8::try_from(self.0.len()) else {
            return Err(NoSpace::new(self.0.len(), 255));
        };
        to.u8(count)?;
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
            from.fail(PduRule::ModuleStatusNoModule, at.saturating_add(2), 0, 1);
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

/// A module status list (5.1.5.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleStatusList<'a> {
    count: u32,
    octets: &'a [u8],
}

impl<'a> ModuleStatusList<'a> {
    pub(super) fn split(from: &mut Decoder<'a>) -> Self {
        let count = u32::from_be_bytes(*from.array(PduRule::ModuleStatusListTruncated));
        let ahead = from.ahead();
        // A list is the last part of whatever has one.
        if !from.is_first() {
            return Self { count, octets: ahead };
        }
        for _ in 0..count {
            ModuleStatus::split(from);
            // Each turn consumes octets or is the last, whatever the count says.
            if from.is_faulty() {
                break;
            }
        }
        Self { count, octets: from.since(ahead) }
    }

    /// How many modules there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The modules, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = ModuleStatus<'a>> + Clone + use<'a> {
        let mut rest = self.octets;
        (0..self.count).map(move |_| {
            let decoder = &mut Decoder::again(rest);
            let next = ModuleStatus::split(decoder);
            rest = decoder.ahead();
            next
        })
    }
}

impl Encode for ModuleStatusList<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u32(self.count)?;
        to.octets(self.octets)
    }
}

/// A reconnect structure: the module's own status and the cell's module list
/// (5.1.5.19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect<'a> {
    /// The module's own status.
    pub status: ModuleStatus<'a>,
    /// The modules of the cell, as far as the module knows.
    pub modules: ModuleList<'a>,
}

impl<'a> Reconnect<'a> {
    pub(super) fn split(from: &mut Decoder<'a>) -> Self {
        let status = ModuleStatus::split(from);
        Self { status, modules: ModuleList::split(from) }
    }
}

impl Encode for Reconnect<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        self.status.encode(to)?;
        self.modules.encode(to)
    }
}

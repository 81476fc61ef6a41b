//! The ADM of the host itself: how long it has been up, how busy it is, what memory and
//! which interfaces it has.
//!
//! Its enumeration is one that nobody has been given, for there is no registered ADM of a
//! host. The values are those of `/proc`; on systems without it none can be had.

use std::borrow::ToOwned;
use std::fs;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use crate::management::adm::{Adm, ConstDef, EddDef, Field, Label, ListDef, TbltDef};
use crate::management::agent::{Application, Collected, Failed, Object};
use crate::management::amp::{TypeCode, Value};
use crate::time::Now;

const REAL32: TypeCode = TypeCode::REAL32;
const STR: TypeCode = TypeCode::STR;
const UINT: TypeCode = TypeCode::UINT;
const UVAST: TypeCode = TypeCode::UVAST;

/// The enumeration of the ADM.
const ENUMERATION: u32 = 64_000;

/// The ADM.
pub static HOST: Adm = Adm {
    enumeration: ENUMERATION,
    metadata: &[
        text("name", "host", "what people call this ADM"),
        text("namespace", "farpost/host", "what its objects are named below"),
        text("version", "v1", "which edition this is"),
        text("organization", "farpost", "who has issued it"),
    ],
    constants: &[],
    controls: &[],
    data: DATA,
    macros: &[],
    operators: &[],
    report_templates: REPORT_TEMPLATES,
    table_templates: &[TbltDef {
        columns: &[
            Field::new(STR, "name"),
            Field::new(UVAST, "received_octets"),
            Field::new(UVAST, "received_packets"),
            Field::new(UVAST, "sent_octets"),
            Field::new(UVAST, "sent_packets"),
        ],
        label: Label::new("interfaces", "the network interfaces, and what each has carried"),
    }],
    variables: &[],
};

const fn text(name: &'static str, value: &'static str, description: &'static str) -> ConstDef {
    ConstDef { value: Value::Str(value), label: Label::new(name, description) }
}

const fn edd(name: &'static str, code: TypeCode, description: &'static str) -> EddDef {
    EddDef { code, parameters: &[], label: Label::new(name, description) }
}

const DATA: &[EddDef] = &[
    edd("hostname", STR, "what the host is called"),
    edd("uptime", UINT, "seconds since it was started"),
    edd("load_1", REAL32, "how many programs want to run, in the mean of a minute"),
    edd("load_5", REAL32, "the same of five minutes"),
    edd("load_15", REAL32, "the same of a quarter of an hour"),
    edd("memory_total", UVAST, "octets of memory"),
    edd("memory_available", UVAST, "octets of it that programs may yet have"),
];

/// All data: an AC of seven EDDs of the nickname 64,000 · 20 + 2.
const REPORT_TEMPLATES: &[ListDef] = &[ListDef {
    contents: &[
        0x87, 0x82, 0x1a, 0, 0x13, 0x88, 2, 0x41, 0, 0x82, 0x1a, 0, 0x13, 0x88, 2, 0x41, 1, 0x82,
        0x1a, 0, 0x13, 0x88, 2, 0x41, 2, 0x82, 0x1a, 0, 0x13, 0x88, 2, 0x41, 3, 0x82, 0x1a, 0,
        0x13, 0x88, 2, 0x41, 4, 0x82, 0x1a, 0, 0x13, 0x88, 2, 0x41, 5, 0x82, 0x1a, 0, 0x13, 0x88,
        2, 0x41, 6,
    ],
    label: Label::new("state", "all that the host says of itself"),
}];

/// The host, as a directory such as `/proc` tells of it. It has nothing to be told.
#[derive(Clone, Debug)]
pub struct HostSystem {
    directory: PathBuf,
    name: String,
}

impl Default for HostSystem {
    fn default() -> Self {
        Self::new(Path::new("/proc"))
    }
}

impl HostSystem {
    /// The host that a directory tells of.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), name: String::new() }
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.directory.join(file)).ok()
    }

    /// The number at that place of a file of words.
    fn number(&self, file: &str, place: usize) -> Option<f32> {
        self.read(file)?.split_whitespace().nth(place)?.parse().ok()
    }

    /// Octets, of which `/proc/meminfo` tells kibibytes.
    fn memory(&self, name: &str) -> Option<u64> {
        let text = self.read("meminfo")?;
        let kibibytes = text.lines().find_map(|line| {
            line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace().next()?.parse().ok()
        });
        kibibytes.and_then(|kibibytes: u64| kibibytes.checked_mul(1_024))
    }

    fn value(&mut self, index: u32) -> Option<Value<'_>> {
        Some(match index {
            0 => {
                self.name = self.read("sys/kernel/hostname")?.trim().to_string();
                Value::Str(&self.name)
            }
            1 => {
                let text = self.read("uptime")?;
                Value::Uint(text.split(['.', ' ']).next()?.parse().ok()?)
            }
            2 => Value::Real32(self.number("loadavg", 0)?),
            3 => Value::Real32(self.number("loadavg", 1)?),
            4 => Value::Real32(self.number("loadavg", 2)?),
            5 => Value::Uvast(self.memory("MemTotal")?),
            6 => Value::Uvast(self.memory("MemAvailable")?),
            _ => return None,
        })
    }

    /// The name of an interface, and what it has carried, in the order of the columns.
    fn interface(&self, place: usize) -> Option<(String, [u64; 4])> {
        let text = self.read("net/dev")?;
        // Two lines of heads.
        let (name, counters) = text.lines().skip(2).nth(place)?.split_once(':')?;
        let counters: Vec<u64> =
            counters.split_whitespace().map_while(|word| word.parse().ok()).collect();
        let at = |place: usize| counters.get(place).copied();
        Some((name.trim().to_string(), [at(0)?, at(1)?, at(8)?, at(9)?]))
    }
}

impl Application for HostSystem {
    fn collect(&mut self, _: Now, edd: Object, _: &[Value<'_>]) -> Result<Collected<'_>, Failed> {
        let value = if edd.adm == ENUMERATION { self.value(edd.index) } else { None };
        value.map(Collected::fresh).ok_or(Failed)
    }

    fn control(&mut self, _: Now, _: Object, _: &[Value<'_>]) -> Result<(), Failed> {
        Err(Failed)
    }

    fn row(&mut self, _: Now, tblt: Object, row: u32, cell: &mut dyn FnMut(Value<'_>)) -> bool {
        let place = usize::try_from(row).ok().filter(|_| tblt.adm == ENUMERATION);
        let Some((name, counters)) = place.and_then(|place| self.interface(place)) else {
            return false;
        };
        cell(Value::Str(&name));
        counters.into_iter().for_each(|counter| cell(Value::Uvast(counter)));
        true
    }
}

//! Where an entity that is a module takes part: the arguments all of them have.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use farpost::ams::ids::UnitNumber;
use farpost::ams::mib::Mib;
use farpost::host::mib::Bump;
use farpost::host::module::{BindOptions, ModuleSockets};
use farpost::host::net::NameStyle;

use super::{EndpointStyle, Failure, Named, Names, load_mib, local_ip, name_style};

/// Where an entity takes part, and where others reach it.
#[derive(Args)]
pub(crate) struct Place {
    /// The MIB: TOML, or ION's amsrc or XML.
    #[arg(long, value_name = "FILE")]
    mib: Option<PathBuf>,
    /// The venture; by default the first of the MIB.
    #[arg(long, value_name = "N")]
    pub(crate) venture: Option<u8>,
    /// The unit whose cell it registers in, by name or number.
    #[arg(long, value_name = "NAME|N", default_value = "0")]
    unit: String,
    /// The address others reach it at, whatever the MIB says; by default that of the
    /// MIB's default_madp and delivery points, or the one that reaches the
    /// configuration server.
    #[arg(long, value_name = "IP")]
    bind: Option<IpAddr>,
    /// The port for MPDUs; by default the MIB's, or else any.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// How endpoint names are written; by default as the MIB's profile has it.
    #[arg(long, value_enum)]
    endpoint_style: Option<EndpointStyle>,
}

impl Place {
    /// Whether it takes part at all.
    pub(crate) const fn has_mib(&self) -> bool {
        self.mib.is_some()
    }

    /// The file of the MIB.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        self.mib.as_deref().ok_or_else(|| Failure::new("--mib FILE is missing"))
    }

    /// The MIB.
    pub(crate) fn mib<'b>(&self, arena: &'b Bump) -> Result<&'b Mib<'b>, Failure> {
        Ok(arena.alloc(load_mib(arena, self.file()?)?))
    }

    /// The unit, which is one of the MIB.
    pub(crate) fn unit(&self, names: Names<'_>) -> Result<UnitNumber, Failure> {
        let unit = names.unit(&Named::from(self.unit.as_str())).map_err(Failure)?;
        if names.0.unit(unit).is_none() {
            return Err(Failure::new(format!("the MIB has no unit {unit}")));
        }
        Ok(unit)
    }

    /// How endpoint names are written.
    pub(crate) fn style(&self, mib: &Mib<'_>) -> NameStyle {
        name_style(self.endpoint_style, mib)
    }

    /// Its sockets, at an address that others can be told.
    pub(crate) fn bind(&self, mib: &Mib<'_>) -> Result<ModuleSockets, Failure> {
        let options = BindOptions { local: local_ip(mib), ip: self.bind, mams_port: self.port };
        let sockets = ModuleSockets::bind_by_mib(mib, &options)?;
        let ip = sockets.mams().ip();
        if ip.is_unspecified() {
            return Err(Failure::new(format!(
                "{ip} is no address that others can be told; bind one that they reach this host at"
            )));
        }
        Ok(sockets)
    }
}

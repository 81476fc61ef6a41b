//! Which objects a list of permissions is about, as text:
//! `DTN/ION/ionadmin/Ctrl.node_init`, or `DTN/ION/ionadmin/Ctrl` for all controls of it.

use core::str::FromStr;
use std::fmt;
use std::string::{String, ToString};

use super::ADMS;
use crate::management::agent::{Access, Managers};
use crate::management::amp::{Collection, Value};

/// An object of an ADM, or all of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objects {
    adm: u32,
    collection: Collection,
    index: Option<u32>,
}

/// There are no such objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownObjects(String);

impl fmt::Display for UnknownObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = "say an ADM and a collection, such as DTN/ION/ionadmin/Ctrl, and `.` and a \
                       name for one object of it";
        write!(f, "`{}` is no object that is known; {example}", self.0)
    }
}

impl core::error::Error for UnknownObjects {}

impl Objects {
    /// That these managers alone may have them, run them or define by them.
    #[must_use]
    pub const fn allowed(&self, managers: Managers) -> Access {
        Access { adm: self.adm, collection: self.collection, index: self.index, managers }
    }

    fn read(text: &str) -> Option<Self> {
        let path = text.strip_prefix("ari:/").unwrap_or(text);
        let (namespace, last) = path.rsplit_once('/')?;
        let (kind, name) = match last.split_once('.') {
            Some((kind, name)) => (kind, Some(name)),
            None => (last, None),
        };
        let named = Value::Str(namespace);
        let adm =
            ADMS.iter().find(|adm| adm.metadata.get(1).is_some_and(|it| it.value == named))?;
        let collection =
            *Collection::NAMED.iter().find(|collection| collection.name() == Some(kind))?;
        let index = match name {
            Some(name) => Some(u32::try_from(adm.named(collection, name)?.index).ok()?),
            None => None,
        };
        Some(Self { adm: adm.enumeration, collection, index })
    }
}

impl FromStr for Objects {
    type Err = UnknownObjects;

    fn from_str(text: &str) -> Result<Self, UnknownObjects> {
        Self::read(text).ok_or_else(|| UnknownObjects(text.to_string()))
    }
}

//! ION's MIB files: `amsrc` text, and the same elements as XML.

mod apply;
mod element;
mod grammar;
mod input;
mod step;
mod venture;
mod xml;

use bumpalo::Bump;

use self::apply::apply;
use self::input::Input;
use super::draft::Draft;
use super::error::{MibError, Source};
use super::keys::KeyStore;
use crate::ams::mib::Mib;
use crate::ams::security::KeyRules;

/// Reads a MIB from ION's `amsrc` text. `name` is what errors call the text, and
/// `keys` has the keys it names.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn from_amsrc<'b>(
    arena: &'b Bump,
    text: &str,
    name: &str,
    keys: &dyn KeyStore,
) -> Result<Mib<'b>, MibError> {
    let source = Source { file: name, text };
    amsrc_draft(arena, &source, keys)?.finish(arena, &source, &KeyRules::ANY)
}

/// Reads a MIB from ION's XML form. `name` is what errors call the text, and `keys`
/// has the keys it names.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn from_xml<'b>(
    arena: &'b Bump,
    text: &str,
    name: &str,
    keys: &dyn KeyStore,
) -> Result<Mib<'b>, MibError> {
    let source = Source { file: name, text };
    xml_draft(arena, &source, keys)?.finish(arena, &source, &KeyRules::ANY)
}

/// What `amsrc` text says.
pub(super) fn amsrc_draft<'b>(
    arena: &'b Bump,
    source: &Source<'_>,
    keys: &dyn KeyStore,
) -> Result<Draft<'b>, MibError> {
    apply(Input { arena, source: *source, keys }, &grammar::parse(source)?)
}

/// What XML says.
pub(super) fn xml_draft<'b>(
    arena: &'b Bump,
    source: &Source<'_>,
    keys: &dyn KeyStore,
) -> Result<Draft<'b>, MibError> {
    let document = xml::parse(source)?;
    apply(Input { arena, source: *source, keys }, &[xml::root(source, &document)?])
}

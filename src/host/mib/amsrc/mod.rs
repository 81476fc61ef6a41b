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
use self::element::Element;
use self::input::Input;
use super::error::{MibError, Source};
use super::keys::KeyStore;
use crate::ams::mib::Mib;

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
    build(arena, &source, keys, &grammar::parse(&source)?)
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
    let document = xml::parse(&source)?;
    build(arena, &source, keys, &[xml::root(&source, &document)?])
}

fn build<'b>(
    arena: &'b Bump,
    source: &Source<'_>,
    keys: &dyn KeyStore,
    elements: &[Element<'_>],
) -> Result<Mib<'b>, MibError> {
    apply(Input { arena, source: *source, keys }, elements)?.finish(arena, source)
}

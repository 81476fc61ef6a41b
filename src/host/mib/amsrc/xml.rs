//! The XML form: the elements of `amsrc` within one `ams_mib_load`.

use std::borrow::Cow;
use std::string::ToString;
use std::vec::Vec;

use roxmltree::{Document, Node};

use super::super::error::{MibError, Source};
use super::element::{Attribute, DEPTH_LIMIT, Element};
use super::grammar::too_deep;

/// Parses XML without a DTD.
pub(super) fn parse<'t>(source: &Source<'t>) -> Result<Document<'t>, MibError> {
    Document::parse(source.text).map_err(|error| {
        let mut refused = source.error(0, "the XML", error.to_string(), "correct it");
        let position = error.pos();
        if let Some(place) = &mut refused.position {
            place.line = usize::try_from(position.row).unwrap_or(usize::MAX);
            place.column = usize::try_from(position.col).unwrap_or(usize::MAX);
        }
        refused
    })
}

/// The root element.
pub(super) fn root<'d>(
    source: &Source<'d>,
    document: &'d Document<'d>,
) -> Result<Element<'d>, MibError> {
    element(source, document.root_element(), 0)
}

fn element<'d>(
    source: &Source<'d>,
    node: Node<'d, 'd>,
    depth: usize,
) -> Result<Element<'d>, MibError> {
    let mut element = Element {
        name: node.tag_name().name(),
        offset: node.range().start,
        attributes: node.attributes().map(attribute).collect(),
        children: Vec::new(),
    };
    if depth > DEPTH_LIMIT {
        return Err(too_deep(source, &element));
    }
    for child in node.children().filter(Node::is_element) {
        element.children.push(self::element(source, child, depth.saturating_add(1))?);
    }
    Ok(element)
}

fn attribute<'d>(attribute: roxmltree::Attribute<'d, 'd>) -> Attribute<'d> {
    Attribute {
        name: attribute.name(),
        offset: attribute.range().start,
        value: Cow::Borrowed(attribute.value()),
        value_offset: attribute.range_value().start,
    }
}

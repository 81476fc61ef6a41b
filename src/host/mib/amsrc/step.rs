//! One element, applied.

use std::format;
use std::vec::Vec;

use super::super::draft::{At, SubjectDraft, VentureDraft};
use super::super::error::MibError;
use super::element::Element;
use super::input::Input;

/// What the control elements do with those within them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Change,
    Delete,
}

/// What encloses an element: the operation, and which venture and subject by their
/// place in the draft.
#[derive(Clone, Copy, Default)]
pub(super) struct Context {
    pub(super) operation: Option<Operation>,
    pub(super) venture: Option<usize>,
    pub(super) subject: Option<usize>,
}

/// An element and all it takes to apply it.
#[derive(Clone, Copy)]
pub(super) struct Step<'e, 's, 'b> {
    pub(super) input: Input<'s, 'b>,
    pub(super) element: &'e Element<'e>,
    pub(super) context: Context,
}

impl<'b> Step<'_, '_, 'b> {
    /// Adds, changes, deletes or just finds an item of `list`.
    ///
    /// `found` is where it is, `blank` what to begin with when it is added, and
    /// `revise` gives it what the attributes say. Gives where it is afterwards.
    pub(super) fn edit<T: Clone + PartialEq>(
        self,
        list: &mut Vec<At<T>>,
        found: Option<usize>,
        blank: impl FnOnce() -> Result<T, MibError>,
        revise: impl Fn(&mut T) -> Result<(), MibError>,
    ) -> Result<Option<usize>, MibError> {
        let place = found.and_then(|index| Some((index, list.get_mut(index)?)));
        match (self.context.operation, place) {
            (None, _) if !self.is_context() => Err(self.no_operation()),
            (Some(Operation::Add), None) => {
                let mut item = blank()?;
                revise(&mut item)?;
                list.push(At::new(self.element.offset, item));
                Ok(Some(list.len().saturating_sub(1)))
            }
            (_, None) => {
                let problem = "there is none like it";
                let remedy = "add it before, or correct what it is identified by";
                Err(self.input.refuse(self.element, problem, remedy))
            }
            (Some(Operation::Change), Some((index, at))) => {
                revise(&mut at.item)?;
                Ok(Some(index))
            }
            (operation, Some((index, at))) => {
                let mut revised = at.item.clone();
                revise(&mut revised)?;
                if revised != at.item {
                    let problem = "it is there already, with other attributes";
                    let remedy = "leave those out, or revise them within `ams_mib_change`";
                    return Err(self.input.refuse(self.element, problem, remedy));
                }
                if operation == Some(Operation::Delete) && self.element.children.is_empty() {
                    list.remove(index);
                    return Ok(None);
                }
                Ok(Some(index))
            }
        }
    }

    /// The operation the element is within.
    pub(super) fn operation(self) -> Result<Operation, MibError> {
        self.context.operation.ok_or_else(|| self.no_operation())
    }

    /// The venture the element is within.
    pub(super) fn venture<'d>(
        self,
        ventures: &'d mut [At<VentureDraft<'b>>],
    ) -> Result<&'d mut VentureDraft<'b>, MibError> {
        self.context
            .venture
            .and_then(|index| ventures.get_mut(index))
            .map(|at| &mut at.item)
            .ok_or_else(|| self.outside("venture"))
    }

    /// The subject the element is within.
    pub(super) fn subject<'d>(
        self,
        subjects: &'d mut [At<SubjectDraft<'b>>],
    ) -> Result<&'d mut SubjectDraft<'b>, MibError> {
        self.context
            .subject
            .and_then(|index| subjects.get_mut(index))
            .map(|at| &mut at.item)
            .ok_or_else(|| self.outside("subject"))
    }

    /// Checks the attributes, and that nothing is within the element.
    pub(super) fn leaf(self, known: &[&str]) -> Result<(), MibError> {
        self.element.check(&self.input.source, known)?;
        self.input.leaf(self.element)
    }

    /// The error of an operation that makes no sense for the element.
    pub(super) fn only_added_and_deleted(self) -> MibError {
        let remedy = "delete it within `ams_mib_delete` and add another";
        self.input.refuse(self.element, "it cannot be changed", remedy)
    }

    /// The error of an element that must be within another.
    fn outside(self, within: &str) -> MibError {
        let problem = format!("it is not within a `{within}`");
        let remedy = format!("put it between `+{within} …` and `-{within}`");
        self.input.refuse(self.element, problem, remedy)
    }

    /// Whether the element may be outside of any operation, to say what those
    /// within it are about.
    fn is_context(self) -> bool {
        matches!(self.element.name, "application" | "venture" | "subject")
    }

    fn no_operation(self) -> MibError {
        let remedy = "put it between `+ams_mib_add` and `-ams_mib_add`";
        self.input.refuse(self.element, "it is not within an operation", remedy)
    }
}

//! Errors that point into a file.

use std::error::Error;
use std::fmt;
use std::format;
use std::string::String;

use super::keys::KeyRefusal;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a file does not give a MIB.
///
/// It reads `FILE:LINE:COLUMN: ITEM: PROBLEM; REMEDY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MibError {
    /// The file.
    pub file: String,
    /// The place in it; `None` when it could not be read at all.
    pub position: Option<Position>,
    /// The part of the MIB, or of the text, that is wrong.
    pub item: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for MibError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, position, item, problem, remedy } = self;
        match position {
            Some(position) => write!(f, "{file}:{position}: {item}: {problem}; {remedy}"),
            None => write!(f, "{file}: {item}: {problem}; {remedy}"),
        }
    }
}

impl Error for MibError {}

/// A text and the name it goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
}

impl<'t> Source<'t> {
    /// The error of the part of the text at `offset`, in octets.
    pub(super) fn error(
        &self,
        offset: usize,
        item: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> MibError {
        MibError {
            file: self.file.into(),
            position: Some(self.position(offset)),
            item: item.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// The error of a key that a store does not have.
    pub(super) fn key_error(
        &self,
        offset: usize,
        item: impl Into<String>,
        name: &str,
        refusal: KeyRefusal,
    ) -> MibError {
        let (problem, remedy) = match refusal {
            KeyRefusal::Missing => (
                format!("there is no key `{name}`"),
                format!("put the key into a file `{name}` next to this one"),
            ),
            KeyRefusal::Exposed => (
                format!("others may read or change the file of the key `{name}`"),
                format!("keep it to its owner: chmod 600 {name}"),
            ),
        };
        self.error(offset, item, problem, remedy)
    }

    /// Where `part`, a slice of the text, begins, in octets.
    pub(super) fn offset(&self, part: &str) -> usize {
        part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr())
    }

    fn position(&self, offset: usize) -> Position {
        let before: &'t str = self.text.get(..offset).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Position {
            line: before.matches('\n').count().saturating_add(1),
            column: line.chars().count().saturating_add(1),
        }
    }
}

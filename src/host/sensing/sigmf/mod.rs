//! SigMF recordings: samples in one file, what they are in another.
//!
//! | part | what it does | file |
//! |---|---|---|
//! | [`Metadata`], [`Segment`], [`Datatype`] | the `.sigmf-meta` file, read and checked | `metadata.rs`, `datatype.rs` |
//! | [`Recording`] | the `.sigmf-data` file, read in blocks | `recording.rs` |
//! | [`Player`] | a front-end that plays a recording | `player.rs`, `resample.rs` |
//! | [`RecordingWriter`], [`write_spectrum`] | new recordings | `writer.rs` |
//! | [`Export`], [`write_report`] | scan reports as recordings, with the metadata of their device | `export.rs` |

mod datatype;
mod export;
mod metadata;
mod player;
mod recording;
mod resample;
mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::string::String;

pub use datatype::Datatype;
pub use export::{Export, write_report};
pub use metadata::{Metadata, Segment};
pub use player::Player;
pub use recording::Recording;
pub use writer::{RecordingWriter, write_spectrum};

/// What is wrong with which file of a recording.
#[derive(Debug)]
pub struct RecordingError {
    path: PathBuf,
    problem: Problem,
}

/// The names of the two files of the recording that `path` names: with
/// `.sigmf-meta` or `.sigmf-data` at the end, or with neither. Metadata first.
fn names(path: &Path) -> (PathBuf, PathBuf) {
    let ends = |end| path.extension().is_some_and(|extension| extension == end);
    let base = if ends("sigmf-meta") || ends("sigmf-data") {
        path.with_extension("")
    } else {
        path.into()
    };
    let with = |end| {
        let mut name = base.clone().into_os_string();
        name.push(end);
        PathBuf::from(name)
    };
    (with(".sigmf-meta"), with(".sigmf-data"))
}

#[derive(Debug)]
enum Problem {
    Io(io::Error),
    Json(serde_json::Error),
    Content(String),
}

impl RecordingError {
    pub(super) fn content(path: &Path, what: impl Into<String>) -> Self {
        Self { path: path.into(), problem: Problem::Content(what.into()) }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self { path: path.into(), problem: Problem::Io(error) }
    }

    fn json(path: &Path) -> impl FnOnce(serde_json::Error) -> Self + '_ {
        move |error| Self { path: path.into(), problem: Problem::Json(error) }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.problem {
            Problem::Io(error) => error.fmt(f),
            Problem::Json(error) => error.fmt(f),
            Problem::Content(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for RecordingError {}

//! The samples of a recording, read block by block.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::vec::Vec;

use super::super::Complex32;
use super::{Metadata, RecordingError, Segment, names};

/// An open recording. Memory is that of one block, whatever its length.
///
/// `core:sha512` is not verified: that would read the whole dataset.
#[derive(Debug)]
pub struct Recording {
    metadata: Metadata,
    path: PathBuf,
    file: File,
    samples: u64,
    octets: Vec<u8>,
}

impl Recording {
    /// Opens the recording whose metadata is the file `path`, by convention
    /// `NAME.sigmf-meta`; `NAME.sigmf-data` and `NAME` mean the same.
    ///
    /// A last sample that is cut short is left out, as a recorder that was
    /// stopped leaves it.
    ///
    /// # Errors
    ///
    /// What is wrong with which of the two files.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let (metadata_path, data_path) = names(path);
        let metadata = Metadata::read(&metadata_path)?;
        let path = match &metadata.dataset {
            Some(name) => metadata_path.with_file_name(name),
            None => data_path,
        };
        let file = File::open(&path).map_err(RecordingError::io(&path))?;
        let length = file.metadata().map_err(RecordingError::io(&path))?.len();
        let samples = length / metadata.datatype.size() as u64;
        if samples == 0 {
            return Err(RecordingError::content(&path, "there is no sample in it"));
        }
        if let Some(late) = metadata.segments.iter().find(|segment| segment.first >= samples) {
            let what = std::format!(
                "it has {samples} samples, but a capture of {} begins at sample {}",
                metadata_path.display(),
                late.first
            );
            return Err(RecordingError::content(&path, what));
        }
        Ok(Self { metadata, path, file, samples, octets: Vec::new() })
    }

    /// What the metadata says.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The file with the samples.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many samples there are, at least 1.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// Every segment and where its samples are.
    pub fn segments(&self) -> impl Iterator<Item = (&Segment, Range<u64>)> {
        let segments = &self.metadata.segments;
        let ends = segments.iter().skip(1).map(|next| next.first).chain([self.samples]);
        segments.iter().zip(ends).map(|(segment, end)| (segment, segment.first..end))
    }

    /// Reads `into.len()` samples from sample `first` on.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has fewer samples than when it was opened.
    pub fn read(&mut self, first: u64, into: &mut [Complex32]) -> Result<(), RecordingError> {
        let datatype = self.metadata.datatype;
        let size = datatype.size();
        self.octets.resize(into.len() * size, 0);
        self.file
            .seek(SeekFrom::Start(first.saturating_mul(size as u64)))
            .and_then(|_| self.file.read_exact(&mut self.octets))
            .map_err(RecordingError::io(&self.path))?;
        for (sample, octets) in into.iter_mut().zip(self.octets.chunks_exact(size)) {
            *sample = datatype.sample(octets).unwrap_or_default();
        }
        Ok(())
    }
}

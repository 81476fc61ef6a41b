//! Whose a file is.

use std::fs::File;
use std::io;

/// Whether others than its owner may use a file, on systems with modes: its mode, if so. It
/// is asked of a file that is open, whatever its name leads to by now.
#[cfg(unix)]
pub(super) fn exposed(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// On others none is known to be.
#[cfg(not(unix))]
pub(super) fn exposed(_file: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

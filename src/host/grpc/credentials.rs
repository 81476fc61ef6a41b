//! What shows a controller who an agent is.

use std::borrow::ToOwned;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::string::String;

use crate::host::owner::exposed;

/// Octets of a file that are read for a token.
const LONGEST: u64 = 65_536;

/// Gives the `authorization` of calls.
///
/// It is asked before each call, in the thread of gRPC. A controller may want another one
/// for each method.
pub trait Credentials: fmt::Debug + Send + Sync {
    /// The value of the header `authorization` for a call of `method`, the path of one such
    /// as [`method::RESET`](crate::southbound::method::RESET); `None` for no such header.
    ///
    /// # Errors
    /// When there is none now. The call fails with `UNAUTHENTICATED`, and the agent makes
    /// another one later.
    fn authorization(&self, method: &str) -> io::Result<Option<String>>;

    /// Whether calls need none.
    fn is_none(&self) -> bool {
        false
    }
}

/// No `authorization`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn authorization(&self, _method: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn is_none(&self) -> bool {
        true
    }
}

/// That a text is no bearer token: letters, digits and `-._~+/`, then any number of `=`
/// (RFC 6750, 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAToken;

impl fmt::Display for NotAToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bearer token is letters, digits and -._~+/ with = at the end alone")
    }
}

impl std::error::Error for NotAToken {}

fn is_token(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    !text.is_empty()
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._~+/".contains(&octet))
}

/// One bearer token for all calls.
#[derive(Clone)]
pub struct BearerToken(String);

impl BearerToken {
    /// The token `text`; white space around it is not of it.
    ///
    /// # Errors
    /// [`NotAToken`]
    pub fn new(text: &str) -> Result<Self, NotAToken> {
        let text = text.trim();
        if is_token(text) { Ok(Self(text.to_owned())) } else { Err(NotAToken) }
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

impl Credentials for BearerToken {
    fn authorization(&self, _method: &str) -> io::Result<Option<String>> {
        Ok(Some(std::format!("Bearer {}", self.0)))
    }
}

/// The bearer token in a file, which is read again for each call: whatever renews it
/// replaces the file. On systems with modes it must be its owner's alone, as the file of any
/// other secret.
#[derive(Clone, Debug)]
pub struct BearerFile(PathBuf);

impl BearerFile {
    /// The token in `file`, which need not be there yet.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        Self(file.to_owned())
    }
}

impl Credentials for BearerFile {
    fn authorization(&self, method: &str) -> io::Result<Option<String>> {
        let named = |kind, problem: &dyn fmt::Display| {
            io::Error::new(kind, std::format!("{}: {problem}", self.0.display()))
        };
        let text = self.read().map_err(|error| named(error.kind(), &error))?;
        let token =
            BearerToken::new(&text).map_err(|fault| named(io::ErrorKind::InvalidData, &fault))?;
        token.authorization(method)
    }
}

impl BearerFile {
    fn read(&self) -> io::Result<String> {
        let file = File::open(&self.0)?;
        if let Some(mode) = exposed(&file)? {
            let problem = std::format!(
                "it holds a secret, and others than its owner may use it (mode {mode:04o}): run \
                 `chmod 600` on it"
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
        }
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::string::ToString;

    use super::*;

    /// Has a file be its owner's alone, or everybody's.
    fn own(file: &Path, mode: u32) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
        }
        #[cfg(not(unix))]
        let _ = (file, mode);
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_may_read_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        fs::write(&file, "one").unwrap();
        for mode in [0o640, 0o604, 0o620] {
            own(&file, mode);
            let error = BearerFile::new(&file).authorization("/any").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(error.to_string().contains(&std::format!("mode {mode:04o}")), "{error}");
        }
        own(&file, 0o400);
        let expected = Some("Bearer one".to_owned());
        assert_eq!(BearerFile::new(&file).authorization("/any").unwrap(), expected);
    }

    #[test]
    fn tokens_are_of_the_letters_of_tokens_and_are_not_told() {
        let token = BearerToken::new(" eyJhbGciOiJSUzI1NiJ9.e30.sig-_~+/==\n").unwrap();
        let expected = "Bearer eyJhbGciOiJSUzI1NiJ9.e30.sig-_~+/==";
        assert_eq!(token.authorization("/any").unwrap().as_deref(), Some(expected));
        assert_eq!(std::format!("{token:?}"), "BearerToken(..)");
        for text in ["", "==", "two words", "line\nbreak", "a=b", "\u{e9}"] {
            assert!(BearerToken::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_is_read_again_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        let credentials = BearerFile::new(&file);
        let kind = credentials.authorization("/any").unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::NotFound);
        for token in ["one", "two"] {
            fs::write(&file, std::format!("{token}\n")).unwrap();
            own(&file, 0o600);
            let expected = Some(std::format!("Bearer {token}"));
            assert_eq!(credentials.authorization("/any").unwrap(), expected);
        }
        fs::write(&file, "\n").unwrap();
        let error = credentials.authorization("/any").unwrap_err();
        assert!(error.to_string().contains("token: a bearer token is"), "{error}");
    }
}

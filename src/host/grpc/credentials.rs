//! What shows a controller who an agent is.

use std::borrow::ToOwned;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::string::String;

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
/// replaces the file.
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
        let text = fs::read_to_string(&self.0).map_err(|error| {
            io::Error::new(error.kind(), std::format!("{}: {error}", self.0.display()))
        })?;
        let token = BearerToken::new(&text).map_err(|fault| {
            let text = std::format!("{}: {fault}", self.0.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        token.authorization(method)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

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
            let expected = Some(std::format!("Bearer {token}"));
            assert_eq!(credentials.authorization("/any").unwrap(), expected);
        }
        fs::write(&file, "\n").unwrap();
        let error = credentials.authorization("/any").unwrap_err();
        assert!(error.to_string().contains("token: a bearer token is"), "{error}");
    }
}

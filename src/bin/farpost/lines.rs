//! Lines of text from outside, one at a time and of bounded length.

use std::io::{self, BufRead, Read};

/// The most octets of one line: room for the longest PDU in hexadecimal or as
/// JSON, several times over.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// Why a line cannot be used. The lines behind it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadLine {
    /// It is longer than [`MAX_LINE`].
    TooLong,
    /// It is not UTF-8; the octet where it stops being so.
    NotText(usize),
}

/// The numbered lines of `input` that say something: blank ones and comments,
/// which begin with `#`, are passed over.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// The next line, without white space around it, and its number from 1.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<(u64, Result<String, BadLine>)>> {
        while let Some(line) = self.read()? {
            let says_something = match &line {
                Ok(text) => !text.is_empty() && !text.starts_with('#'),
                Err(_) => true,
            };
            if says_something {
                return Ok(Some((self.number, line)));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> io::Result<Option<Result<String, BadLine>>> {
        let mut octets = Vec::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        self.input.by_ref().take(limit).read_until(b'\n', &mut octets)?;
        if octets.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if octets.len() == MAX_LINE && octets.last() != Some(&b'\n') {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Err(BadLine::TooLong)));
        }
        Ok(Some(match String::from_utf8(octets) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) => Err(BadLine::NotText(error.utf8_error().valid_up_to())),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<(u64, Result<String, BadLine>)> {
        let mut lines = Lines::new(input);
        std::iter::from_fn(|| lines.next_line().unwrap()).collect()
    }

    #[test]
    fn blank_lines_and_comments_count_but_do_not_come() {
        let lines = all(b"\n# note\n  one \r\n\xff\ntwo");
        assert_eq!(
            lines,
            [(3, Ok("one".to_owned())), (4, Err(BadLine::NotText(0))), (5, Ok("two".to_owned()))]
        );
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let mut input = vec![b'a'; 3 * MAX_LINE];
        input.extend_from_slice(b"\nnext\n");
        assert_eq!(all(&input), [(1, Err(BadLine::TooLong)), (2, Ok("next".to_owned()))]);
    }
}

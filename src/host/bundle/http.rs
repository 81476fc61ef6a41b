//! As much of HTTP/1.1 (RFC 9112) as asking one daemon takes: requests with bodies of
//! known length, and answers to them. `httparse` reads what there is to be read.

use std::fmt;
use std::format;
use std::vec::Vec;

/// Octets in the head of an answer at the most.
const MOST_HEAD: usize = 16_384;
/// Octets in the body of an answer at the most.
const MOST_BODY: usize = 16 << 20;
/// Fields in the head of an answer at the most.
const MOST_FIELDS: usize = 64;

/// Why what was received is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerFault {
    /// It is not HTTP/1.1.
    Syntax(httparse::Error),
    /// Its head has more than 16,384 octets, or its body more than 16 MiB.
    TooLong,
    /// How long its body is, is not said, or not understood.
    Length,
    /// The octets of its body are transferred in another form than as they are.
    Coding,
    /// It answers nothing.
    Unasked,
}

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => write!(f, "it is not HTTP: {error}"),
            Self::TooLong => f.write_str("it is too long"),
            Self::Length => f.write_str("it does not say how long it is"),
            Self::Coding => f.write_str("its transfer coding is not known"),
            Self::Unasked => f.write_str("nothing was asked"),
        }
    }
}

impl std::error::Error for AnswerFault {}

/// Writes a request for `target` at `host` into `out`.
pub(super) fn write_request(out: &mut Vec<u8>, host: &str, target: &str, body: Option<&[u8]>) {
    let method = if body.is_some() { "POST" } else { "GET" };
    out.extend(format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n").as_bytes());
    if let Some(body) = body {
        let length = body.len();
        out.extend(
            format!("Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n")
                .as_bytes(),
        );
    }
    out.extend(b"\r\n");
    out.extend(body.unwrap_or_default());
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// The connection ends with it.
    pub(super) is_last: bool,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    length: usize,
    is_last: bool,
}

/// Puts answers together from what has arrived.
#[derive(Debug, Default)]
pub(super) struct Reader {
    octets: Vec<u8>,
    head: Option<Head>,
}

impl Reader {
    /// Adds what has arrived.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// Whether there are octets that no answer was made of.
    pub(super) const fn is_empty(&self) -> bool {
        self.octets.is_empty() && self.head.is_none()
    }

    /// The next answer, once all of it is there.
    pub(super) fn take(&mut self) -> Result<Option<Answer>, AnswerFault> {
        let head = loop {
            if let Some(head) = self.head {
                break head;
            }
            let Some((head, length)) = read_head(&self.octets)? else {
                let too_long = self.octets.len() > MOST_HEAD;
                return if too_long { Err(AnswerFault::TooLong) } else { Ok(None) };
            };
            self.octets.drain(..length);
            // 100 to 199 say that the answer is still to come.
            self.head = Some(head).filter(|head| head.status >= 200);
        };
        if self.octets.len() < head.length {
            return Ok(None);
        }
        self.head = None;
        let rest = self.octets.split_off(head.length);
        let body = std::mem::replace(&mut self.octets, rest);
        Ok(Some(Answer { status: head.status, body, is_last: head.is_last }))
    }
}

/// The head at the start of `octets`, and how long it is, once all of it is there.
fn read_head(octets: &[u8]) -> Result<Option<(Head, usize)>, AnswerFault> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let octets = octets.get(..MOST_HEAD).unwrap_or(octets);
    let httparse::Status::Complete(head_length) =
        response.parse(octets).map_err(AnswerFault::Syntax)?
    else {
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    let (mut length, mut is_last) = (None, response.version != Some(1));
    for field in response.headers.iter() {
        if field.name.eq_ignore_ascii_case("content-length") {
            let stated = std::str::from_utf8(field.value).ok().and_then(|text| {
                // `parse` would take a sign.
                let digits = text.bytes().all(|octet| octet.is_ascii_digit());
                text.parse::<usize>().ok().filter(|_| digits)
            });
            let stated = stated.ok_or(AnswerFault::Length)?;
            if length.is_some_and(|other| other != stated) {
                return Err(AnswerFault::Length);
            }
            length = Some(stated);
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(AnswerFault::Coding);
        } else if field.name.eq_ignore_ascii_case("connection") {
            is_last |= field.value.eq_ignore_ascii_case(b"close");
        }
    }
    let without_body = status < 200 || status == 204 || status == 304;
    let length = if without_body { 0 } else { length.ok_or(AnswerFault::Length)? };
    if length > MOST_BODY {
        return Err(AnswerFault::TooLong);
    }
    Ok(Some((Head { status, length, is_last }, head_length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Option<Answer>, AnswerFault> {
        let mut reader = Reader::default();
        reader.push(text.as_bytes());
        reader.take()
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec(), is_last: false }
    }

    #[test]
    fn requests_say_how_long_they_are() {
        let mut out = Vec::new();
        write_request(&mut out, "[::1]:3000", "/status/nodeid", None);
        write_request(&mut out, "[::1]:3000", "/insert", Some(b"\x9f"));
        assert_eq!(
            out,
            b"GET /status/nodeid HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n\
              POST /insert HTTP/1.1\r\nHost: [::1]:3000\r\nContent-Type: application/octet-stream\r\n\
              Content-Length: 1\r\n\r\n\x9f"
        );
    }

    #[test]
    fn answers_are_put_together() {
        let mut reader = Reader::default();
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\
            HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n\
            HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        let mut answers = Vec::new();
        for octet in text {
            reader.push(&[*octet]);
            answers.extend(reader.take().unwrap());
        }
        let last = Answer { is_last: true, ..answer(204, "") };
        assert_eq!(answers, [answer(200, "hello"), answer(404, ""), last]);
        assert!(reader.is_empty());
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert!(matches!(read("hello\r\n\r\n"), Err(AnswerFault::Syntax(_))));
        let ok = "HTTP/1.1 200 OK\r\n";
        for (fields, fault) in [
            ("", AnswerFault::Length),
            ("Content-Length: -1\r\n", AnswerFault::Length),
            ("Content-Length: +1\r\n", AnswerFault::Length),
            ("Content-Length: 1\r\nContent-Length: 2\r\n", AnswerFault::Length),
            ("Content-Length: 99999999999999999999\r\n", AnswerFault::Length),
            ("Content-Length: 16777217\r\n", AnswerFault::TooLong),
            ("Transfer-Encoding: chunked\r\n", AnswerFault::Coding),
        ] {
            assert_eq!(read(&format!("{ok}{fields}\r\n")), Err(fault), "{fields}");
        }
        let long = format!("{ok}X: {}", "x".repeat(MOST_HEAD));
        assert_eq!(read(&long), Err(AnswerFault::TooLong));
        assert_eq!(read(ok), Ok(None));
    }

    proptest! {
        #[test]
        fn no_octets_are_too_strange(parts in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..40), 0..10))
        {
            let mut reader = Reader::default();
            reader.push(b"HTTP/1.1 2");
            for part in parts {
                reader.push(&part);
                if reader.take().is_err() {
                    break;
                }
            }
        }
    }
}

//! Lines of standard input, read by a thread of their own.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use farpost::host::driver::Waker;

/// What was read.
#[derive(Debug)]
pub(crate) enum Line {
    /// A line that is not blank, and its number from 1.
    Text(usize, String),
    /// One that is not UTF-8 or too long, and what is wrong.
    Bad(usize, String),
    /// There is no more.
    End,
}

/// The longest line: enough for the longest data in hexadecimal digits.
const MAX_LINE: u64 = 1 << 18;
/// Lines that are read ahead.
const AHEAD: usize = 16;

/// Reads standard input from now on, ending the driver's wait for each line.
pub(crate) fn listen(waker: Waker) -> Receiver<Line> {
    let (sender, receiver) = sync_channel(AHEAD);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        read(&mut input, &sender, || waker.wake());
    });
    receiver
}

/// Reads `input` to its end, or until nobody listens any more.
fn read(input: &mut impl BufRead, sender: &SyncSender<Line>, wake: impl Fn() -> io::Result<()>) {
    let mut number = 0;
    loop {
        number += 1;
        let line = next(input, number).unwrap_or(Line::End);
        let last = matches!(line, Line::End);
        if sender.send(line).is_err() || wake().is_err() || last {
            return;
        }
    }
}

fn next(input: &mut impl BufRead, number: usize) -> io::Result<Line> {
    let mut octets = Vec::new();
    input.by_ref().take(MAX_LINE).read_until(b'\n', &mut octets)?;
    if octets.is_empty() {
        return Ok(Line::End);
    }
    if octets.last() != Some(&b'\n') && u64::try_from(octets.len()) == Ok(MAX_LINE) {
        skip_line(input)?;
        return Ok(Line::Bad(number, format!("the line is longer than {MAX_LINE} octets")));
    }
    Ok(match String::from_utf8(octets) {
        Ok(text) => Line::Text(number, text),
        Err(error) => Line::Bad(number, error.utf8_error().to_string()),
    })
}

/// Reads the rest of a line and keeps nothing of it.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (length, found) = match buffer.iter().position(|&octet| octet == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(length);
        if found {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(octets: &[u8]) -> Vec<Line> {
        let (sender, receiver) = sync_channel(AHEAD);
        read(&mut &*octets, &sender, || Ok(()));
        receiver.try_iter().collect()
    }

    #[test]
    fn lines_are_read_to_the_end() {
        let read = lines(b"a\n\nb");
        assert!(matches!(&read[..], [
            Line::Text(1, a), Line::Text(2, blank), Line::Text(3, b), Line::End
        ] if a == "a\n" && blank == "\n" && b == "b"));
    }

    #[test]
    fn a_bad_line_is_passed_over() {
        let mut octets = vec![b'x'; 300_000];
        octets.extend(b"\n\xff\nlast\n");
        let read = lines(&octets);
        assert!(
            matches!(&read[..], [Line::Bad(1, _), Line::Bad(2, _), Line::Text(3, _), Line::End]),
            "{read:?}"
        );
    }
}

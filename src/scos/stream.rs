//! Messages over a stream of octets, such as a TLS connection: two octets of length,
//! most significant first, then the message. There is no message of no octets, and none
//! longer than [`MESSAGE_MAX`]; who says otherwise is not understood, and the stream is
//! to be closed.

use core::fmt;

use super::messages::MESSAGE_MAX;

/// Octets of the length before a message.
const HEAD: usize = 2;

/// Octets of the longest message with its length.
pub const FRAME_MAX: usize = MESSAGE_MAX + HEAD;

/// A length that no message has. Nothing behind it makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BadLength(pub u16);

impl fmt::Display for BadLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no message has {} octets", self.0)
    }
}

impl core::error::Error for BadLength {}

/// Puts `message` with its length to the front of `buffer` and returns both. `None` for
/// what is no message by its length.
#[must_use]
pub fn frame<'b>(message: &[u8], buffer: &'b mut [u8; FRAME_MAX]) -> Option<&'b [u8]> {
    if !is_length(message.len()) {
        return None;
    }
    let head = u16::try_from(message.len()).ok()?.to_be_bytes();
    let whole = buffer.get_mut(..message.len().checked_add(HEAD)?)?;
    for (to, from) in whole.iter_mut().zip(head.iter().chain(message)) {
        *to = *from;
    }
    Some(whole)
}

const fn is_length(length: usize) -> bool {
    length > 0 && length <= MESSAGE_MAX
}

/// Finds the messages in a stream, however its octets are cut.
#[derive(Clone)]
pub struct Deframer {
    frame: [u8; FRAME_MAX],
    /// How many octets of it have come.
    have: usize,
}

impl Deframer {
    /// At the beginning of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { frame: [0; FRAME_MAX], have: 0 }
    }

    /// How many octets are lacking to the length, or to the message once its length is
    /// there: at least 1. Who reads no more than that from the stream leaves none over.
    ///
    /// # Errors
    /// [`BadLength`], from then on.
    pub fn missing(&self) -> Result<usize, BadLength> {
        match self.length()? {
            Some(whole) if self.have < whole => Ok(whole.saturating_sub(self.have)),
            // The last message was taken: the next length begins.
            Some(_) => Ok(HEAD),
            None => Ok(HEAD.saturating_sub(self.have)),
        }
    }

    /// Takes octets off the front of `octets`, all of them or as many as it takes to
    /// have a message, which is then returned.
    ///
    /// # Errors
    /// [`BadLength`], from then on.
    pub fn take<'d>(&'d mut self, octets: &mut &[u8]) -> Result<Option<&'d [u8]>, BadLength> {
        if self.length()?.is_some_and(|whole| self.have >= whole) {
            self.have = 0;
        }
        while !octets.is_empty() {
            let missing = self.missing()?;
            let (now, later) = octets.split_at_checked(missing).unwrap_or((octets, &[]));
            let room = self.frame.get_mut(self.have..).unwrap_or_default();
            for (to, from) in room.iter_mut().zip(now) {
                *to = *from;
            }
            self.have = self.have.saturating_add(now.len());
            *octets = later;
            if self.length()?.is_some_and(|whole| self.have >= whole) {
                return Ok(self.frame.get(HEAD..self.have));
            }
        }
        Ok(None)
    }

    /// Whether the stream may end here: no message has begun.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.have == 0 || self.length().is_ok_and(|whole| whole == Some(self.have))
    }

    /// The octets of the frame, once its length is there.
    fn length(&self) -> Result<Option<usize>, BadLength> {
        let Some(head) = self.frame.first_chunk::<HEAD>().filter(|_| self.have >= HEAD) else {
            return Ok(None);
        };
        let length = u16::from_be_bytes(*head);
        if !is_length(length.into()) {
            return Err(BadLength(length));
        }
        Ok(Some(usize::from(length).saturating_add(HEAD)))
    }
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Deframer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deframer").field("have", &self.have).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// All messages in a stream that comes in pieces.
    fn messages(pieces: &[&[u8]]) -> Result<(Vec<Vec<u8>>, bool), BadLength> {
        let (mut deframer, mut found) = (Deframer::new(), Vec::new());
        for piece in pieces {
            let mut octets = *piece;
            while let Some(message) = deframer.take(&mut octets)? {
                found.push(message.to_vec());
            }
            assert!(octets.is_empty());
        }
        Ok((found, deframer.is_between()))
    }

    proptest! {
        /// However a stream is cut, the messages are those that were put in.
        #[test]
        fn a_stream_in_pieces_has_the_same_messages(
            sent in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 0..8),
            cuts in proptest::collection::vec(0_usize..2_000, 0..12),
        ) {
            let mut buffer = [0; FRAME_MAX];
            let stream: Vec<u8> =
                sent.iter().flat_map(|message| frame(message, &mut buffer).unwrap().to_vec()).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < stream.len()).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            prop_assert_eq!(messages(&pieces), Ok((sent, true)));
        }

        /// Who reads what is missing, and no more, has nothing left over.
        #[test]
        fn what_is_missing_is_all_it_takes(length in 1_usize..MESSAGE_MAX) {
            let (mut buffer, message) = ([0; FRAME_MAX], std::vec![7; length]);
            let mut stream = frame(&message, &mut buffer).unwrap();
            let mut deframer = Deframer::new();
            for (missing, whole) in [(2, false), (length, true)] {
                prop_assert_eq!(deframer.missing(), Ok(missing));
                let (mut now, later) = stream.split_at(missing);
                stream = later;
                prop_assert_eq!(deframer.take(&mut now).unwrap().is_some(), whole);
            }
            prop_assert_eq!(deframer.missing(), Ok(2));
        }
    }

    #[test]
    fn lengths_no_message_has_end_the_stream() {
        for length in [0, 1_153, 0xffff_u16] {
            let mut deframer = Deframer::new();
            let stream = length.to_be_bytes();
            assert_eq!(deframer.take(&mut &stream[..]), Err(BadLength(length)));
            assert_eq!(deframer.take(&mut &[0, 1, 2][..]), Err(BadLength(length)));
            assert_eq!(deframer.missing(), Err(BadLength(length)));
            assert!(!deframer.is_between());
        }
        let mut buffer = [0; FRAME_MAX];
        assert!(frame(&[], &mut buffer).is_none());
        assert!(frame(&[0; MESSAGE_MAX + 1], &mut buffer).is_none());
        assert_eq!(frame(&[0; MESSAGE_MAX], &mut buffer).unwrap().len(), FRAME_MAX);
        let cut = messages(&[&[0, 2, 7]]).unwrap();
        assert_eq!(cut, (Vec::new(), false));
    }
}

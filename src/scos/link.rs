//! What every machine does with octets: open those that came, with the polite
//! answer to other versions, and send messages, or not.

use super::messages::{MESSAGE_MAX, Message, MessageFault, Part, VERSION_NOTICE, encode_part};
use crate::machine::count;
use crate::transport::{Address, Transport};

/// Counters of a machine's octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkStats {
    /// Datagrams that are no message, or one with a value out of its range.
    pub malformed: u64,
    /// Datagrams of another version, answered with a version notice.
    pub other_version: u64,
    /// Version notices received.
    pub version_notices: u64,
    /// Messages that are not for a machine of this kind. What they hold is not read.
    pub unexpected: u64,
    /// Messages the transport did not take; they go out later where they matter.
    pub send_refused: u64,
}

impl LinkStats {
    /// Reads a datagram; counts it when it is no message, or of none of these kinds.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn open<'a, const KINDS: u32>(
        &mut self,
        from: &Address,
        octets: &'a [u8],
        transport: &mut dyn Transport,
    ) -> Option<Message<'a>> {
        let fault = match Message::parse_for::<KINDS>(octets) {
            Ok(message) => {
                if message.is_none() {
                    count(&mut self.unexpected);
                }
                return message;
            }
            Err(fault) => fault,
        };
        match fault {
            MessageFault::Version(_) => {
                count(&mut self.other_version);
                if transport.send(from, 0, &VERSION_NOTICE).is_err() {
                    count(&mut self.send_refused);
                }
            }
            MessageFault::Notice(_) => count(&mut self.version_notices),
            _ => count(&mut self.malformed),
        }
        None
    }

    /// Sends the message of this kind and content. Returns whether it was taken.
    // The buffer is on the stack here, and not of all who send.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn say(
        &mut self,
        to: &Address,
        part: &dyn Part,
        transport: &mut dyn Transport,
    ) -> bool {
        let mut scratch = [0; MESSAGE_MAX];
        let message = encode_part(part, &mut scratch);
        let taken = message.is_ok_and(|octets| transport.send(to, 0, octets).is_ok());
        if !taken {
            count(&mut self.send_refused);
        }
        taken
    }
}

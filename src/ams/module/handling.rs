//! Application data that the MIB has encrypted or marshalled (735.1-B-1 4.3.1.3,
//! 4.3.1.4, 4.3.8.1.3).

use super::{MessageStats, Module, bump};
use crate::ams::ids::SubjectNumber;
use crate::ams::mib::{Subject, Venture};
use crate::ams::pdu::{Aams, AamsHeader};
use crate::ams::security::{ContentHandler, Origin};
use crate::ams::service::{Fault, Message};

/// Who encrypts and marshals, and where.
#[derive(Debug)]
pub(super) struct Handling<'s> {
    pub(super) handler: &'s dyn ContentHandler,
    pub(super) room: &'s mut [u8],
}

/// `message` with the data that are to be transmitted. Nothing that is to be encrypted
/// goes out in clear.
pub(super) fn prepare<'d>(
    handling: &'d mut Option<Handling<'_>>,
    venture: Option<&Venture<'_>>,
    stats: &mut MessageStats,
    header: &AamsHeader,
    message: &Message<'d>,
) -> Result<Message<'d>, Fault> {
    let Some(subject) = handled(venture, message.subject) else { return Ok(*message) };
    let prepared = match handling {
        Some(Handling { handler, room }) => handler
            .prepare(subject, &Origin::from(header), message.data, room)
            .map_err(Fault::NotPrepared),
        None => Err(Fault::SubjectNotPlain),
    };
    if prepared.is_err() {
        bump(&mut stats.not_prepared);
    }
    Ok(Message { data: prepared?, ..*message })
}

impl Module<'_> {
    /// The data of `message` as they are delivered.
    pub(super) fn restore<'d>(
        &mut self,
        message: &Aams<'d>,
        room: &'d mut [u8],
    ) -> Result<&'d [u8], Fault> {
        let Some(subject) = handled(self.venture, message.subject()) else {
            return Ok(message.data());
        };
        let restored = match &self.handling {
            Some(Handling { handler, .. }) => handler
                .restore(subject, &Origin::from(message), message.data(), room)
                .map_err(|why| Fault::NotRestored(message.source(), why)),
            None => Err(Fault::SubjectNotPlain),
        };
        if restored.is_err() {
            bump(&mut self.stats.not_restored);
        }
        restored
    }
}

/// The subject of this number, if its messages are encrypted or marshalled.
fn handled<'m>(venture: Option<&Venture<'m>>, subject: SubjectNumber) -> Option<&'m Subject<'m>> {
    venture?.subject(subject).filter(|subject| !subject.is_plain())
}

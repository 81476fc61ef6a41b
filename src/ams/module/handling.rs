//! Application data that the MIB has encrypted or marshalled (735.1-B-1 4.3.1.3,
//! 4.3.1.4, 4.3.8.1.3).

use super::{MessageStats, Module, bump};
use crate::ams::ids::SubjectNumber;
use crate::ams::mib::Venture;
use crate::ams::pdu::{Aams, AamsHeader};
use crate::ams::security::ContentHandler;
use crate::ams::service::Fault;

/// What is transmitted of data that are to be encrypted or marshalled. Nothing goes out
/// in clear instead.
pub(super) fn prepare<'d>(
    handler: &'d mut Option<&mut dyn ContentHandler>,
    venture: Option<&Venture<'_>>,
    header: &AamsHeader,
    data: &[u8],
    stats: &mut MessageStats,
) -> Result<&'d [u8], Fault> {
    if let Some(handler) = handler {
        return handler.prepare_for(venture, header, data, stats);
    }
    bump(&mut stats.not_prepared);
    Err(Fault::SubjectNotPlain)
}

impl Module<'_> {
    /// The data of `message` as they are delivered.
    pub(super) fn restore<'d>(
        &mut self,
        message: &Aams<'d>,
        room: &'d mut [u8],
    ) -> Result<&'d [u8], Fault> {
        if self.is_plain(message.subject()) {
            return Ok(message.data());
        }
        if let Some(handler) = &self.handler {
            return handler.restore_for(self.venture, message, room, &mut self.stats);
        }
        bump(&mut self.stats.not_restored);
        Err(Fault::SubjectNotPlain)
    }

    /// Whether messages on `subject` are carried as they are.
    pub(super) fn is_plain(&self, subject: SubjectNumber) -> bool {
        is_plain(self.venture, subject)
    }
}

/// Whether messages on `subject` are carried as they are.
fn is_plain(venture: Option<&Venture<'_>>, subject: SubjectNumber) -> bool {
    let known = venture.and_then(|venture| venture.subject(subject));
    known.is_none_or(|subject| subject.is_plain())
}

//! What can be wrong with a daemon, and what became of bundles.

use std::fmt;
use std::io;

use super::http::AnswerFault;

/// Why a daemon is not spoken to, or did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DaemonFault {
    /// Its host is not known.
    UnknownHost,
    /// No connection to it can be made.
    Unreachable(io::ErrorKind),
    /// It did not answer in time.
    Silent,
    /// It ended the connection.
    Ended,
    /// The connection broke.
    Broken(io::ErrorKind),
    /// What it sent is no answer to a request.
    Nonsense(AnswerFault),
    /// Its list of bundles is none.
    NoList,
    /// It is another node than the endpoint is of.
    OtherNode,
    /// It refused, with this status of HTTP.
    Refused(u16),
}

impl fmt::Display for DaemonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost => f.write_str("the host of the bundle daemon is not known"),
            Self::Unreachable(kind) => {
                write!(f, "the bundle daemon cannot be reached: {kind}; is it running?")
            }
            Self::Silent => f.write_str("the bundle daemon does not answer"),
            Self::Ended => f.write_str("the bundle daemon ended the connection"),
            Self::Broken(kind) => write!(f, "the connection to the bundle daemon broke: {kind}"),
            Self::Nonsense(fault) => {
                write!(f, "what the bundle daemon sent is no answer: {fault}; is it dtnd?")
            }
            Self::NoList => f.write_str("the bundle daemon's list of bundles is none; is it dtnd?"),
            Self::OtherNode => f.write_str(
                "the bundle daemon is another node than the gateway's endpoint is of; \
                 give it the node name of the endpoint",
            ),
            Self::Refused(403) => f.write_str(
                "the bundle daemon serves applications on its own host only (status 403)",
            ),
            Self::Refused(status) => write!(f, "the bundle daemon refused with status {status}"),
        }
    }
}

impl std::error::Error for DaemonFault {}

/// What became of bundles and the daemon. Counters stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BundleStats {
    /// How often a daemon registered the endpoint.
    pub joined: u32,
    /// Connections to a daemon that ended.
    pub lost: u32,
    /// Bundles that a daemon has taken, each once.
    pub sent: u32,
    /// Bundles that were offered again though a daemon had confirmed them, for it ended
    /// just then.
    pub repeated: u32,
    /// RPDUs that were refused because there is no daemon or it is behind. A gateway
    /// keeps them and offers them again.
    pub busy: u32,
    /// Bundles that no daemon had taken when their lifetime was over.
    pub expired: u32,
    /// Bundles that a daemon would not have.
    pub rejected: u32,
    /// RPDUs received, each once.
    pub received: u32,
    /// Bundles that were received before.
    pub duplicates: u32,
    /// Fragments of bundles for the endpoint; deleted.
    pub fragments: u32,
    /// Administrative records for the endpoint; deleted.
    pub records: u32,
    /// Bundles that cannot be read, or fetched.
    pub unreadable: u32,
    /// What was last wrong.
    pub last_fault: Option<DaemonFault>,
}

/// Counts one more.
pub(super) const fn bump(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

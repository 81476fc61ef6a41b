//! What the commands that run AMS entities share.

mod names;
mod network;
mod output;
mod seconds;
mod security;
mod watched;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use farpost::host::driver::Waker;

pub(crate) use names::{Named, Names};
pub(crate) use network::{EndpointStyle, bindable, load_mib, local_ip, venture_of};
pub(crate) use output::{Output, event, object};
pub(crate) use seconds::seconds;
pub(crate) use security::{
    SIGNATURE_LEN, SIGNATURES, contents, require_registrar_key, require_role_key,
    require_server_key,
};
pub(crate) use watched::{Observer, Watched, watch};

/// Why a command cannot do what it was asked for. Its exit status is 2.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// The exit status of a command, once its failure has been told.
pub(crate) fn exit(outcome: Result<ExitCode, Failure>) -> ExitCode {
    outcome.unwrap_or_else(|Failure(message)| {
        eprintln!("farpost: {message}");
        ExitCode::from(2)
    })
}

/// Set once somebody wants the program to end: by Ctrl-C or a signal to terminate.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on, and ends the driver's wait. Who insists ends the
    /// program at once.
    pub(crate) fn listen(waker: Waker) -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&asked);
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) || waker.wake().is_err() {
                std::process::exit(INTERRUPTED);
            }
        })?;
        Ok(Self(asked))
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The exit status shells know an interrupted program by.
const INTERRUPTED: i32 = 130;

/// Whether a reader of the output has seen enough, which is no failure.
pub(crate) fn seen_enough(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

//! What the commands that run AMS entities share.

mod names;
mod network;
mod output;
mod place;
mod seconds;
mod security;
mod watched;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::thread;

use farpost::host::driver::Waker;

pub(crate) use names::{Named, Names};
pub(crate) use network::{
    EndpointStyle, bindable, load_mib, local_ip, name_style, reload_mib, venture_of,
};
pub(crate) use output::{Output, event, object};
pub(crate) use place::Place;
pub(crate) use seconds::seconds;
pub(crate) use security::{
    CHANNELS, SIGNATURE_LEN, SIGNATURES, contents, require_registrar_key, require_role_key,
    require_server_key,
};
pub(crate) use watched::{Observer, Watched, mib_changed, watch};

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

/// What somebody wants of the program by signals: that it ends, by Ctrl-C or the
/// signal to terminate, or that it reads its MIB again, by the signal to hang up.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    asked: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on, and ends the driver's wait. Who insists on the end ends
    /// the program at once.
    pub(crate) fn listen(waker: Waker) -> Result<Self, Failure> {
        let interrupt = Self { asked: Arc::default(), reload: Arc::default() };
        #[cfg(unix)]
        interrupt.listen_to_signals(waker.clone())?;
        let asked = Arc::clone(&interrupt.asked);
        ctrlc::set_handler(move || end(&asked, &waker))?;
        Ok(interrupt)
    }

    #[cfg(unix)]
    fn listen_to_signals(&self, waker: Waker) -> Result<(), Failure> {
        use signal_hook::consts::{SIGHUP, SIGTERM};

        let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGTERM])?;
        let Self { asked, reload } = self.clone();
        thread::spawn(move || {
            for signal in signals.forever() {
                if signal == SIGTERM {
                    end(&asked, &waker);
                } else {
                    reload.store(true, Ordering::Relaxed);
                    // A driver that is gone reads no MIB.
                    let _ = waker.wake();
                }
            }
        });
        Ok(())
    }

    /// Whether the program is to end.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether the MIB is to be read again; true once for each time it is.
    pub(crate) fn takes_reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }
}

fn end(asked: &AtomicBool, waker: &Waker) {
    if asked.swap(true, Ordering::Relaxed) || waker.wake().is_err() {
        std::process::exit(INTERRUPTED);
    }
}

/// The exit status shells know an interrupted program by.
const INTERRUPTED: i32 = 130;

/// Whether a reader of the output has seen enough, which is no failure.
pub(crate) fn seen_enough(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

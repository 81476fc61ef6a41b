//! The TCP connection as TLS takes it: record by record, none but those that are admitted
//! (`guard.rs`). In a handshake it waits, up to a limit, and the network goes on meanwhile.

use core::cell::RefCell;
use core::fmt;
use core::time::Duration;

use embedded_io::{Error, ErrorKind, ErrorType, Read, Write};

use crate::guard;
use crate::tcp::{Links, Over};

/// How long a record, or room for one, may be waited for. Only a handshake waits: afterwards
/// records are read when they are there, and written when there is room.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connection.
pub struct Stream {
    links: &'static RefCell<Links>,
    /// Octets that are left of the record that is read.
    rest: usize,
}

/// Why it does not go on.
#[derive(Debug)]
pub enum Broken {
    Over,
    TooLong,
    /// There is no record, and none is waited for. It goes on when there is.
    Nothing,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Over => "the connection is over",
            Self::TooLong => "it takes too long",
            Self::Nothing => "there is no record",
        })
    }
}

impl core::error::Error for Broken {}

impl Broken {
    /// As which TLS passes [`Broken::Nothing`] on.
    pub const NOTHING: ErrorKind = ErrorKind::Interrupted;
}

impl Error for Broken {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Over => ErrorKind::ConnectionReset,
            Self::TooLong => ErrorKind::TimedOut,
            Self::Nothing => Self::NOTHING,
        }
    }
}

impl Stream {
    pub const fn new(links: &'static RefCell<Links>) -> Self {
        Self { links, rest: 0 }
    }

    /// Tries, with the network going on, until something was moved.
    fn until(
        &self,
        mut attempt: impl FnMut(&mut Links) -> Result<usize, Over>,
    ) -> Result<usize, Broken> {
        let mut links = self.links.borrow_mut();
        let until = links.real_time().after(PATIENCE);
        loop {
            links.network.poll();
            let count = attempt(&mut links).map_err(|Over| Broken::Over)?;
            if count > 0 {
                return Ok(count);
            }
            let now = links.real_time();
            if now >= until {
                return Err(Broken::TooLong);
            }
            links.network.wait(until.since(now));
        }
    }

    /// Begins another record.
    fn begin(&mut self) -> Result<(), Broken> {
        self.rest = if guard::is_established() {
            let record = self.links.borrow_mut().record().map_err(|Over| Broken::Over)?;
            let whole = record.filter(|(_, whole)| *whole);
            whole.map(|(length, _)| length).ok_or(Broken::Nothing)?
        } else {
            self.until(|links| Ok(links.record()?.map_or(0, |(length, _)| length)))?
        };
        Ok(())
    }
}

impl ErrorType for Stream {
    type Error = Broken;
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Broken> {
        if to.is_empty() {
            return Ok(0);
        }
        if self.rest == 0 {
            self.begin()?;
        }
        let most = to.len().min(self.rest);
        let (to, _) = to.split_at_mut(most);
        let count = self.until(|links| links.read(to))?;
        self.rest -= count;
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> Result<usize, Broken> {
        if octets.is_empty() {
            return Ok(0);
        }
        self.until(|links| links.write(octets))
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.links.borrow_mut().network.poll();
        Ok(())
    }
}

//! The TCP connection as TLS takes it: it waits, up to a limit, and the network goes on
//! meanwhile.

use core::cell::RefCell;
use core::fmt;
use core::time::Duration;

use embedded_io::{Error, ErrorKind, ErrorType, Read, Write};

use crate::network::{Network, Over};

/// How long a record, or room for one, may be waited for. Only a handshake waits: afterwards
/// records are read when they are there, and written when there is room.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connection.
#[derive(Clone, Copy)]
pub struct Stream(pub &'static RefCell<Network>);

/// Why it does not go on.
#[derive(Debug)]
pub enum Broken {
    Over,
    TooLong,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Over => "the connection is over",
            Self::TooLong => "it takes too long",
        })
    }
}

impl core::error::Error for Broken {}

impl Error for Broken {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Over => ErrorKind::ConnectionReset,
            Self::TooLong => ErrorKind::TimedOut,
        }
    }
}

impl Stream {
    /// Tries, with the network going on, until something was moved.
    fn until(
        &self,
        mut attempt: impl FnMut(&mut Network) -> Result<usize, Over>,
    ) -> Result<usize, Broken> {
        let mut network = self.0.borrow_mut();
        let until = network.real_time().after(PATIENCE);
        loop {
            network.poll();
            let count = attempt(&mut network).map_err(|Over| Broken::Over)?;
            if count > 0 {
                return Ok(count);
            }
            let now = network.real_time();
            if now >= until {
                return Err(Broken::TooLong);
            }
            network.wait(until.since(now));
        }
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
        self.until(|network| network.read(to))
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> Result<usize, Broken> {
        if octets.is_empty() {
            return Ok(0);
        }
        self.until(|network| network.write(octets))
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.0.borrow_mut().poll();
        Ok(())
    }
}

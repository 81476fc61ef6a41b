//! The post: an SSD, and its connection to the SSM, which is made again whenever it is over.
//! The device works its schedule through with and without, and so do the other machines.

use core::cell::RefCell;
use core::time::Duration;

use defmt::{info, warn};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use embedded_tls::blocking::TlsConnection;
use embedded_tls::{
    MaxFragmentLength, TLS_RECORD_OVERHEAD, TlsConfig, TlsContext, TlsError, UnsecureProvider,
};
use farpost::crypto::Ed25519;
use farpost::scos::DeviceSigner;
use farpost::scos::stream::{BadLength, Deframer, FRAME_MAX, frame};
use farpost::time::{Clock, Instant, earliest};
use farpost::transport::{Address, SendError, Transport};
use static_cell::ConstStaticCell;

use crate::device::clock::BoardClock;
use crate::device::radio::Samples;
use crate::device::simulated::{Adc, Delay, Pin, Spi};
use crate::device::{Device, Identity, settings};
use crate::guard::{self, Guarded, RECORD};
use crate::keys::Keys;
use crate::random::{self, Octets};
use crate::site::Site;
use crate::stream::{Broken, Stream};
use crate::tcp::{Links, Over, Secured};

/// What the board is told.
pub type Settings = settings::Settings<Secured>;

type Tls<'t> = TlsConnection<'t, Stream, Guarded>;

/// A record each way.
static READ: ConstStaticCell<[u8; RECORD]> = ConstStaticCell::new([0; RECORD]);
static WRITTEN: ConstStaticCell<[u8; WRITE]> = ConstStaticCell::new([0; WRITE]);
static FRAME: ConstStaticCell<[u8; FRAME_MAX]> = ConstStaticCell::new([0; FRAME_MAX]);
static DEFRAMER: ConstStaticCell<Deframer> = ConstStaticCell::new(Deframer::new());

/// Octets of the longest record that is sent.
const WRITE: usize = FRAME_MAX + TLS_RECORD_OVERHEAD;

/// The first wait before a connection is made again, and the longest. It doubles until the SSM
/// has been heard.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// How long TCP may take to connect, in real time.
const CONNECTING: Duration = Duration::from_secs(10);

/// Who the device is.
pub fn identity(settings: &'static Settings, keys: &'static Keys, seed: u64) -> Identity {
    let (name, ssm) = (&settings.device, ssm());
    let signer = Some(DeviceSigner::new(&Ed25519, &keys.private));
    Identity { name, public_key: &keys.public, signer, ssm, boot: settings.boot, seed }
}

/// The SSM is at the other end, whichever connection it is.
fn ssm() -> Address {
    Address::new(3, b"ssm")
}

/// Why a connection is over.
enum Ended {
    /// It has ended, or was never made.
    Over,
    /// As TLS says.
    Tls(TlsError),
    /// What came makes no sense.
    Length(BadLength),
}

impl From<Over> for Ended {
    fn from(Over: Over) -> Self {
        Self::Over
    }
}

impl From<TlsError> for Ended {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

/// The machines of the post.
pub struct Post<S: 'static, P: 'static, D: 'static, A: 'static> {
    site: &'static mut Site,
    device: &'static mut Device<S, P, D, A>,
    settings: &'static Settings,
    keys: &'static Keys,
    links: &'static RefCell<Links>,
    clock: &'static BoardClock,
    deframer: &'static mut Deframer,
    /// The SSM has said something by this connection.
    heard: bool,
}

/// The post with the front-end that QEMU has.
pub type Simulated = Post<Spi<'static>, Pin<'static>, Delay, Adc<'static>>;

impl<S, P, D, A> Post<S, P, D, A>
where
    S: SpiDevice + 'static,
    P: OutputPin + 'static,
    D: DelayNs + 'static,
    A: Samples + 'static,
{
    /// The post in its storage. It can be made once.
    pub fn new(
        (settings, keys): (&'static Settings, &'static Keys),
        (site, device): (&'static mut Site, &'static mut Device<S, P, D, A>),
        (links, clock): (&'static RefCell<Links>, &'static BoardClock),
    ) -> Self {
        let deframer = DEFRAMER.take();
        Self { site, device, settings, keys, links, clock, deframer, heard: false }
    }

    /// Works for ever.
    pub fn run(&mut self) -> ! {
        let (read, written, frame) = (READ.take(), WRITTEN.take(), FRAME.take());
        let mut pause = FIRST;
        loop {
            self.heard = false;
            guard::set_established(false);
            let ended = match self.connect() {
                Ok(()) => {
                    let stream = Stream::new(self.links);
                    let mut tls = TlsConnection::new(stream, &mut read[..], &mut written[..]);
                    match self.open(&mut tls) {
                        Ok(()) => self.serve(&mut tls, frame),
                        Err(ended) => ended,
                    }
                }
                Err(Over) => Ended::Over,
            };
            self.links.borrow_mut().abort();
            match ended {
                Ended::Over => warn!("no connection"),
                Ended::Tls(error) => warn!("no connection: {}", error),
                Ended::Length(error) => warn!("no connection: {}", error),
            }
            if self.heard {
                pause = FIRST;
            }
            let until = self.clock.now().monotonic.after(shortened(pause));
            pause = pause.saturating_mul(2).min(LONGEST);
            while self.clock.now().monotonic < until {
                self.turn(None, Some(until));
            }
        }
    }

    /// Makes a TCP connection; the device goes on meanwhile.
    fn connect(&mut self) -> Result<(), Over> {
        self.links.borrow_mut().connect(self.settings.link.ssm)?;
        let until = self.links.borrow().real_time().after(CONNECTING);
        while !self.links.borrow_mut().is_connected()? {
            if self.links.borrow().real_time() >= until {
                return Err(Over);
            }
            self.turn(None, None);
        }
        Ok(())
    }

    /// Shakes hands. Nothing else is done until it is over, which takes two exchanges and
    /// as long as the curve's arithmetic takes this processor.
    #[inline(never)]
    fn open(&mut self, tls: &mut Tls<'_>) -> Result<(), Ended> {
        let identities = [self.settings.device.as_bytes()];
        let config = TlsConfig::new()
            .with_psk(&self.keys.psk, &identities)
            .with_max_fragment_length(MaxFragmentLength::Bits11);
        // The key tells who the server is: no certificate is looked at.
        tls.open(TlsContext::new(&config, UnsecureProvider::new::<Guarded>(Octets)))?;
        guard::set_established(true);
        info!("connected by TLS, stack {}", self.device.stack());
        *self.deframer = Deframer::new();
        self.device.ssd.reconnected();
        Ok(())
    }

    /// Has the device work with a connection until it is over.
    fn serve(&mut self, tls: &mut Tls<'_>, frame: &mut [u8; FRAME_MAX]) -> Ended {
        let mut way = Way { tls, links: self.links, frame, broken: None };
        loop {
            if let Err(ended) = self.receive(&mut way) {
                return ended;
            }
            self.turn(Some(&mut way), None);
            if let Some(error) = way.broken {
                return Ended::Tls(error);
            }
        }
    }

    /// Takes all messages that are there.
    fn receive(&mut self, way: &mut Way<'_, '_>) -> Result<(), Ended> {
        // Octets that are decrypted and not taken.
        let mut left = false;
        while left || self.links.borrow_mut().has_record()? {
            let mut record = match way.tls.read_buffered() {
                // There was nothing in what was there.
                Err(TlsError::Io(Broken::NOTHING)) => break,
                record => record?,
            };
            let all = record.peek_all();
            let mut rest = all;
            let message = self.deframer.take(&mut rest).map_err(Ended::Length)?;
            let _ = record.pop(all.len() - rest.len());
            left = !rest.is_empty();
            drop(record);
            if let Some(message) = message {
                self.heard = true;
                self.device.receive(self.clock.now(), &ssm(), message, way);
            }
        }
        Ok(())
    }

    /// Does what is due, with a way out or without, and sleeps until something is, or `until`.
    fn turn(&mut self, way: Option<&mut dyn Transport>, until: Option<Instant>) {
        let online = way.is_some();
        let links = self.links;
        // The module carries nothing of the device's.
        let now = self.site.run(&mut links.borrow_mut().network, self.device, |_, _, _, _| {});
        self.device.tick(now, way.unwrap_or(&mut Offline));
        let mut links = links.borrow_mut();
        links.network.poll();

        let next = earliest(self.site.next_deadline(now, None), self.device.next_deadline());
        let next = if self.device.is_sensing() { Some(now.monotonic) } else { next };
        // What has just come is looked at first, and that nothing will come any more.
        if !online || links.has_record().is_ok_and(|has| !has) {
            links.network.rest(earliest(next, until));
        }
    }
}

/// A wait that is shorter by up to a half, so that not all devices of an SSM come back at once.
fn shortened(pause: Duration) -> Duration {
    let half = pause.as_micros() / 2;
    let cut = u128::from(random::number()) % (half + 1);
    pause.saturating_sub(Duration::from_micros(u64::try_from(cut).unwrap_or(0)))
}

/// There is no connection.
struct Offline;

impl Transport for Offline {
    fn resolve(&mut self, _service: &str, _endpoint: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, _to: &Address, _flow: u8, _octets: &[u8]) -> Result<(), SendError> {
        Err(SendError::Unreachable)
    }
}

/// The way out by a connection. It knows no value that only its two ends know, for this TLS
/// exports none: the device proves itself by signing what the SSM asks it to.
struct Way<'w, 't> {
    tls: &'w mut Tls<'t>,
    links: &'static RefCell<Links>,
    frame: &'w mut [u8; FRAME_MAX],
    broken: Option<TlsError>,
}

impl Transport for Way<'_, '_> {
    fn resolve(&mut self, _service: &str, _endpoint: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, _to: &Address, _flow: u8, octets: &[u8]) -> Result<(), SendError> {
        if self.broken.is_some() {
            return Err(SendError::Unreachable);
        }
        let frame = frame(octets, self.frame).ok_or(SendError::TooLong)?;
        // All of the record, or nothing: it is not waited for.
        if self.links.borrow_mut().room() < frame.len() + TLS_RECORD_OVERHEAD {
            return Err(SendError::Busy);
        }
        self.tls.write(frame).and_then(|_| self.tls.flush()).map_err(|error| {
            self.broken = Some(error);
            SendError::Unreachable
        })
    }
}

//! What a board is told when it starts. A post has it in flash; in QEMU it is the
//! command line of semihosting: words `name=value`.

use core::fmt::Display;

use heapless::String;
use semihosting::experimental::env;

/// The settings of a post.
pub struct Settings {
    /// The device ID.
    pub device: String<32>,
    /// Which start of the board this is: more than at any start before.
    pub boot: u32,
    /// How many times as fast as its timer the board's clock runs. 1 but where a
    /// week is to be over soon.
    pub speed: u32,
    /// The ports of the configuration server and of the time server on the host.
    pub server: u16,
    pub time: u16,
    /// The ports for MPDUs and messages: of the board, and of the host that forwards
    /// them to it.
    pub mams: u16,
    pub aams: u16,
}

/// Why there are no settings.
pub enum Fault {
    /// The command line cannot be had.
    Unreadable,
    /// This word is not of the form, or not of a setting.
    Word(String<48>),
    /// This setting is missing, and cannot be guessed.
    Missing(&'static str),
}

impl Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unreadable => f.write_str("the command line cannot be read"),
            Self::Word(word) => write!(f, "`{word}` is not a setting"),
            Self::Missing(name) => {
                write!(f, "say {name}=…, with -semihosting-config …,arg={name}=…")
            }
        }
    }
}

impl Settings {
    /// Reads them.
    pub fn read() -> Result<Self, Fault> {
        let mut settings =
            Self { device: String::new(), boot: 1, speed: 1, server: 0, time: 0, mams: 0, aams: 0 };
        let arguments = env::args::<256>().map_err(|_| Fault::Unreadable)?;
        // The first is the name of the program.
        for word in (&arguments).skip(1) {
            let word = word.map_err(|_| Fault::Unreadable)?;
            settings.note(word).ok_or_else(|| Fault::Word(shown(word)))?;
        }
        settings.complete()
    }

    fn note(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=')?;
        match name {
            "device" => self.device = String::try_from(value).ok()?,
            "boot" => self.boot = value.parse().ok()?,
            "speed" => self.speed = value.parse().ok().filter(|speed| (1..=120).contains(speed))?,
            "server" => self.server = value.parse().ok()?,
            "time" => self.time = value.parse().ok()?,
            "mams" => self.mams = value.parse().ok()?,
            "aams" => self.aams = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }

    fn complete(self) -> Result<Self, Fault> {
        if self.device.is_empty() {
            return Err(Fault::Missing("device"));
        }
        let ports = [
            (self.server, "server"),
            (self.time, "time"),
            (self.mams, "mams"),
            (self.aams, "aams"),
        ];
        match ports.iter().find(|(port, _)| *port == 0) {
            Some((_, name)) => Err(Fault::Missing(name)),
            None => Ok(self),
        }
    }
}

/// As much of a word as fits.
fn shown(word: &str) -> String<48> {
    let mut shown = String::new();
    for character in word.chars() {
        if shown.push(character).is_err() {
            break;
        }
    }
    shown
}

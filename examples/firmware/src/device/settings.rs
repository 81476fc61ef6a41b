//! What a board is told when it starts. A post has it in flash; in QEMU it is the
//! command line of semihosting: words `name=value`.

use defmt::error;
use heapless::String;
use semihosting::experimental::env;

/// The settings of a post, and those of its link.
pub struct Settings<L> {
    /// The device ID.
    pub device: String<32>,
    /// Which start of the board this is: more than at any start before.
    pub boot: u32,
    /// How many times as fast as its timer the board's clock runs. 1 but where a
    /// week is to be over soon.
    pub speed: u32,
    /// The port of the time server on the host.
    pub time: u16,
    /// Of its link.
    pub link: L,
}

/// Settings of a link.
pub trait Link: Default {
    /// Takes the value of a setting. `None` if there is no such setting, or it cannot be that.
    fn note(&mut self, name: &str, value: &str) -> Option<()>;

    /// A setting that is missing, and cannot be guessed.
    fn missing(&self) -> Option<&'static str>;
}

impl<L: Link> Settings<L> {
    /// Reads them. `None` where they are not as they must be, which the log tells.
    pub fn read() -> Option<Self> {
        let mut settings =
            Self { device: String::new(), boot: 1, speed: 1, time: 0, link: L::default() };
        let Ok(arguments) = env::args::<256>() else {
            error!("settings: the command line cannot be read");
            return None;
        };
        // The first is the name of the program.
        for word in (&arguments).skip(1) {
            let word = word.unwrap_or("what is no text");
            if settings.note(word).is_none() {
                error!("settings: `{=str}` is not a setting", word);
                return None;
            }
        }
        if let Some(name) = settings.missing().or_else(|| settings.link.missing()) {
            error!("settings: say {=str}=…, with -semihosting-config …,arg={=str}=…", name, name);
            return None;
        }
        Some(settings)
    }

    fn note(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=')?;
        match name {
            "device" => self.device = String::try_from(value).ok()?,
            "boot" => self.boot = number(value.as_bytes())?,
            "speed" => {
                self.speed = number(value.as_bytes()).filter(|speed| (1..=120).contains(speed))?;
            }
            "time" => self.time = port(value)?,
            _ => self.link.note(name, value)?,
        }
        Some(())
    }

    fn missing(&self) -> Option<&'static str> {
        match () {
            () if self.device.is_empty() => Some("device"),
            () if self.time == 0 => Some("time"),
            () => None,
        }
    }
}

/// A number in decimal digits.
pub fn number(digits: &[u8]) -> Option<u32> {
    let mut number = None;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = Some(number.unwrap_or(0_u32).checked_mul(10)?.checked_add(digit.into())?);
    }
    number
}

/// The number of a port.
pub fn port(digits: &str) -> Option<u16> {
    u16::try_from(number(digits.as_bytes())?).ok()
}

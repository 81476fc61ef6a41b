//! How a module is reached (735.1-B-1 5.1.5.2, 5.1.5.6 to 5.1.5.9).
//!
//! ```text
//! contact summary      | MAMS endpoint name, NUL | delivery vector list |
//! delivery vector list | count 8 | delivery vector … |
//! delivery vector      | number 4 | count 4 | name , name … NUL |      name: service=endpoint
//! ```

use core::fmt;

use crate::ams::pdu::decoding::Decoder;
use crate::ams::pdu::{Malformed, PduRule};
use crate::wire::{Encode, NoSpace, Writer};

/// The most characters of a transport service name (5.1.5.6).
const MAX_SERVICE: usize = 15;
/// The most characters of a transport service endpoint name (5.1.5.6).
const MAX_ENDPOINT: usize = 63;

/// A MAMS endpoint name: 1 to 63 printable ASCII characters, in the namespace of
/// the primary transport service (5.1.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EndpointName<'a>(Text<'a>);

impl<'a> EndpointName<'a> {
    /// The most characters.
    pub const MAX_LEN: usize = MAX_ENDPOINT;

    /// That of an entity without Meta-AMS, who says it to nobody.
    pub(in crate::ams) const NONE: Self = Self(Text::EMPTY);

    /// The endpoint name `text`.
    ///
    /// # Errors
    /// [`Malformed`] when it is empty, too long, or not printable ASCII.
    pub fn new(text: &'a str) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(text.as_bytes());
        let text = Text::whole(&mut decoder);
        text.limit(MAX_ENDPOINT, 0, &mut decoder);
        decoder.finish(Self(text))
    }

    pub(super) fn split(from: &mut Decoder<'a>) -> Self {
        Self(Text::split(from, MAX_ENDPOINT))
    }

    /// The name that has been checked, and the NUL behind it.
    pub(super) const fn checked(octets: &'a [u8]) -> Self {
        match octets {
            [text @ .., _] => Self(Text(text)),
            [] => Self(Text(octets)),
        }
    }

    /// The name without its first two octets, which are a number before it, and these.
    pub(super) const fn behind_number(self) -> (u16, Self) {
        match self.0.0 {
            [high, low, text @ ..] => (u16::from_be_bytes([*high, *low]), Self(Text(text))),
            _ => (0, self),
        }
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0.as_str()
    }

    /// The octets of the text.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0.0
    }
}

impl fmt::Display for EndpointName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Encode for EndpointName<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.octets(self.0.0)?;
        to.u8(0)
    }
}

/// A delivery point name, `service=endpoint` (5.1.5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DeliveryPoint<'a> {
    /// The name of the transport service, 1 to 15 characters.
    pub service: &'a str,
    /// The name of the endpoint in its namespace, 1 to 63 characters.
    pub endpoint: &'a str,
}

impl<'a> DeliveryPoint<'a> {
    /// Reads a delivery point name.
    ///
    /// # Errors
    /// [`Malformed`] when the equals sign or a part is missing, a part is too
    /// long, a character is not printable ASCII, or there is a comma.
    pub fn new(name: &'a str) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(name.as_bytes());
        let text = Text::whole(&mut decoder);
        if text.0.contains(&b',') {
            decoder.fail(PduRule::DeliveryPointName, 0, 0x2c, 0x3d);
        }
        let (service, endpoint) = halves(text.0);
        Self::judge(service, endpoint, 0, &mut decoder);
        decoder.finish(())?;
        Self::read(name).ok_or(Malformed::new(PduRule::DeliveryPointName, 0, 0, 1))
    }

    /// Judges a name that stands at `at` of the datagram.
    fn judge(service: &[u8], endpoint: &[u8], at: usize, decoder: &mut Decoder<'_>) {
        let (service, endpoint) = (service.len(), endpoint.len());
        let (rule, value, against) = if service == 0 || endpoint == 0 {
            (PduRule::DeliveryPointName, 0, 1)
        } else if service > MAX_SERVICE {
            (PduRule::ServiceNameTooLong, service, MAX_SERVICE)
        } else if endpoint > MAX_ENDPOINT {
            (PduRule::EndpointNameTooLong, endpoint, MAX_ENDPOINT)
        } else {
            return;
        };
        decoder.fail(rule, at, value, against);
    }

    /// Takes a name apart that has been checked.
    fn read(name: &'a str) -> Option<Self> {
        let equals = name.bytes().position(|octet| octet == b'=')?;
        let service = name.get(..equals)?;
        let endpoint = name.get(equals.saturating_add(1)..)?;
        Some(Self { service, endpoint })
    }
}

impl fmt::Display for DeliveryPoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.service, self.endpoint)
    }
}

/// A delivery vector: the delivery points of one service mode, most preferred
/// first (5.1.5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryVector<'a> {
    number: u8,
    count: u8,
    names: Text<'a>,
}

impl<'a> DeliveryVector<'a> {
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn split(from: &mut Decoder<'a>) -> Self {
        let at = from.offset();
        let head = from.u8(PduRule::DeliveryVectorTruncated);
        let mut vector = Self { number: head >> 4, count: head & 0x0f, names: Text::EMPTY };
        // Without names there is no NUL behind the last of them.
        if vector.count > 0 {
            vector.names = Text::split(from, usize::MAX);
            if from.is_first() {
                vector.check(at, from);
            }
        }
        vector
    }

    fn check(&self, at: usize, decoder: &mut Decoder<'_>) {
        let mut place = at.wrapping_add(1);
        let mut found = 0_usize;
        for (service, endpoint) in self.names() {
            DeliveryPoint::judge(service, endpoint, place, decoder);
            // The equals sign, and the comma or the NUL.
            let signs = 2_usize;
            place =
                place.wrapping_add(service.len()).wrapping_add(endpoint.len()).wrapping_add(signs);
            found = found.wrapping_add(1);
        }
        let stated = usize::from(self.count);
        if found != stated {
            decoder.fail(PduRule::DeliveryVectorCount, at, stated, found);
        }
    }

    /// The delivery vector number, 0 to 15.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// How many delivery points there are, 0 to 15.
    #[must_use]
    pub const fn len(&self) -> u8 {
        self.count
    }

    /// Whether there are no delivery points.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The names of the delivery points as octets, most preferred first: the service, and
    /// the endpoint in its namespace. All are printable ASCII characters; who has no use
    /// for text is spared the code of the check that makes a `str` of them.
    pub fn names(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        Names((!self.names.0.is_empty()).then_some(self.names.0))
    }

    /// The delivery points, most preferred first.
    pub fn points(&self) -> impl Iterator<Item = DeliveryPoint<'a>> + Clone + use<'a> {
        let mut rest = self.names.as_str();
        core::iter::from_fn(move || {
            while !rest.is_empty() {
                let comma = rest.bytes().position(|octet| octet == b',');
                let name = rest.get(..comma.unwrap_or(rest.len())).unwrap_or_default();
                rest = rest.get(name.len().saturating_add(1)..).unwrap_or_default();
                if let Some(point) = DeliveryPoint::read(name) {
                    return Some(point);
                }
            }
            None
        })
    }
}

/// Names that commas part.
#[derive(Clone)]
struct Names<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Names<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = cut(self.0?, b',');
        self.0 = rest;
        Some(halves(name))
    }
}

/// What stands before the first equals sign, and what behind it.
fn halves(name: &[u8]) -> (&[u8], &[u8]) {
    let (service, endpoint) = cut(name, b'=');
    (service, endpoint.unwrap_or_default())
}

/// What stands before the first `sign`, and what behind it if there is one.
#[cfg_attr(not(feature = "std"), inline(never))]
fn cut(octets: &[u8], sign: u8) -> (&[u8], Option<&[u8]>) {
    let place = octets.iter().position(|&octet| octet == sign);
    match place.and_then(|place| octets.split_at_checked(place)) {
        Some((before, behind)) => (before, behind.get(1..)),
        None => (octets, None),
    }
}

/// A delivery vector list (5.1.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryVectorList<'a>(&'a [u8]);

impl<'a> DeliveryVectorList<'a> {
    pub(super) const fn octets(&self) -> &'a [u8] {
        self.0
    }

    fn split(from: &mut Decoder<'a>) -> Self {
        let ahead = from.ahead();
        for _ in 0..from.u8(PduRule::DeliveryVectorTruncated) {
            DeliveryVector::split(from);
        }
        Self(from.since(ahead))
    }

    /// How many delivery vectors there are.
    #[must_use]
    pub const fn len(&self) -> u8 {
        match self.0 {
            [count, ..] => *count,
            [] => 0,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The delivery vectors, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = DeliveryVector<'a>> + Clone + use<'a> {
        let mut from = Decoder::again(self.0.get(1..).unwrap_or_default());
        (0..self.len()).map(move |_| DeliveryVector::split(&mut from))
    }
}

impl Encode for DeliveryVectorList<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.octets(self.0)
    }
}

/// A contact summary: where a module receives MPDUs and messages (5.1.5.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactSummary<'a> {
    /// The MAMS endpoint name.
    pub endpoint: EndpointName<'a>,
    /// The delivery vector list.
    pub delivery_vectors: DeliveryVectorList<'a>,
}

impl<'a> ContactSummary<'a> {
    /// Reads a contact summary that is all of `octets`.
    ///
    /// # Errors
    /// [`Malformed`] when it is ill-formed.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(octets);
        let contact = Self::split(&mut decoder);
        decoder.end(PduRule::SupplementTrailing);
        decoder.finish(contact)
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn split(from: &mut Decoder<'a>) -> Self {
        Self {
            endpoint: EndpointName::split(from),
            delivery_vectors: DeliveryVectorList::split(from),
        }
    }

    /// One that has been checked and is all of `octets`.
    pub(super) fn checked(octets: &'a [u8]) -> Self {
        let (name, rest) = cut(octets, 0);
        let delivery_vectors = DeliveryVectorList(rest.unwrap_or_default());
        Self { endpoint: EndpointName(Text(name)), delivery_vectors }
    }
}

impl Encode for ContactSummary<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        self.endpoint.encode(to)?;
        self.delivery_vectors.encode(to)
    }
}

/// A delivery vector to write: its number, 0 to 15, and 1 to 15 delivery points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryVectorValues<'a> {
    /// The delivery vector number, 0 to 15.
    pub number: u8,
    /// The delivery points, most preferred first.
    pub points: &'a [DeliveryPoint<'a>],
}

impl Encode for DeliveryVectorValues<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let Ok(count @ ..16) = u8::try_from(self.points.len()) else {
            return Err(NoSpace::new(self.points.len(), 15));
        };
        to.u8(self.number << 4 | count)?;
        for (index, point) in self.points.iter().enumerate() {
            if index > 0 {
                to.u8(b',')?;
            }
            to.octets(point.service.as_bytes())?;
            to.u8(b'=')?;
            to.octets(point.endpoint.as_bytes())?;
        }
        if count == 0 { Ok(()) } else { to.u8(0) }
    }
}

/// A contact summary to write, with at most 255 delivery vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactSummaryValues<'a> {
    /// The MAMS endpoint name.
    pub endpoint: EndpointName<'a>,
    /// The delivery vectors.
    pub delivery_vectors: &'a [DeliveryVectorValues<'a>],
}

impl Encode for ContactSummaryValues<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        self.endpoint.encode(to)?;
        let Ok(count) = u8::try_from(self.delivery_vectors.len()) else {
            return Err(NoSpace::new(self.delivery_vectors.len(), 255));
        };
        to.u8(count)?;
        self.delivery_vectors.iter().try_for_each(|vector| vector.encode(to))
    }
}

/// Text of at least one character, all printable ASCII (5.1.5.1).
///
/// It is kept as octets, and becomes a `str` for whoever reads it: most of what
/// is received is never read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    const EMPTY: Self = Self(&[]);

    /// All the octets.
    fn whole(from: &mut Decoder<'a>) -> Self {
        let octets = from.ahead();
        let length = printable_run(octets);
        if octets.is_empty() {
            from.fail(PduRule::StringEmpty, 0, 0, 1);
        } else if length < octets.len() {
            Self::fail(from, length);
        }
        Self(octets)
    }

    /// The octets before the NUL that ends a string, an endpoint name of at most `most`.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn split(from: &mut Decoder<'a>, most: usize) -> Self {
        let at = from.offset();
        let octets = from.ahead();
        let length = printable_run(octets);
        if length == 0 || octets.get(length) != Some(&0) {
            Self::fail(from, length);
        }
        let text = Self(from.octets(length, PduRule::StringUnterminated));
        // The NUL.
        from.octets(1, PduRule::StringUnterminated);
        text.limit(most, at, from);
        text
    }

    /// The text, which stands at `at`, may have `most` characters.
    fn limit(self, most: usize, at: usize, decoder: &mut Decoder<'_>) {
        if self.0.len() > most {
            decoder.fail(PduRule::EndpointNameTooLong, at, self.0.len(), most);
        }
    }

    /// Tells what is wrong with the text that goes well for `length` octets.
    #[cold]
    #[inline(never)]
    fn fail(from: &mut Decoder<'_>, length: usize) {
        let at = from.offset();
        match from.ahead().get(length) {
            Some(&odd) if odd > 0 || length > 0 => {
                let place = at.wrapping_add(length);
                from.fail(PduRule::StringNotText, place, usize::from(odd), 0x7e);
            }
            Some(_) => from.fail(PduRule::StringEmpty, at, 0, 1),
            // One more than there is: the NUL.
            None => from.short(PduRule::StringUnterminated, length.saturating_add(1)),
        }
    }

    const fn as_str(self) -> &'a str {
        match core::str::from_utf8(self.0) {
            Ok(text) => text,
            // Not reached: what has been checked is ASCII.
            Err(_) => "",
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Text<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        self.as_str().format(f);
    }
}

/// How many octets there are before the first that is no printable ASCII
/// character. Hosts look at four at a time.
fn printable_run(octets: &[u8]) -> usize {
    if !cfg!(feature = "std") {
        return octets.iter().take_while(|octet| (0x20..0x7f).contains(*octet)).count();
    }
    let (words, rest) = octets.as_chunks::<4>();
    let mut run = 0_usize;
    for &word in words {
        let odd = not_printable(u32::from_le_bytes(word));
        if odd != 0 {
            let octet = odd.trailing_zeros() >> 3;
            return run.saturating_add(usize::try_from(octet).unwrap_or_default());
        }
        run = run.saturating_add(4);
    }
    run.saturating_add(rest.iter().take_while(|octet| (0x20..0x7f).contains(*octet)).count())
}

/// Bit 7 of the first of four octets that is not in 0x20 to 0x7e, and perhaps of
/// some behind it: a borrow or a carry goes that way.
const fn not_printable(octets: u32) -> u32 {
    let below = octets.wrapping_sub(0x2020_2020);
    let above = octets.wrapping_add(0x0101_0101);
    (octets | below | above) & 0x8080_8080
}

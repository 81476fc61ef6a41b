//! The sections of a device, one after the other in octets of the caller's.
//!
//! An entry is 2 octets of length, 4 of revision, 1 of state, and the section in
//! postcard. Entries lie in the order of their keys. Looking one up, adding and
//! removing take time in proportion to the octets, a few hundred of them.

use core::fmt;

use super::{
    Analyser, SECTION_MAX, Section, SectionKey, SectionKind, Sensor, Unsound, check_octets, shape,
};
use crate::scos::coding::coded;
use crate::scos::decoding::{Decoder, take};
use crate::scos::encoding::{Encode, Encoder, encode};

/// Octets of an entry before its section.
const HEAD: usize = 7;

/// Room for the metadata of one device at an SSM: some fifteen sections of usual
/// length. There is always room for an analyser and a sensor, without which nothing can
/// be booked.
#[derive(Clone)]
pub struct DeviceMetadata {
    octets: [u8; Self::OCTETS],
    used: u16,
}

impl DeviceMetadata {
    /// Octets of room.
    pub const OCTETS: usize = 2_048;

    /// Nothing in it.
    pub const EMPTY: Self = Self { octets: [0; Self::OCTETS], used: 0 };

    /// What is in it.
    #[must_use]
    pub fn metadata(&self) -> Metadata<'_> {
        Metadata::of(&self.octets, self.used)
    }

    pub(crate) const fn store(&mut self) -> Store<'_> {
        Store { octets: &mut self.octets, used: &mut self.used }
    }
}

impl Default for DeviceMetadata {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Debug for DeviceMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.metadata().fmt(f)
    }
}

/// Why a section is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SectionError {
    /// A value is out of its range.
    Unsound(Unsound),
    /// There is no room.
    Full,
}

impl fmt::Display for SectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsound(what) => what.fmt(f),
            Self::Full => f.write_str("there is no room for another section"),
        }
    }
}

impl core::error::Error for SectionError {}

impl From<Unsound> for SectionError {
    fn from(what: Unsound) -> Self {
        Self::Unsound(what)
    }
}

/// The metadata of a device, as far as they are known.
#[derive(Clone, Copy, Default)]
pub struct Metadata<'a>(&'a [u8]);

impl<'a> Metadata<'a> {
    /// The sections, in the order of their keys.
    pub fn sections(&self) -> impl Iterator<Item = Section<'a>> + Clone + use<'a> {
        self.entries().filter_map(|entry| entry.section())
    }

    /// The section of this kind and number.
    #[must_use]
    pub fn get(&self, kind: SectionKind, index: u8) -> Option<Section<'a>> {
        let key = Some(SectionKey { kind, index });
        self.entries().find(|entry| entry.key() == key)?.section()
    }

    /// What is said of the analyser.
    #[must_use]
    pub fn analyser(&self) -> Option<Analyser<'a>> {
        match self.get(SectionKind::Analyser, 0)? {
            Section::Analyser(analyser) => Some(analyser),
            _ => None,
        }
    }

    /// What is said of the device as a whole. It comes when all else is there.
    #[must_use]
    pub fn sensor(&self) -> Option<Sensor<'a>> {
        match self.get(SectionKind::Sensor, 0)? {
            Section::Sensor(sensor) => Some(sensor),
            _ => None,
        }
    }

    /// Whether all has been said that scans are judged by.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.analyser().is_some() && self.sensor().is_some()
    }

    /// Those in the first `used` octets of a store.
    pub(crate) fn of(octets: &'a [u8], used: u16) -> Self {
        Self(octets.get(..used.into()).unwrap_or_default())
    }

    /// Whether a section is to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        self.entries().any(|entry| entry.state == State::Unsent)
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'a>> + Clone + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let entry = Entry::first(rest)?;
            rest = rest.get(entry.size()..)?;
            Some(entry)
        })
    }
}

impl fmt::Debug for Metadata<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sections()).finish()
    }
}

/// A section as it is kept.
#[derive(Clone, Copy)]
struct Entry<'a> {
    revision: u32,
    state: State,
    section: &'a [u8],
}

/// What the peer has said of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unsent,
    Acknowledged,
}

impl<'a> Entry<'a> {
    fn first(octets: &'a [u8]) -> Option<Self> {
        let (&[a, b, c, d, e, f, state], rest) = octets.split_first_chunk::<HEAD>()?;
        let length = usize::from(u16::from_le_bytes([a, b]));
        let state = if state == 0 { State::Unsent } else { State::Acknowledged };
        let revision = u32::from_le_bytes([c, d, e, f]);
        Some(Self { revision, state, section: rest.get(..length)? })
    }

    fn section(&self) -> Option<Section<'a>> {
        take(self.section).map(|(section, _)| section)
    }

    fn key(&self) -> Option<SectionKey> {
        KeptSection(self.section).key()
    }

    const fn size(&self) -> usize {
        HEAD.saturating_add(self.section.len())
    }
}

/// A section as it is kept, which is how it stands in a message. Who says it need not
/// read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptSection<'a>(&'a [u8]);

impl KeptSection<'_> {
    pub(crate) fn is_sensor(&self) -> bool {
        self.key() == Some(SectionKey::SENSOR)
    }

    /// Its number comes first, and an index next where there is one.
    fn key(&self) -> Option<SectionKey> {
        let (&number, rest) = self.0.split_first()?;
        let kind = *SectionKind::ALL.get(usize::from(number))?;
        let index = if kind.is_one_of_several() { *rest.first()? } else { 0 };
        Some(SectionKey { kind, index })
    }
}

impl Encode for KeptSection<'_> {
    fn write(&self, to: &mut Encoder<'_>) {
        to.octets(self.0);
    }
}

/// The sections of a device, to change them.
#[derive(Debug)]
pub(crate) struct Store<'s> {
    octets: &'s mut [u8],
    used: &'s mut u16,
}

impl<'s> Store<'s> {
    pub(crate) const fn new(octets: &'s mut [u8], used: &'s mut u16) -> Self {
        Self { octets, used }
    }

    pub(crate) fn metadata(&self) -> Metadata<'_> {
        Metadata::of(self.octets, *self.used)
    }

    /// Forgets all.
    pub(crate) const fn clear(&mut self) {
        *self.used = 0;
    }

    /// Whether this very section is kept.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn says(&self, section: &Section<'_>) -> bool {
        let mut scratch = [0; SECTION_MAX];
        let octets: &[u8] = encode(section, &mut scratch).unwrap_or_default();
        let kept = KeptSection(octets).key().and_then(|key| self.find(key));
        kept.is_some_and(|(_, entry)| entry.section == octets)
    }

    /// Keeps a section under a revision, in place of the one of its key, to be sent.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn put(&mut self, section: &Section<'_>, revision: u32) -> Result<(), SectionError> {
        let mut scratch = [0; SECTION_MAX];
        let octets: &[u8] = encode(section, &mut scratch).map_err(|_| Unsound::Text)?;
        check_octets(octets)?;
        let key = KeptSection(octets).key().ok_or(SectionError::Full)?;
        let before = self.find(key);
        let freed = before.map_or(0, |(_, entry)| entry.size());
        let size = HEAD.saturating_add(octets.len());
        let used = usize::from(*self.used).saturating_sub(freed).saturating_add(size);
        if used.saturating_add(self.reserve(key)) > self.octets.len() {
            return Err(SectionError::Full);
        }
        if let Some(at) = before.map(|(at, _)| at) {
            self.close(at, freed);
        }
        let at = self.place(key);
        self.open(at, size);
        let [c, d, e, f] = revision.to_le_bytes();
        let [a, b] = u16::try_from(octets.len()).unwrap_or(u16::MAX).to_le_bytes();
        let head = [a, b, c, d, e, f, 0];
        let room = self.octets.iter_mut().skip(at);
        for (to, from) in room.zip(head.iter().chain(octets)) {
            *to = *from;
        }
        Ok(())
    }

    /// The revision of a section.
    pub(crate) fn revision(&self, key: SectionKey) -> Option<u32> {
        self.find(key).map(|(_, entry)| entry.revision)
    }

    /// The peer has this revision of a section. Returns whether that was to be sent.
    pub(crate) fn acknowledge(&mut self, key: SectionKey, revision: u32) -> bool {
        let found = self.find(key);
        let open =
            found.filter(|(_, entry)| entry.revision == revision && entry.state == State::Unsent);
        let Some((at, _)) = open else { return false };
        self.mark(at, 1);
        true
    }

    /// All sections are to be sent, under this revision: what was acknowledged before is not.
    pub(crate) fn hurry(&mut self, revision: u32) {
        let mut at = 0_usize;
        while let Some(entry) = self.octets.get(at..usize::from(*self.used)).and_then(Entry::first)
        {
            let size = entry.size();
            self.mark(at, 0);
            let room = self.octets.iter_mut().skip(at.saturating_add(2));
            room.zip(revision.to_le_bytes()).for_each(|(to, from)| *to = from);
            at = at.saturating_add(size);
        }
    }

    /// The sections to be sent now, with their revisions: the sensor when it is the
    /// last.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = (u32, KeptSection<'_>)> {
        let open = self.metadata().entries().filter(|entry| entry.state == State::Unsent);
        let open = open.map(|entry| (entry.revision, KeptSection(entry.section)));
        let alone = open.clone().all(|(_, section)| section.is_sensor());
        open.filter(move |(_, section)| alone || !section.is_sensor())
    }

    /// Octets that are kept free for the sections nothing works without.
    fn reserve(&self, key: SectionKey) -> usize {
        let needed = |other: &&SectionKey| **other != key && self.find(**other).is_none();
        [SectionKey::FIRST, SectionKey::SENSOR]
            .iter()
            .filter(needed)
            .map(|_| HEAD.saturating_add(SECTION_MAX))
            .sum()
    }

    fn find(&self, key: SectionKey) -> Option<(usize, Entry<'_>)> {
        let at = self.place(key);
        let entry = Entry::first(self.metadata().0.get(at..)?)?;
        (entry.key() == Some(key)).then_some((at, entry))
    }

    /// Where the first entry not before `key` begins.
    fn place(&self, key: SectionKey) -> usize {
        let before = self.metadata().entries().take_while(|entry| entry.key() < Some(key));
        before.map(|entry| entry.size()).sum()
    }

    fn mark(&mut self, at: usize, state: u8) {
        let octet = at.saturating_add(HEAD.saturating_sub(1));
        if let Some(to) = self.octets.get_mut(octet) {
            *to = state;
        }
    }

    /// Takes `size` octets out.
    fn close(&mut self, at: usize, size: usize) {
        let used = usize::from(*self.used).saturating_sub(size);
        for to in at..used {
            let from = self.octets.get(to.saturating_add(size)).copied();
            if let (Some(to), Some(from)) = (self.octets.get_mut(to), from) {
                *to = from;
            }
        }
        *self.used = u16::try_from(used).unwrap_or(u16::MAX);
    }

    /// Makes room for `size` octets, which there is.
    fn open(&mut self, at: usize, size: usize) {
        let used = usize::from(*self.used);
        for from in (at..used).rev() {
            let octet = self.octets.get(from).copied();
            if let (Some(to), Some(octet)) = (self.octets.get_mut(from.saturating_add(size)), octet)
            {
                *to = octet;
            }
        }
        *self.used = u16::try_from(used.saturating_add(size)).unwrap_or(u16::MAX);
    }
}

/// Some sections, in the octets they came in.
#[derive(Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sections<'a>(&'a [u8]);

impl<'a> Sections<'a> {
    /// The sections. It ends early at octets that are none, which a parsed message
    /// does not have.
    pub fn iter(&self) -> impl Iterator<Item = Section<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (section, after) = take(rest)?;
            rest = after;
            Some(section)
        })
    }

    /// Whether the octets are sound sections and nothing else, and no more than there
    /// is room for in a message.
    pub(crate) fn is_sound(&self) -> bool {
        if self.0.len() > SectionsBuffer::OCTETS {
            return false;
        }
        let mut from = Decoder::new(self.0);
        while from.rest().is_some_and(|rest| !rest.is_empty()) {
            if shape::walk(&mut from).is_err() {
                return false;
            }
        }
        from.rest().is_some()
    }
}

impl fmt::Debug for Sections<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Room for some sections in a message.
#[derive(Debug)]
pub struct SectionsBuffer {
    octets: [u8; Self::OCTETS],
    length: usize,
}

impl SectionsBuffer {
    /// Octets of room, enough for any section.
    pub const OCTETS: usize = 448;

    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { octets: [0; Self::OCTETS], length: 0 }
    }

    /// Appends a section. Returns whether it fitted.
    pub fn push(&mut self, section: &Section<'_>) -> bool {
        let Some(room) = self.octets.get_mut(self.length..) else { return false };
        let Ok(written) = encode(section, room) else { return false };
        self.length = self.length.saturating_add(written.len());
        true
    }

    /// The sections so far.
    #[must_use]
    pub fn sections(&self) -> Sections<'_> {
        Sections(self.octets.get(..self.length).unwrap_or_default())
    }
}

impl Default for SectionsBuffer {
    fn default() -> Self {
        Self::new()
    }
}

coded! {
    struct Sections<'a>: 0;
}

//! Capture files: pcap and pcapng to link frames.

use std::fs::File;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};

use crate::json::Fault;

/// Octets read at a time, and the room one block has at first and at most.
const CAPACITY: usize = 1 << 20;
const MAX_CAPACITY: usize = 1 << 26;

/// What was captured on a link.
pub(crate) struct Frame<'a> {
    /// When, where the file says so.
    pub(crate) time: Option<Timestamp>,
    /// The link type, by the registry of tcpdump.org.
    pub(crate) link: i32,
    pub(crate) octets: &'a [u8],
}

/// Gives `each` every frame of the file at `path`, and a fault where the file
/// itself is damaged.
pub(crate) fn read(
    path: &Path,
    each: &mut dyn FnMut(Result<Frame<'_>, Fault>) -> io::Result<()>,
) -> io::Result<()> {
    let named = |error: &dyn std::fmt::Display| {
        io::Error::other(format!("cannot read {}: {error}", path.display()))
    };
    let file = File::open(path).map_err(|error| named(&error))?;
    let mut reader = create_reader(CAPACITY, file).map_err(|error| named(&error))?;
    let mut context = Context::default();
    let mut capacity = CAPACITY;
    loop {
        match reader.next() {
            Ok((length, block)) => {
                context.block(&block, each)?;
                reader.consume(length);
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) => {
                reader.refill().map_err(|error| named(&error))?;
            }
            Err(PcapError::BufferTooSmall) if capacity < MAX_CAPACITY => {
                capacity *= 2;
                reader.grow(capacity);
                reader.refill().map_err(|error| named(&error))?;
            }
            Err(PcapError::ReadError) => return Err(named(&"a read failed")),
            Err(PcapError::UnexpectedEof) => {
                let message = "the file ends within a block";
                return each(Err(Fault::new("capture_truncated", message)));
            }
            Err(_) => {
                let message = "the file is damaged; what follows is lost";
                return each(Err(Fault::new("capture_damaged", message)));
            }
        }
    }
}

/// What earlier blocks say about later ones.
#[derive(Default)]
struct Context {
    interfaces: Vec<Interface>,
}

/// An interface of a capture: its link type and how its times count.
#[derive(Clone, Copy)]
struct Interface {
    link: i32,
    /// Units in a second.
    resolution: u128,
    /// Seconds to add.
    offset: i64,
}

impl Context {
    fn block(
        &mut self,
        block: &PcapBlockOwned<'_>,
        each: &mut dyn FnMut(Result<Frame<'_>, Fault>) -> io::Result<()>,
    ) -> io::Result<()> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let nanoseconds = header.is_nanosecond_precision();
                let resolution = if nanoseconds { 1_000_000_000 } else { 1_000_000 };
                let (link, offset) = (header.network.0 & 0xffff, 0);
                self.interfaces = vec![Interface { link, resolution, offset }];
                Ok(())
            }
            PcapBlockOwned::Legacy(packet) => {
                let time = |interface: Interface| {
                    let units = u128::from(packet.ts_sec) * interface.resolution;
                    interface.time(units + u128::from(packet.ts_usec))
                };
                self.frame(0, time, packet.data, each)
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                Ok(())
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                self.interfaces.push(Interface {
                    link: interface.linktype.0,
                    resolution: resolution(interface.if_tsresol),
                    offset: interface.if_tsoffset,
                });
                Ok(())
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let time = |interface: Interface| {
                    let units = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
                    interface.time(units)
                };
                self.frame(packet.if_id, time, packet.packet_data(), each)
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                self.frame(0, |_| None, packet.packet_data(), each)
            }
            PcapBlockOwned::NG(_) => Ok(()),
        }
    }

    fn frame(
        &self,
        interface: u32,
        time: impl Fn(Interface) -> Option<Timestamp>,
        octets: &[u8],
        each: &mut dyn FnMut(Result<Frame<'_>, Fault>) -> io::Result<()>,
    ) -> io::Result<()> {
        let index = usize::try_from(interface).unwrap_or(usize::MAX);
        let Some(&found) = self.interfaces.get(index) else {
            let message = format!("a packet is of interface {interface}, which is not described");
            return each(Err(Fault::new("unknown_interface", message)));
        };
        each(Ok(Frame { time: time(found), link: found.link, octets }))
    }
}

impl Interface {
    fn time(self, units: u128) -> Option<Timestamp> {
        let seconds = i64::try_from(units / self.resolution).ok()?.checked_add(self.offset)?;
        let nanoseconds = (units % self.resolution).checked_mul(1_000_000_000)? / self.resolution;
        Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()
    }
}

/// Units in a second: a power of ten, or of two where the top bit is set
/// (pcapng if_tsresol). What no clock has counts as microseconds.
fn resolution(code: u8) -> u128 {
    let exponent = u32::from(code & 0x7f);
    let base: u128 = if code & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(exponent).filter(|&units| units <= 1 << 64).unwrap_or(1_000_000)
}

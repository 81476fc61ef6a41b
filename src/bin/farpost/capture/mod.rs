//! PDUs in capture files.
//!
//! ```text
//! file.rs    pcap, pcapng            ->  link frames with their time
//! packet.rs  link, IP, UDP, TCP      ->  datagrams, segments, fragments
//! stream.rs  TCP segments, in order  ->  AAMS messages (length, message)
//! ```

mod file;
mod packet;
mod stream;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use crate::dissect::Report;
use crate::json::{Fault, Kind, Object};
use file::Frame;
use packet::{Contents, Packet, Reassembled, Reassembly};
use stream::{Found, Stream};

/// The most TCP connections that are followed at a time.
const MAX_STREAMS: usize = 4096;

/// Which kind of PDU goes to or comes from which port.
pub(crate) struct Ports(BTreeMap<u16, Kind>);

impl Ports {
    /// The ports of each kind.
    ///
    /// # Errors
    /// When a port is of two kinds.
    pub(crate) fn new(kinds: &[(Kind, &[u16])]) -> io::Result<Self> {
        let mut of = BTreeMap::new();
        for &(kind, ports) in kinds {
            for &port in ports {
                if of.insert(port, kind).is_some_and(|other| other != kind) {
                    return Err(io::Error::other(format!("port {port} is given for two kinds")));
                }
            }
        }
        Ok(Self(of))
    }

    /// The kind of what goes from one port to another. Where both are known, the
    /// receiver's says what it expects.
    fn kind(&self, source: SocketAddr, destination: SocketAddr) -> Option<Kind> {
        self.0.get(&destination.port()).or_else(|| self.0.get(&source.port())).copied()
    }
}

/// Reports all PDUs in the capture file at `path`.
pub(crate) fn dissect<W: Write>(
    path: &Path,
    ports: &Ports,
    report: &mut Report<W>,
) -> io::Result<()> {
    let mut capture = Capture {
        ports,
        report,
        fragments: Reassembly::default(),
        streams: HashMap::new(),
        foreign_links: Vec::new(),
    };
    file::read(path, &mut |frame| capture.frame(frame))?;
    capture.end()
}

/// What has been seen of a capture and is not complete yet.
struct Capture<'r, W> {
    ports: &'r Ports,
    report: &'r mut Report<W>,
    fragments: Reassembly,
    streams: HashMap<(SocketAddr, SocketAddr), Stream>,
    foreign_links: Vec<i32>,
}

impl<W: Write> Capture<'_, W> {
    fn frame(&mut self, frame: Result<Frame<'_>, Fault>) -> io::Result<()> {
        let frame = match frame {
            Ok(frame) => frame,
            Err(fault) => return self.report.fault(heading(None, None), fault),
        };
        match packet::internet(frame.link, frame.octets) {
            Some(Some(octets)) => self.internet(frame.time, octets),
            Some(None) => Ok(()),
            None => self.foreign(&frame),
        }
    }

    fn internet(&mut self, time: Option<Timestamp>, octets: &[u8]) -> io::Result<()> {
        match Packet::read(octets) {
            Ok(Some(Contents::Whole(packet))) => self.packet(time, &packet),
            Ok(Some(Contents::Fragment)) => match self.fragments.add(octets, time) {
                Ok(whole) => match whole.as_ref().and_then(Reassembled::packet) {
                    Some(packet) => self.packet(time, &packet),
                    None => Ok(()),
                },
                Err(fault) => self.report.fault(heading(time, None), fault),
            },
            Ok(None) => Ok(()),
            Err(fault) => self.report.fault(heading(time, None), fault),
        }
    }

    /// A frame of a link that is not known: said once for each link type.
    fn foreign(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        if self.foreign_links.contains(&frame.link) {
            return Ok(());
        }
        self.foreign_links.push(frame.link);
        let message = format!("link type {} is not supported; its frames are left out", frame.link);
        self.report.fault(heading(frame.time, None), Fault::new("unknown_link_type", message))
    }

    fn packet(&mut self, time: Option<Timestamp>, packet: &Packet<'_>) -> io::Result<()> {
        let ends = (packet.source, packet.destination);
        let Some(kind) = self.ports.kind(packet.source, packet.destination) else {
            return Ok(());
        };
        if let Some(segment) = packet.segment {
            return match kind {
                Kind::Aams => self.segment(time, ends, segment, packet),
                _ => Ok(()),
            };
        }
        if packet.missing > 0 {
            return self.report.fault(with_kind(heading(time, Some(ends)), kind), cut(packet));
        }
        self.report.pdu(heading(time, Some(ends)), kind, packet.payload)
    }

    fn segment(
        &mut self,
        time: Option<Timestamp>,
        ends: (SocketAddr, SocketAddr),
        segment: packet::Segment,
        packet: &Packet<'_>,
    ) -> io::Result<()> {
        let object = || heading(time, Some(ends));
        if packet.missing > 0 {
            self.report.fault(with_kind(object(), Kind::Aams), cut(packet))?;
        }
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&ends) {
            self.streams.retain(|_, stream| !stream.is_closed());
        }
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&ends) {
            let fault = Fault::new("too_many_streams", format!("{MAX_STREAMS} are open already"));
            return self.report.fault(with_kind(object(), Kind::Aams), fault);
        }
        let stream = self.streams.entry(ends).or_default();
        stream.add(segment, packet.payload);
        tell(stream, time, ends, self.report)
    }

    /// Reports what never became complete.
    fn end(self) -> io::Result<()> {
        for (time, fault) in self.fragments.incomplete() {
            self.report.fault(heading(time, None), fault)?;
        }
        let mut streams: Vec<_> = self.streams.into_iter().collect();
        streams.sort_by_key(|&(ends, _)| ends);
        for (ends, mut stream) in streams {
            stream.close();
            tell(&mut stream, None, ends, self.report)?;
        }
        Ok(())
    }
}

/// Reports what a stream has found.
fn tell<W: Write>(
    stream: &mut Stream,
    time: Option<Timestamp>,
    ends: (SocketAddr, SocketAddr),
    report: &mut Report<W>,
) -> io::Result<()> {
    while let Some(found) = stream.find() {
        let object = heading(time, Some(ends));
        match found {
            Found::Message(octets) => report.pdu(object, Kind::Aams, &octets)?,
            Found::Fault(fault) => report.fault(with_kind(object, Kind::Aams), fault)?,
        }
    }
    Ok(())
}

/// When and between whom; null where it is not known.
fn heading(time: Option<Timestamp>, ends: Option<(SocketAddr, SocketAddr)>) -> Object {
    let text = |text: Option<String>| text.map_or(Value::Null, Value::String);
    Object::from_iter([
        ("time".to_owned(), text(time.map(|time| format!("{time:.6}")))),
        ("source".to_owned(), text(ends.map(|(source, _)| source.to_string()))),
        ("destination".to_owned(), text(ends.map(|(_, destination)| destination.to_string()))),
    ])
}

fn with_kind(mut object: Object, kind: Kind) -> Object {
    object.insert("kind".into(), kind.name().into());
    object
}

fn cut(packet: &Packet<'_>) -> Fault {
    let message = format!(
        "{} octets of the payload are in the capture, {} are not",
        packet.payload.len(),
        packet.missing
    );
    Fault::new("packet_truncated", message)
}

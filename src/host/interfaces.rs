//! The network interfaces of a host with Linux, as metrics of the southbound interface.

use std::borrow::ToOwned;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use crate::southbound::messages::{IfOperStatus, StandardInterfaceStatistics, Timestamp};
use crate::southbound::protobuf::Described;
use crate::southbound::telemetry::CounterEpoch;

/// What of an interface was read at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Whether it is up, as it says itself.
    pub state: IfOperStatus,
    /// All that it counts: 24 of the 25 counters there are. Linux tells
    /// `rx_otherhost_dropped`, and old kernels others, by other ways than this; they are
    /// not there.
    pub statistics: StandardInterfaceStatistics,
}

/// The interfaces in a directory such as `/sys/class/net`, and since when each counts.
#[derive(Debug)]
pub struct Interfaces {
    directory: PathBuf,
    booted: Timestamp,
    /// `None` before the first reading: what is there then may have been since the start of
    /// the system. What comes later counts since it was not there yet.
    read_at: Option<Timestamp>,
    epochs: BTreeMap<String, CounterEpoch>,
}

impl Interfaces {
    /// The interfaces of this system.
    ///
    /// # Errors
    /// When the system does not say when it was started.
    pub fn of_system() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let seconds =
            text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
        let seconds = seconds.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "/proc/stat has no time of the start")
        })?;
        Ok(Self::new(Path::new("/sys/class/net"), Timestamp { seconds, nanos: 0 }))
    }

    /// The interfaces in a directory of a system that was started at a time.
    #[must_use]
    pub fn new(directory: &Path, booted: Timestamp) -> Self {
        let directory = directory.to_owned();
        Self { directory, booted, read_at: None, epochs: BTreeMap::new() }
    }

    /// What all interfaces say at a time, in the order of their names. One that goes away
    /// while it is read is not among them.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn read(&mut self, time: Timestamp) -> io::Result<Vec<Interface>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            // Names of interfaces are text in practice; others could not be told.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        self.epochs.retain(|name, _| names.contains(name));
        let since = self.read_at.replace(time).unwrap_or(self.booted);
        let mut interfaces = Vec::new();
        for name in names {
            let directory = self.directory.join(&name);
            let Some(counters) = counters(&directory.join("statistics")) else { continue };
            let epoch = self.epochs.entry(name.clone());
            let epoch = epoch.or_insert_with(|| CounterEpoch::new(since));
            let mut statistics =
                epoch.statistics(time, &counters.map(|counter| counter.unwrap_or_default()));
            let [.., rx_nohandler, rx_otherhost_dropped] = counters;
            if rx_nohandler.is_none() {
                statistics.rx_nohandler = None;
            }
            if rx_otherhost_dropped.is_none() {
                statistics.rx_otherhost_dropped = None;
            }
            let state = fs::read_to_string(directory.join("operstate")).unwrap_or_default();
            interfaces.push(Interface { name, state: state_of(state.trim()), statistics });
        }
        Ok(interfaces)
    }
}

/// The counters of an interface in the order of the fields of their message, whose names
/// are also those of the files; none where there is no interface.
fn counters(directory: &Path) -> Option<[Option<u64>; 25]> {
    let names = StandardInterfaceStatistics::TYPE.field_names();
    let names = names.iter().filter(|name| !matches!(**name, "start_time" | "time"));
    let mut counters = [None; 25];
    for (counter, name) in counters.iter_mut().zip(names) {
        *counter =
            fs::read_to_string(directory.join(name)).ok().and_then(|text| text.trim().parse().ok());
    }
    counters.iter().any(Option::is_some).then_some(counters)
}

/// The state in words of Linux, which are those of RFC 2863.
fn state_of(text: &str) -> IfOperStatus {
    match text {
        "up" => IfOperStatus::UP,
        "down" => IfOperStatus::DOWN,
        "testing" => IfOperStatus::TESTING,
        "dormant" => IfOperStatus::DORMANT,
        "notpresent" => IfOperStatus::NOT_PRESENT,
        "lowerlayerdown" => IfOperStatus::LOWER_LAYER_DOWN,
        _ => IfOperStatus::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp { seconds, nanos: 0 }
    }

    fn write(directory: &Path, name: &str, state: &str, counters: &[(&str, &str)]) {
        let interface = directory.join(name);
        fs::create_dir_all(interface.join("statistics")).unwrap();
        fs::write(interface.join("operstate"), state).unwrap();
        for (counter, value) in counters {
            fs::write(interface.join("statistics").join(counter), value).unwrap();
        }
    }

    #[test]
    fn counters_are_read_by_their_names_and_count_since_they_began() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let first = [
            ("rx_packets", "5\n"),
            ("tx_bytes", "18446744073709551615\n"),
            ("tx_window_errors", "7\n"),
        ];
        write(path, "eth0", "up\n", &first);
        // No interface, though it is here: a file of the bonding driver.
        fs::write(path.join("bonding_masters"), "").unwrap();
        let mut interfaces = Interfaces::new(path, at(1_000));

        let [eth0] = interfaces.read(at(2_000)).unwrap().try_into().unwrap();
        assert_eq!((eth0.name.as_str(), eth0.state), ("eth0", IfOperStatus::UP));
        let statistics = eth0.statistics;
        assert_eq!((statistics.start_time, statistics.time), (Some(at(1_000)), Some(at(2_000))));
        assert_eq!((statistics.rx_packets, statistics.tx_window_errors), (Some(5), Some(7)));
        assert_eq!(statistics.tx_bytes, Some(i64::MAX));
        assert_eq!((statistics.rx_nohandler, statistics.rx_otherhost_dropped), (None, None));

        // One more, and the first begins anew.
        write(path, "eth0", "lowerlayerdown\n", &[("rx_packets", "4\n")]);
        write(path, "eth1", "new words\n", &[("rx_nohandler", "1\n")]);
        let [eth0, eth1] = interfaces.read(at(3_000)).unwrap().try_into().unwrap();
        assert_eq!(eth0.state, IfOperStatus::LOWER_LAYER_DOWN);
        assert_eq!(eth0.statistics.start_time, Some(at(2_000)));
        assert_eq!(eth1.state, IfOperStatus::UNKNOWN);
        assert_eq!(
            (eth1.statistics.start_time, eth1.statistics.rx_nohandler),
            (Some(at(2_000)), Some(1))
        );

        fs::remove_dir_all(path.join("eth0")).unwrap();
        assert_eq!(interfaces.read(at(4_000)).unwrap().len(), 1);
        assert!(Interfaces::new(&path.join("none"), at(0)).read(at(1)).is_err());
    }

    #[test]
    fn this_system_has_interfaces() {
        let mut interfaces = Interfaces::of_system().unwrap();
        let read = interfaces.read(at(2_000_000_000)).unwrap();
        assert!(read.iter().all(|one| one.statistics.rx_bytes.is_some()), "{read:?}");
    }
}

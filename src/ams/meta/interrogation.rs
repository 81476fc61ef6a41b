//! Configuration server interrogation (735.1-B-1 4.2.2): asking one well-known
//! location after another until one answers.

use crate::ams::mib::Mib;
use crate::time::Instant;
use crate::transport::{Address, Transport};

/// Where an entity is in finding its configuration server.
///
/// | state | event | does | next |
/// |---|---|---|---|
/// | idle | `begin` | the owner sends its query to the location | asking |
/// | asking | `answered` | notes the location | known |
/// | asking | N1 passes | `begin` again, with the next location | asking |
/// | known | `forget` | keeps it as the first to try (4.2.2.1) | idle |
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::ams) struct Interrogation {
    /// Index in the MIB of the location that is asked, or is asked next.
    location: usize,
    /// The question that is open and when it will have failed.
    open: Option<(u32, Instant)>,
    /// The configuration server that answered last, while it is believed in.
    known: Option<Address>,
}

impl Interrogation {
    /// Starts a cycle with question `query`: the address to send it to, or `None`
    /// when this location cannot be reached. It will have failed N1 from now.
    pub(in crate::ams) fn begin(
        &mut self,
        now: Instant,
        query: u32,
        mib: &Mib<'_>,
        transport: &mut dyn Transport,
    ) -> Option<Address> {
        self.open = Some((query, now.after(mib.timers.n1)));
        if self.known.is_some() {
            return self.known;
        }
        let endpoint = mib.config_servers.get(self.location)?;
        transport.resolve(mib.primary_transport, endpoint)
    }

    /// The answer to question `echo` came from `from`. False when that question
    /// is not open.
    pub(in crate::ams) fn answered(&mut self, echo: u32, from: &Address) -> bool {
        if self.open.is_none_or(|(query, _)| query != echo) {
            return false;
        }
        self.open = None;
        self.known = Some(*from);
        true
    }

    /// Whether the open question has failed by now (4.2.2.2.4). If so the next
    /// cycle asks the next location, after the last the first again.
    pub(in crate::ams) fn failed(&mut self, now: Instant, mib: &Mib<'_>) -> bool {
        if self.open.is_none_or(|(_, until)| now < until) {
            return false;
        }
        self.open = None;
        if self.known.take().is_none() {
            let next = self.location.saturating_add(1);
            self.location = if next < mib.config_servers.len() { next } else { 0 };
        }
        true
    }

    /// The configuration server is not believed in any more (4.2.7.3).
    pub(in crate::ams) const fn forget(&mut self) {
        self.known = None;
        self.open = None;
    }

    /// No answer is awaited any more.
    pub(in crate::ams) const fn abandon(&mut self) {
        self.open = None;
    }

    /// The current location of the configuration server.
    pub(in crate::ams) const fn known(&self) -> Option<Address> {
        self.known
    }

    /// Whether an answer is awaited.
    pub(in crate::ams) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// When the open question will have failed.
    pub(in crate::ams) fn deadline(&self) -> Option<Instant> {
        self.open.map(|(_, until)| until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::ContinuumNumber;
    use crate::transport::SendError;

    struct Names;

    impl Transport for Names {
        fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
            (service == "udp").then(|| Address::new(0, endpoint.as_bytes()))
        }

        fn send(&mut self, _: &Address, _: u8, _: &[u8]) -> Result<(), SendError> {
            Ok(())
        }
    }

    #[test]
    fn cycles_through_all_locations_and_begins_with_the_last_known() {
        let mib = Mib {
            config_servers: &["a", "b"],
            ..Mib::new(ContinuumNumber::new(1).unwrap(), "test")
        };
        let a = Address::new(0, b"a");
        let b = Address::new(0, b"b");
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        let mut search = Interrogation::default();
        assert_eq!(search.begin(at(0), 1, &mib, &mut Names), Some(a));
        assert!(!search.failed(at(4), &mib));
        assert!(search.failed(at(5), &mib));
        assert_eq!(search.begin(at(5), 2, &mib, &mut Names), Some(b));
        assert!(search.failed(at(10), &mib));
        assert_eq!(search.begin(at(10), 3, &mib, &mut Names), Some(a));
        assert!(search.failed(at(15), &mib));
        assert_eq!(search.begin(at(15), 4, &mib, &mut Names), Some(b));
        assert!(!search.answered(3, &b), "an old answer");
        assert!(search.answered(4, &b));
        assert_eq!(search.known(), Some(b));
        search.forget();
        assert_eq!(search.begin(at(20), 5, &mib, &mut Names), Some(b));
    }
}

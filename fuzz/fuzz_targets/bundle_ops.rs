//! The conversation with a bundle daemon that answers as it should, as it should not,
//! with noise, or not at all; and that comes and goes.
#![no_main]

use std::collections::BTreeSet;
use std::time::Duration;

use farpost::host::bundle::{Client, DaemonFault, DaemonState, EndpointId};
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost_fuzz::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

const DAY: Duration = Duration::from_secs(86_400);
/// Bundles that may arrive. Two are for another endpoint.
const MINTED: usize = 16;

fn endpoint(text: &str) -> EndpointId {
    EndpointId::parse(text).unwrap()
}

fn start() -> Now {
    let utc = Utc::from_unix_seconds(1_795_392_000);
    Now { monotonic: Instant::ZERO, utc, quality: ClockQuality::Synchronised }
}

fn answer(status: u16, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// What a client has asked, once its last request is whole: the target and the body.
fn asked(out: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = out.windows(4).position(|four| four == b"\r\n\r\n")?;
    // The end of a long request that was answered before all of it was written may be first.
    let head = std::str::from_utf8(&out[..end]).ok()?;
    let target = head.split(' ').nth(1)?.to_owned();
    Some((target, out[end + 4..].to_vec()))
}

/// A bundle of another gateway, as that one's client makes it, and its name.
fn mint(number: u64) -> (String, Vec<u8>) {
    let mut client = Client::new(endpoint("ipn:2.7"), "d:1".into(), DAY, number);
    let now = start();
    client.connecting(now);
    client.connected(now);
    for body in [&b"ipn:2.0"[..], b"ok"] {
        client.wrote(client.output().len());
        client.input(now, &answer(200, body));
    }
    // It asks for the list; when that is there it can send.
    client.wrote(client.output().len());
    client.input(now, &answer(200, b"[]"));
    client.wrote(client.output().len());
    client.input(now, &answer(200, b"Nothing to receive"));
    let to = if number < 2 { "dtn://one/other" } else { "dtn://one/rams" };
    client.send(now, &endpoint(to), &number.to_be_bytes()).unwrap();
    let (target, bundle) = asked(client.output()).unwrap();
    assert_eq!(target, "/insert");
    (format!("ipn:2.7-848707200000-{number}"), bundle)
}

struct Story {
    client: Client,
    now: Now,
    minted: Vec<(String, Vec<u8>)>,
    /// What the client wrote, since it was last answered.
    out: Vec<u8>,
    offered: u32,
    taken: BTreeSet<Vec<u8>>,
}

impl Story {
    /// As the daemon would; `which` of the bundles it has.
    fn good_answer(&self, which: u16) -> Vec<u8> {
        let Some((target, _)) = asked(&self.out) else { return Vec::new() };
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let has = |number: &usize| which & (1 << number) != 0;
        let body = match path {
            "/status/nodeid" => b"dtn://one/".to_vec(),
            "/status/bundles/filtered" => {
                let names: Vec<_> = (0..MINTED)
                    .filter(has)
                    .map(|number| format!("{:?}", self.minted[number].0))
                    .collect();
                format!("[{}]", names.join(",")).into_bytes()
            }
            "/download" => match self.minted.iter().find(|(name, _)| name == query) {
                Some((_, bundle)) => bundle.clone(),
                None => return answer(404, b""),
            },
            "/endpoint" => match (0..MINTED).find(has) {
                Some(number) => self.minted[number].1.clone(),
                None => b"Nothing to receive".to_vec(),
            },
            _ => b"ok".to_vec(),
        };
        answer(200, &body)
    }

    fn operation(&mut self, fuzz: &mut Unstructured<'_>) -> Result<()> {
        match fuzz.arbitrary::<u8>()? % 10 {
            0 => {
                let span = Duration::from_millis(u64::from(fuzz.arbitrary::<u16>()?));
                self.now = self.now.after(span);
            }
            1 => self.now = self.now.after(DAY),
            2 if self.client.wants_connection(self.now) => {
                self.client.connecting(self.now);
                self.out.clear();
                if fuzz.arbitrary::<bool>()? {
                    self.client.connected(self.now);
                }
            }
            3 if !self.client.is_away() => self.client.failed(self.now, DaemonFault::Ended),
            4 => {
                let length = usize::from(fuzz.arbitrary::<u16>()?);
                let is_joined = self.client.state() == DaemonState::Joined;
                let sent = self.client.send(self.now, &endpoint("ipn:2.7"), &vec![7; length]);
                assert!(is_joined || sent.is_err());
                self.offered += u32::from(sent.is_ok());
            }
            5 | 6 => {
                let answer = self.good_answer(fuzz.arbitrary::<u16>()?);
                self.out.clear();
                self.client.input(self.now, &answer);
            }
            7 => {
                let status = 190 + fuzz.arbitrary::<u16>()? % 330;
                let length = usize::from(fuzz.arbitrary::<u8>()?).min(fuzz.len());
                let answer = answer(status, fuzz.bytes(length)?);
                self.out.clear();
                self.client.input(self.now, &answer);
            }
            8 => {
                let length = usize::from(fuzz.arbitrary::<u8>()?).min(fuzz.len());
                self.client.input(self.now, fuzz.bytes(length)?);
            }
            _ => {
                while let Some(arrived) = self.client.take() {
                    // Octets of fuzz may be a bundle too, but not one of these.
                    if arrived.source == "ipn:2.7" && arrived.rpdu.len() == 8 {
                        assert!(self.taken.insert(arrived.rpdu), "a bundle was taken twice");
                    }
                }
            }
        }
        self.client.run(self.now);
        let count = self.client.output().len().min(usize::from(u16::MAX));
        self.out.extend_from_slice(&self.client.output()[..count]);
        self.client.wrote(count);
        let stats = self.client.stats();
        let waiting = u32::try_from(self.client.unconfirmed()).unwrap();
        assert!(waiting <= 128);
        let known = stats.sent + stats.rejected + stats.expired;
        assert!(known <= self.offered && self.offered <= known + waiting);
        assert!(self.taken.len() <= usize::try_from(stats.received).unwrap());
        Ok(())
    }
}

fuzz_target!(|octets: &[u8]| {
    thread_local! {
        static BUNDLES: Vec<(String, Vec<u8>)> =
            (0..MINTED).map(|number| mint(u64::try_from(number).unwrap())).collect();
    }
    let mut story = Story {
        client: Client::new(endpoint("dtn://one/rams"), "d:1".into(), DAY, 0),
        now: start(),
        minted: BUNDLES.with(Clone::clone),
        out: Vec::new(),
        offered: 0,
        taken: BTreeSet::new(),
    };
    let mut fuzz = Unstructured::new(octets);
    while !fuzz.is_empty() && story.operation(&mut fuzz).is_ok() {}
});

//! Real daemons on loopback.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use farpost::host::bundle::DaemonUrl;
use tempfile::TempDir;

/// How long a daemon may take to be there, and a bundle to be anywhere.
const LIMIT: Duration = Duration::from_secs(60);

/// The daemon's program, if there is one. `FARPOST_DTND` says where; without it
/// whatever the path has is taken, and nothing is done where it has none.
pub(crate) fn program() -> Option<PathBuf> {
    let said = std::env::var_os("FARPOST_DTND").map(PathBuf::from);
    let program = said.clone().unwrap_or_else(|| "dtnd".into());
    let runs = Command::new(&program).arg("--version").stdout(Stdio::null()).status();
    match (runs, said) {
        (Ok(status), _) if status.success() => Some(program),
        (result, Some(said)) => panic!("FARPOST_DTND is {}: {result:?}", said.display()),
        (_, None) => {
            // Past the capture of the test's output: it is to be seen.
            let _ = writeln!(
                std::io::stderr(),
                "NOT RUN, for there is no dtnd: install it with `cargo install dtn7 --locked`"
            );
            None
        }
    }
}

/// A node: a daemon that can be taken away and brought back.
pub(crate) struct Node {
    program: PathBuf,
    name: &'static str,
    store: &'static str,
    web: SocketAddr,
    links: u16,
    peer: Option<(u16, &'static str)>,
    directory: TempDir,
    child: Option<Child>,
}

impl Node {
    /// Two nodes that are linked with one another; neither is there yet.
    pub(crate) fn pair(
        program: &std::path::Path,
        names: [&'static str; 2],
        store: &'static str,
    ) -> [Self; 2] {
        let [mut one, mut two] = names.map(|name| Self {
            program: program.to_owned(),
            name,
            store,
            web: free(Ipv6Addr::LOCALHOST.into()).unwrap_or_else(|| {
                // A host without IPv6: the daemon has no other way to be on loopback only.
                free(Ipv4Addr::LOCALHOST.into()).unwrap()
            }),
            links: free(Ipv4Addr::LOCALHOST.into()).unwrap().port(),
            peer: None,
            directory: TempDir::new().unwrap(),
            child: None,
        });
        one.peer = Some((two.links, two.name));
        two.peer = Some((one.links, one.name));
        [one, two]
    }

    pub(crate) fn url(&self) -> DaemonUrl {
        DaemonUrl::parse(&self.interface()).unwrap()
    }

    /// The same as text.
    pub(crate) fn interface(&self) -> String {
        format!("http://{}", self.web)
    }

    /// Starts the daemon and waits until it answers.
    pub(crate) fn start(&mut self) {
        let (peer_port, peer) = self.peer.unwrap();
        let log = std::fs::File::create(self.directory.path().join("log")).unwrap();
        let family = if self.web.is_ipv6() { "-6" } else { "-4" };
        let child = Command::new(&self.program)
            .args(["-n", self.name, family, "--disable_nd", "-j", "500ms", "-D", self.store])
            .args(["-w", &self.web.port().to_string()])
            .args(["-C", &format!("tcp:port={}:bind=127.0.0.1", self.links)])
            .args(["-s", &format!("tcp://127.0.0.1:{peer_port}/{peer}")])
            .arg("-W")
            .arg(self.directory.path())
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        self.until("it answers", |node| node.ask("/status/nodeid").is_some());
    }

    /// Takes the daemon away, without a farewell.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// How many bundles it has that are from or for this endpoint.
    pub(crate) fn stored(&self, endpoint: &str) -> usize {
        let names = self.ask(&format!("/status/bundles/filtered?addr={endpoint}"));
        names.map_or(0, |names| serde_json::from_str::<Vec<String>>(&names).unwrap().len())
    }

    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let limit = Instant::now() + LIMIT;
        while !is_so(self) {
            let log = std::fs::read_to_string(self.directory.path().join("log"));
            assert!(Instant::now() < limit, "this did not come: {what}; {}", log.unwrap());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The body of the answer to a request, if the daemon is there.
    fn ask(&self, target: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.web).ok()?;
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.split_once("\r\n\r\n")?.1.to_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free(ip: std::net::IpAddr) -> Option<SocketAddr> {
    TcpListener::bind((ip, 0)).ok()?.local_addr().ok()
}

//! Child processes that run the commands, and what they print.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before a test has failed.
const LIMIT: Duration = Duration::from_secs(120);

/// A MIB of its own, with the addresses of two configuration servers.
pub(crate) struct Network {
    directory: TempDir,
    pub(crate) servers: [SocketAddr; 2],
}

impl Network {
    pub(crate) fn new() -> Self {
        let servers = [free_address(), free_address()];
        let network = Self { directory: TempDir::new().unwrap(), servers };
        network.write_mib("");
        network
    }

    /// Writes the MIB anew, with `more` before its first table.
    pub(crate) fn write_mib(&self, more: &str) {
        let [first, second] = self.servers;
        let text = format!(
            r#"
config_servers = ["{first}", "{second}"]
{more}
[continuum]
number = 2
name = "field"

# Short enough to see a loss soon, long enough for a busy machine.
[timers]
n1 = 0.5
n2 = 0.5
n3 = 0.1
n6 = 30

[[venture]]
number = 1
application = "sensing"
authority = "test"

[[venture.role]]
number = 2
name = "ssd"

[[venture.role]]
number = 3
name = "actor"

[[venture.subject]]
number = 4
name = "report"
senders = ["ssd"]

[[venture.subject]]
number = 5
name = "request"
"#
        );
        std::fs::write(self.directory.path().join("net.toml"), text).unwrap();
    }

    /// Replaces `from`, which is in the MIB, by `to`.
    pub(crate) fn edit_mib(&self, from: &str, to: &str) {
        let file = self.directory.path().join("net.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(file, text.replacen(from, to, 1)).unwrap();
    }

    /// Has the MIB be that of another continuum, with `more` at its end.
    pub(crate) fn rename(&self, number: u16, name: &str, gateway: &str, more: &str) {
        self.edit_mib(
            "number = 2\nname = \"field\"",
            &format!("number = {number}\nname = \"{name}\""),
        );
        let authority = "authority = \"test\"";
        self.edit_mib(authority, &format!("{authority}\ngateway = \"{gateway}\""));
        let file = self.directory.path().join("net.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text + more).unwrap();
    }

    /// Makes keys of everybody, and of subject `report`, and has the MIB name them.
    pub(crate) fn give_keys(&self) {
        let mib = self.directory.path().join("net.toml");
        let mut text = std::fs::read_to_string(&mib).unwrap();
        for (line, arguments) in [
            ("name = \"field\"", &["continuum.key"][..]),
            ("authority = \"test\"", &["application.key"]),
            ("name = \"ssd\"", &["ssd.key"]),
            ("name = \"actor\"", &["actor.key"]),
            ("name = \"report\"", &["--symmetric", "report.key"]),
        ] {
            text = text.replacen(line, &format!("{line}\n{}", self.keygen(arguments)), 1);
        }
        std::fs::write(mib, text).unwrap();
    }

    /// What `farpost keygen ARGUMENTS` prints, in the directory of the MIB.
    pub(crate) fn keygen(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farpost"));
        let output =
            command.current_dir(&self.directory).arg("keygen").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Has everybody read and write a file next to the MIB.
    #[cfg(unix)]
    pub(crate) fn expose(&self, file: &str) {
        use std::os::unix::fs::PermissionsExt;
        let file = self.directory.path().join(file);
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o666)).unwrap();
    }

    /// Where a file next to the MIB is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Writes a file next to the MIB.
    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.directory.path().join(file), text).unwrap();
    }

    /// Starts `farpost COMMAND --mib … ARGUMENTS`.
    pub(crate) fn start(&self, command: &str, arguments: &[&str]) -> Child {
        self.start_by("net.toml", command, arguments)
    }

    /// The same by another file next to the MIB.
    pub(crate) fn start_by(&self, file: &str, command: &str, arguments: &[&str]) -> Child {
        let mib = self.path(file);
        let mib = ["--mib", mib.to_str().unwrap()];
        self.start_alone(command, &[&mib, arguments].concat())
    }

    /// Starts `farpost COMMAND ARGUMENTS` where the MIB is.
    pub(crate) fn start_alone(&self, command: &str, arguments: &[&str]) -> Child {
        let mut process = Command::new(env!("CARGO_BIN_EXE_farpost"))
            .current_dir(&self.directory)
            .arg(command)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let input = process.stdin.take();
        Child { process, lines, input, kept: Vec::new(), until: Instant::now() + LIMIT }
    }
}

/// An address that is free and stays so until it is used: its port is below those
/// the system gives to who asks for any, and no two networks get the same.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let count =
            std::process::id().wrapping_mul(32) % 12_000 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(20_000 + count % 12_000).unwrap();
        if let Ok(socket) = UdpSocket::bind(("127.0.0.1", port)) {
            return socket.local_addr().unwrap();
        }
    }
}

/// A process that is killed when the test is over, however that ends.
pub(crate) struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
    input: Option<ChildStdin>,
    /// The lines that nobody wanted yet.
    kept: Vec<Value>,
    until: Instant,
}

impl Child {
    /// The first line that is `wanted` and was not given before. What others do
    /// may be told in any order.
    #[track_caller]
    pub(crate) fn line(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&wanted) {
            return self.kept.remove(at);
        }
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let Ok(text) = self.lines.recv_timeout(left) else {
                let last: Vec<_> = self.kept.iter().rev().take(30).map(Value::to_string).collect();
                panic!("the expected line did not come; the last were:\n{}", last.join("\n"));
            };
            let line: Value = serde_json::from_str(&text).expect("JSON");
            if wanted(&line) {
                return line;
            }
            self.kept.push(line);
        }
    }

    /// The next line of the event `name`.
    #[track_caller]
    pub(crate) fn event(&mut self, name: &str) -> Value {
        self.line(|line| line["event"] == name)
    }

    pub(crate) fn say(&mut self, request: &Value) {
        self.write(&format!("{request}\n"));
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.input.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Has it read its MIB again.
    #[cfg(unix)]
    pub(crate) fn hang_up(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }

    /// Has it end in order.
    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The lines that nobody wanted, once it has ended.
    pub(crate) fn rest(&mut self) -> Vec<Value> {
        let left = || self.until.saturating_duration_since(Instant::now());
        while let Ok(text) = self.lines.recv_timeout(left()) {
            self.kept.push(serde_json::from_str(&text).expect("JSON"));
        }
        assert!(Instant::now() < self.until, "it does not end");
        std::mem::take(&mut self.kept)
    }

    /// The exit status, once it has ended.
    pub(crate) fn status(&mut self) -> Option<i32> {
        // Its output ends when it does; then waiting is short.
        while self.lines.recv_timeout(self.until.saturating_duration_since(Instant::now())).is_ok()
        {
        }
        assert!(Instant::now() < self.until, "it does not end");
        self.process.wait().unwrap().code()
    }

    /// What it printed on standard error, once it has ended.
    pub(crate) fn errors(&mut self) -> String {
        let mut text = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The board: its firmware, and QEMU that runs it.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use super::options::Options;
use super::script::DEVICE;

const TARGET: &str = "thumbv7em-none-eabihf";

/// The board while it runs. It ends with this.
#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    lines: Receiver<String>,
}

impl Emulator {
    /// Runs the firmware, which is told who it is, how fast its clock runs, and `words`.
    /// The host forwards the `ports` of UDP to it.
    pub(crate) fn start(
        options: &Options,
        firmware: &Path,
        words: &[String],
        ports: &[u16],
    ) -> Result<Self, Box<dyn Error>> {
        let first =
            ["ssd".to_owned(), format!("device={DEVICE}"), format!("speed={}", options.speed)];
        // QEMU takes two commas for one that does not end the word.
        let argument = |word: &String| format!(",arg={}", word.replace(',', ",,"));
        let arguments: String = first.iter().chain(words).map(argument).collect();
        let forward = |port: &u16| format!(",hostfwd=udp:127.0.0.1:{port}-:{port}");
        let forwards: String = ports.iter().map(forward).collect();
        let mut child = Command::new(&options.qemu)
            .args(["-machine", "mps2-an386", "-cpu", "cortex-m4", "-display", "none"])
            .args(["-monitor", "none", "-serial", "stdio"])
            .arg("-nic")
            .arg(format!("user,model=lan9118{forwards}"))
            .arg("-semihosting-config")
            .arg(format!("enable=on,target=native{arguments}"))
            .arg("-kernel")
            .arg(firmware)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => format!(
                    "{} is not installed: install QEMU for ARM (Debian: apt-get install \
                     qemu-system-arm), or name it with --qemu",
                    options.qemu
                ),
                _ => format!("{}: {error}", options.qemu),
            })?;
        let output = child.stdout.take().ok_or("QEMU has no output")?;
        let (line, lines) = channel();
        // It ends when QEMU closes its output.
        thread::spawn(move || {
            for text in BufReader::new(output).lines().map_while(Result::ok) {
                if line.send(text).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// The next line the board has written; an error if it has ended.
    pub(crate) fn line(&mut self) -> Result<Option<String>, Box<dyn Error>> {
        match self.lines.try_recv() {
            Ok(line) => Ok(Some(line)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => {
                let status = self.child.wait()?;
                let mut why = String::new();
                if let Some(mut errors) = self.child.stderr.take() {
                    errors.read_to_string(&mut why)?;
                }
                Err(format!("the board has ended with {status}\n{why}").into())
            }
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two ports that are free now. QEMU takes them a moment later.
pub(crate) fn free_ports() -> io::Result<(u16, u16)> {
    let sockets = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    Ok((sockets.0.local_addr()?.port(), sockets.1.local_addr()?.port()))
}

/// The firmware that is asked for, or the one of `examples/firmware`, built if need be.
pub(crate) fn firmware(options: &Options) -> Result<PathBuf, Box<dyn Error>> {
    if let Some(file) = &options.firmware {
        if file.is_file() {
            return Ok(file.clone());
        }
        return Err(format!("there is no firmware at {}", file.display()).into());
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/firmware");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    eprintln!("building the firmware in {}", package.display());
    let (name, features) = if options.tls { ("ssd_tls", "tls") } else { ("ssd", "agents") };
    // The directory, not the manifest alone: it must not be this package's target.
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "--bin", name, "--features", features])
        .args(["--target", TARGET])
        .arg("--target-dir")
        .arg(package.join("target"))
        .current_dir(&package)
        .status()?;
    if !built.success() {
        return Err(format!(
            "the firmware was not built: it needs `rustup target add {TARGET}`; or build it \
             by other means and say --firmware FILE"
        )
        .into());
    }
    Ok(package.join("target").join(TARGET).join("release").join(name))
}

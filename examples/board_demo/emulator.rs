//! The board: its firmware, QEMU that runs it, and who reads what it logs.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use super::options::Options;
use super::script::DEVICE;

const TARGET: &str = "thumbv7em-none-eabihf";
/// The package, and its binary, that makes text of the log.
const READER: &str = "farpost-firmware-log";

/// The board while it runs. It ends with this.
#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    /// Makes text of what the board writes: the board itself knows numbers of texts alone.
    reader: Child,
    lines: Receiver<String>,
}

impl Emulator {
    /// Runs the firmware, which is told who it is, how fast its clock runs, which ports of
    /// UDP are forwarded to it for MPDUs and messages, and `words`.
    pub(crate) fn start(
        options: &Options,
        firmware: &Firmware,
        words: &[String],
    ) -> Result<Self, Box<dyn Error>> {
        let (mams, aams) = free_ports()?;
        let first = [
            "ssd".to_owned(),
            format!("device={DEVICE}"),
            format!("speed={}", options.speed),
            format!("mams={mams}"),
            format!("aams={aams}"),
        ];
        // QEMU takes two commas for one that does not end the word.
        let argument = |word: &String| format!(",arg={}", word.replace(',', ",,"));
        let arguments: String = first.iter().chain(words).map(argument).collect();
        let forward = |port: u16| format!(",hostfwd=udp:127.0.0.1:{port}-:{port}");
        let forwards: String = [mams, aams].map(forward).concat();
        let mut child = Command::new(&options.qemu)
            .args(["-machine", "mps2-an386", "-cpu", "cortex-m4", "-display", "none"])
            .args(["-monitor", "none", "-serial", "stdio"])
            .arg("-nic")
            .arg(format!("user,model=lan9118{forwards}"))
            .arg("-semihosting-config")
            .arg(format!("enable=on,target=native{arguments}"))
            .arg("-kernel")
            .arg(&firmware.elf)
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
        let (reader, output) = match read(firmware, output) {
            Ok(reader) => reader,
            Err(error) => {
                child.kill()?;
                return Err(error);
            }
        };
        let (line, lines) = channel();
        // It ends when the reader does, which ends when QEMU closes its output.
        thread::spawn(move || {
            for text in BufReader::new(output).lines().map_while(Result::ok) {
                if line.send(text).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, reader, lines })
    }

    /// The next line the board has written; an error if it has ended.
    pub(crate) fn line(&mut self) -> Result<Option<String>, Box<dyn Error>> {
        match self.lines.try_recv() {
            Ok(line) => Ok(Some(line)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => {
                let status = self.reader.wait()?;
                if !status.success() {
                    return Err(format!("the log of the board is not read: {status}").into());
                }
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
        // And the reader with it.
        let _ = self.reader.wait();
    }
}

/// Runs the reader on what QEMU writes. What it writes are lines of text.
fn read(firmware: &Firmware, frames: ChildStdout) -> Result<(Child, ChildStdout), Box<dyn Error>> {
    let mut reader = Command::new(&firmware.reader)
        .arg(&firmware.elf)
        .stdin(frames)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", firmware.reader.display()))?;
    let text = reader.stdout.take().ok_or("the reader has no output")?;
    Ok((reader, text))
}

/// Two ports that are free now. QEMU takes them a moment later.
fn free_ports() -> io::Result<(u16, u16)> {
    let sockets = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    Ok((sockets.0.local_addr()?.port(), sockets.1.local_addr()?.port()))
}

/// What runs on the board, and what reads its log.
#[derive(Debug)]
pub(crate) struct Firmware {
    elf: PathBuf,
    reader: PathBuf,
}

/// The firmware that is asked for, or the one of `examples/firmware`, built if need be; and the
/// reader of its log.
pub(crate) fn firmware(options: &Options) -> Result<Firmware, Box<dyn Error>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/firmware");
    let elf = match &options.firmware {
        Some(file) if file.is_file() => file.clone(),
        Some(file) => return Err(format!("there is no firmware at {}", file.display()).into()),
        None => {
            eprintln!("building the firmware in {}", package.display());
            let (name, features) = if options.tls { ("ssd_tls", "tls") } else { ("ssd", "agents") };
            let wanted = ["--release", "--target", TARGET, "--bin", name, "--features", features];
            let why = format!(
                "the firmware was not built: it needs `rustup target add {TARGET}`; or build it \
                 by other means and say --firmware FILE"
            );
            build(&package, &wanted)?.ok_or(why)?.join(TARGET).join("release").join(name)
        }
    };
    eprintln!("building the reader of its log");
    let built = build(&package, &["--package", READER])?.ok_or("the reader was not built")?;
    let reader = format!("{READER}{}", std::env::consts::EXE_SUFFIX);
    Ok(Firmware { elf, reader: built.join("debug").join(reader) })
}

/// Builds what is wanted of a package. Returns its directory of targets, or none if cargo failed,
/// which has said why.
fn build(package: &Path, wanted: &[&str]) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = package.join("target");
    // The directory, not the manifest alone: it must not be this package's target.
    let status = Command::new(cargo)
        .args(["build", "--locked", "--target-dir"])
        .arg(&target)
        .args(wanted)
        .current_dir(package)
        .status()?;
    Ok(status.success().then_some(target))
}

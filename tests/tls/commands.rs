//! The commands of OpenSSL as peers: `openssl s_client` against our server, and our
//! client against `openssl s_server`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use farpost::crypto::{Ed25519, SignatureScheme};
use farpost::host::driver::Entity;
use farpost::host::tls::{LinkHost, TlsClient};
use farpost::scos::messages::{
    Associate, Associated, Association, Binding, MESSAGE_MAX, Message, Proof, ScheduleMark,
};
use farpost::scos::stream::{Deframer, FRAME_MAX, frame};

use super::harness::{DEVICES, Idle, Network, Post, client, private, psk, psk_octets, public, ssd};

/// A process that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl(arguments: &[&str]) -> Process {
    let child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    Process(child.expect("the command `openssl` is needed: apt-get install openssl"))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The messages a process writes.
fn messages_of(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (to, from) = channel();
    thread::spawn(move || {
        let (mut deframer, mut buffer) = (Deframer::new(), [0; 512]);
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            let mut octets = &buffer[..count];
            while let Some(message) = deframer.take(&mut octets).unwrap() {
                if to.send(message.to_vec()).is_err() {
                    return;
                }
            }
        }
    });
    from
}

fn write(process: &mut Process, message: &Message<'_>) {
    let mut buffer = [0; MESSAGE_MAX];
    let octets = message.encode(&mut buffer).unwrap();
    let mut whole = [0; FRAME_MAX];
    let stdin = process.0.stdin.as_mut().unwrap();
    stdin.write_all(frame(octets, &mut whole).unwrap()).unwrap();
    stdin.flush().unwrap();
}

/// What is signed is put together here from what the document says.
#[test]
fn openssl_s_client_associates_with_our_server() {
    let mut network = Network::new();
    let device = DEVICES[0];
    let mut process = openssl(&[
        "s_client",
        "-connect",
        &network.at().to_string(),
        "-psk",
        &hex(&psk_octets(device)),
        "-psk_identity",
        device,
        "-tls1_3",
        "-ciphersuites",
        "TLS_AES_128_GCM_SHA256",
        "-quiet",
    ]);
    let answers = messages_of(process.0.stdout.take().unwrap());
    let public_key = public(device);
    let associate = Associate {
        request: Association::New,
        device,
        public_key: &public_key,
        boot: 1,
        sequence: 1,
        schedule: ScheduleMark::default(),
        proof: None,
    };
    write(&mut process, &Message::Associate(associate));
    let mut answer = Vec::new();
    network.run("a challenge", &mut [], |_, _| {
        answer = answers.try_recv().unwrap_or_default();
        !answer.is_empty()
    });
    let Ok(Message::Challenge(challenge)) = Message::parse(&answer) else { panic!("{answer:?}") };
    assert_eq!((challenge.device, challenge.sequence), (device, 1));
    let again = Associate { sequence: 2, ..associate };
    let mut buffer = [0; MESSAGE_MAX];
    let unproved = Message::Associate(again).encode(&mut buffer).unwrap();
    let text: [&[u8]; 4] =
        [b"farpost SCOS association proof 1\0", &[1], &challenge.nonce, unproved];
    let mut signature = [0; 64];
    Ed25519.sign(&private(device), &text, &mut signature).unwrap();
    let proof = Proof { binding: Binding::Challenge(challenge.nonce), signature: &signature };
    write(&mut process, &Message::Associate(Associate { proof: Some(proof), ..again }));
    let mut answer = Vec::new();
    network.run("an association", &mut [], |_, _| {
        answer = answers.try_recv().unwrap_or_default();
        !answer.is_empty()
    });
    let Ok(Message::Associated(granted)) = Message::parse(&answer) else { panic!("{answer:?}") };
    assert_eq!((granted.sequence, granted.state, granted.max_ttl_s), (2, Association::New, 300));
}

#[test]
fn openssl_s_client_with_another_key_or_identity_or_version_is_kept_out() {
    let mut network = Network::new();
    let (at, key) = (network.at().to_string(), hex(&psk_octets(DEVICES[0])));
    let other = hex(&[7; 32]);
    let suite = ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"];
    let old = ["-tls1_2", "-cipher", "PSK-AES128-GCM-SHA256"];
    for (key, identity, version) in [
        (Some(&other), "mast-1", &suite[..]),
        (Some(&key), "mast-9", &suite),
        (Some(&key), "mast-1", &old),
        // Without any key.
        (None, "mast-1", &suite),
    ] {
        let mut arguments = vec!["s_client", "-connect", &at, "-quiet"];
        if let Some(key) = key {
            arguments.extend(["-psk", key, "-psk_identity", identity]);
        }
        arguments.extend(version);
        let mut process = openssl(&arguments);
        network.run("it ends", &mut [], |_, _| process.0.try_wait().unwrap().is_some());
        assert!(!process.0.wait().unwrap().success());
    }
    let link = network.manager.link.stats();
    assert_eq!((link.wrong_keys, link.unknown_identities, link.not_tls), (1, 1, 2), "{link:?}");
    assert_eq!(link.handshakes, 0);
}

/// An OpenSSL server: the process, and where it listens.
fn server(more: &[&str]) -> (Process, SocketAddr, BufReader<std::process::ChildStdout>) {
    let arguments = ["s_server", "-accept", "127.0.0.1:0", "-tls1_3"];
    let mut process = openssl(&[&arguments, more].concat());
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("ACCEPT ") {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "openssl s_server does not start");
    }
    let at = line["ACCEPT ".len()..].trim().parse().unwrap();
    (process, at, output)
}

/// Runs a device until `done`.
fn run(
    post: &mut LinkHost<Post, TlsClient>,
    mut done: impl FnMut(&LinkHost<Post, TlsClient>) -> bool,
) {
    let clock = farpost::host::clock::SystemClock::new();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !done(post) {
        assert!(std::time::Instant::now() < until, "{:?}", post.link);
        post.run(farpost::time::Clock::now(&clock));
        thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[test]
fn our_client_associates_through_openssl_s_server() {
    let device = DEVICES[0];
    let key = hex(&psk_octets(device));
    let (mut process, at, output) =
        server(&["-psk", &key, "-psk_identity", device, "-nocert", "-num_tickets", "0"]);
    // Lines about the connection come before and between: messages are found by their
    // first octets.
    let machine = Post { ssd: ssd(device, device, TlsClient::server()), idle: Idle::default() };
    let mut post = LinkHost::new(machine, client(at, device, &psk(device)));
    let (to, heard) = channel();
    let mut output = output;
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            if to.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut all: Vec<u8> = Vec::new();
    let mut asked = 0;
    run(&mut post, |_| {
        all.extend(heard.try_iter().flatten());
        // Version 1, associate, new, then the device ID.
        let begins: &[u8] = &[1, 0, 0, 6, b'm', b'a', b's', b't', b'-', b'1'];
        let Some(at) = all.windows(begins.len()).position(|octets| octets == begins) else {
            return false;
        };
        let length = usize::from(u16::from_be_bytes([all[at - 2], all[at - 1]]));
        let Some(octets) = all.get(at..at + length) else { return false };
        let Ok(Message::Associate(associate)) = Message::parse(octets) else { panic!() };
        // It is bound to the connection, for this end has its value too.
        assert_eq!(associate.proof.unwrap().binding, Binding::Connection);
        asked = associate.sequence;
        true
    });
    let granted = Associated {
        device,
        sequence: asked,
        state: Association::New,
        max_ttl_s: 300,
        remaining_ttl_s: 300,
        epoch: 3,
    };
    write(&mut process, &Message::Associated(granted));
    run(&mut post, |post| post.machine.ssd.is_associated());
    assert_eq!(post.link.stats().wrong_servers, 0);
}

#[test]
fn our_client_speaks_to_nobody_who_has_not_the_key() {
    let device = DEVICES[0];
    let other = hex(&[7; 32]);
    let (_process, at, _output) = server(&["-psk", &other, "-psk_identity", device, "-nocert"]);
    let machine = || Post { ssd: ssd(device, device, TlsClient::server()), idle: Idle::default() };
    let mut post = LinkHost::new(machine(), client(at, device, &psk(device)));
    run(&mut post, |post| post.link.stats().handshakes_refused >= 2);
    assert_eq!(post.link.stats().handshakes, 0);

    // A server with a certificate, which takes no key.
    let (certificate, key) = certificate();
    let (_process, at, _output) = server(&["-cert", &certificate.1, "-key", &key]);
    let mut post = LinkHost::new(machine(), client(at, device, &psk(device)));
    run(&mut post, |post| post.link.stats().wrong_servers >= 2);
    assert_eq!((post.link.stats().handshakes, post.link.stats().sent), (0, 0));
}

/// A certificate of nobody and its key: the directory that goes with them, and paths.
pub(crate) fn certificate() -> ((tempfile::TempDir, String), String) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let mut made = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=nobody",
        "-days",
        "2",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ]);
    assert!(made.0.wait().unwrap().success());
    ((directory, certificate), key)
}

/// An OpenSSL server with a certificate alone.
pub(crate) struct CertificateServer {
    pub(crate) at: SocketAddr,
    _process: (Process, BufReader<std::process::ChildStdout>, tempfile::TempDir),
}

impl CertificateServer {
    pub(crate) fn start() -> Self {
        let ((directory, certificate), key) = certificate();
        let (process, at, output) = server(&["-cert", &certificate, "-key", &key]);
        Self { at, _process: (process, output, directory) }
    }
}

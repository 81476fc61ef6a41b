//! The agent of the southbound interface over gRPC, against a controller on loopback.
//! What is waited for is polled, with a limit.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "a test that stops has failed"
)]

#[allow(dead_code, reason = "another test needs the rest")]
mod controller;
mod requests;
mod rig;
mod served;

use std::fs;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use controller::{Controller, Place, Seen};
use farpost::host::grpc::{BearerFile, BearerToken, Credentials, GrpcConfig, MetricsEra};
use farpost::southbound::agent::StreamPolicy::{Renew, Resume};
use farpost::southbound::messages::{
    ExportMetrics, ExportMetricsValues, IfOperStatus, IfOperStatusDataPoint,
    InterfaceMetricsValues, StatusCode, Timestamp,
};
use farpost::southbound::method;
use farpost::southbound::telemetry::MetricKind;
use farpost::time::Clock;
use requests::{FUTURE, PAST, create, delete, finalize};
use rig::{Rig, memory};
use tonic::Code;
use tonic::transport::Identity;

#[test]
fn an_agent_resets_with_a_new_token_before_it_opens_the_stream_and_says_hello() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    rig.until("a hello", |rig| {
        rig.seen.extend(controller.seen());
        rig.seen.iter().any(|seen| matches!(seen, Seen::Said(_))).then_some(())
    });
    let calls: Vec<_> = rig.seen.iter().filter_map(path).collect();
    assert_eq!(calls, [method::RESET, method::RECEIVE_REQUESTS]);
    let answered = rig.seen.iter().position(|seen| matches!(seen, Seen::Answered(_)));
    let opened = rig.seen.iter().position(|seen| path(seen) == Some(method::RECEIVE_REQUESTS));
    assert!(answered < opened, "the stream is opened once Reset was answered");
    rig.joins(&controller);
    assert_eq!(rig.host.agent.stats().resets, 1);
}

fn path(seen: &Seen) -> Option<&str> {
    match seen {
        Seen::Call { path, .. } => Some(path),
        _ => None,
    }
}

#[test]
fn requests_are_executed_and_answered() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    let token = rig.joins(&controller);
    rig.host.device.0.clear();

    controller.say(create(&token, 1, "a", "10.2.0.0/16", PAST));
    assert_eq!(rig.sees_answer(&controller), (101, StatusCode::OK));
    // Out of order: the third is answered when the second has come.
    controller.say(delete(&token, 3, "a"));
    controller.say(create(&token, 2, "b", "10.3.0.0/16", FUTURE));
    assert_eq!(rig.sees_answer(&controller), (102, StatusCode::OK));
    assert_eq!(rig.sees_answer(&controller), (103, StatusCode::OK));
    controller.say(finalize(&token, 4, PAST + 1));
    assert_eq!(rig.sees_answer(&controller), (104, StatusCode::OK));

    let told = ["+10.1.0.1 10.2.0.0/16", "-10.1.0.1 10.2.0.0/16"];
    assert_eq!(rig.host.device.0, told);
    let ids: Vec<_> = rig.host.agent.entries().map(|entry| entry.id).collect();
    assert_eq!(ids, ["b"]);
    assert_eq!(rig.host.agent.next_seqno(), 5);
}

#[test]
fn another_token_is_a_failed_precondition() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    let token = rig.joins(&controller);
    let other = "00000000-0000-4000-8000-000000000000";
    controller.say(create(other, 1, "a", "10.2.0.0/16", PAST));
    assert_eq!(rig.sees_answer(&controller), (101, StatusCode::FAILED_PRECONDITION));
    controller.say(create(&token, 1, "a", "10.2.0.0/16", FUTURE));
    assert_eq!(rig.sees_answer(&controller), (101, StatusCode::OK));
    assert_eq!(rig.host.agent.stats().wrong_token, 1);
}

#[test]
fn a_stream_that_ends_is_opened_again_under_another_token() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    let mut tokens = vec![rig.joins(&controller)];
    for code in [Code::Ok, Code::Unavailable, Code::Internal] {
        controller.close(code);
        tokens.push(rig.joins(&controller));
    }
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
    assert_eq!(rig.host.agent.stats().streams_ended, 3);
}

#[test]
fn a_schedule_that_is_resumed_keeps_its_token() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Resume, &controller.url());
    let token = rig.joins(&controller);
    controller.say(create(&token, 1, "a", "10.2.0.0/16", FUTURE));
    assert_eq!(rig.sees_answer(&controller), (101, StatusCode::OK));
    controller.close(Code::Unavailable);
    rig.sees_hello(&controller);
    controller.say(create(&token, 2, "b", "10.3.0.0/16", FUTURE));
    assert_eq!(rig.sees_answer(&controller), (102, StatusCode::OK));
    assert_eq!(rig.host.agent.entries().count(), 2);
    assert_eq!(rig.host.agent.stats().resets, 1);
    let fault = rig.host.link.take_fault().unwrap();
    assert_eq!((fault.method, fault.code), (method::RECEIVE_REQUESTS, StatusCode::UNAVAILABLE));
    assert_eq!(fault.message, "as the test says");
}

#[test]
fn a_controller_that_is_away_is_found_when_it_comes() {
    let place = Place::new();
    let url = format!("http://{}", place.address());
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &url);
    rig.until("two failures", |rig| (rig.host.link.stats().failed >= 2).then_some(()));
    assert_eq!(rig.host.agent.stats().resets, 0);
    let fault = rig.host.link.take_fault().unwrap();
    assert_eq!((fault.method, fault.code), (method::RESET, StatusCode::UNAVAILABLE));
    assert!(fault.message.contains("refused"), "{}", fault.message);

    let controller = Controller::start(place, None);
    rig.joins(&controller);
}

#[test]
fn a_controller_that_is_started_anew_is_found_again() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    let first = rig.joins(&controller);
    let address = controller.address;
    drop(controller);
    rig.until("the end", |rig| (rig.host.agent.stats().streams_ended == 1).then_some(()));
    let controller = Controller::start(Place::at(address), None);
    rig.seen.clear();
    assert_ne!(rig.joins(&controller), first);
}

#[test]
fn a_controller_that_refuses_is_asked_again() {
    let controller = Controller::new();
    controller.answer_reset(Code::PermissionDenied);
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    let refused = rig.sees_reset(&controller);
    // The controller does not know that token: it is still the one to be told.
    assert_eq!(rig.sees_reset(&controller), refused);
    controller.answer_reset(Code::Ok);
    controller.answer_opening(Code::ResourceExhausted);
    let two = |rig: &mut Rig<'_>| (rig.host.agent.stats().resets >= 2).then_some(());
    rig.until("two resets", two);
    controller.answer_opening(Code::Ok);
    rig.sees_hello(&controller);
}

#[test]
fn messages_are_compressed_either_way() {
    let controller = Controller::new();
    let config = GrpcConfig { compress: true, ..GrpcConfig::new(&controller.url()) };
    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &config);
    let token = rig.joins(&controller);
    controller.say(create(&token, 1, "a", "10.2.0.0/16", FUTURE));
    assert_eq!(rig.sees_answer(&controller), (101, StatusCode::OK));

    let gzip = Some("gzip".to_owned());
    controller.close(Code::Ok);
    let (sent, accepts) = rig.sees(&controller, "a call", |seen| match seen {
        Seen::Call { encoding, accepts, .. } => Some((encoding.clone(), accepts.clone())),
        _ => None,
    });
    assert_eq!(sent, gzip);
    assert!(accepts.contains("gzip"));
    let answered = rig.sees(&controller, "its answer", |seen| match seen {
        Seen::Answered(encoding) => Some(encoding.clone()),
        _ => None,
    });
    assert_eq!(answered, gzip);
}

#[test]
fn an_agent_that_does_not_compress_takes_what_is_compressed() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    let encoding = rig.sees(&controller, "a call", |seen| match seen {
        Seen::Call { encoding, .. } => Some(encoding.clone()),
        _ => None,
    });
    assert_eq!(encoding, None);
    let token = rig.joins(&controller);
    controller.say(create(&token, 1, "a", "10.2.0.0/16", FUTURE));
    assert_eq!(rig.sees_answer(&controller), (101, StatusCode::OK));
    let is_gzip = |seen: &Seen| (*seen == Seen::Answered(Some("gzip".into()))).then_some(());
    controller.close(Code::Ok);
    rig.sees(&controller, "an answer in gzip", is_gzip);
}

/// Reports that an interface is up.
fn report(rig: &mut Rig<'_>, seconds: i64) {
    let now = farpost::host::clock::SystemClock::new().now();
    let states = [IfOperStatusDataPoint {
        time: Some(Timestamp { seconds, nanos: 0 }),
        value: Some(IfOperStatus::UP),
    }];
    let interface = InterfaceMetricsValues {
        interface_id: Some("eth0"),
        operational_state_data_points: &states,
        ..InterfaceMetricsValues::default()
    };
    let metrics =
        ExportMetricsValues { interface_metrics: &[interface], ..ExportMetricsValues::default() };
    assert!(rig.host.agent.report(now, MetricKind::State, &metrics));
}

fn metrics(seen: &Seen) -> Option<bytes::Bytes> {
    match seen {
        Seen::Metrics(request) => Some(request.clone()),
        _ => None,
    }
}

#[test]
fn metrics_are_exported_and_kept_while_the_controller_cannot_take_them() {
    let controller = Controller::new();
    controller.answer_metrics(Code::Unavailable);
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    rig.joins(&controller);
    report(&mut rig, PAST);
    let first = rig.sees(&controller, "metrics", metrics);
    let again = rig.sees(&controller, "metrics again", metrics);
    assert_eq!(first, again);
    controller.answer_metrics(Code::Ok);
    rig.until("the export", |rig| (rig.host.agent.telemetry_stats().exported == 1).then_some(()));
    let request = ExportMetrics::parse(&first).unwrap();
    let interface = request.interface_metrics().next().unwrap();
    assert_eq!(interface.interface_id(), Some("eth0"));
    let point = interface.operational_state_data_points().next().unwrap();
    assert_eq!(point.value, Some(IfOperStatus::UP));
    // The stream is none the worse.
    assert_eq!(rig.host.agent.stats().streams_ended, 0);
}

#[test]
fn metrics_that_are_invalid_are_not_sent_again() {
    let controller = Controller::new();
    controller.answer_metrics(Code::InvalidArgument);
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    rig.joins(&controller);
    report(&mut rig, PAST);
    rig.until("the refusal", |rig| (rig.host.agent.telemetry_stats().rejected == 1).then_some(()));
    assert_eq!(rig.host.agent.telemetry_stats().requests, 1);
}

#[test]
fn metrics_of_the_later_era_go_to_its_method() {
    let controller = Controller::new();
    let config = GrpcConfig { metrics: MetricsEra::Later, ..GrpcConfig::new(&controller.url()) };
    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &config);
    rig.joins(&controller);
    report(&mut rig, PAST);
    let called = rig.sees(&controller, "the call", |seen| {
        path(seen).filter(|path| path.ends_with("ExportMetrics")).map(str::to_owned)
    });
    assert_eq!(called, method::API_EXPORT_METRICS);
}

#[test]
fn what_is_no_message_ends_the_stream() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    let first = rig.joins(&controller);
    controller.say(&b"\x12\x7fnot so many octets"[..]);
    assert_ne!(rig.joins(&controller), first);
    let stats = rig.host.agent.stats();
    assert_eq!((stats.malformed, stats.streams_ended), (1, 1));
}

#[test]
fn what_is_longer_than_is_taken_ends_the_stream() {
    let controller = Controller::new();
    let config = GrpcConfig { longest: 4_096, ..GrpcConfig::new(&controller.url()) };
    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &config);
    let first = rig.joins(&controller);
    controller.say(vec![0; 4_097]);
    assert_ne!(rig.joins(&controller), first);
    assert_eq!(rig.host.agent.stats().messages, 0);
    let fault = rig.host.link.take_fault().unwrap();
    assert_eq!(fault.code, StatusCode::RESOURCE_EXHAUSTED);
}

fn authorization(seen: &Seen) -> Option<(String, Option<String>)> {
    match seen {
        Seen::Call { path, authorization, .. } => Some((path.clone(), authorization.clone())),
        _ => None,
    }
}

#[test]
fn each_call_is_authorized() {
    let controller = Controller::new();
    let config = GrpcConfig {
        credentials: Arc::new(BearerToken::new("secret").unwrap()),
        ..GrpcConfig::new(&controller.url())
    };
    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &config);
    report(&mut rig, PAST);
    let mut called = Vec::new();
    for _ in 0..3 {
        let (path, authorization) = rig.sees(&controller, "a call", authorization);
        assert_eq!(authorization.as_deref(), Some("Bearer secret"), "{path}");
        called.push(path);
    }
    called.sort_unstable();
    assert_eq!(called, [method::RECEIVE_REQUESTS, method::RESET, method::EXPORT_METRICS]);
    assert!(!format!("{:?} {config:?}", rig.host).contains("secret"));
}

#[test]
fn calls_wait_for_a_token_that_is_not_there_yet() {
    let controller = Controller::new();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let config = GrpcConfig {
        credentials: Arc::new(BearerFile::new(&file)),
        ..GrpcConfig::new(&controller.url())
    };
    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &config);
    let fault = rig.until("a fault", |rig| rig.host.link.take_fault());
    assert_eq!((fault.method, fault.code), (method::RESET, StatusCode::UNAUTHENTICATED));
    assert!(fault.message.contains("token"), "{}", fault.message);
    assert_eq!(controller.seen(), [], "nothing is called without it");
    // Whole and its owner's alone from the start, as whatever renews it has to write it.
    let new = directory.path().join("new");
    fs::write(&new, "late\n").unwrap();
    #[cfg(unix)]
    fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::rename(new, &file).unwrap();
    let (_, value) = rig.sees(&controller, "a call", authorization);
    assert_eq!(value.as_deref(), Some("Bearer late"));
}

/// Credentials that are not well made.
#[derive(Debug, Default)]
struct Faulty(AtomicU32);

impl Credentials for Faulty {
    fn authorization(&self, _method: &str) -> io::Result<Option<String>> {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the first time it panics");
        Ok(None)
    }
}

#[test]
fn a_call_that_breaks_off_has_failed_and_is_made_again() {
    let controller = Controller::new();
    let config = GrpcConfig {
        credentials: Arc::new(Faulty::default()),
        ..GrpcConfig::new(&controller.url())
    };
    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &config);
    let fault = rig.until("a fault", |rig| rig.host.link.take_fault());
    assert_eq!((fault.method, fault.code), (method::RESET, StatusCode::INTERNAL));
    rig.joins(&controller);
}

#[test]
fn an_agent_that_is_dropped_leaves_nothing_open() {
    let controller = Controller::new();
    let mut room = memory();
    let mut rig = Rig::new(&mut room, Renew, &controller.url());
    rig.joins(&controller);
    drop(rig);
    // The controller sees the end of the stream without anybody being run.
    let began = std::time::Instant::now();
    while !controller.seen().contains(&Seen::Ended) {
        assert!(began.elapsed().as_secs() < 30, "the stream is still open");
        std::thread::yield_now();
    }
}

/// A certificate of 127.0.0.1 and its key, as PEM, made by OpenSSL's command.
fn certificate() -> (Vec<u8>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .current_dir(&directory)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem", "-days", "2", "-subj", "/CN=far"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let read = |name| fs::read(directory.path().join(name)).unwrap();
    (read("certificate.pem"), read("key.pem"))
}

#[test]
fn a_controller_over_tls_is_known_by_its_certificate() {
    let (certificate, key) = certificate();
    let identity = Identity::from_pem(&certificate, key);
    let controller = Controller::start(Place::new(), Some(identity));
    let url = format!("https://{}", controller.address);
    let with = |roots| GrpcConfig {
        credentials: Arc::new(BearerToken::new("secret").unwrap()),
        roots: Some(roots),
        ..GrpcConfig::new(&url)
    };

    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &with(self::certificate().0));
    let fault = rig.until("a fault", |rig| rig.host.link.take_fault());
    assert_eq!(fault.code, StatusCode::UNAVAILABLE);
    assert!(fault.message.contains("certificate"), "{}", fault.message);
    assert_eq!(controller.seen(), []);
    drop(rig);

    let mut room = memory();
    let mut rig = Rig::with(&mut room, Renew, &with(certificate));
    let (_, value) = rig.sees(&controller, "a call", authorization);
    assert_eq!(value.as_deref(), Some("Bearer secret"));
    let token = rig.joins(&controller);
    controller.say(create(&token, 1, "a", "10.2.0.0/16", FUTURE));
    assert_eq!(rig.sees_answer(&controller), (101, StatusCode::OK));
}

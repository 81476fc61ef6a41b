//! `farpost module`: takes part in a message space.

mod report;
mod request;
mod session;
mod steps;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use farpost::ams::ids::{RoleNumber, UnitNumber};
use farpost::ams::mib::Mib;
use farpost::ams::module::Membership;
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::mib::Bump;
use farpost::host::module::{Capacity, ModuleHost};
use farpost::host::net::endpoint_name;
use farpost::time::Clock;
use serde_json::json;

use crate::ams::{
    Failure, Interrupt, Named, Names, Place, SIGNATURES, contents, event, exit, mib_changed,
    object, require_role_key, seconds, seen_enough, venture_of,
};
use crate::input;
pub(crate) use report::{fault, stats};
use session::{Ending, Plan, Session};
use steps::Steps;

/// Register a module of AMS, have it do things, and print what it is told.
///
/// Every indication and every message is one JSON line on standard output; so is
/// what became of everything it was asked for. docs/commands.md tells what the
/// lines hold. Ctrl-C unregisters. The exit status is 1 when something was refused,
/// or the module was not registered or declared dead, and 2 when it could not start.
#[derive(Args)]
#[command(after_help = AFTER_HELP, mut_arg("mib", |mib| mib.required(true)))]
pub(crate) struct Module {
    #[command(flatten)]
    place: Place,
    /// The role it registers in, by name or number.
    #[arg(long, value_name = "NAME|N")]
    role: String,
    #[command(flatten)]
    steps: Steps,
    /// Hold messages back until so many other modules are known.
    #[arg(long, value_name = "N", default_value_t = 0)]
    wait_for_peers: usize,
    /// Then hold them back this long: what others subscribe to is still on the way.
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    settle: Duration,
    /// Answer every query with this text, in its context and on its subject.
    #[arg(long, value_name = "TEXT")]
    auto_reply: Option<String>,
    /// Then do what JSON lines on standard input say; their end ends it.
    #[arg(long)]
    stdin: bool,
    /// Register again, and assert the same, when it is declared dead.
    #[arg(long)]
    reregister: bool,
    /// Give up when it is not registered by then.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    register_within: Option<Duration>,
    /// End so long after the last of the arguments is done; 0 at once. Without a way
    /// to end it goes on until Ctrl-C.
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    stay: Option<Duration>,
    /// End after so many messages.
    #[arg(long, value_name = "N")]
    until_messages: Option<u64>,
}

const AFTER_HELP: &str = "\
Subjects, units and roles are told by name or number. Options follow the subject, as
`,NAME=VALUE`:
  subscribe, invite  mode=best-effort|assured, priority=1..15, flow=0..255 asked for;
                     continuum=N, unit=U, role=R of those whose messages are meant
  all messages       priority=1..15, flow=0..255, context=N; as=hex: TEXT is octets
  announce           continuum=N, unit=U, role=R of those it goes to
  send, query, reply continuum=N of the destination
  query              term=SECONDS to wait for the reply before it is a fault; without
                     a context, queries are numbered from 1

Examples:
  farpost module --mib local.toml --role actor --subscribe report,mode=assured
  farpost module --mib local.toml --role ssd --publish 'report=-93 dBm' --for 0
  farpost module --mib local.toml --role ssm --invite request --auto-reply granted
  farpost module --mib local.toml --role actor --invite request \\
      --query '0.1:request,term=2=Monday 10:00?' --until-messages 1
  farpost module --mib field.toml --role ssd --subscribe request,continuum=centre \\
      --wait-for-peers 1 --send '0.2:report,continuum=centre=-93 dBm'";

impl Module {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.take_part())
    }

    fn take_part(&self) -> Result<ExitCode, Failure> {
        let arena = Bump::new();
        let mib = self.place.mib(&arena)?;
        let venture = venture_of(mib, self.place.venture)?;
        let names = Names(venture);
        let (unit, role) = self.identity(names)?;
        venture.role(role).map_or(Ok(()), require_role_key)?;
        let steps = self.steps.read(mib, names)?;
        let mut driver = Driver::new(SystemClock::new())?;
        let waker = driver.waker()?;
        let interrupt = Interrupt::listen(waker.clone())?;
        let sockets = self.place.bind(mib)?;
        let style = self.place.style(mib);
        let endpoint = endpoint_name(sockets.mams(), style);
        let input = self.stdin.then(|| input::listen(waker));
        let session = Session::new(mib, (names, unit), self.plan(), steps, input);
        let mut host = ModuleHost::new(
            &arena,
            mib,
            (venture.number, unit, role),
            (sockets, style),
            Capacity::default(),
            session,
        )?
        .with_authenticator(&SIGNATURES)
        .with_content_handler(contents(&arena));
        driver.add(&mut host)?;
        let started = json!({"endpoint": endpoint, "venture": venture.number.0, "unit": unit.0,
                             "role": role.0, "role_name": names.role_name(role)});
        host.application.output.line(event("started", started));
        host.service.register(driver.clock().now())?;
        let ending = go_on(&mut driver, &mut host, &interrupt, || self.place.mib(&arena))?;
        leave(&mut driver, &mut host, ending)
    }

    fn identity(&self, names: Names<'_>) -> Result<(UnitNumber, RoleNumber), Failure> {
        let unit = self.place.unit(names)?;
        let role = names.role(&Named::from(self.role.as_str())).map_err(Failure)?;
        if !names.0.roles.is_empty() && names.0.role(role).is_none() {
            return Err(Failure::new(format!("the MIB has no role {role}")));
        }
        Ok((unit, role))
    }

    fn plan(&self) -> Plan {
        Plan {
            peers: self.wait_for_peers,
            settle: self.settle,
            stay: self.stay,
            until_messages: self.until_messages,
            register_within: self.register_within,
            auto_reply: self.auto_reply.clone(),
            reregister: self.reregister,
        }
    }
}

type Host<'s> = ModuleHost<'s, Session<'s>>;

/// Takes part until there is a reason to end.
fn go_on<'s>(
    driver: &mut Driver<SystemClock>,
    host: &mut Host<'s>,
    interrupt: &Interrupt,
    reload: impl Fn() -> Result<&'s Mib<'s>, Failure>,
) -> Result<Ending, Failure> {
    loop {
        if interrupt.takes_reload() {
            let ModuleHost { application, service, .. } = host;
            let changed = reload().and_then(|mib| application.change_mib(mib, service));
            application.output.line(mib_changed(changed));
        }
        host.application.work(driver.clock().now(), &mut host.service);
        match host.application.output.check() {
            Err(error) if seen_enough(&error) => return Ok(Ending::NobodyReads),
            result => result?,
        }
        if interrupt.is_asked() {
            return Ok(Ending::Interrupted);
        }
        if let Some(ending) = host.application.ending {
            return Ok(ending);
        }
        driver.turn(&mut [host], Duration::MAX)?;
    }
}

/// Sends what still waits, leaves the message space, and tells the end.
fn leave(
    driver: &mut Driver<SystemClock>,
    host: &mut Host<'_>,
    ending: Ending,
) -> Result<ExitCode, Failure> {
    host.application.close(ending);
    let now = driver.clock().now().monotonic;
    let patience = now.after(PATIENCE);
    let linger = host.application.issued_at.map_or(now, |at| at.after(LINGER));
    loop {
        let now = driver.clock().now().monotonic;
        let until = if host.service.is_sending() { patience } else { linger };
        if now >= until {
            break;
        }
        driver.turn(&mut [host], until.since(now))?;
    }
    let membership = host.service.module().membership();
    if matches!(membership, Membership::Joining | Membership::Member(_)) {
        host.service.unregister(driver.clock().now())?;
        host.application.output.line(object(json!({"done": "unregister"})));
    }
    // The last indications.
    driver.turn(&mut [host], Duration::ZERO)?;
    let Session { output, delivered, failed, .. } = &mut host.application;
    output.line(event("ended", json!({"reason": ending.name(), "messages": delivered})));
    output.close();
    let failed = *failed || matches!(ending, Ending::NotRegistered | Ending::Dead);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// How long after its last message a module leaves: a receiver that is told of the
/// end first does not know the sender any more, and may have to discard the message.
const LINGER: Duration = Duration::from_millis(500);
/// How long what waits for a connection is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(2);

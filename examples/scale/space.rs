//! The message space: how it comes up, what is done to it, and who is wrong.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use bumpalo::Bump;
use farpost::ams::ids::{
    ContinuumNumber, Domain, ModuleId, ModuleKey, RoleNumber, SubjectNumber, UnitNumber,
    VentureNumber,
};
use farpost::ams::mib::{Mib, Policy, Role, Subject, Timers, Unit, Venture};
use farpost::ams::module::{Membership, Module, RuleKind, RuleRequest};
use farpost::ams::registrar::RegistrarState;
use farpost::ams::service::Message;
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;

use super::seat::{Seat, endpoint};

pub(crate) const VENTURE: VentureNumber = VentureNumber(1);
const ROLE: RoleNumber = RoleNumber(2);
const SUBJECT: SubjectNumber = SubjectNumber(1);

/// So many are being registered at a time.
const BATCH: usize = 16;
/// One module in so many subscribes, and as many others publish.
const SHARE: usize = 20;
/// Resynchronisations are this many heartbeats of registrars apart.
const RESYNC: u32 = 12;

/// How large the message space is, and how slow it may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) modules: usize,
    pub(crate) cells: u16,
    pub(crate) heartbeat: Duration,
    pub(crate) patience: Duration,
}

impl Options {
    /// So many modules in twenty cells.
    pub(crate) fn new(modules: usize) -> Self {
        let heartbeat = Duration::from_secs(1);
        Self { modules, cells: 20, heartbeat, patience: heartbeat * 60 }
    }
}

/// Brings it up, tries it, and prints what happens.
///
/// # Errors
/// What the system says, or what somebody is still wrong about when patience ends.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.cells == 0 || options.modules > usize::from(options.cells) * 255 {
        return Err("a cell has 255 modules at most".into());
    }
    let arena = Bump::new();
    let mut space = Space::new(&arena, options).map_err(explain)?;
    let errors = receive_errors();
    println!("{} modules in {} cells, {} sockets", options.modules, options.cells, space.sockets());

    let start = Instant::now();
    space.join()?;
    println!("all have joined: {:.1?}", start.elapsed());
    space.agree()?;
    println!("all agree: {:.1?}", start.elapsed());

    let start = Instant::now();
    let (delivered, expected) = space.publish()?;
    println!("{delivered} of {expected} messages delivered: {:.1?}", start.elapsed());

    let start = Instant::now();
    space.crash_registrar()?;
    space.agree()?;
    println!("a registrar crashed and came back, and all agree: {:.1?}", start.elapsed());

    println!("{} datagrams, {} octets of storage", space.datagrams(), arena.allocated_bytes());
    if let (Some(before), Some(after)) = (errors, receive_errors()) {
        println!("{} datagrams lost for want of room in a socket", after - before);
    }
    let deaths: u64 = space.modules().map(|host| host.application.deaths).sum();
    println!("{deaths} modules declared dead by mistake");
    if delivered != expected {
        return Err("messages were lost".into());
    }
    Ok(())
}

/// Everything that takes part: the configuration server, the registrars, and the
/// modules, cell by cell.
struct Space<'s> {
    arena: &'s Bump,
    mib: &'s Mib<'s>,
    options: Options,
    driver: Driver<SystemClock>,
    seats: Vec<Seat<'s>>,
    /// The port of the registrar that is going to crash.
    port: u16,
}

impl<'s> Space<'s> {
    fn new(arena: &'s Bump, options: &Options) -> io::Result<Self> {
        let server = endpoint(0)?;
        let mib = mib(arena, options, &server.local().to_string());
        let sizes = (usize::from(options.cells), options.modules);
        let mut seats = vec![Seat::server(arena, mib, sizes.0, server)];
        let mut port = 0;
        for unit in (0..options.cells).map(UnitNumber).rev() {
            let socket = endpoint(0)?;
            port = socket.local().port();
            seats.push(Seat::registrar(arena, mib, sizes, unit, socket)?);
        }
        // The one that was made last, of the root unit, comes first.
        seats[1..].reverse();
        for unit in (0..options.cells).map(UnitNumber).cycle().take(options.modules) {
            seats.push(Seat::module(arena, mib, (options.modules, unit), ROLE)?);
        }
        let mut driver = Driver::new(SystemClock::new())?;
        for seat in &mut seats {
            driver.add(seat)?;
        }
        Ok(Self { arena, mib, options: *options, driver, seats, port })
    }

    /// Has some modules register, and others when these have been.
    fn join(&mut self) -> Result<(), Box<dyn Error>> {
        let patience = Instant::now() + self.options.patience;
        let first = 1 + usize::from(self.options.cells);
        let mut next = first;
        loop {
            let now = self.turn()?;
            let joining = |seat: &Seat<'_>| {
                let module = seat.as_module().map(|host| host.service.module().membership());
                module == Some(Membership::Joining)
            };
            let open = self.seats[first..next].iter().filter(|seat| joining(seat)).count();
            if open == 0 && next == self.seats.len() {
                return Ok(());
            }
            let until = (next + BATCH.saturating_sub(open)).min(self.seats.len());
            for seat in &mut self.seats[next..until] {
                if let Some(host) = seat.as_module_mut() {
                    host.service.register(now)?;
                }
            }
            next = until;
            if Instant::now() > patience + self.options.heartbeat * 6 {
                return Err(format!("{open} modules are still joining").into());
            }
        }
    }

    /// Runs until nobody is wrong, looking once in a heartbeat.
    fn agree(&mut self) -> Result<(), Box<dyn Error>> {
        let patience = Instant::now() + self.options.patience;
        loop {
            match self.disagreement() {
                None => return Ok(()),
                Some(why) if Instant::now() > patience => return Err(why.into()),
                Some(_) => self.run_for(self.options.heartbeat)?,
            }
        }
    }

    /// Some modules subscribe, and then as many others publish. Returns how many
    /// messages were delivered, and how many should have been.
    fn publish(&mut self) -> Result<(u64, u64), Box<dyn Error>> {
        let first = 1 + usize::from(self.options.cells);
        let some: Vec<usize> = (first..self.seats.len().saturating_sub(1)).step_by(SHARE).collect();
        let request = RuleRequest {
            domain: Domain { continuum: self.mib.continuum.number, ..Domain::ALL },
            ..RuleRequest::new(SUBJECT)
        };
        for place in &some {
            let now = self.turn()?;
            if let Some(host) = self.seats[*place].as_module_mut() {
                host.service.subscribe(now, &request)?;
            }
        }
        self.agree()?;
        for place in &some {
            self.turn()?;
            if let Some(host) = self.seats[place + 1].as_module_mut() {
                host.service.publish(&Message::new(SUBJECT, b"to all who want it"))?;
            }
        }
        self.run_for(Duration::from_millis(500))?;
        let delivered = self.modules().map(|host| host.application.messages).sum();
        let number = u64::try_from(some.len())?;
        Ok((delivered, number * number))
    }

    /// The registrar of the root unit is gone for three heartbeats, and comes back
    /// without its memory.
    fn crash_registrar(&mut self) -> Result<(), Box<dyn Error>> {
        self.seats[1] = Seat::Empty;
        self.run_for(self.options.heartbeat * 3)?;
        let sizes = (usize::from(self.options.cells), self.options.modules);
        let socket = endpoint(self.port)?;
        self.seats[1] = Seat::registrar(self.arena, self.mib, sizes, UnitNumber::ROOT, socket)?;
        self.driver.replace(1, &mut self.seats[1])?;
        Ok(())
    }

    fn run_for(&mut self, span: Duration) -> io::Result<()> {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.turn()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> io::Result<farpost::time::Now> {
        self.driver.turn_due(&mut self.seats, Duration::from_millis(10))
    }

    /// The first thing anybody is wrong about; the truth is what each module is and
    /// has asserted itself.
    fn disagreement(&self) -> Option<String> {
        let mut truth = BTreeMap::new();
        for module in self.modules().map(|host| host.service.module()) {
            let Some(id) = module.id() else {
                return Some(format!("a module is {:?}", module.membership()));
            };
            let own = module.own_rules().map(|own| (own.kind(), own.assertion()));
            if truth.insert(id.key(), (id, own.collect::<Vec<_>>())).is_some() {
                return Some(format!("two modules are {}", id.key()));
            }
        }
        let ids: Vec<ModuleId> = truth.values().map(|(id, _)| *id).collect();
        let mut rules: Vec<Known> = truth
            .values()
            .flat_map(|(id, own)| {
                own.iter().map(|(kind, rule)| (id.key(), *kind, rule.subject, rule.domain))
            })
            .collect();
        rules.sort_unstable();
        let registrars = self.seats.iter().filter_map(Seat::as_registrar);
        let served: usize = registrars.clone().map(|registrar| registrar.members().count()).sum();
        if served != ids.len() || registrars.clone().count() != usize::from(self.options.cells) {
            return Some(format!("registrars have {served} members"));
        }
        if let Some(lost) = registrars.map(|it| it.state()).find(|it| *it != RegistrarState::Noted)
        {
            return Some(format!("a registrar is {lost:?}"));
        }
        self.modules().find_map(|host| wrong_about(host.service.module(), &ids, &rules))
    }

    fn modules(
        &self,
    ) -> impl Iterator<Item = &farpost::host::module::ModuleHost<'s, super::seat::Counter>> {
        self.seats.iter().filter_map(Seat::as_module)
    }

    fn sockets(&self) -> usize {
        1 + usize::from(self.options.cells) + 3 * self.options.modules
    }

    /// What the machines have sent.
    fn datagrams(&self) -> u64 {
        let of_modules = self.modules().map(|host| {
            let module = host.service.module();
            u64::from(module.meta_stats().sent) + u64::from(module.message_stats().sent)
        });
        let registrars = self.seats.iter().filter_map(Seat::as_registrar);
        of_modules.sum::<u64>() + registrars.map(|it| u64::from(it.stats().sent)).sum::<u64>()
    }
}

/// A rule as whoever knows it sees it.
type Known = (ModuleKey, RuleKind, SubjectNumber, Domain);

fn wrong_about(module: &Module<'_>, ids: &[ModuleId], rules: &[Known]) -> Option<String> {
    let me = module.id()?;
    let others = ids.iter().filter(|id| **id != me).copied();
    if !module.peers().map(|peer| peer.id()).eq(others) {
        let peers = module.peers().count();
        return Some(format!("{} knows {peers} of {} others", me.key(), ids.len() - 1));
    }
    let mut known: Vec<Known> = module
        .rules()
        .map(|(whose, kind, rule)| (whose, kind, rule.subject, rule.domain))
        .collect();
    known.sort_unstable();
    let others = rules.iter().filter(|rule| rule.0 != me.key());
    (!known.iter().eq(others)).then(|| format!("{} knows {} rules", me.key(), known.len()))
}

fn mib<'s>(arena: &'s Bump, options: &Options, server: &str) -> &'s Mib<'s> {
    let units = (0..options.cells).map(|unit| Unit {
        resync_period: RESYNC,
        ..match unit {
            0 => Unit::ROOT,
            _ => Unit::new(UnitNumber(unit), arena.alloc_str(&format!("cell {unit}"))),
        }
    });
    let venture = Venture {
        units: arena.alloc_slice_fill_iter(units.collect::<Vec<_>>()),
        roles: arena.alloc_slice_copy(&[Role::new(ROLE, "post")]),
        subjects: arena.alloc_slice_copy(&[Subject::new(SUBJECT, "news")]),
        ..Venture::new(VENTURE, "scale", "examples")
    };
    let timers = Timers { n3: options.heartbeat, ..Timers::NOMINAL };
    let policy = Policy {
        census: Some(Duration::ZERO),
        // Otherwise each resynchronisation takes as many datagrams as there are pairs.
        aggregation: options.heartbeat / 4,
        ..Policy::NOMINAL
    };
    arena.alloc(Mib {
        config_servers: arena.alloc_slice_copy(&[&*arena.alloc_str(server)]),
        ventures: arena.alloc_slice_copy(&[venture]),
        timers,
        policy,
        ..Mib::new(ContinuumNumber::from_bits(1), "scale")
    })
}

/// Datagrams the system has discarded because a socket had no room, where it tells.
fn receive_errors() -> Option<u64> {
    let text = fs::read_to_string("/proc/net/snmp").ok()?;
    let mut udp = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let place = udp.next()?.split_whitespace().position(|name| name == "RcvbufErrors")?;
    udp.next()?.split_whitespace().nth(place)?.parse().ok()
}

fn explain(error: io::Error) -> String {
    match error.raw_os_error() {
        // EMFILE, on the systems that have it.
        Some(24) => "too many open files: `ulimit -n` has to be 3 for each module and some".into(),
        _ => error.to_string(),
    }
}

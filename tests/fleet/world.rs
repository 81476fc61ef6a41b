//! The world of a fleet: what happens to its nodes, and when.

use std::collections::{BTreeMap, BTreeSet};

use farpost::scos::actor::{Actor, Wish};
use farpost::scos::messages::{Devices, Rejection};
use farpost::scos::metadata::HostStatus;
use farpost::scos::ssm::Ssm;
use farpost::scos::{ActorId, Section, Series, When};
use farpost::time::{ClockQuality, Instant, Now, Utc};

use crate::disk::Disk;
use crate::net::{MANAGER, Net, NodeId, Port, Random, address};
use crate::nodes::{ACTORS, Device, Front, SCAN, Told, Watch, actor, ssd, ssm};

const MINUTE: u64 = 60_000;

/// What happens to the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clocks {
    Good,
    Leap,
    Stepping,
}

/// What the SSM knows when it starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// What is in its store.
    Store,
    /// Nothing: it has none.
    None,
}

/// How often power was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    pub(crate) ssm: usize,
    pub(crate) devices: usize,
    pub(crate) actors: usize,
}

pub(crate) struct World {
    pub(crate) start: i64,
    clocks: Clocks,
    memory: Memory,
    net: Net,
    random: Random,
    pub(crate) ssm: Ssm<'static>,
    pub(crate) watch: Watch,
    /// What earlier lives of the SSM had promised.
    pub(crate) past: Vec<Watch>,
    pub(crate) devices: Vec<Device>,
    pub(crate) names: &'static [String],
    pub(crate) actors: Vec<(Actor<'static>, Told)>,
    /// What Actors had been told that know nothing of it any more.
    pub(crate) gone: Vec<Told>,
    /// The stores of the nodes that have one.
    disks: Vec<Option<Disk>>,
    /// Nodes without power, and until when.
    dark: BTreeMap<NodeId, u64>,
    pub(crate) losses: Losses,
    /// When each node is next due, both ways.
    due: BTreeSet<(u64, NodeId)>,
    due_of: Vec<Option<u64>>,
    events: usize,
    steps: usize,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        devices: usize,
        loss: u64,
        start: i64,
        clocks: Clocks,
        memory: Memory,
    ) -> Self {
        let names: &'static [String] =
            (0..devices).map(|at| format!("mast-{at:04}")).collect::<Vec<_>>().leak();
        let nodes = 1 + devices + ACTORS;
        // Every other device has a store, and all Actors but the last.
        let has_disk = |node: usize| match node {
            0 => memory == Memory::Store,
            _ => node % 2 == 1 && node <= devices || node > devices && node + 1 < nodes,
        };
        let disks: Vec<_> = (0..nodes).map(|node| has_disk(node).then(Disk::default)).collect();
        let device = |at: usize| {
            let disk = disks[at + 1].as_ref();
            let front = Front::new(seed ^ at as u64, disk.cloned());
            Device { ssd: ssd(&names[at], 1, disk), front, boot: 1, off: 0, lost: false }
        };
        let an_actor = |at: usize| {
            let told = Told { actor: ActorId(at as u32 + 1), ..Told::default() };
            (actor(at, 1, devices, disks[1 + devices + at].as_ref()), told)
        };
        let mut world = Self {
            start,
            clocks,
            memory,
            net: Net::new(seed, loss),
            random: Random(!seed),
            ssm: ssm(names, 9, disks[0].as_ref()),
            watch: Watch::default(),
            past: Vec::new(),
            devices: (0..devices).map(device).collect(),
            names,
            actors: (0..ACTORS).map(an_actor).collect(),
            gone: Vec::new(),
            disks,
            dark: BTreeMap::new(),
            losses: Losses::default(),
            due: BTreeSet::new(),
            due_of: vec![None; nodes],
            events: 0,
            steps: 0,
        };
        for node in 0..nodes as NodeId {
            world.schedule(node);
        }
        world
    }

    pub(crate) const fn now(&self) -> u64 {
        self.net.now
    }

    /// The minute it is, since 1970.
    pub(crate) const fn minute(&self) -> i64 {
        self.start + (self.net.now / MINUTE) as i64
    }

    /// The time at a node. A leap second repeats the last second of Sunday everywhere.
    fn time_at(&self, node: NodeId) -> Now {
        let millis = self.net.now as i64;
        let midnight = (self.start.div_euclid(1_440) + 1) * 86_400_000 - self.start * 60_000;
        let leap = if self.clocks == Clocks::Leap && millis >= midnight { 1_000 } else { 0 };
        let device = self.devices.get(usize::from(node).wrapping_sub(1));
        let off = device.map_or(0, |device| device.off);
        let lost = device.is_some_and(|device| device.lost);
        Now {
            monotonic: Instant::from_micros(self.net.now * 1_000),
            utc: Utc::from_unix_micros(self.start * 60_000_000 + (millis - leap + off) * 1_000),
            quality: if lost { ClockQuality::Unset } else { ClockQuality::Synchronised },
        }
    }

    /// Runs until `end`, from event to event.
    pub(crate) fn run(&mut self, end: u64) {
        loop {
            let datagram = self.net.next();
            let timer = self.due.first().map(|(due, _)| *due);
            let next = datagram.into_iter().chain(timer).min().unwrap_or(u64::MAX);
            if next > end {
                self.net.now = end;
                return;
            }
            self.net.now = self.net.now.max(next);
            if datagram == Some(next) {
                let (from, to, octets) = self.net.take().expect("one is there");
                self.step(to, Some((from, octets)));
            } else {
                let node = self.due.first().expect("one is due").1;
                self.step(node, None);
            }
        }
    }

    /// A node gets a datagram, if it has power, and does what is due.
    fn step(&mut self, node: NodeId, datagram: Option<(NodeId, Vec<u8>)>) {
        self.events += 1;
        if let Some(until) = self.dark.get(&node) {
            if *until > self.net.now {
                return;
            }
            self.dark.remove(&node);
            self.power_up(node);
        }
        if let Some((from, octets)) = datagram {
            self.receive(from, node, &octets);
        }
        if !self.is_dead(node) {
            self.tick(node);
        }
        if self.is_dead(node) {
            self.lose_power(node);
        }
        self.schedule(node);
    }

    fn is_dead(&self, node: NodeId) -> bool {
        self.disks[usize::from(node)].as_ref().is_some_and(Disk::is_dead)
    }

    fn is_dark(&self, node: NodeId) -> bool {
        self.dark.contains_key(&node)
    }

    fn receive(&mut self, from: NodeId, to: NodeId, octets: &[u8]) {
        let (now, from) = (self.time_at(to), &address(from));
        let port = &mut Port(&mut self.net, to, self.disks[usize::from(to)].as_ref());
        let devices = self.devices.len();
        match usize::from(to) {
            0 => self.ssm.receive(now, from, octets, port, &mut self.watch),
            at if at <= devices => {
                let device = &mut self.devices[at - 1];
                device.ssd.receive(now, from, octets, port, &mut device.front);
            }
            at => {
                let (actor, told) = &mut self.actors[at - devices - 1];
                actor.receive(now, from, octets, port, told);
            }
        }
    }

    fn tick(&mut self, node: NodeId) {
        let now = self.time_at(node);
        let port = &mut Port(&mut self.net, node, self.disks[usize::from(node)].as_ref());
        let devices = self.devices.len();
        match usize::from(node) {
            0 => self.ssm.tick(now, port, &mut self.watch),
            at if at <= devices => {
                let Device { ssd, front, .. } = &mut self.devices[at - 1];
                if let Some((_, scan, well)) =
                    front.pending.take_if(|pending| pending.0 <= port.0.now)
                {
                    // Not taken when its slot is over by now: that has been reported.
                    if !well {
                        let _ = ssd.fail(now, scan, Rejection::Sensor);
                    } else if ssd.complete(now, scan, &[at as u8; 100]).is_ok() {
                        front.complete.insert(scan);
                    }
                }
                ssd.tick(now, port, front);
            }
            at => {
                let (actor, told) = &mut self.actors[at - devices - 1];
                actor.tick(now, port, told);
            }
        }
    }

    fn schedule(&mut self, node: NodeId) {
        // Rounded up, so that what is due then is due.
        let millis = |instant: Instant| instant.as_micros().div_ceil(1_000);
        let devices = self.devices.len();
        let due = match (self.dark.get(&node), usize::from(node)) {
            (Some(until), _) => Some(*until),
            (None, 0) => self.ssm.next_deadline().map(millis),
            (None, at) if at <= devices => {
                let Device { ssd, front, .. } = &self.devices[at - 1];
                let scan = front.pending.map(|pending| pending.0);
                scan.into_iter().chain(ssd.next_deadline().map(millis)).min()
            }
            (None, at) => self.actors[at - devices - 1].0.next_deadline().map(millis),
        };
        let slot = &mut self.due_of[usize::from(node)];
        if let Some(before) = slot.take() {
            self.due.remove(&(before, node));
        }
        // At least a millisecond on, for a machine that waits for another.
        *slot = due.map(|due| due.max(self.net.now + 1));
        self.due.extend(slot.map(|due| (due, node)));
    }

    /// So many requests of the Actors, mostly sensible, for some hours to come; and
    /// what else happens by the way.
    pub(crate) fn wish(&mut self, count: usize) {
        for _ in 0..count {
            let minute = self.minute();
            let random = &mut self.random;
            let who = random.below(ACTORS as u64) as usize;
            let minutes = 1 + random.below(6) as u16;
            let repeats = if random.percent(40) { random.below(6) as u16 } else { 0 };
            let series = Series {
                start: minute + random.below(150) as i64 - 2,
                minutes,
                repeats,
                offset: minutes + random.below(20) as u16,
            };
            let when = match random.below(3) {
                0 => When::Exact,
                1 => When::Nearest { max_shift_minutes: None },
                _ => When::Nearest { max_shift_minutes: Some(10) },
            };
            let at = random.below(self.names.len() as u64) as usize;
            let devices = Devices::One(&self.names[at]);
            let wish = Wish { devices, series, when, across_weeks: false, parameters: SCAN };
            if !self.is_dark(self.node_of_actor(who)) {
                // Not taken when it has too many open ones.
                let _ = self.actors[who].0.request(&wish);
            }
        }
        for at in 0..self.devices.len() {
            let dark = self.is_dark(at as NodeId + 1);
            let device = &mut self.devices[at];
            if self.random.percent(20) && !dark {
                let load = self.random.below(1_000) as u16;
                let status = HostStatus { cpu_usage_permille: Some(load), ..HostStatus::default() };
                device.ssd.set_section(&Section::HostStatus(status)).expect("there is room");
            }
            if self.clocks == Clocks::Stepping && self.random.percent(15) {
                device.off = self.random.below(600_000) as i64 - 300_000;
                device.lost = self.random.percent(10);
                self.steps += 1;
            }
        }
        self.step_all();
    }

    /// Devices and Actors notice what was changed about them.
    fn step_all(&mut self) {
        for node in 1..self.due_of.len() as NodeId {
            self.step(node, None);
        }
    }

    const fn node_of_actor(&self, at: usize) -> NodeId {
        (1 + self.devices.len() + at) as NodeId
    }

    /// The SSM loses power: at one of the next writes, if it has a store.
    pub(crate) fn restart_ssm(&mut self) {
        self.doom(MANAGER, 60);
    }

    /// One device loses its power and the scan that ran, and what it knew, unless it has
    /// a store.
    pub(crate) fn restart_device(&mut self) {
        let at = self.random.below(self.devices.len() as u64);
        self.doom(at as NodeId + 1, 8);
    }

    /// One Actor loses its power, and forgets all it asked for, unless it has a store. Its
    /// reports are acknowledged all the same.
    pub(crate) fn restart_actor(&mut self) {
        let at = self.random.below(ACTORS as u64) as usize;
        self.doom(self.node_of_actor(at), 12);
    }

    /// A node loses power: now, or within so many operations of its store.
    fn doom(&mut self, node: NodeId, operations: u64) {
        if self.is_dark(node) {
            return;
        }
        match &self.disks[usize::from(node)] {
            Some(disk) => disk.die_at(self.random.below(operations)),
            None => self.lose_power(node),
        }
        if self.is_dead(node) {
            self.lose_power(node);
        }
        self.schedule(node);
    }

    /// Nobody loses power any more.
    pub(crate) fn calm(&mut self) {
        self.disks.iter().flatten().for_each(Disk::spare);
    }

    /// A node has no power, for longer than any datagram lives.
    fn lose_power(&mut self, node: NodeId) {
        let outage = MINUTE + self.random.below(25 * MINUTE);
        self.dark.insert(node, self.net.now + outage);
        match usize::from(node) {
            0 => self.losses.ssm += 1,
            at if at <= self.devices.len() => {
                self.devices[at - 1].front.pending = None;
                self.losses.devices += 1;
            }
            _ => self.losses.actors += 1,
        }
    }

    fn power_up(&mut self, node: NodeId) {
        let written = self.random.below(4);
        let disk = self.disks[usize::from(node)].as_ref();
        disk.inspect(|disk| disk.revive(written));
        match usize::from(node) {
            0 if self.memory == Memory::Store => {
                self.ssm = ssm(self.names, 9, disk);
                self.watch.restarted(self.ssm.scheduler().recipes(), self.names);
                self.check_promises();
            }
            0 => self.forget_everything(),
            at if at <= self.devices.len() => {
                let has_store = disk.is_some();
                let device = &mut self.devices[at - 1];
                device.boot += u32::from(!has_store);
                device.ssd = ssd(&self.names[at - 1], device.boot, disk);
                if self.clocks == Clocks::Stepping && !has_store {
                    // What its clock had it do before the SSM's time had come may come again.
                    device.front.begun.clear();
                }
            }
            at => {
                let at = at - self.devices.len() - 1;
                // Above all that it has used before.
                let first = 1 + 1_000_000 * (1 + self.gone.len() as u32);
                let first = if disk.is_some() { 1 } else { first };
                let (machine, told) = &mut self.actors[at];
                *machine = actor(at, first, self.devices.len(), disk);
                if disk.is_some() {
                    told.losses += 1;
                } else {
                    let fresh = Told { actor: told.actor, life: told.life, ..Told::default() };
                    self.gone.push(std::mem::replace(told, fresh));
                }
                self.drop_past(at);
            }
        }
    }

    /// The SSM starts again and knows nothing. Whoever asked it for something asks to drop
    /// that: nothing more will come of it.
    fn forget_everything(&mut self) {
        self.past.push(std::mem::take(&mut self.watch));
        let life = self.past.len();
        self.ssm = ssm(self.names, 9 + life as u32, None);
        for device in &mut self.devices {
            // A request that was granted and not answered may be granted once more.
            device.front.begun.clear();
        }
        for at in 0..ACTORS {
            self.actors[at].1.life = life;
            self.drop_past(at);
        }
    }

    /// An Actor drops what an SSM has granted that knows nothing of it any more.
    fn drop_past(&mut self, at: usize) {
        let node = self.node_of_actor(at);
        if self.is_dark(node) {
            return;
        }
        let (actor, told) = &mut self.actors[at];
        for (request, _) in told.granted.iter().filter(|(_, (life, ..))| *life < told.life) {
            // Those that are settled are not known any more.
            let _ = actor.cancel(*request);
        }
        self.schedule(node);
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.dark.is_empty()
            && self.ssm.owed() == 0
            && self.ssm.unacknowledged() == 0
            && self.actors.iter().all(|(actor, _)| actor.open_requests() == 0)
    }

    /// The first Actor, who is the operator, asks for all there is.
    pub(crate) fn copy_inventory(&mut self) {
        for device in &mut self.devices {
            // What is true does not change any more.
            (device.off, device.lost) = (0, false);
        }
        self.step_all();
        self.run(self.now() + 60 * MINUTE);
        let (actor, told) = &mut self.actors[0];
        told.inventory.clear();
        told.usage.clear();
        told.copies = 0;
        actor.copy_inventory();
        actor.copy_usage();
        self.schedule(self.node_of_actor(0));
        // A part at a time, and the links are what they are.
        let end = self.now() + 24 * 60 * MINUTE;
        while self.actors[0].0.is_copying() && self.now() < end {
            self.run(self.now() + 10 * MINUTE);
        }
    }

    /// Events, scans granted, reports.
    pub(crate) fn sums(&self) -> (usize, usize, usize) {
        let lives = || self.past.iter().chain([&self.watch]);
        let granted = lives().map(|watch| watch.granted.len()).sum();
        (self.events, granted, lives().map(|watch| watch.reports.len()).sum())
    }

    pub(crate) fn outcomes(&self) -> BTreeMap<&'static str, usize> {
        let mut outcomes = BTreeMap::new();
        let lives = self.past.iter().chain([&self.watch]);
        for outcome in lives.flat_map(|watch| watch.reports.values()) {
            *outcomes.entry(outcome.name()).or_default() += 1;
        }
        outcomes
    }

    /// Slots granted in the week after the one the world began in.
    pub(crate) fn in_next_week(&self) -> usize {
        let monday = (self.start.div_euclid(1_440) + 1) * 1_440;
        self.watch.slots.values().map(|slots| slots.range(monday..).count()).sum()
    }

    /// Scans that ran as the day ended.
    pub(crate) fn across_midnight(&self) -> usize {
        self.devices.iter().map(|device| device.front.across_midnight).sum()
    }

    pub(crate) const fn steps(&self) -> usize {
        self.steps
    }
}

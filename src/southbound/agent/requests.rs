//! Requests: judged, put in order, executed.

use super::{AckPolicy, Agent, Device, Event, GapPolicy, LeapSeconds, Link};
use crate::machine::count;
use crate::southbound::messages::{
    Duration as GpsTime, FromController, Request as Asked, StatusCode,
};
use crate::southbound::protobuf::{Get, Message};
use crate::southbound::schedule::{
    Created, Moment, NoRoom, Operation, Phase, Request, Schedule, ScheduleRow, flag,
};
use crate::storage::Row;
use crate::time::{Instant, Now};

/// A request whose turn it is, and for which there is no room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    time: Moment,
    id_hash: u32,
    since: Instant,
}

/// 1980-01-06T00:00:00Z, where GPS time starts.
const GPS_EPOCH: i64 = 315_964_800;

/// The two numbers of a `Timestamp` or a `Duration`: seconds and nanoseconds.
fn numbers(request: &Message<'_>, number: u8) -> Option<(i64, i32)> {
    let time = request.member(number)?;
    Some((Get::get(&time, 1), Get::get(&time, 2)))
}

/// An instant of GPS time.
fn gps((seconds, nanos): (i64, i32), table: &[LeapSeconds]) -> Option<Moment> {
    // Seconds out of range give no moment either.
    if !(GpsTime { seconds: seconds.signum(), nanos }).is_valid() {
        return None;
    }
    let seconds = seconds.saturating_add(GPS_EPOCH);
    let utc = |leap: &LeapSeconds| seconds.saturating_sub(leap.ahead.into());
    let seconds = table.iter().rfind(|leap| utc(leap) >= leap.from).map_or(seconds, utc);
    if nanos < 0 {
        return moment((seconds.saturating_sub(1), nanos.wrapping_add(1_000_000_000)));
    }
    moment((seconds, nanos))
}

fn moment((seconds, nanos): (i64, i32)) -> Option<Moment> {
    Moment::new(seconds, u32::try_from(nanos).ok()?)
}

impl Agent<'_> {
    /// Takes a message.
    pub(super) fn take(&mut self, now: Now, octets: &[u8], link: &mut dyn Link) {
        // An answer may be owed by now that the link takes again.
        if !self.answers.has_room() {
            self.send_answers(now, link);
        }
        let Ok(message) = FromController::parse(octets) else {
            count(&mut self.stats.malformed);
            match request_id(octets) {
                Some(request_id) => self.answer(request_id, StatusCode::INVALID_ARGUMENT),
                None => self.session.broken = true,
            }
            return;
        };
        let request_id = message.request_id();
        let Some(asked) = message.request() else {
            count(&mut self.stats.unknown_requests);
            return self.answer(request_id, StatusCode::UNIMPLEMENTED);
        };
        let (operation, asked) = match asked {
            Asked::CreateEntry(create) => (Operation::Create, create.raw()),
            Asked::DeleteEntry(delete) => (Operation::Delete, delete.raw()),
            Asked::Finalize(finalize) => (Operation::Finalize, finalize.raw()),
        };
        // All have their token and number in the same fields, and most an ID.
        let (token, seqno): (&str, u64) = (Get::get(&asked, 1), Get::get(&asked, 2));
        if self.journal.renewing || !self.token.is_some_and(|ours| ours.is(token)) {
            count(&mut self.stats.wrong_token);
            return self.answer(request_id, StatusCode::FAILED_PRECONDITION);
        }
        if seqno == 0 {
            count(&mut self.stats.invalid);
            return self.answer(request_id, StatusCode::INVALID_ARGUMENT);
        }
        let request = self.request(seqno, request_id, operation, asked);
        self.put_in_order(now, &request, link);
    }

    fn request<'a>(
        &mut self,
        seqno: u64,
        request_id: i64,
        operation: Operation,
        asked: Message<'a>,
    ) -> Request<'a> {
        let (id, body): (&str, _) = (Get::get(&asked, 3), Some(asked));
        let (id, fits) = if id.len() <= u16::MAX.into() { (id, true) } else { ("", false) };
        let mut request =
            Request { seqno, request_id, operation, time: Moment::EARLIEST, id: "", body: None };
        let time = match operation {
            Operation::Create if fits => {
                (request.id, request.body) = (id, body);
                self.time(&asked, 4, 16)
            }
            Operation::Finalize => self.time(&asked, 3, 4),
            Operation::Delete => {
                // An ID that no entry can have is not there.
                request.id = id;
                return request;
            }
            Operation::Create | Operation::Invalid => None,
        };
        match time {
            Some(time) => request.time = time,
            None => {
                request.operation = Operation::Invalid;
                (request.id, request.body) = ("", None);
            }
        }
        request
    }

    /// The time that a request says in one of two fields.
    fn time(&mut self, asked: &Message<'_>, utc: u8, gps_time: u8) -> Option<Moment> {
        let time = numbers(asked, utc).map(moment);
        let gps = numbers(asked, gps_time).map(|time| gps(time, self.config.leap_seconds));
        if time.is_some() && gps.is_some() && time != gps {
            count(&mut self.stats.times_differ);
        }
        time.or(gps).flatten()
    }

    /// Whether a request of this number was executed.
    fn is_done(&self, seqno: u64) -> bool {
        let ahead = seqno.checked_sub(self.next);
        ahead.is_none_or(|ahead| self.done & bit(ahead) != 0)
    }

    fn put_in_order(&mut self, now: Now, request: &Request<'_>, link: &mut dyn Link) {
        let Request { seqno, request_id, .. } = *request;
        if self.is_done(seqno) {
            count(&mut self.stats.duplicates);
            return self.promise(request_id, StatusCode::OK);
        }
        if let Some(&row) = self.schedule.waits(seqno) {
            return self.waits_already(&row, request);
        }
        if seqno == self.next {
            self.execute(now, request);
            return self.drain(now, link);
        }
        let code = if seqno.saturating_sub(self.next) >= self.config.window {
            count(&mut self.stats.beyond_window);
            StatusCode::RESOURCE_EXHAUSTED
        } else if self.may_overtake(seqno, request.operation, request.id, request.time) {
            self.overtaken(seqno);
            self.carry_out(request)
        } else if self.wait(request).is_err() {
            count(&mut self.stats.no_room);
            StatusCode::RESOURCE_EXHAUSTED
        } else {
            count(&mut self.stats.buffered);
            match self.config.acknowledge {
                AckPolicy::OnExecute => return,
                AckPolicy::OnReceipt => StatusCode::OK,
            }
        };
        self.promise(request_id, code);
    }

    fn wait(&mut self, request: &Request<'_>) -> Result<(), NoRoom> {
        let cost = Schedule::cost(request).saturating_add(self.config.reserve);
        if !self.schedule.has_room(cost, 2) {
            return Err(NoRoom);
        }
        self.schedule.add(request, Phase::Waiting)?;
        if self.config.acknowledge == AckPolicy::OnReceipt {
            self.keep_waiting(request.seqno);
        }
        Ok(())
    }

    /// One that waits comes again, and nobody knows which of its answers will be missed: it
    /// is kept from now on, and all are answered.
    fn waits_already(&mut self, row: &ScheduleRow, request: &Request<'_>) {
        let same = self.schedule.says(row, request);
        count(if same { &mut self.stats.repeated } else { &mut self.stats.conflicts });
        if !row.is(flag::ANSWERED) {
            self.keep_waiting(row.seqno);
            if row.request_id != request.request_id {
                self.promise(row.request_id, StatusCode::OK);
            }
        }
        self.promise(request.request_id, StatusCode::OK);
    }

    /// One that waits is promised: it is not to be lost any more.
    fn keep_waiting(&mut self, seqno: u64) {
        if let Some(row) = self.schedule.waits_mut(seqno) {
            row.set(flag::ANSWERED, true);
            self.journal.changed();
        }
    }

    /// Executes the request whose turn it is.
    fn execute(&mut self, now: Now, request: &Request<'_>) {
        let mut code = self.carry_out(request);
        if code == StatusCode::RESOURCE_EXHAUSTED {
            code = self.make_room(now, request);
        }
        self.promise(request.request_id, code);
        if code == StatusCode::RESOURCE_EXHAUSTED {
            return count(&mut self.stats.no_room);
        }
        self.turn();
    }

    /// Finds room for an entry: what others may do before it that frees some, or what
    /// requests before their turn hold.
    fn make_room(&mut self, now: Now, request: &Request<'_>) -> StatusCode {
        let (time, id_hash) = (request.time, Schedule::id_hash(request.id));
        let since = self.blocked.map_or(now.monotonic, |blocked| blocked.since);
        self.blocked = Some(Blocked { time, id_hash, since });
        self.overtake();
        self.keep(now);
        loop {
            let code = self.carry_out(request);
            if code != StatusCode::RESOURCE_EXHAUSTED || !self.evict() {
                return code;
            }
        }
    }

    /// The last entry that waits gives its room to one before it.
    fn evict(&mut self) -> bool {
        let may =
            |row: &&ScheduleRow| row.operation == Operation::Create && !row.is(flag::ANSWERED);
        let Some(row) = self.schedule.waiting().rfind(may).copied() else { return false };
        count(&mut self.stats.evicted);
        self.schedule.drop_row(row.key());
        self.answer(row.request_id, StatusCode::RESOURCE_EXHAUSTED);
        true
    }

    /// Does what a request asks for.
    fn carry_out(&mut self, request: &Request<'_>) -> StatusCode {
        match request.operation {
            Operation::Invalid => self.invalid(),
            Operation::Create => match self.schedule.create(request) {
                Ok(created) => self.created(created),
                Err(NoRoom) => StatusCode::RESOURCE_EXHAUSTED,
            },
            Operation::Delete => {
                let deleted = self.schedule.delete(request.id);
                self.deleted(deleted)
            }
            Operation::Finalize => self.finalize(request.time),
        }
    }

    /// The same of one that waits, whose row is spent by it.
    fn carry_out_waiting(&mut self, row: &ScheduleRow) -> StatusCode {
        match row.operation {
            Operation::Create => {
                let created = self.schedule.create_waiting(row);
                return self.created(created);
            }
            Operation::Delete => {
                let deleted = self.schedule.delete_waiting(row);
                return self.deleted(deleted);
            }
            Operation::Finalize | Operation::Invalid => self.schedule.retire(row.key()),
        }
        if row.operation == Operation::Finalize { self.finalize(row.time) } else { self.invalid() }
    }

    fn invalid(&mut self) -> StatusCode {
        count(&mut self.stats.invalid);
        StatusCode::INVALID_ARGUMENT
    }

    fn created(&mut self, created: Created) -> StatusCode {
        let (counter, code) = match created {
            Created::New => (&mut self.stats.created, StatusCode::OK),
            Created::Repeated => (&mut self.stats.repeated_entries, StatusCode::OK),
            Created::Conflict if self.config.strict => {
                (&mut self.stats.immutable_conflicts, StatusCode::ALREADY_EXISTS)
            }
            Created::Conflict => (&mut self.stats.immutable_conflicts, StatusCode::OK),
            Created::Final => (&mut self.stats.final_entries, StatusCode::FAILED_PRECONDITION),
        };
        count(counter);
        code
    }

    fn deleted(&mut self, deleted: bool) -> StatusCode {
        count(if deleted { &mut self.stats.deleted } else { &mut self.stats.delete_missing });
        StatusCode::OK
    }

    fn finalize(&mut self, up_to: Moment) -> StatusCode {
        if up_to > self.schedule.finalized {
            count(&mut self.stats.finalized);
            self.schedule.finalized = up_to;
            self.schedule.abandon();
            self.schedule.fold();
        } else if up_to < self.schedule.finalized {
            count(&mut self.stats.finalized_backwards);
            if self.config.strict {
                return StatusCode::FAILED_PRECONDITION;
            }
        }
        StatusCode::OK
    }

    /// The next request has its turn.
    fn turn(&mut self) {
        count(&mut self.stats.executed);
        (self.blocked, self.gap) = (None, None);
        self.done |= 1;
        while self.done & 1 != 0 {
            self.next = self.next.saturating_add(1);
            self.done >>= 1;
        }
        self.journal.changed();
    }

    /// Executes what waits and has its turn.
    pub(super) fn drain(&mut self, now: Now, link: &mut dyn Link) {
        while let Some(&row) = self.schedule.waits(self.next) {
            if !row.is(flag::ANSWERED) {
                if !self.answers.has_room() {
                    self.send_answers(now, link);
                }
                if !self.answers.has_room() {
                    return;
                }
            }
            let code = self.carry_out_waiting(&row);
            if !row.is(flag::ANSWERED) {
                self.promise(row.request_id, code);
            }
            self.turn();
        }
    }

    /// Whether a request may be executed before those that are not: it makes room for the
    /// one whose turn it is, and the order of it and those between does not matter.
    fn may_overtake(&self, seqno: u64, operation: Operation, id: &str, up_to: Moment) -> bool {
        let Some(blocked) = self.blocked else { return false };
        let ahead = seqno.saturating_sub(self.next);
        let is_free = |time: Moment, is_same: bool| match operation {
            Operation::Delete => !is_same,
            Operation::Finalize => up_to <= time,
            Operation::Create | Operation::Invalid => false,
        };
        if bit(ahead) == 0 || !is_free(blocked.time, blocked.id_hash == Schedule::id_hash(id)) {
            return false;
        }
        (1..ahead).all(|step| {
            let between = self.next.saturating_add(step);
            self.done & bit(step) != 0
                || self.schedule.waits(between).is_some_and(|row| {
                    row.operation == Operation::Create
                        && is_free(row.time, self.schedule.is_named(row, id))
                })
        })
    }

    /// Executes all that waits and may be executed before the one whose turn it is.
    fn overtake(&mut self) {
        while let Some(row) = self.next_to_overtake() {
            let code = self.carry_out_waiting(&row);
            self.overtaken(row.seqno);
            if !row.is(flag::ANSWERED) {
                self.promise(row.request_id, code);
            }
        }
    }

    fn next_to_overtake(&self) -> Option<ScheduleRow> {
        let may = |row: &&ScheduleRow| {
            self.may_overtake(row.seqno, row.operation, self.schedule.id(row), row.time)
        };
        self.schedule.waiting().find(may).copied()
    }

    fn overtaken(&mut self, seqno: u64) {
        count(&mut self.stats.overtaken);
        count(&mut self.stats.executed);
        self.done |= bit(seqno.saturating_sub(self.next));
        self.journal.changed();
    }

    /// Owes an answer that nothing has to be kept for.
    fn answer(&mut self, request_id: i64, code: StatusCode) {
        self.owe(request_id, code, false);
    }

    /// Owes an answer to what was executed, or is to be.
    fn promise(&mut self, request_id: i64, code: StatusCode) {
        self.owe(request_id, code, code != StatusCode::RESOURCE_EXHAUSTED);
    }

    fn owe(&mut self, request_id: i64, code: StatusCode, promises: bool) {
        if !self.answers.add(request_id, code, promises) {
            // On the next stream all that was not answered comes again.
            count(&mut self.stats.answers_lost);
            self.session.broken = true;
        }
    }

    fn send_answers(&mut self, now: Now, link: &mut dyn Link) {
        self.keep(now);
        self.speak(now, link);
    }

    /// Looks after requests that are missing, and those without room.
    pub(super) fn watch(&mut self, now: Now, device: &mut dyn Device) {
        if self.blocked.is_some_and(|blocked| self.stalls_at(&blocked) <= now.monotonic) {
            count(&mut self.stats.stalls);
            self.blocked = None;
            device.event(now, Event::ScheduleFull { seqno: self.next });
            self.renew();
        }
        let have = self.schedule.waiting().next().map(|row| row.seqno);
        let Some(have) = have.filter(|_| self.blocked.is_none()) else {
            self.gap = None;
            return;
        };
        let &mut (since, is_told) = self.gap.get_or_insert((now.monotonic, false));
        let Some(timeout) = self.config.gap_timeout.filter(|_| !is_told) else { return };
        if since.after(timeout) <= now.monotonic {
            self.gap = Some((since, true));
            count(&mut self.stats.gaps);
            device.event(now, Event::SeqGap { expected: self.next, have });
            if self.config.on_gap == GapPolicy::Renew {
                self.renew();
            }
        }
    }

    fn stalls_at(&self, blocked: &Blocked) -> Instant {
        blocked.since.after(self.config.stall_timeout)
    }

    pub(super) fn watch_due(&self) -> Instant {
        match (&self.blocked, self.gap, self.config.gap_timeout) {
            // While there is no room no request is missing.
            (Some(blocked), ..) => self.stalls_at(blocked),
            (None, Some((since, false)), Some(timeout)) => since.after(timeout),
            _ => Instant::MAX,
        }
    }
}

const fn bit(ahead: u64) -> u64 {
    if ahead < 64 { 1 << ahead } else { 0 }
}

/// The request ID of what is no message, if it stands before what is wrong.
fn request_id(octets: &[u8]) -> Option<i64> {
    use crate::southbound::protobuf::{Described, Message, Value};
    // All that can be read in front of it is a message by itself.
    (1..octets.len().min(12)).find_map(|length| {
        let message = Message::parse(FromController::TYPE, octets.get(..length)?).ok()?;
        match message.last(1)? {
            Value::Varint(request_id) => Some(request_id.cast_signed()),
            _ => None,
        }
    })
}

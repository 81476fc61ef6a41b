//! Groups of messages: those that come, and those that go.

use super::Agent;
use super::application::Application;
use super::config::Managers;
use super::controls::{Pass, Source, Unit};
use super::outbox::Parcel;
use crate::machine::count;
use crate::management::amp::{
    Ac, Ari, ArrayWriter, Body, Group, GroupWriter, Message, MessageHeader, Opcode, TimeValue,
    Tnvc, TypeCode, Value, write_recipients,
};
use crate::management::definitions::{Kind, New, Rule};
use crate::management::refusal::Refusal;
use crate::management::timing::{Start, Timing};
use crate::time::{ClockQuality, Now};
use crate::transport::{Address, SendError, Transport};
use crate::wire::{NoSpace, Writer};

/// The template of a report that a group was done, for a message that asks for it (9.3):
/// TS, of the group; UINT, the place of the message in it from 0. The draft has no form
/// for it; this one is a report template `ack` of the issuer `farpost`.
pub const ACK_TEMPLATE: &[u8] = b"\x27\x43ack\x47farpost";

/// The template of a report that nothing of a group was done: TS, of the group; UINT,
/// the place of the message that was refused; UINT, that of the control in it; BYTE, the
/// [`Refusal`].
pub const NACK_TEMPLATE: &[u8] = b"\x27\x44nack\x47farpost";

/// The template of a report that the action of a rule was not done: ARI, of the rule;
/// UINT, the place of the control; BYTE, the [`Refusal`].
pub const RULE_TEMPLATE: &[u8] = b"\x27\x44rule\x47farpost";

/// The template of a report that a definition from before a restart does not hold any more,
/// for what it names is not there, or not the same: ARI, of the definition; BYTE, the
/// [`Refusal`].
pub const LOST_TEMPLATE: &[u8] = b"\x27\x44lost\x47farpost";

/// Where in a group something was refused: message, control, reason.
type Stopped = (u32, u32, Refusal);

impl Agent<'_> {
    /// The manager that something came from.
    fn manager(&mut self, from: &Address, transport: &mut dyn Transport) -> Option<u8> {
        let identity = transport.peer(from).identity.and_then(|name| self.config.place(name));
        if identity.is_some() {
            return identity;
        }
        (0..self.known_managers()).find(|place| self.address(*place, transport) == Some(*from))
    }

    /// How many managers there are.
    fn known_managers(&self) -> u8 {
        let known = self.config.managers.len().min(self.addresses.len()).min(32);
        u8::try_from(known).unwrap_or(32)
    }

    /// Where a manager is.
    fn address(&mut self, place: u8, transport: &mut dyn Transport) -> Option<Address> {
        let at = usize::from(place);
        let slot = self.addresses.get_mut(at)?;
        if let Some(address) = slot.row() {
            return Some(*address);
        }
        let manager = self.config.managers.get(at)?;
        let address = transport.resolve(manager.service, manager.endpoint)?;
        slot.put(address);
        Some(address)
    }

    pub(super) fn take_group(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
        application: &mut dyn Application,
    ) {
        let Some(asker) = self.manager(from, transport) else {
            return count(&mut self.stats.strangers);
        };
        let Ok(group) = Group::parse(octets, self.config.profile) else {
            return count(&mut self.stats.malformed);
        };
        let time = Value::Ts(group.time());
        match self.apply(now, asker, &group, application) {
            Ok(()) => {
                count(&mut self.stats.applied);
                for (place, message) in (0..).zip(group.messages()) {
                    if message.header().ack {
                        self.tell(ACK_TEMPLATE, &[time, Value::Uint(place)], asker, now);
                    }
                }
            }
            Err((message, control, why)) => {
                self.definitions.settle(false);
                count(&mut self.stats.refused);
                self.stats.last_refusal = Some(why);
                if self.config.report_refusals || group.messages().any(|m| m.header().nack) {
                    let (message, control) = (Value::Uint(message), Value::Uint(control));
                    let values = [time, message, control, Value::Byte(why.code())];
                    self.tell(NACK_TEMPLATE, &values, asker, now);
                }
            }
        }
    }

    /// Does a group, or nothing of it (9.2).
    fn apply(
        &mut self,
        now: Now,
        asker: u8,
        group: &Group<'_>,
        application: &mut dyn Application,
    ) -> Result<(), Stopped> {
        for pass in [Pass::Stage, Pass::Check, Pass::Perform] {
            if pass == Pass::Perform {
                self.commit(now).map_err(|why| (0, 0, why))?;
            }
            for (place, message) in (0..).zip(group.messages()) {
                let readers = self.readers(&message, asker).map_err(|why| (place, 0, why))?;
                let unit = Unit { now, asker, readers, again: false };
                let Body::PerformControl(start, controls) = message.body() else {
                    return Err((place, 0, Refusal::Direction));
                };
                let start = self.config.epoch.time_value(start);
                let stopped = if is_over(start, now) {
                    self.run(Source::Message(controls), &unit, pass, application)
                } else if pass == Pass::Stage {
                    self.postpone(start, &controls, &unit).map_err(|why| (0, why))
                } else {
                    Ok(())
                };
                stopped.map_err(|(control, why)| (place, control, why))?;
            }
        }
        self.definitions.settle(true);
        Ok(())
    }

    /// Who may have what a message defines: everybody, or those that its trailer names and
    /// whoever sent it. The draft leaves the form of the trailer open; here it is a TNVC
    /// of their names, as the receivers of reports are.
    fn readers(&self, message: &Message<'_>, asker: u8) -> Result<u32, Refusal> {
        if !message.header().acl {
            return Ok(u32::MAX);
        }
        let names =
            Tnvc::parse(message.trailer(), self.config.profile).map_err(|_| Refusal::Malformed)?;
        let named = self.book().receivers(&names, asker)?;
        Ok(named | Managers::only(asker).0)
    }

    /// Stages controls that are to be run later.
    fn postpone(
        &mut self,
        start: TimeValue,
        controls: &Ac<'_>,
        unit: &Unit,
    ) -> Result<(), Refusal> {
        let (kind, of, body) = (Kind::Pending, TypeCode::AC, controls.octets());
        let proof = self.book().prove_definition(kind, of, [&[], body, &[]], unit)?;
        let timing = Timing::new(Start::of(start, unit.now), 0);
        let new = New {
            kind,
            owner: unit.asker,
            of,
            proof,
            id: &[],
            body,
            action: &[],
            rule: Rule { timing, ..Rule::NONE },
        };
        self.definitions.stage(&new, None).map(|_| ())
    }

    /// Sends each manager what it is to have, in as few groups as the link lets it be.
    pub(super) fn send(&mut self, now: Now, transport: &mut dyn Transport) {
        for place in 0..self.known_managers() {
            let manager = Managers::only(place).0;
            let mut most = u32::MAX;
            while (self.outbox.wanted() | self.unregistered) & manager != 0 {
                match self.send_group(now, place, most, transport) {
                    Ok(()) => {}
                    // What is too long together may be taken one by one.
                    Err(SendError::TooLong) if most > 1 => most = 1,
                    Err(SendError::TooLong) => self.give_up(manager),
                    Err(_) => {
                        count(&mut self.stats.send_refused);
                        self.retry = Some(now.monotonic.after(self.config.retry));
                        break;
                    }
                }
            }
        }
    }

    /// Sends a manager one group, with so many reports, tables and registrations at the most.
    fn send_group(
        &mut self,
        now: Now,
        place: u8,
        most: u32,
        transport: &mut dyn Transport,
    ) -> Result<(), SendError> {
        let manager = Managers::only(place).0;
        let to = self.address(place, transport).ok_or(SendError::Unreachable)?;
        let register = self.unregistered & manager != 0;
        let (length, last) = self.write_group(now, place, most).map_err(|_| SendError::TooLong)?;
        let octets = self.buffer.get(..length).unwrap_or_default();
        transport.send(&to, 0, octets)?;
        count(&mut self.stats.sent);
        if register {
            self.unregistered &= !manager;
        }
        for (is_table, last) in [false, true].into_iter().zip(last) {
            let taken = last.map_or(0, |last| self.outbox.taken(manager, is_table, last));
            if !is_table {
                let sent = &mut self.counts.sent_reports;
                *sent = sent.saturating_add(taken);
            }
        }
        Ok(())
    }

    /// Gives up what never can be sent to a manager: its registration, or the oldest of
    /// what it is to have.
    fn give_up(&mut self, manager: u32) {
        count(&mut self.stats.too_long);
        if self.unregistered & manager != 0 {
            self.unregistered &= !manager;
            return;
        }
        for is_table in [false, true] {
            let first = self.outbox.next_for(manager, is_table, None).map(|(number, _)| number);
            if let Some(first) = first {
                self.outbox.taken(manager, is_table, first);
                return;
            }
        }
    }

    /// Writes as much as fits of what a manager is to have. Returns its length, and the
    /// last report and table in it.
    fn write_group(
        &mut self,
        now: Now,
        place: u8,
        most: u32,
    ) -> Result<(usize, [Option<u64>; 2]), NoSpace> {
        let time = self.stamp(now);
        let manager = Managers::only(place).0;
        let name = self.config.managers.get(usize::from(place)).map_or("", |manager| manager.name);
        let quirks = self.config.profile.sends();
        let have = self.buffer.len();
        let mut writer = Writer::new(self.buffer);
        let mut group = GroupWriter::new(&mut writer, time, quirks)?;
        let mut left = most;
        if self.unregistered & manager != 0 {
            group.register_agent(&mut writer, self.config.id)?;
            left = left.saturating_sub(1);
        }
        let mut last = [None; 2];
        for (is_table, last) in [false, true].into_iter().zip(&mut last) {
            let before = writer.len();
            let opcode = if is_table { Opcode::TABLE_SET } else { Opcode::REPORT_SET };
            let message = group.message(&mut writer, MessageHeader::new(opcode));
            let named = message.and_then(|message| {
                write_recipients(&mut writer, [name])?;
                Ok(message)
            });
            let mut set = ArrayWriter::new(&writer);
            while let Some((number, parcel)) = self.outbox.next_for(manager, is_table, *last) {
                let size = parcel.template.len().saturating_add(parcel.body.len());
                let need = writer.len().saturating_add(size).saturating_add(HEADS);
                if need > have || left == 0 || named.is_err() {
                    break;
                }
                left = left.saturating_sub(1);
                write_parcel(&mut writer, &parcel, time, quirks)?;
                set.element();
                *last = Some(number);
            }
            match named {
                Ok(message) if last.is_some() => {
                    set.finish(&mut writer)?;
                    message.finish(&mut writer)?;
                }
                Ok(_) => {
                    writer.truncate(before);
                    group.withdraw();
                }
                Err(_) => writer.truncate(before),
            }
        }
        if group.is_empty() {
            return Err(NoSpace::new(have.saturating_add(1), have));
        }
        group.finish(&mut writer)?;
        Ok((writer.len(), last))
    }

    /// Tells the owner of a definition something of it.
    pub(super) fn tell_owner(
        &mut self,
        template: &[u8],
        slot: u8,
        control: Option<u32>,
        why: Refusal,
        now: Now,
    ) {
        let Some(definition) = self.definitions.get(slot).copied() else { return };
        let mut octets = [0; 64];
        let mut copy = Writer::new(&mut octets);
        let id = self.definitions.id(&definition);
        if !self.config.report_refusals || id.is_empty() || copy.octets(id).is_err() {
            return;
        }
        let Ok(id) = Ari::parse(copy.written(), self.config.profile) else { return };
        let (id, why) = (Value::Ari(id), Value::Byte(why.code()));
        match control {
            Some(control) => {
                let values = [id, Value::Uint(control), why];
                self.tell(template, &values, definition.owner, now);
            }
            None => self.tell(template, &[id, why], definition.owner, now),
        }
    }
}

/// Octets of heads around what is sent, at the most: of a report, its set, its message,
/// the next message, and the group.
const HEADS: usize = 40;

/// Whether a start is not to be waited for.
fn is_over(start: TimeValue, now: Now) -> bool {
    match start {
        TimeValue::After(seconds) => seconds == 0,
        TimeValue::At(time) => now.quality != ClockQuality::Unset && time <= now.utc,
    }
}

/// Writes a report, with its time where that is not the time of the group, or a table.
fn write_parcel(
    to: &mut Writer<'_>,
    parcel: &Parcel<'_>,
    time: u64,
    quirks: crate::management::amp::Quirks,
) -> Result<(), NoSpace> {
    if !parcel.is_table {
        let mut array = ArrayWriter::new(to);
        array.element();
        array.element();
        to.octets(parcel.template)?;
        if parcel.time != time {
            array.element();
            Value::Ts(parcel.time).encode(to, quirks)?;
        }
        to.octets(parcel.body)?;
        return array.finish(to);
    }
    to.octets(parcel.body)
}

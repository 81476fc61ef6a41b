//! The ION Admin ADM of a node: its agent asks and tells the node through [`IonAdmin`].
//!
//! What the text of the ADM says of arguments is seen to here, so that a node is told
//! only what makes sense:
//!
//! | control | argument | is |
//! |---|---|---|
//! | node_init | config_file of no letters | the default settings |
//! | any other | | refused while there is no node |
//! | consumption and production rate | 4294967295, the -1 of the text | not known |
//! | limits of occupancy | 4294967295, the -1 of the text | left as it is |
//! | end of congestion forecasts | 0 | no end |
//! | contacts, ranges | start not before stop, node 0 | refused |
//! | contact_add | prob above 1 | refused: it is a likelihood, and the ADM has no fractions |
//! | contact_del, range_del | start 0, for the `*` of the text, which a TV cannot be | all between the two |
//! | contact_del | dest that is no number | refused |
//! | time_delta | a UINT | the INT with the same 32 bits, for clocks gain or lose |
//!
//! A relative time refers to the node's reference time.

use super::agent::{Application, Collected, Failed, Object};
use super::amp::{Epoch, TimeValue, Value};
use crate::time::Now;

/// The enumeration of the ADM.
pub const ENUMERATION: u32 = 7;

/// What the text calls -1, in a UINT.
const MINUS_ONE: u32 = u32::MAX;

/// What a node says of itself. What is `None` is not known: then it is not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IonState<'a> {
    /// How accurate the clock is, in seconds.
    pub clock_error: u32,
    /// Whether the clock is synchronised.
    pub clock_sync: bool,
    /// Whether there is a control that is run when the node will be congested.
    pub congestion_alarm_control: bool,
    /// When congestion is no longer forecast, in seconds; `None` for no end.
    pub congestion_end_time_forecasts: Option<u32>,
    /// Octets a second delivered to local applications.
    pub consumption_rate: Option<u32>,
    /// Octets a second produced here.
    pub production_rate: Option<u32>,
    /// Megabytes of the file system for what comes in.
    pub inbound_file_system_limit: Option<u32>,
    /// Megabytes of the heap for what comes in.
    pub inbound_heap_limit: Option<u32>,
    /// Megabytes of the file system for what goes out.
    pub outbound_file_system_limit: Option<u32>,
    /// Megabytes of the heap for what goes out.
    pub outbound_heap_limit: Option<u32>,
    /// The number of the node.
    pub number: u32,
    /// The reference time, a time value.
    pub ref_time: Option<u64>,
    /// What is added to the clock, in seconds.
    pub time_delta: i32,
    /// The version of ION.
    pub version: &'a str,
}

/// A period of transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// When it begins, a time value.
    pub start: u64,
    /// When it ends, a time value.
    pub stop: u64,
    /// Who sends.
    pub from: u32,
    /// Who receives.
    pub to: u32,
    /// Octets a second.
    pub rate: u64,
    /// 1 where it is scheduled.
    pub confidence: u64,
}

/// A period in which a distance is constant to within a light second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// When it begins, a time value.
    pub start: u64,
    /// When it ends, a time value.
    pub stop: u64,
    /// One node.
    pub node: u32,
    /// The other.
    pub other: u32,
    /// Light seconds.
    pub distance: u32,
}

/// What a node is told, with sensible arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IonControl<'a> {
    /// Be the node of this number, by this configuration file or the defaults.
    Init(u32, Option<&'a str>),
    /// So accurate are the times of contacts, in seconds.
    ClockError(u32),
    /// The clock is synchronised, or is not.
    ClockSync(bool),
    /// Run this when congestion is forecast; none for no letters.
    CongestionAlarm(&'a str),
    /// Forecast congestion until then.
    CongestionEnd(Option<u32>),
    /// Octets a second delivered to local applications.
    ConsumptionRate(Option<u32>),
    /// Octets a second produced here.
    ProductionRate(Option<u32>),
    /// There is this contact.
    AddContact(Contact),
    /// There is none from a node to another, at that start or at all.
    RemoveContact(Option<u64>, u32, u32),
    /// Megabytes for what comes in: of the heap, and of the file system.
    InboundLimits(Option<u32>, Option<u32>),
    /// Megabytes for what goes out: of the heap, and of the file system.
    OutboundLimits(Option<u32>, Option<u32>),
    /// There is this range.
    AddRange(Range),
    /// There is none between two nodes, at that start or at all.
    RemoveRange(Option<u64>, u32, u32),
    /// The reference time is that, or so much after what it was.
    RefTime(TimeValue),
    /// What is added to the clock, in seconds.
    TimeDelta(i32),
}

/// A node that the ION Admin ADM is about.
pub trait IonAdmin {
    /// What it says of itself; `None` until it has been initialised.
    fn state(&mut self) -> Option<IonState<'_>>;

    /// Does what a control says.
    ///
    /// # Errors
    /// [`Failed`], which is counted.
    fn control(&mut self, now: Now, control: &IonControl<'_>) -> Result<(), Failed>;

    /// The contact at this place, from 0.
    fn contact(&mut self, place: u32) -> Option<Contact>;

    /// The range at this place, from 0.
    fn range(&mut self, place: u32) -> Option<Range>;
}

/// A node as an application of an agent, for objects of the ION Admin ADM.
pub struct IonApplication<'n> {
    /// The node.
    pub node: &'n mut dyn IonAdmin,
    /// What times are counted from, as the agent has it.
    pub epoch: Epoch,
}

impl core::fmt::Debug for IonApplication<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IonApplication").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl Application for IonApplication<'_> {
    fn collect(&mut self, _: Now, edd: Object, _: &[Value<'_>]) -> Result<Collected<'_>, Failed> {
        if edd.adm != ENUMERATION {
            return Err(Failed);
        }
        let state = self.node.state().ok_or(Failed)?;
        let number = |known: Option<u32>| known.map(Value::Uint).ok_or(Failed);
        let unknown = |known: Option<u32>| Ok(Value::Uint(known.unwrap_or(MINUS_ONE)));
        let value = match edd.index {
            0 => Ok(Value::Uint(state.clock_error)),
            1 => Ok(Value::Uint(state.clock_sync.into())),
            2 => Ok(Value::Uint(state.congestion_alarm_control.into())),
            3 => Ok(Value::Uint(state.congestion_end_time_forecasts.unwrap_or(0))),
            4 => unknown(state.consumption_rate),
            5 => number(state.inbound_file_system_limit),
            6 => number(state.inbound_heap_limit),
            7 => Ok(Value::Uint(state.number)),
            8 => number(state.outbound_file_system_limit),
            9 => number(state.outbound_heap_limit),
            10 => unknown(state.production_rate),
            11 => state.ref_time.map(Value::Tv).ok_or(Failed),
            12 => Ok(Value::Uint(state.time_delta.cast_unsigned())),
            13 => Ok(Value::Str(state.version)),
            _ => Err(Failed),
        };
        value.map(Collected::fresh)
    }

    fn control(&mut self, now: Now, ctrl: Object, parameters: &[Value<'_>]) -> Result<(), Failed> {
        if ctrl.adm != ENUMERATION || ctrl.index != 0 && self.node.state().is_none() {
            return Err(Failed);
        }
        let control = read(ctrl.index, parameters, self.epoch).ok_or(Failed)?;
        self.node.control(now, &control)
    }

    fn row(&mut self, _: Now, tblt: Object, row: u32, cell: &mut dyn FnMut(Value<'_>)) -> bool {
        match (tblt.adm, tblt.index) {
            (ENUMERATION, 0) => {
                let Some(contact) = self.node.contact(row) else { return false };
                let Contact { start, stop, from, to, rate, confidence } = contact;
                [Value::Tv(start), Value::Tv(stop), Value::Uint(from), Value::Uint(to)]
                    .into_iter()
                    .chain([Value::Uvast(rate), Value::Uvast(confidence)])
                    .for_each(cell);
            }
            (ENUMERATION, 1) => {
                let Some(range) = self.node.range(row) else { return false };
                let Range { start, stop, node, other, distance } = range;
                [Value::Tv(start), Value::Tv(stop), Value::Uint(node), Value::Uint(other)]
                    .into_iter()
                    .chain([Value::Uint(distance)])
                    .for_each(cell);
            }
            _ => return false,
        }
        true
    }
}

/// A control with its arguments, where they make sense.
fn read<'a>(index: u32, parameters: &[Value<'a>], epoch: Epoch) -> Option<IonControl<'a>> {
    use Value::{Bool, Str, Tv, Uint, Uvast};
    let known = |number: u32| (number != MINUS_ONE).then_some(number);
    let all = |start: u64| (start != 0).then_some(start);
    let nodes = |a: u32, b: u32| a != 0 && b != 0;
    let in_order = |start, stop| match (epoch.time_value(start), epoch.time_value(stop)) {
        (TimeValue::At(_), TimeValue::After(_)) => false,
        (TimeValue::After(_), TimeValue::At(_)) => true,
        _ => start < stop,
    };
    Some(match (index, parameters) {
        (0, &[Uint(number), Str(file)]) if number != 0 => {
            IonControl::Init(number, (!file.is_empty()).then_some(file))
        }
        (1, &[Uint(seconds)]) => IonControl::ClockError(seconds),
        (2, &[Bool(synchronised)]) => IonControl::ClockSync(synchronised),
        (3, &[Str(control)]) => IonControl::CongestionAlarm(control),
        (4, &[Uint(end)]) => IonControl::CongestionEnd((end != 0).then_some(end)),
        (5, &[Uint(rate)]) => IonControl::ConsumptionRate(known(rate)),
        (6, &[Tv(start), Tv(stop), Uint(from), Uint(to), Uvast(rate), Uvast(confidence)])
            if nodes(from, to) && in_order(start, stop) && confidence <= 1 =>
        {
            IonControl::AddContact(Contact { start, stop, from, to, rate, confidence })
        }
        (7, &[Tv(start), Uint(from), Str(to)]) => {
            let to = to.parse().ok().filter(|to| nodes(from, *to))?;
            IonControl::RemoveContact(all(start), from, to)
        }
        (8, &[Uint(heap), Uint(files)]) => IonControl::InboundLimits(known(heap), known(files)),
        (9, &[Uint(heap), Uint(files)]) => IonControl::OutboundLimits(known(heap), known(files)),
        (10, &[Uint(rate)]) => IonControl::ProductionRate(known(rate)),
        (11, &[Tv(start), Tv(stop), Uint(node), Uint(other), Uint(distance)])
            if nodes(node, other) && in_order(start, stop) =>
        {
            IonControl::AddRange(Range { start, stop, node, other, distance })
        }
        (12, &[Tv(start), Uint(node), Uint(other)]) if nodes(node, other) => {
            IonControl::RemoveRange(all(start), node, other)
        }
        (13, &[Tv(time)]) => IonControl::RefTime(epoch.time_value(time)),
        (14, &[Uint(delta)]) => IonControl::TimeDelta(delta.cast_signed()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::adm::ion_admin::ION_ADMIN;
    use super::super::amp::{Collection, TypeCode};
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    #[derive(Default)]
    struct Node {
        number: u32,
        told: Vec<String>,
    }

    impl IonAdmin for Node {
        fn state(&mut self) -> Option<IonState<'_>> {
            let state = IonState {
                number: self.number,
                clock_error: 1,
                inbound_heap_limit: Some(2),
                inbound_file_system_limit: Some(3),
                outbound_heap_limit: Some(4),
                outbound_file_system_limit: Some(5),
                ref_time: Some(600_000_000),
                time_delta: -7,
                version: "4.1.3",
                ..IonState::default()
            };
            (self.number > 0).then_some(state)
        }
        fn control(&mut self, _: Now, control: &IonControl<'_>) -> Result<(), Failed> {
            if let IonControl::Init(number, _) = control {
                self.number = *number;
            }
            self.told.push(std::format!("{control:?}"));
            Ok(())
        }
        fn contact(&mut self, place: u32) -> Option<Contact> {
            let contact = Contact { start: 1, stop: 2, from: 3, to: 4, rate: 5, confidence: 1 };
            (place < 2).then_some(contact)
        }
        fn range(&mut self, place: u32) -> Option<Range> {
            let range = Range { start: 1, stop: 2, node: 3, other: 4, distance: 5 };
            (place < 3).then_some(range)
        }
    }

    const fn object(index: u32) -> Object {
        Object { adm: ENUMERATION, index }
    }

    fn with(node: &mut Node) -> IonApplication<'_> {
        IonApplication { node, epoch: Epoch::Draft2000 }
    }

    #[test]
    fn every_datum_has_the_type_of_the_adm() {
        let mut node = Node::default();
        assert_eq!(with(&mut node).collect(Now::default(), object(7), &[]), Err(Failed));
        node.number = 5;
        for (index, edd) in (0..).zip(ION_ADMIN.data) {
            let mut application = with(&mut node);
            let collected = application.collect(Now::default(), object(index), &[]).unwrap();
            assert_eq!(collected.value.code(), edd.code, "{index}");
        }
        let mut application = with(&mut node);
        assert_eq!(application.collect(Now::default(), object(14), &[]), Err(Failed));
        // Rates that are not known, and a clock that loses.
        for (index, value) in [(4, u32::MAX), (10, u32::MAX), (12, u32::MAX - 6)] {
            let collected = application.collect(Now::default(), object(index), &[]);
            assert_eq!(collected, Ok(Collected::fresh(Value::Uint(value))));
        }
    }

    #[test]
    fn every_control_is_told_with_the_parameters_of_the_adm() {
        let mut node = Node { number: 1, ..Node::default() };
        for (index, control) in (0..).zip(ION_ADMIN.controls) {
            let parameters: Vec<_> = (1..)
                .zip(control.parameters)
                .map(|(place, field)| match field.code {
                    TypeCode::BOOL => Value::Bool(true),
                    TypeCode::STR => Value::Str("2"),
                    TypeCode::UINT => Value::Uint(place),
                    TypeCode::UVAST => Value::Uvast(1),
                    TypeCode::TV => Value::Tv(600_000_000 + u64::from(place)),
                    other => panic!("{other:?}"),
                })
                .collect();
            let mut application = with(&mut node);
            assert_eq!(application.control(Now::default(), object(index), &parameters), Ok(()));
            assert_eq!(application.control(Now::default(), object(index), &[]), Err(Failed));
        }
        assert_eq!(node.told.len(), ION_ADMIN.controls.len());
        assert_eq!(ION_ADMIN.object(Collection::CTRL, 15), None);
    }

    #[test]
    fn arguments_are_held_to_the_text() {
        let told = |index, parameters: &[Value<'_>]| {
            let mut node = Node { number: 1, ..Node::default() };
            let done = with(&mut node).control(Now::default(), object(index), parameters);
            done.ok().and_then(|()| node.told.pop())
        };
        let is = |told: Option<String>, words: &str| assert_eq!(told.as_deref(), Some(words));
        let (start, stop) = (Value::Tv(600_000_000), Value::Tv(600_000_100));
        let (one, two) = (Value::Uint(1), Value::Uint(2));
        is(told(0, &[one, Value::Str("")]), "Init(1, None)");
        is(told(0, &[one, Value::Str("host.ionconfig")]), "Init(1, Some(\"host.ionconfig\"))");
        assert_eq!(told(0, &[Value::Uint(0), Value::Str("")]), None);
        is(told(4, &[Value::Uint(0)]), "CongestionEnd(None)");
        is(told(5, &[Value::Uint(u32::MAX)]), "ConsumptionRate(None)");
        is(told(8, &[one, Value::Uint(u32::MAX)]), "InboundLimits(Some(1), None)");
        is(told(14, &[Value::Uint(u32::MAX)]), "TimeDelta(-1)");
        let contact = |start, stop, prob| {
            told(6, &[start, stop, one, two, Value::Uvast(9), Value::Uvast(prob)])
        };
        assert!(contact(start, stop, 1).is_some());
        assert_eq!(contact(stop, start, 1), None);
        assert_eq!(contact(start, start, 1), None);
        assert_eq!(contact(start, stop, 2), None);
        assert!(contact(Value::Tv(0), Value::Tv(100), 0).is_some());
        is(told(7, &[Value::Tv(0), one, Value::Str("2")]), "RemoveContact(None, 1, 2)");
        assert_eq!(told(7, &[start, one, Value::Str("ipn:2.1")]), None);
        assert_eq!(told(11, &[start, stop, one, Value::Uint(0), one]), None);
        is(told(12, &[start, one, two]), "RemoveRange(Some(600000000), 1, 2)");
        is(told(13, &[Value::Tv(60)]), "RefTime(After(60))");
        // Until there is a node, it can only be made.
        let mut node = Node::default();
        assert_eq!(with(&mut node).control(Now::default(), object(1), &[one]), Err(Failed));
        assert_eq!(
            with(&mut node).control(Now::default(), object(0), &[one, Value::Str("")]),
            Ok(())
        );
        assert_eq!(with(&mut node).control(Now::default(), object(1), &[one]), Ok(()));
    }

    #[test]
    fn tables_have_the_columns_of_the_adm() {
        let mut node = Node::default();
        for (index, rows) in [(0, 2), (1, 3)] {
            let columns = ION_ADMIN.table_templates[index as usize].columns;
            for row in 0..4 {
                let mut cells = Vec::new();
                let there = with(&mut node).row(Now::default(), object(index), row, &mut |value| {
                    cells.push(value.code());
                });
                assert_eq!(there, row < rows);
                let expected: Vec<_> = columns.iter().map(|column| column.code).collect();
                assert!(!there || cells == expected);
            }
        }
    }
}

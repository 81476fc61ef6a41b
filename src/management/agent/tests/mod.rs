//! An agent on a board that senses, driven by managers on virtual time.

mod definitions;
mod figures;
mod groups;
mod ion;
mod macros;
mod managers;
mod reports;
mod rules;
mod survival;
mod wanted;

use std::boxed::Box;
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use super::*;
use crate::management::adm::{Adm, ConstDef, CtrlDef, EddDef, Field, Label, TbltDef};
use crate::management::amp::{
    Ac, Ari, AriValues, ArrayWriter, Body, Collection, Expr, Group, GroupWriter, MessageHeader,
    Name, ObjectId, Opcode, Profile, Quirks, Tnvc, TnvcValues, TypeCode, Value,
};
use crate::time::{ClockQuality, Utc};
use crate::transport::SendError;
use crate::wire::Writer;
use core::time::Duration;

const NONE: Quirks = Quirks::NONE;
const BOARD: u32 = 200;

/// What the board measures and does.
static BOARD_ADM: Adm = Adm {
    enumeration: BOARD,
    metadata: &[ConstDef { value: Value::Str("board"), label: LABEL }],
    constants: &[],
    data: &[
        EddDef { code: TypeCode::UINT, parameters: &[], label: LABEL },
        EddDef { code: TypeCode::UINT, parameters: &[], label: LABEL },
        EddDef { code: TypeCode::STR, parameters: &[], label: LABEL },
        EddDef { code: TypeCode::REAL64, parameters: &[], label: LABEL },
        EddDef {
            code: TypeCode::UINT,
            parameters: &[Field::new(TypeCode::UINT, "channel")],
            label: LABEL,
        },
    ],
    controls: &[
        CtrlDef { parameters: &[Field::new(TypeCode::BOOL, "on")], label: LABEL },
        CtrlDef {
            parameters: &[Field::new(TypeCode::UINT, "to"), Field::new(TypeCode::STR, "why")],
            label: LABEL,
        },
        CtrlDef { parameters: &[], label: LABEL },
    ],
    macros: &[],
    operators: &[],
    report_templates: &[],
    table_templates: &[TbltDef {
        columns: &[Field::new(TypeCode::UINT, "row"), Field::new(TypeCode::STR, "what")],
        label: LABEL,
    }],
    variables: &[],
};

const LABEL: Label = Label::new("", "");

#[derive(Debug, Default)]
struct Board {
    level: Option<u32>,
    temperature: u32,
    age: u32,
    ratio: f64,
    rows: u32,
    fails: bool,
    done: Vec<String>,
}

impl Application for Board {
    fn collect(
        &mut self,
        _: Now,
        edd: Object,
        parameters: &[Value<'_>],
    ) -> Result<Collected<'_>, Failed> {
        assert_eq!(edd.adm, BOARD);
        let value = match (edd.index, parameters) {
            (0, []) => Value::Uint(self.level.ok_or(Failed)?),
            (1, []) => Value::Uint(self.temperature),
            (2, []) => Value::Str("a board"),
            (3, []) => Value::Real64(self.ratio),
            (4, [Value::Uint(channel)]) => Value::Uint(channel * 10),
            other => panic!("{other:?}"),
        };
        Ok(Collected { value, age: self.age })
    }

    fn control(&mut self, _: Now, ctrl: Object, parameters: &[Value<'_>]) -> Result<(), Failed> {
        if self.fails {
            return Err(Failed);
        }
        self.done.push(std::format!("{} {parameters:?}", ctrl.index));
        Ok(())
    }

    fn row(&mut self, _: Now, tblt: Object, row: u32, cell: &mut dyn FnMut(Value<'_>)) -> bool {
        assert_eq!((tblt.adm, tblt.index), (BOARD, 0));
        if row >= self.rows {
            return false;
        }
        cell(Value::Uint(row));
        cell(Value::Str("row"));
        true
    }
}

/// A network that keeps what is sent, unless it refuses.
#[derive(Debug)]
struct Net {
    sent: Vec<(u8, Vec<u8>)>,
    refuses: Option<SendError>,
    /// Octets that the link can carry at once.
    most: usize,
}

impl Default for Net {
    fn default() -> Self {
        Self { sent: Vec::new(), refuses: None, most: 2_000 }
    }
}

fn at(place: u8) -> Address {
    Address::new(1, &[place])
}

impl Transport for Net {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        assert_eq!(service, "udp");
        Some(at(endpoint.as_bytes()[0] - b'A'))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        if let Some(why) = self.refuses {
            return Err(why);
        }
        if octets.len() > self.most {
            return Err(SendError::TooLong);
        }
        self.sent.push((to.octets()[0], octets.to_vec()));
        Ok(())
    }
}

const fn manager(name: &'static str) -> ManagerConfig<'static> {
    ManagerConfig { name, service: "udp", endpoint: name, issuer: name.as_bytes() }
}

const MANAGERS: &[ManagerConfig<'static>] = &[manager("A"), manager("B"), manager("C")];

static ADMS: &[&Adm] = &[&BOARD_ADM];

fn config() -> AgentConfig<'static> {
    AgentConfig::new("dtn://board/agent", MANAGERS, ADMS)
}

type Memory = AgentMemory<16, 2048, 16, 2048, 3, 1024>;

struct Post {
    agent: Agent<'static>,
    board: Board,
    net: Net,
    now: Now,
    /// What is defined is kept alive by this.
    time: u64,
}

fn start() -> Now {
    Now {
        monotonic: Instant::from_micros(5_000_000),
        utc: Utc::from_unix_seconds(946_684_800 + 600_000_000),
        quality: ClockQuality::Synchronised,
    }
}

impl Post {
    fn new(config: AgentConfig<'static>) -> Self {
        let memory: &'static mut Memory = Box::leak(Box::default());
        Self::of(Agent::new(config, memory.storage()), start())
    }

    fn of(agent: Agent<'static>, now: Now) -> Self {
        let board = Board { level: Some(5), ..Board::default() };
        let mut post = Self { agent, board, net: Net::default(), now, time: 600_000_000 };
        post.tick();
        post.net.sent.clear();
        post
    }

    fn tick(&mut self) {
        self.agent.tick(self.now, &mut self.net, &mut self.board);
    }

    /// Lets time pass; the agent is called when it wants to be.
    fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        while let Some(due) = self.agent.next_deadline().filter(|due| *due <= end.monotonic) {
            let wait = due.since(self.now.monotonic);
            self.now = self.now.after(wait);
            let before = self.net.sent.len();
            self.tick();
            let next = self.agent.next_deadline();
            assert!(next != Some(due) || self.net.sent.len() > before, "a deadline stands still");
        }
        self.now = end;
    }

    fn group(&mut self, from: u8, messages: &[Vec<u8>]) {
        let octets = group(self.time, messages);
        self.agent.receive(self.now, &at(from), &octets, &mut self.net, &mut self.board);
    }

    /// One message of controls that is to be done.
    fn perform(&mut self, from: u8, controls: &[Vec<u8>]) {
        let before = *self.agent.stats();
        self.group(from, &[message(controls)]);
        let stats = self.agent.stats();
        assert_eq!(stats.applied, before.applied + 1, "{:?}", stats.last_refusal);
    }

    /// One message that is to be refused.
    fn refused(&mut self, from: u8, controls: &[Vec<u8>], why: Refusal) {
        let before = self.agent.stats().refused;
        self.group(from, &[message(controls)]);
        assert_eq!(self.agent.stats().last_refusal, Some(why));
        assert_eq!(self.agent.stats().refused, before + 1);
    }

    /// What each manager was sent since this was last asked: by manager, in words.
    fn told(&mut self) -> BTreeMap<char, Vec<String>> {
        let mut all = BTreeMap::<char, Vec<String>>::new();
        for (to, octets) in self.net.sent.drain(..) {
            let name = char::from(b'A' + to);
            all.entry(name).or_default().extend(words(&octets, name));
        }
        all
    }

    fn told_to(&mut self, name: char) -> Vec<String> {
        self.told().remove(&name).unwrap_or_default()
    }
}

/// What a group says, message by message and report by report.
fn words(octets: &[u8], to: char) -> Vec<String> {
    let group = Group::parse(octets, Profile::Draft08).unwrap();
    let mut all = Vec::new();
    for message in group.messages() {
        match message.body() {
            Body::RegisterAgent(id) => {
                all.push(std::format!("register {}", String::from_utf8_lossy(id)));
            }
            Body::ReportSet(names, reports) => {
                assert_eq!(names.collect::<Vec<_>>(), [to.to_string().as_str()]);
                for report in reports {
                    let parts = report.parts();
                    assert_ne!(parts.time, Some(group.time()));
                    let time = parts.time.map_or(String::new(), |time| std::format!("@{time} "));
                    all.push(std::format!(
                        "{time}{}{}",
                        name_of(&parts.template),
                        list(&parts.entries)
                    ));
                }
            }
            Body::TableSet(names, tables) => {
                assert_eq!(names.collect::<Vec<_>>(), [to.to_string().as_str()]);
                for table in tables {
                    let rows: Vec<_> = table.rows().map(|row| list(&row)).collect();
                    all.push(std::format!("{} {}", name_of(&table.template()), rows.join("")));
                }
            }
            Body::PerformControl(..) => panic!("an agent sends no controls"),
        }
    }
    all
}

fn name_of(ari: &Ari<'_>) -> String {
    match ari.object_id() {
        Some(id) => std::format!("{}/{}", id.nickname.0, id.index),
        None => match ari.name() {
            Name::Octets(name) => String::from_utf8_lossy(name).into_owned(),
            Name::Index(_) => panic!("an index without an ADM"),
        },
    }
}

fn list(values: &Tnvc<'_>) -> String {
    let all: Vec<_> = values
        .iter()
        .map(|entry| match entry.value.unwrap_or(Value::Str("-")) {
            Value::Ari(ari) => name_of(&ari),
            Value::Ac(all) => all.iter().map(|ari| name_of(&ari)).collect::<Vec<_>>().join("+"),
            Value::Expr(all) => std::format!("{:?}", all.items().len()),
            Value::Str(text) => text.into(),
            Value::Bool(truth) => truth.to_string(),
            Value::Byte(n) => n.to_string(),
            Value::Uint(n) => n.to_string(),
            Value::Int(n) => n.to_string(),
            Value::Vast(n) => n.to_string(),
            Value::Uvast(n) | Value::Tv(n) | Value::Ts(n) => n.to_string(),
            Value::Real64(n) => n.to_string(),
            other => std::format!("{other:?}"),
        })
        .collect();
    std::format!("({})", all.join(","))
}

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer);
    writer.written().to_vec()
}

/// An identifier of an ADM.
fn id(adm: u32, collection: Collection, index: u8) -> Vec<u8> {
    written(|to| ObjectId::new(adm, collection, index).ari().unwrap().encode(to, NONE).unwrap())
}

fn edd(index: u8) -> Vec<u8> {
    id(BOARD, Collection::EDD, index)
}

fn oper(index: u8) -> Vec<u8> {
    id(1, Collection::OPER, index)
}

fn ctrl(adm: u32, index: u8, parameters: &[Value<'_>]) -> Vec<u8> {
    written(|to| {
        let mut values = ObjectId::new(adm, Collection::CTRL, index).ari().unwrap();
        if !parameters.is_empty() {
            values.parameters = Some(TnvcValues::Typed(parameters));
        }
        values.encode(to, NONE).unwrap();
    })
}

fn own(index: u8, parameters: &[Value<'_>]) -> Vec<u8> {
    ctrl(1, index, parameters)
}

/// An identifier that a manager has given; `X:name` is one of the issuer X.
fn user(object: TypeCode, name: &str) -> Vec<u8> {
    let (issuer, name) = name.split_once(':').map_or((None, name), |(a, b)| (Some(a), b));
    written(|to| {
        let mut values = AriValues::new(object, Name::Octets(name.as_bytes()));
        values.issuer = issuer.map(str::as_bytes);
        values.encode(to, NONE).unwrap();
    })
}

fn var(name: &str) -> Vec<u8> {
    user(TypeCode::VAR, name)
}

fn rptt(name: &str) -> Vec<u8> {
    user(TypeCode::RPTT, name)
}

fn mac(name: &str) -> Vec<u8> {
    user(TypeCode::MAC, name)
}

fn lit(value: Value<'_>) -> Vec<u8> {
    written(|to| crate::management::amp::Literal::new(value).unwrap().encode(to, NONE).unwrap())
}

fn ac(items: &[Vec<u8>]) -> Vec<u8> {
    written(|to| {
        let mut array = ArrayWriter::new(to);
        for item in items {
            array.element();
            to.octets(item).unwrap();
        }
        array.finish(to).unwrap();
    })
}

fn expr(code: TypeCode, items: &[Vec<u8>]) -> Vec<u8> {
    [vec![code.0], ac(items)].concat()
}

fn p<'a>(octets: &'a [u8]) -> Value<'a> {
    Value::Ari(Ari::parse(octets, Profile::Draft08).unwrap())
}

fn pac<'a>(octets: &'a [u8]) -> Value<'a> {
    Value::Ac(Ac::parse(octets, Profile::Draft08).unwrap())
}

fn pexpr<'a>(octets: &'a [u8]) -> Value<'a> {
    Value::Expr(Expr::parse(octets, Profile::Draft08).unwrap())
}

fn names(all: &[&str]) -> Vec<u8> {
    let values: Vec<_> = all.iter().map(|name| Value::Str(name)).collect();
    written(|to| TnvcValues::Typed(&values).encode(to, NONE).unwrap())
}

fn ptnvc<'a>(octets: &'a [u8]) -> Value<'a> {
    Value::Tnvc(Tnvc::parse(octets, Profile::Draft08).unwrap())
}

fn add_var(name: &str, code: TypeCode, items: &[Vec<u8>]) -> Vec<u8> {
    own(0, &[p(&var(name)), pexpr(&expr(code, items)), Value::Byte(code.0)])
}

fn del(index: u8, ids: &[Vec<u8>]) -> Vec<u8> {
    own(index, &[pac(&ac(ids))])
}

fn add_rptt(name: &str, items: &[Vec<u8>]) -> Vec<u8> {
    own(2, &[p(&rptt(name)), pac(&ac(items))])
}

fn gen_rpts(ids: &[Vec<u8>], to: &[&str]) -> Vec<u8> {
    own(5, &[pac(&ac(ids)), ptnvc(&names(to))])
}

fn gen_tbls(ids: &[Vec<u8>], to: &[&str]) -> Vec<u8> {
    own(6, &[pac(&ac(ids)), ptnvc(&names(to))])
}

fn add_macro(name: &str, items: &[Vec<u8>]) -> Vec<u8> {
    own(7, &[Value::Str(name), p(&mac(name)), pac(&ac(items))])
}

fn add_tbr(name: &str, start: u64, period: u64, count: u64, action: &[Vec<u8>]) -> Vec<u8> {
    let id = user(TypeCode::TBR, name);
    let (start, period, count) = (Value::Tv(start), Value::Tv(period), Value::Uvast(count));
    own(10, &[p(&id), start, period, count, pac(&ac(action)), Value::Str("")])
}

fn add_sbr(name: &str, state: &[u8], evals: u64, fires: u64, action: &[Vec<u8>]) -> Vec<u8> {
    let id = user(TypeCode::SBR, name);
    let (start, evals, fires) = (Value::Tv(0), Value::Uvast(evals), Value::Uvast(fires));
    own(11, &[p(&id), start, pexpr(state), evals, fires, pac(&ac(action)), Value::Str("")])
}

/// EDD `index` above `limit`.
fn above(index: u8, limit: u32) -> Vec<u8> {
    expr(TypeCode::BOOL, &[edd(index), lit(Value::Uint(limit)), oper(45)])
}

fn note() -> Vec<u8> {
    ctrl(BOARD, 2, &[])
}

fn message(controls: &[Vec<u8>]) -> Vec<u8> {
    message_with(MessageHeader::new(Opcode::PERFORM_CONTROL), 0, controls, &[])
}

fn message_with(
    header: MessageHeader,
    start: u64,
    controls: &[Vec<u8>],
    trailer: &[u8],
) -> Vec<u8> {
    written(|to| {
        to.u8(header.octet()).unwrap();
        Value::Tv(start).encode(to, NONE).unwrap();
        to.octets(&ac(controls)).unwrap();
        to.octets(trailer).unwrap();
    })
}

/// A message whose definitions are for these managers.
fn message_for(managers: &[&str], controls: &[Vec<u8>]) -> Vec<u8> {
    let header = MessageHeader { acl: true, ..MessageHeader::new(Opcode::PERFORM_CONTROL) };
    message_with(header, 0, controls, &names(managers))
}

fn group(time: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    written(|to| {
        let mut group = GroupWriter::new(to, time, NONE).unwrap();
        for message in messages {
            group.octets(to, message).unwrap();
        }
        group.finish(to).unwrap();
    })
}

//! Definitions that a manager wants its agents to have (6.2).

use super::*;
use crate::management::manager::{
    KnownAgent, Letter, Manager, ManagerConfig, ManagerStorage, ManagerUser, NotWanted, Standing,
    Wanted,
};

const SECOND: Duration = Duration::from_secs(1);
const POST: u8 = 7;

/// What the manager was told of definitions, in words.
#[derive(Debug, Default)]
struct Told(Vec<String>);

impl ManagerUser for Told {
    fn stands(&mut self, _: Now, to: &Address, id: &Ari<'_>, standing: Standing) {
        assert_eq!(*to, at(POST));
        self.0.push(std::format!("{} {standing:?}", name_of(id)));
    }
}

/// Manager A, and its post.
struct Office {
    manager: Manager<'static>,
    told: Told,
    net: Net,
    post: Post,
    /// Letters that have arrived.
    letters: usize,
}

impl Office {
    fn new() -> Self {
        Self::with_buffer(400)
    }

    fn with_buffer(octets: usize) -> Self {
        let storage = ManagerStorage {
            agents: Box::leak(Box::new([Slot::<KnownAgent>::EMPTY; 2])),
            letters: Box::leak(Box::new([Slot::<Letter>::EMPTY; 3])),
            octets: Box::leak(Box::new([0; 600])),
            buffer: Box::leak(vec![0; octets].into_boxed_slice()),
        };
        let wanted = Box::leak(Box::new([Slot::<Wanted>::EMPTY; 5]));
        let manager = Manager::new(ManagerConfig::default(), storage)
            .with_wanted(wanted, Box::leak(Box::new([0; 400])));
        let (told, net) = (Told::default(), Net::default());
        Self { manager, told, net, post: empty(start()), letters: 0 }
    }

    fn want(&mut self, control: &[u8]) -> Result<(), NotWanted> {
        let control = Ari::parse(control, Profile::Draft08).unwrap();
        self.manager.want(self.post.now, at(POST), &control)
    }

    fn standing(&self, id: &[u8]) -> Option<Standing> {
        self.manager.standing(&at(POST), &Ari::parse(id, Profile::Draft08).unwrap())
    }

    /// What is on the way arrives, until nothing is.
    fn exchange(&mut self) {
        let now = self.post.now;
        for _ in 0..20 {
            self.post.tick();
            let due = self.manager.next_deadline().is_some_and(|due| due <= now.monotonic);
            if due {
                self.manager.tick(now, &mut self.net, &mut self.told);
            }
            let (letters, reports) = (&mut self.net.sent, &mut self.post.net.sent);
            if !due && letters.is_empty() && reports.is_empty() {
                return;
            }
            for (_, octets) in core::mem::take(reports).into_iter().filter(|(to, _)| *to == 0) {
                self.manager.receive(now, &at(POST), &octets, &mut self.told);
            }
            for (to, octets) in core::mem::take(letters) {
                assert_eq!(to, POST);
                self.letters += 1;
                let Post { agent, board, net, .. } = &mut self.post;
                agent.receive(now, &at(0), &octets, net, board);
            }
        }
        panic!("it never ends");
    }

    /// The agent has lost all it knew, and starts anew.
    fn lose(&mut self) {
        self.post = empty(self.post.now);
    }

    fn said(&mut self) -> Vec<String> {
        core::mem::take(&mut self.told.0)
    }

    fn letters(&mut self) -> usize {
        core::mem::take(&mut self.letters)
    }
}

fn empty(now: Now) -> Post {
    let memory: &'static mut Memory = Box::leak(Box::default());
    let agent = Agent::new(config(), memory.storage());
    let board = Board { level: Some(5), ..Board::default() };
    Post { agent, board, net: Net::default(), now, time: 0 }
}

fn uint(n: u32) -> Vec<u8> {
    lit(Value::Uint(n))
}

/// A variable, a report on it, and a rule that sends it.
fn three() -> [Vec<u8>; 3] {
    [
        add_var("V", TypeCode::UINT, &[edd(0), uint(1), oper(1)]),
        add_rptt("T", &[var("V"), edd(1)]),
        add_tbr("R", 60, 60, 0, &[gen_rpts(&[rptt("T")], &["A"])]),
    ]
}

const HELD: [&str; 3] = ["V Held", "T Held", "R Held"];

#[test]
fn an_agent_that_has_lost_its_store_is_sent_what_it_is_to_have() {
    let mut office = Office::new();
    for control in three() {
        office.want(&control).unwrap();
    }
    assert_eq!(office.manager.differences(), 3);
    office.exchange();
    assert_eq!(office.said(), HELD);
    // One that asks, one that defines.
    assert_eq!((office.letters(), office.manager.differences()), (2, 0));
    assert_eq!(office.manager.next_deadline(), None);
    // It is here again with all it had: it is asked, and sent nothing.
    office.lose();
    for control in three() {
        office.post.group(0, &[message(&[control])]);
    }
    office.exchange();
    assert_eq!(office.said(), HELD);
    assert_eq!(office.letters(), 1);
    // It is here again with nothing.
    office.lose();
    office.exchange();
    assert_eq!((office.said(), office.letters()), (HELD.map(String::from).to_vec(), 2));
    let kinds = [Kind::Variable, Kind::Template, Kind::TimeRule];
    assert_eq!(kinds.map(|kind| office.post.agent.defined(kind)), [1; 3]);
}

/// What is there is not sent again: it is part of something else, and could not be.
#[test]
fn only_what_an_agent_misses_is_sent() {
    let mut office = Office::new();
    for control in three() {
        office.want(&control).unwrap();
    }
    let [variable, template, _] = three();
    office.post.tick();
    office.post.group(0, &[message(&[variable, template])]);
    office.exchange();
    assert_eq!(office.said(), HELD);
    let stats = office.post.agent.stats();
    assert_eq!((stats.refused, office.letters()), (0, 2));
}

#[test]
fn what_is_refused_is_told_and_the_rest_is_held() {
    let mut office = Office::new();
    let [variable, template, _] = three();
    office.want(&variable).unwrap();
    office.want(&add_rptt("U", &[edd(99)])).unwrap();
    office.want(&template).unwrap();
    office.exchange();
    assert_eq!(office.said(), ["U Refused(Some(Unknown))", "V Held", "T Held"]);
    assert_eq!(office.manager.differences(), 1);
    assert_eq!(office.standing(&rptt("U")), Some(Standing::Refused(Some(Refusal::Unknown))));
    // What is wanted otherwise is defined anew, where it can be.
    office.want(&template).unwrap();
    office.exchange();
    assert!(office.said().is_empty(), "the same is wanted already");
    office.want(&add_rptt("T", &[edd(1)])).unwrap();
    office.exchange();
    assert_eq!(office.said(), ["T Held"]);
    office.post.perform(0, &[gen_rpts(&[rptt("T")], &[])]);
    assert_eq!(office.post.told_to('A'), ["T(0)"]);
    // What is forgotten stays where it is.
    let id = var("V");
    let id = Ari::parse(&id, Profile::Draft08).unwrap();
    assert!(office.manager.forget(&at(POST), &id));
    assert!(!office.manager.forget(&at(POST), &id));
    office.exchange();
    assert_eq!(office.post.agent.defined(Kind::Variable), 1);
}

/// However long the link is away, there is one letter that waits; and what is lost on the way
/// is asked for again.
#[test]
fn letters_do_not_pile_up_while_nobody_can_be_reached() {
    let mut office = Office::new();
    for control in three() {
        office.want(&control).unwrap();
    }
    office.net.refuses = Some(SendError::Busy);
    for _ in 0..10_000 {
        office.post.now = office.post.now.after(SECOND);
        office.manager.tick(office.post.now, &mut office.net, &mut office.told);
        assert_eq!(office.manager.waiting(), 1);
    }
    office.net.refuses = None;
    // It is taken, and lost.
    office.post.now = office.post.now.after(SECOND);
    office.manager.tick(office.post.now, &mut office.net, &mut office.told);
    assert_eq!(office.net.sent.len(), 1);
    office.net.sent.clear();
    office.post.now = office.post.now.after(3_599 * SECOND);
    office.manager.tick(office.post.now, &mut office.net, &mut office.told);
    assert!(office.net.sent.is_empty());
    assert_eq!(office.standing(&var("V")), Some(Standing::Asked));
    // Given up, it is asked anew at once: a tick leaves nothing that is due.
    office.post.now = office.post.now.after(SECOND);
    office.manager.tick(office.post.now, &mut office.net, &mut office.told);
    assert_eq!(office.net.sent.len(), 1);
    assert!(office.manager.next_deadline().is_some_and(|due| due > office.post.now.monotonic));
    office.exchange();
    assert_eq!(office.said(), HELD);
}

/// An agent that starts with less than its store has tells so, and why it cannot be made up for.
#[test]
fn what_an_agent_tells_that_it_has_lost_is_sent_again() {
    let mut office = Office::new();
    let [variable, ..] = three();
    office.want(&variable).unwrap();
    office.exchange();
    assert_eq!(office.said(), ["V Held"]);
    office.post.perform(0, &[del(1, &[var("V")])]);
    let lost = written(|to| {
        to.octets(b"\x01\x81\x61A\x81\x82").unwrap();
        to.octets(LOST_TEMPLATE).unwrap();
        let id = var("V");
        TnvcValues::Typed(&[p(&id), Value::Byte(3)]).encode(to, NONE).unwrap();
    });
    office.manager.receive(office.post.now, &at(POST), &group(0, &[lost]), &mut office.told);
    assert_eq!(office.standing(&var("V")), Some(Standing::Missing));
    office.exchange();
    assert_eq!(office.said(), ["V Held"]);
    assert_eq!(office.post.agent.defined(Kind::Variable), 1);
}

#[test]
fn what_is_no_definition_or_finds_no_room_is_not_wanted() {
    let mut office = Office::with_buffer(90);
    assert_eq!(office.want(&note()), Err(NotWanted::NoDefinition));
    assert_eq!(office.want(&gen_rpts(&[edd(0)], &[])), Err(NotWanted::NoDefinition));
    assert_eq!(office.want(&own(2, &[])), Err(NotWanted::NoDefinition));
    // Longer than a letter; the others go in several.
    let long = "L".repeat(90);
    office.want(&add_var(&long, TypeCode::UINT, &[uint(1)])).unwrap();
    for name in ["A", "B", "C", "D"] {
        office.want(&add_var(name, TypeCode::UINT, &[uint(1)])).unwrap();
    }
    assert_eq!(office.want(&add_var("E", TypeCode::UINT, &[uint(1)])), Err(NotWanted::NoRoom));
    for _ in 0..4 {
        office.exchange();
        office.post.now = office.post.now.after(SECOND);
    }
    let told = office.said();
    assert_eq!(
        told,
        [
            &[std::format!("{long} TooLong")][..],
            &["A", "B", "C", "D"].map(|name| std::format!("{name} Held"))
        ]
        .concat()
    );
    assert_eq!((office.post.agent.defined(Kind::Variable), office.manager.differences()), (4, 1));
    assert!(office.letters() > 2);
}

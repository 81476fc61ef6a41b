//! A manager and its agents (6.2).

use super::*;
use crate::management::amp::{Rpt, Tbl};
use crate::management::manager::{
    Answer, KnownAgent, Letter, Manager, ManagerConfig, ManagerStorage, ManagerUser, NoRoom,
};

const SECOND: Duration = Duration::from_secs(1);

/// What the manager was told, in words.
#[derive(Debug, Default)]
struct Told(Vec<String>);

impl ManagerUser for Told {
    fn registered(&mut self, _: Now, agent: &KnownAgent) {
        self.0.push(std::format!("registered {}", String::from_utf8_lossy(agent.id())));
    }
    fn report(&mut self, _: Now, _: &KnownAgent, time: u64, report: &Rpt<'_>) {
        let parts = report.parts();
        self.0.push(std::format!("{time} {}{}", name_of(&parts.template), list(&parts.entries)));
    }
    fn table(&mut self, _: Now, _: &KnownAgent, time: u64, table: &Tbl<'_>) {
        self.0.push(std::format!("{time} {} {}", name_of(&table.template()), table.rows().count()));
    }
    fn answered(&mut self, _: Now, _: &Address, time: u64, answer: Answer) {
        self.0.push(std::format!("{time} {answer:?}"));
    }
    fn missing(&mut self, _: Now, agent: &KnownAgent) {
        self.0.push(std::format!("missing {:?}", agent.address()));
    }
    fn returned(&mut self, _: Now, agent: &KnownAgent) {
        self.0.push(std::format!("returned {:?}", agent.address()));
    }
}

struct Office {
    manager: Manager<'static>,
    told: Told,
    net: Net,
}

const POST: u8 = 7;

impl Office {
    fn new(config: ManagerConfig) -> Self {
        let storage = ManagerStorage {
            agents: Box::leak(Box::new([Slot::<KnownAgent>::EMPTY; 2])),
            letters: Box::leak(Box::new([Slot::<Letter>::EMPTY; 3])),
            octets: Box::leak(Box::new([0; 300])),
            buffer: Box::leak(Box::new([0; 200])),
        };
        let manager = Manager::new(config, storage);
        Self { manager, told: Told::default(), net: Net::default() }
    }

    fn perform(&mut self, now: Now, controls: &[Vec<u8>]) -> Result<u64, NoRoom> {
        let controls = ac(controls);
        let controls = Ac::parse(&controls, Profile::Draft08).unwrap();
        self.manager.perform(now, at(POST), 0, &controls, true)
    }

    /// The manager is A. What is on the way between it and the post arrives.
    fn exchange(&mut self, post: &mut Post) {
        let now = post.now;
        self.manager.tick(now, &mut self.net, &mut self.told);
        for (to, octets) in self.net.sent.drain(..) {
            assert_eq!(to, POST);
            post.agent.receive(now, &at(0), &octets, &mut post.net, &mut post.board);
        }
        for (to, octets) in post.net.sent.drain(..) {
            if to == 0 {
                self.manager.receive(now, &at(POST), &octets, &mut self.told);
            }
        }
    }

    fn said(&mut self) -> Vec<String> {
        core::mem::take(&mut self.told.0)
    }
}

#[test]
fn a_manager_configures_reports_and_waits_for_them() {
    let memory: &'static mut Memory = Box::leak(Box::default());
    let agent = Agent::new(config(), memory.storage());
    let board = Board { level: Some(5), rows: 2, ..Board::default() };
    let mut post = Post { agent, board, net: Net::default(), now: start(), time: 0 };
    let mut office = Office::new(ManagerConfig::default());
    post.tick();
    office.exchange(&mut post);
    assert_eq!(office.said(), ["registered dtn://board/agent"]);
    let table = id(BOARD, Collection::TBLT, 0);
    let rule = add_tbr("R", 1, 1, 2, &[gen_rpts(&[edd(0)], &["A"]), gen_tbls(&[table], &["A"])]);
    let first = office.perform(post.now, &[rule]).unwrap();
    let second = office.perform(post.now, &[ctrl(BOARD, 9, &[])]).unwrap();
    assert_eq!([first, second], [600_000_000, 600_000_001]);
    office.exchange(&mut post);
    assert_eq!(office.said(), ["600000000 Done", "600000001 Refused(0, Some(Unknown))"]);
    assert_eq!(office.manager.waiting(), 0);
    for n in 1..4 {
        post.pass(SECOND);
        office.exchange(&mut post);
        let time = 600_000_000 + n;
        let expected = [std::format!("{time} 4002/0(5)"), std::format!("{time} 4007/0 2")];
        assert_eq!(office.said(), if n < 3 { &expected[..] } else { &[] });
    }
    assert_eq!((office.manager.stats().reports, office.manager.stats().tables), (2, 2));
}

#[test]
fn an_agent_that_is_silent_is_missing_until_it_is_heard() {
    let mut post = Post::new(config());
    let expected = Some(Duration::from_secs(60));
    let mut office = Office::new(ManagerConfig { expected, ..ManagerConfig::default() });
    office.manager.know(post.now, at(POST)).unwrap();
    assert_eq!(office.manager.next_deadline(), Some(post.now.monotonic.after(60 * SECOND)));
    post.pass(59 * SECOND);
    office.exchange(&mut post);
    assert!(office.said().is_empty());
    post.pass(SECOND);
    office.exchange(&mut post);
    office.exchange(&mut post);
    assert_eq!(office.said(), ["missing 1:07"]);
    assert_eq!(office.manager.next_deadline(), None);
    post.perform(0, &[gen_rpts(&[edd(0)], &[])]);
    office.exchange(&mut post);
    assert_eq!(office.said(), ["returned 1:07", "600000060 4002/0(5)"]);
}

#[test]
fn letters_wait_for_the_link_and_are_sent_once() {
    let mut post = Post::new(config());
    let mut office = Office::new(ManagerConfig::default());
    office.net.refuses = Some(SendError::Busy);
    let first = office.perform(post.now, &[note()]).unwrap();
    office.exchange(&mut post);
    assert_eq!(office.manager.next_deadline(), Some(post.now.monotonic.after(SECOND)));
    office.net.refuses = None;
    post.pass(SECOND);
    // The answer is lost.
    office.manager.tick(post.now, &mut office.net, &mut office.told);
    assert_eq!((office.net.sent.len(), office.manager.waiting()), (1, 1));
    office.net.sent.clear();
    post.pass(3_599 * SECOND);
    office.exchange(&mut post);
    assert!(office.said().is_empty());
    post.pass(SECOND);
    office.exchange(&mut post);
    assert_eq!(office.said(), [std::format!("{first} Silence")]);
    assert!(post.board.done.is_empty());
    // What the link never carries is told.
    office.net.refuses = Some(SendError::TooLong);
    let long = office.perform(post.now, &[note()]).unwrap();
    office.exchange(&mut post);
    assert_eq!(office.said(), [std::format!("{long} TooLong")]);
    // And what finds no room is refused.
    for _ in 0..3 {
        office.perform(post.now, &[note()]).unwrap();
    }
    assert_eq!(office.perform(post.now, &[note()]), Err(NoRoom));
    assert_eq!(office.manager.waiting(), 3);
}

#[test]
fn what_is_not_for_a_manager_is_counted() {
    let mut office = Office::new(ManagerConfig::default());
    let now = start();
    office.manager.receive(now, &at(1), b"\xff", &mut office.told);
    office.manager.receive(now, &at(1), &group(0, &[message(&[note()])]), &mut office.told);
    let ack = written(|to| {
        to.octets(b"\x01\x81\x61A\x81\x82").unwrap();
        to.octets(ACK_TEMPLATE).unwrap();
        let values = [Value::Ts(9), Value::Uint(0)];
        TnvcValues::Typed(&values).encode(to, NONE).unwrap();
    });
    office.manager.receive(now, &at(1), &group(0, &[ack]), &mut office.told);
    office.manager.receive(now, &at(2), &group(0, &[message(&[])]), &mut office.told);
    office.manager.receive(now, &at(3), &group(0, &[message(&[])]), &mut office.told);
    let stats = office.manager.stats();
    assert_eq!((stats.malformed, stats.misdirected, stats.stray_answers, stats.full), (1, 2, 1, 1));
    assert_eq!(office.manager.agents().count(), 2);
    assert!(office.said().is_empty());
}

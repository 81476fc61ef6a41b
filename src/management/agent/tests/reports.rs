//! Reports and tables (4.2, 7.2), and how they travel.

use super::*;
use core::slice;

const SECOND: Duration = Duration::from_secs(1);

/// 4.2: "Generate Report R1 every hour", "Generate Report R2 when X > 3".
#[test]
fn reports_are_made_by_time_and_by_state() {
    let mut post = Post::new(config());
    post.board.level = Some(1);
    let hourly = add_tbr("H", 3_600, 3_600, 0, &[gen_rpts(&[rptt("R1")], &["A"])]);
    post.perform(0, &[add_rptt("R1", &[edd(0), edd(2)]), hourly]);
    post.perform(0, &[add_sbr("X", &above(0, 3), 0, 1, &[gen_rpts(&[edd(0)], &["B"])])]);
    post.pass(3_600 * SECOND);
    assert_eq!(post.told()[&'A'], ["R1(1,a board)"]);
    post.board.level = Some(4);
    post.pass(SECOND);
    assert_eq!(post.told()[&'B'], ["4002/0(4)"]);
}

/// 5.2, 6.1: one group for each manager has all reports and tables of a turn; a report
/// without a time has that of the group.
#[test]
fn what_is_made_at_once_travels_in_one_group() {
    let mut post = Post::new(config());
    post.board.rows = 2;
    let table = id(BOARD, Collection::TBLT, 0);
    post.perform(
        0,
        &[
            gen_rpts(&[edd(0), edd(2)], &["A", "B"]),
            gen_tbls(&[table], &["A"]),
            gen_rpts(&[edd(1)], &["B"]),
            gen_tbls(&[id(1, Collection::TBLT, 0)], &["A"]),
        ],
    );
    assert_eq!(post.net.sent.len(), 2);
    assert_eq!(post.agent.stats().made, 5);
    let told = post.told();
    assert_eq!(
        told[&'A'],
        ["4002/0(5)", "4002/2(a board)", "4007/0 (0,row)(1,row)", "27/0 (amp_agent)(board)"]
    );
    assert_eq!(told[&'B'], ["4002/0(5)", "4002/2(a board)", "4002/1(0)"]);
}

/// The octets of a report, once, as they are on the wire.
#[test]
fn a_report_is_as_short_as_it_can_be() {
    let mut post = Post::new(config());
    post.perform(0, &[gen_rpts(&[edd(0)], &[])]);
    let expected = [
        // Two elements: TS 600000000, and one message.
        &[0x82, 0x1a, 0x23, 0xc3, 0x46, 0x00, 0x50][..],
        // Report set for "A", of one report.
        &[0x01, 0x81, 0x61, b'A', 0x81],
        // Two elements: EDD 4002/0, and one UINT 5.
        &[0x82, 0x82, 0x19, 0x0f, 0xa2, 0x41, 0x00, 0x05, 0x01, 0x14, 0x05],
    ];
    assert_eq!(post.net.sent, [(0, expected.concat())]);
}

/// What does not fit one group goes in several, and what fits none is counted.
#[test]
fn groups_are_as_long_as_the_link_lets_them_be() {
    let memory: &'static mut AgentMemory<8, 1024, 16, 1024, 3, 96> = Box::leak(Box::default());
    let mut post = Post::of(Agent::new(config(), memory.storage()), start());
    post.perform(0, &[gen_rpts(&vec![edd(2); 6], &["A"])]);
    assert!(post.net.sent.len() > 1);
    assert!(post.net.sent.iter().all(|(_, octets)| octets.len() <= 96));
    assert_eq!(post.told_to('A'), ["4002/2(a board)"; 6]);
    post.board.rows = 40;
    post.perform(
        0,
        &[gen_tbls(&[id(BOARD, Collection::TBLT, 0)], &["A"]), gen_rpts(&[edd(0)], &[])],
    );
    assert_eq!(post.told_to('A'), ["4002/0(5)"]);
    assert_eq!(post.agent.stats().too_long, 1);
    // What fits the buffer and not the link goes one by one, and what is too long by itself
    // is given up.
    post.net.most = 40;
    post.perform(0, &[gen_rpts(&[edd(0), edd(2), edd(1)], &[])]);
    assert_eq!(post.net.sent.len(), 3);
    assert_eq!(post.told_to('A'), ["4002/0(5)", "4002/2(a board)", "4002/1(0)"]);
    post.net.most = 29;
    post.perform(0, &[gen_rpts(&[edd(0), edd(2), edd(1)], &[])]);
    assert_eq!(post.told_to('A'), ["4002/0(5)", "4002/1(0)"]);
    assert_eq!(post.agent.stats().too_long, 2);
}

/// Who refuses is tried again, and has everything then; others do not wait for it.
#[test]
fn what_is_refused_waits_for_its_manager() {
    let mut post = Post::new(config());
    post.net.refuses = Some(SendError::Busy);
    post.perform(0, &[gen_rpts(&[edd(0)], &["A", "B"])]);
    post.net.refuses = None;
    assert_eq!(post.told(), BTreeMap::new());
    post.pass(2 * SECOND);
    let told = post.told();
    assert_eq!(told[&'A'], ["@600000000 4002/0(5)"]);
    assert_eq!(told[&'A'], told[&'B']);
    post.pass(100 * SECOND);
    assert_eq!(post.told(), BTreeMap::new());
}

/// A value that is not there is no value: the report is not made, and that is counted.
#[test]
fn a_report_without_one_of_its_values_is_not_made() {
    let mut post = Post::new(config());
    post.board.level = None;
    post.perform(0, &[gen_rpts(&[edd(0), edd(1)], &[])]);
    assert_eq!(post.told_to('A'), ["4002/1(0)"]);
    assert_eq!((post.agent.stats().not_made, post.agent.stats().unavailable), (1, 1));
}

/// A report is made of what there is, and says of what type what is missing is.
#[test]
fn a_report_says_which_of_its_values_it_lacks() {
    let mut post = Post::new(config());
    post.perform(0, &[add_rptt("T", &[edd(1), edd(0), edd(2)]), add_rptt("N", &[edd(0)])]);
    post.board.level = None;
    post.group(0, &[message(&[gen_rpts(&[rptt("T"), rptt("N")], &[])])]);
    let (_, octets) = post.net.sent.first().unwrap();
    let group = Group::parse(octets, Profile::Draft08).unwrap();
    let Body::ReportSet(_, mut reports) = group.messages().next().unwrap().body() else {
        panic!("no reports")
    };
    let entries: Vec<_> = reports.next().unwrap().parts().entries.iter().collect();
    assert!(reports.next().is_none(), "a report without any value");
    assert_eq!(entries[1].code, Some(TypeCode::UINT));
    assert_eq!(entries[1].value, None);
    assert_eq!(post.told_to('A'), ["T(0,-,a board)"]);
    let stats = post.agent.stats();
    assert_eq!((stats.made, stats.incomplete, stats.not_made, stats.unavailable), (1, 1, 1, 2));
    // Once it is there, the report is as it ever was.
    post.board.level = Some(5);
    post.perform(0, &[gen_rpts(&[rptt("T")], &[])]);
    assert_eq!(post.told_to('A'), ["T(0,5,a board)"]);
    assert_eq!(post.agent.stats().incomplete, 1);
}

/// ION reads no items that are not all alike.
#[test]
fn ion_has_no_report_that_lacks_a_value() {
    let mut post = Post::new(AgentConfig { profile: Profile::IonCompat, ..config() });
    post.perform(0, &[add_rptt("T", &[edd(1), edd(0)])]);
    post.board.level = None;
    post.perform(0, &[gen_rpts(&[rptt("T")], &[])]);
    assert!(post.net.sent.is_empty());
    let stats = post.agent.stats();
    assert_eq!((stats.made, stats.incomplete, stats.not_made, stats.unavailable), (0, 0, 1, 1));
}

/// 6.1: what is supported is reported, with all the agent counts of itself.
#[test]
fn the_agent_reports_itself_and_what_it_supports() {
    let mut post = Post::new(config());
    post.perform(0, &[add_tbr("R", 1, 1, 2, &[note()])]);
    post.perform(0, &[add_sbr("S", &above(0, 1), 0, 0, &[note()]), add_macro("M", &[note()])]);
    post.pass(2 * SECOND);
    post.perform(0, &[mac("M")]);
    let full = id(1, Collection::RPTT, 0);
    post.perform(0, &[gen_rpts(slice::from_ref(&full), &[])]);
    // Name and version; templates, tables, reports sent; rules and how often they ran;
    // constants, variables, macros and how often they ran; controls and how often they ran.
    let expected = "25/0(amp_agent,v3.1,1,7,0,0,2,1,3,1,1,1,1,19,10,1)";
    assert_eq!(post.told_to('A'), [expected]);
    let (time, clock) = (id(1, Collection::EDD, 13), id(1, Collection::CONST, 0));
    post.perform(0, &[gen_rpts(&[time, clock], &[])]);
    assert_eq!(post.told_to('A'), ["22/13(600000002)", "20/0(1504915200)"]);
    post.perform(0, &[del(12, &[user(TypeCode::SBR, "S")]), own(15, &[])]);
    post.perform(0, &[gen_rpts(&[full], &[])]);
    assert_eq!(post.told_to('A'), ["25/0(amp_agent,v3.1,1,7,0,0,0,0,0,1,1,1,0,19,1,0)"]);
}

/// What a board answers to the questions of its ADM is checked against it.
#[test]
fn an_application_that_answers_out_of_type_is_counted() {
    struct Wrong;
    impl Application for Wrong {
        fn collect(
            &mut self,
            _: Now,
            edd: Object,
            _: &[Value<'_>],
        ) -> Result<Collected<'_>, Failed> {
            Ok(Collected::fresh(match edd.index {
                0 => Value::Int(7),
                1 => Value::Int(-7),
                _ => Value::Uint(3),
            }))
        }
        fn control(&mut self, _: Now, _: Object, _: &[Value<'_>]) -> Result<(), Failed> {
            Err(Failed)
        }
        fn row(&mut self, _: Now, _: Object, row: u32, cell: &mut dyn FnMut(Value<'_>)) -> bool {
            cell(Value::Uint(1));
            row == 0
        }
    }
    let mut post = Post::new(config());
    let tables = [id(BOARD, Collection::TBLT, 0)];
    let all = [gen_rpts(&[edd(0), edd(1), edd(2)], &[]), gen_tbls(&tables, &[]), note()];
    let octets = group(0, &[message(&all)]);
    post.agent.receive(post.now, &at(0), &octets, &mut post.net, &mut Wrong);
    // An INT that is a UINT as well is taken; a negative one is out of range, and a
    // number is no text.
    assert_eq!(post.told_to('A'), ["4002/0(7)"]);
    let stats = post.agent.stats();
    assert_eq!((stats.overflow, stats.other_type, stats.controls_failed), (1, 2, 1));
}

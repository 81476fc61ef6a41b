//! What ION's manager sends, to an agent with the ION Admin ADM: the octets of controls
//! are those that its own functions wrote (`tests/vectors/amp.json`).

use super::*;
use crate::management::adm::ion_admin::ION_ADMIN;
use crate::management::amp::Epoch;
use crate::management::ion::{Contact, IonAdmin, IonApplication, IonControl, IonState, Range};

const ADD_SBR: &str = "c115410b05072420261616251228425231424d310a108382188e4100430ac5181842182d00186414818115410f6164";
const ADD_TBR: &str = "c115410a05062420201625122b425232424d3100010381c1154105050225238182188e41000501126769706e3a312e356164";
const ADD_VAR: &str = "c115410005032426112c425631424d31108382188e4100430ac5181842182d0010";
const GEN_RPTS: &str = "c1154105050225238182188e41000501126769706e3a312e35";
const CLOCK_SYNC_SET: &str = "c1188d410205011001";
const CONTACT_ADD: &str = "c1188d410605062020141416161a23c346001a23c3463c03041a000186a01a000186a0";

struct Node(u32, Vec<String>);

impl IonAdmin for Node {
    fn state(&mut self) -> Option<IonState<'_>> {
        Some(IonState { number: 2, clock_error: self.0, version: "4.1.3", ..IonState::default() })
    }
    fn control(&mut self, _: Now, control: &IonControl<'_>) -> Result<(), Failed> {
        self.1.push(std::format!("{control:?}"));
        Ok(())
    }
    fn contact(&mut self, _: u32) -> Option<Contact> {
        None
    }
    fn range(&mut self, _: u32) -> Option<Range> {
        None
    }
}

fn octets(hex: &str) -> Vec<u8> {
    let digit = |at: usize| hex[at..at + 2].to_string();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&digit(at), 16).unwrap()).collect()
}

#[test]
fn controls_as_ion_writes_them_are_done() {
    static ADMS: &[&Adm] = &[&ION_ADMIN];
    let managers: &'static [ManagerConfig<'static>] = Box::leak(Box::new([ManagerConfig {
        name: "ipn:1.5",
        service: "udp",
        endpoint: "A",
        issuer: b"M1",
    }]));
    let config = AgentConfig {
        profile: Profile::IonCompat,
        epoch: Epoch::UnixIon,
        ..AgentConfig::new("ipn:2.5", managers, ADMS)
    };
    let memory: &'static mut Memory = Box::leak(Box::default());
    let mut agent = Agent::new(config, memory.storage());
    let (mut node, mut net, mut now) = (Node(11, Vec::new()), Net::default(), start());
    let mut application = IonApplication { node: &mut node, epoch: Epoch::UnixIon };
    agent.tick(now, &mut net, &mut application);
    // ION reads a text where the draft has octets.
    assert!(net.sent[0].1.ends_with(b"\x49\x00\x67ipn:2.5"));
    net.sent.clear();
    let controls = [ADD_SBR, ADD_TBR, ADD_VAR, GEN_RPTS, CLOCK_SYNC_SET].map(octets);
    // One message a group, and no time: that is how ION sends.
    for control in controls {
        let octets = group(0, &[message(&[control])]);
        agent.receive(now, &at(0), &octets, &mut net, &mut application);
    }
    assert_eq!((agent.stats().applied, agent.stats().last_refusal), (5, None));
    for _ in 0..40 {
        agent.tick(now, &mut net, &mut application);
        now = now.after(Duration::from_secs(1));
    }
    // 20 times from second 10 on, and 3 times from the start on.
    assert_eq!((agent.defined(Kind::StateRule), agent.defined(Kind::TimeRule)), (0, 0));
    assert_eq!(net.sent.len(), 4);
    for (_, octets) in &net.sent {
        let group = Group::parse(octets, Profile::IonCompat).unwrap();
        let Some(Body::ReportSet(names, reports)) = group.messages().next().map(|m| m.body())
        else {
            panic!("{octets:02x?}");
        };
        assert_eq!(names.collect::<Vec<_>>(), ["ipn:1.5"]);
        let reports: Vec<_> = reports.map(|report| list(&report.parts().entries)).collect();
        assert_eq!(reports, ["(11)"]);
    }
    // A probability of 100,000 is none: the node is not told.
    let octets = group(0, &[message(&[octets(CONTACT_ADD)])]);
    agent.receive(now, &at(0), &octets, &mut net, &mut application);
    assert_eq!(agent.stats().controls_failed, 1);
    assert_eq!(node.1, ["ClockSync(true)"]);
}

//! Whatever others say and its user asks for, a module stays in order: its tables
//! keep to their sizes, every rule is of a module it knows, and nothing that is due
//! is left undone by a tick.
#![no_main]

use std::collections::BTreeSet;
use std::time::Duration;

use farpost::ams::ids::{
    ContextNumber, ModuleKey, ModuleNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Mib, Policy, Subject, Venture};
use farpost::ams::module::{Membership, Module, ModuleIdentity, ModuleMemory, RuleRequest};
use farpost::ams::pdu::{
    AamsHeader, ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName,
    MessageType,
};
use farpost::ams::service::{Indication, Message};
use farpost::time::Now;
use farpost_fuzz::{CONTINUUM, MIB, Result, Unstructured, Wire, from, mpdu, noise, rule, u8, wait};
use libfuzzer_sys::fuzz_target;

const POINT: DeliveryPoint<'static> = DeliveryPoint { service: "udp", endpoint: "m9" };

/// Operations from here on change the MIB.
const CHANGES: u8 = 252;

/// The MIB with a subject that the module may neither send nor receive on.
const OTHER_MIB: Mib<'static> = Mib {
    ventures: &[Venture {
        subjects: &[Subject {
            senders: &[RoleNumber(3)],
            receivers: &[RoleNumber(3)],
            ..Subject::new(SubjectNumber(1), "closed")
        }],
        ..MIB.ventures[0]
    }],
    ..MIB
};

struct Bench<'s> {
    module: Module<'s>,
    wire: Wire,
    now: Now,
}

impl Bench<'_> {
    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { module, wire, now } = self;
        let user = &mut |_: Indication| {};
        // Faults are possible answers of requests.
        let operation = u8(u)?;
        if operation >= CHANGES {
            let mib = if operation % 2 == 0 { &MIB } else { &OTHER_MIB };
            module.change_mib(mib, user).expect("it is the same but for its subjects");
            return Ok(());
        }
        match operation % 12 {
            0 => drop(module.register(*now, wire, user)),
            1 => drop(module.unregister(*now, wire)),
            2 => wait(now, u8(u)?, |now, tick| {
                if tick.is_some() {
                    module.tick(now, wire, user);
                }
                module.next_deadline()
            }),
            3 => wire.turn(u8(u)?),
            4 => module.receive_mams(*now, &from(u)?, noise(u)?, wire, user),
            5 => drop(module.receive_aams(noise(u)?)),
            6 => drop(module.receive_aams(&message(u)?)),
            7 => self.assert_or_cancel(u)?,
            8 => self.write(u)?,
            _ => {
                let octets = mpdu(u, wire.asked)?;
                module.receive_mams(*now, &from(u)?, &octets, wire, user);
            }
        }
        Ok(())
    }

    fn assert_or_cancel(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { module, wire, now } = self;
        let what = u8(u)? % 4;
        let rule = rule(u)?;
        let request = RuleRequest { domain: rule.domain, ..RuleRequest::new(rule.subject) };
        let _ = match what {
            0 => module.subscribe(*now, &request, wire),
            1 => module.invite(*now, &request, wire),
            2 => module.unsubscribe(*now, rule.subject, rule.domain, wire),
            _ => module.disinvite(*now, rule.subject, rule.domain, wire),
        };
        Ok(())
    }

    fn write(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Self { module, wire, now } = self;
        let (what, subject, context) = (u8(u)? % 5, u8(u)? % 5, u8(u)? % 4);
        let context = ContextNumber(context.into());
        let message = Message { context, ..Message::new(SubjectNumber(subject.into()), b"x") };
        let key = ModuleKey { unit: UnitNumber(1), module: ModuleNumber(u8(u)? % 9) };
        let to = (CONTINUUM, key);
        let user = &mut |_: Indication| {};
        let _ = match what {
            0 => module.publish(&message, wire, user).map(drop),
            1 => module.announce(rule(u)?.domain, &message, wire, user).map(drop),
            2 => module.send(to, &message, wire),
            3 => {
                let term = Some(Duration::from_secs(u8(u)?.into()));
                module.query(*now, to, &message, term, wire)
            }
            _ => module.reply(to, &message, wire),
        };
        Ok(())
    }

    fn assert_in_order(&mut self) {
        let user = &mut |_: Indication| {};
        self.module.tick(self.now, &mut self.wire, user);
        let module = &self.module;
        let known: Vec<_> = module.peers().map(|peer| peer.id().key()).collect();
        assert!(known.len() <= 4 && module.rules().count() <= 8 && module.own_rules().count() <= 4);
        assert!(known.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(module.rules().all(|(whose, ..)| known.contains(&whose)));
        let own: BTreeSet<_> = module
            .own_rules()
            .map(|own| (own.kind(), own.assertion().subject, own.assertion().domain))
            .collect();
        assert_eq!(own.len(), module.own_rules().count());
        assert!(module.id().is_none_or(|id| !known.contains(&id.key())));
        let next = module.next_deadline();
        match module.membership() {
            Membership::Outside | Membership::Dead => assert_eq!((next, known.len()), (None, 0)),
            Membership::Joining | Membership::Member(_) => {
                assert!(next.is_some_and(|next| next > self.now.monotonic));
            }
        }
    }
}

fn message(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let header = AamsHeader {
        message_type: [MessageType::Unary, MessageType::Query, MessageType::Reply]
            [usize::from(u8(u)? % 3)],
        priority: Default::default(),
        flow_label: 0,
        continuum: CONTINUUM,
        source: ModuleKey { unit: UnitNumber(1), module: ModuleNumber(u8(u)? % 9) },
        context: ContextNumber(u32::from(u8(u)? % 4) + 1),
        subject: SubjectNumber(i16::from(u8(u)? % 12) - 8),
    };
    let mut buffer = [0; 300];
    Ok(header.encode(noise(u)?, true, &mut buffer).expect("there is room").to_vec())
}

fuzz_target!(|octets: &[u8]| {
    let vectors = [DeliveryVectorValues { number: 1, points: &[POINT] }];
    let identity = ModuleIdentity {
        venture: VentureNumber(1),
        unit: UnitNumber(1),
        role: RoleNumber(2),
        contact: ContactSummaryValues {
            endpoint: EndpointName::new("p").expect("it is one"),
            delivery_vectors: &vectors,
        },
        first_query: 1,
    };
    let mut memory = ModuleMemory::<4, 8, 4, 2, 300, 120>::new();
    let mut u = Unstructured::new(octets);
    let Ok(choice) = u8(&mut u) else { return };
    // How patiently it introduces itself.
    let policy = Policy {
        introduction_delay: Duration::from_millis(if choice & 1 != 0 { 50 } else { 0 }),
        introduction_repeats: choice >> 1 & 3,
        ..Policy::NOMINAL
    };
    let mib = Mib { policy, ..MIB };
    let module = Module::new(&mib, identity, memory.storage());
    let mut bench = Bench { module, wire: Wire::default(), now: Now::default() };
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});

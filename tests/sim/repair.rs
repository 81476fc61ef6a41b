//! Exactly one datagram is lost in a life that has everything in it, and whatever
//! it was, all are right in the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::ids::{Domain, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::Introduction;
use farpost::ams::module::{RuleKind, RuleRequest};
use farpost::ams::pdu::{Mpdu, MpduType};

use super::continuum::{Cell, Continuum, Layout};
use super::entity::MAMS;
use super::network::{NodeId, Weather};
use super::scenario::Action;

/// Two configuration servers, two registrars, and two modules for each.
const SERVER: NodeId = 0;
const STANDBY: NodeId = 1;
const REGISTRARS: [NodeId; 2] = [2, 3];
const MODULES: [NodeId; 4] = [4, 5, 6, 7];

/// How often each type of MPDU was sent.
type Census = BTreeMap<MpduType, usize>;

fn layout(introduction: Introduction) -> Layout {
    let cell = |unit, name: &str| Cell {
        venture: VentureNumber(1),
        unit: UnitNumber(unit),
        name: name.into(),
        modules: 2,
    };
    Layout {
        servers: 2,
        cells: vec![cell(0, ""), cell(1, "post")],
        ..Layout::cell(0, introduction)
    }
}

/// Lives the life, with one MPDU lost: the one of this type that so many others
/// went before.
fn live(introduction: Introduction, lost: Option<(MpduType, usize)>) -> Result<Census, String> {
    let arena = Bump::new();
    let sent = RefCell::new(Census::new());
    let mut continuum = Continuum::new(&arena, 1, layout(introduction), Weather::FAIR);
    continuum.network.censor = Some(Box::new(|_, port, octets| {
        let kind = Mpdu::parse(octets).ok().filter(|_| port == MAMS).map(|mpdu| mpdu.mpdu_type());
        kind.is_some_and(|kind| {
            let mut sent = sent.borrow_mut();
            let before = sent.entry(kind).or_default();
            *before += 1;
            lost == Some((kind, *before - 1))
        })
    }));
    everything(&mut continuum)?;
    let settled = continuum.settle(Duration::from_secs(300));
    settled.and_then(|_| continuum.examine())?;
    drop(continuum);
    Ok(sent.into_inner())
}

/// Each type of MPDU is sent, in each of the situations it is for.
fn everything(continuum: &mut Continuum<'_>) -> Result<(), String> {
    let wait = |continuum: &mut Continuum<'_>, seconds| {
        continuum.network.run(Duration::from_secs(seconds));
    };
    // The registrar of the second cell is late, and censuses go on for a minute.
    continuum.network.crash(REGISTRARS[1]);
    continuum.start_all();
    wait(continuum, 8);
    continuum.revive(REGISTRARS[1]);
    wait(continuum, 92);
    assert_and_cancel(continuum)?;
    // One leaves and comes back.
    continuum.perform(&Action::Leave(MODULES[1]))?;
    wait(continuum, 5);
    continuum.revive(MODULES[1]);
    wait(continuum, 15);
    continuum.restart(REGISTRARS[0], Duration::from_secs(20));
    wait(continuum, 150);
    // One is declared dead while it cannot be reached.
    continuum.network.cut_off([MODULES[2]]);
    wait(continuum, 90);
    continuum.network.cut_off([]);
    wait(continuum, 30);
    // The other configuration server takes over, until the first one returns.
    continuum.network.crash(SERVER);
    continuum.renew(STANDBY);
    wait(continuum, 80);
    continuum.revive(SERVER);
    wait(continuum, 80);
    continuum.network.broken().map_or(Ok(()), |broken| Err(broken.clone()))
}

fn assert_and_cancel(continuum: &mut Continuum<'_>) -> Result<(), String> {
    for kind in [RuleKind::Subscription, RuleKind::Invitation] {
        for node in MODULES {
            for subject in [1, 2] {
                let request = RuleRequest::new(SubjectNumber(subject));
                continuum.perform(&Action::Assert(node, kind, request))?;
                continuum.network.run(Duration::from_millis(100));
            }
        }
    }
    for node in MODULES {
        continuum.member(node, |member, now, transport| {
            let subject = SubjectNumber(2);
            let unsubscribed = member.module.unsubscribe(now, subject, Domain::ALL, transport);
            let disinvited = member.module.disinvite(now, subject, Domain::ALL, transport);
            // It is not a member yet where its registration took longer.
            let _ = (unsubscribed, disinvited);
        });
        continuum.network.run(Duration::from_millis(100));
    }
    Ok(())
}

/// Of the types that are sent by the hundred, this many positions are tried, spread
/// evenly; all where `FARPOST_SEEDS` asks for more stories than usual.
const MOST: usize = 25;

fn any_one_can_be_lost(introduction: Introduction) -> Census {
    let census = live(introduction, None).expect("nothing is lost");
    let all = std::env::var_os("FARPOST_SEEDS").is_some();
    for (&kind, &count) in &census {
        let step = if all { 1 } else { count.div_ceil(MOST) };
        for position in (0..count).step_by(step) {
            if let Err(why) = live(introduction, Some((kind, position))) {
                panic!("{kind:?} {position} of {count} was lost, {introduction:?}: {why}");
            }
        }
    }
    census
}

#[test]
fn resynchronisation_repairs_the_loss_of_any_one_mpdu_when_modules_introduce_themselves() {
    let census = any_one_can_be_lost(Introduction::ByModules);
    let sent: Vec<MpduType> = census.into_keys().collect();
    assert_eq!(sent, all_types_but(MpduType::MODULE_HAS_STARTED));
}

#[test]
fn resynchronisation_repairs_the_loss_of_any_one_mpdu_when_the_registrar_introduces_modules() {
    let census = any_one_can_be_lost(Introduction::ByRegistrar);
    assert!(census.contains_key(&MpduType::MODULE_HAS_STARTED));
}

fn all_types_but(one: MpduType) -> Vec<MpduType> {
    MpduType::NAMED.iter().copied().filter(|kind| *kind != one).collect()
}

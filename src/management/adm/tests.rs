use std::vec::Vec;

use super::amp_agent::{AMP_AGENT, control, datum, operator, table};
use super::ion_admin::{ION_ADMIN, ION_FACTS, IonFact, ion_facts, is_told_as};
use super::{Definition, find};
use crate::management::amp::{
    Ac, Ari, Collection, Expr, Nickname, ObjectId, Profile, TypeCode, Value,
};

#[test]
fn the_collections_of_ion_admin_are_as_the_draft_has_them() {
    // Of the collections 140 to 150, those that are not empty.
    let sizes = [
        (141, Collection::CTRL, 15),
        (142, Collection::EDD, 14),
        (147, Collection::TBLT, 2),
        (150, Collection::MDAT, 4),
    ];
    for number in 0..=u8::MAX {
        let expected = sizes.iter().find(|(_, collection, _)| collection.0 == number);
        let found = ION_ADMIN.objects(Collection(number)).count();
        assert_eq!(found, expected.map_or(0, |(_, _, size)| *size), "{number}");
    }
    for (nickname, collection, _) in sizes {
        assert_eq!(ION_ADMIN.nickname(collection), Nickname(nickname));
    }
}

#[test]
fn an_object_is_found_by_nickname_and_index() {
    let adms = [&AMP_AGENT, &ION_ADMIN];
    let octets = [0x82, 0x18, 0x8e, 0x41, 13];
    let id = Ari::parse(&octets, Profile::Draft08).unwrap().object_id().unwrap();
    assert_eq!(id, ObjectId::new(7, Collection::EDD, 13));
    assert!(matches!(find(&adms, id), Some(Definition::Edd(edd)) if edd.code == TypeCode::STR));
    for (nickname, index) in [(142, 14), (146, 0), (159, 0), (2, 0), (182, 0)] {
        assert_eq!(find(&adms, ObjectId { nickname: Nickname(nickname), index }), None);
    }
    let far = ObjectId { nickname: Nickname(u64::MAX), index: u64::MAX };
    assert_eq!(find(&adms, far), None);
    let mdat = ObjectId::new(7, Collection::MDAT, 2);
    let Some(Definition::Const(version)) = find(&adms, mdat) else { panic!() };
    assert_eq!(version.value, Value::Str("v0.0"));
}

#[test]
fn what_the_agent_defines_by_itself_is_well_formed_and_there() {
    let there = |ari: Ari<'_>| find(&[&AMP_AGENT], ari.object_id().unwrap()).is_some();
    for variable in AMP_AGENT.variables {
        let expression = Expr::parse(variable.expression, Profile::Draft08).unwrap();
        assert!(expression.items().iter().all(there));
    }
    for template in AMP_AGENT.report_templates {
        let contents = Ac::parse(template.contents, Profile::Draft08).unwrap();
        assert!(contents.iter().all(there));
        assert_eq!(contents.len(), 16);
    }
    assert_eq!(AMP_AGENT.operators.len(), 53);
    assert_eq!(AMP_AGENT.controls.len(), 16);
    let parameters: Vec<_> = AMP_AGENT.controls.iter().map(|ctrl| ctrl.parameters.len()).collect();
    assert_eq!(parameters, [3, 1, 2, 1, 1, 2, 2, 3, 1, 1, 6, 7, 1, 1, 2, 0]);
}

#[test]
fn operators_of_arithmetic_come_in_sixes() {
    let types = ["INT", "UINT", "VAST", "UVAST", "REAL32", "REAL64"];
    for first in (operator::PLUS..operator::BIT_AND).step_by(6) {
        for (name, index) in types.iter().zip(first..) {
            let Some(Definition::Oper(oper)) = AMP_AGENT.object(Collection::OPER, index) else {
                panic!("{index}");
            };
            assert_eq!(oper.takes, TypeCode::named(name));
            assert_eq!((oper.gives, oper.operands), (oper.takes, 2));
        }
    }
}

#[cfg(feature = "alloc")]
#[test]
fn names_and_indices_agree() {
    let is = |collection, index, name| {
        let found = AMP_AGENT.named(collection, name).unwrap();
        assert_eq!((found.nickname, found.index), (AMP_AGENT.nickname(collection), index));
        assert!(
            !AMP_AGENT.object(collection, index).unwrap().label().description().unwrap().is_empty()
        );
    };
    is(Collection::CTRL, control::ADD_SBR, "add_sbr");
    is(Collection::CTRL, control::STORE_VAR, "store_var");
    is(Collection::EDD, datum::RUN_CONTROLS, "run_controls");
    is(Collection::TBLT, table::TBLTS, "tblts");
    is(Collection::OPER, operator::ABS, "abs");
    is(Collection::OPER, operator::GREATER, "greaterThan");
    is(Collection::OPER, operator::SHIFT_RIGHT, "bitShiftRight");
    is(Collection::OPER, operator::STORE, "STOR");
    assert_eq!(ION_ADMIN.named(Collection::CTRL, "node_range_del").unwrap().index, 12);
    assert_eq!(ION_ADMIN.named(Collection::CTRL, "clock_error"), None);
    assert_eq!(AMP_AGENT.objects(Collection::CTRL).count() as u64, control::RESET_COUNTS + 1);
    assert_eq!(AMP_AGENT.objects(Collection::EDD).count() as u64, datum::CUR_TIME + 1);
}

#[test]
fn the_facts_about_ion_are_about_objects_there_are() {
    for (collection, index, fact) in ION_FACTS {
        let object = ION_ADMIN.object(*collection, u64::from(*index)).unwrap();
        let parameter = match fact {
            IonFact::ReadsAs(parameter, _) | IonFact::StopsUnless(parameter, _) => *parameter,
            IonFact::Returns(code) => {
                assert!(matches!(object, Definition::Edd(edd) if edd.code != *code));
                continue;
            }
            _ => continue,
        };
        let Definition::Ctrl(ctrl) = object else { panic!("{index}") };
        assert!(usize::from(parameter) < ctrl.parameters.len());
    }
    assert!(ION_FACTS.is_sorted_by_key(|(collection, index, _)| (*collection, *index)));
    // The clock error is a UINT in the draft and an INT from ION.
    assert!(is_told_as(0, TypeCode::UINT) && is_told_as(0, TypeCode::INT));
    assert!(!is_told_as(0, TypeCode::STR) && !is_told_as(14, TypeCode::UINT));
    assert!(
        ion_facts(Collection::CTRL, 7).eq([IonFact::ReadsAs(2, TypeCode::UINT), IonFact::NotAll])
    );
    assert_eq!(ion_facts(Collection::CTRL, 11).count(), 0);
}

//! What a module tells, as JSON.

use data_encoding::HEXLOWER;
use farpost::ams::ids::{ContinuumNumber, Domain, ModuleId, ModuleKey, SubjectNumber};
use farpost::ams::mib::Mib;
use farpost::ams::module::{MessageStats, Module, RuleKind};
use farpost::ams::pdu::{AssertionValues, CancellationValues};
use farpost::ams::service::{Delivery, Fault, Indication, Received};
use serde_json::{Map, Value, json};

use crate::ams::{Names, object};

/// A line of an indication; `own` is the module ID of the module itself.
pub(super) fn indication(
    indication: &Indication,
    names: Names<'_>,
    own: Option<ModuleId>,
) -> Map<String, Value> {
    let (name, details) = match indication {
        Indication::Registered(_) => {
            let mut details = own.map_or_else(Map::new, |id| module(id, names));
            details.insert("own".into(), true.into());
            ("register", details)
        }
        Indication::Unregistered(number) => {
            ("unregister", object(json!({"own": true, "module": number.0})))
        }
        Indication::ModuleRegistered(id) => ("register", module(*id, names)),
        Indication::ModuleUnregistered(id) => ("unregister", module(*id, names)),
        Indication::SubscriptionAsserted(id, rule) => {
            ("assert_subscription", assertion(*id, rule, names))
        }
        Indication::SubscriptionCancelled(id, rule) => {
            ("cancel_subscription", cancellation(*id, rule, names))
        }
        Indication::InvitationAsserted(id, rule) => {
            ("assert_invitation", assertion(*id, rule, names))
        }
        Indication::InvitationCancelled(id, rule) => {
            ("cancel_invitation", cancellation(*id, rule, names))
        }
        Indication::ModuleIsDead => ("module_is_dead", Map::new()),
        Indication::Fault(what) => ("fault", fault(what)),
        other => ("unknown", object(json!({"message": format!("{other:?}")}))),
    };
    line(name, details)
}

/// A line of a message that arrived, or of the fault it was discarded for.
pub(super) fn delivery(
    delivery: &Result<Delivery<'_>, Fault>,
    (mib, names): (&Mib<'_>, Names<'_>),
    modules: &Module<'_>,
) -> Map<String, Value> {
    let (name, received) = match delivery {
        Ok(Delivery::Message(received)) => ("message", received),
        Ok(Delivery::Query(received)) => ("query", received),
        Ok(Delivery::Reply(received)) => ("reply", received),
        Err(what) => return line("fault", fault(what)),
    };
    line(name, message(received, (mib, names), modules))
}

/// The members that tell a fault.
pub(crate) fn fault(fault: &Fault) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("fault".into(), fault.name().into());
    members.insert("message".into(), fault.to_string().into());
    match fault {
        Fault::Rejected(reason) => {
            members.insert("reason".into(), reason.name().into());
            members.insert("reason_number".into(), reason.0.into());
        }
        Fault::QueryTimedOut(context) => {
            members.insert("context".into(), context.0.into());
        }
        Fault::ForeignContinuum(continuum) => {
            members.insert("continuum".into(), continuum.get().into());
        }
        Fault::NoDeliveryPoint(key)
        | Fault::NotTransmitted(key, _)
        | Fault::SenderNotAuthorised(key)
        | Fault::Uninvited(key) => {
            members.insert("unit".into(), key.unit.0.into());
            members.insert("module".into(), key.module.0.into());
        }
        _ => {}
    }
    members
}

/// The modules that are known, with what they subscribe to and invite.
pub(super) fn peers(module: &Module<'_>, names: Names<'_>) -> Value {
    let rules_of = |key: ModuleKey, kind: RuleKind| -> Vec<Value> {
        let its = module.rules().filter(|(of, its, _)| *of == key && *its == kind);
        its.map(|(.., rule)| Value::Object(rule_of(&rule, names))).collect()
    };
    let peers = module.peers().map(|peer| {
        let mut members = self::module(peer.id(), names);
        let key = peer.id().key();
        members.insert("subscriptions".into(), rules_of(key, RuleKind::Subscription).into());
        members.insert("invitations".into(), rules_of(key, RuleKind::Invitation).into());
        Value::Object(members)
    });
    peers.collect()
}

/// The module's counters.
pub(crate) fn stats(module: &Module<'_>) -> Map<String, Value> {
    let meta = module.meta_stats();
    let MessageStats {
        sent,
        not_sent,
        received,
        delivered,
        malformed,
        not_authorised,
        uninvited,
        inappropriate,
        ..
    } = *module.message_stats();
    object(json!({
        "meta": {
            "received": meta.received, "sent": meta.sent, "refused": meta.refused,
            "malformed": meta.malformed, "deviating": meta.deviating,
            "not_ours": meta.not_ours, "inappropriate": meta.inappropriate,
            "stale": meta.stale, "unknown_module": meta.unknown_module,
            "full": meta.full, "unresolved": meta.unresolved,
            "last_malformed": meta.last_malformed.map(|fault| fault.to_string()),
        },
        "messages": {
            "sent": sent, "not_sent": not_sent, "received": received, "delivered": delivered,
            "malformed": malformed, "not_authorised": not_authorised, "uninvited": uninvited,
            "inappropriate": inappropriate,
        },
    }))
}

fn line(name: &str, details: Map<String, Value>) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("indication".into(), name.into());
    members.extend(details);
    members
}

fn module(id: ModuleId, names: Names<'_>) -> Map<String, Value> {
    object(json!({
        "unit": id.unit.0,
        "unit_name": names.unit_name(id.unit),
        "module": id.module.0,
        "role": id.role.0,
        "role_name": names.role_name(id.role),
    }))
}

fn assertion(id: ModuleId, rule: &AssertionValues, names: Names<'_>) -> Map<String, Value> {
    let mut members = cancellation(id, &rule.cancellation(), names);
    members.insert("delivery_vector".into(), rule.delivery_vector.into());
    members.insert("priority".into(), rule.priority.get().into());
    members.insert("flow_label".into(), rule.flow_label.into());
    members
}

fn cancellation(id: ModuleId, rule: &CancellationValues, names: Names<'_>) -> Map<String, Value> {
    let mut members = module(id, names);
    members.extend(rule_of(rule, names));
    members
}

fn rule_of(rule: &CancellationValues, names: Names<'_>) -> Map<String, Value> {
    let Domain { continuum, unit, role } = rule.domain;
    object(json!({
        "subject": rule.subject.0,
        "subject_name": names.subject_name(rule.subject),
        "domain": {"continuum": continuum.get(), "unit": unit.0, "role": role.0},
    }))
}

fn message(
    received: &Received<'_>,
    (mib, names): (&Mib<'_>, Names<'_>),
    modules: &Module<'_>,
) -> Map<String, Value> {
    let Received { continuum, source, subject, priority, flow_label, context, data } = *received;
    // Of a module in another continuum nobody here knows the role.
    let is_here = continuum == mib.continuum.number;
    let role = modules.peers().map(|peer| peer.id()).find(|id| is_here && id.key() == source);
    let role = role.map(|id| id.role);
    let mut members = origin((continuum, source), subject, (mib, names));
    members.extend(object(json!({
        "role": role.map(|role| role.0),
        "role_name": role.and_then(|role| names.role_name(role)),
        "priority": priority.get(),
        "flow_label": flow_label,
        "context": context.0,
    })));
    if let Some(text) = printable(data) {
        members.insert("data".into(), text.into());
    }
    members.insert("data_hex".into(), HEXLOWER.encode(data).into());
    members
}

fn origin(
    (continuum, source): (ContinuumNumber, ModuleKey),
    subject: SubjectNumber,
    (mib, names): (&Mib<'_>, Names<'_>),
) -> Map<String, Value> {
    let elsewhere = mib.continuum(continuum).filter(|_| continuum != mib.continuum.number);
    object(json!({
        "subject": subject.0,
        "subject_name": names.subject_name(subject),
        "continuum": continuum.get(),
        "continuum_name": elsewhere.map(|continuum| continuum.name),
        "unit": source.unit.0,
        "module": source.module.0,
    }))
}

/// Data that are text people can read, as text.
fn printable(data: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(data).ok()?;
    let readable = |symbol: char| !symbol.is_control() || matches!(symbol, '\n' | '\r' | '\t');
    text.chars().all(readable).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_can_be_read() {
        assert_eq!(printable("héllo\n".as_bytes()), Some("héllo\n"));
        assert_eq!(printable(b""), Some(""));
        assert_eq!(printable(&[0x1b, b'a']), None);
        assert_eq!(printable(&[0xff]), None);
    }
}

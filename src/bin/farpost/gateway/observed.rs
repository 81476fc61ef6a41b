//! What a gateway tells, as JSON.

use std::collections::BTreeMap;

use farpost::ams::gateway::{Gateway, GatewayStats, NeighbourSet, StoreStats};
use farpost::ams::ids::{ContinuumNumber, Domain};
use farpost::ams::mib::Mib;
use farpost::ams::pdu::CancellationValues;
use farpost::ams::service::{Fault, Indication};
use farpost::host::bundle::{BundleStats, BundleWatch, DaemonFault, DaemonState};
use farpost::host::gateway::GatewayUser;
use farpost::time::Now;
use serde_json::{Map, Value, json};

use crate::ams::{Names, Output, event, object};
use crate::module::{fault, stats};

/// Tells of the neighbours and of what they and the modules here want.
pub(super) struct Observed<'m> {
    pub(super) output: Output,
    pub(super) names: Names<'m>,
    mib: &'m Mib<'m>,
    /// Which continuum is in which place, and whether it has declared itself.
    neighbours: BTreeMap<ContinuumNumber, (NeighbourSet, bool)>,
    /// What neighbours want, and what is wanted of them.
    petitions: BTreeMap<CancellationValues, [NeighbourSet; 2]>,
    waiting: bool,
    bundles: Option<BundleWatch>,
    /// How often a daemon had been joined, and what was wrong, when that was last told.
    daemon: (u32, Option<DaemonFault>),
}

impl<'m> Observed<'m> {
    pub(super) fn new(mib: &'m Mib<'m>, names: Names<'m>, bundles: Option<BundleWatch>) -> Self {
        Self {
            output: Output::new(),
            names,
            mib,
            neighbours: BTreeMap::new(),
            petitions: BTreeMap::new(),
            waiting: false,
            bundles,
            daemon: (0, None),
        }
    }

    pub(super) fn change_mib(&mut self, mib: &'m Mib<'m>, names: Names<'m>) {
        self.mib = mib;
        self.names = names;
    }

    fn look_at_neighbours(&mut self, gateway: &Gateway<'_>) {
        let declared = gateway.declared();
        let now: BTreeMap<_, _> = gateway
            .neighbours()
            .map(|one| (one.continuum(), (one.set(), declared.contains(one.set()))))
            .collect();
        let has = |of: &BTreeMap<_, (NeighbourSet, bool)>, continuum| {
            of.get(continuum).is_some_and(|(_, declared)| *declared)
        };
        let before = std::mem::replace(&mut self.neighbours, now);
        for gone in before.keys().filter(|one| has(&before, one) && !has(&self.neighbours, one)) {
            let details = self.continuum(*gone);
            self.output.line(event("neighbour_retracted", details));
        }
        let new: Vec<_> = self.neighbours.keys().copied().collect();
        for new in new.iter().filter(|one| !has(&before, one) && has(&self.neighbours, one)) {
            let details = self.continuum(*new);
            self.output.line(event("neighbour_declared", details));
        }
    }

    fn look_at_petitions(&mut self, gateway: &Gateway<'_>) {
        let now: BTreeMap<_, _> = gateway
            .petitions()
            .filter(|petition| petition.specification().subject.is_application())
            .map(|one| (one.specification(), [one.destinations(), one.sources()]))
            .collect();
        if now == self.petitions {
            return;
        }
        let before = std::mem::replace(&mut self.petitions, now.clone());
        self.tell_differences("petition_cancelled", &before, &now);
        self.tell_differences("petition_asserted", &now, &before);
    }

    /// Tells who is in `these` and not in the others.
    fn tell_differences(
        &mut self,
        name: &str,
        these: &BTreeMap<CancellationValues, [NeighbourSet; 2]>,
        others: &BTreeMap<CancellationValues, [NeighbourSet; 2]>,
    ) {
        for (specification, [by, to]) in these {
            let [by_others, to_others] = others.get(specification).copied().unwrap_or_default();
            for (key, set) in [("by", by.without(by_others)), ("to", to.without(to_others))] {
                if set.is_empty() {
                    continue;
                }
                let mut details = self.petition(specification);
                details.insert(key.into(), self.continua(set).into());
                self.output.line(event(name, Value::Object(details)));
            }
        }
    }

    fn look_at_store(&mut self, gateway: &Gateway<'_>) {
        let messages = gateway.waiting();
        if self.waiting != (messages > 0) {
            self.waiting = messages > 0;
            self.output.line(event("waiting", json!({ "messages": messages })));
        }
    }

    /// Tells of a daemon that is there, and of one that is away each time for another reason.
    fn look_at_daemon(&mut self) {
        let Some(bundles) = &self.bundles else { return };
        let (state, stats) = (bundles.state(), bundles.stats());
        let (joined, fault) = self.daemon;
        let is_joined = state == DaemonState::Joined;
        if is_joined && stats.joined != joined {
            self.daemon = (stats.joined, None);
            self.output.line(event("daemon_joined", json!({"endpoint": bundles.endpoint()})));
        } else if !is_joined && stats.last_fault != fault {
            self.daemon = (joined, stats.last_fault);
            let message = stats.last_fault.map(|fault| fault.to_string());
            self.output.line(event("daemon_away", json!({ "message": message })));
        }
    }

    /// All counters.
    pub(super) fn counters(&self, gateway: &Gateway<'_>) -> Value {
        let mut all = counters(gateway);
        if let Some(bundles) = &self.bundles {
            all.insert("bundles".into(), bundle_counters(&bundles.stats()));
        }
        Value::Object(all)
    }

    /// The numbers of the continua whose gateways are in a set.
    fn continua(&self, set: NeighbourSet) -> Vec<u16> {
        let members = self.neighbours.iter().filter(|(_, (one, _))| set.contains(*one));
        members.map(|(continuum, _)| continuum.get()).collect()
    }

    fn continuum(&self, number: ContinuumNumber) -> Value {
        let name = self.mib.continuum(number).map(|it| it.name);
        let mut remote = self.names.0.remote.iter();
        let location = remote.find(|space| space.continuum == number).map(|space| space.gateway);
        json!({"continuum": number.get(), "continuum_name": name, "location": location})
    }

    fn petition(&self, specification: &CancellationValues) -> Map<String, Value> {
        let CancellationValues { subject, domain } = *specification;
        let Domain { continuum, unit, role } = domain;
        object(json!({
            "subject": subject.0,
            "subject_name": self.names.subject_name(subject),
            "domain": {"continuum": continuum.get(), "unit": unit.0, "role": role.0},
        }))
    }
}

impl GatewayUser for Observed<'_> {
    fn indicated(&mut self, _now: Now, gateway: &Gateway<'_>, indication: Indication) {
        let line = match indication {
            Indication::Registered(number) => {
                let unit = gateway.module().id().map(|id| id.unit.0);
                event("registered", json!({"unit": unit, "module": number.0}))
            }
            Indication::ModuleIsDead => event("module_is_dead", json!({})),
            Indication::Fault(what) => event("fault", Value::Object(fault(&what))),
            _ => return,
        };
        self.output.line(line);
    }

    fn discarded(&mut self, _now: Now, what: Fault) {
        self.output.line(event("discarded", Value::Object(fault(&what))));
    }

    fn changed(&mut self, _now: Now, gateway: &Gateway<'_>) {
        self.look_at_neighbours(gateway);
        self.look_at_petitions(gateway);
        self.look_at_store(gateway);
        self.look_at_daemon();
        let (declared, all) = (gateway.declared().len(), self.neighbours.len());
        let (petitions, waiting) = (self.petitions.len(), gateway.waiting());
        let state = if gateway.module().id().is_some() { "registered" } else { "not registered" };
        self.output.status(format!(
            "gateway {state}, {declared} of {all} neighbours, {petitions} petitions, {waiting} waiting"
        ));
    }
}

fn bundle_counters(stats: &BundleStats) -> Value {
    let BundleStats {
        joined,
        lost,
        sent,
        repeated,
        busy,
        expired,
        rejected,
        received,
        duplicates,
        fragments,
        records,
        unreadable,
        last_fault,
        ..
    } = *stats;
    json!({
        "joined": joined, "lost": lost, "sent": sent, "repeated": repeated, "busy": busy, "expired": expired,
        "rejected": rejected, "received": received, "duplicates": duplicates,
        "fragments": fragments, "records": records, "unreadable": unreadable,
        "last_fault": last_fault.map(|fault| fault.to_string()),
    })
}

fn counters(gateway: &Gateway<'_>) -> Map<String, Value> {
    let GatewayStats {
        received,
        sent,
        refused,
        too_long,
        malformed,
        last_malformed,
        not_encrypted,
        not_decrypted,
        strangers,
        undeclared,
        duplicates,
        inappropriate,
        not_authorised,
        no_conduit,
        not_invited,
        delivered,
        not_delivered,
        full,
        ..
    } = *gateway.stats();
    let rams = json!({
        "received": received, "sent": sent, "refused": refused, "too_long": too_long,
        "malformed": malformed, "not_encrypted": not_encrypted,
        "not_decrypted": not_decrypted, "strangers": strangers, "undeclared": undeclared,
        "duplicates": duplicates, "inappropriate": inappropriate,
        "not_authorised": not_authorised, "no_conduit": no_conduit, "not_invited": not_invited,
        "delivered": delivered, "not_delivered": not_delivered, "full": full,
        "last_malformed": last_malformed.map(|fault| fault.to_string()),
    });
    let StoreStats { kept, delivered, displaced, refused, withdrawn, expired, most_octets, .. } =
        *gateway.store_stats();
    let store = json!({
        "kept": kept, "delivered": delivered, "displaced": displaced, "refused": refused,
        "withdrawn": withdrawn, "expired": expired, "waiting": gateway.waiting(),
        "most_octets": most_octets,
    });
    let mut all = stats(gateway.module());
    all.insert("rams".into(), Value::Object(object(rams)));
    all.insert("store".into(), store);
    all
}

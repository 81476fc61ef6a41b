//! Applies `venture` and the elements within it.

use std::format;
use std::vec;

use super::super::draft::{At, Draft, SubjectDraft, VentureDraft};
use super::super::error::MibError;
use super::step::{Operation, Step};
use crate::ams::ids::{RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use crate::ams::mib::{RamsNetwork, RemoteMessageSpace, Role, Subject, Unit, Venture};
use crate::crypto::SecretKey;

/// The roles every venture of ION has: the RAMS gateway's, and the one it shuts
/// message spaces down by.
const RESERVED_ROLES: [Role<'_>; 2] =
    [Role::new(RoleNumber::RAMS_GATEWAY, "RAMS"), Role::new(RoleNumber(255), "stop")];

/// Applies a `venture`; gives where it is. `known` tells which applications exist.
pub(super) fn venture<'b>(
    step: Step<'_, '_, 'b>,
    draft: &mut Draft<'b>,
    known: impl Fn(&str) -> bool,
) -> Result<Option<usize>, MibError> {
    let Step { input, element, context } = step;
    let attributes =
        ["nbr", "appname", "authname", "gweid", "net_config", "root_cell_resync_period"];
    element.check(&input.source, &attributes)?;
    if context.venture.is_some() {
        let remedy = "end the other before it";
        return Err(input.refuse(element, "it is within another venture", remedy));
    }
    let application = input.name(element, "appname")?;
    let authority = input.name(element, "authname")?;
    let found = draft.ventures.iter().position(|at| {
        (at.item.venture.application, at.item.venture.authority) == (application, authority)
    });
    let local = draft.mib.continuum.number;
    let blank = || {
        let number = element.required(&input.source, "nbr")?;
        if !known(application) {
            let problem = format!("there is no application `{application}`");
            let remedy = format!("put `*application name={application}` before it");
            return Err(input.refuse(element, problem, remedy));
        }
        let mut blank = VentureDraft::new(Venture::new(VentureNumber(0), application, authority));
        blank.venture.gateway = input.keep(&format!("bp@ipn:{local}.{}", number.value));
        blank.units = vec![At::new(element.offset, Unit::ROOT)];
        blank.roles = RESERVED_ROLES.map(|role| At::new(element.offset, role)).into();
        Ok(blank)
    };
    step.edit(&mut draft.ventures, found, blank, |venture| revise_venture(step, venture))
}

fn revise_venture<'b>(
    step: Step<'_, '_, 'b>,
    draft: &mut VentureDraft<'b>,
) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    let venture = &mut draft.venture;
    if let Some(number) = input.number(element, "nbr", "1 to 255")? {
        venture.number = VentureNumber(number);
    }
    if let Some(gateway) = input.gateway(element, "gweid")? {
        venture.gateway = gateway;
    }
    if let Some(network) = element.attribute("net_config") {
        venture.network = match network.value.as_ref() {
            "mesh" => RamsNetwork::Mesh,
            "tree" => RamsNetwork::Tree,
            _ => return Err(element.refuse(&input.source, network, "give mesh or tree")),
        };
    }
    if let Some(period) = input.number(element, "root_cell_resync_period", "0 to 4294967295")? {
        let root = draft.units.iter_mut().find(|at| at.item.number == UnitNumber::ROOT);
        if let Some(root) = root {
            root.item.resync_period = period;
        }
    }
    Ok(())
}

/// Applies a `role`.
pub(super) fn role<'b>(step: Step<'_, '_, 'b>, draft: &mut Draft<'b>) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    step.leaf(&["nbr", "name", "authname", "pubkey", "privkey"])?;
    let venture = step.venture(&mut draft.ventures)?;
    if let Some(authority) = element.attribute("authname")
        && authority.value != venture.venture.authority
    {
        let remedy = format!("give {}, or leave it out", venture.venture.authority);
        return Err(element.refuse(&input.source, authority, remedy));
    }
    let name = input.name(element, "name")?;
    let found = venture.roles.iter().position(|at| at.item.name == name);
    let before = venture.role(name);
    let blank = || {
        element.required(&input.source, "nbr")?;
        Ok(Role::new(RoleNumber::ALL, name))
    };
    let revise = |role: &mut Role<'b>| {
        if let Some(number) = input.number(element, "nbr", "1 to 255")? {
            role.number = RoleNumber(number);
        }
        role.public_key = input.key(element, "pubkey")?.unwrap_or(role.public_key);
        role.private_key = input.key(element, "privkey")?.map_or(role.private_key, SecretKey);
        Ok(())
    };
    step.edit(&mut venture.roles, found, blank, revise)?;
    if let (Some(before), Some(after)) = (before, venture.role(name)) {
        renumber(venture, before, after);
    }
    Ok(())
}

/// Senders and receivers are known by the names of their roles, which keep them.
fn renumber(venture: &mut VentureDraft<'_>, before: RoleNumber, after: RoleNumber) {
    venture
        .subjects
        .iter_mut()
        .flat_map(|at| at.item.senders.iter_mut().chain(&mut at.item.receivers))
        .filter(|at| at.item == before)
        .for_each(|at| at.item = after);
}

/// Applies a `subject`; gives where it is in its venture.
pub(super) fn subject<'b>(
    step: Step<'_, '_, 'b>,
    draft: &mut Draft<'b>,
) -> Result<Option<usize>, MibError> {
    let Step { input, element, context } = step;
    element.check(&input.source, &["nbr", "name", "desc", "symkey", "marshal", "unmarshal"])?;
    let venture = step.venture(&mut draft.ventures)?;
    if context.subject.is_some() {
        let remedy = "end the other before it";
        return Err(input.refuse(element, "it is within another subject", remedy));
    }
    let name = input.name(element, "name")?;
    let found = venture.subjects.iter().position(|at| at.item.subject.name == name);
    let blank = || {
        element.required(&input.source, "nbr")?;
        Ok(SubjectDraft::new(Subject::new(SubjectNumber::ALL, name)))
    };
    let revise = |draft: &mut SubjectDraft<'b>| {
        let subject = &mut draft.subject;
        if let Some(number) = input.number(element, "nbr", "1 to 32767")? {
            subject.number = SubjectNumber(number);
        }
        subject.description = input.text(element, "desc").unwrap_or(subject.description);
        subject.symmetric_key =
            input.key(element, "symkey")?.map_or(subject.symmetric_key, SecretKey);
        subject.marshal = input.text(element, "marshal").unwrap_or(subject.marshal);
        subject.unmarshal = input.text(element, "unmarshal").unwrap_or(subject.unmarshal);
        Ok(())
    };
    step.edit(&mut venture.subjects, found, blank, revise)
}

/// Applies a `sender` or a `receiver`.
pub(super) fn correspondent<'b>(
    step: Step<'_, '_, 'b>,
    draft: &mut Draft<'b>,
) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    step.leaf(&["name"])?;
    let name = element.required(&input.source, "name")?;
    let venture = step.venture(&mut draft.ventures)?;
    let Some(role) = venture.role(&name.value) else {
        let remedy = "name a role of the venture, or add it before";
        return Err(element.refuse(&input.source, name, remedy));
    };
    let subject = step.subject(&mut venture.subjects)?;
    let roles = match element.name {
        "sender" => &mut subject.senders,
        _ => &mut subject.receivers,
    };
    if step.operation()? == Operation::Change {
        return Err(step.only_added_and_deleted());
    }
    let found = roles.iter().position(|at| at.item == role);
    step.edit(roles, found, || Ok(role), |_| Ok(())).map(drop)
}

/// Applies a `unit`.
pub(super) fn unit<'b>(step: Step<'_, '_, 'b>, draft: &mut Draft<'b>) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    step.leaf(&["nbr", "name", "resync_period"])?;
    let venture = step.venture(&mut draft.ventures)?;
    let name = input.name(element, "name")?;
    let found = venture.units.iter().position(|at| at.item.name == name);
    let blank = || {
        element.required(&input.source, "nbr")?;
        Ok(Unit::new(UnitNumber::ROOT, name))
    };
    let revise = |unit: &mut Unit<'b>| {
        if let Some(number) = input.number(element, "nbr", "1 to 65535")? {
            unit.number = UnitNumber(number);
        }
        let period = input.number(element, "resync_period", "0 to 4294967295")?;
        unit.resync_period = period.unwrap_or(unit.resync_period);
        Ok(())
    };
    step.edit(&mut venture.units, found, blank, revise).map(drop)
}

/// Applies a `msgspace`.
pub(super) fn message_space<'b>(
    step: Step<'_, '_, 'b>,
    draft: &mut Draft<'b>,
) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    step.leaf(&["nbr", "gweid", "symkey", "neighbor"])?;
    let local = draft.mib.continuum.number;
    let venture = step.venture(&mut draft.ventures)?;
    let number = input.continuum(element, "nbr")?;
    let gateway = input.gateway(element, "gweid")?;
    if number == local {
        return local_message_space(step, &venture.venture, gateway);
    }
    let default = format!("bp@ipn:{number}.{}", venture.venture.number);
    let found = venture.remote.iter().position(|at| at.item.continuum == number);
    let blank = || Ok(RemoteMessageSpace::new(number, input.keep(&default)));
    let revise = |space: &mut RemoteMessageSpace<'b>| {
        space.gateway = gateway.unwrap_or(space.gateway);
        let neighbour = element.flag(&input.source, "neighbor")?;
        space.neighbour = neighbour.unwrap_or(space.neighbour);
        space.symmetric_key = input.key(element, "symkey")?.map_or(space.symmetric_key, SecretKey);
        Ok(())
    };
    step.edit(&mut venture.remote, found, blank, revise).map(drop)
}

/// The message space in the local continuum comes with its venture: to add it once
/// more is no error as long as it is the same.
fn local_message_space(
    step: Step<'_, '_, '_>,
    venture: &Venture<'_>,
    gateway: Option<&str>,
) -> Result<(), MibError> {
    let same = gateway.is_none_or(|gateway| gateway == venture.gateway);
    if step.operation()? == Operation::Add && same {
        return Ok(());
    }
    let problem = "it is in the local continuum";
    let remedy = "leave it out, and give the gateway as `gweid` of the venture";
    Err(step.input.refuse(step.element, problem, remedy))
}

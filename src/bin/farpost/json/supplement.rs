//! Supplementary data (735.1-B-1 5.1.5), each structure out and in.

use farpost::ams::ids::{
    Domain, ModuleId, ModuleNumber, Priority, RoleNumber, SubjectNumber, UnitNumber,
};
use farpost::ams::pdu::{
    Assertion, AssertionList, AssertionValues, Cancellation, CancellationValues, CellDescriptor,
    ContactSummary, Content, DeliveryPoint, DeliveryVector, DeliveryVectorValues, EndpointName,
    MAX_SUPPLEMENT, ModuleList, ModuleStatus, ModuleStatusHead, ModuleStatusList, MpduType,
    RefusalReason,
};
use farpost::wire::{Encode, Octets, Writer};
use serde_json::{Value, json};

use super::aams::{continuum, put};
use super::{Field, FieldFault};

/// What is in an MPDU behind its signature; null where its type has nothing.
pub(super) fn dissect(content: &Content<'_>) -> Value {
    match content {
        Content::Rejection { reason, .. } => json!({
            "refusal_reason": reason.0,
            "refusal_reason_name": reason.name(),
        }),
        Content::AnnounceRegistrar { endpoint, .. } | Content::RegistrarQuery { endpoint, .. } => {
            json!({ "mams_endpoint_name": endpoint.as_str() })
        }
        Content::Invite { assertion, .. } => {
            json!({ "invitation_assertion_structure": assertion_out(assertion) })
        }
        Content::Subscribe { assertion, .. } => {
            json!({ "subscription_assertion_structure": assertion_out(assertion) })
        }
        Content::Disinvite { cancellation, .. } => {
            json!({ "invitation_cancellation_structure": cancellation_out(cancellation) })
        }
        Content::Unsubscribe { cancellation, .. } => {
            json!({ "subscription_cancellation_structure": cancellation_out(cancellation) })
        }
        Content::CellSpec { cell, .. } => json!({ "cell_descriptor": {
            "unit_number": cell.unit.0,
            "registrar_mams_endpoint_name": cell.registrar.as_str(),
        }}),
        Content::ModuleRegistration { contact, .. }
        | Content::IAmStarting { contact, .. }
        | Content::ModuleHasStarted { contact, .. } => {
            json!({ "contact_summary": contact_out(contact) })
        }
        Content::YouAreIn { module, .. } => json!({ "assigned_module_number": module.0 }),
        Content::IAmHere { modules } | Content::ModuleStatus { modules, .. } => {
            json!({ "module_status_list": statuses_out(modules) })
        }
        Content::Reconnect { reconnect, .. } => json!({ "reconnect_structure": {
            "module_status_structure": status_out(&reconnect.status()),
            "module_list": module_list_out(&reconnect.modules()),
        }}),
        Content::CellStatus { modules, .. } => json!({ "module_list": module_list_out(modules) }),
        _ => Value::Null,
    }
}

/// The octets of the member `supplementary_data` of an MPDU of type `kind`.
pub(super) fn assemble(kind: MpduType, mpdu: &Field<'_>) -> Result<Vec<u8>, FieldFault> {
    let Some(member) = member(kind) else {
        return match mpdu.optional("supplementary_data") {
            Some(data) => Err(data.expected("null, for this type has no supplementary data")),
            None => Ok(Vec::new()),
        };
    };
    let data = mpdu.member("supplementary_data")?.member(member)?;
    let mut buffer = vec![0; MAX_SUPPLEMENT];
    let mut to = Writer::new(&mut buffer);
    match kind {
        MpduType::REJECTION => write(&mut to, &data, &Octets(&[RefusalReason(data.u8()?).0])),
        MpduType::YOU_ARE_IN => write(&mut to, &data, &Octets(&[data.u8()?])),
        MpduType::ANNOUNCE_REGISTRAR | MpduType::REGISTRAR_QUERY => {
            write(&mut to, &data, &endpoint_in(&data)?)
        }
        MpduType::INVITE | MpduType::SUBSCRIBE => assertion_in(&mut to, &data),
        MpduType::DISINVITE | MpduType::UNSUBSCRIBE => cancellation_in(&mut to, &data),
        MpduType::CELL_SPEC => cell_in(&mut to, &data),
        MpduType::I_AM_HERE | MpduType::MODULE_STATUS => statuses_in(&mut to, &data),
        MpduType::RECONNECT => {
            status_in(&mut to, &data.member("module_status_structure")?)?;
            module_list_in(&mut to, &data.member("module_list")?)
        }
        MpduType::CELL_STATUS => module_list_in(&mut to, &data),
        _ => contact_in(&mut to, &data),
    }?;
    Ok(to.written().to_vec())
}

/// The member of the supplementary data that says it all, for each type that has any.
fn member(kind: MpduType) -> Option<&'static str> {
    Some(match kind {
        MpduType::REJECTION => "refusal_reason",
        MpduType::ANNOUNCE_REGISTRAR | MpduType::REGISTRAR_QUERY => "mams_endpoint_name",
        MpduType::INVITE => "invitation_assertion_structure",
        MpduType::DISINVITE => "invitation_cancellation_structure",
        MpduType::CELL_SPEC => "cell_descriptor",
        MpduType::MODULE_REGISTRATION | MpduType::I_AM_STARTING | MpduType::MODULE_HAS_STARTED => {
            "contact_summary"
        }
        MpduType::YOU_ARE_IN => "assigned_module_number",
        MpduType::I_AM_HERE | MpduType::MODULE_STATUS => "module_status_list",
        MpduType::SUBSCRIBE => "subscription_assertion_structure",
        MpduType::UNSUBSCRIBE => "subscription_cancellation_structure",
        MpduType::RECONNECT => "reconnect_structure",
        MpduType::CELL_STATUS => "module_list",
        _ => return None,
    })
}

fn write(to: &mut Writer<'_>, field: &Field<'_>, part: &dyn Encode) -> Result<(), FieldFault> {
    part.encode(to).map_err(|_| {
        field.fault(format!("with this the supplementary data exceed {MAX_SUPPLEMENT} octets"))
    })
}

/// The number of `items`, as the integer that goes before a list of them.
fn count<T: TryFrom<usize>>(field: &Field<'_>, items: &[Field<'_>]) -> Result<T, FieldFault> {
    T::try_from(items.len())
        .map_err(|_| field.fault(format!("{} are more than its count can say", items.len())))
}

fn endpoint_in<'a>(field: &Field<'a>) -> Result<EndpointName<'a>, FieldFault> {
    EndpointName::new(field.text()?).map_err(|fault| field.fault(fault.to_string()))
}

fn cell_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let unit = UnitNumber(field.member("unit_number")?.u16()?);
    let registrar = endpoint_in(&field.member("registrar_mams_endpoint_name")?)?;
    write(to, field, &CellDescriptor { unit, registrar })
}

fn assertion_out(assertion: &Assertion<'_>) -> Value {
    let domain = assertion.domain();
    json!({
        "subject_number": assertion.subject().0,
        "reserved_bit": u8::from(assertion.reserved_bit()),
        "continuum_number": domain.continuum.get(),
        "unit_number": domain.unit.0,
        "role_number": domain.role.0,
        "delivery_vector_number": assertion.delivery_vector(),
        "priority": assertion.priority().map_or(0, Priority::get),
        "flow_label": assertion.flow_label(),
    })
}

fn assertion_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let CancellationValues { subject, domain } = subject_and_domain(field)?;
    let priority = field.member("priority")?.integer(0, 15)?;
    let values = AssertionValues {
        subject,
        domain,
        delivery_vector: field.member("delivery_vector_number")?.integer(0, 15)?,
        priority: Priority::new(priority).unwrap_or_default(),
        flow_label: field.member("flow_label")?.u8()?,
    };
    let mut octets = values.octets();
    put(&mut octets, 2, 0x80, reserved_bit(field)?);
    // Priority 0 is none that values could have.
    put(&mut octets, 7, 0x0f, priority);
    write(to, field, &Assertion::new(&octets))
}

fn cancellation_out(cancellation: &Cancellation<'_>) -> Value {
    let domain = cancellation.domain();
    json!({
        "subject_number": cancellation.subject().0,
        "reserved_bit": u8::from(cancellation.reserved_bit()),
        "continuum_number": domain.continuum.get(),
        "unit_number": domain.unit.0,
        "role_number": domain.role.0,
    })
}

fn cancellation_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let mut octets = subject_and_domain(field)?.octets();
    put(&mut octets, 2, 0x80, reserved_bit(field)?);
    write(to, field, &Cancellation::new(&octets))
}

fn subject_and_domain(field: &Field<'_>) -> Result<CancellationValues, FieldFault> {
    Ok(CancellationValues {
        subject: SubjectNumber(field.member("subject_number")?.i16()?),
        domain: Domain {
            continuum: continuum(&field.member("continuum_number")?)?,
            unit: UnitNumber(field.member("unit_number")?.u16()?),
            role: RoleNumber(field.member("role_number")?.u8()?),
        },
    })
}

/// The reserved bit in its place; clear where nothing is said about it.
fn reserved_bit(field: &Field<'_>) -> Result<u8, FieldFault> {
    let set = field.optional("reserved_bit").map_or(Ok(false), |field| field.flag())?;
    Ok(if set { 0x80 } else { 0 })
}

fn contact_out(contact: &ContactSummary<'_>) -> Value {
    json!({
        "mams_endpoint_name": contact.endpoint.as_str(),
        "delivery_vector_list":
            contact.delivery_vectors.iter().map(|vector| vector_out(&vector)).collect::<Value>(),
    })
}

fn contact_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let endpoint = field.member("mams_endpoint_name")?;
    write(to, &endpoint, &endpoint_in(&endpoint)?)?;
    let list = field.member("delivery_vector_list")?;
    let vectors = list.elements()?;
    write(to, &list, &Octets(&[count(&list, &vectors)?]))?;
    vectors.iter().try_for_each(|vector| vector_in(to, vector))
}

fn vector_out(vector: &DeliveryVector<'_>) -> Value {
    json!({
        "delivery_vector_number": vector.number(),
        "number_of_delivery_points": vector.len(),
        "delivery_point_names": vector.points().map(|point| point.to_string()).collect::<Value>(),
    })
}

fn vector_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let number = field.member("delivery_vector_number")?.integer(0, 15)?;
    let names = field.member("delivery_point_names")?;
    let points = names
        .elements()?
        .iter()
        .map(|name| DeliveryPoint::new(name.text()?).map_err(|fault| name.fault(fault.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    if points.len() > 15 {
        return Err(names.fault(format!("expected at most 15 names, found {}", points.len())));
    }
    write(to, field, &DeliveryVectorValues { number, points: &points })
}

fn assertions_out(list: &AssertionList<'_>) -> Value {
    list.iter().map(|assertion| assertion_out(&assertion)).collect()
}

fn assertions_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let assertions = field.elements()?;
    let count: u16 = count(field, &assertions)?;
    write(to, field, &Octets(&count.to_be_bytes()))?;
    assertions.iter().try_for_each(|assertion| assertion_in(to, assertion))
}

fn module_list_out(list: &ModuleList<'_>) -> Value {
    json!({
        "number_of_modules": list.len(),
        "module_numbers": list.iter().map(|number| number.0).collect::<Value>(),
    })
}

fn module_list_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let numbers = field.member("module_numbers")?;
    let octets = numbers.elements()?.iter().map(Field::u8).collect::<Result<Vec<_>, _>>()?;
    match ModuleList::new(&octets) {
        Some(list) => write(to, field, &list),
        None => Err(numbers.fault(format!("expected at most 255, found {}", octets.len()))),
    }
}

fn status_out(status: &ModuleStatus<'_>) -> Value {
    json!({
        "unit_number": status.id.unit.0,
        "module_number": status.id.module.0,
        "role_number": status.id.role.0,
        "contact_summary": contact_out(&status.contact),
        "declaration": {
            "subscription_list": assertions_out(&status.declaration.subscriptions),
            "invitation_list": assertions_out(&status.declaration.invitations),
        },
    })
}

fn status_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let id = ModuleId {
        role: RoleNumber(field.member("role_number")?.u8()?),
        unit: UnitNumber(field.member("unit_number")?.u16()?),
        module: ModuleNumber(field.member("module_number")?.u8()?),
    };
    write(to, field, &ModuleStatusHead(id))?;
    contact_in(to, &field.member("contact_summary")?)?;
    let declaration = field.member("declaration")?;
    assertions_in(to, &declaration.member("subscription_list")?)?;
    assertions_in(to, &declaration.member("invitation_list")?)
}

fn statuses_out(list: &ModuleStatusList<'_>) -> Value {
    list.iter().map(|status| status_out(&status)).collect()
}

fn statuses_in(to: &mut Writer<'_>, field: &Field<'_>) -> Result<(), FieldFault> {
    let statuses = field.elements()?;
    let count: u32 = count(field, &statuses)?;
    write(to, field, &Octets(&count.to_be_bytes()))?;
    statuses.iter().try_for_each(|status| status_in(to, status))
}

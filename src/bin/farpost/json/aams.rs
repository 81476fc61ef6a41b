//! AAMS messages (735.1-B-1 5.2).

use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, ModuleKey, ModuleNumber, Priority, SubjectNumber, UnitNumber,
};
use farpost::ams::pdu::{Aams, AamsHeader, Deviations, Envelope, MessageType};
use farpost::wire::checksum;
use serde_json::{Value, json};

use super::{Fault, Field, FieldFault, Object, hexadecimal, members, names, rams};

pub(super) fn dissect(octets: &[u8]) -> Result<Object, Fault> {
    let message = Aams::parse(octets)?;
    let mut object = members(fields(&message));
    let mut deviations = message.deviations();
    if let Some((name, enclosed, more)) = enclosed(&message) {
        object.insert(name.into(), enclosed);
        deviations.extend(more);
    }
    object.insert("deviations".into(), names(deviations));
    Ok(object)
}

/// What every message says, by itself or enclosed.
pub(super) fn fields(message: &Aams<'_>) -> Value {
    let mut object = json!({
        "version": 0,
        "message_type": message.message_type().bits(),
        "message_type_name": message.message_type().name(),
        "priority": message.priority().map_or(0, Priority::get),
        "flow_label": message.flow_label(),
        "checksum_flag": u8::from(message.checksum_flag()),
        "source_continuum_number": message.source_continuum().get(),
        "source_unit_number": message.source().unit.0,
        "source_module_number": message.source().module.0,
        "reserved": message.reserved(),
        "context_number": message.context().0,
        "subject_number": message.subject().0,
        "application_data_length": message.data().len(),
        "application_data": hexadecimal(message.data()),
    });
    if let (Some(checksum), Value::Object(object)) = (message.checksum(), &mut object) {
        object.insert("checksum".into(), checksum.into());
    }
    object
}

/// What a message on a pseudo-subject encloses, if it is well-formed.
///
/// From a gateway to a module of its own continuum it is a message of another
/// continuum (4.4.10.2.3); from a module to its gateway an envelope (4.3.3.1.3).
/// The subject tells which, but for an announcement to all continua: that too
/// is on the pseudo-subject of the sender's own.
fn enclosed(message: &Aams<'_>) -> Option<(&'static str, Value, Deviations)> {
    let subject = message.subject();
    if subject.0 >= 0 {
        return None;
    }
    if subject == message.source_continuum().pseudo_subject()
        && let Ok(inner) = Aams::parse_enclosed(message.data(), Aams::HEADER_LEN)
    {
        return Some(("enclosed_aams_message", fields(&inner), inner.deviations()));
    }
    let envelope = Envelope::parse_enclosed(message.data(), Aams::HEADER_LEN).ok()?;
    Some(("enclosed_envelope", rams::fields(&envelope, message.data()), envelope.deviations()))
}

/// What follows the application data where the checksum flag is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The checksum.
    Checksum,
    /// Nothing, which only an enclosed message gets away with.
    Nothing,
}

pub(super) fn assemble(object: &Field<'_>, tail: Tail) -> Result<Vec<u8>, FieldFault> {
    if let Some(version) = object.optional("version") {
        version.integer(0_u8, 0)?;
    }
    let priority = object.member("priority")?.integer(0_u8, 15)?;
    let flag = object.member("checksum_flag")?.flag()?;
    let reserved = object.optional("reserved").map_or(Ok(0), |field| field.u8())?;
    let header = AamsHeader {
        message_type: message_type(&object.member("message_type")?)?,
        priority: Priority::new(priority).unwrap_or_default(),
        flow_label: object.member("flow_label")?.u8()?,
        continuum: continuum(&object.member("source_continuum_number")?)?,
        source: ModuleKey {
            unit: UnitNumber(object.member("source_unit_number")?.u16()?),
            module: ModuleNumber(object.member("source_module_number")?.u8()?),
        },
        context: ContextNumber(object.member("context_number")?.u32()?),
        subject: SubjectNumber(object.member("subject_number")?.i16()?),
    };
    let field = object.member("application_data")?;
    let data = field.octets()?;
    let mut buffer = vec![0; AamsHeader::encoded_len(data.len(), false)];
    if header.encode(&data, false, &mut buffer).is_err() {
        return Err(field.fault(format!("expected at most 65000 octets, found {}", data.len())));
    }
    // What a sender should not write, and so the header's values cannot say.
    put(&mut buffer, 0, 0x0f, priority);
    put(&mut buffer, 2, 0x80, u8::from(flag) << 7);
    put(&mut buffer, 7, 0xff, reserved);
    if flag && tail == Tail::Checksum {
        let sum = checksum(&buffer);
        buffer.extend_from_slice(&sum.to_be_bytes());
    }
    Ok(buffer)
}

/// Replaces the bits of `mask` in the octet `at`.
pub(super) fn put(octets: &mut [u8], at: usize, mask: u8, bits: u8) {
    if let Some(octet) = octets.get_mut(at) {
        *octet = *octet & !mask | bits & mask;
    }
}

/// A continuum number of 15 bits.
pub(super) fn continuum(field: &Field<'_>) -> Result<ContinuumNumber, FieldFault> {
    field.integer(0, ContinuumNumber::MAX.get()).map(ContinuumNumber::from_bits)
}

fn message_type(field: &Field<'_>) -> Result<MessageType, FieldFault> {
    let bits = field.u8()?;
    [MessageType::Unary, MessageType::Query, MessageType::Reply]
        .into_iter()
        .find(|kind| kind.bits() == bits)
        .ok_or_else(|| field.expected("0 (unary), 1 (query) or 2 (reply)"))
}

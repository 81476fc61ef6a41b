//! RAMS envelopes (735.1-B-1 5.3).

use farpost::ams::ids::{SubjectNumber, UnitNumber};
use farpost::ams::pdu::{Aams, ControlCode, Deviation, Envelope, EnvelopeHeader};
use farpost::wire::Octets;
use serde_json::{Value, json};

use super::aams::{self, Tail, continuum, put};
use super::{Fault, Field, FieldFault, Object, members, names};

pub(super) fn dissect(octets: &[u8]) -> Result<Object, Fault> {
    let envelope = Envelope::parse(octets)?;
    let mut object = members(fields(&envelope, octets));
    object.insert("deviations".into(), names(envelope.deviations()));
    Ok(object)
}

/// What every envelope says, by itself or enclosed. `octets` are all of it.
pub(super) fn fields(envelope: &Envelope<'_>, octets: &[u8]) -> Value {
    let header = envelope.header();
    let (reserved2, reserved9) = envelope.reserved();
    let mut object = json!({
        "version": 0,
        "reserved2": reserved2,
        "control_code": header.control_code.bits(),
        "control_code_name": header.control_code.name(),
        "reserved9": reserved9,
        "continuum_number": header.continuum.get(),
        "unit_number": header.unit.0,
        "source_id_number": header.source,
        "destination_id_number": header.destination,
        "subject_number": header.subject.0,
        "length_of_content": octets.len() - Envelope::HEADER_LEN,
    });
    if let (Some(content), Value::Object(object)) = (envelope.content(), &mut object) {
        object.insert("content".into(), aams::fields(&content));
    }
    object
}

pub(super) fn assemble(object: &Field<'_>) -> Result<Vec<u8>, FieldFault> {
    if let Some(version) = object.optional("version") {
        version.integer(0_u8, 0)?;
    }
    let reserved2 = object.optional("reserved2").map_or(Ok(0), |field| field.integer(0_u8, 3))?;
    let reserved9 =
        object.optional("reserved9").map_or(Ok(0), |field| field.integer(0_u16, 0x1ff))?;
    let header = EnvelopeHeader {
        control_code: control_code(&object.member("control_code")?)?,
        continuum: continuum(&object.member("continuum_number")?)?,
        unit: UnitNumber(object.member("unit_number")?.u16()?),
        source: object.member("source_id_number")?.u8()?,
        destination: object.member("destination_id_number")?.u8()?,
        subject: SubjectNumber(object.member("subject_number")?.i16()?),
    };
    let content = match object.optional("content") {
        Some(content) => aams::assemble(&content, tail(object, &content)?)?,
        None => Vec::new(),
    };
    let mut buffer = vec![0; Envelope::HEADER_LEN + content.len()];
    if header.encode(&Octets(&content), &mut buffer).is_err() {
        return Err(object.fault(format!("content: {} octets are too many", content.len())));
    }
    let [high, low] = (reserved9 << 7).to_be_bytes();
    put(&mut buffer, 0, 0x30, reserved2 << 4);
    put(&mut buffer, 1, 0xff, high);
    put(&mut buffer, 2, 0x80, low);
    Ok(buffer)
}

/// Whether the content has the checksum that its flag announces.
///
/// It has, unless `deviations` say otherwise; or, where there are none to say
/// so, if no checksum is given and the length of the content leaves no room for one.
fn tail(object: &Field<'_>, content: &Field<'_>) -> Result<Tail, FieldFault> {
    let absent = match object.optional("deviations") {
        Some(deviations) => {
            let mut absent = false;
            for deviation in deviations.elements()? {
                absent |= deviation.text()? == Deviation::EnclosureChecksumAbsent.name();
            }
            absent
        }
        None => {
            let length = Aams::HEADER_LEN + content.member("application_data")?.octets()?.len();
            let stated = object.optional("length_of_content").and_then(|field| field.u16().ok());
            content.optional("checksum").is_none() && stated.map(usize::from) == Some(length)
        }
    };
    Ok(if absent { Tail::Nothing } else { Tail::Checksum })
}

fn control_code(field: &Field<'_>) -> Result<ControlCode, FieldFault> {
    ControlCode::from_bits(field.integer(0, 15)?).ok_or_else(|| field.expected("2 to 6"))
}

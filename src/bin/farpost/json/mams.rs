//! MPDUs (735.1-B-1 5.1).

use farpost::ams::ids::{ModuleId, RoleNumber, UnitNumber, VentureNumber};
use farpost::ams::pdu::{Content, MAX_SUPPLEMENT, Mpdu, MpduHeader, MpduType, Sender};
use farpost::wire::{Octets, TimeCode};
use serde_json::{Value, json};

use super::{Fault, Field, FieldFault, Object, hexadecimal, members, names, supplement, time_tag};

pub(super) fn dissect(octets: &[u8]) -> Result<Object, Fault> {
    let mpdu = Mpdu::parse(octets)?;
    let sender = mpdu.sender();
    let content = mpdu.content();
    let mut object = members(json!({
        "version": 0,
        "checksum_flag": u8::from(mpdu.checksum_flag()),
        "mpdu_type": mpdu.mpdu_type().0,
        "mpdu_type_name": mpdu.mpdu_type().name(),
        "sender_venture_number": sender.venture.0,
        "sender_unit_number": sender.unit.0,
        "sender_role_number": sender.role.0,
        "length_of_digital_signature": mpdu.signature().len(),
        "length_of_supplementary_data": mpdu.supplement_len(),
        "reference": mpdu.reference(),
        "time_tag": time_tag::dissect(&mpdu.time_tag()),
        "digital_signature": hexadecimal(mpdu.signature()),
    }));
    if let Some(checksum) = mpdu.checksum() {
        object.insert("checksum".into(), checksum.into());
    }
    object.insert("supplementary_data".into(), supplement::dissect(&content));
    if let Some(id) = about(&content) {
        object.insert("reference_as_module_id".into(), module_id(id));
    }
    object.insert("deviations".into(), names(mpdu.deviations()));
    Ok(object)
}

pub(super) fn assemble(object: &Field<'_>) -> Result<Vec<u8>, FieldFault> {
    if let Some(version) = object.optional("version") {
        version.integer(0_u8, 0)?;
    }
    let signature = match object.optional("digital_signature") {
        Some(field) => field.octets()?,
        None => Vec::new(),
    };
    let header = MpduHeader {
        sender: Sender {
            venture: VentureNumber(object.member("sender_venture_number")?.u8()?),
            unit: UnitNumber(object.member("sender_unit_number")?.u16()?),
            role: RoleNumber(object.member("sender_role_number")?.u8()?),
        },
        // The time tag that is written is the one below.
        time: TimeCode { seconds: 0 },
        signature: &signature,
        checksum: object.member("checksum_flag")?.flag()?,
    };
    let kind = mpdu_type(&object.member("mpdu_type")?)?;
    let reference = object.member("reference")?.u32()?;
    let time_tag = time_tag::assemble(&object.member("time_tag")?)?;
    let supplement = supplement::assemble(kind, object)?;
    let mut buffer = vec![0; MAX_LEN];
    header
        .encode_raw(kind, reference, &Octets(&supplement), &Octets(&time_tag), &mut buffer)
        .map(<[u8]>::to_vec)
        .map_err(|_| {
            let found = signature.len();
            object.fault(format!("digital_signature: expected at most 255 octets, found {found}"))
        })
}

/// The longest MPDU: header, time tag, signature, supplementary data, checksum.
const MAX_LEN: usize = Mpdu::HEADER_LEN + 19 + 255 + MAX_SUPPLEMENT + 2;

/// The reference, where table 5-3 makes it a module ID.
fn about(content: &Content<'_>) -> Option<ModuleId> {
    match *content {
        Content::Invite { module, .. }
        | Content::Disinvite { module, .. }
        | Content::IAmStarting { module, .. }
        | Content::Subscribe { module, .. }
        | Content::Unsubscribe { module, .. }
        | Content::IAmStopping { module }
        | Content::ModuleHasStarted { module, .. }
        | Content::ModuleStatus { module, .. } => Some(module),
        Content::CellStatus { unit, .. } => Some(ModuleId::cell(unit)),
        _ => None,
    }
}

fn module_id(id: ModuleId) -> Value {
    json!({
        "role_number": id.role.0,
        "unit_number": id.unit.0,
        "module_number": id.module.0,
    })
}

fn mpdu_type(field: &Field<'_>) -> Result<MpduType, FieldFault> {
    let kind = MpduType(field.u8()?);
    match kind.name() {
        Some(_) => Ok(kind),
        None => Err(field.expected("a type of table 5-2 that is not reserved")),
    }
}

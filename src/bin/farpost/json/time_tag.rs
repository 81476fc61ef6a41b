//! Time tags (735.1-B-1 5.1.1.2, 301.0-B-4 3.2).

use farpost::wire::{CucFault, Reader, TimeTag};
use serde_json::{Value, json};

use super::{Field, FieldFault, hexadecimal};

/// The P-field, what it means, and the counts behind it. `fine` is an integer
/// where it fits 64 bits and hexadecimal otherwise.
pub(super) fn dissect(tag: &TimeTag<'_>) -> Value {
    let mut value = json!({ "p_field": tag.p_field() });
    if let Value::Object(object) = &mut value {
        object
            .insert("p_field_extension".into(), u8::from(tag.p_field_extension().is_some()).into());
        if let Some(second) = tag.p_field_extension() {
            object.insert("p_field_second".into(), second.into());
        }
        object.insert("time_code_id".into(), tag.id().bits().into());
        object.insert("coarse_octets".into(), tag.coarse_octets().into());
        object.insert("fine_octets".into(), tag.fine_octets().into());
        object.insert("coarse".into(), tag.coarse().into());
        if !tag.fine().is_empty() {
            object.insert("fine".into(), fine(tag.fine()));
        }
    }
    value
}

/// The octets of a time tag. The P-field says how many there are of what.
pub(super) fn assemble(field: &Field<'_>) -> Result<Vec<u8>, FieldFault> {
    let mut octets = vec![field.member("p_field")?.u8()?];
    if octets.first().is_some_and(|first| first & 0x80 != 0) {
        octets.push(field.member("p_field_second")?.u8()?);
    }
    let p_field = octets.len();
    // With room behind it for the longest T-field, only the P-field can be wrong.
    octets.resize(p_field + 17, 0);
    let tag = TimeTag::split(&mut Reader::new(&octets)).map_err(|fault| match fault {
        CucFault::NotUnsegmented(_) => {
            field.fault("p_field: expected time code identification 001 or 010")
        }
        _ => field.fault("p_field_second: expected no third octet, so at most 127"),
    })?;
    let (coarse, fine) = (usize::from(tag.coarse_octets()), usize::from(tag.fine_octets()));
    octets.truncate(p_field);
    push_count(&mut octets, coarse, &field.member("coarse")?)?;
    if fine > 0 {
        push_count(&mut octets, fine, &field.member("fine")?)?;
    }
    Ok(octets)
}

fn fine(octets: &[u8]) -> Value {
    let count = octets
        .iter()
        .try_fold(0_u64, |sum, &octet| sum.checked_mul(256).map(|sum| sum | u64::from(octet)));
    count.map_or_else(|| hexadecimal(octets), Value::from)
}

/// Appends a count in `length` octets, given as an integer or in hexadecimal.
fn push_count(octets: &mut Vec<u8>, length: usize, field: &Field<'_>) -> Result<(), FieldFault> {
    if field.text().is_ok() {
        let given = field.octets()?;
        if given.len() != length {
            return Err(field.expected(format!("{length} octets in hexadecimal")));
        }
        octets.extend_from_slice(&given);
        return Ok(());
    }
    let most = match length {
        0..8 => (1_u64 << (8 * length)) - 1,
        _ => u64::MAX,
    };
    let count = u128::from(field.integer(0, most)?).to_be_bytes();
    octets.extend_from_slice(count.get(count.len() - length..).unwrap_or_default());
    Ok(())
}

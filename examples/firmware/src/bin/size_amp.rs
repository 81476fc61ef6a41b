//! All of AMP, read and written, and the ADMs: what they weigh, and that they cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::management::adm::{amp_agent::AMP_AGENT, find, ion_admin::ION_ADMIN};
use farpost::management::amp::{
    Ac, ArrayWriter, Body, Group, GroupWriter, Literal, MessageHeader, Opcode, Profile, Quirks,
    Rpt, Value, write_recipients,
};
use farpost::wire::{NoSpace, Writer};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut buffer = [0; 512];
    loop {
        let octets = black_box(&[0_u8; 256][..]);
        for profile in [Profile::Draft08, Profile::IonCompat] {
            if let Ok(group) = Group::parse(octets, profile) {
                black_box(answer(&group, profile.sends(), &mut buffer).is_ok());
            }
        }
    }
}

/// A group with a report on each control that is asked for, with its parameters.
fn answer(group: &Group<'_>, quirks: Quirks, buffer: &mut [u8]) -> Result<usize, NoSpace> {
    let to = &mut Writer::new(buffer);
    let mut answer = GroupWriter::new(to, group.time(), quirks)?;
    for message in group.messages() {
        match message.body() {
            Body::PerformControl(start, controls) => {
                let set = answer.message(to, MessageHeader::new(Opcode::REPORT_SET))?;
                write_recipients(to, ["ipn:1.5"])?;
                reports(to, start, &controls, quirks)?;
                set.finish(to)?;
            }
            Body::RegisterAgent(id) => {
                black_box(id);
            }
            Body::ReportSet(_, reports) => {
                for report in reports {
                    black_box(report.parts());
                }
            }
            Body::TableSet(_, tables) => {
                for row in tables.flat_map(|table| table.rows()) {
                    black_box(row.values().last());
                }
            }
        }
    }
    answer.finish(to)?;
    Ok(to.len())
}

fn reports(
    to: &mut Writer<'_>,
    time: u64,
    controls: &Ac<'_>,
    quirks: Quirks,
) -> Result<(), NoSpace> {
    let mut reports = ArrayWriter::new(to);
    for control in controls {
        reports.element();
        let mut entries = Rpt::begin(to, &control, Some(time), quirks)?;
        for value in control.parameters().iter().flat_map(|parameters| parameters.values()) {
            entries.push(to, &value, quirks)?;
        }
        let object = control.object_id().and_then(|id| find(&[&AMP_AGENT, &ION_ADMIN], id));
        entries.push(to, &Value::Bool(object.is_some()), quirks)?;
        if let Some(value) = control.literal().and_then(Literal::new) {
            value.encode(to, quirks)?;
        }
        entries.finish(to)?;
    }
    reports.finish(to)
}

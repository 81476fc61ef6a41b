//! Counters of an agent.

use crate::machine::count;
use crate::management::adm::Adm;
use crate::management::amp::Value;
use crate::management::definitions::{Definitions, Kind};
use crate::management::expression::NoValue;
use crate::management::number::NoResult;
use crate::management::refusal::Refusal;

use super::config::AgentConfig;

/// Counters of an agent. Each stops at its greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct AgentStats {
    /// Groups of messages that were done.
    pub applied: u64,
    /// Groups of which nothing was done, for a reason.
    pub refused: u64,
    /// Why the last of them was.
    pub last_refusal: Option<Refusal>,
    /// Octets that are no group of messages.
    pub malformed: u64,
    /// Groups from somebody who is no manager of this agent.
    pub strangers: u64,
    /// Actions of rules, and pending controls, that could not be done as they are.
    pub actions_refused: u64,
    /// Times of time-based rules that were over when the agent came to them.
    pub missed: u64,
    /// Reports and tables made, once for all that have them.
    pub made: u64,
    /// Reports and tables not made, for a value was not there.
    pub not_made: u64,
    /// Reports and tables too long for one message.
    pub too_long: u64,
    /// Groups the transport has taken.
    pub sent: u64,
    /// Groups the transport has refused, for now.
    pub send_refused: u64,
    /// Reports made that lack values.
    pub incomplete: u64,
    /// Definitions from before a restart that do not hold any more.
    pub lost: u64,
    /// Values that were older than they may be, for rules.
    pub stale: u64,
    /// Divisions by zero.
    pub division_by_zero: u64,
    /// Results out of the range of their types.
    pub overflow: u64,
    /// Values an application did not have.
    pub unavailable: u64,
    /// Values of another type than the ADM says.
    pub other_type: u64,
    /// What was proven and yet was not so: a fault of this program, or of what was
    /// restored.
    pub unproven: u64,
    /// Controls of applications that they did not do.
    pub controls_failed: u64,
    /// Failures of the store.
    pub store_failures: u64,
}

impl AgentStats {
    pub(super) const fn no_value(&mut self, why: NoValue) {
        count(match why {
            NoValue::NoResult(NoResult::DivisionByZero) => &mut self.division_by_zero,
            NoValue::NoResult(NoResult::Overflow) => &mut self.overflow,
            NoValue::Stale => &mut self.stale,
            NoValue::Unavailable => &mut self.unavailable,
            NoValue::OtherType => &mut self.other_type,
            NoValue::Unproven => &mut self.unproven,
        });
    }
}

/// What the AMP agent ADM counts, and a control sets back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Counts {
    pub(super) sent_reports: u64,
    pub(super) run_time_rules: u64,
    pub(super) run_state_rules: u64,
    pub(super) run_macros: u64,
    pub(super) run_controls: u64,
}

impl Counts {
    /// The value of data of the AMP agent ADM.
    pub(super) fn edd(
        &self,
        definitions: &Definitions<'_>,
        config: &AgentConfig<'_>,
        index: u32,
        now: u64,
    ) -> Option<Value<'static>> {
        let narrow = |counter: u64| u32::try_from(counter).unwrap_or(u32::MAX);
        let offered = |many: fn(&Adm) -> usize| {
            let all = config.all_adms().map(many).fold(0, usize::saturating_add);
            u32::try_from(all).unwrap_or(u32::MAX)
        };
        let number = match index {
            0 => definitions
                .count(Kind::Template)
                .saturating_add(offered(|adm| adm.report_templates.len())),
            1 => offered(|adm| adm.table_templates.len()),
            2 => narrow(self.sent_reports),
            3 => definitions.count(Kind::TimeRule),
            4 => narrow(self.run_time_rules),
            5 => definitions.count(Kind::StateRule),
            6 => narrow(self.run_state_rules),
            7 => offered(|adm| adm.constants.len()),
            8 => {
                definitions.count(Kind::Variable).saturating_add(offered(|adm| adm.variables.len()))
            }
            9 => definitions.count(Kind::Macro).saturating_add(offered(|adm| adm.macros.len())),
            10 => narrow(self.run_macros),
            11 => offered(|adm| adm.controls.len()),
            12 => narrow(self.run_controls),
            13 => return Some(Value::Tv(now)),
            _ => return None,
        };
        Some(Value::Uint(number))
    }
}

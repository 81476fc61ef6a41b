//! The scheduling service: what goes over the stream that stays open, and the call before it.

use super::define::{definitions, given, message};
use super::{
    DeleteBeam, DeleteBeamValues, DeleteIpRoute, DeleteIpRouteValues, DeleteModemConfiguration,
    DeleteModemConfigurationValues, DeleteP2pSrTePolicyPath, DeleteP2pSrTePolicyPathValues,
    DeleteRoute, DeleteRouteValues, DeleteSrPolicy, DeleteSrPolicyValues, Duration,
    SetModemConfiguration, SetModemConfigurationValues, SetRoute, SetRouteValues, SetSrPolicy,
    SetSrPolicyValues, Status, StatusValues, Timestamp, UpdateBeam, UpdateBeamValues,
    UpdateIpRoute, UpdateIpRouteValues, UpdateP2pSrTePolicyPath, UpdateP2pSrTePolicyPathValues,
};
use crate::southbound::schema::Kind;

definitions!();

message! {
    /// What an agent says on the stream (ReceiveRequestsMessageToController).
    ToController / ToControllerValues {
        /// The first thing said.
        1 hello: Option<Hello<'a>> = Option<HelloValues<'a>>;
        /// What became of a request.
        2 response: Option<Response<'a>> = Option<ResponseValues<'a>>;
    }
}

message! {
    /// Says who speaks (ReceiveRequestsMessageToController.Hello).
    Hello / HelloValues {
        /// The network node that the agent stands for.
        1 agent_id: &'a str;
    }
}

message! {
    /// The answer to a request (ReceiveRequestsMessageToController.Response).
    Response / ResponseValues {
        /// The request, as its message names it.
        1 request_id: i64;
        /// What became of it; OK where none is said.
        2 status: Option<Status<'a>> = Option<StatusValues<'a>>;
    }
}

message! {
    /// What a controller says on the stream (ReceiveRequestsMessageFromController).
    FromController / FromControllerValues {
        /// Names the request on this stream; its answer says it again.
        1 request_id: i64;
        oneof "The request; none where it is not known here." request: Request / RequestValues {
            /// Make an entry of the schedule.
            2 create_entry CreateEntry(CreateEntry<'a> = &'a CreateEntryValues<'a>);
            /// Take an entry out of the schedule.
            3 delete_entry DeleteEntry(DeleteEntry<'a> = &'a DeleteEntryValues<'a>);
            /// Nothing before a point in time will change.
            4 finalize Finalize(Finalize<'a> = &'a FinalizeValues<'a>);
        }
    }
}

message! {
    /// An entry of the schedule: what to change, and when (CreateEntryRequest).
    CreateEntry / CreateEntryValues {
        /// The token of the schedule that this is for.
        1 schedule_manipulation_token: &'a str;
        /// The place of this request among all under the token, from 1; 0 where it is missing.
        2 seqno: u64;
        /// Names the entry.
        3 id: &'a str;
        /// When the change is due.
        4 time: Option<Timestamp>;
        /// The same in GPS time.
        16 time_gpst: Option<Duration>;
        oneof "The change; none where it is not known here."
        change: ConfigurationChange / ConfigurationChangeValues {
            /// Add or replace a route.
            5 set_route SetRoute(SetRoute<'a> = &'a SetRouteValues<'a>);
            /// Remove a route.
            6 delete_route DeleteRoute(DeleteRoute<'a> = &'a DeleteRouteValues<'a>);
            /// Configure a modem.
            7 set_modem_configuration SetModemConfiguration(
                SetModemConfiguration<'a> = &'a SetModemConfigurationValues<'a>
            );
            /// Remove the configuration of a modem.
            8 delete_modem_configuration DeleteModemConfiguration(
                DeleteModemConfiguration<'a> = &'a DeleteModemConfigurationValues<'a>
            );
            /// Add or replace a segment-routing policy.
            9 set_sr_policy SetSrPolicy(SetSrPolicy<'a> = &'a SetSrPolicyValues<'a>);
            /// Remove a segment-routing policy.
            10 delete_sr_policy DeleteSrPolicy(DeleteSrPolicy<'a> = &'a DeleteSrPolicyValues<'a>);
            /// Remove a beam (later era).
            12 delete_beam DeleteBeam(DeleteBeam<'a> = &'a DeleteBeamValues<'a>);
            /// Add or change a beam (later era).
            15 update_beam UpdateBeam(UpdateBeam<'a> = &'a UpdateBeamValues<'a>);
            /// Add or change a path of a policy (later era).
            20 update_p2p_sr_te_policy_path UpdateP2pSrTePolicyPath(
                UpdateP2pSrTePolicyPath<'a> = &'a UpdateP2pSrTePolicyPathValues<'a>
            );
            /// Remove a path of a policy (later era).
            21 delete_p2p_sr_te_policy_path DeleteP2pSrTePolicyPath(
                DeleteP2pSrTePolicyPath<'a> = &'a DeleteP2pSrTePolicyPathValues<'a>
            );
            /// Add or change a named route (later era).
            24 update_ip_route UpdateIpRoute(UpdateIpRoute<'a> = &'a UpdateIpRouteValues<'a>);
            /// Remove a named route (later era).
            25 delete_ip_route DeleteIpRoute(DeleteIpRoute<'a> = &'a DeleteIpRouteValues<'a>);
        }
    }
}

message! {
    /// Takes an entry out of the schedule (DeleteEntryRequest).
    DeleteEntry / DeleteEntryValues {
        /// The token of the schedule that this is for.
        1 schedule_manipulation_token: &'a str;
        /// The place of this request among all under the token, from 1; 0 where it is missing.
        2 seqno: u64;
        /// The entry.
        3 id: &'a str;
    }
}

message! {
    /// A promise that no entry due before a point in time will be made or taken out
    /// (FinalizeRequest).
    Finalize / FinalizeValues {
        /// The token of the schedule that this is for.
        1 schedule_manipulation_token: &'a str;
        /// The place of this request among all under the token, from 1; 0 where it is missing.
        2 seqno: u64;
        /// The point in time, which the promise does not include.
        3 up_to: Option<Timestamp>;
        /// The same in GPS time.
        4 up_to_gpst: Option<Duration>;
    }
}

message! {
    /// Says that the schedule is empty and which token it has now (ResetRequest).
    Reset / ResetValues {
        /// The network node that the agent stands for.
        1 agent_id: &'a str;
        /// The new token.
        2 schedule_manipulation_token: &'a str;
    }
}

impl<'a> ConfigurationChange<'a> {
    /// Reads the octets of the change that the field `number` of an entry had, as they may be
    /// kept in a schedule; `None` where no such change is known.
    ///
    /// # Errors
    /// [`Malformed`] when they break a rule of the encoding.
    pub fn parse(number: u8, octets: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let field = MessageType::CreateEntry.field(number.into());
        let kind = match field {
            Some(FieldType { kind: Kind::Message(kind), .. }) => *kind,
            _ => return Ok(None),
        };
        Ok(Self::view(number, Message::parse(kind, octets)?))
    }

    /// The change as a message: its octets can be kept, and be read again with
    /// [`ConfigurationChange::parse`] and [`ConfigurationChange::number`].
    #[must_use]
    pub const fn raw(&self) -> Message<'a> {
        match self {
            Self::SetRoute(change) => change.raw(),
            Self::DeleteRoute(change) => change.raw(),
            Self::SetModemConfiguration(change) => change.raw(),
            Self::DeleteModemConfiguration(change) => change.raw(),
            Self::SetSrPolicy(change) => change.raw(),
            Self::DeleteSrPolicy(change) => change.raw(),
            Self::DeleteBeam(change) => change.raw(),
            Self::UpdateBeam(change) => change.raw(),
            Self::UpdateP2pSrTePolicyPath(change) => change.raw(),
            Self::DeleteP2pSrTePolicyPath(change) => change.raw(),
            Self::UpdateIpRoute(change) => change.raw(),
            Self::DeleteIpRoute(change) => change.raw(),
        }
    }

    fn view(number: u8, message: Message<'a>) -> Option<Self> {
        Some(match number {
            5 => Self::SetRoute(View::view(message)),
            6 => Self::DeleteRoute(View::view(message)),
            7 => Self::SetModemConfiguration(View::view(message)),
            8 => Self::DeleteModemConfiguration(View::view(message)),
            9 => Self::SetSrPolicy(View::view(message)),
            10 => Self::DeleteSrPolicy(View::view(message)),
            12 => Self::DeleteBeam(View::view(message)),
            15 => Self::UpdateBeam(View::view(message)),
            20 => Self::UpdateP2pSrTePolicyPath(View::view(message)),
            21 => Self::DeleteP2pSrTePolicyPath(View::view(message)),
            24 => Self::UpdateIpRoute(View::view(message)),
            25 => Self::DeleteIpRoute(View::view(message)),
            _ => return None,
        })
    }
}

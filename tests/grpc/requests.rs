//! What a controller says in these tests.

use farpost::southbound::messages::{
    ConfigurationChangeValues, CreateEntryValues, DeleteEntryValues, FinalizeValues,
    FromControllerValues, RequestValues, SetRouteValues, Timestamp,
};
use farpost::southbound::protobuf::Encode;

pub(crate) const AGENT: &str = "1c1bb454-beea-47bd-841e-0a7eb234b34a";

/// Times long before and long after any test.
pub(crate) const PAST: i64 = 1_700_000_000;
pub(crate) const FUTURE: i64 = 32_000_000_000;

/// A request as it goes over the stream. Its ID is its sequence number and a hundred.
fn request(seqno: u64, request: RequestValues<'_>) -> Vec<u8> {
    let request_id = i64::try_from(seqno).unwrap() + 100;
    let message = FromControllerValues { request_id, request: Some(request) };
    let mut room = [0; 1_024];
    message.encode(&mut room).unwrap().to_vec()
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

/// Asks for an entry that sets a route to `to`, at a time.
pub(crate) fn create(token: &str, seqno: u64, id: &str, to: &str, seconds: i64) -> Vec<u8> {
    let route = SetRouteValues { from: "10.1.0.1", to, dev: "eth0", via: "10.1.0.254" };
    let entry = CreateEntryValues {
        schedule_manipulation_token: token,
        seqno,
        id,
        time: at(seconds),
        time_gpst: None,
        change: Some(ConfigurationChangeValues::SetRoute(&route)),
    };
    request(seqno, RequestValues::CreateEntry(&entry))
}

pub(crate) fn delete(token: &str, seqno: u64, id: &str) -> Vec<u8> {
    let entry = DeleteEntryValues { schedule_manipulation_token: token, seqno, id };
    request(seqno, RequestValues::DeleteEntry(&entry))
}

pub(crate) fn finalize(token: &str, seqno: u64, seconds: i64) -> Vec<u8> {
    let finalize = FinalizeValues {
        schedule_manipulation_token: token,
        seqno,
        up_to: at(seconds),
        up_to_gpst: None,
    };
    request(seqno, RequestValues::Finalize(&finalize))
}

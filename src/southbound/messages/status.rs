//! Status of a request, as RPCs have it.

use super::define::{definitions, given, message, plain};
use super::{Any, AnyValues, Duration};
use crate::wire::open_code;

definitions!();

open_code! {
    /// The status codes of gRPC.
    pub struct StatusCode(i32) {
        /// No error.
        OK = 0, "OK";
        /// Cancelled by the caller.
        CANCELLED = 1, "CANCELLED";
        /// Not known what went wrong.
        UNKNOWN = 2, "UNKNOWN";
        /// The request can never be right.
        INVALID_ARGUMENT = 3, "INVALID_ARGUMENT";
        /// It took too long.
        DEADLINE_EXCEEDED = 4, "DEADLINE_EXCEEDED";
        /// There is no such thing.
        NOT_FOUND = 5, "NOT_FOUND";
        /// There is such a thing.
        ALREADY_EXISTS = 6, "ALREADY_EXISTS";
        /// The caller may not do this.
        PERMISSION_DENIED = 7, "PERMISSION_DENIED";
        /// There is no room for it.
        RESOURCE_EXHAUSTED = 8, "RESOURCE_EXHAUSTED";
        /// The state is not one for this request: another schedule-manipulation token is in
        /// force.
        FAILED_PRECONDITION = 9, "FAILED_PRECONDITION";
        /// Something else came between.
        ABORTED = 10, "ABORTED";
        /// Past the end.
        OUT_OF_RANGE = 11, "OUT_OF_RANGE";
        /// The request is not known here.
        UNIMPLEMENTED = 12, "UNIMPLEMENTED";
        /// Something is broken.
        INTERNAL = 13, "INTERNAL";
        /// Not now; try again.
        UNAVAILABLE = 14, "UNAVAILABLE";
        /// Data are lost.
        DATA_LOSS = 15, "DATA_LOSS";
        /// It is not known who the caller is.
        UNAUTHENTICATED = 16, "UNAUTHENTICATED";
    }
}

message! {
    /// What became of a request (google.rpc.Status).
    Status / StatusValues {
        /// A [`StatusCode`].
        1 code: i32;
        /// What went wrong, for people.
        2 message: &'a str;
        /// More about it, for programs.
        3 details: Repeated<'a, Any<'a>> = &'a [AnyValues<'a>];
    }
}

plain! {
    /// When to try again (google.rpc.RetryInfo), a detail of a status.
    RetryInfo {
        /// After so long.
        1 retry_delay: Option<Duration>;
    }
}

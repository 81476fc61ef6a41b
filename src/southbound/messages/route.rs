//! Routes. Addresses are text: an IP address, followed by a slash and the length of a prefix
//! where it is of more than one host.

use super::define::{definitions, given, message};
use super::{FieldMask, FieldMaskValues};

definitions!();

message! {
    /// Adds a route, or replaces the one from and to the same addresses.
    SetRoute / SetRouteValues {
        /// The source addresses it is for; empty for any.
        1 from: &'a str;
        /// The destination addresses.
        2 to: &'a str;
        /// The name of the device that packets leave by.
        3 dev: &'a str;
        /// The address of the next hop.
        4 via: &'a str;
    }
}

message! {
    /// Removes a route.
    DeleteRoute / DeleteRouteValues {
        /// The source addresses it is for; empty for any.
        1 from: &'a str;
        /// The destination addresses.
        2 to: &'a str;
    }
}

message! {
    /// A route that has a name.
    IpRoute / IpRouteValues {
        /// The name, unique within a schedule.
        1 name: &'a str;
        /// The routing function it is in. A route without one is to be rejected.
        2 route_fn_id: &'a str;
        /// The source addresses it is for; empty for any.
        3 from: &'a str;
        /// The destination addresses.
        4 to: &'a str;
        /// The name of the device that packets leave by.
        5 dev: &'a str;
        /// The address of the next hop.
        6 via: &'a str;
    }
}

message! {
    /// Adds a route, or changes the one of the same name.
    UpdateIpRoute / UpdateIpRouteValues {
        /// The route.
        1 ip_route: Option<IpRoute<'a>> = Option<IpRouteValues<'a>>;
        /// What of it changes.
        2 update_mask: Option<FieldMask<'a>> = Option<FieldMaskValues<'a>>;
    }
}

message! {
    /// Removes a route by its name.
    DeleteIpRoute / DeleteIpRouteValues {
        /// The name.
        1 name: &'a str;
    }
}

//! Segment routing: policies of the seed era, paths of policies of the later one.

use super::define::{definitions, given, message, plain};
use super::{FieldMask, FieldMaskValues};

definitions!();

message! {
    /// Adds a policy, or replaces the one of the same name.
    SetSrPolicy / SetSrPolicyValues {
        /// The name.
        1 name: &'a str;
        /// Its paths.
        2 paths: Repeated<'a, ExplicitPath<'a>> = &'a [ExplicitPathValues<'a>];
    }
}

message! {
    /// Removes a policy.
    DeleteSrPolicy / DeleteSrPolicyValues {
        /// The name.
        1 name: &'a str;
    }
}

message! {
    /// A path of a policy.
    ExplicitPath / ExplicitPathValues {
        /// What the path is for.
        1 color: u32;
        /// Its share of the traffic among the paths of its colour.
        2 weight: u32;
        /// Where it leads. The first segment may tell the first hop and not be in packets.
        3 segments: Repeated<'a, SrSegment> = &'a [SrSegment];
    }
}

plain! {
    /// A segment (SrSegment of the seed era).
    SrSegment {
        /// An MPLS label; 0 is one. Nothing else is known yet that a segment can be.
        1 mpls: Option<u32>;
    }
}

message! {
    /// A path of a point-to-point traffic-engineering policy.
    P2pSrTePolicyPath / P2pSrTePolicyPathValues {
        /// The name.
        1 name: &'a str;
        /// What the policy is for.
        2 color: i32;
        /// Tells paths of one policy apart.
        3 discriminator: i32;
        /// Where it begins.
        4 headend: &'a str;
        /// Where it ends.
        5 endpoint: &'a str;
        /// Where it leads; none where no path could be found.
        6 segments: Repeated<'a, PathSegment<'a>> = &'a [PathSegmentValues<'a>];
    }
}

message! {
    /// A segment (SrSegment of the later era).
    PathSegment / PathSegmentValues {
        /// An MPLS label.
        1 mpls: u32;
        /// A segment identifier of IPv6.
        2 srv6: &'a str;
    }
}

message! {
    /// Adds a path, or changes the one of the same name.
    UpdateP2pSrTePolicyPath / UpdateP2pSrTePolicyPathValues {
        /// The path.
        1 p2p_sr_te_policy_path: Option<P2pSrTePolicyPath<'a>> = Option<P2pSrTePolicyPathValues<'a>>;
        /// What of it changes.
        2 update_mask: Option<FieldMask<'a>> = Option<FieldMaskValues<'a>>;
    }
}

message! {
    /// Removes a path by its name.
    DeleteP2pSrTePolicyPath / DeleteP2pSrTePolicyPathValues {
        /// The name.
        1 name: &'a str;
    }
}

//! Beams of the later era. How a beam receives and transmits and whom it serves are left as
//! they are, in its octets.

use super::define::{definitions, given, message, plain};
use super::{AzEl, Duration, FieldMask, FieldMaskValues, Timestamp};
use crate::wire::open_code;

definitions!();

open_code! {
    /// What coordinates are relative to.
    pub struct CoordinateFrame(i32) {
        /// Not said.
        UNSPECIFIED = 0, "COORDINATE_FRAME_UNSPECIFIED";
        /// Earth-centred, earth-fixed.
        ECEF = 1, "COORDINATE_FRAME_ECEF";
        /// The barycentre of earth and moon, turning with them.
        EARTH_MOON_BARYCENTER_SYNODIC = 2, "COORDINATE_FRAME_EARTH_MOON_BARYCENTER_SYNODIC";
        /// International Terrestrial Reference Frame 2020.
        ITRF2020 = 3, "COORDINATE_FRAME_ITRF2020";
        /// Earth Mean Equator and Equinox of J2000.
        EME2000 = 4, "COORDINATE_FRAME_EME2000";
    }
}

message! {
    /// Adds a beam, or changes the one of the same ID.
    UpdateBeam / UpdateBeamValues {
        /// The beam.
        1 beam: Option<Beam<'a>> = Option<BeamValues<'a>>;
        /// What of it changes.
        2 update_mask: Option<FieldMask<'a>> = Option<FieldMaskValues<'a>>;
    }
}

message! {
    /// Removes a beam.
    DeleteBeam / DeleteBeamValues {
        /// The beam.
        1 id: &'a str;
    }
}

message! {
    /// A beam.
    Beam / BeamValues {
        /// Its ID.
        1 id: &'a str;
        /// What it is aimed at.
        2 target: Option<BeamTarget<'a>> = Option<BeamTargetValues<'a>>;
        /// Its shape.
        6 shape_id: &'a str;
        /// Which time slots it has.
        8 beam_hopping_plan: Option<BeamHoppingPlan<'a>> = Option<BeamHoppingPlanValues<'a>>;
        /// The antenna that makes it.
        9 antenna_id: &'a str;
        /// Where it comes from.
        10 origin: Option<BeamOrigin<'a>> = Option<BeamOriginValues<'a>>;
        /// The beams that transmit what this one receives.
        11 tx_beams: Repeated<'a, &'a str> = &'a [&'a str];
    }
}

message! {
    /// Time slots of a beam.
    BeamHoppingPlan / BeamHoppingPlanValues {
        /// The sections of the plan, one after the other.
        1 sections: Repeated<'a, HoppingSection<'a>> = &'a [HoppingSectionValues<'a>];
    }
}

message! {
    /// A section of a plan of time slots (BeamHoppingPlan.Section).
    HoppingSection / HoppingSectionValues {
        /// How many slots it has.
        1 length: i32;
        /// What some of them are for.
        2 entries: Repeated<'a, HoppingEntry<'a>> = &'a [HoppingEntryValues<'a>];
        /// How many times it is repeated.
        3 repeat_count: i32;
    }
}

message! {
    /// What a time slot is for (BeamHoppingPlan.Section.Entry).
    HoppingEntry / HoppingEntryValues {
        /// The slot.
        1 time_slot: i32;
        /// The modem that has it.
        2 modem_id: &'a str;
    }
}

message! {
    /// What a beam is aimed at.
    BeamTarget / BeamTargetValues {
        oneof "What a beam is aimed at." target: Target / TargetValues {
            /// The content of a CCSDS orbit ephemeris message.
            2 ccsds_oem_file_content CcsdsOemFileContent(&'a str);
            /// A direction.
            3 az_el AzEl(AzEl);
            /// A place.
            4 cartesian Cartesian(Cartesian);
            /// A place that moves.
            5 state_vector StateVector(StateVector);
            /// A way, by polynomials.
            6 chebyshev_coefficients ChebyshevCoefficients(
                ChebyshevCoefficients<'a> = &'a ChebyshevCoefficientsValues<'a>
            );
        }
    }
}

message! {
    /// Where a beam comes from.
    BeamOrigin / BeamOriginValues {
        oneof "Where a beam comes from." origin: Origin / OriginValues {
            /// A place.
            1 cartesian Cartesian(Cartesian);
            /// The content of a CCSDS orbit ephemeris message.
            2 ccsds_oem_file_content CcsdsOemFileContent(&'a str);
            /// A place that moves.
            3 state_vector StateVector(StateVector);
            /// A way, by polynomials.
            4 chebyshev_coefficients ChebyshevCoefficients(
                ChebyshevCoefficients<'a> = &'a ChebyshevCoefficientsValues<'a>
            );
        }
    }
}

plain! {
    /// A place, in metres.
    Cartesian {
        /// What the coordinates are relative to.
        1 reference_frame: CoordinateFrame;
        /// First coordinate.
        2 x_m: f64;
        /// Second coordinate.
        3 y_m: f64;
        /// Third coordinate.
        4 z_m: f64;
    }
}

plain! {
    /// A place in metres and a velocity in metres a second.
    StateVector {
        /// What the coordinates are relative to.
        1 reference_frame: CoordinateFrame;
        /// First coordinate.
        2 x_m: f64;
        /// Second coordinate.
        3 y_m: f64;
        /// Third coordinate.
        4 z_m: f64;
        /// First component of the velocity.
        5 x_dot_m_per_s: f64;
        /// Second component of the velocity.
        6 y_dot_m_per_s: f64;
        /// Third component of the velocity.
        7 z_dot_m_per_s: f64;
    }
}

message! {
    /// A way, as coefficients of Chebyshev polynomials over a period of time.
    ChebyshevCoefficients / ChebyshevCoefficientsValues {
        /// What the coordinates are relative to.
        1 reference_frame: CoordinateFrame;
        /// Of the first coordinate.
        2 x_m_coefficients: Repeated<'a, f64> = &'a [f64];
        /// Of the second coordinate.
        3 y_m_coefficients: Repeated<'a, f64> = &'a [f64];
        /// Of the third coordinate.
        4 z_m_coefficients: Repeated<'a, f64> = &'a [f64];
        /// Of the first component of the velocity.
        5 x_dot_m_per_s_coefficients: Repeated<'a, f64> = &'a [f64];
        /// Of the second component of the velocity.
        6 y_dot_m_per_s_coefficients: Repeated<'a, f64> = &'a [f64];
        /// Of the third component of the velocity.
        7 z_dot_m_per_s_coefficients: Repeated<'a, f64> = &'a [f64];
        /// When the period starts.
        8 validity_period_start_time: Option<Timestamp>;
        /// The same in GPS time.
        9 validity_period_start_time_gpst: Option<Duration>;
        /// When the period ends.
        10 validity_period_end_time: Option<Timestamp>;
        /// The same in GPS time.
        11 validity_period_end_time_gpst: Option<Duration>;
    }
}

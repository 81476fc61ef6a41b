//! What a front-end wants of analysis, in single precision, which a Cortex-M4 computes itself:
//! the functions of a mathematical library take tables and double precision.

use core::f32::consts::{LN_2, LOG2_10, TAU};

use microfft::Complex32;

/// The point of the unit circle `turns` round it, for turns from -1/2 to 1/2. It is wrong by
/// less than 10⁻⁵.
pub fn turned(turns: f32) -> Complex32 {
    // A sixteenth of the angle, which is small enough for a short series, doubled four times.
    let angle = turns * (TAU / 16.0);
    let square = angle * angle;
    let mut cosine = 1.0 - square * (0.5 - square * (1.0 / 24.0));
    let mut sine = angle * (1.0 - square * (1.0 / 6.0 - square * (1.0 / 120.0)));
    for _doubled in 0..4 {
        (cosine, sine) = (cosine * cosine - sine * sine, 2.0 * cosine * sine);
    }
    Complex32::new(cosine, sine)
}

/// The amplitude of a level in decibels, of -700 to 700. It is wrong by less than a part in 10⁵.
pub fn amplitude(db: f32) -> f32 {
    let octaves = db * (LOG2_10 / 20.0);
    let whole = round(octaves);
    let rest = (octaves - whole as f32) * LN_2;
    let series = 1.0 + rest * (1.0 + rest / 2.0 * (1.0 + rest / 3.0 * (1.0 + rest / 4.0)));
    // The exponent of a power of two.
    let power = ((whole + 127) as u32) << 23;
    series * f32::from_bits(power)
}

/// The whole number that is nearest.
pub fn round(value: f32) -> i32 {
    (if value < 0.0 { value - 0.5 } else { value + 0.5 }) as i32
}

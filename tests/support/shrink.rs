//! The smallest story that still ends badly.

/// The fewest of `events` events that were found with which a story still ends badly, and
/// how: parts are left out, from halves down to single events. It need not be the same
/// thing that goes wrong. `play` plays a story of some of its events.
pub(crate) fn shrink<O>(
    events: usize,
    why: String,
    play: impl Fn(&[usize]) -> Result<O, String>,
) -> (Vec<usize>, String) {
    let mut kept: Vec<usize> = (0..events).collect();
    let mut why = why;
    let mut part = kept.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < kept.len() {
            let mut fewer = kept.clone();
            fewer.drain(from..(from + part).min(kept.len()));
            match play(&fewer) {
                Err(other) => (kept, why) = (fewer, other),
                Ok(_) => from += part,
            }
        }
        part /= 2;
    }
    (kept, why)
}

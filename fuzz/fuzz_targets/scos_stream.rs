//! However a stream is cut, it has the same messages, and ends at the same bad length.
#![no_main]

use farpost::scos::messages::MESSAGE_MAX;
use farpost::scos::stream::{BadLength, Deframer};
use libfuzzer_sys::fuzz_target;

/// All messages of a stream that comes in pieces of a length, and how it ended.
fn messages(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<BadLength>, bool) {
    let (mut deframer, mut found) = (Deframer::new(), Vec::new());
    for piece in stream.chunks(piece) {
        let mut octets = piece;
        loop {
            match deframer.take(&mut octets) {
                Ok(Some(message)) => {
                    assert!((1..=MESSAGE_MAX).contains(&message.len()));
                    found.push(message.to_vec());
                }
                Ok(None) => break,
                Err(bad) => {
                    assert_eq!(deframer.take(&mut &[0, 1, 0][..]), Err(bad));
                    assert_eq!(deframer.missing(), Err(bad));
                    return (found, Some(bad), false);
                }
            }
        }
        assert!(octets.is_empty());
    }
    (found, None, deframer.is_between())
}

/// The same, reading no more than is missing.
fn economically(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let (mut deframer, mut found) = (Deframer::new(), Vec::new());
    while let Ok(missing @ 1..) = deframer.missing()
        && let Some((mut now, later)) = stream.split_at_checked(missing)
    {
        stream = later;
        let Ok(taken) = deframer.take(&mut now) else { break };
        found.extend(taken.map(<[u8]>::to_vec));
        assert!(now.is_empty());
    }
    found
}

fuzz_target!(|octets: &[u8]| {
    let [piece, stream @ ..] = octets else { return };
    let whole = messages(stream, usize::MAX);
    assert_eq!(messages(stream, usize::from(*piece).max(1)), whole);
    assert_eq!(messages(stream, 1), whole);
    assert_eq!(economically(stream), whole.0);
});

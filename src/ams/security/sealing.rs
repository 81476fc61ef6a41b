//! The form of what is encrypted:
//!
//! ```text
//! | nonce | encrypted data, as long as the data | tag |
//! ```

use super::{Cipher, ContentFault, Random};

const NO_ROOM: ContentFault = ContentFault::NoRoom;

/// Encrypts in `room` what `write` writes there, and returns how long it is with nonce
/// and tag. `associated` are data that the receiver knows.
pub(super) fn seal(
    (cipher, random): (&dyn Cipher, &dyn Random),
    key: &[u8],
    associated: &[u8],
    room: &mut [u8],
    write: impl FnOnce(&mut [u8]) -> Result<usize, ContentFault>,
) -> Result<usize, ContentFault> {
    let (nonce, rest) = room.split_at_mut_checked(cipher.nonce_len()).ok_or(NO_ROOM)?;
    let length = write(rest)?;
    let (content, rest) = rest.split_at_mut_checked(length).ok_or(NO_ROOM)?;
    let tag = rest.get_mut(..cipher.tag_len()).ok_or(NO_ROOM)?;
    random.fill(nonce).map_err(|_| ContentFault::NoRandom)?;
    cipher.seal(key, nonce, associated, content, tag).map_err(|_| ContentFault::KeyUnusable)?;
    Ok(cipher.nonce_len().saturating_add(length).saturating_add(cipher.tag_len()))
}

/// Decrypts `data` into `room`. Returns the content and the room behind it.
pub(super) fn open<'b>(
    cipher: &dyn Cipher,
    key: &[u8],
    associated: &[u8],
    data: &[u8],
    room: &'b mut [u8],
) -> Result<(&'b mut [u8], &'b mut [u8]), ContentFault> {
    const SHORT: ContentFault = ContentFault::NotAuthentic;
    let (nonce, sealed) = data.split_at_checked(cipher.nonce_len()).ok_or(SHORT)?;
    let length = sealed.len().checked_sub(cipher.tag_len()).ok_or(SHORT)?;
    let (sealed, tag) = sealed.split_at_checked(length).ok_or(SHORT)?;
    let (content, rest) = room.split_at_mut_checked(length).ok_or(NO_ROOM)?;
    copy(sealed, content);
    cipher.open(key, nonce, associated, content, tag)?;
    Ok((content, rest))
}

/// Copies `from` to the beginning of `to`; `None` when it does not fit.
pub(super) fn copy(from: &[u8], to: &mut [u8]) -> Option<usize> {
    // A zip, not `copy_from_slice`: the latter keeps a panic path at opt-level z.
    to.get_mut(..from.len())?.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    Some(from.len())
}

//! Secrets of one run.

use std::fs::File;
use std::io::Read;

/// Letters and digits, 32 of them: five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345679";

/// Returns twelve letters and digits that nobody can guess: 60 bits from the system.
///
/// Where the system has no random device the hasher's own seed stands in.
#[must_use]
pub fn token() -> String {
    let mut bytes = [0; 12];
    let read = File::open("/dev/urandom").and_then(|mut device| device.read_exact(&mut bytes));
    if read.is_err() {
        use std::hash::{BuildHasher, Hasher};
        for chunk in bytes.chunks_mut(8) {
            let seed = std::hash::RandomState::new().build_hasher().finish().to_ne_bytes();
            chunk.copy_from_slice(&seed[..chunk.len()]);
        }
    }
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

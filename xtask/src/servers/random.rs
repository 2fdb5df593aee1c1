//! Chance from the operating system, for names and passwords.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
};

pub(super) fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Twice as many hexadecimal digits as there are bytes.
pub(super) fn hex<const N: usize>() -> io::Result<String> {
    let mut hex = String::with_capacity(2 * N);
    for byte in bytes::<N>()? {
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_passwords_are_the_same() {
        let [one, other] = [hex::<16>(), hex::<16>()].map(|hex| hex.expect("the system has chance"));
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}

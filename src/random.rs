//! Random names and tokens.

/// So many random bytes of the system in hex.
pub(crate) fn random_hex(bytes: usize) -> std::io::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random)?;
    Ok(hex::encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_a_byte_and_never_the_same() {
        let token = random_hex(16).unwrap();
        assert_eq!(token.len(), 32);
        assert_ne!(token, random_hex(16).unwrap());
    }
}

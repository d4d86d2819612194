//! What to look at first when a registry does not answer.

/// One that is there and down says something, or nothing at all; at a wrong address nobody listens.
pub(super) fn hint(registry: &str, why: &str, tries: usize) -> String {
    if why.to_lowercase().contains("connection refused") {
        return format!(
            "`{registry}` refused the connection {tries} times in a row: check this address in `image` first, then whether a registry runs there"
        );
    }
    format!("it failed {tries} times in a row; see if `{registry}` has an outage and run it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_first_of_all_a_wrong_address() {
        let refused = hint(
            "localhost:5001",
            "dial tcp [::1]:5001: connect: connection refused",
            4,
        );
        assert!(refused.starts_with("`localhost:5001` refused"), "{refused}");
        let down = hint("ghcr.io", "received unexpected HTTP status: 503", 4);
        assert!(down.contains("outage"), "{down}");
    }
}

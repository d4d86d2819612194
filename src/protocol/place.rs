//! Where everything of ours is on a host, and what a person types there.

/// The folder of everything, owned by the SSH user.
pub const STATE_ROOT: &str = "/var/lib/pct-deploy";

/// The agent of the last run that changed something on the host.
pub const CURRENT: &str = "/var/lib/pct-deploy/bin/current";

/// Settles what was cut short: for a shell on the host, whoever types it. The link names the agent of the last run that changed
/// something there, and that one can read what it wrote.
pub const RECOVER: &str = "/var/lib/pct-deploy/bin/current agent recover";

/// Ends what nobody is at work on; a timer starts it.
pub const SETTLE: &str = "/var/lib/pct-deploy/bin/current agent settle";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_installed() {
        assert!(CURRENT.starts_with(STATE_ROOT));
        assert!(RECOVER.starts_with(&format!("{STATE_ROOT}/bin/current ")));
    }
}

//! The HTTP client that GitHub and Slack share: proxies of the environment, certificates of the system
//! (`SSL_CERT_FILE`, else the usual places such as `/etc/ssl/certs/ca-certificates.crt`), no redirects.

use std::time::Duration;

use crate::error::{Error, Reason, Result};

/// The longest time one call may take, from connecting to the last byte.
pub(super) const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// A client of this process.
pub(super) fn client() -> Result<reqwest::Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing the race to another caller leaves a provider in place, too.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    }
    reqwest::Client::builder()
        .user_agent(concat!("pct-deploy/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(CALL_DEADLINE)
        .build()
        .map_err(|error| {
            Error::untouched(Reason::InternalError, "cannot set up HTTPS")
                .because(error)
                .hint("set `SSL_CERT_FILE` to a file with CA certificates")
        })
}

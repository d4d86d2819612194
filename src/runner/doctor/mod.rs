//! `doctor`: looks at both ends at the same time, changes neither, and goes on when something is wrong.

mod here;
mod server;
mod telling;
mod workflow;

use super::run::Invocation;
use crate::config::parse;
use crate::config::types::{HostConfig, ReportConfig};
use crate::error::{Error, Reason, Result};
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::report::Reporter;
use crate::secret::Redactor;

/// What was found at both ends.
#[derive(Debug)]
pub struct Diagnosis {
    /// The app, as far as the settings say.
    pub app: Option<String>,
    /// The server, in words.
    pub server: Option<String>,
    pub seen: Examination,
    /// Why the server was not looked at.
    pub not_checked: Option<String>,
}

/// Looks. What is wrong is an answer, not an error.
pub async fn doctor(mut by: Invocation) -> Result<Diagnosis> {
    by.read_standard_input().await?;
    let readable = parse::readable(&by.settings, by.reach);
    let reporter = Reporter::new(by.console, Redactor::new(&readable.secrets()));
    let reporter = reporter.at(by.verbosity);
    let host = readable.place.clone().zip(readable.site.clone());
    let host = host.map(|(place, site)| HostConfig {
        place,
        site,
        report: ReportConfig::default(),
        logins: readable.logins.clone().unwrap_or_default(),
        hidden: readable.hidden.clone(),
    });
    let look = async {
        tokio::join!(
            Box::pin(here::look(&by, &readable)),
            Box::pin(server::look(host.as_ref(), &reporter)),
        )
    };
    let (mut seen, (of_server, not_checked)) = tokio::select! {
        both = reporter.alive_during(look) => both,
        signal = by.cancel.requested() => {
            return Err(Error::new(signal.exit_code(), Reason::Cancelled, "cancelled"));
        }
    };
    seen.join(of_server);
    for finding in &mut seen.findings {
        for text in [&mut finding.what, &mut finding.fix] {
            *text = reporter.redactor().redact(text);
        }
    }
    Ok(Diagnosis {
        app: readable.site.map(|site| site.app.to_string()),
        server: readable.place.map(|place| place.to_string()),
        seen,
        not_checked,
    })
}

/// A finding that is an error elsewhere.
fn of(error: &Error) -> [String; 2] {
    let fix = error.hints().join("; ");
    [error.summary(), fix]
}

/// Notes how something went that others do as well.
fn tell<T>(seen: &mut Examination, check: DoctorCheck, done: Result<T>) -> Option<T> {
    let found = done.as_ref().err().map(of);
    seen.note(check, found);
    done.ok()
}

//! A run to report about.

use std::io;
use std::sync::{Arc, Mutex};

use pct_deploy::clients::github::DeploymentHandle;
use pct_deploy::config::parse;
use pct_deploy::config::raw::{Raw, Source};
use pct_deploy::config::types::{GithubConfig, ReportConfig};
use pct_deploy::error::{Failure, Reason};
use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::Receipt;
use pct_deploy::protocol::result::{FailedStage, RESULT_VERSION, RunResult};
use pct_deploy::report::context::RunContext;
use pct_deploy::report::outputs::OutputFiles;
use pct_deploy::report::state::{Memory, PostStep};
use pct_deploy::report::{ConsoleMode, Reporter, RunReport};
use pct_deploy::secret::{Redactor, Secret};

use crate::server::Server;

pub(crate) const SHA: &str = "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b";
pub(crate) const TOKEN: &str = "ghs_secrettoken";
pub(crate) const HOOK: &str = "/services/T0/B0/secrethook";

/// A log that can be read back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn reporter() -> (Reporter, Log) {
    let log = Log::default();
    let redactor = Redactor::new(&[&Secret::new(TOKEN), &Secret::new("hunter2!")]);
    let to = Box::new(log.clone());
    (
        Reporter::with_writer(ConsoleMode::Terminal, redactor, to),
        log,
    )
}

pub(crate) fn github() -> GithubConfig {
    config_for("http://127.0.0.1:9/x").github.unwrap()
}

pub(crate) fn config(slack: &Server) -> ReportConfig {
    config_for(&slack.url(HOOK))
}

pub(crate) fn config_for(webhook: &str) -> ReportConfig {
    config_with(webhook, &[])
}

pub(crate) fn config_with(webhook: &str, more: &[(&'static str, &str)]) -> ReportConfig {
    let host = webhook.split('/').nth(2).unwrap();
    let mut raw = Raw::default();
    let settings = [
        ("github-token", TOKEN),
        ("environment-url", "https://parking.example"),
        ("slack-webhook-url", webhook),
        ("slack-host", host),
    ];
    for (key, text) in settings.into_iter().chain(more.iter().copied()) {
        raw.offer(key, text, Source::Input);
    }
    parse::report_only(&raw)
}

/// A GitHub Enterprise Server has its API below a path.
pub(crate) fn context(github: &Server) -> RunContext {
    context_for(github.url("/api/v3"))
}

pub(crate) fn context_for(api_url: String) -> RunContext {
    RunContext {
        app: "parking".parse().ok(),
        repository: Some("org/parking".to_owned()),
        pull_request: Some(7),
        commit: SHA.parse().ok(),
        server_url: Some("https://github.com".to_owned()),
        api_url: Some(api_url),
        job: Some("deploy".to_owned()),
        run_id: Some("42".to_owned()),
        ..RunContext::default()
    }
}

pub(crate) fn result(outcome: Outcome) -> RunResult {
    let failure = match outcome {
        Outcome::Deployed | Outcome::Unchanged | Outcome::Skipped | Outcome::Cancelled => None,
        Outcome::Failed | Outcome::RolledBack | Outcome::Stuck => Some(FailedStage {
            name: Some("push".to_owned()),
            failure: Failure {
                reason: Reason::PushFailed,
                chain: vec!["cannot push with hunter2!".to_owned()],
                hints: Vec::new(),
                log_tail: vec!["denied: hun\u{1b}[1mter2!".to_owned()],
            },
        }),
    };
    RunResult {
        version: RESULT_VERSION,
        outcome,
        reason_code: outcome.to_string(),
        release: None,
        image: None,
        digest: None,
        slot: Some("parking-2".to_owned()),
        previous_slot: None,
        previous_release: None,
        slots: pct_deploy::protocol::slot::PerSlot::default(),
        took_seconds: 1.5,
        requests_total: None,
        requests_failed: None,
        deployment_id: None,
        slack_sent: None,
        steps: Vec::new(),
        receipt: Receipt::default(),
        failure,
    }
}

/// Tells the start of a run; gives the deployment that was opened on GitHub.
pub(crate) async fn started(
    config: &ReportConfig,
    context: &RunContext,
    reporter: &Reporter,
) -> Option<DeploymentHandle> {
    let memory = Memory::none();
    let run = RunReport {
        config,
        context,
        reporter,
        memory: &memory,
        files: &OutputFiles::default(),
        label: None,
    };
    run.started().await;
    let id = memory.saved().github_deployment;
    id.map(DeploymentHandle::from_id)
}

/// A run that is about to end.
pub(crate) struct Ending<'a> {
    pub(crate) config: &'a ReportConfig,
    pub(crate) context: &'a RunContext,
    pub(crate) reporter: &'a Reporter,
    pub(crate) files: OutputFiles,
    pub(crate) label: Option<&'a str>,
    /// The deployment that is open on GitHub.
    pub(crate) handle: Option<DeploymentHandle>,
}

impl<'a> Ending<'a> {
    pub(crate) fn new(
        config: &'a ReportConfig,
        context: &'a RunContext,
        reporter: &'a Reporter,
    ) -> Self {
        Self {
            config,
            context,
            reporter,
            files: OutputFiles::default(),
            label: None,
            handle: None,
        }
    }

    /// Tells everybody.
    pub(crate) async fn finish(&self, result: &mut RunResult) {
        let memory = Memory::new(self.files.clone(), PostStep::DoesNot);
        memory.note(self.reporter, |saved| {
            saved.github_deployment = self.handle.map(DeploymentHandle::id);
        });
        let run = RunReport {
            config: self.config,
            context: self.context,
            reporter: self.reporter,
            memory: &memory,
            files: &self.files,
            label: self.label,
        };
        run.finished(&run.sinks(), result).await;
    }
}

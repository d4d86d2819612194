//! `action` and `deploy`: the gate first, then the settings, then the pipeline.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::args::DeployArgs;
use super::environment;
use super::exit;
use super::flags::{ForDeploy, SettingFlags};
use super::render;
use super::start::Start;
use crate::clients::github::DeploymentHandle;
use crate::config::parse::{self, Caller, Gated};
use crate::config::sources::{Gathered, Inputs};
use crate::config::types::{DeployConfig, ImageSource, LabelAfter, Mode, ReportConfig};
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::result::RunResult;
use crate::protocol::step::Phase;
use crate::report::context::RunContext;
use crate::report::state::Memory;
use crate::report::{ConsoleMode, Reporter, after, before, deadlines};
use crate::runner::event::{self, Facts, Origin};
use crate::runner::gate::questions::{self, Answer};
use crate::runner::gate::{self, Decision, Refusal, secrets};
use crate::runner::recheck::Recheck;
use crate::runner::{pipeline, result};
use crate::secret::Redactor;

/// The container's entry point.
pub(super) async fn action(start: &Start, flags: &SettingFlags<ForDeploy>) -> Result<ExitCode> {
    let run = Run {
        start,
        mode: ConsoleMode::Actions,
        caller: Caller::Action,
        memory: Memory::new(start.output_files(), environment::post_step(&start.env)),
    };
    let gathered = start.gather(&flags.given, Inputs::OfThisAction);
    let context = event::context(&start.env);
    let name = context.event_name.clone().unwrap_or_default();
    let paths = event::payload_paths(&start.env);
    Box::pin(run.gated(gathered, context, &name, &paths)).await
}

/// The same pipeline, typed.
pub(super) async fn deploy(start: &Start, args: &DeployArgs) -> Result<ExitCode> {
    let run = Run {
        start,
        mode: start.console(),
        caller: Caller::Terminal,
        memory: Memory::none(),
    };
    let gathered = start.gather(&args.settings.given, Inputs::Inherited);
    let mut context = event::context(&start.env);
    match &args.event {
        Some(path) => {
            let paths = [path.clone()];
            Box::pin(run.gated(gathered, context, "pull_request", &paths)).await
        }
        None => {
            context.commit.clone_from(&args.commit);
            Box::pin(run.go(gathered, context, Asked::ByHand)).await
        }
    }
}

/// Who asks for a deploy.
enum Asked {
    /// An event that the gate let through.
    ByEvent(Facts),
    /// Whoever typed the command.
    ByHand,
}

impl Asked {
    fn gated(&self) -> Gated {
        match self {
            Self::ByEvent(_) => Gated::ByEvent,
            Self::ByHand => Gated::Free,
        }
    }
}

struct Run<'a> {
    start: &'a Start,
    mode: ConsoleMode,
    caller: Caller,
    memory: Memory,
}

impl Run<'_> {
    /// Asks the gate before Docker, SSH and secrets are looked at.
    async fn gated(
        &self,
        gathered: Gathered,
        context: RunContext,
        event_name: &str,
        paths: &[PathBuf],
    ) -> Result<ExitCode> {
        let (config, _later) = parse::gate(&gathered.raw);
        let payload = event::load(paths);
        let decision = match &payload {
            // Another event needs no payload to be refused.
            Err(trouble) if matches!(event_name, "pull_request" | "workflow_dispatch") => {
                let text = format!("the event cannot be read: {trouble}");
                let reason = Reason::UnreadableEvent;
                Decision::No(Refusal { reason, text })
            }
            Err(_) => gate::decide(&config, event_name, &Value::Null),
            Ok(payload) => gate::decide(&config, event_name, payload),
        };
        match decision {
            Decision::Go(facts) => match self.withheld(&gathered, &context, &facts) {
                Some(refusal) => self.skip(&gathered, &context, &refusal).await,
                None => {
                    let context = event::with_facts(context, &facts);
                    self.go(gathered, context, Asked::ByEvent(facts)).await
                }
            },
            Decision::No(refusal) => self.skip(&gathered, &context, &refusal).await,
        }
    }

    /// What GitHub keeps from the action; a person at a keyboard has secrets of their own.
    fn withheld(
        &self,
        gathered: &Gathered,
        context: &RunContext,
        facts: &Facts,
    ) -> Option<Refusal> {
        let (reach, actor) = (self.start.reach(), context.actor.as_deref());
        match self.caller {
            Caller::Action => secrets::withheld(&gathered.raw, reach, facts, actor),
            Caller::Terminal => None,
        }
    }

    async fn skip(
        &self,
        gathered: &Gathered,
        context: &RunContext,
        refusal: &Refusal,
    ) -> Result<ExitCode> {
        let reporter = self.start.reporter(self.mode, Redactor::default());
        reporter.phase_started(Phase::Gate);
        reporter.phase_done(Phase::Gate, Some(&refused(refusal)));
        // They may be why the gate said no, and they would fail the next deploy.
        for problem in gathered.problems.list().iter().chain(&gathered.warnings) {
            reporter.warning(&problem.what, &problem.cure);
        }
        let mut result = result::skipped(&reporter, refusal.reason);
        let nobody = ReportConfig::default();
        self.finish(&nobody, context, None, None, &mut result, &reporter)
            .await
    }

    async fn go(
        &self,
        mut gathered: Gathered,
        mut context: RunContext,
        asked: Asked,
    ) -> Result<ExitCode> {
        self.start.read_standard_input(&mut gathered).await?;
        let reach = self.start.reach();
        let config = match parse::deploy(&gathered, self.caller, reach, asked.gated()) {
            Ok(config) => config,
            Err(error) => return self.refuse(&gathered, &context, error).await,
        };
        context.app = Some(config.site.app.clone());
        context.slots = Some(config.site.slots.clone());
        context.place = Some(config.place.to_string());
        context.tag = tag(&config);
        let reporter = self
            .start
            .reporter(self.mode, Redactor::new(&config.secrets()));
        reporter.add_masks();
        for problem in &gathered.warnings {
            reporter.warning(&problem.what, &problem.cure);
        }
        let (label, recheck) = match &asked {
            Asked::ByHand => (None, Recheck::Nobody),
            Asked::ByEvent(facts) => match self.ask(&config, &context, facts, &reporter).await {
                Ok(recheck) => (label(&config, facts), recheck),
                Err(mut result) => {
                    let (report, result) = (&config.report, &mut *result);
                    return self
                        .finish(report, &context, None, None, result, &reporter)
                        .await;
                }
            },
        };
        self.memory.begin(&context, now_ms(), &reporter);
        let cancel = &self.start.cancel;
        let docker_host = environment::docker_host(&self.start.env);
        let work = async {
            tokio::join!(
                Box::pin(self.open_deployment(&config, &context, &reporter)),
                Box::pin(pipeline::deploy(
                    &config,
                    &context,
                    docker_host,
                    &recheck,
                    &reporter,
                    cancel,
                    &self.memory,
                )),
            )
        };
        let work = Box::pin(reporter.alive_during(work));
        let (deployment, mut result) = cancel.hurry(&reporter, work).await;
        self.finish(
            &config.report,
            &context,
            label,
            deployment,
            &mut result,
            &reporter,
        )
        .await
    }

    /// Opens a deployment on GitHub while the image builds; a dry run is none.
    async fn open_deployment(
        &self,
        config: &DeployConfig,
        context: &RunContext,
        reporter: &Reporter,
    ) -> Option<DeploymentHandle> {
        match config.gate.mode {
            Mode::DryRun => return None,
            Mode::Deploy => {}
        }
        let handle = tokio::select! {
            handle = before::started(&config.report, context, reporter) => handle?,
            // A cancelled run has better things to do than to wait for an answer.
            _ = self.start.cancel.passed(deadlines::OPENING) => return None,
        };
        self.memory.note(reporter, |saved| {
            saved.github_deployment = Some(handle.id());
        });
        Some(handle)
    }

    /// What the event does not say; the end of the run unless all of it is a yes.
    async fn ask(
        &self,
        config: &DeployConfig,
        context: &RunContext,
        facts: &Facts,
        reporter: &Reporter,
    ) -> Result<Recheck, Box<RunResult>> {
        let (cancel, caller) = (&self.start.cancel, self.caller);
        let run_commit = environment::run_commit(&self.start.env);
        let run_commit = run_commit.as_ref();
        let about = questions::Asked {
            facts,
            run_commit,
            caller,
        };
        reporter.phase_started(Phase::Gate);
        let asking = Box::pin(questions::ask(&about, config, context, reporter));
        let answer = tokio::select! {
            answer = reporter.alive_during(asking) => answer,
            signal = cancel.requested() => {
                let what = "cancelled before your app was touched";
                Err(Error::new(signal.exit_code(), Reason::Cancelled, what))
            }
        };
        match answer {
            Ok(Answer::Go(recheck)) => {
                reporter.phase_done(Phase::Gate, None);
                Ok(recheck)
            }
            Ok(Answer::No(refusal)) => {
                reporter.phase_done(Phase::Gate, Some(&refused(&refusal)));
                Err(Box::new(result::skipped(reporter, refusal.reason)))
            }
            Err(error) => {
                reporter.phase_failed(Phase::Gate, &error);
                Err(Box::new(result::failed(reporter, &error)))
            }
        }
    }

    /// The settings are wrong: said to the person at the keyboard, or to everyone in the action.
    async fn refuse(
        &self,
        gathered: &Gathered,
        context: &RunContext,
        error: Error,
    ) -> Result<ExitCode> {
        let report = match self.caller {
            Caller::Action => parse::report_only(&gathered.raw),
            Caller::Terminal => ReportConfig::default(),
        };
        let reporter = self
            .start
            .reporter(self.mode, Redactor::new(&report.secrets()));
        match self.mode {
            ConsoleMode::Actions => {
                reporter.add_masks();
                for problem in &gathered.warnings {
                    reporter.warning(&problem.what, &problem.cure);
                }
                let mut result = result::failed(&reporter, &error);
                self.finish(&report, context, None, None, &mut result, &reporter)
                    .await
            }
            ConsoleMode::Terminal => Err(error),
            ConsoleMode::Json => {
                render::error(&error);
                let code = error.code();
                render::json(&result::failed(&reporter, &error))?;
                Ok(code)
            }
        }
    }

    async fn finish(
        &self,
        report: &ReportConfig,
        context: &RunContext,
        label: Option<(&str, LabelAfter)>,
        deployment: Option<DeploymentHandle>,
        result: &mut RunResult,
        reporter: &Reporter,
    ) -> Result<ExitCode> {
        let code = exit::of(result, self.start.cancel.now());
        render::failure(reporter, result, code);
        let files = self.start.output_files();
        if self.start.cancel.now().is_some() {
            self.memory.note(reporter, |saved| saved.cancelled = true);
        }
        let left = self.memory.leaves_it_to_post();
        let nobody;
        let report = if left {
            reporter.note("the post step finds out how the host ends, and tells it");
            nobody = ReportConfig {
                github: None,
                slack: None,
                language: report.language,
                log: report.log,
            };
            &nobody
        } else {
            report
        };
        let finish = after::finish(report, context, label, deployment, result, reporter, &files);
        self.start.cancel.hurry(reporter, Box::pin(finish)).await;
        if !left && !reporter.left_something() {
            self.memory.finish(reporter);
        }
        if self.start.global.json {
            render::json(result)?;
        }
        Ok(code)
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(0))
}

fn refused(refusal: &Refusal) -> String {
    format!("refused ({}): {}", refusal.reason, refusal.text)
}

/// A tag of the user's own.
fn tag(config: &DeployConfig) -> Option<String> {
    match &config.image.source {
        ImageSource::Build(build) => build.tags.first().map(ToString::to_string),
        ImageSource::Existing(_) => None,
    }
}

/// The label to take off at the end; a run that was started by hand has none.
fn label<'a>(config: &'a DeployConfig, facts: &Facts) -> Option<(&'a str, LabelAfter)> {
    match facts.origin {
        Origin::Label(_) => Some((&config.gate.label, config.gate.label_after)),
        Origin::Dispatch(_) => None,
    }
}

//! Lost connections, silence and cancels, against an agent that is a shell script.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::cancel::{Cancel, Cancelled};
use super::follow::{Followed, Follower};
use super::remote::{InstalledAgent, Remote};
use super::session::Session;
use crate::config::parse::{self, Reach};
use crate::config::raw::Source;
use crate::config::sources::Gathered;
use crate::config::types::{HostConfig, Place};
use crate::error::{Reason, Result};
use crate::protocol::event::{Event, Happening};
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::{Origin, Plan, Target};
use crate::protocol::receipt::Receipt;
use crate::protocol::wire::{Reply, Request, encode};
use crate::report::{ConsoleMode, Reporter, deadlines};
use crate::secret::Redactor;

/// The app `app` on this machine, with every setting as it is by default.
fn host() -> HostConfig {
    let mut settings = Gathered::default();
    settings.raw.offer("app", "app", Source::Flag);
    parse::look(&settings, Reach::Local).unwrap()
}

fn plan() -> Plan {
    Plan {
        deployment: "20260101T000001Z-000000".parse().unwrap(),
        site: host().site,
        target: Target::Previous,
        origin: Origin::default(),
        fence: None,
        force: false,
    }
}

fn line(seq: u64, what: Happening) -> String {
    encode(&Reply::Event(Box::new(Event {
        seq,
        at_ms: 1,
        what,
    })))
    .unwrap()
}

/// An agent whose connection breaks after its first event, and that answers a follower with `answer`.
struct Agent {
    folder: tempfile::TempDir,
}

impl Agent {
    fn new(answer: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let begun = line(
            1,
            Happening::LockWaiting {
                holder: "jo".into(),
            },
        );
        let heard = folder.path().join("heard");
        let script = format!(
            "#!/bin/sh\nread -r request\necho \"$request\" >>{heard}\ncase \"$request\" in\n\
             *'\"request\":\"swap\"'*) printf '%s' '{begun}'; exit 255;;\nesac\n{answer}\n",
            heard = heard.display()
        );
        std::fs::write(folder.path().join("text"), script).unwrap();
        // By another process: a file that this one has open for writing cannot be run.
        let copied = Command::new("install")
            .args(["-m", "755", "text", "agent"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .status();
        assert!(copied.unwrap().success());
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("agent")
    }

    fn heard(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("heard")).unwrap()
    }
}

async fn follow(agent: &Path, cancel: &Cancel) -> Result<Followed> {
    let reporter = Reporter::new(ConsoleMode::Json, Redactor::default());
    let agent = InstalledAgent {
        path: agent.display().to_string(),
        uploaded: 0,
    };
    let plan = plan();
    let follower = Follower::new(&Place::Local, &agent, &plan, &reporter, cancel);
    Box::pin(follower.run(&Remote::Local, None)).await
}

#[tokio::test]
async fn a_cancel_during_the_pause_goes_over_the_next_connection_at_once() {
    let last = line(
        2,
        Happening::Finished(Box::new(Finished {
            outcome: Outcome::Cancelled,
            reason: "cancelled".to_owned(),
            live: None,
            previous: None,
            failed: None,
            receipt: Receipt::default(),
        })),
    );
    let agent = Agent::new(&format!(
        "read -r cancel\necho \"$cancel\" >>\"${{0%/*}}/heard\"\nprintf '%s' '{last}'"
    ));
    let (cancel, ask) = Cancel::by_hand();
    let began = Instant::now();
    let path = agent.path();
    let (followed, ()) = tokio::join!(follow(&path, &cancel), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ask(Cancelled::Interrupt);
    });
    assert_eq!(followed.unwrap().finished.outcome, Outcome::Cancelled);
    let heard = agent.heard();
    assert!(heard.contains(r#""after":1"#), "{heard}");
    assert!(heard.ends_with("{\"request\":\"cancel\"}\n"), "{heard}");
    assert!(began.elapsed() < Duration::from_secs(3));
}

/// The pipeline gives a cancelled run four seconds of it (`deadlines::HOST`) and drops it then.
#[tokio::test]
async fn a_cancelled_run_keeps_looking_for_its_host_while_it_may() {
    let agent = Agent::new("exit 255");
    let (cancel, ask) = Cancel::by_hand();
    let path = agent.path();
    let followed = tokio::select! {
        followed = follow(&path, &cancel) => Some(followed),
        () = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            ask(Cancelled::Terminate);
            cancel.passed(deadlines::HOST).await;
        } => None,
    };
    assert!(followed.is_none());
    let tries = agent.heard().matches("\"request\":\"follow\"").count();
    assert!(tries >= 3, "{tries} tries");
}

#[tokio::test]
async fn an_agent_that_says_nothing_for_ten_minutes_is_waited_for_no_longer() {
    let script = Agent::new("exec sleep 1000");
    let agent = InstalledAgent {
        path: script.path().display().to_string(),
        uploaded: 0,
    };
    let reporter = Reporter::new(ConsoleMode::Json, Redactor::default());
    let host = host();
    let mut session = Session {
        host: &host,
        remote: Remote::Local,
        agent,
        fence: None,
    };
    // From here on ten minutes pass as soon as there is nothing else to do.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let prepared = session.prepare(&reporter).await;
    let look = Request::Status {
        site: host.site.clone(),
        of: None,
    };
    let status = session.ask(&look, |_| None::<()>, &reporter).await;
    for error in [prepared.unwrap_err(), status.unwrap_err()] {
        assert_eq!(error.reason(), Reason::AgentUnavailable);
        let said = "the agent on the host has said nothing for 600 s";
        assert_eq!(error.to_string(), said);
        assert!(!error.hints().is_empty());
    }
    assert_eq!(began.elapsed().as_secs(), 2 * 600);
}

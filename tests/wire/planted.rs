//! Secrets planted in everything that comes from outside, in every form, and looked for in everything that
//! leaves: both APIs, the log, the outputs, the summary, the result.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pct_deploy::config::types::MessageFormat;
use pct_deploy::protocol::event::{Event, Happening};
use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::{BakeReport, BakeVerdict, Served};
use pct_deploy::protocol::step::Step;
use pct_deploy::report::outputs::OutputFiles;
use pct_deploy::report::{ConsoleMode, Reporter};
use pct_deploy::secret::{Redactor, Secret};
use serde_json::json;

use crate::server::{Seen, Server, json as answer, text};
use crate::world::{Ending, HOOK, Log, TOKEN, config, context, result, started};

const PASSWORD: &str = "dckr_p&t \"ß\"/+=%";
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nQyNTUxOQAAACDx/9+aB\n-----END OPENSSH PRIVATE KEY-----";

/// Every form of a secret that a program could have printed.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap();
    let curl: String = secret
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        curl,
        STANDARD.encode(secret),
        STANDARD.encode(format!("user:{secret}")),
        URL_SAFE_NO_PAD.encode(format!("{{\"username\":\"u\",\"password\":{json}}}")),
    ]
}

/// What must not be found: the secrets, their lines, and what of each form is theirs alone.
fn needles() -> Vec<String> {
    let mut needles = vec!["secrethook".to_owned(), HOOK.to_owned(), TOKEN.to_owned()];
    for secret in [PASSWORD, KEY, TOKEN] {
        for form in forms(secret) {
            needles.extend(form.lines().map(str::to_owned));
        }
    }
    // Inside base64 the ends are shared with what stands beside the secret.
    for before in ["user:", "{\"username\":\"u\",\"password\":\""] {
        let whole = STANDARD.encode(format!("{before}{TOKEN}"));
        let start = (before.len() * 8).div_ceil(6);
        needles.push(whole[start..start + TOKEN.len() * 8 / 6 - 1].to_owned());
    }
    needles
}

fn planted() -> String {
    let all = [PASSWORD, KEY, TOKEN].into_iter().flat_map(forms);
    all.collect::<Vec<_>>().join(" and ")
}

fn hub(seen: &Seen) -> crate::server::Reply {
    match seen.line.split_once(' ').unwrap() {
        ("GET", path) if path.contains("/commits/") => {
            let commit = json!({ "message": planted(), "author": { "name": planted() } });
            answer(200, &json!({ "commit": commit }))
        }
        ("GET", _) => answer(200, &json!([])),
        // The one call that fails, with an error that repeats what it should not.
        ("DELETE", _) => answer(500, &json!({ "message": planted() })),
        _ => answer(201, &json!({ "id": 1 })),
    }
}

#[tokio::test]
async fn no_planted_secret_leaves_in_any_form() {
    for format in [
        MessageFormat::Slack,
        MessageFormat::Workflow,
        MessageFormat::Mattermost,
        MessageFormat::Discord,
    ] {
        no_secret_leaves(format).await;
    }
}

async fn no_secret_leaves(format: MessageFormat) {
    let (hub, slack) = (
        Server::start(hub).await,
        Server::start(|_| text(200, "ok")).await,
    );
    let folder = tempfile::tempdir().unwrap();
    let files = OutputFiles {
        output: Some(folder.path().join("output")),
        summary: Some(folder.path().join("summary")),
        state: Some(folder.path().join("state")),
    };
    let (mut config, mut context) = (config(&slack), context(&hub));
    let settings = config.slack.as_mut().unwrap();
    settings.title = Some(planted());
    settings.format = format;
    let webhook = settings.webhook.clone();
    let secrets = [
        Secret::new(PASSWORD),
        Secret::new(KEY),
        Secret::new(TOKEN),
        webhook,
    ];
    let redactor = Redactor::new(&secrets.iter().collect::<Vec<_>>());
    let log = Log::default();
    let to = Box::new(log.clone());
    // Without masks, which are the one place where secrets stand.
    let reporter = Reporter::with_writer(ConsoleMode::Actions, redactor, to);

    (context.head_ref, context.actor) = (Some(planted()), Some(planted()));
    (context.workflow, context.job) = (Some(planted()), Some("deploy".to_owned()));
    let handle = started(&config, &context, &reporter).await;
    for what in [
        Happening::StepStarted {
            step: Step::StartSlot,
        },
        Happening::Output {
            source: planted(),
            line: planted(),
        },
        Happening::StepDone {
            step: Step::StartSlot,
            elapsed_ms: 1200,
        },
        Happening::Warning {
            text: planted(),
            hint: planted(),
        },
        Happening::LockWaiting { holder: planted() },
    ] {
        let event = Event {
            seq: 1,
            at_ms: 0,
            what,
        };
        reporter.agent_event(&event);
    }
    let mut result = result(Outcome::RolledBack);
    (result.slot, result.previous_slot) = (Some(planted()), Some(planted()));
    result.receipt.bake = Some(BakeReport {
        verdict: BakeVerdict::Worse,
        why: planted(),
        new: Served::default(),
        watched_ms: 1,
    });
    let failure = &mut result.failure.as_mut().unwrap().failure;
    failure.chain = vec![planted()];
    failure.hints = vec![planted()];
    failure.log_tail = planted().lines().map(str::to_owned).collect();
    let ending = Ending {
        files: files.clone(),
        label: Some("deploy"),
        handle,
        ..Ending::new(&config, &context, &reporter)
    };
    ending.finish(&mut result).await;

    let read = |path: &Option<std::path::PathBuf>| {
        std::fs::read_to_string(path.as_ref().unwrap()).unwrap_or_default()
    };
    let bodies = |server: &Server| {
        let seen = server.seen();
        seen.into_iter()
            .map(|seen| seen.body.to_string())
            .collect::<String>()
    };
    let written = [
        ("GitHub", bodies(&hub) + &hub.lines().join("\n")),
        ("Slack", bodies(&slack)),
        ("the log", log.text()),
        ("the outputs", read(&files.output)),
        ("the summary", read(&files.summary)),
        ("the state", read(&files.state)),
        ("the result", serde_json::to_string(&result).unwrap()),
    ];
    let mut looked = 0;
    for (place, text) in &written {
        // JSON escapes once more what is escaped already; both are looked at.
        let plain = text.replace("\\\\", "\\").replace("\\\"", "\"");
        // As Markdown is drawn: without its escapes, and what cannot be seen.
        let drawn = plain.replace(['\\', '\u{200b}'], "");
        for needle in needles() {
            looked += 1;
            assert!(!text.contains(&needle), "{needle:?} is in {place}: {text}");
            assert!(!plain.contains(&needle), "{needle:?} is in {place}: {text}");
            assert!(
                !drawn.contains(&needle),
                "{needle:?} is drawn in {place}: {text}"
            );
        }
    }
    assert!(
        written
            .iter()
            .filter(|(_, text)| text.contains("***"))
            .count()
            >= 6
    );
    assert!(looked > 0, "nothing was looked at");
}

//! Secrets in every secret input, looked for in everything that a run writes, prints, sends or hands down.

mod processes;

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use pct_deploy::config::schema::{SETTINGS, SettingKind};

use self::processes::Watch;
use crate::act::container::{Container, Finished};
use crate::act::project::{LABEL, Project, TOKEN};
use crate::world::{Host, World, docker};

/// In variables that a job and its runner have, and that are none of our business.
const LEAKED: [&str; 4] = [
    "ACTIONS_RUNTIME_TOKEN",
    "GITHUB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "MY_PASSWORD",
];
const OF_JOB: &str = "planted-secret-of-the-job";
const OF_REGISTRY: &str = "planted-password-of-a-registry";

/// A secret in all its forms, by the input that it came in.
struct Needle {
    input: String,
    forms: Vec<String>,
}

impl Needle {
    fn new(input: &str, secret: &str) -> Self {
        let secret = secret.trim();
        let marks = |line: &&str| line.starts_with("-----") || line.len() < 8;
        let lines = secret
            .lines()
            .filter(|line| !marks(line))
            .map(str::to_owned);
        let percent: String = secret
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect();
        let whole = [
            secret.to_owned(),
            STANDARD.encode(secret),
            STANDARD_NO_PAD.encode(secret),
            URL_SAFE.encode(secret),
            percent,
        ];
        Self {
            input: input.to_owned(),
            forms: whole.into_iter().chain(lines).collect(),
        }
    }
}

/// Where something was found.
fn found(needles: &[Needle], place: &str, text: &str) -> Vec<String> {
    needles
        .iter()
        .filter(|needle| needle.forms.iter().any(|form| text.contains(form.as_str())))
        .map(|needle| format!("`{}` in {place}", needle.input))
        .collect()
}

/// All that a step left for the runner. The runner swallows `add-mask`, whose purpose is to carry secrets.
fn of_step(finished: &Finished) -> String {
    let shown = |line: &&str| !line.starts_with("::add-mask::");
    let mut all: String = finished
        .log
        .lines()
        .filter(shown)
        .map(|line| format!("{line}\n"))
        .collect();
    write!(all, "{}\n{}", finished.summary, finished.left_behind).unwrap();
    write!(all, "{:?}{:?}", finished.outputs, finished.state).unwrap();
    all
}

/// All that is on the host: files, logs, containers.
fn of_host(world: &World) -> String {
    world.ask_host(
        "find /var/lib/pct-deploy /home/ec2-user /tmp /etc/nginx /root -type f -size -2000k \
             ! -path '*/bin/*' -exec grep -aH '' {} + ; \
         journalctl --no-pager -o cat; docker ps -aq | xargs -r docker inspect; docker image ls -q | \
             xargs -r docker image inspect; ls -la /home/ec2-user; true",
    )
}

/// All that is sent, but for the header whose purpose is to carry the token.
fn sent(world: &World, runner: &Container) -> String {
    let mut all = String::new();
    for request in runner.github.requests() {
        writeln!(all, "{} {:?} {}", request.path, request.query, request.body).unwrap();
    }
    for message in world.slack.messages() {
        writeln!(all, "{:?} {}", message.headers, message.body).unwrap();
    }
    all
}

#[test]
fn no_secret_is_found_anywhere() {
    let world = World::fresh(Host::V2);
    let project = Project::new(&world, "secrets");
    let pull = crate::act::pull(&project);
    project.write_event(pull, LABEL);
    let wrong = "planted-wrong-password";
    let key = std::fs::read_to_string(&world.env.key).unwrap();
    let needles = [
        Needle::new("ssh-key", &key),
        Needle::new("registry-password", &world.env.registry_password),
        Needle::new("registry-password", wrong),
        Needle::new("registries", OF_REGISTRY),
        Needle::new("github-token", TOKEN),
        Needle::new("slack-webhook-url", &world.slack.url()),
        Needle::new("slack-webhook-url", sandbox::slack::PATH),
        Needle::new("env", OF_JOB),
    ];
    for setting in SETTINGS
        .iter()
        .filter(|setting| setting.kind == SettingKind::Secret)
    {
        let planted = needles.iter().any(|needle| needle.input == setting.key);
        assert!(
            planted,
            "`{}` is a secret and is not planted here",
            setting.key
        );
    }
    let runner = || {
        let other = format!("ghcr.io me {OF_REGISTRY}");
        let runner = Container::new(&world, &project)
            .env("RUNNER_DEBUG", "1")
            .input("registries", &other);
        LEAKED
            .iter()
            .fold(runner, |runner, name| runner.env(name, OF_JOB))
    };
    let mut leaks = Vec::new();
    let mut look = |runner: &Container, name: &str, line: Option<&str>| {
        let mut running = runner.start(&project);
        let watch = Watch::start(&running.name, &world.env.container);
        let finished = match line {
            Some(line) => {
                running.until(line);
                running.cancel().0
            }
            None => running.wait(),
        };
        let (here, there) = watch.stop();
        let post = runner.post(&project, &finished.state);
        leaks.extend(found(
            &needles,
            &format!("{name}: the step"),
            &of_step(&finished),
        ));
        leaks.extend(found(
            &needles,
            &format!("{name}: the post step"),
            &of_step(&post),
        ));
        leaks.extend(found(
            &needles,
            &format!("{name}: what was sent"),
            &sent(&world, runner),
        ));
        leaks.extend(found(
            &needles,
            &format!("{name}: processes of the runner"),
            &here,
        ));
        leaks.extend(found(
            &needles,
            &format!("{name}: processes of the host"),
            &there,
        ));
        (finished, here, there)
    };

    let (good, here, there) = look(&runner(), "a deploy", None);
    assert_eq!(good.output("outcome"), "deployed", "{}", good.log);
    // The look was worth something.
    assert!(
        here.contains("ssh\0") && here.contains("BatchMode"),
        "{here:?}"
    );
    assert!(there.contains("agent\0serve"), "{there:?}");

    let crash = "HELLO_VERSION=v2\nHELLO_CRASH_AT_BOOT=1";
    let crashes = runner().input("build-args", crash);
    let (failed, _, _) = look(&crashes, "a release that crashes", None);
    assert_eq!(failed.output("outcome"), "rolled-back");

    let refused = runner().input("registry-password", wrong);
    let (failed, _, _) = look(&refused, "a wrong password", None);
    assert_eq!(failed.output("reason-code"), "registry-unauthorized");

    let slow = "HELLO_VERSION=v3\nHELLO_BOOT_DELAY_MS=60000";
    let cancelled = runner()
        .input("build-args", slow)
        .input("stop-timeout", "2s");
    let (cancelled, _, _) = look(&cancelled, "a cancelled run", Some("await_healthy  …"));
    assert_eq!(cancelled.code, Some(130));
    std::thread::sleep(Duration::from_secs(1));

    let host = of_host(&world);
    assert!(host.contains("\"kind\":\"finished\"") && host.contains("Accepted publickey"));
    leaks.extend(found(&needles, "the host", &host));
    let image = "localhost:5000/pct/hello:latest";
    for args in [
        ["image", "inspect", image],
        ["history", "--no-trunc", image],
    ] {
        let shown = docker(&args);
        leaks.extend(found(
            &needles,
            "the image",
            &String::from_utf8_lossy(&shown.stdout),
        ));
    }
    assert!(
        leaks.is_empty(),
        "found {} times:\n{}",
        leaks.len(),
        leaks.join("\n")
    );
    eprintln!("secrets found: 0 times, with {} needles", needles.len());
}

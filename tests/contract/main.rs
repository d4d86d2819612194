//! The contract of a container action, fact by fact: what GitHub's runner and act do, and what an action must
//! therefore obey. Prints the table `fact → test → ok`; a row is what its test said in this very run.
//!
//! Needs the sandbox and the action's image: `scripts/sandbox up`, `scripts/hello`, `scripts/dist --dev`.
//! `cargo test --test contract -- fact_07` runs one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::use_debug,
    clippy::indexing_slicing,
    reason = "test code"
)]
#![expect(
    dead_code,
    reason = "the world of the end-to-end tests has more to offer"
)]

mod act;
#[path = "../e2e/world/mod.rs"]
mod world;

mod bench;
mod commit;
mod deploy;
mod inputs;
mod metadata;
mod network;
mod output;
mod signals;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use bench::Bench;

struct Fact {
    says: &'static str,
    test: &'static str,
    run: fn(&Bench),
}

macro_rules! facts {
    ($($says:literal => $module:ident::$test:ident,)*) => {
        &[$(Fact {
            says: $says,
            test: concat!(stringify!($module), "::", stringify!($test)),
            run: $module::$test,
        },)*]
    };
}

/// In the order of the contract; a test's name carries its number.
const FACTS: &[Fact] = facts![
    "metadata: docker, literal image, static args, a post entry point" => metadata::fact_01_static_metadata,
    "entry point in exec form, no shell, no user, no working directory" => metadata::fact_02_exec_form,
    "inputs as the runner spells them, underscores too; empty is unset" => inputs::fact_03_input_names,
    "a flag beats an input beats a variable beats the file" => inputs::fact_04_precedence,
    "the token is an input with a default, never GITHUB_TOKEN" => inputs::fact_05_token_is_an_input,
    "the event is found where the runner or act mounts it" => inputs::fact_06_event_paths,
    "a missing output, state or summary file is fine" => output::fact_07_missing_files_are_fine,
    "files are appended to, UTF-8, LF, random delimiters" => output::fact_08_files_are_appended,
    "summary below 1 MiB, ten annotations a level, 4096 characters" => output::fact_09_limits,
    "untrusted output commands nobody" => output::fact_10_untrusted_output,
    "secrets and what is derived from them are masked before use" => deploy::fact_11_masks_come_first,
    "SIGINT and SIGTERM end it within 7 s, a second one at once" => signals::fact_12_signals,
    "state before what cannot be taken back; post is idempotent" => signals::fact_13_state_and_post,
    "the post step has a deadline of its own" => signals::fact_14_post_has_a_deadline,
    "exit codes: 0 for deployed and for no, else stable" => output::fact_15_exit_codes,
    "the head commit is the event's, not GITHUB_SHA" => deploy::fact_16_head_commit,
    "the workspace holds the head or its merge, or nothing happens" => commit::fact_17_workspace_commit,
    "only `pull_request` with `labeled` deploys; others say why not" => inputs::fact_18_other_events,
    "DOCKER_HOST or the socket; its own registry login" => network::fact_19_docker_and_login,
    "ssh gets everything said explicitly, nothing from $HOME" => network::fact_20_ssh_is_explicit,
    "API and links from the environment" => deploy::fact_21_api_and_links,
    "deployment: no auto merge, no contexts, full SHA, states in order" => deploy::fact_22_deployment,
    "what creates something is never blindly repeated" => deploy::fact_23_no_blind_repeat,
    "no network at start, and through a proxy when there is one" => network::fact_24_network,
    "two architectures, ssh and certificates in it, starts within 1 s" => metadata::fact_25_image_and_start,
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    for (index, fact) in FACTS.iter().enumerate() {
        let named = format!("::fact_{:02}_", index + 1);
        assert!(
            fact.test.contains(&named),
            "{} is not fact {}",
            fact.test,
            index + 1
        );
    }
    let bench = Bench::new();
    let mut rows = Vec::new();
    for (index, fact) in FACTS.iter().enumerate() {
        let runs = wanted.is_empty() || wanted.iter().any(|word| fact.test.contains(word.as_str()));
        if !runs {
            continue;
        }
        let ended = catch_unwind(AssertUnwindSafe(|| (fact.run)(&bench)));
        let word = if ended.is_ok() { "ok" } else { "FAILED" };
        println!("test {} ... {word}", fact.test);
        rows.push((index + 1, fact, word));
    }
    drop(bench);
    println!("\ncontract fact → test → ok");
    for (number, fact, word) in &rows {
        println!(
            "{number:>2}  {:<64} → {:<42} → {word}",
            fact.says, fact.test
        );
    }
    let good = rows.iter().filter(|(_, _, word)| *word == "ok").count();
    println!("{good} of {} contract facts hold\n", FACTS.len());
    let failed = rows.len() - good;
    // The line that `scripts/test` counts.
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {result}. {good} passed; {failed} failed; 0 ignored; 0 measured; {} filtered out",
        FACTS.len() - rows.len()
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

//! The pages in `docs/summary` are what the code writes: two results, read from files, their summaries and comments.
//!
//! `UPDATE=1 cargo test --test wire example` rewrites them; `scripts/summary-picture` draws them.

use std::fs;
use std::path::Path;

use pct_deploy::config::types::Language;
use pct_deploy::protocol::result::RunResult;
use pct_deploy::protocol::slot::PerSlot;
use pct_deploy::report::context::RunContext;
use pct_deploy::report::summary;

fn context() -> RunContext {
    RunContext {
        app: "pct-backend".parse().ok(),
        slots: Some(PerSlot {
            one: "pct-backend-1".parse().unwrap(),
            two: "pct-backend-2".parse().unwrap(),
        }),
        repository: Some("org/pct-backend".to_owned()),
        pull_request: Some(412),
        commit: "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b".parse().ok(),
        server_url: Some("https://github.com".to_owned()),
        run_id: Some("8812345678".to_owned()),
        ..RunContext::default()
    }
}

#[test]
fn the_documented_summaries_and_comments_are_what_a_run_writes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    type Write = fn(&RunResult, &RunContext, Language) -> String;
    let (summary, comment): (Write, Write) = (summary::summary, summary::comment);
    for (name, page, language, write) in [
        ("deployed", "deployed", Language::English, summary),
        ("deployed", "deployed.ko", Language::Korean, summary),
        ("deployed", "comment", Language::English, comment),
        ("rolled-back", "rolled-back", Language::English, summary),
        (
            "rolled-back",
            "comment.rolled-back",
            Language::English,
            comment,
        ),
    ] {
        let documented = root.join(format!("docs/summary/{page}.md"));
        let result = root.join(format!("tests/wire/example/{name}.json"));
        let result: RunResult = serde_json::from_str(&fs::read_to_string(result).unwrap()).unwrap();
        let page = write(&result, &context(), language);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(root.join("docs/summary")).unwrap();
            fs::write(&documented, &page).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&documented).unwrap(),
            page,
            "`UPDATE=1 cargo test --test wire example` rewrites {}",
            documented.display()
        );
    }
}

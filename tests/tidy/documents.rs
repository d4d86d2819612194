//! Documents that agree with the code.

use std::fs;
use std::sync::Mutex;

use pct_deploy::config::schema::{Group, Preset, SETTINGS, Setting};
use pct_deploy::error::Reason;
use pct_deploy::protocol::step::{Phase, Step};

use crate::root;

fn table() -> String {
    let mut text = String::new();
    for group in [
        Group::Gate,
        Group::Image,
        Group::Host,
        Group::Swap,
        Group::Report,
    ] {
        text.push_str(&format!(
            "\n### {}\n\n| setting | default | what it is |\n|---|---|---|\n",
            group.title()
        ));
        for setting in SETTINGS.iter().filter(|setting| setting.group == group) {
            let cell = |text: &str| text.replace('|', "\\|");
            text.push_str(&format!(
                "| `{}` | {} | {} |\n",
                setting.key,
                cell(&setting.preset_text()),
                cell(setting.help)
            ));
        }
    }
    text + "\n"
}

const BEGIN: &str = "<!-- settings:begin -->\n";
const END: &str = "<!-- settings:end -->";

/// The text with what lies between two marks replaced.
fn between(text: &str, begin: &str, end: &str, new: &str) -> String {
    let (before, rest) = text.split_once(begin).expect("the begin mark is there");
    let (_, after) = rest.split_once(end).expect("the end mark is there");
    format!("{before}{begin}{new}{end}{after}")
}

/// Two tests rewrite the same file; one after the other.
static WRITING: Mutex<()> = Mutex::new(());

/// Checks what lies between two marks of a file, or writes it when asked to.
#[track_caller]
pub(crate) fn rewrite(path: &str, begin: &str, end: &str, new: &str) {
    let _one_at_a_time = WRITING.lock();
    let path = root().join(path);
    let found = fs::read_to_string(&path).unwrap();
    let wanted = between(&found, begin, end, new);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, wanted).unwrap();
    } else {
        assert!(
            found == wanted,
            "{} does not agree with the code: run `UPDATE=1 cargo test --test tidy`",
            path.display()
        );
    }
}

#[test]
fn the_documents_list_every_setting() {
    for path in ["docs/settings.md", "README.md"] {
        let Ok(text) = fs::read_to_string(root().join(path)) else {
            assert_eq!(path, "README.md", "docs/settings.md is missing");
            continue;
        };
        if path == "docs/settings.md" || text.contains(BEGIN) {
            rewrite(path, BEGIN, END, &table());
        }
    }
}

/// The outputs as `action.yml` describes them.
fn outputs_table() -> String {
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    let action: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
    let rows = action["outputs"]
        .as_mapping()
        .unwrap()
        .iter()
        .map(|(key, about)| {
            let about = about["description"].as_str().unwrap();
            format!("| `{}` | {about} |\n", key.as_str().unwrap())
        });
    format!(
        "\n| output | what it is |\n|---|---|\n{}\n",
        rows.collect::<String>()
    )
}

#[test]
fn the_documents_list_every_output() {
    let (begin, end) = ("<!-- outputs:begin -->\n", "<!-- outputs:end -->");
    for path in ["docs/settings.md", "README.md"] {
        let text = fs::read_to_string(root().join(path)).unwrap_or_default();
        if text.contains(begin) {
            rewrite(path, begin, end, &outputs_table());
        }
    }
}

/// Only the token has a `default:` there: a runner passes defaults on as if they were given, and
/// they would hide what the environment and the settings file say.
fn input(setting: &Setting) -> String {
    let words = match setting.preset {
        Preset::Unset => String::new(),
        Preset::Required => " Required.".to_owned(),
        Preset::Value(_) | Preset::Derived(_) => format!(" Default: {}.", setting.preset_text()),
    };
    let description = format!("{}{words}", setting.help).replace('\'', "''");
    // An expression in a description would be refused; a default may hold one.
    let description = description.replace("${{ github.token }}", "github.token");
    let default = match setting.key {
        "github-token" => "\n    default: ${{ github.token }}",
        _ => "",
    };
    format!(
        "  {}:\n    description: '{description}'\n    required: false{default}\n",
        setting.key
    )
}

#[test]
fn the_action_declares_every_setting_and_nothing_else() {
    let inputs: String = SETTINGS.iter().map(input).collect();
    rewrite("action.yml", "\ninputs:\n", "\noutputs:", &inputs);
}

#[test]
fn the_action_is_one_that_a_runner_accepts() {
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    let action: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
    let at = |path: &[&str]| {
        path.iter()
            .fold(&action, |value, key| {
                value.get(key).unwrap_or(&yaml_serde::Value::Null)
            })
            .clone()
    };
    assert_eq!(at(&["runs", "using"]).as_str(), Some("docker"));
    let image = at(&["runs", "image"]);
    let image = image.as_str().unwrap();
    assert!(
        image == "Dockerfile" || image.starts_with("docker://"),
        "{image}"
    );
    let arguments = at(&["runs", "args"]);
    let arguments = arguments.as_sequence().unwrap();
    assert!(arguments.len() == 1 && arguments[0].as_str() == Some("action"));
    // One word and absolute: a runner takes it as it is, and it is the same binary in the image.
    let post = at(&["runs", "post-entrypoint"]);
    let post = post.as_str().unwrap().to_owned();
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).unwrap();
    assert!(
        dockerfile.contains(&format!("ln -s pct-deploy /root-fs{post}")),
        "{post} is not in the image"
    );
    assert_eq!(at(&["runs", "post-if"]).as_str(), Some("always()"));
    for key in ["name", "description", "author"] {
        assert!(
            at(&[key]).as_str().is_some_and(|text| !text.is_empty()),
            "{key}"
        );
    }
    let colours = [
        "white",
        "black",
        "yellow",
        "blue",
        "green",
        "orange",
        "red",
        "purple",
        "gray-dark",
    ];
    let colour = at(&["branding", "color"]);
    assert!(colours.contains(&colour.as_str().unwrap()));
    assert!(at(&["branding", "icon"]).as_str().is_some());
    let inputs = at(&["inputs"]);
    let inputs = inputs.as_mapping().unwrap();
    assert_eq!(inputs.len(), SETTINGS.len());
}

/// The fields of the result object that are outputs of their own; the rest is in `result` only.
const IN_RESULT_ONLY: [&str; 5] = ["version", "slots", "steps", "receipt", "failure"];

#[test]
fn the_outputs_are_the_fields_of_the_result() {
    let text = fs::read_to_string(root().join("src/protocol/result.rs")).unwrap();
    let body = text.split_once("pub struct RunResult {").unwrap().1;
    let body = body.split_once("\n}").unwrap().0;
    let mut wanted: Vec<String> = body
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
        .map(|(field, _)| field.to_owned())
        .filter(|field| !IN_RESULT_ONLY.contains(&field.as_str()))
        .map(|field| field.replace('_', "-"))
        .collect();
    wanted.push("result".to_owned());
    let action = fs::read_to_string(root().join("action.yml")).unwrap();
    let action: yaml_serde::Value = yaml_serde::from_str(&action).unwrap();
    let declared: Vec<&str> = action["outputs"]
        .as_mapping()
        .unwrap()
        .keys()
        .map(|key| key.as_str().unwrap())
        .collect();
    assert_eq!(declared, wanted);
    let written = fs::read_to_string(root().join("src/report/outputs.rs")).unwrap();
    let documented = fs::read_to_string(root().join("docs/settings.md")).unwrap();
    for output in wanted {
        assert!(
            written.contains(&format!("\"{output}\"")),
            "{output} is not written"
        );
        assert!(
            documented.contains(&format!("| `{output}` |")),
            "{output} is not documented"
        );
    }
}

#[test]
fn every_part_and_step_is_documented_in_order() {
    let documented = fs::read_to_string(root().join("docs/result.md")).unwrap();
    let names = |names: Vec<&str>| format!("`{}`", names.join("`, `"));
    let phases = names(Phase::ALL.iter().map(|phase| phase.as_str()).collect());
    let steps = names(Step::ALL.iter().map(|step| step.as_str()).collect());
    let text = documented.replace('\n', " ");
    for all in [phases, steps] {
        assert!(text.contains(&all), "{all}");
    }
}

#[test]
fn exit_codes_and_reasons_are_documented() {
    let documented = fs::read_to_string(root().join("docs/settings.md")).unwrap();
    let code = fs::read_to_string(root().join("src/error/mod.rs")).unwrap();
    let body = code.split_once("pub enum ExitCode {").unwrap().1;
    let body = body.split_once("\n}").unwrap().0;
    let codes = body.lines().filter_map(|line| {
        let (_, number) = line.trim().split_once(" = ")?;
        number.strip_suffix(',')
    });
    let mut count = 0;
    for number in codes {
        count += 1;
        assert!(
            documented.contains(&format!("| {number} |")),
            "exit code {number}"
        );
    }
    assert_eq!(count, 8);
    for reason in Reason::ALL {
        assert!(
            documented.contains(&format!("`{reason}`")),
            "reason {reason}"
        );
    }
}

/// The table of the gate has every reason that the gate gives, and no other word where reasons stand.
#[test]
fn every_path_of_the_gate_is_documented() {
    let documented = fs::read_to_string(root().join("docs/gate.md")).unwrap();
    let rows = documented.lines().filter(|line| line.starts_with('|'));
    let last_cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let codes: Vec<&str> = last_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|code| *code != "reason-code")
        .collect();
    let known: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    for code in &codes {
        assert!(known.contains(code), "`{code}` is no reason");
    }
    let mut given = 0;
    for (name, text) in crate::sources() {
        if !name.starts_with("runner/gate/") && name != "clients/github/questions.rs" {
            continue;
        }
        for rest in crate::product(&text).split("Reason::").skip(1) {
            let word: String = rest
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            let reason = Reason::ALL
                .iter()
                .find(|reason| format!("{reason:?}") == word);
            let code = reason.unwrap_or_else(|| panic!("{name}: {word}")).as_str();
            assert!(
                codes.contains(&code),
                "{name}: `{code}` is not in docs/gate.md"
            );
            given += 1;
        }
    }
    assert!(given > 20, "{given} found: does the search still work?");
}

/// A hint that names a command which does not exist sends a person the wrong way.
#[test]
fn texts_name_commands_that_exist() {
    const COMMANDS: [&str; 12] = [
        "action",
        "action-post",
        "agent",
        "completions",
        "deploy",
        "doctor",
        "history",
        "logs",
        "man",
        "provision",
        "rollback",
        "status",
    ];
    let documents = [
        "README.md",
        "README.ko.md",
        "docs/settings.md",
        "docs/journal.md",
        "docs/gate.md",
        "SECURITY.md",
    ];
    let documents = documents.map(|name| {
        (
            name.to_owned(),
            fs::read_to_string(root().join(name)).unwrap(),
        )
    });
    let mut seen = 0;
    for (name, text) in crate::sources().into_iter().chain(documents) {
        for (at, _) in text.match_indices("`pct-deploy ") {
            let rest = &text[at + "`pct-deploy ".len()..];
            let word: String = rest
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                .collect();
            if word.is_empty() {
                continue;
            }
            seen += 1;
            assert!(
                COMMANDS.contains(&word.as_str()),
                "{name}: `pct-deploy {word}` is no command"
            );
        }
    }
    assert!(
        seen > 5,
        "{seen} mentions found: does the search still work?"
    );
}

/// What a text tells a person to type on the host must be there: `provision` and deploys put one program there, by one name.
#[test]
fn no_hint_names_a_program_that_is_not_on_the_host() {
    let mut texts = crate::sources();
    texts.retain(|name, _| name.starts_with("src/"));
    for name in [
        "README.md",
        "README.ko.md",
        "ARCHITECTURE.md",
        "docs/journal.md",
        "docs/switch.md",
        "docs/chaos.md",
    ] {
        texts.insert(
            name.to_owned(),
            fs::read_to_string(root().join(name)).unwrap(),
        );
    }
    for (name, text) in texts {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in lines {
            for (at, _) in line.match_indices(" agent recover`") {
                let program = line[..at].rsplit(['`', ' ']).next().unwrap_or_default();
                let is_there = program.starts_with("/var/lib/pct-deploy/bin/") || program == "{}";
                assert!(is_there, "{name}: {line}");
            }
        }
    }
}

//! Gathers the texts of all settings: flag, input, environment, file, in this order of strength.

use std::collections::BTreeMap;

use super::file::{self, SettingsFile};
use super::problems::{Problem, Problems};
use super::raw::{Given, Raw, Source};
use super::schema::{self, ENV_PREFIX, INPUT_PREFIX, SETTINGS, SettingKind};
use super::trust;
use crate::protocol::ids::Repository;

/// Where texts may come from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Settings given on the command line.
    pub flags: &'a [(&'static str, String)],
    /// The whole environment.
    pub env: &'a BTreeMap<String, String>,
    /// The settings file, when there is one.
    pub file: Option<&'a SettingsFile>,
    /// Whether unknown inputs are worth a word.
    pub inputs: Inputs,
}

/// What the `INPUT_*` variables are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// Made by the runner for this action: an unknown one is a mistake in the workflow.
    OfThisAction,
    /// Possibly left over from someone else.
    Inherited,
}

/// Every text, and what is wrong with the names.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The texts.
    pub raw: Raw,
    /// Unknown names and an unreadable file. Reported with what [`super::parse`] finds.
    pub problems: Problems,
    /// Inputs that are not ours (an outer action can leak its own), and a name that is spelled otherwise. They stop nothing.
    pub warnings: Vec<Problem>,
}

/// Inputs that every container action has.
const MAGIC_INPUTS: [&str; 2] = ["entrypoint", "args"];

/// Collects the texts; parses none of them.
pub fn gather(sources: &Sources<'_>) -> Gathered {
    let mut gathered = Gathered::default();
    gathered.raw.home = sources.env.get("HOME").cloned();
    gathered.raw.in_workflow = sources
        .env
        .get("GITHUB_ACTIONS")
        .is_some_and(|word| word == "true");
    let raw = &mut gathered.raw;
    for (key, text) in sources.flags {
        raw.offer(key, text, Source::Flag);
    }
    for setting in SETTINGS {
        for name in setting.input_names() {
            if let Some(text) = sources.env.get(&name) {
                raw.offer(setting.key, text, Source::Input);
            }
        }
        if let Some(text) = sources.env.get(&setting.env_name()) {
            raw.offer(setting.key, text, Source::Environment);
        }
    }
    check_environment(sources.env, &mut gathered.problems);
    match sources.inputs {
        Inputs::OfThisAction => check_inputs(sources.env, &mut gathered),
        Inputs::Inherited => {}
    }
    if let Some(file) = sources.file {
        gathered.raw.file = Some(file.name.clone());
        gathered.raw.folder = file.folder();
        gathered.raw.is_file_above = file.is_above;
        for (setting, text) in file::read(file, &mut gathered.problems) {
            match trust::refusal(setting, &text, &file.name, sources.inputs) {
                Some(Problem { what, cure }) => gathered.problems.add(what, cure),
                None => gathered.raw.offer(setting.key, &text, Source::File),
            }
        }
    }
    check_standard_input(sources.flags, &mut gathered.problems);
    lower_image(&mut gathered);
    gathered
}

/// `${{ github.repository }}` is spelled as its owner likes it; a registry takes lower case alone.
fn lower_image(gathered: &mut Gathered) {
    let Some(Given { text, source }) = gathered.raw.given("image").cloned() else {
        return;
    };
    let lower = text.to_ascii_lowercase();
    let name = lower
        .split_once('@')
        .map_or(lower.as_str(), |(name, _)| name);
    if lower != text && name.parse::<Repository>().is_ok() {
        gathered.warnings.push(Problem {
            what: format!(
                "`image`: `{text}` is taken as `{lower}`: registries take lower case alone"
            ),
            cure: "write it in lower case".to_owned(),
        });
        gathered.raw.replace("image", lower, source);
    }
}

fn check_environment(env: &BTreeMap<String, String>, problems: &mut Problems) {
    for name in env.keys() {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else {
            continue;
        };
        let key = rest.to_ascii_lowercase().replace('_', "-");
        let known = schema::find(&key).is_some_and(|setting| setting.env_name() == *name);
        if !known {
            let spell =
                |near: &str| schema::find(near).map_or_else(String::new, schema::Setting::env_name);
            file::unknown(&format!("the variable `{name}`"), &key, spell, problems);
        }
    }
}

fn check_inputs(env: &BTreeMap<String, String>, gathered: &mut Gathered) {
    let mut unknown = Problems::default();
    for (name, text) in env {
        let Some(rest) = name.strip_prefix(INPUT_PREFIX) else {
            continue;
        };
        let key = rest.to_ascii_lowercase().replace('_', "-");
        if schema::find(&key).is_some()
            || MAGIC_INPUTS.contains(&key.as_str())
            || text.trim().is_empty()
        {
            continue;
        }
        // A planned setting is surely meant for us; accepting it silently would mislead.
        let planned = schema::NOT_YET.contains(&key.as_str());
        let to = if planned {
            &mut gathered.problems
        } else {
            &mut unknown
        };
        file::unknown(&format!("the input `{key}`"), &key, str::to_owned, to);
    }
    gathered.warnings = unknown.list().to_vec();
}

/// The secret settings whose flag says `-`: to be read from standard input.
pub fn from_standard_input(raw: &Raw) -> Option<&'static str> {
    let secrets = SETTINGS
        .iter()
        .filter(|setting| setting.kind == SettingKind::Secret);
    secrets
        .filter(|setting| raw.given(setting.key).is_some_and(is_dash))
        .map(|setting| setting.key)
        .next()
}

fn is_dash(given: &Given) -> bool {
    given.source == Source::Flag && given.text == "-"
}

fn check_standard_input(flags: &[(&'static str, String)], problems: &mut Problems) {
    let keys: Vec<String> = flags
        .iter()
        .filter(|(key, text)| {
            text.trim() == "-"
                && schema::find(key).is_some_and(|setting| setting.kind == SettingKind::Secret)
        })
        .map(|(key, _)| format!("`--{key}`"))
        .collect();
    if keys.len() > 1 {
        problems.add(
            format!(
                "only one secret can be read from standard input, not {}",
                keys.join(" and ")
            ),
            "give the others as `@FILE` or in the environment",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    fn of(env: &BTreeMap<String, String>, inputs: Inputs) -> Gathered {
        gather(&Sources {
            flags: &[],
            env,
            file: None,
            inputs,
        })
    }

    #[test]
    fn each_source_beats_the_next_for_every_setting() {
        for setting in SETTINGS {
            let [input, _] = setting.input_names();
            let env_name = setting.env_name();
            let full = [
                (input.as_str(), "from-input"),
                (env_name.as_str(), "from-env"),
            ];
            let file = SettingsFile {
                name: "f".to_owned(),
                text: format!("{}: from-file\n", setting.key),
                is_above: false,
            };
            let flags = [(setting.key, "from-flag".to_owned())];
            for (skip, expected) in ["from-flag", "from-input", "from-env", "from-file"]
                .iter()
                .enumerate()
            {
                let env = env(full.get(skip.saturating_sub(1)..).unwrap_or_default());
                let gathered = gather(&Sources {
                    flags: if skip == 0 { &flags } else { &[] },
                    env: &env,
                    file: Some(&file),
                    inputs: Inputs::Inherited,
                });
                // A secret in the file is refused, whether it would be used or not.
                let refused = setting.kind == SettingKind::Secret && setting.key != "ssh-key";
                let found = gathered.raw.given(setting.key).map(|given| &*given.text);
                let expected = (!refused || skip < 3).then_some(*expected);
                assert_eq!(found, expected, "{}", setting.key);
                let problems = gathered.problems.list().len();
                assert_eq!(problems, usize::from(refused), "{}", setting.key);
            }
        }
    }

    #[test]
    fn in_the_action_the_file_says_nothing_about_the_gate_and_where_secrets_go() {
        for setting in SETTINGS {
            let file = SettingsFile {
                name: "f".to_owned(),
                text: format!("{}: from-file\n", setting.key),
                is_above: false,
            };
            let gathered = gather(&Sources {
                flags: &[],
                env: &BTreeMap::new(),
                file: Some(&file),
                inputs: Inputs::OfThisAction,
            });
            let problems = gathered.problems.list();
            if trust::inputs_only(setting) {
                assert_eq!(gathered.raw.given(setting.key), None, "{}", setting.key);
                let [Problem { what, cure }] = problems else {
                    panic!("{problems:?}")
                };
                assert!(what.contains(&format!("`{}`", setting.key)), "{what}");
                assert!(cure.contains("remove it there"), "{cure}");
            } else {
                assert_eq!(gathered.raw.text(setting.key), Some("from-file"));
                assert!(problems.is_empty(), "{problems:?}");
            }
        }
    }

    #[test]
    fn inputs_are_read_in_both_spellings_and_the_runners_own_wins() {
        let both = env(&[("INPUT_SSH_HOST", "plain"), ("INPUT_SSH-HOST", "hyphen")]);
        assert_eq!(
            of(&both, Inputs::OfThisAction).raw.text("ssh-host"),
            Some("hyphen")
        );
        let half = env(&[("INPUT_SSH_HOST", "plain"), ("INPUT_SSH-HOST", "")]);
        assert_eq!(
            of(&half, Inputs::OfThisAction).raw.text("ssh-host"),
            Some("plain")
        );
    }

    #[test]
    fn an_unknown_variable_of_ours_is_an_error_with_the_nearest_name() {
        let gathered = of(&env(&[("PCT_DEPLOY_SSH_HOTS", "h")]), Inputs::Inherited);
        let problem = &gathered.problems.list()[0];
        assert_eq!(
            problem.what,
            "the variable `PCT_DEPLOY_SSH_HOTS` is not a setting"
        );
        assert_eq!(problem.cure, "did you mean `PCT_DEPLOY_SSH_HOST`?");
        let gathered = of(&env(&[("PCT_DEPLOY_TRANSFER", "ssh")]), Inputs::Inherited);
        assert!(
            gathered.problems.list()[0]
                .what
                .contains("not available yet")
        );
    }

    #[test]
    fn an_unknown_input_warns_in_the_action_and_is_none_of_our_business_elsewhere() {
        let strange = env(&[
            ("INPUT_SSH-HOTS", "h"),
            ("INPUT_ENTRYPOINT", "x"),
            ("INPUT_ARGS", "y"),
            ("INPUT_COLOUR", ""),
        ]);
        let gathered = of(&strange, Inputs::OfThisAction);
        assert!(gathered.problems.list().is_empty());
        assert_eq!(gathered.warnings.len(), 1);
        assert_eq!(gathered.warnings[0].cure, "did you mean `ssh-host`?");
        assert!(of(&strange, Inputs::Inherited).warnings.is_empty());
        let planned = of(
            &env(&[("INPUT_CACHE-FROM", "type=gha")]),
            Inputs::OfThisAction,
        );
        assert!(
            planned.problems.list()[0]
                .what
                .contains("not available yet")
        );
    }

    #[test]
    fn an_image_in_upper_case_is_taken_in_lower_case_with_a_word() {
        let lowered = |text: &str| {
            let env = BTreeMap::from([("INPUT_IMAGE".to_owned(), text.to_owned())]);
            let gathered = of(&env, Inputs::OfThisAction);
            (
                gathered.raw.text("image").unwrap().to_owned(),
                gathered.warnings,
            )
        };
        let (name, warnings) = lowered("ghcr.io/MyOrg/My-App");
        assert_eq!(name, "ghcr.io/myorg/my-app");
        assert!(
            warnings[0].what.contains("`ghcr.io/MyOrg/My-App`"),
            "{warnings:?}"
        );
        for text in ["ghcr.io/myorg/my-app", "Not An Image", "User/App:Latest"] {
            assert_eq!(lowered(text), (text.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn one_secret_may_come_from_standard_input() {
        let flags = [
            ("ssh-key", "-".to_owned()),
            ("registry-password", "-".to_owned()),
        ];
        let of = |flags| {
            gather(&Sources {
                flags,
                env: &BTreeMap::new(),
                file: None,
                inputs: Inputs::Inherited,
            })
        };
        assert_eq!(of(&flags).problems.list().len(), 1);
        let one = of(&flags[..1]);
        assert!(one.problems.list().is_empty());
        assert_eq!(from_standard_input(&one.raw), Some("ssh-key"));
    }
}

//! Flags made from the table of settings.

use std::fmt;
use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::config::schema::{Preset, SETTINGS, Scope, Setting, SettingKind};

/// Names the settings that a command takes.
pub(super) trait Takes {
    const SCOPE: Scope;
}

/// All settings.
#[derive(Debug)]
pub(super) enum ForDeploy {}

/// Those of `rollback`.
#[derive(Debug)]
pub(super) enum ForRollback {}

/// Those of `status` and `history`.
#[derive(Debug)]
pub(super) enum ForLook {}

impl Takes for ForDeploy {
    const SCOPE: Scope = Scope::Deploy;
}

impl Takes for ForRollback {
    const SCOPE: Scope = Scope::Rollback;
}

impl Takes for ForLook {
    const SCOPE: Scope = Scope::Look;
}

/// The settings that were typed. `Debug` shows their names only.
pub(super) struct SettingFlags<T> {
    pub(super) given: Vec<(&'static str, String)>,
    takes: PhantomData<T>,
}

impl<T> fmt::Debug for SettingFlags<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.given.iter().map(|(key, _)| key))
            .finish()
    }
}

fn taken<T: Takes>() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| setting.concerns(T::SCOPE))
}

fn arg(setting: &'static Setting) -> Arg {
    let mut help = setting.help.trim_end_matches('.').to_owned();
    if let SettingKind::Choice(words) = setting.kind {
        help = format!("{help} ({})", words.join(", "));
    }
    match setting.preset {
        // What must be given depends on the command, and its error says so.
        Preset::Required | Preset::Unset => {}
        Preset::Value(_) | Preset::Derived(_) => {
            help = format!(
                "{help} [default: {}]",
                setting.preset_text().replace('`', "")
            );
        }
    }
    let arg = Arg::new(setting.key)
        .long(setting.key)
        .help(help)
        .help_heading(setting.group.title())
        .action(ArgAction::Set);
    match setting.kind {
        SettingKind::Text => arg.value_name("TEXT"),
        SettingKind::Span => arg.value_name("TIME"),
        SettingKind::Int => arg.value_name("NUMBER"),
        SettingKind::Choice(_) => arg.value_name("WORD"),
        SettingKind::List | SettingKind::Lines => arg.value_name("LIST").action(ArgAction::Append),
        SettingKind::Flag => arg
            .value_name("true|false")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        // A pasted key begins with a hyphen; it is refused later, without being shown.
        SettingKind::Secret => arg.value_name("@FILE|-").allow_hyphen_values(true),
    }
}

impl<T: Takes> Args for SettingFlags<T> {
    fn augment_args(command: Command) -> Command {
        command.args(taken::<T>().map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: Takes> FromArgMatches for SettingFlags<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = taken::<T>().filter_map(|setting| {
            let values: Vec<&str> = matches
                .get_many::<String>(setting.key)?
                .map(String::as_str)
                .collect();
            Some((setting.key, values.join("\n")))
        });
        Ok(Self {
            given: given.collect(),
            takes: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::super::args::{Cli, Command};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_command_for_the_container_keeps_its_own_flags() {
        let words = ["pct-deploy", "exec", "--app=x", "--", "sh", "-c", "--app"];
        match Cli::try_parse_from(words).unwrap().command {
            Command::Exec(args) => {
                assert_eq!(args.command, ["sh", "-c", "--app"]);
                assert_eq!(args.settings.given, [("app", "x".to_owned())]);
            }
            other => panic!("{other:?}"),
        }
    }

    fn deploy_flags(args: &[&str]) -> Vec<(&'static str, String)> {
        let all = ["pct-deploy", "deploy"].iter().chain(args);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Deploy(args) => args.settings.given,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_are_read_in_every_shape() {
        let given = deploy_flags(&[
            "--dry-run",
            "--comment=false",
            "--tags",
            "a,b",
            "--tags=c",
            "--ssh-key",
            "-----BEGIN",
        ]);
        let expected = [
            ("dry-run", "true"),
            ("tags", "a,b\nc"),
            ("ssh-key", "-----BEGIN"),
            ("comment", "false"),
        ];
        assert_eq!(given, expected.map(|(key, text)| (key, text.to_owned())));
    }

    #[test]
    fn a_command_refuses_what_does_not_concern_it() {
        for args in [
            ["pct-deploy", "status", "--slack-title=x"],
            ["pct-deploy", "rollback", "--label=x"],
            ["pct-deploy", "rollback", "--dry-run"],
        ] {
            assert!(Cli::try_parse_from(args).is_err(), "{args:?}");
        }
        let cli = Cli::try_parse_from(["pct-deploy", "status", "--app=x", "--json"]).unwrap();
        assert!(cli.global.json);
    }
}

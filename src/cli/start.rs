//! What every command of the runner side begins with.

use std::path::Path;

use super::args::{Global, HostWord};
use super::environment::{self, EnvironmentVariables};
use super::flags::SettingFlags;
use super::settings_file;
use crate::config::file::{DEFAULT_FILE, SettingsFile};
use crate::config::parse::{Caller, Reach};
use crate::config::sources::{self, Gathered, Inputs, Sources};
use crate::error::{Error, Result};
use crate::report::state::Memory;
use crate::report::{ConsoleMode, Verbosity};
use crate::runner::cancel::Cancel;
use crate::runner::{Invocation, event};

/// The world as the command found it.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) global: Global,
    pub(super) env: EnvironmentVariables,
    cancel: Cancel,
}

impl Start {
    /// Reads the environment and prepares logging and TLS.
    pub(super) fn new(global: Global, cancel: Cancel) -> Result<Self> {
        let env = environment::read();
        log(global.verbose, &env);
        rustls::crypto::ring::default_provider()
            .install_default()
            .map_err(|_other| Error::bug("a TLS provider is installed already"))?;
        Ok(Self {
            global,
            env,
            cancel,
        })
    }

    /// Who reads the log of `deploy`, `rollback` and the rest; the action decides for itself.
    fn console(&self) -> ConsoleMode {
        if self.global.json {
            ConsoleMode::Json
        } else if environment::is_workflow(&self.env) {
            ConsoleMode::Actions
        } else {
            ConsoleMode::Terminal
        }
    }

    /// How much a command prints that says `usually` so much.
    fn verbosity(&self, usually: Verbosity) -> Verbosity {
        match (self.global.quiet, self.global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) if environment::is_debug(&self.env) => Verbosity::Everything,
            (false, 0) => usually,
            (false, _) => Verbosity::Everything,
        }
    }

    /// The texts of all settings; none of them is read yet.
    pub(super) fn gather(&self, flags: &[(&'static str, String)], inputs: Inputs) -> Gathered {
        let file = self.settings_file(inputs);
        let mut gathered = sources::gather(&Sources {
            flags,
            env: &self.env,
            file: file.as_ref().ok().and_then(Option::as_ref),
            inputs,
        });
        if let Err(what) = file {
            let cure = "name a file that exists, or remove `--config`";
            gathered.problems.only(what, cure);
        }
        gathered
    }

    /// The file that is named, or the nearest one. In the action only the workspace's own counts.
    fn settings_file(&self, inputs: Inputs) -> Result<Option<SettingsFile>, String> {
        let named = self.global.config.as_deref();
        let above = || match inputs {
            Inputs::Inherited => settings_file::above(self.env.get("HOME")),
            Inputs::OfThisAction => None,
        };
        match settings_file::read(named.unwrap_or(Path::new(DEFAULT_FILE)), false) {
            Ok(None) if named.is_some() => {
                let name = named.unwrap_or(Path::new(DEFAULT_FILE)).display();
                Err(format!("the settings file `{name}` is not there"))
            }
            Ok(None) => above().map_or(Ok(None), |path| settings_file::read(&path, true)),
            read => read,
        }
    }

    /// What a command was given that somebody typed.
    pub(super) fn typed<S>(&self, flags: &SettingFlags<S>) -> Invocation {
        self.invocation(self.gather(&flags.given, Inputs::Inherited))
    }

    /// The same for one whose standard output is for the answer: lines for people go to standard error.
    pub(super) fn asked<S>(&self, flags: &SettingFlags<S>, usually: Verbosity) -> Invocation {
        Invocation {
            console: ConsoleMode::Json,
            verbosity: self.verbosity(usually),
            ..self.typed(flags)
        }
    }

    /// Everything that the environment says, with these settings.
    pub(super) fn invocation(&self, settings: Gathered) -> Invocation {
        Invocation {
            settings,
            context: event::context(&self.env),
            event: None,
            caller: Caller::Terminal,
            reach: match self.global.host {
                Some(HostWord::Local) => Reach::Local,
                None => Reach::Ssh,
            },
            console: self.console(),
            verbosity: self.verbosity(Verbosity::Steps),
            docker_host: environment::docker_host(&self.env),
            run_commit: environment::run_commit(&self.env),
            files: environment::output_files(&self.env),
            memory: Memory::none(),
            cancel: self.cancel.clone(),
            force: false,
        }
    }
}

/// Our own words only: libraries may log headers that hold secrets.
fn log(verbose: u8, env: &EnvironmentVariables) {
    let level = match verbose {
        0 if environment::is_debug(env) => "debug",
        0 => return,
        1 => "debug",
        2.. => "trace",
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(format!(
            "pct_deploy={level}"
        )))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}

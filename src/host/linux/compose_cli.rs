//! `docker compose`, the plugin, or `docker-compose`, the program.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::{HostError, Trouble};
use super::super::facts::{ComposeProject, ComposeTool, Composed};
use super::super::{HostResult, OnLine, RecreatePolicy};
use super::process::Program;
use crate::clients::environment::{Environment, is_program};
use crate::protocol::ids::ServiceName;

const CONFIG_DEADLINE: Duration = Duration::from_secs(30);
/// A dependency may have to be pulled.
const UP_DEADLINE: Duration = Duration::from_secs(300);

/// Where Docker keeps its plugins for everybody, in the order in which its CLI looks
/// (`cli-plugins/manager` of docker/cli); the user's own folder comes before.
const PLUGIN_FOLDERS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/// How compose is started here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Launcher {
    /// The plugin as a program: `docker` would start itself and every plugin first, three times the work.
    Plugin(PathBuf),
    /// `docker compose`, for a plugin that we do not find.
    Cli,
    /// `docker-compose`, whose version decides what it understands.
    Standalone(ComposeTool),
}

impl Launcher {
    /// Finds out which one is installed; the plugin is preferred.
    pub(super) async fn detect(home: &Path) -> HostResult<Self> {
        let doing = "find Docker Compose";
        let config = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        let plugin = plugin_in(plugin_folders(config, home));
        for launcher in plugin.map(Self::Plugin).into_iter().chain([Self::Cli]) {
            if let Ok(version) = launcher.version(doing).await
                && tool_of(&version) == Some(ComposeTool::V2)
            {
                return Ok(launcher);
            }
        }
        match Self::Standalone(ComposeTool::V1).version(doing).await {
            Ok(version) => match tool_of(&version) {
                Some(tool) => Ok(Self::Standalone(tool)),
                None => Err(HostError::new(Trouble::Refused, doing)
                    .because("`docker-compose version --short` printed no version")),
            },
            Err(error) if error.trouble == Trouble::Missing => {
                Err(HostError::new(Trouble::Missing, doing).because(
                    "neither `docker compose` nor `docker-compose` works; install the package \
                     docker-compose-plugin (Docker's own packages), docker-compose-v2 (Ubuntu) or \
                     docker-compose (Debian)",
                ))
            }
            Err(error) => Err(error),
        }
    }

    /// What it understands.
    pub(super) fn tool(&self) -> ComposeTool {
        match self {
            Self::Plugin(_) | Self::Cli => ComposeTool::V2,
            Self::Standalone(tool) => *tool,
        }
    }

    async fn version(&self, doing: &str) -> HostResult<String> {
        let version = self
            .program(doing)?
            .args(["version", "--short"])
            .capture()
            .await?;
        Ok(String::from_utf8_lossy(&version).into_owned())
    }

    fn program(&self, doing: &str) -> HostResult<Program> {
        let program = match self {
            Self::Plugin(file) => Program::at(file.clone(), "docker compose", doing),
            Self::Cli => Program::find("docker", doing)?.args(["compose"]),
            Self::Standalone(_) => Program::find("docker-compose", doing)?,
        };
        // Its output goes to a log, and the slot we did not name is no orphan.
        Ok(program
            .environment(Environment::Users)
            .env("COMPOSE_ANSI", "never")
            .env("COMPOSE_PROGRESS", "plain")
            .env("COMPOSE_MENU", "false")
            .env("COMPOSE_IGNORE_ORPHANS", "true")
            .env("DOCKER_CLI_HINTS", "false"))
    }

    fn on(&self, project: &ComposeProject, doing: &str) -> HostResult<Program> {
        Ok(self
            .program(doing)?
            .folder(&project.folder)
            .args(file_args(project)))
    }

    pub(super) async fn config(&self, project: &ComposeProject) -> HostResult<Composed> {
        let doing = format!("read the compose file in `{}`", project.folder.display());
        // Compose v2 leaves out services whose profile nobody asked for; v1 prints all of them.
        let every_profile: &[&str] = match self.tool() {
            ComposeTool::V1 => &[],
            ComposeTool::V2 => &["--profile", "*"],
        };
        let config = self
            .on(project, &doing)?
            .args(every_profile)
            .args(["config"])
            .deadline(CONFIG_DEADLINE);
        let mut unset = BTreeSet::new();
        let mut hear = |line: &str| unset.extend(unset_variable(line));
        let yaml = config.capture_beside(&mut hear).await.map_err(explain)?;
        let yaml = String::from_utf8(yaml)
            .map_err(|error| HostError::new(Trouble::Refused, doing).because(error))?;
        let unset = unset.into_iter().collect();
        Ok(Composed { yaml, unset })
    }

    pub(super) async fn up(
        &self,
        project: &ComposeProject,
        services: &[ServiceName],
        start: RecreatePolicy,
        on_line: OnLine<'_>,
    ) -> HostResult<()> {
        let doing = format!("start {}", names(services));
        let up = self
            .on(project, &doing)?
            .args(up_args(self.tool(), start))
            .args(services.iter().map(ServiceName::as_str))
            .deadline(UP_DEADLINE);
        let mut hear = |line: &str| {
            if !is_noise(line) {
                on_line(line);
            }
        };
        up.stream(&mut hear).await.map_err(explain)
    }
}

/// The folders that may hold the plugin; `config` is the user's `DOCKER_CONFIG`.
fn plugin_folders(config: Option<PathBuf>, home: &Path) -> impl Iterator<Item = PathBuf> {
    let own = config.unwrap_or_else(|| home.join(".docker"));
    std::iter::once(own.join("cli-plugins")).chain(PLUGIN_FOLDERS.map(PathBuf::from))
}

fn plugin_in(folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    folders
        .map(|folder| folder.join("docker-compose"))
        .find(|file| is_program(file))
}

fn tool_of(version: &str) -> Option<ComposeTool> {
    let major = version.trim().trim_start_matches('v').split('.').next()?;
    match major.parse::<u32>().ok()? {
        0 => None,
        1 => Some(ComposeTool::V1),
        _ => Some(ComposeTool::V2),
    }
}

fn file_args(project: &ComposeProject) -> impl Iterator<Item = OsString> {
    let name = project.name.iter();
    let name = name.flat_map(|name| [OsString::from("-p"), name.as_str().into()]);
    let stand_in = !project.instead.is_empty();
    // Compose would take the folder of our files for the project's, and its name for the project's name.
    let base = stand_in.then(|| ["--project-directory".into(), project.base().into()]);
    let files = if stand_in {
        &project.instead
    } else {
        &project.files
    };
    let files = files
        .iter()
        .flat_map(|file| [OsString::from("-f"), file.into()]);
    name.chain(base.into_iter().flatten()).chain(files)
}

fn up_args(tool: ComposeTool, start: RecreatePolicy) -> Vec<&'static str> {
    let mut args = vec!["up", "-d", "--no-deps", "--no-build"];
    args.extend(match start {
        RecreatePolicy::Keep => None,
        RecreatePolicy::Fresh => Some("--force-recreate"),
    });
    args.extend(match tool {
        ComposeTool::V1 => None,
        ComposeTool::V2 => Some("--quiet-pull"),
    });
    args
}

fn names(services: &[ServiceName]) -> String {
    let names: Vec<_> = services
        .iter()
        .map(|service| format!("`{service}`"))
        .collect();
    names.join(", ")
}

/// The variable in a warning of either generation: `The \"DB\" variable is not set. Defaulting to a blank string.`
fn unset_variable(line: &str) -> Option<String> {
    let (before, _) = line.split_once(" variable is not set. Defaulting to a blank string")?;
    let name = before.rsplit(' ').next()?;
    let name = name.trim_matches(|c| c == '"' || c == '\\');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Compose warns of a `version` in the file at every call. It does no harm, and the file is not ours.
fn is_noise(line: &str) -> bool {
    line.contains("attribute `version` is obsolete")
}

/// Compose has one exit status for everything; what it printed says more.
fn explain(mut error: HostError) -> HostError {
    if error.trouble == Trouble::Refused {
        let says = |text: &str| error.output_lines().iter().any(|line| line.contains(text));
        if says("no space left on device") {
            error.trouble = Trouble::DiskFull;
        } else if says("Cannot connect to the Docker daemon") || says("Couldn't connect to Docker")
        {
            error.trouble = Trouble::Unavailable;
        } else if says("permission denied while trying to connect") {
            error.trouble = Trouble::Denied;
        }
    }
    let lines = error.output_lines().iter();
    let lines = lines.filter(|line| !is_noise(line)).cloned().collect();
    error.output(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_every_kind_are_read() {
        for (text, tool) in [
            ("1.29.2\n", Some(ComposeTool::V1)),
            ("2.26.1-4\n", Some(ComposeTool::V2)),
            ("v2.0.1", Some(ComposeTool::V2)),
            ("5.0.0", Some(ComposeTool::V2)),
            ("docker: 'compose' is not a docker command", None),
            ("", None),
        ] {
            assert_eq!(tool_of(text), tool, "{text}");
        }
    }

    #[test]
    fn the_users_own_plugin_comes_first() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let folders: Vec<_> = plugin_folders(None, home.path()).collect();
        assert_eq!(folders.len(), 5);
        assert_eq!(folders[0], home.path().join(".docker/cli-plugins"));
        let elsewhere = plugin_folders(Some("/etc/docker-cli".into()), home.path()).next();
        assert_eq!(elsewhere, Some("/etc/docker-cli/cli-plugins".into()));
        std::fs::create_dir_all(&folders[0]).unwrap();
        let plugin = folders[0].join("docker-compose");
        std::fs::write(&plugin, "").unwrap();
        let found = || plugin_in(folders[..1].iter().cloned());
        assert_eq!(found(), None, "it cannot be started");
        std::fs::set_permissions(&plugin, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(found(), Some(plugin));
    }

    #[test]
    fn files_keep_their_order() {
        let project = ComposeProject {
            folder: "/home/ec2-user".into(),
            files: vec!["docker-compose.yml".into()],
            instead: Vec::new(),
            name: None,
            tool: ComposeTool::V2,
        }
        .with("/var/lib/pct-deploy/app/1.override.yml".into());
        let args: Vec<_> = file_args(&project).collect();
        assert_eq!(
            args,
            [
                "-f",
                "docker-compose.yml",
                "-f",
                "/var/lib/pct-deploy/app/1.override.yml"
            ]
        );
    }

    #[test]
    fn a_kept_release_is_started_in_the_project_that_the_file_makes() {
        let project = ComposeProject {
            folder: "/home/u".into(),
            files: vec!["deploy/compose.yml".into()],
            instead: Vec::new(),
            name: "shop".parse().ok(),
            tool: ComposeTool::V2,
        }
        .from(vec!["/s/r.yml".into(), "/s/1.yml".into()]);
        let args: Vec<_> = file_args(&project).collect();
        assert_eq!(
            args,
            [
                "-p",
                "shop",
                "--project-directory",
                "/home/u/deploy",
                "-f",
                "/s/r.yml",
                "-f",
                "/s/1.yml"
            ]
        );
    }

    #[test]
    fn only_a_fresh_start_recreates() {
        assert!(up_args(ComposeTool::V1, RecreatePolicy::Fresh).contains(&"--force-recreate"));
        assert!(!up_args(ComposeTool::V2, RecreatePolicy::Keep).contains(&"--force-recreate"));
    }

    #[test]
    fn a_variable_that_nobody_sets_is_heard_of_in_both_generations() {
        for line in [
            r#"time="2026-11-26T17:38:30Z" level=warning msg="The \"NOPE\" variable is not set. Defaulting to a blank string.""#,
            "The NOPE variable is not set. Defaulting to a blank string.",
            r#"WARN[0000] The "NOPE" variable is not set. Defaulting to a blank string. "#,
        ] {
            assert_eq!(unset_variable(line).as_deref(), Some("NOPE"), "{line}");
        }
        assert_eq!(unset_variable("network default is not set"), None);
    }

    #[test]
    fn an_obsolete_attribute_is_no_reason() {
        let noise = "time=\"2026-01-31T23:59:59Z\" level=warning msg=\"/home/u/docker-compose.yml: the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion\"";
        let lines = [noise, "no such service: web"].map(str::to_owned);
        let error = HostError::new(Trouble::Refused, "start `web`").output(lines.to_vec());
        assert_eq!(explain(error).output_lines(), ["no such service: web"]);
    }

    #[test]
    fn a_full_disk_is_told_from_the_output() {
        let line = "failed to register layer: write /x: no space left on device".to_owned();
        let error = HostError::new(Trouble::Refused, "start `db`").output(vec![line]);
        assert_eq!(explain(error).trouble, Trouble::DiskFull);
    }
}

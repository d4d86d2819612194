//! Which files make up a compose project: those that a setting names, or those that compose itself would read.
//!
//! The order of names is that of compose (`cli/options.go` of compose-spec/compose-go, `config/config.py` of compose v1).
//! Compose also looks in the folders above; we do not: `project-directory` says where the project is.

use std::path::{Path, PathBuf};

use super::failure::{HostResultExt as _, StepResult};
use crate::error::{Failure, Reason};
use crate::host::Files;
use crate::host::facts::ComposeTool;

/// The names of the file itself, the first that is there counts.
fn names(tool: ComposeTool) -> [&'static str; 4] {
    match tool {
        ComposeTool::V1 => [
            "docker-compose.yml",
            "docker-compose.yaml",
            "compose.yml",
            "compose.yaml",
        ],
        ComposeTool::V2 => [
            "compose.yaml",
            "compose.yml",
            "docker-compose.yml",
            "docker-compose.yaml",
        ],
    }
}

/// The names of what is layered on top of it.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// The files of the project in `folder`, relative to it. Fails when one that is named, or every one that could be, is not
/// there.
pub(super) async fn find<F: Files>(
    host: &F,
    folder: &Path,
    named: &[String],
    tool: ComposeTool,
) -> StepResult<Vec<PathBuf>> {
    if !named.is_empty() {
        let setting = "setting `compose-file`";
        let hint = "write its name in `compose-file` and its folder in `project-directory`";
        return all_there(
            host,
            folder,
            named.iter().map(PathBuf::from).collect(),
            setting,
            hint,
        )
        .await;
    }
    let dotenv = host.read(&folder.join(".env")).await.unwrap_or_default();
    if let Some(files) = dotenv.and_then(|text| in_dotenv(&String::from_utf8_lossy(&text))) {
        let setting = "`COMPOSE_FILE` in `.env`";
        return all_there(
            host,
            folder,
            files,
            setting,
            "correct it, or name the files in `compose-file`",
        )
        .await;
    }
    let Some(file) = first_there(host, folder, &names(tool)).await? else {
        let what = format!("there is no compose file in `{}`", folder.display());
        return Err(Failure::new(Reason::PreflightFailed, what)
            .hint("write its folder in `project-directory`, and its name in `compose-file` if it has another one than `compose.yaml` or `docker-compose.yml`"));
    };
    let on_top = first_there(host, folder, &OVERRIDES).await?;
    Ok([Some(file), on_top].into_iter().flatten().collect())
}

/// Files that a setting names; each must be there.
pub(super) async fn all_there<F: Files>(
    host: &F,
    folder: &Path,
    files: Vec<PathBuf>,
    setting: &str,
    hint: &str,
) -> StepResult<Vec<PathBuf>> {
    for file in &files {
        let path = folder.join(file);
        if !is_there(host, &path).await? {
            let what = format!("{setting}: there is no file `{}`", path.display());
            return Err(Failure::new(Reason::PreflightFailed, what).hint(hint));
        }
    }
    Ok(files)
}

async fn first_there<F: Files>(
    host: &F,
    folder: &Path,
    names: &[&str],
) -> StepResult<Option<PathBuf>> {
    for name in names {
        if is_there(host, &folder.join(name)).await? {
            return Ok(Some(PathBuf::from(name)));
        }
    }
    Ok(None)
}

async fn is_there<F: Files>(host: &F, path: &Path) -> StepResult<bool> {
    let found = host.read(path).await.during(
        Reason::PreflightFailed,
        format_args!("cannot read `{}`", path.display()),
    )?;
    Ok(found.is_some())
}

/// What `COMPOSE_FILE` names, separated by `COMPOSE_PATH_SEPARATOR` or a colon.
fn in_dotenv(text: &str) -> Option<Vec<PathBuf>> {
    let value = |key: &str| text.lines().rev().find_map(|line| value_of(line, key));
    let files = value("COMPOSE_FILE").filter(|files| !files.is_empty())?;
    let separator = value("COMPOSE_PATH_SEPARATOR").unwrap_or(":");
    Some(files.split(separator).map(PathBuf::from).collect())
}

/// The value in a line like `KEY=value`, `export KEY="value"` or `KEY='value' # why`.
fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    if name.trim() != key {
        return None;
    }
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            return quoted.split(quote).next();
        }
    }
    value.split(" #").next().map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::crash::drive;
    use crate::host::sim::SimHost;

    fn found(
        files: &[(&str, &str)],
        named: &[&str],
        tool: ComposeTool,
    ) -> Result<Vec<String>, String> {
        let host = SimHost::new();
        let mut world = host.world.borrow_mut();
        world.files.retain(|path, _| !path.starts_with("/home/u"));
        for (name, text) in files {
            let path = Path::new("/home/u").join(name);
            world.files.insert(path, text.as_bytes().to_vec().into());
        }
        drop(world);
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let find = find(&host, Path::new("/home/u"), &named, tool);
        match drive(&host, find).unwrap() {
            Ok(files) => Ok(files
                .iter()
                .map(|file| file.display().to_string())
                .collect()),
            Err(failure) => Err(failure.chain.concat()),
        }
    }

    #[test]
    fn without_a_setting_it_is_what_compose_would_read() {
        let both = [("docker-compose.yml", ""), ("compose.yaml", "")];
        assert_eq!(
            found(&both, &[], ComposeTool::V2).unwrap(),
            ["compose.yaml"]
        );
        assert_eq!(
            found(&both, &[], ComposeTool::V1).unwrap(),
            ["docker-compose.yml"]
        );
        let layered = [
            ("docker-compose.yml", ""),
            ("docker-compose.override.yml", ""),
        ];
        assert_eq!(
            found(&layered, &[], ComposeTool::V2).unwrap(),
            ["docker-compose.yml", "docker-compose.override.yml"]
        );
        let none = found(&[("Dockerfile", "")], &[], ComposeTool::V2).unwrap_err();
        assert!(none.contains("no compose file in `/home/u`"), "{none}");
    }

    #[test]
    fn dotenv_names_files_as_it_does_for_compose() {
        let files = [("a.yml", ""), ("b.yml", ""), ("docker-compose.yml", "")];
        for text in [
            "X=1\nCOMPOSE_FILE=a.yml:b.yml\n",
            "export COMPOSE_FILE=\"a.yml:b.yml\" # both\n",
            "COMPOSE_FILE=docker-compose.yml\nCOMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE='a.yml,b.yml'",
            "COMPOSE_FILE = a.yml:b.yml # both",
        ] {
            let all = [&files[..], &[(".env", text)]].concat();
            assert_eq!(
                found(&all, &[], ComposeTool::V2).unwrap(),
                ["a.yml", "b.yml"],
                "{text}"
            );
        }
        let gone = [&files[..], &[(".env", "COMPOSE_FILE=c.yml")]].concat();
        let gone = found(&gone, &[], ComposeTool::V2).unwrap_err();
        assert!(
            gone.contains("`COMPOSE_FILE` in `.env`") && gone.contains("/home/u/c.yml"),
            "{gone}"
        );
    }

    #[test]
    fn a_setting_counts_before_everything_and_each_file_must_be_there() {
        let files = [
            ("a.yml", ""),
            ("docker-compose.yml", ""),
            (".env", "COMPOSE_FILE=a.yml"),
        ];
        let named = ["docker-compose.yml", "a.yml"];
        assert_eq!(found(&files, &named, ComposeTool::V2).unwrap(), named);
        let gone = found(&files, &["a.yml", "prod.yml"], ComposeTool::V2).unwrap_err();
        assert!(
            gone.contains("`compose-file`") && gone.contains("prod.yml"),
            "{gone}"
        );
    }
}

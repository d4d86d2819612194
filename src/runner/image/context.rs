//! Streams a folder as a tar archive, a few hundred kilobytes at a time.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use futures_util::Stream;
use sha2::{Digest as _, Sha256};
use tar::{Builder, Header};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::archive::{Sent, append, pipe};
use super::ignore::{IgnoreFile, Inclusion, relative};
use crate::config::file::DEFAULT_FILE;
use crate::config::types::{Bounds, BuildConfig};
use crate::error::{Error, Result};

/// A build context that was checked and can be sent.
#[derive(Debug, Clone)]
pub(super) struct BuildContext {
    root: PathBuf,
    ignore: IgnoreFile,
    /// The Dockerfile's name inside the archive.
    pub(super) dockerfile: String,
    /// The Dockerfile's bytes when it is not inside the root.
    foreign: Option<Vec<u8>>,
    /// The settings file inside the root, when it has another name than the usual one.
    settings: Option<String>,
}

impl BuildContext {
    /// Checks `context` and `dockerfile` and reads the ignore file.
    pub(super) fn open(config: &BuildConfig) -> Result<Self> {
        let root = config.context.canonicalize().map_err(|error| {
            Error::usage(format!("`context` is not a folder: `{}`", config.context.display()))
                .because(error)
                .hint("write the folder to build from, relative to the working directory, such as `.`; in a workflow run `actions/checkout` before")
        })?;
        if !root.is_dir() {
            return Err(Error::usage(format!(
                "`context` is not a folder: `{}`",
                config.context.display()
            ))
            .hint("write the folder to build from, such as `.`"));
        }
        let bounds = bounds(config.bounds)?;
        within(bounds.as_deref(), &root, "`context`")?;
        let path = dockerfile_in(&root, &config.dockerfile);
        let unreadable = |error| {
            Error::usage(format!("`dockerfile` cannot be read: `{}`", path.display()))
                .because(error)
                .hint("write its path relative to `context` or to the working directory, such as `Dockerfile`")
        };
        // Where it really is: a link may lead anywhere.
        let real = path.canonicalize().map_err(unreadable)?;
        within(bounds.as_deref(), &real, "`dockerfile`")?;
        let text = fs::read(&real).map_err(unreadable)?;
        let inside = path.strip_prefix(&root).ok().and_then(relative);
        let inside = inside.filter(|_| real.starts_with(&root));
        let (dockerfile, foreign) = match inside {
            Some(name) => (name, None),
            // The same bytes get the same name, so the build cache holds.
            None => (format!(".dockerfile.{}", short_hash(&text)), Some(text)),
        };
        Ok(Self {
            ignore: read_ignore_file(&root, &path, bounds.as_deref())?,
            settings: settings_inside(&root, config.settings_file.as_deref()),
            root,
            dockerfile,
            foreign,
        })
    }

    /// Starts to pack; the handle says what was sent, or why packing stopped.
    pub(super) fn stream(
        self,
    ) -> (
        impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static,
        JoinHandle<io::Result<Sent>>,
    ) {
        let (send, receive) = mpsc::channel(4);
        let packing = tokio::task::spawn_blocking(move || {
            let mut pipe = pipe(send.clone());
            let outcome = self.pack(&mut pipe).and_then(|sent| {
                pipe.flush()?;
                Ok(sent)
            });
            if let Err(error) = &outcome {
                // Neither may what is left in the buffer follow the error.
                drop(pipe.into_parts());
                // An archive that just ends would look complete.
                let copy = io::Error::new(error.kind(), error.to_string());
                drop(send.blocking_send(Err(copy)));
            }
            outcome
        });
        let stream = futures_util::stream::unfold(receive, async |mut receive| {
            let chunk = receive.recv().await?;
            Some((chunk, receive))
        });
        (stream, packing)
    }

    fn pack(&self, pipe: impl Write) -> io::Result<Sent> {
        let mut archive = Builder::new(pipe);
        let mut sent = Sent::default();
        if let Some(text) = &self.foreign {
            let mut header = Header::new_gnu();
            header.set_mode(0o600);
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, &self.dockerfile, text.as_slice())?;
        }
        self.pack_folder("", &mut Vec::new(), &mut archive, &mut sent)?;
        archive.finish()?;
        Ok(sent)
    }

    /// Packs what is below a folder. `ignored` are the folders above that are not in the archive
    /// yet, because only something deeper may be sent.
    fn pack_folder(
        &self,
        folder: &str,
        ignored: &mut Vec<String>,
        archive: &mut Builder<impl Write>,
        sent: &mut Sent,
    ) -> io::Result<()> {
        let path = self.root.join(folder);
        let mut names = fs::read_dir(&path)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.file_name()))
                    .collect::<io::Result<Vec<_>>>()
            })
            .map_err(|error| naming(&path, &error))?;
        names.sort();
        for name in names {
            let Some(name) = name.to_str() else {
                return Err(naming(&path.join(&name), &io::Error::other("not UTF-8")));
            };
            let inside = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            let path = self.root.join(&inside);
            let meta = fs::symlink_metadata(&path).map_err(|error| naming(&path, &error))?;
            let verdict = self.verdict(&inside);
            if verdict == Inclusion::Sent {
                for folder in ignored.drain(..) {
                    let path = self.root.join(&folder);
                    let meta =
                        fs::symlink_metadata(&path).map_err(|error| naming(&path, &error))?;
                    append(archive, &path, &folder, &meta, sent)?;
                }
                append(archive, &path, &inside, &meta, sent)
                    .map_err(|error| naming(&path, &error))?;
            }
            if meta.is_dir() && (verdict == Inclusion::Sent || self.reaches_below(&inside)) {
                if verdict == Inclusion::Ignored {
                    ignored.push(inside.clone());
                }
                self.pack_folder(&inside, ignored, archive, sent)?;
                if ignored.last() == Some(&inside) {
                    ignored.pop();
                }
            }
        }
        Ok(())
    }

    /// Where to deploy and as whom has no place in an image.
    fn is_settings_file(&self, inside: &str) -> bool {
        let name = inside.rsplit('/').next().unwrap_or(inside);
        name == DEFAULT_FILE || self.settings.as_deref() == Some(inside)
    }

    /// The two files that the daemon reads itself are always sent.
    fn verdict(&self, inside: &str) -> Inclusion {
        if inside == ".dockerignore" || inside == self.dockerfile {
            Inclusion::Sent
        } else if self.is_settings_file(inside) {
            Inclusion::Ignored
        } else {
            self.ignore.verdict(inside)
        }
    }

    fn reaches_below(&self, folder: &str) -> bool {
        self.ignore.may_send_below(folder) || self.dockerfile.starts_with(&format!("{folder}/"))
    }
}

/// The folder that everything must be in; `None` when there is none.
fn bounds(bounds: Bounds) -> Result<Option<PathBuf>> {
    match bounds {
        Bounds::Anywhere => Ok(None),
        Bounds::WorkingDirectory => {
            let folder = Path::new(".").canonicalize().map_err(|error| {
                Error::usage("the working directory cannot be read").because(error)
            })?;
            Ok(Some(folder))
        }
    }
}

/// Refuses what is not in the workspace. `real` is free of links and `..`.
fn within(bounds: Option<&Path>, real: &Path, what: &str) -> Result<()> {
    if bounds.is_none_or(|folder| real.starts_with(folder)) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{what} is not in the workspace: it is `{}`",
        real.display()
    ))
    .hint(
        "the action sends files of the checked-out commit alone: write a path inside the workspace",
    ))
}

/// The name of the settings file inside the root.
fn settings_inside(root: &Path, file: Option<&Path>) -> Option<String> {
    let real = file?.canonicalize().ok()?;
    real.strip_prefix(root).ok().and_then(relative)
}

/// `<Dockerfile>.dockerignore` beside the Dockerfile, else `.dockerignore` in the root.
/// Relative to the context or, as other actions have it, to the working directory; the context comes first, and a plain
/// `Dockerfile` is that of the context alone.
fn dockerfile_in(root: &Path, named: &Path) -> PathBuf {
    let inside = root.join(named);
    if named == Path::new("Dockerfile") || inside.exists() {
        return inside;
    }
    named.canonicalize().unwrap_or(inside)
}

fn read_ignore_file(root: &Path, dockerfile: &Path, bounds: Option<&Path>) -> Result<IgnoreFile> {
    let mut beside = dockerfile.as_os_str().to_owned();
    beside.push(".dockerignore");
    for path in [PathBuf::from(beside), root.join(".dockerignore")] {
        if let Ok(real) = path.canonicalize() {
            within(bounds, &real, "the ignore file")?;
        }
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(
                    Error::usage(format!("cannot read `{}`", path.display())).because(error)
                );
            }
        };
        return IgnoreFile::parse(&String::from_utf8_lossy(&text)).map_err(|error| {
            Error::usage(format!("cannot use `{}`", path.display()))
                .because(error)
                .hint("a pattern looks like `target`, `**/*.log` or `!keep.txt`")
        });
    }
    Ok(IgnoreFile::default())
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn short_hash(bytes: &[u8]) -> String {
    let mut hash = hex::encode(Sha256::digest(bytes));
    hash.truncate(20);
    hash
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;

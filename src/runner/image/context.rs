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
use super::ignore::{IgnoreFile, Verdict, relative};
use crate::config::types::BuildConfig;
use crate::error::{Error, Result};

/// A build context that was checked and can be sent.
#[derive(Debug, Clone)]
pub(super) struct Context {
    root: PathBuf,
    ignore: IgnoreFile,
    /// The Dockerfile's name inside the archive.
    pub(super) dockerfile: String,
    /// The Dockerfile's bytes when it is not inside the root.
    foreign: Option<Vec<u8>>,
}

impl Context {
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
        let path = root.join(&config.dockerfile);
        let text = fs::read(&path).map_err(|error| {
            Error::usage(format!("`dockerfile` cannot be read: `{}`", path.display()))
                .because(error)
                .hint("write its path relative to `context`, such as `Dockerfile`")
        })?;
        let inside = path.strip_prefix(&root).ok().and_then(relative);
        let (dockerfile, foreign) = match inside {
            Some(name) => (name, None),
            // The same bytes get the same name, so the build cache holds.
            None => (format!(".dockerfile.{}", short_hash(&text)), Some(text)),
        };
        Ok(Self {
            ignore: read_ignore_file(&root, &path)?,
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
            if verdict == Verdict::Sent {
                for folder in ignored.drain(..) {
                    let path = self.root.join(&folder);
                    let meta =
                        fs::symlink_metadata(&path).map_err(|error| naming(&path, &error))?;
                    append(archive, &path, &folder, &meta, sent)?;
                }
                append(archive, &path, &inside, &meta, sent)
                    .map_err(|error| naming(&path, &error))?;
            }
            if meta.is_dir() && (verdict == Verdict::Sent || self.reaches_below(&inside)) {
                if verdict == Verdict::Ignored {
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

    /// The two files that the daemon reads itself are always sent.
    fn verdict(&self, inside: &str) -> Verdict {
        if inside == ".dockerignore" || inside == self.dockerfile {
            Verdict::Sent
        } else {
            self.ignore.verdict(inside)
        }
    }

    fn reaches_below(&self, folder: &str) -> bool {
        self.ignore.may_send_below(folder) || self.dockerfile.starts_with(&format!("{folder}/"))
    }
}

/// `<Dockerfile>.dockerignore` beside the Dockerfile, else `.dockerignore` in the root.
fn read_ignore_file(root: &Path, dockerfile: &Path) -> Result<IgnoreFile> {
    let mut beside = dockerfile.as_os_str().to_owned();
    beside.push(".dockerignore");
    for path in [PathBuf::from(beside), root.join(".dockerignore")] {
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
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use futures_util::StreamExt as _;

    use super::*;

    fn config(root: &Path, dockerfile: impl Into<PathBuf>) -> BuildConfig {
        BuildConfig {
            repository: "u/a".parse().unwrap(),
            tags: Vec::new(),
            context: root.to_owned(),
            dockerfile: dockerfile.into(),
            target: None,
            args: Vec::new(),
        }
    }

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    /// Name to type, mode and content or link target.
    async fn packed(context: Context) -> BTreeMap<String, (char, u32, String)> {
        let (stream, packing) = context.stream();
        let chunks: Vec<Vec<u8>> = stream.map(|chunk| chunk.unwrap()).collect().await;
        packing.await.unwrap().unwrap();
        let bytes = chunks.concat();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mode = entry.header().mode().unwrap();
            let (kind, text) = match entry.link_name().unwrap() {
                Some(target) => ('l', target.display().to_string()),
                None if entry.header().entry_type().is_dir() => ('d', String::new()),
                None => ('f', io::read_to_string(&mut entry).unwrap()),
            };
            (name, (kind, mode, text))
        };
        archive.entries().unwrap().map(entry).collect()
    }

    fn names(files: &BTreeMap<String, (char, u32, String)>) -> Vec<&str> {
        files.keys().map(String::as_str).collect()
    }

    #[tokio::test]
    async fn links_and_modes_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let long = format!("{}/deep.txt", "folder-with-a-long-name/".repeat(9));
        write(
            root.path(),
            &[
                ("Dockerfile", "FROM scratch"),
                ("run.sh", "x"),
                (&long, "deep"),
            ],
        );
        fs::set_permissions(
            root.path().join("run.sh"),
            fs::Permissions::from_mode(0o755),
        )
        .unwrap();
        symlink("run.sh", root.path().join("link")).unwrap();
        symlink("/nowhere", root.path().join("dangling")).unwrap();
        let files = packed(Context::open(&config(root.path(), "Dockerfile")).unwrap()).await;
        assert_eq!(files["run.sh"], ('f', 0o755, "x".to_owned()));
        assert_eq!((files["link"].0, files["link"].2.as_str()), ('l', "run.sh"));
        assert_eq!(
            (files["dangling"].0, files["dangling"].2.as_str()),
            ('l', "/nowhere")
        );
        assert_eq!(files[&long.replace("//", "/")].2, "deep");
    }

    #[tokio::test]
    async fn the_ignore_file_decides_but_cannot_hide_what_the_daemon_reads() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                (".dockerignore", "*\n!build/libs/*.jar\n"),
                ("docker/Dockerfile", "FROM scratch"),
                ("build/libs/app.jar", "jar"),
                ("build/libs/app.txt", "txt"),
                ("build/classes/A.class", "class"),
                ("secret.env", "s"),
            ],
        );
        let context = Context::open(&config(root.path(), "docker/Dockerfile")).unwrap();
        assert_eq!(
            names(&packed(context).await),
            [
                ".dockerignore",
                "build/",
                "build/libs/",
                "build/libs/app.jar",
                "docker/",
                "docker/Dockerfile"
            ]
        );
    }

    #[tokio::test]
    async fn an_ignore_file_beside_the_dockerfile_comes_first() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                (".dockerignore", "a"),
                ("x.Dockerfile", "FROM scratch"),
                ("x.Dockerfile.dockerignore", "b"),
                ("a", ""),
                ("b", ""),
            ],
        );
        let context = Context::open(&config(root.path(), "x.Dockerfile")).unwrap();
        let files = packed(context).await;
        assert!(files.contains_key("a") && !files.contains_key("b"));
    }

    #[tokio::test]
    async fn a_dockerfile_outside_the_context_is_sent_under_another_name() {
        let parent = tempfile::tempdir().unwrap();
        write(
            parent.path(),
            &[("Dockerfile", "FROM scratch"), ("root/a", "")],
        );
        let root = parent.path().join("root");
        for dockerfile in [
            PathBuf::from("../Dockerfile"),
            parent.path().join("Dockerfile"),
        ] {
            let context = Context::open(&config(&root, dockerfile)).unwrap();
            let name = context.dockerfile.clone();
            assert!(name.starts_with(".dockerfile."), "{name}");
            let files = packed(context).await;
            assert_eq!(files[&name].2, "FROM scratch");
        }
    }

    #[test]
    fn missing_things_name_their_setting() {
        let root = tempfile::tempdir().unwrap();
        let error = Context::open(&config(root.path(), "Dockerfile")).unwrap_err();
        assert!(error.to_string().contains("`dockerfile`"));
        let error = Context::open(&config(&root.path().join("no"), "Dockerfile")).unwrap_err();
        assert!(error.to_string().contains("`context`"));
        write(root.path(), &[("Dockerfile", ""), (".dockerignore", "[")]);
        let error = Context::open(&config(root.path(), "Dockerfile")).unwrap_err();
        assert!(error.to_string().contains(".dockerignore"));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_stops_the_stream_with_an_error() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[("Dockerfile", "")]);
        let context = Context::open(&config(root.path(), "Dockerfile")).unwrap();
        fs::remove_dir_all(root.path()).unwrap();
        let (stream, packing) = context.stream();
        let last = stream.collect::<Vec<_>>().await.pop().unwrap();
        assert!(last.is_err());
        assert!(packing.await.unwrap().is_err());
    }
}

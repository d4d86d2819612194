//! A JSON-lines file of everything a stand-in was asked, readable while it runs.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use serde::Serialize;

use crate::background::lock;

/// Where requests are recorded: nowhere, or one line each in a file.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Option<Mutex<File>>);

impl Recorder {
    /// Appends to `path`, creating it when absent.
    pub(crate) fn to_file(path: &Path) -> anyhow::Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .with_context(|| format!("open `{}` to record requests", path.display()))?;
        Ok(Self(Some(Mutex::new(file))))
    }

    /// Writes one line in one call, so that concurrent readers never see half of it.
    pub(crate) fn line(&self, entry: &impl Serialize) -> anyhow::Result<()> {
        let Some(file) = &self.0 else { return Ok(()) };
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        lock(file).write_all(&line).context("record a request")
    }
}

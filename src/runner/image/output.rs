//! Shows what a builder prints, line by line, and remembers its end.

use bollard::errors::Error as DockerError;
use bollard::models::{BuildInfo, BuildInfoAux};
use futures_util::{Stream, StreamExt as _};

use super::open_line::OpenLine;
use super::progress::BuildProgress;
use crate::clients::lines::Tail;
use crate::report::Reporter;

/// Lines of output that explain a failure.
const TAIL_LINES: usize = 20;

pub(super) struct BuildOutput<'a> {
    reporter: &'a Reporter,
    progress: BuildProgress,
    /// The classic builder's own words: a message of it is no line.
    words: OpenLine,
    tail: Tail,
    image: Option<String>,
}

impl<'a> BuildOutput<'a> {
    /// Nothing was printed yet.
    pub(super) fn new(reporter: &'a Reporter) -> Self {
        Self {
            reporter,
            progress: BuildProgress::default(),
            words: OpenLine::default(),
            tail: Tail::new(TAIL_LINES),
            image: None,
        }
    }

    /// Shows all of it, to its end or to the error that ends the build.
    pub(super) async fn follow(
        &mut self,
        stream: impl Stream<Item = Result<BuildInfo, DockerError>>,
    ) -> Result<(), DockerError> {
        let mut stream = std::pin::pin!(stream);
        let mut ended = Ok(());
        while let Some(info) = stream.next().await {
            match info {
                Ok(info) => self.hear(info),
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        if let Some(rest) = self.words.finish() {
            self.show(&rest);
        }
        ended
    }

    /// The id of the image that was built, once the builder has said it.
    pub(super) fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.lines()
    }

    fn hear(&mut self, info: BuildInfo) {
        let mut lines = match &info.aux {
            Some(BuildInfoAux::BuildKit(update)) => self.progress.lines(update),
            Some(BuildInfoAux::Default(built)) => {
                self.image.clone_from(&built.id);
                Vec::new()
            }
            None => Vec::new(),
        };
        let words = info.stream.unwrap_or_default();
        lines.extend(self.words.push(words.as_bytes()));
        // The classic builder's pulls, a line each, without their progress bars.
        let status = info.status.filter(|_| info.progress_detail.is_none());
        let status = status.unwrap_or_default();
        lines.extend(status.lines().map(str::to_owned));
        for line in lines {
            self.show(&line);
        }
    }

    fn show(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        self.reporter.output("build", line);
        self.tail.push(line);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::report::{ConsoleMode, Verbosity};
    use crate::secret::{Redactor, Secret};

    #[derive(Clone, Default)]
    struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for SharedBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is shown, and what is kept, of messages of the classic builder.
    async fn shown(messages: Vec<Result<BuildInfo, DockerError>>) -> (String, Vec<String>) {
        let log = SharedBuffer::default();
        let redactor = Redactor::new(&[&Secret::new("hunter2-hunter2")]);
        let to = Box::new(log.clone());
        let reporter =
            Reporter::with_writer(ConsoleMode::Terminal, redactor, to).at(Verbosity::Everything);
        let mut output = BuildOutput::new(&reporter);
        let fails = messages.iter().any(Result::is_err);
        let ended = output.follow(futures_util::stream::iter(messages)).await;
        assert_eq!(ended.is_err(), fails);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        (text, output.tail())
    }

    fn said(stream: &str) -> BuildInfo {
        BuildInfo {
            stream: Some(stream.to_owned()),
            ..BuildInfo::default()
        }
    }

    #[tokio::test]
    async fn a_secret_that_is_spread_over_two_messages_is_hidden() {
        let (text, tail) = shown(vec![
            Ok(said("Step 1/2 : RUN login\n")),
            Ok(said("with hunter2-")),
            Ok(said("hunter2 as jo\n")),
        ])
        .await;
        assert!(text.contains("with *** as jo"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(tail.len(), 2);
    }

    #[tokio::test]
    async fn the_last_line_is_shown_when_the_build_fails_within_it() {
        let failed = DockerError::DockerStreamError {
            error: "exit code 3".to_owned(),
        };
        let (text, tail) = shown(vec![Ok(said("cannot log ")), Ok(said("in")), Err(failed)]).await;
        assert!(text.contains("cannot log in"), "{text}");
        assert_eq!(tail, ["cannot log in"]);
    }

    #[tokio::test]
    async fn a_pull_is_a_line_for_each_message() {
        let status = |status: &str| {
            Ok(BuildInfo {
                status: Some(status.to_owned()),
                ..BuildInfo::default()
            })
        };
        let (_, tail) = shown(vec![status("Pulling from a"), status("Digest: b")]).await;
        assert_eq!(tail, ["Pulling from a", "Digest: b"]);
    }
}

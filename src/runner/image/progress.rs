//! BuildKit's progress as lines, in the manner of `docker build --progress=plain`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexLog, VertexStatus};

use super::open_line::OpenLine;

/// The pause between two lines about the same download.
const PAUSE: Duration = Duration::from_secs(2);

/// What was printed so far about each step of the build.
#[derive(Debug, Default)]
pub(super) struct BuildProgress {
    steps: HashMap<String, BuildStep>,
    transfers: HashMap<String, TransferProgress>,
}

#[derive(Debug, Default)]
struct BuildStep {
    number: usize,
    /// When it started, seconds since the Unix epoch.
    started: Option<f64>,
    stage: BuildStepState,
    /// Output after the last line end.
    open_line: OpenLine,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum BuildStepState {
    #[default]
    Waiting,
    Running,
    Over,
}

#[derive(Debug)]
struct TransferProgress {
    shown: Instant,
    stage: BuildStepState,
}

impl BuildProgress {
    /// The lines that an update adds.
    pub(super) fn lines(&mut self, update: &StatusResponse) -> Vec<String> {
        let mut lines = Vec::new();
        for vertex in &update.vertexes {
            self.begin(vertex, &mut lines);
        }
        for status in &update.statuses {
            self.transfer(status, &mut lines);
        }
        for log in &update.logs {
            self.log(log, &mut lines);
        }
        for vertex in &update.vertexes {
            self.end(vertex, &mut lines);
        }
        for warning in &update.warnings {
            let number = self.step(&warning.vertex).number;
            lines.push(format!(
                "#{number} WARN: {}",
                String::from_utf8_lossy(&warning.short)
            ));
        }
        lines
    }

    fn step(&mut self, digest: &str) -> &mut BuildStep {
        let number = self.steps.len() + 1;
        self.steps
            .entry(digest.to_owned())
            .or_insert_with(|| BuildStep {
                number,
                ..BuildStep::default()
            })
    }

    fn begin(&mut self, vertex: &Vertex, lines: &mut Vec<String>) {
        // BuildKit announces every step of the build first; what never starts is not shown.
        if vertex.started.is_none() && !vertex.cached && vertex.error.is_empty() {
            return;
        }
        let step = self.step(&vertex.digest);
        if step.stage == BuildStepState::Waiting {
            step.stage = BuildStepState::Running;
            lines.push(format!("#{} {}", step.number, one_line(&vertex.name)));
        }
        let started = vertex.started.as_ref();
        step.started = started
            .map(|time| seconds(time.seconds, time.nanos))
            .or(step.started);
    }

    fn end(&mut self, vertex: &Vertex, lines: &mut Vec<String>) {
        let step = self.step(&vertex.digest);
        if step.stage != BuildStepState::Running {
            return;
        }
        let number = step.number;
        let end = if !vertex.error.is_empty() {
            format!("ERROR: {}", one_line(&vertex.error))
        } else if vertex.cached {
            "CACHED".to_owned()
        } else if let Some(completed) = &vertex.completed {
            let took =
                seconds(completed.seconds, completed.nanos) - step.started.unwrap_or_default();
            format!("DONE {took:.1}s")
        } else {
            return;
        };
        step.stage = BuildStepState::Over;
        if let Some(rest) = step.open_line.finish() {
            lines.push(format!("#{number} {rest}"));
        }
        lines.push(format!("#{number} {end}"));
    }

    fn transfer(&mut self, status: &VertexStatus, lines: &mut Vec<String>) {
        let number = self.step(&status.vertex).number;
        let over = status.completed.is_some();
        let now = Instant::now();
        let id = format!("{} {}", status.vertex, status.id);
        if let Some(before) = self.transfers.get(&id)
            && (before.stage == BuildStepState::Over || (!over && now - before.shown < PAUSE))
        {
            return;
        }
        let stage = if over {
            BuildStepState::Over
        } else {
            BuildStepState::Running
        };
        self.transfers
            .insert(id, TransferProgress { shown: now, stage });
        let end = if over { " done" } else { "" };
        let bytes = |bytes: i64| size(u64::try_from(bytes).unwrap_or(0));
        let size = match (status.current, status.total) {
            (0, 0) => String::new(),
            (current, 0) => format!(" {}", bytes(current)),
            (current, total) => format!(" {} / {}", bytes(current), bytes(total)),
        };
        lines.push(format!("#{number} {}{size}{end}", one_line(&status.id)));
    }

    fn log(&mut self, log: &VertexLog, lines: &mut Vec<String>) {
        let step = self.step(&log.vertex);
        let time = log
            .timestamp
            .as_ref()
            .map(|time| seconds(time.seconds, time.nanos));
        let offset = match (time, step.started) {
            (Some(time), Some(started)) => (time - started).max(0.0),
            (_, _) => 0.0,
        };
        for line in step.open_line.push(&log.msg) {
            lines.push(format!("#{} {offset:.3} {line}", step.number));
        }
    }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds are shown")]
fn seconds(seconds: i64, nanos: i32) -> f64 {
    seconds as f64 + f64::from(nanos) / 1e9
}

/// Bytes as people read them.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        1_000_000_000.. => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(name: &str) -> Vertex {
        Vertex {
            digest: name.to_owned(),
            name: name.to_owned(),
            ..Vertex::default()
        }
    }

    fn log(vertex: &str, msg: &str) -> VertexLog {
        VertexLog {
            vertex: vertex.to_owned(),
            msg: msg.as_bytes().to_vec(),
            ..VertexLog::default()
        }
    }

    #[test]
    fn steps_are_shown_when_they_start_and_end() {
        let mut progress = BuildProgress::default();
        let waiting = StatusResponse {
            vertexes: vec![vertex("[1/2] FROM x"), vertex("[2/2] RUN y")],
            ..StatusResponse::default()
        };
        assert!(progress.lines(&waiting).is_empty());
        let mut running = vertex("[2/2] RUN y");
        running.started = Some(Default::default());
        let mut cached = vertex("[1/2] FROM x");
        cached.cached = true;
        let update = StatusResponse {
            vertexes: vec![cached, running.clone()],
            logs: vec![
                log("[2/2] RUN y", "one\ntw"),
                log("[2/2] RUN y", "o\nthree"),
            ],
            ..StatusResponse::default()
        };
        assert_eq!(
            progress.lines(&update),
            [
                "#1 [1/2] FROM x",
                "#2 [2/2] RUN y",
                "#2 0.000 one",
                "#2 0.000 two",
                "#1 CACHED"
            ]
        );
        running.error = "exit code: 3".to_owned();
        let end = StatusResponse {
            vertexes: vec![running],
            ..StatusResponse::default()
        };
        assert_eq!(progress.lines(&end), ["#2 three", "#2 ERROR: exit code: 3"]);
        assert!(progress.lines(&end).is_empty());
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(12_345_678), "12.3 MB");
    }
}

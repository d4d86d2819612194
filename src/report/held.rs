//! What builds, compose and the app print, kept until it is known whether anybody has to read it.

use std::collections::VecDeque;

use crate::protocol::step::{Phase, Stage};

/// The longest memory; of a longer output the end is kept.
const LINES: usize = 2000;
/// What is shown of it when an error has no log of its own.
pub(super) const TAIL: usize = 30;

/// Where a build's lines come from.
const BUILD: &str = "build";

/// The lines of one source.
#[derive(Debug)]
pub(super) struct SourceOutput {
    pub(super) source: String,
    pub(super) lines: VecDeque<String>,
    pub(super) dropped: usize,
}

/// The lines of every source, apart: a build and the host work at the same time.
#[derive(Debug, Default)]
pub(super) struct HeldOutput {
    outputs: Vec<SourceOutput>,
}

impl HeldOutput {
    pub(super) fn push(&mut self, source: &str, line: &str) {
        let known = self.outputs.iter().position(|out| out.source == source);
        let index = known.unwrap_or_else(|| {
            self.outputs.push(SourceOutput {
                source: source.to_owned(),
                lines: VecDeque::new(),
                dropped: 0,
            });
            self.outputs.len() - 1
        });
        let Some(output) = self.outputs.get_mut(index) else {
            return;
        };
        if output.lines.len() == LINES {
            output.lines.pop_front();
            output.dropped += 1;
        }
        output.lines.push_back(line.to_owned());
    }

    /// Takes what was printed for a stage: the build's lines are the build's, all others the host's.
    pub(super) fn of(&mut self, stage: Stage) -> Vec<SourceOutput> {
        let of_stage = |output: &mut SourceOutput| match stage {
            Stage::Phase(Phase::Build) => output.source == BUILD,
            Stage::Phase(_) => false,
            Stage::Step(_) => output.source != BUILD,
        };
        self.outputs.extract_if(.., of_stage).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::step::Step;

    #[test]
    fn a_stage_has_its_own_lines_and_of_many_the_last() {
        let mut held = HeldOutput::default();
        for number in 0..=LINES {
            held.push("build", &number.to_string());
        }
        held.push("compose", "Started");
        assert!(held.of(Stage::Phase(Phase::Push)).is_empty());
        let host = held.of(Stage::Step(Step::StartSlot));
        assert_eq!(host.len(), 1);
        assert_eq!(host[0].lines, ["Started"]);
        let build = held.of(Stage::Phase(Phase::Build));
        assert_eq!((build[0].lines.len(), build[0].dropped), (LINES, 1));
        assert_eq!(build[0].lines[0], "1");
        assert!(held.of(Stage::Phase(Phase::Build)).is_empty());
    }
}

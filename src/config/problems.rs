//! What is wrong with the settings, all of it at once.

use crate::error::Error;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What, with the setting's name; never a secret's value.
    pub what: String,
    /// What to write.
    pub cure: String,
}

/// Everything that is wrong, in the order it was found.
#[derive(Debug, Clone, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub fn add(&mut self, what: impl Into<String>, cure: impl Into<String>) {
        let problem = Problem {
            what: what.into(),
            cure: cure.into(),
        };
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    pub fn extend(&mut self, other: Self) {
        for problem in other.0 {
            self.add(problem.what, problem.cure);
        }
    }

    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// One error for all of it; `None` when nothing is wrong.
    pub fn into_error(self) -> Option<Error> {
        match self.0.as_slice() {
            [] => None,
            [one] => Some(Error::usage(one.what.clone()).hint(one.cure.clone())),
            many => {
                let lines = many
                    .iter()
                    .map(|problem| format!("\n  - {}: {}", problem.what, problem.cure));
                let what = format!("{} settings need attention:", many.len());
                Some(
                    Error::usage(what + &lines.collect::<String>())
                        .hint("every setting is described in docs/settings.md"),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;

    #[test]
    fn one_problem_is_its_own_error_and_several_are_listed() {
        let mut problems = Problems::default();
        assert!(problems.clone().into_error().is_none());
        problems.add("`image` is missing", "write the name");
        let error = problems.clone().into_error().unwrap();
        assert_eq!(error.to_string(), "`image` is missing");
        assert_eq!(error.hints(), ["write the name"]);
        problems.add("`ssh-host` is missing", "write the host");
        problems.add("`ssh-host` is missing", "write the host");
        let error = problems.into_error().unwrap();
        assert_eq!(
            error.to_string(),
            "2 settings need attention:\n  - `image` is missing: write the name\n  - `ssh-host` is missing: write the host"
        );
        assert_eq!(error.code(), ExitCode::Usage);
    }
}

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
pub struct Problems {
    found: Vec<Problem>,
    /// Whether the one problem hides what else there is: a file that cannot be read leaves everything missing.
    is_sole: bool,
}

impl Problems {
    pub fn add(&mut self, what: impl Into<String>, cure: impl Into<String>) {
        let problem = Problem {
            what: what.into(),
            cure: cure.into(),
        };
        if !self.is_sole && !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    /// Notes what makes everything else that is found meaningless.
    pub fn only(&mut self, what: impl Into<String>, cure: impl Into<String>) {
        if !self.is_sole {
            self.found.clear();
            self.add(what, cure);
            self.is_sole = true;
        }
    }

    pub fn extend(&mut self, other: Self) {
        if other.is_sole {
            *self = other;
            return;
        }
        for problem in other.found {
            self.add(problem.what, problem.cure);
        }
    }

    pub fn list(&self) -> &[Problem] {
        &self.found
    }

    /// One error for all of it; `None` when nothing is wrong.
    pub fn into_error(self) -> Option<Error> {
        match self.found.as_slice() {
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

    #[test]
    fn what_makes_the_rest_meaningless_is_said_alone() {
        let mut file = Problems::default();
        file.add("a variable is unknown", "mend it");
        file.only("the file is not YAML", "mend it");
        file.add("`image` is missing", "write the name");
        let mut all = Problems::default();
        all.add("`ssh-host` is missing", "write the host");
        all.extend(file);
        let error = all.into_error().unwrap();
        assert_eq!(error.to_string(), "the file is not YAML");
    }
}

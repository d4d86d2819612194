//! A slot as the `slots` setting writes it: `[file:]service[@project]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::{InvalidName, ProjectName, ServiceName, SlotName};
use super::slot::{PerSlot, Slot};

/// One slot. A service alone is written as it was before there was more to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SlotSpec {
    files: Vec<String>,
    service: ServiceName,
    project: Option<ProjectName>,
}

/// A text that is no slot.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidSlot {
    #[error("`{0}` names no service")]
    NoService(String),
    #[error("`{0}` ends with `@`, and no project comes after it")]
    NoProject(String),
    #[error("`{0}` begins with something that is not a path")]
    File(String),
    #[error("`{text}`: {why}")]
    Name { text: String, why: InvalidName },
}

impl SlotSpec {
    /// Its compose files, in order, when they are its own.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    pub fn service(&self) -> &ServiceName {
        &self.service
    }

    pub fn project(&self) -> Option<&ProjectName> {
        self.project.as_ref()
    }

    /// The same slot in a project that is named.
    #[must_use]
    pub fn in_project(&self, project: ProjectName) -> Self {
        Self {
            project: Some(project),
            ..self.clone()
        }
    }

    /// Whether both can mean the same slot: where they say something, they say the same.
    pub fn may_be(&self, other: &Self) -> bool {
        let files = self.files.is_empty() || other.files.is_empty() || self.files == other.files;
        let project = match (&self.project, &other.project) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        self.service == other.service && files && project
    }
}

impl FromStr for SlotSpec {
    type Err = InvalidSlot;

    fn from_str(text: &str) -> Result<Self, InvalidSlot> {
        let whole = || text.to_owned();
        let named = |why| InvalidSlot::Name { text: whole(), why };
        // A path may hold an `@`; what comes after its colon may not hold two.
        let (files, rest) = match text.rsplit_once(':') {
            Some((files, rest)) => (files.split(':').map(str::to_owned).collect(), rest),
            None => (Vec::new(), text),
        };
        let (service, project) = match rest.split_once('@') {
            Some((_, "")) => return Err(InvalidSlot::NoProject(whole())),
            Some((service, project)) => (service, Some(project)),
            None => (rest, None),
        };
        if service.is_empty() || service.ends_with(".yml") || service.ends_with(".yaml") {
            return Err(InvalidSlot::NoService(whole()));
        }
        let is_file = |file: &String| {
            !file.is_empty()
                && !file.starts_with('-')
                && file.trim() == file
                && !file.chars().any(char::is_control)
        };
        if !files.iter().all(is_file) {
            return Err(InvalidSlot::File(whole()));
        }
        Ok(Self {
            files,
            service: service.parse().map_err(named)?,
            project: project.map(str::parse).transpose().map_err(named)?,
        })
    }
}

impl TryFrom<String> for SlotSpec {
    type Error = InvalidSlot;

    fn try_from(text: String) -> Result<Self, InvalidSlot> {
        text.parse()
    }
}

impl From<SlotSpec> for String {
    fn from(spec: SlotSpec) -> Self {
        spec.to_string()
    }
}

impl fmt::Display for SlotSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            write!(f, "{file}:")?;
        }
        write!(f, "{}", self.service)?;
        match &self.project {
            Some(project) => write!(f, "@{project}"),
            None => Ok(()),
        }
    }
}

impl PerSlot<SlotSpec> {
    /// What people call them: the services, or else what the slots differ in, their projects or a part of their files' names.
    pub fn names(&self) -> PerSlot<SlotName> {
        let (one, two) = (&self.one, &self.two);
        if one.service != two.service {
            return self.map(|slot| SlotName::from(&slot.service));
        }
        if let (Some(first), Some(second)) = (&one.project, &two.project)
            && first != second
        {
            return PerSlot {
                one: SlotName::from(first),
                two: SlotName::from(second),
            };
        }
        let (first, second) = differing(&one.files.join(":"), &two.files.join(":"));
        match (first.parse(), second.parse()) {
            (Ok(one), Ok(two)) => PerSlot { one, two },
            (Err(_), _) | (_, Err(_)) => {
                let numbered = |slot: Slot| {
                    let name = format!("{}-{slot}", self.get(slot).service);
                    name.parse()
                        .unwrap_or_else(|_too_long| SlotName::from(&self.get(slot).service))
                };
                PerSlot::of(numbered)
            }
        }
    }
}

/// The words between what two names begin and end with alike, such as `blue` and `green` of `docker-compose.blue.yml` and
/// `docker-compose.green.yml`.
fn differing(one: &str, two: &str) -> (String, String) {
    let words = |text: &str| -> Vec<String> {
        let is_between = |c: char| !c.is_ascii_alphanumeric();
        text.split(is_between).map(str::to_owned).collect()
    };
    let (mut one, mut two) = (words(one), words(two));
    let before = one.iter().zip(&two).take_while(|(a, b)| a == b).count();
    one.drain(..before);
    two.drain(..before);
    while let (Some(a), Some(b)) = (one.last(), two.last())
        && a == b
    {
        one.pop();
        two.pop();
    }
    (one.join("-"), two.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(one: &str, two: &str) -> PerSlot<SlotSpec> {
        PerSlot {
            one: one.parse().unwrap(),
            two: two.parse().unwrap(),
        }
    }

    #[test]
    fn every_form_is_read_and_written_back_as_it_was() {
        for (text, files, service, project) in [
            ("web-1", &[][..], "web-1", None),
            ("web-1@shop", &[], "web-1", Some("shop")),
            ("blue.yml:app", &["blue.yml"], "app", None),
            (
                "docker-compose.blue.yml:app@app-blue",
                &["docker-compose.blue.yml"],
                "app",
                Some("app-blue"),
            ),
            (
                "a.yml:b@2.yml:app@x",
                &["a.yml", "b@2.yml"],
                "app",
                Some("x"),
            ),
        ] {
            let spec: SlotSpec = text.parse().unwrap();
            assert_eq!(spec.files(), files, "{text}");
            assert_eq!(spec.service().as_str(), service, "{text}");
            assert_eq!(spec.project().map(ProjectName::as_str), project, "{text}");
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<SlotSpec>(&json).unwrap(), spec);
        }
    }

    #[test]
    fn what_names_nothing_is_said_in_its_own_words() {
        for (text, says) in [
            ("", "names no service"),
            ("blue.yml:", "names no service"),
            ("blue.yml:@x", "names no service"),
            ("docker-compose.blue.yml", "names no service"),
            ("app@", "no project"),
            (":app", "not a path"),
            ("-f:app", "not a path"),
            ("a b", "not a compose service name"),
            ("app@Shop", "not a compose project name"),
            ("app@a@b", "not a compose project name"),
        ] {
            let error = text.parse::<SlotSpec>().unwrap_err().to_string();
            assert!(
                error.contains(says) && error.contains(&format!("`{text}`")),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn people_call_a_slot_by_what_it_differs_in() {
        for (one, two, names) in [
            ("web-1", "web-2", ["web-1", "web-2"]),
            ("web-1@shop", "web-2@shop", ["web-1", "web-2"]),
            (
                "docker-compose.blue.yml:app@app-blue",
                "docker-compose.green.yml:app@app-green",
                ["app-blue", "app-green"],
            ),
            (
                "docker-compose.blue.yml:app",
                "docker-compose.green.yml:app",
                ["blue", "green"],
            ),
            (
                "blue/compose.yml:app",
                "green/compose.yml:app",
                ["blue", "green"],
            ),
            (
                "compose.yml:app",
                "compose.green.yml:app",
                ["app-1", "app-2"],
            ),
            ("app", "green.yml:app", ["app-1", "app-2"]),
        ] {
            let named = slots(one, two).names();
            assert_eq!([named.one.as_str(), named.two.as_str()], names, "{one}");
        }
    }

    #[test]
    fn a_slot_that_says_more_is_the_same_one() {
        let is = |one: &str, two: &str| {
            let slots = slots(one, two);
            slots.one.may_be(&slots.two)
        };
        assert!(is("web-1", "web-1@shop") && is("web-1@shop", "a.yml:web-1"));
        assert!(!is("web-1@a", "web-1@b") && !is("a.yml:w", "b.yml:w") && !is("a", "b"));
    }
}

//! Reads what version 1 wrote. It shipped in four shapes, one after the other and all named 1:
//!
//! | since | the first entry has |
//! |---|---|
//! | 13bae3f | `include`; its plan has no `switch`, `bake` and `fence` |
//! | a913ff7 | `fence` and `include` |
//! | 255a6b5 | `switch` |
//! | d4e94f7 | `fence` and `switch` |
//!
//! All that an undo needs is in each of them. What came later gets the value that fits what that version did.

use serde_json::{Map, Value, json};

/// How the lines of a version 1 file become ours.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct FromOne {
    /// Before `switch` there was only the include, and its workers were not noted.
    include: bool,
}

impl FromOne {
    /// Makes a line of ours out of one of version 1; what it does not know stays as it is.
    pub(super) fn line(&mut self, line: &mut Value) {
        let Some(what) = line.get_mut("what").and_then(Value::as_object_mut) else {
            return;
        };
        match what.get("entry").and_then(Value::as_str) {
            Some("begun") => self.begun(what),
            Some("started") if self.include => started(what),
            Some(_) | None => {}
        }
    }

    fn begun(&mut self, begun: &mut Map<String, Value>) {
        begun.remove("version");
        fill(begun, "fence", json!(0));
        if let Some(include) = begun.remove("include") {
            self.include = true;
            fill(begun, "switch", json!({ "reload": include }));
        }
        let site = begun
            .get_mut("plan")
            .and_then(|plan| plan.get_mut("site"))
            .and_then(Value::as_object_mut);
        if let Some(site) = site {
            fill(site, "switch", json!("auto"));
            fill(site, "bake", json!({}));
            if let Some(bake) = site.get_mut("bake").and_then(Value::as_object_mut) {
                // There was no watch, and what is undone or only goes forward is not watched again.
                fill(bake, "time", json!(0));
                fill(bake, "errors_permille", json!(20));
                fill(bake, "slowdown", json!(5));
                fill(bake, "min_requests", json!(20));
            }
        }
    }
}

/// The pre-image of an include, without the workers that read it: nginx loads it again in any case.
fn started(started: &mut Map<String, Value>) {
    let step = started.get("step").and_then(Value::as_str);
    if step != Some("switch_traffic") {
        return;
    }
    let file = started.get_mut("before").and_then(Value::as_object_mut);
    if let Some(before) = file
        && let Some(Value::Object(mut file)) = before.remove("file")
    {
        fill(&mut file, "workers", json!([]));
        before.insert("include".to_owned(), Value::Object(file));
    }
}

fn fill(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.entry(key).or_insert(value);
}

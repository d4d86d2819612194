//! The two slots, and what must run before them.

use super::fields::Fields;
use crate::protocol::ids::{AppName, ServiceName};
use crate::protocol::slot::PerSlot;
use crate::protocol::slot_spec::SlotSpec;

const SERVICE: &str = "write the names of services in the compose file";
const SLOT: &str = "write a service of the compose file, or `file:service@project`, such as `docker-compose.blue.yml:app@app-blue`";
const TWO: &str = "write the two services that take turns, such as `pct-backend-1,pct-backend-2`";

/// The slots, and whether that is what nobody said.
pub(super) fn slots(
    fields: &mut Fields<'_>,
    app: Option<&AppName>,
) -> Option<(PerSlot<SlotSpec>, bool)> {
    if fields.text("slots").is_none() {
        let named = |number: u8| format!("{}-{number}", app?).parse().ok();
        let slots = named(1).zip(named(2));
        if let (None, Some(app)) = (&slots, app) {
            let what = format!("`{app}-1` and `{app}-2`, the default, are no names of services");
            fields.wrong("slots", what, TWO);
        }
        return slots.map(|(one, two)| (PerSlot { one, two }, true));
    }
    given(fields).map(|slots| (slots, false))
}

fn given(fields: &mut Fields<'_>) -> Option<PerSlot<SlotSpec>> {
    let slots: Vec<SlotSpec> = fields.parsed_list("slots", SLOT)?;
    let [one, two] = slots.as_slice() else {
        let what = format!("it names {} services, not two", slots.len());
        fields.wrong("slots", what, TWO);
        return None;
    };
    let Some((what, cure)) = clash(one, two) else {
        return Some(PerSlot {
            one: one.clone(),
            two: two.clone(),
        });
    };
    fields.wrong("slots", what, cure);
    None
}

/// Why they cannot be the two slots of an app, and what to write; what files say is not known here.
fn clash(one: &SlotSpec, two: &SlotSpec) -> Option<(String, String)> {
    let service = one.service();
    match (one.project(), two.project()) {
        (None, None) if one == two => {
            Some(("it names one service twice".to_owned(), TWO.to_owned()))
        }
        (Some(project), Some(other)) if project == other && service == two.service() => Some((
            format!(
                "`{one}` and `{two}` are one container: service `{service}` of the compose project `{project}`"
            ),
            format!("give each its own project, such as `{project}-blue` and `{project}-green`"),
        )),
        (Some(project), None) => Some(half(one, two, project.as_str())),
        (None, Some(project)) => Some(half(two, one, project.as_str())),
        (None, None) | (Some(_), Some(_)) => None,
    }
}

fn half(named: &SlotSpec, other: &SlotSpec, project: &str) -> (String, String) {
    (
        format!("`{named}` names its compose project, and `{other}` does not"),
        format!("write `{other}@{project}`, or the project that it has"),
    )
}

/// The inner `None` means what the slots' `depends_on` names.
pub(super) fn dependencies(
    fields: &mut Fields<'_>,
    slots: Option<&PerSlot<SlotSpec>>,
) -> Option<Option<Vec<ServiceName>>> {
    if fields.text("dependencies").is_none() {
        return Some(None);
    }
    let names: Vec<ServiceName> = fields.parsed_list("dependencies", SERVICE)?;
    let is_slot = |name: &&ServiceName| {
        slots.is_some_and(|slots| *name == slots.one.service() || *name == slots.two.service())
    };
    if let Some(slot) = names.iter().find(is_slot) {
        let what = format!("`{slot}` is one of the slots");
        fields.wrong("dependencies", what, "name only what a slot needs to run");
        return None;
    }
    Some(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problems::Problems;
    use crate::config::raw::{Raw, Source};

    fn read(text: &str) -> Result<PerSlot<SlotSpec>, String> {
        let mut raw = Raw::default();
        raw.offer("slots", text, Source::Input);
        let mut fields = Fields::new(&raw, Problems::default());
        let slots = slots(&mut fields, None).map(|(slots, _)| slots);
        slots.ok_or_else(|| {
            let problems = fields.problems.list();
            assert_eq!(problems.len(), 1, "{problems:?}");
            format!("{} / {}", problems[0].what, problems[0].cure)
        })
    }

    #[test]
    fn two_files_or_two_projects_are_two_slots() {
        for text in [
            "web-1,web-2",
            "docker-compose.blue.yml:app@app-blue, docker-compose.green.yml:app@app-green",
            "blue.yml:app\ngreen.yml:app",
            "web-1@shop,web-2@shop",
            "app@blue,app@green",
        ] {
            let slots = read(text).unwrap();
            let back = [slots.one.to_string(), slots.two.to_string()];
            assert_eq!(back.concat(), text.replace([',', ' ', '\n'], ""));
        }
    }

    #[test]
    fn what_cannot_be_two_slots_is_refused_in_the_users_own_words() {
        for (text, says) in [
            (
                "blue.yml:,green.yml:app",
                "`slots`: `blue.yml:` names no service / write a service",
            ),
            (
                "app@Blue,app@green",
                "`app@Blue`: `Blue` is not a compose project name",
            ),
            (
                "blue.yml:app@shop,green.yml:app@shop",
                "`blue.yml:app@shop` and `green.yml:app@shop` are one container: service `app` of the compose project `shop` / give each its own project, such as `shop-blue`",
            ),
            (
                "web-1@shop,web-2",
                "`web-1@shop` names its compose project, and `web-2` does not / write `web-2@shop`",
            ),
            ("blue.yml:app,blue.yml:app", "names one service twice"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn by_default_they_are_named_after_the_app() {
        let raw = Raw::default();
        let mut fields = Fields::new(&raw, Problems::default());
        let mut of = |app: &str| {
            let read = slots(&mut fields, Some(&app.parse().unwrap()));
            read.map(|(slots, by_default)| {
                (slots.one.to_string(), slots.two.to_string(), by_default)
            })
        };
        let shop = ("shop-1".to_owned(), "shop-2".to_owned(), true);
        assert_eq!(of("shop"), Some(shop));
        assert_eq!(of(&"a".repeat(64)), None);
        assert_eq!(fields.problems.list().len(), 1);
    }
}

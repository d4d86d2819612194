//! The compose file, as somebody edits it and as compose reads it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use super::world::{Container, World, service_of};
use super::{COMPOSE, CONFIG, SimHost};
use crate::host::compose::ComposeFile;
use crate::host::facts::ComposeProject;
use crate::host::overlay::read_override;
use crate::protocol::ids::ServiceName;

impl SimHost {
    /// Somebody edits the compose file: another environment for both slots.
    pub(crate) fn set_environment(&self, value: &str) {
        let with = format!("environment: {{V: '{value}'}}, ports: [");
        let text = CONFIG.replace("ports: [", &with);
        self.set_compose(&text);
    }

    /// Somebody edits the compose file.
    pub(crate) fn set_compose(&self, text: &str) {
        let content = || text.as_bytes().to_vec().into();
        let mut world = self.world.borrow_mut();
        world.files.insert(COMPOSE.into(), content());
        world.durable.insert(COMPOSE.into(), content());
    }

    /// The slots have a compose file each, which call their service alike; `more` is said of both.
    pub(crate) fn describe_apart(&self, more: &str) {
        let mut world = self.world.borrow_mut();
        for (name, port) in [("blue", 8080), ("green", 8081)] {
            let path = Path::new(COMPOSE).with_file_name(format!("docker-compose.{name}.yml"));
            let text = format!(
                "services:\n  app: {{image: a, ports: ['{port}:80'], environment: {{ON: '{name}'}}}}\n{more}"
            );
            let content = || text.as_bytes().to_vec().into();
            world.files.insert(path.clone(), content());
            world.durable.insert(path, content());
        }
    }

    /// The environment of the slot that takes traffic.
    pub(crate) fn environment(&self) -> Option<String> {
        let world = self.world.borrow();
        let service = service_of(world.live_port())?;
        world.containers.get(service)?.environment.clone()
    }
}

/// Makes the containers of services anew.
pub(super) fn make(world: &mut World, project: &ComposeProject, services: &[ServiceName]) {
    let texts = texts(world, project);
    let pinned = texts.iter().find_map(|text| read_override(text));
    for service in services {
        world.made += 1;
        let image = said(&texts, service, "image");
        let image = image.and_then(|text| text.trim_matches('"').parse().ok());
        let release = pinned.as_ref().map(|(_, release)| release.to_string());
        let has_ports = said(&texts, service, "ports").is_some();
        let container = Container {
            id: format!("c{}", world.made),
            service: service.to_string(),
            image,
            release,
            environment: said(&texts, service, "environment"),
            project: name_of(project),
            networks: vec![format!("{}_default", name_of(project))],
            started_ms: world.now_ms,
            code: world.one_shots_end_with,
            // Nobody reaches a slot that publishes no port, unless nginx asks it by name.
            running: service.as_str() == "db"
                || has_ports
                || (world.contained && service.as_str().starts_with("web-")),
            held: false,
            lowered: false,
        };
        world.containers.insert(key(project, service), container);
    }
}

/// What compose calls a project.
pub(super) fn name_of(project: &ComposeProject) -> String {
    project
        .name
        .as_ref()
        .map_or("u".to_owned(), ToString::to_string)
}

/// The name that a container has here. The service `app` is in two projects, which are called as slots are elsewhere.
pub(super) fn key(project: &ComposeProject, service: &ServiceName) -> String {
    match service.as_str() {
        "app" => name_of(project),
        other => other.to_owned(),
    }
}

/// The projects that have a container of a service, the one that runs first.
pub(super) fn projects_of(
    world: &World,
    project: &ComposeProject,
    service: &ServiceName,
) -> Vec<String> {
    let key = key(project, service);
    let is_one = |name: &str| match service.as_str() {
        "app" => name != "db",
        _ => name == key,
    };
    let all = world.containers.iter();
    let mut found: Vec<&Container> = all
        .filter(|(name, _)| is_one(name))
        .map(|(_, container)| container)
        .collect();
    found.sort_by_key(|container| !container.running);
    found
        .iter()
        .map(|container| container.project.clone())
        .collect()
}

/// The container of a service, in the project of this name or in any.
pub(super) fn found<'w>(
    world: &'w World,
    project: &ComposeProject,
    service: &ServiceName,
) -> Option<&'w Container> {
    let container = world.containers.get(&key(project, service))?;
    let named = project.name.as_ref();
    named
        .is_none_or(|name| name.as_str() == container.project)
        .then_some(container)
}

/// The files that a service is started from, the first one below.
pub(super) fn texts(world: &World, project: &ComposeProject) -> Vec<String> {
    let files = if project.instead.is_empty() {
        &project.files
    } else {
        &project.instead
    };
    let texts = files.iter().filter_map(|file| {
        let text = world.files.get(&project.folder.join(file))?;
        Some(String::from_utf8_lossy(text).into_owned())
    });
    texts.collect()
}

/// What the files say about a service; the last one that says it counts.
pub(super) fn said(texts: &[String], service: &ServiceName, key: &str) -> Option<String> {
    texts.iter().rev().find_map(|text| {
        let services = services(text)?;
        Some(services.get(service.as_str())?.get(key)?.to_string())
    })
}

type Services = Rc<serde_json::Map<String, serde_json::Value>>;

/// The services of a compose file; the same few texts are read again and again.
fn services(text: &str) -> Option<Services> {
    thread_local! {
        static READ: RefCell<HashMap<String, Option<Services>>> = RefCell::default();
    }
    READ.with_borrow_mut(|read| {
        if let Some(known) = read.get(text) {
            return known.clone();
        }
        let services = ComposeFile::parse(text).ok();
        let services = services.map(|file| Rc::new(file.services()));
        read.insert(text.to_owned(), services.clone());
        services
    })
}

//! The compose file, as somebody edits it and as compose reads it.

use super::world::{World, service_of};
use super::{COMPOSE, CONFIG, SimHost};
use crate::host::compose::ComposeFile;
use crate::host::facts::ComposeProject;
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

    /// The environment of the slot that takes traffic.
    pub(crate) fn environment(&self) -> Option<String> {
        let world = self.world.borrow();
        let service = service_of(world.live_port())?;
        world.containers.get(service)?.environment.clone()
    }
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
        let services = ComposeFile::parse(text).ok()?.services();
        Some(services.get(service.as_str())?.get(key)?.to_string())
    })
}

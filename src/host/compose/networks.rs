//! The networks that a service joins, by the names that Docker has for them.

use serde_json::Value;

use super::ComposeFile;
use crate::protocol::ids::{ProjectName, ServiceName};

/// A network that a service joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedNetwork {
    /// What Docker calls it.
    pub name: String,
    /// Whether it must be there already: compose makes the others.
    pub is_external: bool,
}

impl ComposeFile {
    /// The networks of a service when it is started in `project`; `None` when it has a way of its own (`network_mode`).
    pub fn networks(
        &self,
        service: &ServiceName,
        project: &ProjectName,
    ) -> Option<Vec<JoinedNetwork>> {
        let services = self.services();
        let service = services.get(service.as_str())?;
        if service.get("network_mode").is_some() {
            return None;
        }
        let keys: Vec<String> = match service.get("networks") {
            Some(Value::Array(list)) => list
                .iter()
                .filter_map(|key| key.as_str().map(str::to_owned))
                .collect(),
            Some(Value::Object(map)) => map.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let keys = if keys.is_empty() {
            vec!["default".to_owned()]
        } else {
            keys
        };
        let all = self.part("networks");
        Some(
            keys.iter()
                .map(|key| network(key, all.get(key), project))
                .collect(),
        )
    }
}

fn network(key: &str, said: Option<&Value>, project: &ProjectName) -> JoinedNetwork {
    let external = said.and_then(|said| said.get("external"));
    let (is_external, old_name) = match external {
        Some(Value::Bool(is_external)) => (*is_external, None),
        // As files before version 3.5 have it.
        Some(Value::Object(map)) => (true, map.get("name")),
        _ => (false, None),
    };
    let name = said.and_then(|said| said.get("name")).or(old_name);
    let name = match name.and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None if is_external => key.to_owned(),
        None => format!("{project}_{key}"),
    };
    JoinedNetwork { name, is_external }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_name_that_docker_has_for_it() {
        let of = |text: &str| {
            let file = ComposeFile::parse(text).unwrap();
            let networks = file.networks(&"app".parse().unwrap(), &"app-blue".parse().unwrap());
            networks.map(|networks| {
                let shown = |network: JoinedNetwork| {
                    format!(
                        "{}{}",
                        network.name,
                        if network.is_external { "!" } else { "" }
                    )
                };
                networks
                    .into_iter()
                    .map(shown)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        };
        for (text, names) in [
            ("services: {app: {image: a}}", Some("app-blue_default")),
            (
                "services: {app: {networks: {default: null, shop: null}}}\nnetworks: {default: {name: app-blue_default}, shop: {name: shop_net, external: true}}",
                Some("app-blue_default shop_net!"),
            ),
            (
                "services: {app: {networks: [shop, back]}}\nnetworks: {shop: {external: {name: shop_net}}, back: {}}",
                Some("shop_net! app-blue_back"),
            ),
            (
                "services: {app: {networks: [shop]}}\nnetworks: {shop: {external: true}}",
                Some("shop!"),
            ),
            ("services: {app: {network_mode: host}}", None),
        ] {
            assert_eq!(of(text).as_deref(), names, "{text}");
        }
    }
}

//! A file that names the live slot as an nginx in a container reaches it: by its name on a network of Docker's, or by its
//! port on the host.

use std::net::IpAddr;
use std::ops::Range;

use super::address::Address;
use super::lexer::{Kind, NginxToken, NginxWord, tokens};
use crate::protocol::slot::{PerSlot, Slot};

/// What a slot may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spelling {
    /// On a network of Docker's; those of the same kind have the same place in both slots, and an empty one is none.
    pub names: Vec<String>,
    /// Its ports on the host.
    pub published: Vec<u16>,
}

/// The slot that a file names, and every place where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSlot {
    pub slot: Slot,
    pub by: NamedBy,
    places: Vec<NamedPlace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// With the port, where the file says one.
    Name(Option<u16>),
    /// A port on the host.
    Port(u16),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NamedPlace {
    slot: Slot,
    by: NamedBy,
    statement: String,
    /// What is replaced.
    at: Range<usize>,
    /// Which of the names it is.
    kind: usize,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotNamed {
    #[error("it names neither slot")]
    Neither,
    #[error("it names both slots, and one of them would be left behind: `{0};` and `{1};`")]
    Both(String, String),
}

/// Statements whose words are no servers.
const NO_TARGETS: [&str; 2] = ["server_name", "listen"];
/// How a container may call its host, beside the address.
const HOST_NAMES: [&str; 3] = [
    "localhost",
    "host.docker.internal",
    "host.containers.internal",
];

impl NamedSlot {
    /// Finds the slot that a text names; a name counts more than a port, which may be anybody's.
    pub fn find(text: &str, slots: &PerSlot<Spelling>) -> Result<Self, NotNamed> {
        let mut places = Vec::new();
        let is_target = |token: &NginxToken| {
            token.kind == Kind::Simple && !NO_TARGETS.iter().any(|name| token.is(name))
        };
        for token in tokens(text).filter(is_target) {
            for word in token.words.iter().skip(1) {
                let raw = text.get(word.at.clone()).unwrap_or_default();
                let found = Slot::BOTH
                    .into_iter()
                    .filter_map(|slot| place(slot, slots.get(slot), raw, word, &token));
                places.extend(found);
            }
        }
        let is_name = |place: &NamedPlace| matches!(place.by, NamedBy::Name(_));
        if places.iter().any(is_name) {
            places.retain(is_name);
        }
        let first = places.first().ok_or(NotNamed::Neither)?;
        let (slot, by) = (first.slot, first.by);
        if let Some(other) = places.iter().find(|place| place.slot != slot) {
            return Err(NotNamed::Both(
                first.statement.clone(),
                other.statement.clone(),
            ));
        }
        Ok(Self { slot, by, places })
    }

    /// The same text naming the other slot; every other byte stays.
    pub fn moved(&self, text: &str, to: &Spelling) -> String {
        let mut changed = String::new();
        let mut from = 0;
        for place in &self.places {
            changed.push_str(text.get(from..place.at.start).unwrap_or_default());
            changed.push_str(&match place.by {
                NamedBy::Name(_) => to.name(place.kind),
                NamedBy::Port(_) => to.published.first().map(u16::to_string).unwrap_or_default(),
            });
            from = place.at.end;
        }
        changed.push_str(text.get(from..).unwrap_or_default());
        changed
    }
}

impl Spelling {
    /// A name that is its own.
    pub fn first(&self) -> Option<&String> {
        self.names.iter().find(|name| !name.is_empty())
    }

    fn name(&self, kind: usize) -> String {
        let same = self.names.get(kind).filter(|name| !name.is_empty());
        same.or(self.first()).cloned().unwrap_or_default()
    }
}

/// A word of a statement, `raw` with its quotes, when it names the slot.
fn place(
    slot: Slot,
    spelling: &Spelling,
    raw: &str,
    word: &NginxWord,
    token: &NginxToken,
) -> Option<NamedPlace> {
    let address = Address::read(raw);
    let at = |at: Range<usize>| word.at.start + at.start..word.at.start + at.end;
    let mut names = spelling.names.iter();
    if let Some(kind) = names.position(|name| !name.is_empty() && name == address.host) {
        return Some(NamedPlace {
            slot,
            by: NamedBy::Name(address.port),
            statement: token.said(),
            at: at(address.host_at),
            kind,
        });
    }
    let port = address.port?;
    let is_host = HOST_NAMES.contains(&address.host)
        || address
            .host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok();
    (is_host && spelling.published.contains(&port)).then(|| NamedPlace {
        slot,
        by: NamedBy::Port(port),
        statement: token.said(),
        at: at(address.port_at),
        kind: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> PerSlot<Spelling> {
        let spelling = |names: &[&str], port| Spelling {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            published: vec![port],
        };
        PerSlot {
            one: spelling(&["web-1", "blue"], 8080),
            two: spelling(&["web-2", "green"], 8081),
        }
    }

    #[test]
    fn the_live_slot_is_named_in_many_ways_and_moves_in_all_of_them() {
        use NamedBy::{Name, Port};
        for (text, by, moved) in [
            (
                "# web-2\nset $service_url http://web-1:8080;\n",
                Name(Some(8080)),
                "# web-2\nset $service_url http://web-2:8080;\n",
            ),
            (
                "upstream api { server web-1:80 max_fails=3; keepalive 8; }",
                Name(Some(80)),
                "upstream api { server web-2:80 max_fails=3; keepalive 8; }",
            ),
            (
                "location /api { proxy_pass http://web-1/v1; }\nset $up \"web-1\";",
                Name(None),
                "location /api { proxy_pass http://web-2/v1; }\nset $up \"web-2\";",
            ),
            (
                "set $service_url http://blue:8080$request_uri;",
                Name(Some(8080)),
                "set $service_url http://green:8080$request_uri;",
            ),
            (
                "set $url http://host.docker.internal:8080;",
                Port(8080),
                "set $url http://host.docker.internal:8081;",
            ),
            (
                "server { listen 8081; server_name web-2; location / { proxy_pass http://172.17.0.1:8080; } }",
                Port(8080),
                "server { listen 8081; server_name web-2; location / { proxy_pass http://172.17.0.1:8081; } }",
            ),
            (
                "upstream x { server [fd00::1]:8080; }",
                Port(8080),
                "upstream x { server [fd00::1]:8081; }",
            ),
            (
                "server { proxy_pass http://web-1:8080; proxy_pass http://10.0.0.9:8081; }",
                Name(Some(8080)),
                "server { proxy_pass http://web-2:8080; proxy_pass http://10.0.0.9:8081; }",
            ),
        ] {
            let found = NamedSlot::find(text, &slots()).unwrap();
            assert_eq!((found.slot, found.by), (Slot::One, by), "{text}");
            let changed = found.moved(text, &slots().two);
            assert_eq!(changed, moved);
            let back = NamedSlot::find(&changed, &slots()).unwrap();
            assert_eq!(back.slot, Slot::Two, "{changed}");
            assert_eq!(back.moved(&changed, &slots().one), text);
        }
    }

    #[test]
    fn a_slot_without_a_name_of_that_kind_is_called_by_another_one() {
        let mut slots = slots();
        slots.one.names = ["", "blue"].map(str::to_owned).to_vec();
        slots.two.names = ["", "", "shop-web-1"].map(str::to_owned).to_vec();
        let text = "set $service_url http://blue:8080;";
        let found = NamedSlot::find(text, &slots).unwrap();
        let moved = found.moved(text, &slots.two);
        assert_eq!(moved, "set $service_url http://shop-web-1:8080;");
    }

    #[test]
    fn a_text_that_names_neither_or_both_is_refused() {
        for text in [
            "",
            "set $x http://web-10:8080;",
            "set $x http://api:8080;",
            "# http://web-1:8080",
            "server_name web-1;",
            "listen 0.0.0.0:8080;",
            "set $x http://127.0.0.1:9000;",
            "access_log /var/log/web-1.log;",
        ] {
            assert_eq!(
                NamedSlot::find(text, &slots()),
                Err(NotNamed::Neither),
                "{text}"
            );
        }
        let both = "upstream x { server web-1:8080; server  web-2:8080 backup; }";
        assert_eq!(
            NamedSlot::find(both, &slots()),
            Err(NotNamed::Both(
                "server web-1:8080".to_owned(),
                "server web-2:8080 backup".to_owned()
            ))
        );
    }
}

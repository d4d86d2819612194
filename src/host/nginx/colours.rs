//! Names behind which a slot is found: `upstream blue`, or a key of a `map`.

use std::collections::BTreeSet;

use super::address::Address;
use super::statements::{Block, blocks, is};
use crate::protocol::slot::{PerSlot, Slot};

/// What a configuration calls the slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Colours {
    names: Vec<Name>,
    /// What `proxy_pass` says, and what a `map` chooses by: where a variable must be found for it to matter.
    obeyed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// The variable that a `map` chooses by; none for an `upstream`.
    of: Option<String>,
    name: String,
    slot: Slot,
}

/// A name of a slot, and the other slot's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    pub(super) slot: Slot,
    pub(super) other: &'a str,
}

/// Which of several names is the other slot's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Several(pub(super) Vec<String>);

impl Colours {
    /// Reads a configuration as `nginx -T` prints it. An `upstream` is a colour when it sends to one slot and nobody else.
    pub fn of(config: &str, ports: &PerSlot<u16>) -> Self {
        let root = blocks(config, "");
        let mut found = Self {
            names: Vec::new(),
            obeyed: passed(&root),
        };
        for upstream in root.all("upstream") {
            if let (Some(name), Some(slot)) = (upstream.words.get(1), sends_to(upstream, ports)) {
                found.names.push(Name {
                    of: None,
                    name: name.clone(),
                    slot,
                });
            }
        }
        for map in root.all("map") {
            let [_, source, _] = map.words.as_slice() else {
                continue;
            };
            found.obeyed.push(source.clone());
            for entry in &map.statements {
                let [key, value] = entry.as_slice() else {
                    continue;
                };
                // Nobody sets a variable to that.
                if key == "default" {
                    continue;
                }
                if let Some(slot) = found.slot_of(value, ports) {
                    found.names.push(Name {
                        of: Some(source.clone()),
                        name: key.clone(),
                        slot,
                    });
                }
            }
        }
        found
    }

    /// The slot of an address, or of the name of an upstream.
    fn slot_of(&self, value: &str, ports: &PerSlot<u16>) -> Option<Slot> {
        let address = Address::read(value);
        if address.is_local() {
            return named(&address, ports);
        }
        let mut upstreams = self.names.iter().filter(|name| name.of.is_none());
        upstreams
            .find(|name| name.name == address.host)
            .map(|name| name.slot)
    }

    /// Whether nginx goes by what a variable says.
    pub(super) fn obeys(&self, variable: &str) -> bool {
        let braced = format!("${{{}}}", variable.trim_start_matches('$'));
        self.obeyed.iter().any(|text| {
            text.contains(&braced)
                || text.match_indices(variable).any(|(at, _)| {
                    let next = text.as_bytes().get(at + variable.len());
                    !next.is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_')
                })
        })
    }

    /// The slot that a name stands for, and what the other slot is called; none when one of them has no name. `variable`
    /// is the one that the name is set to.
    pub(super) fn pair(
        &self,
        name: &str,
        variable: Option<&str>,
    ) -> Option<Result<Pair<'_>, Several>> {
        let is_alike = |found: &&Name| found.of.is_none() || found.of.as_deref() == variable;
        let named = self.names.iter().filter(is_alike);
        let own = named.clone().find(|found| found.name == name)?;
        let others = named.filter(|found| found.of == own.of && found.slot != own.slot);
        let likeness = |other: &str| {
            let before = common(name.bytes(), other.bytes());
            let most = name.len().min(other.len()) - before;
            before + common(name.bytes().rev(), other.bytes().rev()).min(most)
        };
        let mut others: Vec<(usize, &str)> = others
            .map(|other| (likeness(&other.name), other.name.as_str()))
            .collect();
        others.sort_unstable();
        others.dedup();
        let (best, other) = *others.last()?;
        let is_clear = others.iter().filter(|(like, _)| *like == best).count() == 1;
        Some(if is_clear {
            Ok(Pair {
                slot: own.slot,
                other,
            })
        } else {
            let names = others.iter().map(|(_, name)| (*name).to_owned());
            Err(Several(names.collect()))
        })
    }
}

fn common(one: impl Iterator<Item = u8>, other: impl Iterator<Item = u8>) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

/// The slot that an address names.
pub(super) fn named(address: &Address<'_>, ports: &PerSlot<u16>) -> Option<Slot> {
    let port = address.port.filter(|_| address.is_local())?;
    Slot::BOTH
        .into_iter()
        .find(|slot| *ports.get(*slot) == port)
}

/// The one slot that an upstream sends to, when there is nobody else.
fn sends_to(upstream: &Block, ports: &PerSlot<u16>) -> Option<Slot> {
    let servers = upstream.statements.iter().filter(|words| {
        is(words, "server") && !words.iter().any(|word| word == "down" || word == "backup")
    });
    let slots: BTreeSet<Option<Slot>> = servers
        .map(|words| named(&Address::read(words.get(1)?), ports))
        .collect();
    match slots.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(slot)] => Some(*slot),
        _ => None,
    }
}

fn passed(block: &Block) -> Vec<String> {
    let own = block
        .statements
        .iter()
        .filter(|words| is(words, "proxy_pass"));
    let mut all: Vec<String> = own.filter_map(|words| words.get(1).cloned()).collect();
    all.extend(block.blocks.iter().flat_map(passed));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: PerSlot<u16> = PerSlot {
        one: 8080,
        two: 8081,
    };

    fn pair(config: &str, name: &str, variable: Option<&str>) -> Option<(Slot, String)> {
        let colours = Colours::of(config, &PORTS);
        let pair = colours.pair(name, variable)?.unwrap();
        Some((pair.slot, pair.other.to_owned()))
    }

    const BOTH: &str = "upstream blue { server 127.0.0.1:8080; }\nupstream green { server localhost:8081 max_fails=0; \
                        server 127.0.0.1:8080 backup; }\n";

    #[test]
    fn a_slot_is_found_behind_an_upstream_or_a_map() {
        assert_eq!(pair(BOTH, "blue", None), Some((Slot::One, "green".into())));
        assert_eq!(pair(BOTH, "green", None), Some((Slot::Two, "blue".into())));
        let map = "map $active $backend { default http://127.0.0.1:8080; b http://127.0.0.1:8080; g http://[::1]:8081; }";
        let found = pair(map, "g", Some("$active"));
        assert_eq!(found.map(|(slot, _)| slot), Some(Slot::Two));
        assert_eq!(pair(map, "g", Some("$theme")), None);
        let through = format!("{BOTH}map $colour $backend {{ 1 http://blue; 2 http://green; }}");
        assert_eq!(
            pair(&through, "2", Some("$colour")),
            Some((Slot::Two, "1".into()))
        );
    }

    #[test]
    fn what_sends_elsewhere_too_is_no_colour() {
        for other in [
            BOTH.replace("8081", "8082"),
            BOTH.replace("8081 max_fails=0", "8081; server 10.0.0.2:8080"),
            BOTH.replace(":8080 backup", ":8080"),
            BOTH.replace("localhost:8081", "10.0.0.2:8081"),
        ] {
            assert_eq!(pair(&other, "blue", None), None, "{other}");
        }
    }

    #[test]
    fn of_several_the_one_that_is_alike_is_the_other() {
        let config = "upstream api_blue { server 127.0.0.1:8080; } upstream api_green { server 127.0.0.1:8081; }\n\
                      upstream ws_blue { server 127.0.0.1:8080; } upstream ws_green { server 127.0.0.1:8081; }";
        for (name, other) in [("ws_blue", "ws_green"), ("api_green", "api_blue")] {
            assert_eq!(pair(config, name, None).unwrap().1, other);
        }
        let unclear = format!("{BOTH}upstream red {{ server 127.0.0.1:8081; }}");
        let colours = Colours::of(&unclear, &PORTS);
        let several = Several(vec!["green".into(), "red".into()]);
        assert_eq!(colours.pair("blue", None), Some(Err(several)));
    }

    #[test]
    fn a_variable_matters_where_nginx_goes_by_it() {
        let config = "server { location / { proxy_pass http://${active}; } location /x { proxy_pass http://$backend_x; } }\n\
                      map $colour $y { a b; }";
        let colours = Colours::of(config, &PORTS);
        assert!(
            colours.obeys("$active") && colours.obeys("$backend_x") && colours.obeys("$colour")
        );
        assert!(!colours.obeys("$backend") && !colours.obeys("$theme"));
    }
}

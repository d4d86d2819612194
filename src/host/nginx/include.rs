//! The seed's include: it names the live port.

use std::ops::Range;

use super::statements::statements_at;
use crate::protocol::slot::{PerSlot, Slot};

/// The port that an include file sends requests to, and where it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncludePort {
    /// The port on the loopback address.
    pub port: u16,
    /// The variable that is set, with its `$`; the first one, where several are.
    pub variable: String,
    places: Vec<Range<usize>>,
}

/// An include that does not name one live port.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAnInclude {
    /// Nothing in it can be moved.
    #[error("the include has no line like `set $service_url http://127.0.0.1:8080;`")]
    Nothing,
    /// It names a slot in a way that a switch would not move.
    #[error("the include also says `{0};`, which names a slot and would not move with it")]
    Left(String),
}

impl IncludePort {
    /// Finds every `set $name http://<loopback>:<port>` that names the port of the first one; comments do not count.
    pub fn find(text: &str) -> Result<Self, NotAnInclude> {
        let mut found: Option<Self> = None;
        for (at, statement) in statements_at(text) {
            let Some((variable, port, place)) = setting(statement) else {
                continue;
            };
            let place = at + place.start..at + place.end;
            match &mut found {
                None => {
                    found = Some(Self {
                        port,
                        variable: variable.to_owned(),
                        places: vec![place],
                    });
                }
                Some(first) if first.port == port => first.places.push(place),
                Some(_) => {}
            }
        }
        found.ok_or(NotAnInclude::Nothing)
    }

    /// Nothing else in the text may name the port of a slot: it would go on to do so after a switch.
    pub fn is_all_of(&self, text: &str, slots: &PerSlot<u16>) -> Result<(), NotAnInclude> {
        let left = statements_at(text).find(|(at, statement)| {
            let moved = self
                .places
                .iter()
                .any(|place| (*at..at + statement.len()).contains(&place.start));
            !moved
                && Slot::BOTH
                    .into_iter()
                    .any(|slot| names_port(statement, *slots.get(slot)))
        });
        match left {
            None => Ok(()),
            Some((_, statement)) => {
                let words: Vec<&str> = statement.split_whitespace().collect();
                Err(NotAnInclude::Left(words.join(" ")))
            }
        }
    }

    /// The same text with another port; every other byte stays.
    pub fn with_port(&self, text: &str, port: u16) -> String {
        let mut changed = String::new();
        let mut from = 0;
        for place in &self.places {
            changed.push_str(text.get(from..place.start).unwrap_or_default());
            changed.push_str(&port.to_string());
            from = place.end;
        }
        changed.push_str(text.get(from..).unwrap_or_default());
        changed
    }
}

/// The variable and the port of `set $name http://<loopback>:<port>`, and where the port stands.
fn setting(statement: &str) -> Option<(&str, u16, Range<usize>)> {
    let mut words = statement.split_whitespace();
    if words.next() != Some("set") {
        return None;
    }
    let variable = words.next().filter(|name| name.starts_with('$'))?;
    ["http://127.0.0.1:", "http://localhost:"]
        .iter()
        .find_map(|host| {
            let start = statement.find(host)? + host.len();
            let tail = statement.get(start..)?;
            let len = tail.bytes().take_while(u8::is_ascii_digit).count();
            let port = tail.get(..len)?.parse().ok()?;
            Some((variable, port, start..start + len))
        })
}

/// Whether a text has `:<port>` in it.
fn names_port(text: &str, port: u16) -> bool {
    let wanted = format!(":{port}");
    text.match_indices(&wanted).any(|(at, _)| {
        let next = text.as_bytes().get(at + wanted.len());
        !next.is_some_and(u8::is_ascii_digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: PerSlot<u16> = PerSlot {
        one: 8080,
        two: 8081,
    };

    #[test]
    fn the_port_is_replaced_and_nothing_else() {
        let text = "# set $service_url http://127.0.0.1:1;\r\n\tset $service_url  http://127.0.0.1:8080; # live\n";
        let found = IncludePort::find(text).unwrap();
        assert_eq!(found.port, 8080);
        let changed = found.with_port(text, 18081);
        assert_eq!(changed, text.replace("8080", "18081"));
        assert_eq!(
            IncludePort::find(&changed)
                .unwrap()
                .with_port(&changed, 8080),
            text
        );
    }

    #[test]
    fn what_is_no_include_is_refused() {
        for text in [
            "",
            "set $service_url http://10.0.0.1:8080;",
            "settings http://127.0.0.1:80;",
            "set $x http://127.0.0.1:99999;",
            "#set $x http://127.0.0.1:80;",
        ] {
            assert_eq!(
                IncludePort::find(text),
                Err(NotAnInclude::Nothing),
                "{text}"
            );
        }
    }

    #[test]
    fn every_variable_that_names_the_live_port_moves() {
        for text in [
            "set $service_url http://127.0.0.1:8080;\nset $ws_url http://127.0.0.1:8080;\n",
            "set $service_url http://127.0.0.1:8080; set $ws_url\n   http://localhost:8080/ws;",
            "# 8080\nset $other http://127.0.0.1:9000;#;\n"
                .replace("9000", "8080")
                .as_str(),
        ] {
            let found = IncludePort::find(text).unwrap();
            assert_eq!(found.is_all_of(text, &SLOTS), Ok(()), "{text}");
            let moved = found.with_port(text, 8081);
            assert_eq!(
                moved.matches(":8081").count(),
                text.matches(":8080").count()
            );
            assert!(!moved.contains(":8080"), "{moved}");
        }
    }

    #[test]
    fn a_slot_that_is_named_in_another_way_is_an_error() {
        let first = "set $service_url http://127.0.0.1:8080;\n";
        for left in [
            "set $ws_url ws://127.0.0.1:8080;",
            "set $ws_url \"127.0.0.1:8080\";",
            "set $preview http://127.0.0.1:8081;",
            "proxy_pass http://127.0.0.1:8080;",
        ] {
            let text = format!("{first}{left}\n");
            let found = IncludePort::find(&text).unwrap();
            let said = found.is_all_of(&text, &SLOTS);
            assert_eq!(
                said,
                Err(NotAnInclude::Left(left.trim_end_matches(';').to_owned()))
            );
        }
        for fine in ["set $x http://127.0.0.1:80801;", "# ws://127.0.0.1:8080"] {
            let text = format!("{first}{fine}\n");
            let found = IncludePort::find(&text).unwrap();
            assert_eq!(found.is_all_of(&text, &SLOTS), Ok(()), "{fine}");
        }
    }
}

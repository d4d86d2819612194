//! The user's own file that says which slot is live, in whatever way: by a port, or by a colour's name. It is switched as
//! it stands: what names a slot is replaced, every other byte stays.

use std::ops::Range;

use super::address::Address;
use super::colours::Colours;
use super::lexer::tokens;
use super::switch_reader::Reader;
use crate::protocol::slot::{PerSlot, Slot};

/// What a file says of the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchFile {
    /// The slot that takes traffic.
    pub live: Slot,
    places: Vec<SlotPlace>,
}

/// Words that name a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotPlace {
    pub(super) at: Range<usize>,
    pub(super) slot: Slot,
    /// What stands for the other slot.
    pub(super) other: String,
    pub(super) statement: String,
    pub(super) through: Through,
    /// The scheme, `http` or none, and what comes after the slot.
    pub(super) has_scheme: bool,
    pub(super) rest: String,
}

/// How requests come to a slot that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Through {
    /// A variable is set to it.
    Set(String),
    /// A `map` makes a variable of it.
    Map(String),
    /// An `upstream` of this name has it.
    Upstream(String),
    /// They are passed on to it where it stands, by this address.
    Passed(String),
    /// They are not: it is told where it redirects to.
    Redirected,
}

/// A file that does not say which slot is live, or not in a way that can be switched.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum NotASwitch {
    #[error(
        "it has no line that names a slot, like `set $service_url http://127.0.0.1:8080;`, or `server 127.0.0.1:8080;` in an `upstream`"
    )]
    Nothing,
    #[error("it says `{0};`, which names no slot on this machine")]
    Elsewhere(String),
    #[error("it says `{said};`, but the slots are on {} and {}", ports.one, ports.two)]
    OtherPort { said: String, ports: PerSlot<u16> },
    #[error("it says `{0};`, and slots are asked by plain HTTP alone")]
    Tls(String),
    #[error("it also says `{0};`, which names a slot and would not move with it")]
    Left(String),
    #[error("it names both slots: `{0};` and `{1};`")]
    Both(String, String),
    #[error("it says `{said};`, and the other slot has several names: {}", names.join(", "))]
    Several { said: String, names: Vec<String> },
}

impl NotASwitch {
    /// What to write.
    pub fn cure(&self, ports: &PerSlot<u16>) -> String {
        let one = ports.one;
        match self {
            Self::Nothing | Self::Elsewhere(_) => format!(
                "write a line like `set $service_url http://127.0.0.1:{one};` into it, or `server 127.0.0.1:{one};` into its `upstream`"
            ),
            Self::OtherPort { .. } => {
                "make the ports in the compose file and in this file agree".to_owned()
            }
            Self::Tls(_) => format!(
                "let nginx speak TLS, the app plain HTTP on 127.0.0.1: `http://127.0.0.1:{one}`"
            ),
            Self::Left(_) => format!(
                "write it as `http://127.0.0.1:{one}` in a `set` or `proxy_pass`, which moves, or move it into another file"
            ),
            Self::Both(..) => {
                "one slot takes traffic at a time: leave the line of the live one, mark the other `down` or `backup`; when another file chooses between the two, name that one in `proxy-include`".to_owned()
            }
            Self::Several { names, .. } => format!(
                "leave one `upstream` for each slot, or name the pairs alike, such as `api_blue` and `api_green`, instead of `{}`",
                names.join("`, `")
            ),
        }
    }
}

impl SwitchFile {
    /// Reads it; `colours` is what the whole configuration calls the slots.
    pub fn read(text: &str, ports: &PerSlot<u16>, colours: &Colours) -> Result<Self, NotASwitch> {
        let found = Reader {
            text,
            ports,
            colours,
        }
        .read()?;
        let by_name = !found.names.is_empty();
        let mut places = found.names;
        places.extend(found.addresses);
        let (mut standby, mut left) = (Vec::new(), found.left);
        // With names the upstreams are what is chosen from.
        for upstream in found.upstreams.into_iter().filter(|_| !by_name) {
            if upstream.active.is_empty() {
                left.extend(upstream.standby.into_iter().map(|place| place.statement));
            } else {
                standby.extend(upstream.standby);
            }
            places.extend(upstream.active);
            left.extend(upstream.left);
        }
        let Some(first) = places.first() else {
            return Err(match (found.foreign, left.into_iter().next()) {
                (Some(error), _) => error,
                (None, Some(said)) => NotASwitch::Left(said),
                (None, None) => NotASwitch::Nothing,
            });
        };
        let live = first.slot;
        if let Some(other) = places.iter().find(|place| place.slot != live) {
            let (first, other) = (first.statement.clone(), other.statement.clone());
            return Err(NotASwitch::Both(first, other));
        }
        if let Some(said) = left.into_iter().next() {
            return Err(NotASwitch::Left(said));
        }
        places.extend(standby);
        places.sort_by_key(|place| place.at.start);
        Ok(Self { live, places })
    }

    /// The same text with another live slot; every other byte stays.
    pub fn naming(&self, text: &str, slot: Slot) -> String {
        if slot == self.live {
            return text.to_owned();
        }
        let mut changed = String::new();
        let mut from = 0;
        for place in &self.places {
            changed.push_str(text.get(from..place.at.start).unwrap_or_default());
            changed.push_str(&place.other);
            from = place.at.end;
        }
        changed.push_str(text.get(from..).unwrap_or_default());
        changed
    }

    /// The variable that is set to `http://` and the live slot, and by nothing else does the file say which one is.
    pub fn variable(&self) -> Option<&str> {
        match self.places.as_slice() {
            [
                SlotPlace {
                    through: Through::Set(variable),
                    has_scheme: true,
                    rest,
                    ..
                },
            ] if rest.is_empty() => Some(variable),
            _ => None,
        }
    }

    /// Every place that names a slot.
    pub(super) fn places(&self) -> &[SlotPlace] {
        &self.places
    }
}

/// The ports of this machine that a file sends requests to, before anybody knows which of them are slots'.
pub fn local_ports(text: &str) -> Vec<u16> {
    let words = tokens(text).flat_map(|token| {
        let names = ["set", "proxy_pass", "server", "default"];
        let is_one = names.iter().any(|name| token.is(name));
        token.words.into_iter().skip(1).filter(move |_| is_one)
    });
    let ports = words.filter_map(|word| {
        let address = Address::read(text.get(word.at)?);
        address.port.filter(|_| address.is_local())
    });
    ports.collect()
}

#[cfg(test)]
#[path = "switch_file_tests.rs"]
mod tests;

//! Finds what names a slot in a file of the user's.

use super::address::Address;
use super::colours::{Colours, Pair, Several, named};
use super::lexer::{Kind, NginxToken, NginxWord, tokens};
use super::switch_file::{NotASwitch, SlotPlace, Through};
use crate::protocol::slot::{PerSlot, Slot};

/// One `upstream` block.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    name: String,
    /// Slots that get requests.
    pub(super) active: Vec<SlotPlace>,
    /// Slots that are `down` or `backup`.
    pub(super) standby: Vec<SlotPlace>,
    pub(super) left: Vec<String>,
}

/// What a file has in it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) names: Vec<SlotPlace>,
    pub(super) addresses: Vec<SlotPlace>,
    pub(super) upstreams: Vec<Upstream>,
    /// Statements that name a slot in another way.
    pub(super) left: Vec<String>,
    /// What would be wrong with the file if it named no slot.
    pub(super) foreign: Option<NotASwitch>,
}

/// Reads one file.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) ports: &'a PerSlot<u16>,
    pub(super) colours: &'a Colours,
}

impl Reader<'_> {
    pub(super) fn read(&self) -> Result<Found, NotASwitch> {
        let mut found = Found::default();
        let mut open: Vec<NginxToken> = Vec::new();
        for token in tokens(self.text) {
            match token.kind {
                Kind::Open => {
                    if token.is("upstream") {
                        found.upstreams.push(Upstream {
                            name: token
                                .words
                                .get(1)
                                .map_or_else(String::new, |word| word.text.clone()),
                            ..Upstream::default()
                        });
                    }
                    open.push(token);
                }
                Kind::Close => drop(open.pop()),
                Kind::Simple => {
                    let block = open.last();
                    let upstream = found.upstreams.last_mut();
                    match (block, upstream) {
                        (Some(block), Some(upstream)) if block.is("upstream") => {
                            let foreign = self.server(&token, upstream);
                            found.foreign = found.foreign.or(foreign);
                        }
                        _ => self.statement(&token, block, &mut found)?,
                    }
                }
            }
        }
        Ok(found)
    }

    /// A statement in an `upstream`; what would be wrong with it alone.
    fn server(&self, token: &NginxToken, upstream: &mut Upstream) -> Option<NotASwitch> {
        let word = token.words.get(1).filter(|_| token.is("server"))?;
        let address = self.address(word);
        let through = Through::Upstream(upstream.name.clone());
        let Some(place) = self.place(token, word, through) else {
            let names_slot = self.names_slot(token);
            upstream.left.extend(names_slot.then(|| token.said()));
            return Some(self.foreign(token, &address));
        };
        let is_standby = |word: &NginxWord| word.text == "down" || word.text == "backup";
        if token.words.iter().any(is_standby) {
            upstream.standby.push(place);
        } else {
            upstream.active.push(place);
        }
        None
    }

    /// A statement elsewhere.
    fn statement(
        &self,
        token: &NginxToken,
        block: Option<&NginxToken>,
        found: &mut Found,
    ) -> Result<(), NotASwitch> {
        let map = block.filter(|block| block.is("map"));
        let (variable, values) = match token.words.as_slice() {
            [name, variable, values @ ..] if name.text == "set" => (Some(variable), values),
            [name, values @ ..] if name.text == "proxy_pass" || name.text == "proxy_redirect" => {
                (None, values)
            }
            // What it is set to.
            [_, value @ ..] if map.is_some() => (map.and_then(|map| map.words.get(2)), value),
            _ => (None, [].as_slice()),
        };
        let before = found.names.len() + found.addresses.len();
        for word in values {
            let address = self.address(word);
            if address.scheme == Some("https") && named(&address, self.ports).is_some() {
                return Err(NotASwitch::Tls(token.said()));
            }
            let variable = variable.map(|word| word.text.as_str());
            let through = match variable {
                Some(variable) if token.is("set") => Through::Set(variable.to_owned()),
                Some(_) => {
                    let made = map.and_then(|map| map.words.get(2));
                    Through::Map(made.map_or_else(String::new, |made| made.text.clone()))
                }
                None if token.is("proxy_redirect") => Through::Redirected,
                None => Through::Passed(address.until_rest.to_owned()),
            };
            if let Some(place) = self.place(token, word, through.clone()) {
                found.addresses.push(place);
            } else if let Some(place) = self.colour(token, word, variable, through)? {
                found.names.push(place);
            } else if found.foreign.is_none()
                && (address.port.is_some() || address.scheme.is_some_and(|it| it == "http"))
                && !token.is("proxy_redirect")
                && !address.host.starts_with('$')
            {
                found.foreign = Some(self.foreign(token, &address));
            }
        }
        let is_moved = found.names.len() + found.addresses.len() > before;
        if !is_moved && self.names_slot(token) {
            found.left.push(token.said());
        }
        Ok(())
    }

    fn foreign(&self, token: &NginxToken, address: &Address<'_>) -> NotASwitch {
        if address.is_local() {
            NotASwitch::OtherPort {
                said: token.said(),
                ports: *self.ports,
            }
        } else {
            NotASwitch::Elsewhere(token.said())
        }
    }

    fn raw(&self, word: &NginxWord) -> &str {
        self.text.get(word.at.clone()).unwrap_or_default()
    }

    fn address(&self, word: &NginxWord) -> Address<'_> {
        Address::read(self.raw(word))
    }

    /// A word that names a slot by its port.
    fn place(&self, token: &NginxToken, word: &NginxWord, through: Through) -> Option<SlotPlace> {
        let address = self.address(word);
        let slot = named(&address, self.ports)?;
        if address.scheme.is_some_and(|scheme| scheme != "http") {
            return None;
        }
        let from = word.at.start;
        Some(SlotPlace {
            at: from + address.port_at.start..from + address.port_at.end,
            slot,
            other: self.ports.get(slot.other()).to_string(),
            statement: token.said(),
            through,
            has_scheme: address.scheme.is_some(),
            rest: address.rest.to_owned(),
        })
    }

    /// A word that names a slot by its colour.
    fn colour(
        &self,
        token: &NginxToken,
        word: &NginxWord,
        variable: Option<&str>,
        through: Through,
    ) -> Result<Option<SlotPlace>, NotASwitch> {
        let address = self.address(word);
        let is_bare = address.scheme.is_none();
        let counts = match variable {
            Some(variable) => self.colours.obeys(variable),
            None => !is_bare,
        };
        if address.port.is_some() || !counts {
            return Ok(None);
        }
        let pair = match self.colours.pair(address.host, variable) {
            None => return Ok(None),
            Some(Ok(pair)) => pair,
            Some(Err(Several(names))) => {
                return Err(NotASwitch::Several {
                    said: token.said(),
                    names,
                });
            }
        };
        let Pair { slot, other } = pair;
        let from = word.at.start;
        Ok(Some(SlotPlace {
            at: from + address.host_at.start..from + address.host_at.end,
            slot,
            other: other.to_owned(),
            statement: token.said(),
            through,
            has_scheme: address.scheme.is_some(),
            rest: address.rest.to_owned(),
        }))
    }

    /// Whether a statement has `:<port>` of a slot in it.
    fn names_slot(&self, token: &NginxToken) -> bool {
        let text = token.said();
        Slot::BOTH.into_iter().any(|slot| {
            let wanted = format!(":{}", self.ports.get(slot));
            text.match_indices(&wanted).any(|(at, _)| {
                let next = text.as_bytes().get(at + wanted.len());
                !next.is_some_and(u8::is_ascii_digit)
            })
        })
    }
}

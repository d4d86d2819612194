//! Addresses as nginx's statements have them: `http://127.0.0.1:8080`, `localhost:8080`, `http://$active/api`.

use std::net::IpAddr;
use std::ops::Range;

/// The parts of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// `http`, say; none where nothing is said.
    pub(super) scheme: Option<&'a str>,
    /// A name, an IP address (with its brackets), or a variable.
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    /// What comes after host and port.
    pub(super) rest: &'a str,
    pub(super) host_at: Range<usize>,
    pub(super) port_at: Range<usize>,
    /// The text from its scheme to its port.
    pub(super) until_rest: &'a str,
}

impl<'a> Address<'a> {
    /// Reads a word, with its quotes if it has some; places are counted from its beginning.
    pub(super) fn read(word: &'a str) -> Self {
        let quote = word.chars().next().filter(|c| matches!(c, '"' | '\''));
        let start = quote.map_or(0, char::len_utf8);
        let end = match quote {
            Some(quote) => word.len() - usize::from(word.len() > 1 && word.ends_with(quote)),
            None => word.len(),
        };
        let part = |at: Range<usize>| word.get(at).unwrap_or_default();
        let scheme = part(start..end).split_once("://").map(|(scheme, _)| scheme);
        let host_from = start + scheme.map_or(0, |scheme| scheme.len() + "://".len());
        let tail = part(host_from..end);
        let len = match tail.strip_prefix('[').and_then(|rest| rest.find(']')) {
            Some(bracket) => bracket + 2,
            None => tail.find([':', '/', '?']).unwrap_or(tail.len()),
        };
        let host_at = host_from..host_from + len;
        let digits = part(host_at.end..end).strip_prefix(':').map_or(0, |rest| {
            rest.bytes().take_while(u8::is_ascii_digit).count()
        });
        let port_from = host_at.end + usize::from(digits > 0);
        let port_at = port_from..port_from + digits;
        Self {
            scheme,
            host: part(host_at.clone()),
            port: part(port_at.clone()).parse().ok(),
            rest: part(port_at.end..end),
            until_rest: part(start..port_at.end),
            host_at,
            port_at,
        }
    }

    /// Whether its host is this machine, as far as the text says.
    pub(super) fn is_local(&self) -> bool {
        let literal = self.host.trim_start_matches('[').trim_end_matches(']');
        literal == "localhost"
            || literal
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback() || address.is_unspecified())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_people_write_are_read() {
        for (word, scheme, host, port, rest, local) in [
            (
                "http://127.0.0.1:8080",
                Some("http"),
                "127.0.0.1",
                Some(8080),
                "",
                true,
            ),
            (
                "\"http://localhost:8080/api\"",
                Some("http"),
                "localhost",
                Some(8080),
                "/api",
                true,
            ),
            (
                "http://0.0.0.0:8080",
                Some("http"),
                "0.0.0.0",
                Some(8080),
                "",
                true,
            ),
            (
                "https://[::1]:8443/",
                Some("https"),
                "[::1]",
                Some(8443),
                "/",
                true,
            ),
            ("'127.0.0.1:8080'", None, "127.0.0.1", Some(8080), "", true),
            (
                "http://app.internal:8080",
                Some("http"),
                "app.internal",
                Some(8080),
                "",
                false,
            ),
            ("http://blue", Some("http"), "blue", None, "", false),
            ("blue", None, "blue", None, "", false),
            (
                "http://$active/x?y",
                Some("http"),
                "$active",
                None,
                "/x?y",
                false,
            ),
            (
                "http://127.0.0.1:99999",
                Some("http"),
                "127.0.0.1",
                None,
                "",
                true,
            ),
            (
                "http://127.0.0.1:$port",
                Some("http"),
                "127.0.0.1",
                None,
                ":$port",
                true,
            ),
            ("\"", None, "", None, "", false),
            ("", None, "", None, "", false),
        ] {
            let found = Address::read(word);
            assert_eq!(
                (
                    found.scheme,
                    found.host,
                    found.port,
                    found.rest,
                    found.is_local()
                ),
                (scheme, host, port, rest, local),
                "{word}"
            );
            assert_eq!(word.get(found.host_at.clone()), Some(host));
            if let Some(port) = port {
                assert_eq!(
                    word.get(found.port_at.clone()),
                    Some(port.to_string().as_str())
                );
            }
        }
    }
}

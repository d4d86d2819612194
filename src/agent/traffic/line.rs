//! One line of the traffic log.
//!
//! A line is what [`crate::host::nginx::flag`] has nginx write: when the request ended, `v2` (with a `p` for our own
//! requests), its status and time, then for every try at a slot, in four lists of one length, the address, the status, the
//! seconds until the header and until the end. What `provision` wrote before that has the slot's number instead of `v2` and the
//! addresses alone; such lines are read too, as far as they go.
//!
//! nginx tries the next server after a `,` and begins anew after a `:`. Whoever is named before a comma failed, whoever
//! answered in the end.

use crate::protocol::slot::{PerSlot, Slot};

/// Whose request it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum By {
    User,
    /// One of our own.
    Us,
}

/// What became of one try at a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum TrafficEvent {
    /// It answered.
    Answered {
        status: u16,
        /// Until the header came, milliseconds; none for a connection that changed its protocol.
        header_ms: Option<u64>,
        /// Until the connection to the slot ended.
        life_ms: u64,
    },
    /// It did not, and the other one was asked.
    Retried,
    /// It did not, and was asked again on another connection: it may have been closing this one, which nginx had kept.
    Again,
    /// The client went away before it answered.
    GivenUp { life_ms: u64 },
}

/// One request that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) struct TrafficLine {
    pub(in crate::agent) by: By,
    /// When it began, milliseconds since the Unix epoch.
    pub(in crate::agent) began_ms: u64,
    /// When it ended and the line was written.
    pub(in crate::agent) ended_ms: u64,
    /// Whether the line tells the slots' own times.
    pub(in crate::agent) shape: Shape,
    pub(in crate::agent) tries: Vec<(Slot, TrafficEvent)>,
}

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Shape {
    /// The time of the whole request, client's line included.
    Whole,
    /// Status and times of each try.
    Tries,
}

/// Status that nginx gives a request whose client went away.
const CLIENT_CLOSED: u16 = 499;
const SWITCHING_PROTOCOLS: u16 = 101;

/// Reads a line; `None` for what no slot was asked, for what was cut off and for what is not a line of ours.
pub(in crate::agent) fn line(text: &str, ports: &PerSlot<u16>) -> Option<TrafficLine> {
    let mut words = text.splitn(5, ' ');
    // Ten digits until the year 2286: a line that goes on behind another one's first digits is none.
    let at = words.next()?;
    let at_ms = millis(at).filter(|_| at.len() == 14)?;
    let (by, shape) = match words.next()? {
        "1" | "2" => (By::User, Shape::Whole),
        "v2" => (By::User, Shape::Tries),
        "v2p" => (By::Us, Shape::Tries),
        _ => return None,
    };
    let status = status(words.next()?)?;
    let took_ms = millis(words.next()?)?;
    let rest = words.next()?;
    let tries = match shape {
        Shape::Whole => whole(rest, status, took_ms)?,
        Shape::Tries => each(rest, status)?,
    };
    let at =
        |(address, event): (&str, Option<TrafficEvent>)| Some((slot_at(address, ports)?, event?));
    let mut tries: Vec<(Slot, TrafficEvent)> = tries.into_iter().filter_map(at).collect();
    note_again(&mut tries);
    (!tries.is_empty()).then_some(TrafficLine {
        by,
        began_ms: at_ms.saturating_sub(took_ms),
        ended_ms: at_ms,
        shape,
        tries,
    })
}

/// A slot that was asked again has failed no request yet.
fn note_again(tries: &mut [(Slot, TrafficEvent)]) {
    let next: Vec<Slot> = tries.iter().skip(1).map(|(slot, _)| *slot).collect();
    for ((slot, event), next) in tries.iter_mut().zip(next) {
        if *slot == next && *event == TrafficEvent::Retried {
            *event = TrafficEvent::Again;
        }
    }
}

type Try<'a> = (&'a str, Option<TrafficEvent>);

/// The addresses alone: only the last one's fate is told, by the fate of the whole.
fn whole(rest: &str, status: u16, took_ms: u64) -> Option<Vec<Try<'_>>> {
    let fate = |one: &ListEntry<'_>| match (one.then, status) {
        (Continuation::Next, _) => Some(TrafficEvent::Retried),
        (Continuation::Anew, _) => None,
        (Continuation::Over, CLIENT_CLOSED) => Some(TrafficEvent::GivenUp { life_ms: took_ms }),
        (Continuation::Over, status) => Some(answered(status, took_ms, took_ms)),
    };
    let all = list(rest)?;
    Some(all.iter().map(|one| (one.text, fate(one))).collect())
}

/// Four lists of one length.
fn each(rest: &str, status: u16) -> Option<Vec<Try<'_>>> {
    let mut lists = rest.split(" | ");
    let mut next = || list(lists.next()?);
    let (addresses, statuses, headers, lives) = (next()?, next()?, next()?, next()?);
    let same = |other: &[ListEntry<'_>]| {
        let then = other.iter().map(|one| one.then);
        addresses.iter().map(|one| one.then).eq(then)
    };
    if lists.next().is_some() || !same(&statuses) || !same(&headers) || !same(&lives) {
        return None;
    }
    let mut tries = Vec::with_capacity(addresses.len());
    for (at, address) in addresses.iter().enumerate() {
        let own = maybe(statuses.get(at)?.text, self::status)?;
        let header_ms = maybe(headers.get(at)?.text, millis)?;
        let life_ms = maybe(lives.get(at)?.text, millis)?.unwrap_or(0);
        let fate = match (address.then, own) {
            (Continuation::Next, _) => Some(TrafficEvent::Retried),
            (_, Some(own)) => Some(answered(own, header_ms.unwrap_or(life_ms), life_ms)),
            (Continuation::Over, None) if status == CLIENT_CLOSED => {
                Some(TrafficEvent::GivenUp { life_ms })
            }
            (Continuation::Over, None) if status >= 500 => Some(answered(status, life_ms, life_ms)),
            (Continuation::Over | Continuation::Anew, None) => None,
        };
        tries.push((address.text, fate));
    }
    Some(tries)
}

fn answered(status: u16, header_ms: u64, life_ms: u64) -> TrafficEvent {
    let header_ms = (status != SWITCHING_PROTOCOLS).then_some(header_ms);
    TrafficEvent::Answered {
        status,
        header_ms,
        life_ms,
    }
}

/// One entry of a list, and what came after it.
struct ListEntry<'a> {
    text: &'a str,
    then: Continuation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Continuation {
    /// The next server was tried.
    Next,
    /// The request began anew elsewhere, by the word of this answer.
    Anew,
    Over,
}

fn list(text: &str) -> Option<Vec<ListEntry<'_>>> {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        let ends = [(", ", Continuation::Next), (" : ", Continuation::Anew)];
        let found = ends
            .into_iter()
            .filter_map(|(end, then)| Some((rest.find(end)?, end, then)));
        let (one, then, left) = match found.min_by_key(|(at, _, _)| *at) {
            Some((at, end, then)) => (rest.get(..at)?, then, rest.get(at + end.len()..)?),
            None => (rest, Continuation::Over, ""),
        };
        if one.is_empty() || one.contains([' ', ',', '|']) {
            return None;
        }
        all.push(ListEntry { text: one, then });
        if then == Continuation::Over {
            return Some(all);
        }
        rest = left;
    }
}

fn slot_at(address: &str, ports: &PerSlot<u16>) -> Option<Slot> {
    let port = address.rsplit_once(':')?.1.parse::<u16>().ok()?;
    Slot::BOTH
        .into_iter()
        .find(|slot| *ports.get(*slot) == port)
}

/// `-` is nothing; the outer `None` is what cannot be read.
fn maybe<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        "-" => Some(None),
        text => read(text).map(Some),
    }
}

/// Three digits.
fn status(text: &str) -> Option<u16> {
    let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Seconds with milliseconds, as nginx writes them.
fn millis(text: &str) -> Option<u64> {
    let (seconds, thousandths) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if thousandths.len() != 3 || !digits(thousandths) || !digits(seconds) {
        return None;
    }
    let seconds: u64 = seconds.parse().ok()?;
    seconds
        .checked_mul(1000)?
        .checked_add(thousandths.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: PerSlot<u16> = PerSlot {
        one: 8080,
        two: 8081,
    };

    fn read(text: &str) -> Option<Vec<(Slot, TrafficEvent)>> {
        line(text, &PORTS).map(|line| line.tries)
    }

    fn answer(status: u16, header_ms: u64, life_ms: u64) -> TrafficEvent {
        answered(status, header_ms, life_ms)
    }

    const RETRIED: &str = "1700000000.250 v2 200 0.012 127.0.0.1:8081, 127.0.0.1:8080 | 502, 200 | -, 0.004 | 0.001, 0.005";

    #[test]
    fn a_line_tells_each_slots_own_status_and_time() {
        let plain = line(
            "1700000000.250 v2 200 0.940 127.0.0.1:8080 | 200 | 0.004 | 0.005",
            &PORTS,
        )
        .unwrap();
        assert_eq!(plain.tries, [(Slot::One, answer(200, 4, 5))]);
        assert_eq!(
            (plain.began_ms, plain.by),
            (1_700_000_000_250 - 940, By::User)
        );
        let ours = "1700000000.250 v2p 200 0.001 127.0.0.1:8080 | 200 | 0.001 | 0.001";
        assert_eq!(line(ours, &PORTS).unwrap().by, By::Us);
        let upgrade = "1700000000.250 v2 101 60.000 127.0.0.1:8081 | 101 | 0.002 | 60.000";
        let TrafficEvent::Answered { header_ms, .. } = read(upgrade).unwrap()[0].1 else {
            panic!("not answered")
        };
        assert_eq!(
            header_ms, None,
            "a WebSocket's life is no time of an answer"
        );
    }

    #[test]
    fn a_retry_is_a_failure_of_who_was_asked_first() {
        let tries = [
            (Slot::Two, TrafficEvent::Retried),
            (Slot::One, answer(200, 4, 5)),
        ];
        assert_eq!(read(RETRIED).unwrap(), tries);
        let old = "1700000000.250 2 200 0.001 127.0.0.1:8081, 127.0.0.1:8080";
        let tries = [
            (Slot::Two, TrafficEvent::Retried),
            (Slot::One, answer(200, 1, 1)),
        ];
        assert_eq!(read(old).unwrap(), tries);
        // An app may send a request elsewhere itself: that is an answer.
        let sent = "1700000000.250 v2 200 0.001 127.0.0.1:8081 : 127.0.0.1:9 | 200 : 404 | 0.001 : 0.002 | 0.001 : 0.002";
        assert_eq!(read(sent).unwrap(), [(Slot::Two, answer(200, 1, 1))]);
        let closing = "1700000000.250 v2 200 0.012 127.0.0.1:8081, 0.0.0.0:8081 | 502, 200 | -, 0.004 | 0.001, 0.005";
        let tries = [
            (Slot::Two, TrafficEvent::Again),
            (Slot::Two, answer(200, 4, 5)),
        ];
        assert_eq!(read(closing).unwrap(), tries);
        let gone = "1700000000.250 v2 200 0.012 127.0.0.1:8081, 0.0.0.0:8081, 127.0.0.1:8080 | 502, 502, 200 | -, -, 0.004 | 0.001, 0.000, 0.005";
        let tries = [
            (Slot::Two, TrafficEvent::Again),
            (Slot::Two, TrafficEvent::Retried),
            (Slot::One, answer(200, 4, 5)),
        ];
        assert_eq!(read(gone).unwrap(), tries);
        let both_down = "1700000000.250 v2 502 0.001 127.0.0.1:8081, 127.0.0.1:8080 | 502, 502 | -, - | 0.001, 0.000";
        let tries = [
            (Slot::Two, TrafficEvent::Retried),
            (Slot::One, answer(502, 0, 0)),
        ];
        assert_eq!(read(both_down).unwrap(), tries);
    }

    #[test]
    fn a_client_that_goes_away_is_told_with_how_long_it_waited() {
        let gone = "1700000000.250 v2 499 3.000 127.0.0.1:8081 | - | - | 2.500";
        assert_eq!(
            read(gone).unwrap(),
            [(Slot::Two, TrafficEvent::GivenUp { life_ms: 2500 })]
        );
        let in_the_body = "1700000000.250 v2 499 3.000 127.0.0.1:8081 | 200 | 0.003 | 2.500";
        assert_eq!(
            read(in_the_body).unwrap(),
            [(Slot::Two, answer(200, 3, 2500))]
        );
        let old = "1700000000.250 2 499 3.000 127.0.0.1:8081";
        assert_eq!(
            read(old).unwrap(),
            [(Slot::Two, TrafficEvent::GivenUp { life_ms: 3000 })]
        );
    }

    #[test]
    fn a_line_that_is_cut_anywhere_is_no_line_and_spoils_no_other() {
        for at in 0..RETRIED.len() {
            assert_eq!(read(&RETRIED[..at]), None, "{}", &RETRIED[..at]);
            // nginx goes on behind what a full disk has cut.
            let glued = format!("{}{RETRIED}", &RETRIED[..at]);
            assert!(at == 0 || read(&glued).is_none(), "{glued}");
        }
        for other in [
            "",
            "1700000000.250 v2 404 0.000 - | - | - | -",
            "1700000000.250 1 404 0.000 -",
            "x 1 200 0.100 127.0.0.1:8080",
            "1700000000.250 v3 200 0.001 127.0.0.1:8080 | 200 | 0.001 | 0.001",
            "1700000000.250 1 200 0.001 127.0.0.1:9",
            "1700000000.250 1 200 0.001 127.0.0.1:80811700000000.250 1 200 0.001 127.0.0.1:8081",
            "1700000000.250 v2 200 0.001 127.0.0.1:8080 | 200 | 0.001 | 0.001 | 0.001",
            "1700000000.250 v2 200 0.001 127.0.0.1:8080, 127.0.0.1:8081 | 200 | 0.001 | 0.001",
            "1700000000.250 v2 200 0.001 pct-app-2 | 502 | - | 0.000",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}

//! Which values of a container's environment are secret, and lines without them. Pure.
//!
//! What is secret is not written down anywhere, so in doubt it is: a log that says `***` for a profile's name is a nuisance,
//! one that says a password is a leak. Left alone is what most apps print and nobody could use: numbers, switches, paths, single
//! words, addresses without a login in them; unless the variable's name says what it is.

use crate::secret::{Redactor, Secret};

/// Parts of names of variables whose values are secret whatever they look like.
const NAMES: [&str; 14] = [
    "PASS",
    "PWD",
    "SECRET",
    "TOKEN",
    "KEY",
    "CREDENTIAL",
    "AUTH",
    "PRIVATE",
    "SALT",
    "DSN",
    "COOKIE",
    "SIGNATURE",
    "WEBHOOK",
    "LICENSE",
];
/// Names that say so, but mean something else.
const PUBLIC: [&str; 3] = ["PWD", "OLDPWD", "GPG_KEY"];
/// With fewer characters it would hide half of the log.
const SHORTEST: usize = 4;
/// The same where only the looks of the value speak for it.
const SHORTEST_BY_LOOKS: usize = 8;

/// What must not be shown of what a program prints.
#[derive(Debug)]
pub struct Mask(Redactor);

impl Mask {
    /// The secrets of an environment (`NAME=value` each), however they are encoded.
    pub fn of(environment: &[String]) -> Self {
        let secrets: Vec<Secret> = environment
            .iter()
            .filter_map(|variable| variable.split_once('='))
            .flat_map(|(name, value)| secrets_of(name, value))
            .map(Secret::new)
            .collect();
        Self(Redactor::new(&secrets.iter().collect::<Vec<_>>()))
    }

    /// The line without them.
    pub fn line(&self, line: &str) -> String {
        self.0.redact(line)
    }
}

/// What must not be shown of one variable.
fn secrets_of<'a>(name: &str, value: &'a str) -> Vec<&'a str> {
    let value = value.trim();
    let shortest = if is_secret_name(name) {
        SHORTEST
    } else if is_harmless(value) {
        return Vec::new();
    } else {
        SHORTEST_BY_LOOKS
    };
    let whole = std::iter::once(value);
    // A key of many lines is printed line by line.
    let lines = value.lines().map(str::trim);
    let lines = lines.filter(|line| line.len() >= SHORTEST_BY_LOOKS);
    let mut all: Vec<&str> = whole.chain(lines).collect();
    all.retain(|part| part.chars().count() >= shortest);
    all.extend(login_of(value));
    all.extend(assigned(value));
    all.retain(|part| !is_switch(part));
    all
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    !PUBLIC.contains(&name.as_str()) && NAMES.iter().any(|part| name.contains(part))
}

/// The password of an address such as `mysql://user:password@host/db`.
fn login_of(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let (login, _) = rest.rsplit_once('@')?;
    let (_, password) = login.split_once(':')?;
    (password.len() >= SHORTEST).then_some(password)
}

/// Values that a longer one assigns to names that say secret: `-Ddb.password=x`, `Server=a;Password=x`, `?password=x`.
fn assigned(value: &str) -> impl Iterator<Item = &str> {
    value
        .split([' ', ';', '&', '?', ',', '"', '\''])
        .filter_map(|part| part.split_once('='))
        .filter(|(name, value)| is_secret_name(name) && value.len() >= SHORTEST)
        .map(|(_, value)| value)
}

fn is_switch(value: &str) -> bool {
    let words = ["true", "false", "yes", "no", "on", "off", "none", "null"];
    words.contains(&value.to_ascii_lowercase().as_str())
}

fn is_harmless(value: &str) -> bool {
    let is_number = value
        .chars()
        .all(|c| c.is_ascii_digit() || c == '.' || c == ':');
    let is_word = value
        .chars()
        .all(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_' | '.'));
    is_number
        || is_word
        || is_switch(value)
        || is_path(value)
        || is_place(value)
        || is_version(value)
}

/// Paths, several of them with colons between.
fn is_path(value: &str) -> bool {
    value.split(':').all(|part| part.starts_with('/')) && !value.contains(['?', '=', '@', ' '])
}

/// An address without a login or a query, or `host:port`.
fn is_place(value: &str) -> bool {
    let plain = !value.contains(['@', '?', '=', ' ', ';', '#']);
    let host_and_port = value.rsplit_once(':').is_some_and(|(host, port)| {
        !port.is_empty()
            && port.chars().all(|c| c.is_ascii_digit())
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    });
    plain && (value.contains("://") || host_and_port)
}

/// `1.2.3-rc1`, `jdk-17.0.9+9`.
fn is_version(value: &str) -> bool {
    value.matches('.').count() >= 2
        && value.len() <= 24
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(variable: &str, line: &str) -> bool {
        Mask::of(&[variable.to_owned()]).line(line) != line
    }

    #[test]
    fn values_that_are_secret_by_name_or_by_looks_are_hidden() {
        for (variable, line) in [
            ("DB_PASSWORD=hunter2", "cannot log in with hunter2"),
            ("DB_PASSWORD=correct-horse", "tried correct-horse"),
            ("STRIPE=sk_live_51H8x", "401 for sk_live_51H8x"),
            (
                "DATABASE_URL=postgres://app:s3cretpw@db:5432/x",
                "dial app with s3cretpw",
            ),
            (
                "DATABASE_URL=postgres://app:s3cretpw@db:5432/x",
                "postgres://app:s3cretpw@db:5432/x refused",
            ),
            (
                "JAVA_TOOL_OPTIONS=-Xmx256m -Ddb.password=tiger1",
                "login tiger1",
            ),
            ("CS=Server=db;Password=sesame", "bad: sesame"),
            (
                "TLS=-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----",
                "x MIIEvQIBADANBg y",
            ),
            ("API_TOKEN=abcdefgh", "YWJjZGVmZ2g="),
        ] {
            assert!(masked(variable, line), "{variable}: {line}");
        }
    }

    #[test]
    fn what_everybody_prints_stays() {
        for (variable, line) in [
            ("PATH=/usr/local/bin:/usr/bin", "in /usr/local/bin:/usr/bin"),
            ("SERVER_PORT=8080", "listening on 8080"),
            ("SPRING_PROFILES_ACTIVE=production", "profile production"),
            ("DB_HOST=pct-mysql:3306", "to pct-mysql:3306"),
            (
                "URL=jdbc:mysql://pct-mysql:3306/parking",
                "jdbc:mysql://pct-mysql:3306/parking",
            ),
            ("JAVA_VERSION=jdk-17.0.9+9", "Java jdk-17.0.9+9"),
            ("AUTH_ENABLED=false", "auth false"),
            ("PWD=/app/current", "in /app/current"),
            ("PASSWORD=abc", "abc is too short to hide"),
            ("EMPTY=", "nothing"),
        ] {
            assert!(!masked(variable, line), "{variable}: {line}");
        }
    }
}

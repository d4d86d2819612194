//! What the environment asks of this release; a value that makes no sense ends the boot.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) version: String,
    /// The container's host name, so that an answer tells which slot gave it.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) boot_delay: Duration,
    pub(crate) unhealthy: bool,
    pub(crate) crash_at_boot: bool,
    pub(crate) leak_mib_per_s: u32,
    pub(crate) leak_at_boot: bool,
    pub(crate) error_percent: u32,
    pub(crate) slow: Duration,
    pub(crate) log_inject: bool,
    /// Requests but `/health` are never answered.
    pub(crate) hang: bool,
    /// From this long after it listens nothing is answered any more; zero is never.
    pub(crate) hang_after: Duration,
    pub(crate) drop_percent: u32,
    /// What everything but `/health` is answered with.
    pub(crate) status: Option<u16>,
    /// A folder that every request writes to until the disk is full.
    pub(crate) fill_disk: Option<PathBuf>,
    pub(crate) crash_prints_env: bool,
    /// Requests for another host are refused, as by an app with a list of them.
    pub(crate) only_host: Option<String>,
    /// Requests that do not say they came by HTTPS are sent there.
    pub(crate) https_only: bool,
    /// A connection that is idle for so long is closed, without a word; zero is at once.
    pub(crate) idle: Duration,
    /// A process of its own does the work, as behind a shell or an init.
    pub(crate) child: bool,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, String> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self::read(host.trim(), |name| std::env::var(name).ok())
    }

    fn read(host: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        // As everywhere in pct-deploy, an empty string is unset.
        let text = |name: &str| variable(name).filter(|value| !value.is_empty());
        let number = |name: &str, default: u32, limit: u32| match text(name) {
            None => Ok(default),
            Some(value) => match value.parse() {
                Ok(number) if number <= limit => Ok(number),
                _ => Err(format!("{name}={value}: write a number from 0 to {limit}")),
            },
        };
        let flag = |name: &str| number(name, 0, 1).map(|value| value == 1);
        let millis =
            |name: &str| number(name, 0, 3_600_000).map(|ms| Duration::from_millis(ms.into()));

        let version = text("HELLO_VERSION").unwrap_or_else(|| "dev".to_owned());
        if !version
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
        {
            // It goes into a header and into JSON unescaped.
            return Err(format!(
                "HELLO_VERSION={version:?}: use letters, digits and . _ + - only"
            ));
        }
        let port = u16::try_from(number("HELLO_PORT", 8080, 65_535)?).unwrap_or(8080);
        let status = match number("HELLO_STATUS", 0, 599)? {
            0 => None,
            status @ 200.. => u16::try_from(status).ok(),
            other => return Err(format!("HELLO_STATUS={other}: write 200 to 599")),
        };
        let idle = number("HELLO_IDLE_MS", 75_000, 3_600_000)?;
        Ok(Self {
            version,
            host: host.to_owned(),
            port,
            boot_delay: millis("HELLO_BOOT_DELAY_MS")?,
            unhealthy: flag("HELLO_UNHEALTHY")?,
            crash_at_boot: flag("HELLO_CRASH_AT_BOOT")?,
            leak_mib_per_s: number("HELLO_LEAK_MIB_PER_S", 0, 1024)?,
            leak_at_boot: flag("HELLO_LEAK_AT_BOOT")?,
            error_percent: number("HELLO_ERROR_RATE", 0, 100)?,
            slow: millis("HELLO_SLOW_MS")?,
            log_inject: flag("HELLO_LOG_INJECT")?,
            hang: flag("HELLO_HANG")?,
            hang_after: millis("HELLO_HANG_AFTER_MS")?,
            drop_percent: number("HELLO_DROP_RATE", 0, 100)?,
            status,
            fill_disk: text("HELLO_FILL_DISK").map(PathBuf::from),
            crash_prints_env: flag("HELLO_CRASH_PRINTS_ENV")?,
            only_host: text("HELLO_ONLY_HOST"),
            https_only: flag("HELLO_HTTPS_ONLY")?,
            idle: Duration::from_millis(idle.into()),
            child: flag("HELLO_CHILD")?,
        })
    }

    /// A well-behaved release, for tests.
    #[cfg(test)]
    pub(crate) fn with(variables: &[(&str, &str)]) -> Result<Self, String> {
        Self::read("slot", |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_environment_is_a_well_behaved_release() -> Result<(), String> {
        let config = Config::with(&[("HELLO_UNHEALTHY", ""), ("HELLO_SLOW_MS", "")])?;
        assert_eq!((config.version.as_str(), config.port), ("dev", 8080));
        assert!(!config.unhealthy && !config.crash_at_boot && !config.leak_at_boot);
        assert_eq!(config.slow, Duration::ZERO);
        Ok(())
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        for (name, value) in [
            ("HELLO_BOOT_DELAY_MS", "8s"),
            ("HELLO_ERROR_RATE", "101"),
            ("HELLO_UNHEALTHY", "yes"),
            ("HELLO_STATUS", "99"),
            ("HELLO_DROP_RATE", "101"),
            ("HELLO_VERSION", "v1\r\nX-Forged: 1"),
        ] {
            let problem = Config::with(&[(name, value)]).err().unwrap_or_default();
            assert!(
                problem.starts_with(name),
                "{name}={value:?} gave {problem:?}"
            );
        }
    }
}

//! A release of `examples/hello` and how it behaves.

use std::time::Duration;

/// What goes into the image as build arguments.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    args: Vec<(&'static str, String)>,
}

impl Release {
    /// A good release.
    pub(crate) fn new(version: &str) -> Self {
        Self {
            args: vec![("HELLO_VERSION", version.to_owned())],
        }
    }

    /// Does not listen before this.
    pub(crate) fn boots_in(self, delay: Duration) -> Self {
        self.with("HELLO_BOOT_DELAY_MS", delay.as_millis())
    }

    /// Its health check says 503 for ever.
    pub(crate) fn unhealthy(self) -> Self {
        self.with("HELLO_UNHEALTHY", 1)
    }

    /// Prints a stack trace and exits with 3.
    pub(crate) fn crashes(self) -> Self {
        self.with("HELLO_CRASH_AT_BOOT", 1)
    }

    /// Prints its environment when it crashes.
    pub(crate) fn prints_environment(self) -> Self {
        self.with("HELLO_CRASH_PRINTS_ENV", 1)
    }

    /// Takes memory until the kernel kills it, before it listens.
    pub(crate) fn leaks(self) -> Self {
        self.with("HELLO_LEAK_AT_BOOT", 1)
            .with("HELLO_LEAK_MIB_PER_S", 64)
    }

    /// Takes so many MiB a second while it serves.
    pub(crate) fn leaks_later(self, mib_per_second: u32) -> Self {
        self.with("HELLO_LEAK_MIB_PER_S", mib_per_second)
    }

    /// Answers this share of requests with 500; its health check is fine.
    pub(crate) fn fails_percent(self, percent: u32) -> Self {
        self.with("HELLO_ERROR_RATE", percent)
    }

    /// Takes so long for each answer; its health check does not.
    pub(crate) fn slow_ms(self, ms: u32) -> Self {
        self.with("HELLO_SLOW_MS", ms)
    }

    /// Never answers; its health check does.
    pub(crate) fn hangs(self) -> Self {
        self.with("HELLO_HANG", 1)
    }

    /// From then on never answers anything, its health check included.
    pub(crate) fn hangs_after_ms(self, ms: u32) -> Self {
        self.with("HELLO_HANG_AFTER_MS", ms)
    }

    /// Closes the connection of this share of requests without an answer; its health check is fine.
    pub(crate) fn drops_percent(self, percent: u32) -> Self {
        self.with("HELLO_DROP_RATE", percent)
    }

    /// Answers everything with this status, its health check excepted.
    pub(crate) fn says(self, status: u16) -> Self {
        self.with("HELLO_STATUS", status)
    }

    /// Each request takes room in this folder, until none is left; then the answer is 500.
    pub(crate) fn fills_disk(self, folder: &str) -> Self {
        self.with("HELLO_FILL_DISK", folder)
    }

    /// Closes a connection that is idle for so long, and does not announce it.
    pub(crate) fn closes_idle_after_ms(self, ms: u32) -> Self {
        self.with("HELLO_IDLE_MS", ms)
    }

    /// A process behind PID 1 does the work.
    pub(crate) fn has_worker(self) -> Self {
        self.with("HELLO_CHILD", 1)
    }

    /// Prints workflow commands.
    pub(crate) fn forges_commands(self) -> Self {
        self.with("HELLO_LOG_INJECT", 1)
    }

    fn with(mut self, key: &'static str, value: impl std::fmt::Display) -> Self {
        self.args.push((key, format!("{value}")));
        self
    }

    /// As the `build-args` setting wants them.
    pub(crate) fn build_args(&self) -> String {
        self.args
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

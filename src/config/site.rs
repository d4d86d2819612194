//! The app on its host.

use super::fields::Fields;
use super::image;
use super::slots::{dependencies, slots};
use crate::protocol::ids::AppName;
use crate::protocol::plan::{Bake, HealthCheck, Site, SwitchChoice};
use crate::protocol::span::Span;

/// Reads the group; every problem is noted before `None` is returned.
pub(super) fn site(fields: &mut Fields<'_>) -> Option<Site> {
    let app: Option<AppName> = image::app(fields);
    let project_directory = path(fields, "project-directory");
    let compose_files = compose_files(fields);
    let proxy_include = include(fields);
    let slots = slots(fields, app.as_ref());
    let dependencies = dependencies(fields, slots.as_ref().map(|(slots, _)| slots));
    let health = health(fields);
    let switch = switch(fields);
    let smoke_paths = smoke_paths(fields);
    let bake = bake(fields);
    let platform = fields.choice("platform");
    let zero = Span::from_millis(0);
    let drain_timeout = fields.span("drain-timeout", zero);
    let stop_timeout = fields.span("stop-timeout", zero);
    let lock_wait = fields.span("lock-wait", zero);
    let keep_releases = fields.int(
        "keep-releases",
        1,
        "write at least `1`, the live release; `rollback` needs `2`",
    );
    let (slots, slots_by_default) = slots?;
    Some(Site {
        app: app?,
        project_directory: project_directory?,
        compose_files: compose_files?,
        slots,
        slots_by_default,
        dependencies: dependencies?,
        proxy_include: proxy_include?,
        switch: switch?,
        health: health?,
        smoke_paths: smoke_paths?,
        bake: bake?,
        platform: platform?.to_owned(),
        drain_timeout: drain_timeout?,
        stop_timeout: stop_timeout?,
        keep_releases: keep_releases?,
        lock_wait: lock_wait?,
    })
}

fn path(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    let text = fields.text(key)?;
    is_file(fields, key, text).then(|| text.to_owned())
}

fn is_file(fields: &mut Fields<'_>, key: &str, text: &str) -> bool {
    let fine = !text.chars().any(char::is_control) && !text.starts_with('-');
    if !fine {
        fields.wrong(key, "it is not a path", "write one path on one line");
    }
    fine
}

/// None means what compose itself would read. `:` separates files as in `COMPOSE_FILE`.
fn compose_files(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let files: Vec<&str> = fields
        .list("compose-file")
        .into_iter()
        .flat_map(|entry| entry.split(':'))
        .collect();
    let mut fine = true;
    for file in &files {
        fine &= is_file(fields, "compose-file", file);
    }
    fine.then(|| files.into_iter().map(str::to_owned).collect())
}

fn include(fields: &mut Fields<'_>) -> Option<String> {
    let text = path(fields, "proxy-include")?;
    if !text.starts_with('/') {
        let what = format!("`{text}` is not an absolute path");
        fields.wrong("proxy-include", what, "write the whole path, from `/` on");
        return None;
    }
    // It becomes a word of nginx's language.
    if text.contains(|c: char| c.is_whitespace() || ";{}'\"\\$#*".contains(c)) {
        let what = format!("`{text}` holds a character that means something to nginx");
        let hint = "use a path of letters, digits, `/`, `.`, `_` and `-`";
        fields.wrong("proxy-include", what, hint);
        return None;
    }
    Some(text)
}

fn switch(fields: &mut Fields<'_>) -> Option<SwitchChoice> {
    match fields.choice("switch")? {
        "flag" => Some(SwitchChoice::Flag),
        "reload" => Some(SwitchChoice::Reload),
        _ => Some(SwitchChoice::Auto),
    }
}

fn bake(fields: &mut Fields<'_>) -> Option<Bake> {
    let time = fields.span("bake", Span::from_millis(0));
    let errors = share(fields, "bake-errors");
    let client_errors = share(fields, "bake-client-errors");
    let slowdown = fields.int(
        "bake-slowdown",
        0,
        "use a number such as `2`, or `0` to disable the check",
    );
    let least = fields.int("bake-min-requests", 1, "write at least `1`");
    Some(Bake {
        time: time?,
        errors_permille: errors?,
        client_errors_permille: client_errors?,
        slowdown: slowdown?,
        min_requests: least?,
    })
}

/// A share such as `2%` or `0.5%`, in tenths of a percent.
fn share(fields: &mut Fields<'_>, key: &str) -> Option<u16> {
    let text = fields.text(key)?;
    let permille = || {
        let number = text.strip_suffix('%')?.trim_end();
        let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(tenth) || tenth.len() != 1 {
            return None;
        }
        let permille = whole.parse::<u16>().ok()?.checked_mul(10)? + tenth.parse::<u16>().ok()?;
        (permille <= 1000).then_some(permille)
    };
    let found = permille();
    if found.is_none() {
        let what = format!("`{text}` is not a share from 0% to 100%");
        fields.wrong(key, what, "write a percentage such as `2%` or `0.5%`");
    }
    found
}

fn health(fields: &mut Fields<'_>) -> Option<HealthCheck> {
    let path = health_path(fields);
    let timeout = fields.span("health-timeout", Span::from_millis(1));
    let interval = fields.span("health-interval", Span::from_millis(10));
    let successes = fields.int("health-successes", 1, "write at least `1`");
    let host = health_host(fields);
    let port = match fields.text("health-port") {
        Some(_) => fields
            .int(
                "health-port",
                1,
                "write the container's port, such as `9091`",
            )
            .map(Some),
        None => Some(None),
    };
    Some(HealthCheck {
        path: path?,
        timeout: timeout?,
        interval: interval?,
        successes: successes?,
        port: port?,
        host: host?,
        by_https: false,
    })
}

/// The inner `None` means the name of the site.
fn health_host(fields: &mut Fields<'_>) -> Option<Option<String>> {
    let Some(text) = fields.text("health-host") else {
        return Some(None);
    };
    let fine = text
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'?' | b'#' | b'@'));
    if !fine {
        let what = format!("`{}` is not the name of a host", text.escape_default());
        fields.wrong(
            "health-host",
            what,
            "write a name such as `shop.example`, without `https://`",
        );
        return None;
    }
    Some(Some(text.to_owned()))
}

/// The inner `None` means that any answer of `/` below 500 will do.
fn health_path(fields: &mut Fields<'_>) -> Option<Option<String>> {
    let Some(text) = fields.text("health-path") else {
        return Some(None);
    };
    let text = text.to_owned();
    is_path(fields, "health-path", &text).then_some(Some(text))
}

/// None means `/`, which nobody named.
fn smoke_paths(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    if fields.text("smoke-paths").is_none() {
        return Some(Vec::new());
    }
    let paths = fields.list("smoke-paths");
    let mut fine = true;
    for path in &paths {
        fine &= is_path(fields, "smoke-paths", path);
    }
    fine.then(|| paths.into_iter().map(str::to_owned).collect())
}

fn is_path(fields: &mut Fields<'_>, key: &'static str, text: &str) -> bool {
    let fine = text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
    if !fine {
        // Shown escaped: it may hold control characters.
        let what = format!("`{}` is not a path to GET", text.escape_default());
        let cure =
            "write a path that begins with `/` and holds no blanks, such as `/actuator/health`";
        fields.wrong(key, what, cure);
    }
    fine
}

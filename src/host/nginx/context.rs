//! What stands around the `server` blocks that obey an include, as far as it matters to the flag switch.

use super::flag_switch::NEXT;
use super::statements::{Block, blocks, files, is};

/// What a configuration says around the include.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncludeContext {
    /// `open_file_cache` is on where the flag is looked at: nginx would see it late.
    pub file_cache: Option<String>,
    /// `access_log` and `proxy_set_header` of the `http` block, which a `server` block loses as soon as it has one of
    /// its own; each as it is to be written again. Empty for what every such `server` block has already.
    pub inherited: Vec<String>,
    /// What the `server` blocks set themselves: `proxy_http_version`, headers by their lower-case names, and, there or
    /// in the `http` block, when another server is asked.
    pub own: Vec<String>,
    /// The `location` blocks that pass requests on to a variable and have an `access_log` of their own, or are in one
    /// that has: nginx then drops ours.
    pub own_logs: Vec<String>,
    /// The files that were read, in order.
    pub files: Vec<String>,
}

/// Reads a configuration as `nginx -T` prints it; what the include itself says does not count.
pub fn around(config: &str, include: &str) -> IncludeContext {
    let root = blocks(config, include);
    let http = root.all("http").into_iter();
    let http: Vec<&Vec<String>> = http.flat_map(|block| &block.statements).collect();
    let mut found = root.all("server");
    found.retain(|server| server.includes(include));
    let said = || found.iter().flat_map(|server| &server.statements);
    let has = |server: &Block, name: &str| {
        let mut statements = server.statements.iter();
        statements.any(|words| is(words, name) && !is_traffic_log(words))
    };
    let file_cache = http
        .iter()
        .copied()
        .chain(said())
        .filter(|words| is(words, "open_file_cache"))
        .find(|words| words.get(1).is_some_and(|value| value != "off"));
    // A `server` block that is yet to be written has none of them.
    let said_by_all =
        |name: &str| !found.is_empty() && found.iter().all(|server| has(server, name));
    let inherited = http.iter().filter(|words| {
        words.first().is_some_and(|name| {
            matches!(name.as_str(), "access_log" | "proxy_set_header") && !said_by_all(name)
        })
    });
    let next = http
        .iter()
        .copied()
        .filter_map(|words| match words.as_slice() {
            [name, ..] if name.starts_with(NEXT) => Some(name.clone()),
            _ => None,
        });
    let own = said().filter_map(|words| match words.as_slice() {
        [name, header, ..] if name == "proxy_set_header" => Some(header.to_ascii_lowercase()),
        [name, ..] if name == "proxy_http_version" || name.starts_with(NEXT) => Some(name.clone()),
        _ => None,
    });
    let mut own_logs = Vec::new();
    for block in found.iter().flat_map(|server| &server.blocks) {
        passing(block, &mut own_logs);
    }
    IncludeContext {
        file_cache: file_cache.map(|words| words.join(" ")),
        inherited: inherited.map(|words| written(words)).collect(),
        own: own.chain(next).collect(),
        own_logs,
        files: files(config)
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect(),
    }
}

/// The blocks, this one and those in it, that pass requests on to a variable. Those that have a log of their own, or
/// are in one that has, go into `logged` instead.
fn passing(block: &Block, logged: &mut Vec<String>) -> Vec<String> {
    let to_variable = |words: &&Vec<String>| {
        is(words, "proxy_pass") && words.get(1).is_some_and(|to| to.contains('$'))
    };
    let own = block.statements.iter().filter(to_variable);
    let mut all: Vec<String> = own.map(|_| block.words.join(" ")).collect();
    for inner in &block.blocks {
        all.extend(passing(inner, logged));
    }
    if block.statements.iter().any(|words| is(words, "access_log")) {
        logged.append(&mut all);
    }
    all
}

/// Another app's include in the same block: its log of requests during a deploy replaces no log of the user's.
fn is_traffic_log(words: &[String]) -> bool {
    matches!(words, [name, _, format, ..] if name == "access_log" && format.starts_with("pct-deploy-"))
}

/// Words as a statement, quoted where they must be.
fn written(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let plain = !word.is_empty()
            && !word.contains(|c: char| c.is_whitespace() || "\"'{};\\#".contains(c));
        if plain {
            word.clone()
        } else {
            format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
        }
    });
    format!("{};", quoted.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "# configuration file /etc/nginx/nginx.conf:\n\
        user www-data;\nhttp {\n open_file_cache off;\n access_log /var/log/nginx/access.log main if=$x;\n\
        proxy_set_header X-Name \"a b\";\n include /etc/nginx/conf.d/*.conf; }\n\
        # configuration file /etc/nginx/conf.d/default.conf:\n\
        server { include /etc/nginx/x.inc; proxy_set_header Host $host; location / { proxy_set_header X-No 1; } }\n\
        server { open_file_cache max=9; include other.inc; proxy_http_version 1.1; }\n";

    #[test]
    fn what_a_server_block_would_lose_is_kept() {
        let context = around(CONFIG, "/etc/nginx/x.inc");
        assert_eq!(
            context.inherited,
            ["access_log /var/log/nginx/access.log main if=$x;"]
        );
        assert_eq!(context.own, ["host"]);
        let next = CONFIG.replace("http {", "http { proxy_next_upstream off;");
        assert_eq!(
            around(&next, "/etc/nginx/x.inc").own,
            ["host", "proxy_next_upstream"]
        );
        assert_eq!(
            context.file_cache, None,
            "the cache of another block does not matter"
        );
        assert_eq!(
            context.files,
            ["/etc/nginx/nginx.conf", "/etc/nginx/conf.d/default.conf"]
        );
        let bare = CONFIG.replace("proxy_set_header Host $host; location", "location");
        assert_eq!(
            around(&bare, "/etc/nginx/x.inc").inherited[1],
            "proxy_set_header X-Name \"a b\";"
        );
    }

    #[test]
    fn a_server_block_that_is_yet_to_come_would_lose_everything() {
        let context = around(CONFIG, "/etc/nginx/nowhere.inc");
        assert_eq!(
            context.inherited,
            [
                "access_log /var/log/nginx/access.log main if=$x;",
                "proxy_set_header X-Name \"a b\";"
            ]
        );
    }

    #[test]
    fn beside_the_include_of_another_app_what_the_http_block_says_is_written_once() {
        let with = |inside: &str| {
            let server = format!(
                "server {{ include /etc/nginx/x.inc; include /etc/nginx/y.inc; }}\n\
                # configuration file /etc/nginx/x.inc:\n\
                # configuration file /etc/nginx/y.inc:\n{inside}"
            );
            CONFIG
                .replace(
                    "server { open_file_cache",
                    &format!("{server}server {{ open_file_cache"),
                )
                .replace("server { include /etc/nginx/x.inc; proxy", "server { proxy")
        };
        let theirs = "access_log /t.log pct-deploy-y if=$pct_log_y;\n";
        let second = around(&with(theirs), "/etc/nginx/x.inc").inherited;
        assert_eq!(
            second.len(),
            2,
            "the other one has lost it, too: {second:?}"
        );
        let all = format!(
            "{theirs}access_log /var/log/nginx/access.log main;\nproxy_set_header Host $x;\n"
        );
        let second = around(&with(&all), "/etc/nginx/x.inc");
        assert_eq!(
            (second.inherited.len(), second.own),
            (0, vec!["host".to_owned()])
        );
    }

    #[test]
    fn a_location_that_logs_for_itself_is_not_seen() {
        let config = |server: &str| {
            format!(
                "http {{ server {{ include /etc/nginx/x.inc; {server} }} server {{ location / {{ access_log off; proxy_pass $y; }} }} }}"
            )
        };
        let own = |server: &str| around(&config(server), "/etc/nginx/x.inc").own_logs;
        let silent = "location /api { proxy_pass $x; access_log off; }";
        assert_eq!(own(silent), ["location /api"]);
        let nested = "location ~ ^/a { access_log /a.log; if ($b) { proxy_pass $x; } location /a/b { proxy_pass $x; } }";
        assert_eq!(own(nested), ["if ($b)", "location /a/b"]);
        for seen in [
            "access_log /mine.log; location / { proxy_pass $x; }",
            "location /static { access_log off; root /x; } location / { proxy_pass $x; }",
            "location /other { access_log off; proxy_pass http://127.0.0.1:9; }",
        ] {
            assert!(own(seen).is_empty(), "{seen}");
        }
    }

    #[test]
    fn a_cache_where_the_flag_is_looked_at_is_found() {
        for on in [
            CONFIG.replace("open_file_cache off", "open_file_cache max=1"),
            CONFIG.replace(
                "include /etc/nginx/x.inc;",
                "include x.inc; open_file_cache max=1;",
            ),
        ] {
            assert_eq!(
                around(&on, "/etc/nginx/x.inc").file_cache.as_deref(),
                Some("open_file_cache max=1")
            );
        }
    }
}

//! What stands around the `server` blocks that obey an include, as far as it matters to the flag switch.

use super::flag_switch::NEXT;
use super::statements::{Block, blocks, files, is};

/// What a configuration says around the include.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncludeContext {
    pub place: IncludePlace,
    /// `open_file_cache` is on where the flag is looked at: nginx would see it late.
    pub file_cache: Option<String>,
    /// `access_log` and `proxy_set_header` of the blocks around, which the block of the include loses as soon as it has
    /// one of its own; each as it is to be written again. Empty for what every such block has already.
    pub inherited: Vec<String>,
    /// What the blocks set themselves: `proxy_http_version`, headers by their lower-case names, and, there or in the
    /// `http` block, when another server is asked.
    pub own: Vec<String>,
    /// The `location` blocks that pass requests on to a variable and have an `access_log` of their own, or are in one
    /// that has: nginx then drops ours.
    pub own_logs: Vec<String>,
    /// The files that were read, in order.
    pub files: Vec<String>,
}

/// The block that an include stands in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IncludePlace {
    #[default]
    Server,
    /// A `location`, by the beginning of the paths that it answers.
    Location(String),
    /// One where the flag cannot be looked at, and why.
    Unfit(String),
}

/// Reads a configuration as `nginx -T` prints it; what the include itself says does not count.
pub fn around(config: &str, include: &str) -> IncludeContext {
    let root = blocks(config, include);
    let mut found = Vec::new();
    including(&root, include, &[], &mut found);
    let place = place(&found);
    if found.is_empty() {
        // A `server` block that is yet to be written has nothing of its own.
        found = root
            .all("http")
            .into_iter()
            .map(|http| vec![http, &NOTHING])
            .collect();
    }
    let mut context = IncludeContext {
        place,
        files: files(config)
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect(),
        ..IncludeContext::default()
    };
    for around in &found {
        context.add(around);
    }
    context
}

static NOTHING: Block = Block {
    words: Vec::new(),
    file: String::new(),
    statements: Vec::new(),
    blocks: Vec::new(),
};

impl IncludeContext {
    /// Takes in one place of the include: the blocks around it, from the outside in.
    fn add(&mut self, around: &[&Block]) {
        let Some((own, outer)) = around.split_last() else {
            return;
        };
        let said = |block: &Block, name: &str| -> Vec<Vec<String>> {
            let all = block.statements.iter().filter(|words| is(words, name));
            all.filter(|words| !is_traffic_log(words))
                .cloned()
                .collect()
        };
        // What is said further in counts.
        let nearest = |blocks: &[&Block], name: &str| {
            let mut inwards = blocks.iter().rev().map(|block| said(block, name));
            inwards.find(|found| !found.is_empty()).unwrap_or_default()
        };
        let cache = nearest(around, "open_file_cache").into_iter();
        let on = cache
            .map(|words| words.join(" "))
            .find(|words| words != "open_file_cache off");
        self.file_cache = self.file_cache.take().or(on);
        for name in ["access_log", "proxy_set_header"] {
            if said(own, name).is_empty() {
                for words in nearest(outer, name) {
                    let line = written(&words);
                    if !self.inherited.contains(&line) {
                        self.inherited.push(line);
                    }
                }
            }
        }
        for words in said(own, "proxy_set_header") {
            self.own
                .extend(words.get(1).map(|header| header.to_ascii_lowercase()));
        }
        let version = "proxy_http_version";
        if around
            .iter()
            .skip(1)
            .any(|block| !said(block, version).is_empty())
        {
            self.own.push(version.to_owned());
        }
        for words in around.iter().flat_map(|block| &block.statements) {
            let next = words.iter().take(1).filter(|name| name.starts_with(NEXT));
            self.own.extend(next.cloned());
        }
        for block in &own.blocks {
            passing(block, &mut self.own_logs);
        }
    }
}

/// Every place of an include, as the blocks around it.
fn including<'a>(
    block: &'a Block,
    include: &str,
    around: &[&'a Block],
    found: &mut Vec<Vec<&'a Block>>,
) {
    if block.includes(include) {
        found.push(around.to_vec());
    }
    for inner in &block.blocks {
        let mut around = around.to_vec();
        around.push(inner);
        including(inner, include, &around, found);
    }
}

fn place(found: &[Vec<&Block>]) -> IncludePlace {
    let mut places = found
        .iter()
        .filter_map(|around| around.last())
        .map(|block| {
            let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
            let unfit = |why: &str| IncludePlace::Unfit(format!("`{}` {why}", words.join(" ")));
            let serves_files = block.statements.iter().any(|words| is(words, "try_files"));
            match words.as_slice() {
                ["server"] => IncludePlace::Server,
                ["location", ..] if serves_files => {
                    unfit("has `try_files`, which nginx forgets beside an `if`")
                }
                ["location", prefix] | ["location", "^~", prefix] if prefix.starts_with('/') => {
                    IncludePlace::Location((*prefix).to_owned())
                }
                _ => unfit("cannot be asked for the slot"),
            }
        });
    let first = places.next().unwrap_or_default();
    match places.find(|place| *place != first) {
        Some(IncludePlace::Unfit(why)) => IncludePlace::Unfit(why),
        Some(_) if !matches!(first, IncludePlace::Unfit(_)) => IncludePlace::Unfit(
            "another block includes it, too, at another depth or for other paths".to_owned(),
        ),
        _ => first,
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
    fn an_include_in_a_location_has_what_that_has_and_loses_what_stands_around_it() {
        let with = |server: &str, location: &str| {
            let config = format!(
                "http {{ access_log /a.log; open_file_cache max=1; server {{ {server} location / {{ include /x.inc; {location} proxy_pass $x; }} }} }}"
            );
            around(&config, "/x.inc")
        };
        let own = with(
            "proxy_set_header X-Lost 1; open_file_cache off;",
            "proxy_set_header Host $host; access_log off;",
        );
        assert_eq!(own.place, IncludePlace::Location("/".to_owned()));
        assert_eq!(
            (own.own, own.inherited, own.file_cache),
            (vec!["host".to_owned()], vec![], None)
        );
        let bare = with("proxy_set_header X-Own 1; proxy_http_version 1.1;", "");
        assert_eq!(
            bare.inherited,
            ["access_log /a.log;", "proxy_set_header X-Own 1;"]
        );
        assert_eq!(bare.own, ["proxy_http_version"]);
        assert_eq!(bare.file_cache.as_deref(), Some("open_file_cache max=1"));
        assert_eq!(
            with("", "open_file_cache max=2;").file_cache.as_deref(),
            Some("open_file_cache max=2")
        );
    }

    #[test]
    fn when_another_server_is_asked_counts_wherever_it_is_said_around_the_include() {
        let own = |http: &str, server: &str, location: &str, other: &str| {
            let config = format!(
                "http {{ {http} server {{ {server} location / {{ include /x.inc; {location} }} location /b {{ {other} }} }} }}"
            );
            around(&config, "/x.inc").own
        };
        let (next, none) = ("proxy_next_upstream_tries 1;", Vec::<String>::new());
        let said = ["proxy_next_upstream_tries"];
        assert_eq!(own(next, "", "", ""), said);
        assert_eq!(own("", next, "", ""), said);
        assert_eq!(own("", "", next, ""), said);
        assert_eq!(own("", "", "", next), none);
    }

    #[test]
    fn the_place_of_an_include_is_known() {
        let place = |inside: &str| around(&format!("http {{ {inside} }}"), "/x.inc").place;
        let location = |prefix: &str| IncludePlace::Location(prefix.to_owned());
        assert_eq!(place("server { include /x.inc; }"), IncludePlace::Server);
        assert_eq!(place(""), IncludePlace::Server);
        assert_eq!(
            place("server { location ^~ /api/ { include /x.inc; } }"),
            location("/api/")
        );
        let twice =
            "server { location / { include /x.inc; } } server { location / { include /x.inc; } }";
        assert_eq!(place(twice), location("/"));
        for unfit in [
            "server { location ~ ^/a { include /x.inc; } }",
            "server { location = /a { include /x.inc; } }",
            "server { location @app { include /x.inc; } }",
            "server { location / { include /x.inc; try_files $uri @app; } }",
            "server { location / { if ($x) { include /x.inc; } } }",
            "server { include /x.inc; location / { include /x.inc; } }",
            "server { location /a { include /x.inc; } location /b { include /x.inc; } }",
        ] {
            assert!(matches!(place(unfit), IncludePlace::Unfit(_)), "{unfit}");
        }
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

//! Where a file of ours has to lie so that nginx reads it in its `http` block.

use std::path::{Path, PathBuf};

use super::glob;
use super::statements::{Block, blocks, files, is};

/// Where a file of this name is read in the `http` block, or would be: where it is already, else beside `include`, else
/// in the first folder that is read. `None` when there is no such folder.
pub fn file_at_http_level(config: &str, name: &str, include: &Path) -> Option<PathBuf> {
    let is_it =
        |(path, _): &&(&str, &str)| Path::new(path).file_name().is_some_and(|it| it == name);
    let files = files(config);
    if let Some((path, _)) = files.iter().find(is_it) {
        return Some(path.into());
    }
    let root = blocks(config, "");
    let http = root.all("http").into_iter();
    let patterns: Vec<&String> = http.flat_map(included).collect();
    let beside = include.with_file_name(name);
    let in_folders = patterns.iter().filter_map(|pattern| {
        let folder = Path::new(pattern).parent()?;
        let is_plain = !folder.to_str()?.contains(['*', '?', '[']);
        is_plain.then(|| folder.join(name))
    });
    let mut candidates = std::iter::once(beside.clone()).chain(in_folders);
    candidates.find(|path| {
        let path = path.to_string_lossy();
        patterns.iter().any(|pattern| glob::matches(pattern, &path))
    })
}

fn included(block: &Block) -> impl Iterator<Item = &String> {
    let includes = block.statements.iter().filter(|words| is(words, "include"));
    includes.filter_map(|words| words.get(1))
}

/// nginx's first file.
pub fn first_file(config: &str) -> &str {
    let first = files(config).first().map(|(name, _)| *name);
    first
        .filter(|name| !name.is_empty())
        .unwrap_or("/etc/nginx/nginx.conf")
}

/// Every file that nginx reads, in its order.
pub fn file_names(config: &str) -> Vec<String> {
    let names = files(config).into_iter().map(|(name, _)| name.to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// Files by name, as `nginx -T` would print them.
pub fn dumped(files: &[(String, String)]) -> String {
    let texts = files
        .iter()
        .map(|(name, text)| format!("# configuration file {name}:\n{text}\n"));
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(http: &str, include: &str) -> Option<String> {
        let config = format!(
            "# configuration file /opt/nginx/nginx.conf:\nevents {{ }}\nhttp {{ {http} }}\n\
             # configuration file /opt/nginx/sites/a:\nserver {{ include snippets/*.conf; }}\n"
        );
        let path = file_at_http_level(&config, "00-x.conf", Path::new(include))?;
        Some(path.display().to_string())
    }

    #[test]
    fn a_file_lies_where_the_http_block_reads_it() {
        let both = "include mime.types; include /etc/nginx/conf.d/*.conf; include sites/*;";
        for (http, include, path) in [
            (
                both,
                "/etc/nginx/conf.d/url.inc",
                "/etc/nginx/conf.d/00-x.conf",
            ),
            (both, "/home/me/url.inc", "/etc/nginx/conf.d/00-x.conf"),
            (
                both,
                "/opt/nginx/sites/url.inc",
                "/opt/nginx/sites/00-x.conf",
            ),
            (
                "include */*.conf; include sites/[0-9]*;",
                "/home/me/url.inc",
                "/opt/nginx/sites/00-x.conf",
            ),
            (
                "include */*.conf;",
                "/opt/nginx/conf.d/url.inc",
                "/opt/nginx/conf.d/00-x.conf",
            ),
        ] {
            assert_eq!(at(http, include).as_deref(), Some(path), "{http} {include}");
        }
        for (http, include) in [
            ("include mime.types;", "/etc/nginx/conf.d/url.inc"),
            (
                "include */*.conf; include /opt/*/[a-z]*;",
                "/home/me/url.inc",
            ),
            ("include sites/a;", "/opt/nginx/snippets/url.inc"),
        ] {
            assert_eq!(at(http, include), None, "{http} {include}");
        }
        let there =
            "include conf.d/*.conf; }\n# configuration file /srv/nginx/00-x.conf:\nupstream x {";
        assert_eq!(
            at(there, "/opt/nginx/conf.d/url.inc").as_deref(),
            Some("/srv/nginx/00-x.conf")
        );
    }

    #[test]
    fn the_first_file_is_the_one_that_is_dumped_first() {
        assert_eq!(
            first_file("# configuration file /opt/nginx.conf:\nevents {}\n"),
            "/opt/nginx.conf"
        );
        assert_eq!(first_file("events {}\n"), "/etc/nginx/nginx.conf");
        let files = [
            ("/a".to_owned(), "x;".to_owned()),
            ("/b".to_owned(), String::new()),
        ];
        assert_eq!(file_names(&dumped(&files)), ["/a", "/b"]);
    }
}

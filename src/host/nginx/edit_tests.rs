use super::super::Colours;
use super::*;
use crate::protocol::slot::PerSlot;

const PORTS: PerSlot<u16> = PerSlot {
    one: 8080,
    two: 8081,
};
const INCLUDE: &str = "/etc/nginx/pct-deploy-shop.inc";
const SWITCH: &str = "/etc/nginx/conf.d/switch.conf";
const SITE: &str = "/etc/nginx/conf.d/site.conf";

/// The edit of a switch file and a site, by their texts.
fn edit(switch: &str, site: &str) -> Result<Vec<(String, String)>, NoEdit> {
    let first = "http {\n  include conf.d/*.conf;\n}\n";
    let mut files = vec![("/etc/nginx/nginx.conf".to_owned(), first.to_owned())];
    for (path, text) in [(SITE, site), (SWITCH, switch)] {
        if !text.is_empty() {
            files.push((path.to_owned(), text.to_owned()));
        }
    }
    let all: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
    let colours = Colours::of(&all[1..].join("\n"), &PORTS);
    let found = SwitchFile::read(switch, &PORTS, &colours).unwrap();
    let of = EditedSite {
        files: &files,
        switch: SWITCH,
        include: INCLUDE,
        app: &"shop".parse().unwrap(),
    };
    let edit = of.edit(&found)?;
    assert_eq!(edit.variable, "$pct_to_shop");
    let last = edit.files.last().unwrap();
    assert_eq!(
        (last.path.as_str(), pointed_to(&last.after)),
        (SWITCH, Some(INCLUDE))
    );
    Ok(edit
        .files
        .into_iter()
        .map(|file| (file.path, file.after))
        .collect())
}

#[test]
fn an_upstream_gives_way_to_the_variable_and_the_rest_stays() {
    let switch = "# slots\nupstream api {\n  server 127.0.0.1:8080; # live\n  #server 127.0.0.1:8081;\n  keepalive 4;\n}\nupstream db { server 127.0.0.1:9; }\n";
    let site = "server {\n\tlisten 80; # public\n\tlocation / { proxy_pass http://api; }\n\tlocation /v1/ {\n\t\tproxy_pass http://api/;\n\t}\n\
                \tlocation /root/ { proxy_pass http://api/root/; }\n\tlocation /x { proxy_pass http://api$request_uri; }\n\
                \tlocation /db { proxy_pass http://db; }\n}\nserver { location / { proxy_pass http://apis; } }\n";
    let files = edit(switch, site).unwrap();
    let expected = "server {\n\tinclude /etc/nginx/pct-deploy-shop.inc;\n\tlisten 80; # public\n\tlocation / { proxy_pass $pct_to_shop; }\n\tlocation /v1/ {\n\
                    \t\trewrite ^/v1/(.*)$ /$1 break; proxy_pass $pct_to_shop;\n\t}\n\
                    \tlocation /root/ { proxy_pass $pct_to_shop; }\n\tlocation /x { proxy_pass $pct_to_shop$request_uri; }\n\
                    \tlocation /db { proxy_pass http://db; }\n}\nserver { location / { proxy_pass http://apis; } }\n";
    assert_eq!(files[0], (SITE.to_owned(), expected.to_owned()));
    let expected = "# pct-deploy include /etc/nginx/pct-deploy-shop.inc\n# slots\nupstream db { server 127.0.0.1:9; }\n";
    assert_eq!(files[1], (SWITCH.to_owned(), expected.to_owned()));
    assert_eq!(files.len(), 2);
}

#[test]
fn a_colour_gives_way_wherever_it_is_chosen() {
    const UPSTREAMS: &str =
        "upstream blue { server 127.0.0.1:8080; }\nupstream green { server 127.0.0.1:8081; }\n";
    let site = |passed: &str| {
        format!(
            "{UPSTREAMS}server {{ include switch.conf; location /a {{ proxy_pass {passed}; }} }}\n"
        )
    };
    let edited = |passed: &str| {
        format!(
            "{UPSTREAMS}server {{ include {INCLUDE}; include switch.conf; location /a {{ proxy_pass {passed}; }} }}\n"
        )
    };
    for (switch, passed, kept, now) in [
        (
            "set $active blue; # or green\nset $other 1;\n",
            "http://$active",
            " # or green\nset $other 1;\n",
            "$pct_to_shop",
        ),
        (
            "set $active green;\n",
            "http://${active}/v1$uri",
            "",
            "$pct_to_shop/v1$uri",
        ),
        (
            "map $host $active {\n  default blue;\n}\n",
            "http://$active",
            "",
            "$pct_to_shop",
        ),
        (
            "set $a http://127.0.0.1:8080;\nset $b http://127.0.0.1:8080;\n",
            "$b",
            "",
            "$pct_to_shop",
        ),
    ] {
        let files = edit(switch, &site(passed)).unwrap();
        assert_eq!(files[0], (SITE.to_owned(), edited(now)), "{switch}");
        assert_eq!(
            files[1].1,
            format!("# pct-deploy include {INCLUDE}\n{kept}")
        );
    }
}

#[test]
fn a_switch_file_may_be_the_site_itself() {
    let switch = "upstream blue { server 127.0.0.1:8080; }\nupstream green { server 127.0.0.1:8081; }\nserver {\n    listen 80;\n    location / { proxy_pass http://green; }\n}\n";
    let files = edit(switch, "").unwrap();
    assert_eq!(
        files[0].1,
        format!(
            "# pct-deploy include {INCLUDE}\nupstream blue {{ server 127.0.0.1:8080; }}\nupstream green {{ server 127.0.0.1:8081; }}\nserver {{\n    include {INCLUDE};\n    listen 80;\n    location / {{ proxy_pass $pct_to_shop; }}\n}}\n"
        )
    );
}

#[test]
fn lines_that_mean_more_are_left_alone() {
    let upstream = "upstream api { server 127.0.0.1:8080; }";
    let path = |said: &str| NoEdit::Path {
        file: SITE.to_owned(),
        said: said.to_owned(),
    };
    for (switch, site, error) in [
        (
            upstream,
            "server { location / { proxy_pass http://other; } }",
            NoEdit::Unused(SWITCH.to_owned()),
        ),
        (
            upstream,
            "server { location ~ ^/v(1|2) { proxy_pass http://api/x; } }",
            path("proxy_pass http://api/x"),
        ),
        (
            upstream,
            "server { location = /a { proxy_pass http://api/x; } }",
            path("proxy_pass http://api/x"),
        ),
        (
            upstream,
            "server { location /a { proxy_pass http://api/x?y=1; } }",
            path("proxy_pass http://api/x?y=1"),
        ),
        (
            "set $a http://127.0.0.1:8080/v1;",
            "server { location / { proxy_pass $a; } }",
            NoEdit::More("set $a http://127.0.0.1:8080/v1".to_owned()),
        ),
        (
            "upstream api { server 10.0.0.2:80; server 127.0.0.1:8080; }",
            "server { location / { proxy_pass http://api; } }",
            NoEdit::Elsewhere("server 10.0.0.2:80".to_owned()),
        ),
    ] {
        assert_eq!(edit(switch, site), Err(error), "{switch} {site}");
    }
}

#[test]
fn only_a_first_line_of_ours_points_to_an_include() {
    assert_eq!(pointed_to("# pct-deploy include /a.inc\nx"), Some("/a.inc"));
    for text in [
        "",
        "# pct-deploy include x",
        "\n# pct-deploy include /a.inc\n",
    ] {
        assert_eq!(pointed_to(text), None);
    }
}

//! The two texts, as they are written and as they are found.

use super::*;
use crate::host::nginx::context::{IncludeContext, IncludePlace};

fn switch<'a>(app: &'a AppName, context: &'a IncludeContext) -> FlagSwitch<'a> {
    FlagSwitch {
        app,
        ports: PerSlot {
            one: 8080,
            two: 8081,
        },
        variable: "$service_url",
        folder: Path::new("/var/lib/pct-deploy/web.app"),
        context,
        keeping: Keeping::Told,
    }
}

#[test]
fn both_texts_describe_themselves_and_notice_a_change() {
    let (app, context) = ("web.app".parse().unwrap(), IncludeContext::default());
    let switch = switch(&app, &context);
    let found = describe(&switch.include()).unwrap().unwrap();
    assert_eq!(
        (found.app.as_str(), found.ports, found.variable.as_str()),
        ("web.app", switch.ports, "$service_url")
    );
    assert_eq!(describe(&switch.upstreams()).unwrap().unwrap().variable, "");
    assert_eq!(
        describe("set $service_url http://127.0.0.1:8080;\n"),
        Ok(None)
    );
    for changed in [
        switch.include().replace("8080,", "8082,"),
        switch.include().replace("live-2", "live-3"),
        switch.include() + "#",
        format!("{MARK}1 app=x"),
    ] {
        assert_eq!(describe(&changed), Err(NotOurs::Changed));
    }
    let newer = switch.include().replace("switch 3", "switch 4");
    assert_eq!(describe(&newer), Err(NotOurs::OtherVersion));
}

#[test]
fn in_a_location_the_slot_is_told_below_it_and_by_no_location() {
    let app = "web.app".parse().unwrap();
    for (prefix, path) in [
        ("/", "/.pct-deploy/slot/web.app"),
        ("/api/", "/api/.pct-deploy/slot/web.app"),
    ] {
        let context = IncludeContext {
            place: IncludePlace::Location(prefix.to_owned()),
            ..IncludeContext::default()
        };
        let switch = switch(&app, &context);
        let text = switch.include();
        assert!(!text.contains("location"), "{text}");
        let escaped = path.replace('.', "\\.");
        assert!(text.contains(&format!("~ '^{escaped} ([^ ]+)")), "{text}");
        let described = describe(&text).unwrap().unwrap();
        assert_eq!(
            (described.slot_path.as_str(), switch.told_at()),
            (path, path.to_owned())
        );
    }
}

#[test]
fn what_an_earlier_provision_wrote_is_known_as_such() {
    let (app, context) = ("web.app".parse().unwrap(), IncludeContext::default());
    for (version, format) in [
        (FlagVersion::One, Format::Whole),
        (FlagVersion::Two, Format::Tries),
        (FlagVersion::Three, Format::Tries),
    ] {
        let text = as_version(&switch(&app, &context).include(), version).unwrap();
        let found = describe(&text).unwrap().unwrap().version;
        assert_eq!((found, found.format()), (version, format));
    }
}

#[test]
fn what_version_two_wrote_is_known_byte_for_byte() {
    for (name, variable) in [("2-include.inc", "$service_url"), ("2-upstreams.conf", "")] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/nginx");
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let found = describe(&text).unwrap().unwrap();
        assert_eq!(
            (found.version, found.app.as_str(), found.variable.as_str()),
            (FlagVersion::Two, "hello", variable)
        );
    }
}

#[test]
fn every_nginx_is_told_what_it_knows() {
    for (version, keeping) in [
        ("", Keeping::Never),
        ("1.14.0", Keeping::Never),
        ("1.15.2", Keeping::Never),
        ("1.15.3", Keeping::Told),
        ("1.18.0", Keeping::Told),
        ("1.29.6", Keeping::Told),
        ("1.29.7", Keeping::Unless),
        ("1.30.6", Keeping::Unless),
        ("2.0.0", Keeping::Unless),
    ] {
        assert_eq!(Keeping::of(version), keeping, "{version}");
    }
    let (app, context) = ("web.app".parse().unwrap(), IncludeContext::default());
    let mut switch = switch(&app, &context);
    for (keeping, kept, told_not_to, ways) in [
        (Keeping::Never, 0, 0, 0),
        (Keeping::Told, 2, 0, 2),
        (Keeping::Unless, 2, 2, 2),
    ] {
        switch.keeping = keeping;
        let (text, include) = (switch.upstreams(), switch.include());
        let count = |what: &str| text.matches(what).count();
        assert_eq!(
            count("    keepalive 32;\n    keepalive_timeout 1s;\n"),
            kept
        );
        assert_eq!(count("keepalive 0;"), told_not_to);
        assert_eq!(include.matches("$pct_way_web_app_").count(), ways);
        assert_eq!(include.contains("proxy_next_upstream error;"), kept > 0);
    }
}

#[test]
fn only_what_may_be_asked_twice_goes_to_kept_connections() {
    let (app, context) = ("shop".parse().unwrap(), IncludeContext::default());
    let switch = switch(&app, &context);
    let text = switch.upstreams();
    for line in [
        "map $request_method $pct_way_shop {\n    default -once;\n    GET '';\n    HEAD '';\n    OPTIONS '';\n}\n",
        "map $pct_way_shop $pct_plain_shop {\n    default close;\n    '' '';\n}\n",
        "map $http_upgrade $pct_connection_shop {\n    default upgrade;\n    '' $pct_plain_shop;\n}\n",
        "upstream pct-shop-2-once {\n    server 127.0.0.1:8081 max_fails=0;\n    server 127.0.0.1:8080 max_fails=0 backup;\n}\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let include = switch.include();
    for line in [
        "set $service_url http://pct-shop-1$pct_way_shop;\n",
        "    set $service_url http://pct-shop-2$pct_way_shop;\n",
    ] {
        assert!(include.contains(line), "{line}{include}");
    }
}

#[test]
fn no_upstream_that_an_app_may_see_has_an_underscore() {
    let names = |app: &str| {
        let (app, context) = (app.parse().unwrap(), IncludeContext::default());
        let text = switch(&app, &context).include();
        let names = text.split("http://").skip(1);
        let name = |rest: &str| rest.split(['$', ';']).next().unwrap().to_owned();
        names.map(name).collect::<Vec<String>>()
    };
    let (one, other) = (names("my_shop"), names("my-shop"));
    assert_eq!(other, ["pct-my-shop-1", "pct-my-shop-2"]);
    assert!(one.iter().all(|name| !name.contains('_')), "{one:?}");
    assert!(one.iter().all(|name| !other.contains(name)), "{one:?}");
    // The include of the version before goes on to work between the two writes.
    let (app, context) = ("my_shop".parse().unwrap(), IncludeContext::default());
    let text = switch(&app, &context).upstreams();
    for name in one
        .iter()
        .map(String::as_str)
        .chain(["pct-my_shop-1", "pct-my_shop-2"])
    {
        assert!(
            text.contains(&format!("upstream {name} {{")),
            "{name}: {text}"
        );
    }
}

#[test]
fn a_text_of_the_version_before_is_read_and_says_where_its_slot_is_told() {
    let (app, context) = ("web.app".parse().unwrap(), IncludeContext::default());
    let now = switch(&app, &context).include();
    let before = now.replacen("switch 3", "switch 1", 1);
    let path = |text: &str| describe(text).unwrap().unwrap().slot_path;
    assert_eq!(path(&now), "/.pct-deploy/slot/web.app");
    assert_eq!(path(&before), "/.pct-deploy/slot");
}

#[test]
fn two_includes_in_one_block_share_no_name() {
    let (one, two) = ("shop".parse().unwrap(), "shop-admin".parse().unwrap());
    let context = IncludeContext::default();
    let texts = [&one, &two].map(|app| switch(app, &context).include());
    let names = texts.map(|text| {
        let own = text.lines().filter_map(|line| {
            let line = line.trim();
            let sets = line.strip_prefix("set $pct_")?;
            Some(sets.split(' ').next()?.to_owned())
        });
        let told = text
            .lines()
            .filter(|line| line.starts_with("location "))
            .map(str::to_owned);
        own.chain(told)
            .collect::<std::collections::BTreeSet<String>>()
    });
    assert!(names[0].len() == 5, "{names:?}");
    assert!(names[0].is_disjoint(&names[1]), "{names:?}");
}

#[test]
fn what_the_user_says_is_said_once_and_by_the_user() {
    let context = IncludeContext {
        inherited: vec![
            "access_log /var/log/nginx/access.log;".to_owned(),
            "proxy_set_header X-Real-IP $x;".to_owned(),
        ],
        own: vec!["host".to_owned(), "proxy_http_version".to_owned()],
        ..IncludeContext::default()
    };
    let app = "web.app".parse().unwrap();
    let text = switch(&app, &context).include();
    assert!(
        text.contains("\naccess_log /var/log/nginx/access.log;\n"),
        "{text}"
    );
    assert_eq!(text.matches("X-Real-IP").count(), 1, "{text}");
    assert!(
        !text.contains("proxy_http_version") && !text.contains("proxy_set_header Host"),
        "{text}"
    );
    assert!(
        text.contains("proxy_set_header Connection $pct_connection_web_app_"),
        "{text}"
    );
}

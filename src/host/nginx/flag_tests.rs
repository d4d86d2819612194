//! The two texts, as they are written and as they are found.

use super::*;

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
        keeping: Keeping::Never,
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
    let newer = switch.include().replace("switch 2", "switch 3");
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
    let earlier = switch(&app, &context)
        .include()
        .replace("switch 2", "switch 1");
    assert_eq!(describe(&earlier).unwrap().unwrap().format, Format::Whole);
}

#[test]
fn an_nginx_that_keeps_connections_by_itself_is_told_not_to() {
    for (version, keeping) in [
        ("1.18.0", Keeping::Never),
        ("1.29.6", Keeping::Never),
        ("1.29.7", Keeping::Unless),
        ("1.30.6", Keeping::Unless),
        ("2.0.0", Keeping::Unless),
        ("", Keeping::Never),
    ] {
        assert_eq!(Keeping::of(version), keeping, "{version}");
    }
    let (app, context) = ("web.app".parse().unwrap(), IncludeContext::default());
    let mut switch = switch(&app, &context);
    assert!(!switch.upstreams().contains("keepalive"));
    switch.keeping = Keeping::Unless;
    assert_eq!(switch.upstreams().matches("keepalive 0;").count(), 2);
}

#[test]
fn a_text_of_the_version_before_is_read_and_says_where_its_slot_is_told() {
    let (app, context) = ("web.app".parse().unwrap(), IncludeContext::default());
    let now = switch(&app, &context).include();
    let before = now.replacen("switch 2", "switch 1", 1);
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

use super::*;

const PORTS: PerSlot<u16> = PerSlot {
    one: 8080,
    two: 8081,
};

/// Reads a file in a configuration that has it and these lines.
fn read_with(config: &str, text: &str) -> Result<SwitchFile, NotASwitch> {
    SwitchFile::read(text, &PORTS, &Colours::of(config, &PORTS))
}

fn read(text: &str) -> Result<SwitchFile, NotASwitch> {
    read_with(text, text)
}

/// It is switched, and switched back to the same bytes; how it then reads.
fn switched(config: &str, text: &str) -> String {
    let found = read_with(config, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(found.naming(text, found.live), text);
    let other = found.naming(text, found.live.other());
    let config = config.replace(text, &other);
    let back = read_with(&config, &other).unwrap_or_else(|error| panic!("{other}: {error}"));
    assert_eq!(back.live, found.live.other(), "{other}");
    assert_eq!(back.naming(&other, found.live), text);
    other
}

#[test]
fn what_names_a_slot_is_replaced_and_nothing_else() {
    for text in [
        "# set $x http://127.0.0.1:1;\r\n\tset $service_url  http://127.0.0.1:8080; # live\n",
        "set $service_url http://127.0.0.1:8080;\nset $ws_url http://127.0.0.1:8080;\n",
        "set $service_url http://127.0.0.1:8080; set $ws_url\n   \"http://localhost:8080/ws\";",
        "set $service_url\n\n  http://0.0.0.0:8080\n;",
        "set $service_url http://[::1]:8080;",
        "set $backend 127.0.0.1:8080;",
        "proxy_pass http://127.0.0.1:8080/api;\nproxy_redirect http://localhost:8080/ /;\n",
        "upstream api { server 127.0.0.1:8080; }",
        "upstream api {\n  least_conn; # 127.0.0.1:9\n  server 127.0.0.1:8080 max_fails=3 fail_timeout=5s; #:9000\n  keepalive 16;\n}\n\
         upstream db { server 127.0.0.1:5432; }\nupstream ws { server localhost:8080; }\n",
        "map $host $backend { default http://127.0.0.1:8080; }",
        "upstream api { server 127.0.0.1:8080; }\nserver { listen 80; location / { proxy_pass http://api/; } }",
        "set $front http://127.0.0.1:3000;\nset $api http://127.0.0.1:8080;\n",
    ] {
        let other = switched(text, text);
        assert_eq!(other, text.replace(":8080", ":8081"), "{text}");
    }
}

#[test]
fn a_server_that_is_down_or_a_backup_changes_places_with_the_live_one() {
    let text = "upstream api {\n  server 127.0.0.1:8080 weight=2;\n  server 127.0.0.1:8081 backup; # :8081\n}\n";
    let other = switched(text, text);
    assert!(other.contains("server 127.0.0.1:8081 weight=2;"), "{other}");
    assert!(other.contains("127.0.0.1:8080 backup; # :8081"), "{other}");
    let text = "upstream api { server 127.0.0.1:8080 down; server 127.0.0.1:8081; }";
    assert_eq!(read(text).unwrap().live, Slot::Two);
    switched(text, text);
    let text = "upstream api {\n  #server 127.0.0.1:8080;\n  server 127.0.0.1:8081;\n}";
    assert!(switched(text, text).contains("  server 127.0.0.1:8080;"));
}

const UPSTREAMS: &str =
    "upstream blue { server 127.0.0.1:8080; }\nupstream green { server 127.0.0.1:8081; }\n";

#[test]
fn a_colour_s_name_is_replaced_by_the_other_one_s() {
    for (around, text) in [
        (
            "location / { proxy_pass http://$active; }",
            "set $active blue;\n",
        ),
        (
            "location / { proxy_pass http://${active}/api; }",
            "set $active \"blue\"; # blue or green\nset $theme green;\n",
        ),
        (
            "location / { proxy_pass $service_url; }",
            "set $service_url http://blue;",
        ),
        ("", "location / { proxy_pass http://blue/; }"),
        (
            "location / { proxy_pass http://$active; }",
            "map $host $active { default blue; }",
        ),
        (
            "map $colour $to { blue http://127.0.0.1:8080; green http://127.0.0.1:8081; }",
            "set $colour blue;",
        ),
    ] {
        let config = format!("{UPSTREAMS}server {{ {around} {text} }}");
        let other = switched(&config, text);
        assert_eq!(other, text.replacen("blue", "green", 1), "{text}");
    }
    // The upstreams beside it are what is chosen from.
    let text = format!("{UPSTREAMS}server {{ location / {{ proxy_pass http://green; }} }}");
    assert_eq!(read(&text).unwrap().live, Slot::Two);
    let other = switched(&text, &text);
    assert_eq!(other, text.replace("http://green", "http://blue"));
}

#[test]
fn one_that_names_no_slot_or_two_is_refused_with_its_own_line() {
    let left = |said: &str| NotASwitch::Left(said.to_owned());
    let elsewhere = |said: &str| NotASwitch::Elsewhere(said.to_owned());
    let both = |one: &str, two: &str| NotASwitch::Both(one.to_owned(), two.to_owned());
    let live = "set $x http://127.0.0.1:8080";
    for (text, error) in [
        ("", NotASwitch::Nothing),
        ("#set $x http://127.0.0.1:8080;", NotASwitch::Nothing),
        (
            "set $x http://app.internal:8000;",
            elsewhere("set $x http://app.internal:8000"),
        ),
        ("set $x http://app;", elsewhere("set $x http://app")),
        (
            "set $x\nhttp://10.0.0.1:8080;",
            elsewhere("set $x http://10.0.0.1:8080"),
        ),
        (
            "upstream x { server 10.0.0.1:80; }",
            elsewhere("server 10.0.0.1:80"),
        ),
        (
            "set $x http://127.0.0.1:9000;",
            NotASwitch::OtherPort {
                said: "set $x http://127.0.0.1:9000".into(),
                ports: PORTS,
            },
        ),
        (
            "set $x https://127.0.0.1:8081;",
            NotASwitch::Tls("set $x https://127.0.0.1:8081".into()),
        ),
        (
            "set $x http://127.0.0.1:8080; set $w ws://127.0.0.1:8080;",
            left("set $w ws://127.0.0.1:8080"),
        ),
        (
            "set $x http://127.0.0.1:8080; set $p http://127.0.0.1:8081;",
            both(live, "set $p http://127.0.0.1:8081"),
        ),
        (
            "set $x http://127.0.0.1:8080; fastcgi_pass 127.0.0.1:8080;",
            left("fastcgi_pass 127.0.0.1:8080"),
        ),
        (
            UPSTREAMS,
            both("server 127.0.0.1:8080", "server 127.0.0.1:8081"),
        ),
        (
            "upstream x { server 127.0.0.1:8080; server 127.0.0.1:8081 weight=9; }",
            both("server 127.0.0.1:8080", "server 127.0.0.1:8081 weight=9"),
        ),
        (
            "upstream x { server 127.0.0.1:8080 down; }",
            left("server 127.0.0.1:8080 down"),
        ),
        (
            "upstream x { server 127.0.0.1:8080; server 10.0.0.2:8080; }",
            left("server 10.0.0.2:8080"),
        ),
    ] {
        assert_eq!(
            read(text).as_ref().map(|found| found.live),
            Err(&error),
            "{text}"
        );
        assert!(!error.cure(&PORTS).is_empty());
    }
    for fine in [
        "set $x http://127.0.0.1:8080; set $y http://127.0.0.1:80801;",
        "set $x http://127.0.0.1:8080; # ws://127.0.0.1:8080",
    ] {
        read(fine).unwrap();
    }
    let red = format!(
        "{UPSTREAMS}upstream red {{ server 127.0.0.1:8081; }}\nlocation / {{ proxy_pass http://blue; }}"
    );
    let error = read(&red).unwrap_err();
    assert!(error.to_string().contains("green, red"), "{error}");
}

#[test]
fn only_a_variable_that_is_set_to_the_slot_and_no_more_can_be_taken_over() {
    let variable = |text: &str| {
        let config = format!("{UPSTREAMS}{text} proxy_pass http://$a;");
        read_with(&config, text)
            .unwrap()
            .variable()
            .map(str::to_owned)
    };
    assert_eq!(
        variable("set $a http://127.0.0.1:8080;").as_deref(),
        Some("$a")
    );
    assert_eq!(variable("set $a http://blue;").as_deref(), Some("$a"));
    for text in [
        "set $a blue;",
        "set $a 127.0.0.1:8080;",
        "set $a http://127.0.0.1:8080/api;",
        "set $a http://127.0.0.1:8080; set $b http://127.0.0.1:8080;",
        "upstream a { server 127.0.0.1:8080; }",
    ] {
        assert_eq!(variable(text), None, "{text}");
    }
}

#[test]
fn the_ports_of_this_machine_are_known_before_the_slots_are() {
    let text = "set $a http://127.0.0.1:3000; upstream b { server localhost:8080; server 10.0.0.1:9; } listen 80;";
    assert_eq!(local_ports(text), [3000, 8080]);
}

//! What is kept, what its name is made of, and what is gone.

use super::*;

const FILE: &str = r#"
name: shop
services:
  web-1:
    image: user/web
    build: {context: /home/u/web}
    container_name: web-1
    depends_on: {db: {condition: service_started}}
    environment: &env {DB_PASSWORD: "p$$w", ON: "on", N: "0123"}
    ports: [{target: 80, published: "8080", protocol: tcp}]
    networks: &nets {default: null, back: {aliases: [web]}}
    volumes: &vols
      - {type: volume, source: uploads, target: /uploads}
      - {type: bind, source: /home/u/conf, target: /conf}
    secrets: &certs [{source: cert}]
  web-2:
    image: user/web
    build: {context: /home/u/web}
    container_name: web-2
    depends_on: {db: {condition: service_started}}
    hostname: two
    environment: *env
    ports: [{target: 80, published: "8081", protocol: tcp}]
    networks: *nets
    volumes: *vols
    secrets: *certs
  db: {image: db, environment: {ROOT: secret}, volumes: [{type: volume, source: data, target: /d}]}
volumes: {uploads: {name: shop_uploads}, data: {name: shop_data}}
networks: {default: {name: shop_default}, back: {name: shop_back}, other: {name: o}}
secrets: {cert: {name: shop_cert, file: /home/u/cert.pem}}
"#;

fn image() -> PinnedImage {
    let text = format!("user/web@sha256:{}", "a".repeat(64));
    text.parse().unwrap()
}

fn slots() -> [ServiceName; 2] {
    ["web-1", "web-2"].map(|name| name.parse().unwrap())
}

fn file(text: &str) -> ComposeFile {
    ComposeFile::parse(text).unwrap()
}

fn definition(text: &str) -> Definition {
    Definition::of(&file(text), &slots()).unwrap()
}

fn id(text: &str) -> ReleaseId {
    release_id(&[definition(text)], &image(), b"key").unwrap()
}

#[test]
fn what_is_kept_reads_back_as_a_compose_file_with_what_the_slots_use_and_nothing_else() {
    let kept = definition(FILE);
    let text = kept.render(&image(), &id(FILE));
    let (read, pinned, release) = Definition::read(&text).unwrap();
    assert_eq!((pinned, release), (image(), id(FILE)));
    assert_eq!(image_of(&text), Some(image()));
    let yaml: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(yaml).unwrap(), read.root);
    for service in ["web-1", "web-2"] {
        let image_in = &read.root["services"][service]["image"];
        assert_eq!(*image_in, json!(image().to_string()), "compose wants one");
    }
    let web = kept.service(&slots()[1]).unwrap();
    assert_eq!(
        web["environment"],
        json!({"DB_PASSWORD": "p$$w", "ON": "on", "N": "0123"})
    );
    for not in NOT_KEPT {
        assert!(web.get(not).is_none(), "{not}");
    }
    let keys = |value: &Value| {
        let map = value.as_object().unwrap();
        map.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&kept.root["services"]), ["web-1", "web-2"]);
    assert_eq!(keys(&kept.root["volumes"]), ["uploads"]);
    assert_eq!(keys(&kept.root["networks"]), ["back", "default"]);
    assert_eq!(keys(&kept.root["secrets"]), ["cert"]);
}

#[test]
fn a_text_that_was_changed_or_cut_is_damaged_and_a_newer_one_is_of_another_version() {
    let text = definition(FILE).render(&image(), &id(FILE));
    for bad in [
        text.replace("0123", "0124"),
        text[..text.len() - 1].to_owned(),
        text.replace("id=", "id=0"),
        String::new(),
        "services: {}".to_owned(),
    ] {
        assert_eq!(Definition::read(&bad), Err(NotKept::Damaged), "{bad}");
    }
    let newer = text.replacen("release 1", "release 2", 1);
    assert_eq!(Definition::read(&newer), Err(NotKept::OtherVersion));
}

#[test]
fn a_release_changes_with_its_settings_its_image_and_the_key_alone() {
    let same = [
        FILE.replace("\"8081\"", "\"9091\""),
        FILE.replace("container_name: web-2", "container_name: other"),
        FILE.replace("ROOT: secret", "ROOT: other"),
        FILE.replace("user/web\n", "user/web:latest\n"),
    ];
    for text in same {
        assert_eq!(id(&text), id(FILE), "{text}");
    }
    let other = [
        FILE.replace("p$$w", "other"),
        FILE.replace("target: /uploads", "target: /files"),
        FILE.replace("shop_uploads", "shop_uploads2"),
    ];
    for text in other {
        assert_ne!(id(&text), id(FILE), "{text}");
    }
    let kept = [definition(FILE)];
    assert_ne!(release_id(&kept, &image(), b"other key"), Some(id(FILE)));
    let other = format!("user/web@sha256:{}", "b".repeat(64));
    assert_ne!(
        release_id(&kept, &other.parse().unwrap(), b"key"),
        Some(id(FILE))
    );
    assert_eq!(id(FILE).as_str().len(), 16);
    // Where the slots share no file, both texts count.
    let of = |one: &str, two: &str| {
        release_id(&[definition(one), definition(two)], &image(), b"key").unwrap()
    };
    let changed = FILE.replace("p$$w", "other");
    assert_ne!(of(FILE, FILE), of(FILE, &changed));
    assert_ne!(of(FILE, &changed), of(&changed, FILE));
}

#[test]
fn what_is_gone_from_the_file_is_named() {
    let kept = definition(FILE);
    let gone = |text: &str| kept.gone_from(&file(text), &slots()[0]);
    assert_eq!(gone(FILE), Vec::<String>::new());
    let less = FILE.replace(
        "volumes: {uploads: {name: shop_uploads}, data",
        "volumes: {data",
    );
    assert_eq!(
        gone(&less),
        ["volume `uploads`, which the compose file no longer has"]
    );
    assert_eq!(
        gone(&FILE.replace("shop_back", "front")),
        ["network `back`, which is `front` now and was `shop_back`"]
    );
    assert!(kept.gone_from(&file(FILE), &"new".parse().unwrap())[0].contains("`new`"));
    assert_eq!(
        kept.sources(&slots()[0]),
        ["/home/u/conf", "/home/u/cert.pem"].map(PathBuf::from)
    );
}

#[test]
fn the_old_compose_s_words_are_read_too() {
    let v1 = "version: '2.4'\nservices:\n  web-1: &w {image: u/w, network_mode: 'service:vpn', volumes: ['data:/d:rw', '/srv/x:/x'], links: ['db:database']}\n  \
              web-2: *w\n  db: {image: db}\n  vpn: {image: vpn, depends_on: [db]}\nvolumes: {data: {}}\n";
    let kept = definition(v1);
    assert_eq!(kept.version(), Some("2.4"));
    let services = kept.root["services"].as_object().unwrap();
    let names: Vec<_> = services.keys().map(String::as_str).collect();
    assert_eq!(names, ["db", "vpn", "web-1", "web-2"]);
    assert_eq!(kept.root["services"]["db"]["image"], "db");
    assert_eq!(kept.sources(&slots()[1]), [PathBuf::from("/srv/x")]);
    let less = v1.replace("volumes: {data: {}}", "");
    assert_eq!(kept.gone_from(&file(&less), &slots()[1]).len(), 1);
}

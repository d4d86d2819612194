//! nginx files as people write them, switched by a reload as they stand.

use super::Expected::{Deployed, Refused};
use super::Shape;

const UPSTREAM: &str = "printf 'upstream api {\n    least_conn; # of one\n    server 127.0.0.1:8080 max_fails=3 fail_timeout=5s; # live\n    #server 127.0.0.1:8081;\n    keepalive 4;\n}\nupstream other { server 127.0.0.1:9; }\n' >/etc/nginx/conf.d/api.conf && sed -i -e '/include/d' -e 's|proxy_pass $service_url|proxy_pass http://api|' /etc/nginx/conf.d/default.conf && rm /var/lib/pct-deploy/hello/app.json";
const BACKUP: &str = "printf 'upstream api {\n    server 127.0.0.1:8080;\n    server 127.0.0.1:8081 backup;\n}\n' >/etc/nginx/conf.d/api.conf && sed -i -e '/include/d' -e 's|proxy_pass $service_url|proxy_pass http://api|' /etc/nginx/conf.d/default.conf && rm /var/lib/pct-deploy/hello/app.json";
const BOTH: &str = "printf 'upstream api { server 127.0.0.1:8080; server 127.0.0.1:8081; }\n' >/etc/nginx/conf.d/api.conf && sed -i -e '/include/d' -e 's|proxy_pass $service_url|proxy_pass http://api|' /etc/nginx/conf.d/default.conf && rm /var/lib/pct-deploy/hello/app.json";
const COLOUR: &str = "printf 'upstream blue { server 127.0.0.1:8080; }\nupstream green { server 127.0.0.1:8081; }\n' >/etc/nginx/conf.d/slots.conf && echo 'set $active blue; # or green' >/etc/nginx/conf.d/service-url.inc && sed -i 's|proxy_pass $service_url|proxy_pass http://$active|' /etc/nginx/conf.d/default.conf";
const MAP: &str = "printf 'upstream blue { server 127.0.0.1:8080; }\nupstream green { server 127.0.0.1:8081; }\n' >/etc/nginx/conf.d/slots.conf && printf 'map $host $active {\n    default blue;\n}\n' >/etc/nginx/conf.d/active.conf && sed -i -e '/include/d' -e 's|proxy_pass $service_url|proxy_pass http://$active|' /etc/nginx/conf.d/default.conf && rm /var/lib/pct-deploy/hello/app.json";

const STATIC_FRONT: &str = "mkdir -p /var/www/spa && echo front >/var/www/spa/index.html && sed -i -e 's|listen 80;|&\\n    root /var/www/spa;|' -e 's|location / {|location / { try_files $uri /index.html; }\\n    location /api/ { rewrite ^/api(/.*) $1 break;|' /etc/nginx/conf.d/default.conf";
const STATIC_AND_API: &str =
    "curl -s http://127.0.0.1/ | grep front && curl -s http://127.0.0.1/api/ | grep v2";
const LINK: &str = "mv /etc/nginx/conf.d/service-url.inc /home/ec2-user/real.inc && ln -s /home/ec2-user/real.inc /etc/nginx/conf.d/service-url.inc";

pub(super) const SHAPES: [Shape; 10] = [
    Shape {
        number: 3,
        name: "a static front end and the API, by reload",
        files: STATIC_FRONT,
        by_reload: true,
        settings: &[],
        expected: Deployed(STATIC_AND_API),
    },
    Shape {
        number: 3,
        name: "a static front end and the API, by flag",
        files: STATIC_FRONT,
        by_reload: false,
        settings: &[],
        expected: Deployed(STATIC_AND_API),
    },
    Shape {
        number: 8,
        name: "the include in a location",
        files: "sed -i -e '/include/d' -e 's|proxy_pass|include /etc/nginx/conf.d/service-url.inc; proxy_pass|' /etc/nginx/conf.d/default.conf",
        by_reload: true,
        settings: &[],
        expected: Deployed("grep 8081 /etc/nginx/conf.d/service-url.inc"),
    },
    Shape {
        number: 11,
        name: "the include is a link",
        files: LINK,
        by_reload: true,
        settings: &[],
        expected: Deployed(
            "test -L /etc/nginx/conf.d/service-url.inc && grep 8081 /home/ec2-user/real.inc",
        ),
    },
    Shape {
        number: 12,
        name: "an upstream with a server",
        files: UPSTREAM,
        by_reload: true,
        settings: &[("proxy-include", "/etc/nginx/conf.d/api.conf")],
        expected: Deployed(
            "grep 'server 127.0.0.1:8081 max_fails=3 fail_timeout=5s; # live' /etc/nginx/conf.d/api.conf && grep '    #server 127.0.0.1:8081;' /etc/nginx/conf.d/api.conf && grep 'upstream other { server 127.0.0.1:9; }' /etc/nginx/conf.d/api.conf",
        ),
    },
    Shape {
        number: 12,
        name: "an upstream with the other slot as backup",
        files: BACKUP,
        by_reload: true,
        settings: &[("proxy-include", "/etc/nginx/conf.d/api.conf")],
        expected: Deployed(
            "grep '127.0.0.1:8081;' /etc/nginx/conf.d/api.conf && grep '127.0.0.1:8080 backup;' /etc/nginx/conf.d/api.conf",
        ),
    },
    Shape {
        number: 12,
        name: "an upstream that spreads over both slots",
        files: BOTH,
        by_reload: true,
        settings: &[("proxy-include", "/etc/nginx/conf.d/api.conf")],
        expected: Refused(&[
            "`server 127.0.0.1:8080;` and `server 127.0.0.1:8081;`",
            "`down` or `backup`",
        ]),
    },
    Shape {
        number: 12,
        name: "a colour's name in a variable",
        files: COLOUR,
        by_reload: true,
        settings: &[],
        expected: Deployed(
            "grep 'set $active green; # or green' /etc/nginx/conf.d/service-url.inc",
        ),
    },
    Shape {
        number: 12,
        name: "a colour's name in a map",
        files: MAP,
        by_reload: true,
        settings: &[("proxy-include", "/etc/nginx/conf.d/active.conf")],
        expected: Deployed("grep '    default green;' /etc/nginx/conf.d/active.conf"),
    },
    Shape {
        number: 14,
        name: "the address on the next line, 0.0.0.0",
        files: "printf 'set $service_url\n    \"http://0.0.0.0:8080\";\n' >/etc/nginx/conf.d/service-url.inc",
        by_reload: true,
        settings: &[],
        expected: Deployed("grep '    \"http://0.0.0.0:8081\";' /etc/nginx/conf.d/service-url.inc"),
    },
];

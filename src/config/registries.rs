//! Logins for registries.

use super::fields::Fields;
use super::secrets;
use super::types::Logins;
use crate::protocol::ids::Repository;
use crate::protocol::registry::RegistryName;
use crate::protocol::wire::RegistryLogin;
use crate::secret::Secret;

const LINE: &str = "write one `HOST USER PASSWORD` per line, such as `ghcr.io USER TOKEN`";

/// Reads both ways to give one; every problem is noted before `None` is returned.
pub(super) fn logins(fields: &mut Fields<'_>) -> Option<Logins> {
    let own = own(fields);
    let named = named(fields);
    Some(sorted(fields, own?, named?))
}

/// What a rollback may use to fetch an image that is gone from the host. Half a login is none: the release is
/// usually there, and an emergency is no time to look for a password.
pub(super) fn spare(fields: &mut Fields<'_>) -> Option<Logins> {
    let own = match fields.raw.given("registry-password") {
        None => Some(None),
        Some(_) => own(fields),
    };
    let named = named(fields);
    Some(sorted(fields, own?, named?))
}

/// The login of the image's own registry is told from those of base images.
fn sorted(
    fields: &Fields<'_>,
    own: Option<RegistryLogin>,
    named: Vec<(RegistryName, RegistryLogin)>,
) -> Logins {
    let image = fields.text("image").unwrap_or_default();
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    // A wrong image is a problem of `image`, noted where it is read.
    let registry = name.parse::<Repository>().ok();
    let registry = registry.map(|repository| RegistryName::of(&repository));
    let (of_image, others): (Vec<_>, Vec<_>) = named
        .into_iter()
        .partition(|(name, _)| Some(name) == registry.as_ref());
    Logins {
        image: own.or_else(|| of_image.into_iter().next().map(|(_, login)| login)),
        others,
    }
}

/// The inner `None` means that none is given for the image's own registry.
fn own(fields: &mut Fields<'_>) -> Option<Option<RegistryLogin>> {
    let given = fields.raw.given("registry-password").is_some();
    let password = secrets::read(fields, "registry-password");
    match (fields.text("registry-username"), given) {
        (None, false) => Some(None),
        (Some(username), true) => Some(Some(RegistryLogin {
            username: username.to_owned(),
            password: Secret::new(password?),
        })),
        (Some(_), false) => {
            fields.problems.add(
                "`registry-username` is given without `registry-password`",
                "add the password or access token; a secret that GitHub does not pass on is empty",
            );
            None
        }
        (None, true) => {
            fields.problems.add(
                "`registry-password` is given without `registry-username`",
                "add the user name",
            );
            None
        }
    }
}

/// The lines of `registries`. They are secrets: of a wrong one only its number is said.
fn named(fields: &mut Fields<'_>) -> Option<Vec<(RegistryName, RegistryLogin)>> {
    if fields.raw.given("registries").is_none() {
        return Some(Vec::new());
    }
    let text = secrets::read(fields, "registries")?;
    let mut logins: Vec<(RegistryName, RegistryLogin)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        let Some((registry, login)) = read_line(line) else {
            let what = format!("line {number} is not `HOST USER PASSWORD`");
            fields.wrong("registries", what, LINE);
            return None;
        };
        if logins.iter().any(|(other, _)| *other == registry) {
            let what = format!("line {number} is the second login for its registry");
            fields.wrong("registries", what, "leave one of them out");
            return None;
        }
        logins.push((registry, login));
    }
    Some(logins)
}

/// The password goes to the end of the line: a key in JSON holds blanks.
fn read_line(line: &str) -> Option<(RegistryName, RegistryLogin)> {
    let (host, rest) = line.trim().split_once(char::is_whitespace)?;
    let (user, password) = rest.trim_start().split_once(char::is_whitespace)?;
    let password = password.trim_start();
    let login = RegistryLogin {
        username: user.to_owned(),
        password: Secret::new(password),
    };
    (!password.is_empty()).then_some(())?;
    Some((host.parse().ok()?, login))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problems::Problems;
    use crate::config::raw::{Raw, Source};

    fn read(given: &[(&'static str, &str)]) -> Result<Logins, Vec<String>> {
        let mut raw = Raw::default();
        for (key, text) in given {
            raw.offer(key, text, Source::Input);
        }
        let mut fields = Fields::new(&raw, Problems::default());
        let logins = logins(&mut fields);
        let problems = fields.problems.list().iter();
        logins.ok_or_else(|| problems.map(|p| format!("{} {}", p.what, p.cure)).collect())
    }

    #[test]
    fn each_line_is_a_login_and_the_images_own_is_told_from_the_others() {
        let lines =
            "ghcr.io me pw-1\n\n  https://index.docker.io/v1/ you {\"a\": \"b c\"}\nh:5000 x y\n";
        let logins = read(&[("image", "user/app"), ("registries", lines)]).unwrap();
        let image = logins.image.unwrap();
        assert_eq!(image.username, "you");
        assert_eq!(image.password.expose(), "{\"a\": \"b c\"}");
        let others: Vec<String> = logins
            .others
            .iter()
            .map(|(name, _)| name.to_string())
            .collect();
        assert_eq!(others, ["ghcr.io", "h:5000"]);
    }

    #[test]
    fn the_pair_of_settings_wins_for_the_images_own_registry() {
        let logins = read(&[
            ("image", "ghcr.io/o/app@sha256:0"),
            ("registry-username", "pair"),
            ("registry-password", "pw"),
            ("registries", "ghcr.io line pw\ndocker.io hub pw"),
        ])
        .unwrap();
        assert_eq!(logins.image.unwrap().username, "pair");
        assert_eq!(logins.others.len(), 1);
        assert_eq!(logins.others[0].1.username, "hub");
    }

    #[test]
    fn a_wrong_line_is_told_by_its_number_alone() {
        for (lines, number) in [
            ("ghcr.io hunter2", "line 1 is not"),
            ("ghcr.io u p\n\nhunter2", "line 3 is not"),
            ("hunter2/x u hunter2", "line 1 is not"),
            ("ghcr.io u p\nghcr.io u hunter2", "line 2 is the second"),
        ] {
            let problems = read(&[("image", "user/app"), ("registries", lines)]).unwrap_err();
            let all = problems.join("\n");
            assert!(all.contains(number) && !all.contains("hunter2"), "{all}");
        }
    }
}

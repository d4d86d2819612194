//! Where an nginx runs, and where the file that it includes is on this host. Pure.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Which nginx is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NginxAt {
    /// The one on the host itself.
    #[default]
    Host,
    /// The one in the container of this name.
    Container(String),
}

impl NginxAt {
    pub fn is_host(&self) -> bool {
        *self == Self::Host
    }

    /// What to do when it refuses its configuration.
    pub fn cure(&self) -> String {
        match self {
            Self::Host => "run `sudo nginx -t` on the host and fix what it reports".to_owned(),
            Self::Container(name) => {
                format!("run `docker exec {name} nginx -t` on the host and fix what it reports")
            }
        }
    }

    /// What a person types on the host to have it load what is on disk.
    pub fn load_command(&self) -> String {
        match self {
            Self::Host => "`sudo nginx -t && sudo nginx -s reload`".to_owned(),
            Self::Container(name) => format!("`docker exec {name} nginx -s reload`"),
        }
    }
}

/// The nginx that obeys an include, and that file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NginxPlace {
    pub at: NginxAt,
    /// The file on this host.
    pub include: PathBuf,
    /// The same file as nginx names it.
    pub name: String,
    /// The address of the container, where it has a network of its own.
    pub address: Option<IpAddr>,
}

impl NginxPlace {
    pub fn on_host(include: &str) -> Self {
        Self {
            at: NginxAt::Host,
            include: include.into(),
            name: include.to_owned(),
            address: None,
        }
    }
}

/// A container in which an nginx runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NginxContainer {
    pub name: String,
    pub mounts: Vec<Mount>,
    pub role: ContainerRole,
    /// Its address, where it has a network of its own.
    pub address: Option<IpAddr>,
}

/// What a container with an nginx is likely to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContainerRole {
    Unknown,
    /// It takes the site's requests: port 80 or 443 of the host is its own.
    Front,
}

/// What is mounted into a container, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub from: MountedFrom,
    pub to: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountedFrom {
    /// A folder or file of this host.
    Host(PathBuf),
    /// A volume of Docker's.
    Volume(String),
    /// Memory, or anything else that is no file of this host.
    Elsewhere,
}

/// An include that we cannot change for the nginx in a container.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum OutOfReach {
    #[error(
        "nginx runs in the container `{container}`, and `{include}` is neither a file of a folder that is mounted into it nor inside one"
    )]
    NotMounted { container: String, include: String },
    #[error(
        "nginx runs in the container `{container}`, into which `{include}` is mounted as a single file: it would go on to see the old one when the file is replaced"
    )]
    SingleFile { container: String, include: String },
    #[error(
        "nginx runs in the container `{container}`, and `{include}` is in the volume `{volume}`, where nobody but Docker writes"
    )]
    InVolume {
        container: String,
        include: String,
        volume: String,
    },
    #[error(
        "nginx runs in several containers, and it is unclear which one obeys `{include}`: {names}"
    )]
    Several { include: String, names: String },
}

impl OutOfReach {
    /// What to do about it.
    pub fn cure(&self) -> String {
        let (Self::NotMounted { include, .. }
        | Self::SingleFile { include, .. }
        | Self::InVolume { include, .. }
        | Self::Several { include, .. }) = self;
        let folder = Path::new(include).parent().unwrap_or(Path::new("/"));
        let folder = folder.display();
        let mount = format!(
            "mount the folder of the file from the host, such as `volumes: [./nginx:{folder}]` in its service, and start it again"
        );
        match self {
            Self::NotMounted { .. } => format!("{mount}; or correct `proxy-include`"),
            Self::SingleFile { .. } | Self::InVolume { .. } => mount,
            Self::Several { .. } => {
                "write the file's path on this host into `proxy-include`; it must be mounted into one of them alone".to_owned()
            }
        }
    }
}

/// The one of several containers whose nginx obeys an include, which is named as that nginx or as this host knows it:
/// the one that has the file, or else the one that takes the site's requests.
pub fn choose(
    include: &str,
    containers: &[NginxContainer],
    exists: impl Fn(&Path) -> bool,
) -> Result<NginxPlace, OutOfReach> {
    let mut best = Vec::new();
    let mut most = None;
    for container in containers {
        let found = through(include, container);
        let has_it = found.as_ref().is_ok_and(|(path, _)| exists(path));
        let fits = Some((has_it, container.role, found.is_ok()));
        if fits > most {
            best.clear();
            most = fits;
        }
        if fits == most {
            best.push((container, found));
        }
    }
    match (best.pop(), best.is_empty()) {
        (Some((container, found)), true) => {
            let (path, name) = found?;
            Ok(NginxPlace {
                at: NginxAt::Container(container.name.clone()),
                include: path,
                name,
                address: container.address,
            })
        }
        (last, _) => {
            let best = best.iter().chain(&last);
            let names: Vec<_> = best
                .map(|(container, _)| format!("`{}`", container.name))
                .collect();
            Err(OutOfReach::Several {
                include: include.to_owned(),
                names: names.join(", "),
            })
        }
    }
}

/// A file of a container on this host, and by its name in the container.
fn through(include: &str, container: &NginxContainer) -> Result<(PathBuf, String), OutOfReach> {
    let path = Path::new(include);
    let (name, include) = (container.name.clone(), include.to_owned());
    let deepest = |of: &dyn Fn(&Mount) -> Option<PathBuf>| {
        let mounts = container.mounts.iter();
        let holding = mounts.filter_map(|mount| {
            let folder = of(mount)?;
            let rest = path.strip_prefix(&folder).ok()?.to_owned();
            Some((mount, folder.components().count(), rest))
        });
        holding.max_by_key(|(_, depth, _)| *depth)
    };
    let inside = deepest(&|mount| Some(mount.to.clone()));
    let outside = || {
        deepest(&|mount| match &mount.from {
            MountedFrom::Host(folder) => Some(folder.clone()),
            MountedFrom::Volume(_) | MountedFrom::Elsewhere => None,
        })
    };
    let not_mounted = |container, include| OutOfReach::NotMounted { container, include };
    let (mount, rest) = match inside {
        Some((mount, _, rest)) => (mount, rest),
        None => match outside() {
            Some((mount, _, rest)) => (mount, rest),
            None => return Err(not_mounted(name, include)),
        },
    };
    match &mount.from {
        MountedFrom::Host(_) if rest.as_os_str().is_empty() => Err(OutOfReach::SingleFile {
            container: name,
            include: mount.to.display().to_string(),
        }),
        MountedFrom::Host(folder) => {
            let seen = mount.to.join(&rest).display().to_string();
            Ok((folder.join(&rest), seen))
        }
        MountedFrom::Volume(volume) => Err(OutOfReach::InVolume {
            container: name,
            include,
            volume: volume.clone(),
        }),
        MountedFrom::Elsewhere => Err(not_mounted(name, include)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INCLUDE: &str = "/etc/nginx/conf.d/url.inc";

    fn container(name: &str, from: MountedFrom, to: &str) -> NginxContainer {
        NginxContainer {
            name: name.to_owned(),
            mounts: vec![Mount {
                from,
                to: to.into(),
            }],
            role: ContainerRole::Unknown,
            address: None,
        }
    }

    fn bound(name: &str, from: &str, to: &str) -> NginxContainer {
        container(name, MountedFrom::Host(from.into()), to)
    }

    fn chosen(include: &str, containers: &[NginxContainer]) -> Result<NginxPlace, OutOfReach> {
        choose(include, containers, |path| path.ends_with("url.inc"))
    }

    #[test]
    fn the_file_is_found_through_the_mount_by_either_name() {
        let mut nginx = bound("shop-nginx-1", "/home/u/nginx", "/etc/nginx/conf.d");
        nginx.mounts.push(Mount {
            from: MountedFrom::Host("/home/u/etc".into()),
            to: "/etc/nginx".into(),
        });
        for include in [INCLUDE, "/home/u/nginx/url.inc"] {
            let place = chosen(include, std::slice::from_ref(&nginx)).unwrap();
            assert_eq!(place.at, NginxAt::Container("shop-nginx-1".to_owned()));
            assert_eq!(place.include, Path::new("/home/u/nginx/url.inc"));
            assert_eq!(place.name, INCLUDE);
        }
    }

    #[test]
    fn what_cannot_be_changed_says_what_to_mount() {
        let single = bound("n", "/home/u/url.inc", INCLUDE);
        let volume = container("n", MountedFrom::Volume("conf".to_owned()), "/etc/nginx");
        let memory = container("n", MountedFrom::Elsewhere, "/etc/nginx");
        let other = bound("n", "/home/u/html", "/usr/share/nginx/html");
        for (nginx, include, word) in [
            (&single, INCLUDE, "single file"),
            (&single, "/home/u/url.inc", "single file"),
            (&volume, INCLUDE, "volume `conf`"),
            (&memory, INCLUDE, "mounted into it"),
            (&other, INCLUDE, "mounted into it"),
        ] {
            let why = chosen(include, std::slice::from_ref(nginx)).unwrap_err();
            assert!(why.to_string().contains(word), "{why}");
            let cure = why.cure();
            assert!(cure.contains("[./nginx:/etc/nginx/conf.d]"), "{cure}");
        }
    }

    #[test]
    fn of_several_the_one_that_has_the_file_or_takes_the_requests_is_meant() {
        let front = NginxContainer {
            role: ContainerRole::Front,
            ..bound("front", "/srv/nginx", "/etc/nginx/conf.d")
        };
        let slot = bound("web-1", "/srv/html", "/usr/share/nginx/html");
        let name =
            |include: &str, all: &[NginxContainer]| chosen(include, all).map(|place| place.at);
        let at = |name: &str| Ok(NginxAt::Container(name.to_owned()));
        assert_eq!(name(INCLUDE, &[slot.clone(), front.clone()]), at("front"));
        let other = bound("other", "/srv/other", "/etc/nginx/conf.d");
        assert_eq!(name(INCLUDE, &[other.clone(), front.clone()]), at("front"));
        let both = [
            other.clone(),
            bound("third", "/srv/third", "/etc/nginx/conf.d"),
        ];
        let why = chosen(INCLUDE, &both).unwrap_err().to_string();
        assert!(why.contains("`other`") && why.contains("`third`"), "{why}");
        assert_eq!(name("/srv/third/url.inc", &both), at("third"));
    }
}

//! What a deploy has root do, command by command: to run it, to ask sudo whether it may, and to write it into `sudoers`.
//!
//! No argument is ours to choose at the time, and no program or file is one that the SSH user can write: so a rule for
//! exactly these commands is enough, and allows nothing else.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::error::{HostError, Trouble};
use super::super::{HostResult, RootWork};
use super::process::Program;
use super::root::{self, SUDO_DEADLINE};
use crate::clients::environment::find_for_root;

/// A program of the system's with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RootCommand {
    name: &'static str,
    args: Vec<OsString>,
}

impl RootCommand {
    fn new(name: &'static str, args: &[&str]) -> Self {
        Self {
            name,
            args: args.iter().map(Into::into).collect(),
        }
    }

    fn on(mut self, path: &Path) -> Self {
        self.args.push(path.into());
        self
    }

    /// To be run, as root.
    pub(super) fn program(&self, doing: &str) -> HostResult<Program> {
        let program = root::program(self.name, doing)?.args(&self.args);
        Ok(program.deadline(SUDO_DEADLINE))
    }

    /// As `sudoers` has it; `None` when the program is not installed, which whoever needs it says.
    fn rule(&self) -> Option<String> {
        let program = find_for_root(self.name)?;
        let mut rule = String::new();
        for (index, word) in std::iter::once(program.as_os_str())
            .chain(self.args.iter().map(OsString::as_os_str))
            .enumerate()
        {
            if index > 0 {
                rule.push(' ');
            }
            push_escaped(&mut rule, &String::from_utf8_lossy(word.as_bytes()));
        }
        Some(rule)
    }

    /// Whether sudo would run it; nothing is run. One that is not installed is not sudo's to refuse.
    async fn is_allowed(&self) -> HostResult<bool> {
        let Some(program) = find_for_root(self.name) else {
            return Ok(true);
        };
        let ask = Program::find("sudo", "ask what sudo allows")?
            .args([
                "-n".as_ref(),
                "-l".as_ref(),
                "--".as_ref(),
                program.as_os_str(),
            ])
            .args(&self.args);
        match ask.deadline(SUDO_DEADLINE).finish().await {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.trouble, Trouble::Denied | Trouble::Refused) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// `sudoers` reads these as its own, or as patterns.
fn push_escaped(rule: &mut String, word: &str) {
    for c in word.chars() {
        if c.is_whitespace() || "\\,:=*?[]!\"#".contains(c) {
            rule.push('\\');
        }
        rule.push(c);
    }
}

/// Every command of this work, in order.
fn commands(work: &RootWork) -> Vec<RootCommand> {
    let nginx = |args: &[&str]| RootCommand::new("nginx", args);
    match work {
        RootWork::Read => vec![nginx(&["-T"])],
        RootWork::Flag => vec![nginx(&["-T"]), nginx(&["-s", "reopen"])],
        RootWork::Reload(include) => {
            let mut all = vec![nginx(&["-T"]), nginx(&["-t"]), nginx(&["-s", "reload"])];
            all.extend(replacing(include));
            all
        }
        RootWork::Include(include) => replacing(include),
    }
}

fn replacing(include: &Path) -> Vec<RootCommand> {
    if root::is_our_own(include) {
        return Vec::new();
    }
    let include = include
        .canonicalize()
        .unwrap_or_else(|_absent| include.to_owned());
    let Replacing {
        copy,
        fill,
        rename,
        remove,
        ..
    } = Replacing::new(&include);
    vec![copy, fill, rename, remove]
}

/// How a file of root's is replaced, whole or not at all: beside it, by a name that patterns such as `conf.d/*.conf` do not
/// match.
pub(super) struct Replacing {
    /// The old file's mode and owner.
    pub(super) copy: RootCommand,
    /// From standard input, onto the disk.
    pub(super) fill: RootCommand,
    pub(super) rename: RootCommand,
    /// What is left when one of them failed.
    pub(super) remove: RootCommand,
    partial: PathBuf,
}

impl Replacing {
    /// `path` is no link.
    pub(super) fn new(path: &Path) -> Self {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".pct-deploy");
        let partial = path.with_file_name(name);
        let mut output = OsString::from("of=");
        output.push(&partial);
        let mut fill = RootCommand::new("dd", &["conv=fsync"]);
        fill.args.push(output);
        Self {
            copy: RootCommand::new("cp", &["-p", "--"]).on(path).on(&partial),
            fill,
            rename: RootCommand::new("mv", &["-f", "-T", "--"])
                .on(&partial)
                .on(path),
            remove: RootCommand::new("rm", &["-f", "--"]).on(&partial),
            partial,
        }
    }

    /// The same as `copy` where there is no file yet.
    pub(super) fn make(&self, mode: u32) -> RootCommand {
        let mode = format!("{mode:o}");
        RootCommand::new("install", &["-m", &mode, "--", "/dev/null"]).on(&self.partial)
    }
}

/// Whether all of this work will go without a password.
pub(super) async fn may(work: &RootWork) -> HostResult<()> {
    let Err(error) = root::runs_everything().await else {
        return Ok(());
    };
    if !matches!(error.trouble, Trouble::Denied | Trouble::Refused) {
        return Err(error);
    }
    for command in commands(work) {
        if !command.is_allowed().await? {
            let what = command.rule().unwrap_or_else(|| command.name.to_owned());
            return Err(HostError::new(Trouble::Denied, "act as root")
                .because(format!("`sudo -n {what}` is not allowed")));
        }
    }
    Ok(())
}

/// The line that allows it to `user`.
pub(super) fn line(user: &str, work: &RootWork) -> String {
    let mut line = String::new();
    push_escaped(&mut line, user);
    line.push_str(" ALL=(root) NOPASSWD: ");
    let rules: Vec<String> = commands(work)
        .iter()
        .filter_map(RootCommand::rule)
        .collect();
    line + &rules.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sudoers_would_read_as_its_own_is_escaped() {
        let mut rule = String::new();
        push_escaped(&mut rule, "of=/etc/nginx/a b,c:*[x]\\.inc");
        assert_eq!(rule, "of\\=/etc/nginx/a\\ b\\,c\\:\\*\\[x\\]\\\\.inc");
    }

    #[test]
    fn an_include_is_replaced_beside_itself_and_nowhere_else() {
        let replacing = Replacing::new(Path::new("/etc/nginx/conf.d/service-url.inc"));
        let partial = "/etc/nginx/conf.d/.service-url.inc.pct-deploy";
        assert_eq!(replacing.partial, Path::new(partial));
        let words = |command: &RootCommand| command.args.join(" ".as_ref());
        assert_eq!(
            words(&replacing.rename),
            *format!("-f -T -- {partial} /etc/nginx/conf.d/service-url.inc")
        );
        assert_eq!(words(&replacing.fill), *format!("conv=fsync of={partial}"));
    }
}

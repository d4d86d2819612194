//! A rollback: a swap whose release is an earlier one; and a restart, whose release is the live one. They need neither Docker
//! nor a registry here.

use super::ending::EndedRun;
use super::run::{Invocation, Run};
use super::session::Session;
use super::{result, status, swap};
use crate::config::parse;
use crate::config::types::ReportConfig;
use crate::error::{Error, Reason, Result};
use crate::protocol::ids::{ReleaseId, ReleasePrefix};
use crate::protocol::plan::Target;
use crate::protocol::status::Status;

/// Which release is to be live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedRelease {
    /// The one before the live one.
    Previous,
    /// The one that is called so, or was built from this commit.
    Named(ReleasePrefix),
    /// The live one, once more.
    Live,
}

/// Goes to the release that is wanted.
pub async fn rollback(mut by: Invocation, wanted: WantedRelease) -> Result<EndedRun> {
    by.read_standard_input().await?;
    let host = match parse::rollback(&by.settings, by.reach) {
        Ok(host) => host,
        Err(error) => {
            let nobody = ReportConfig::default();
            let run = Run::new(&by, &nobody, &[]);
            return Ok(EndedRun {
                result: result::failed(&run.reporter, &error),
                code: error.code(),
                untold: Some(error),
            });
        }
    };
    let mut run = Run::on(&by, &host);
    run.context.is_rollback = wanted != WantedRelease::Live;
    run.reporter.add_masks();
    let work = async {
        let ready = async {
            let session = Session::open(&host, &run.reporter).await?;
            let target = match wanted {
                WantedRelease::Previous => Target::Previous,
                WantedRelease::Live => Target::Live,
                WantedRelease::Named(name) => {
                    let status = status::ask(&session, None, &run.reporter).await?;
                    Target::Release(named(&name, &status)?)
                }
            };
            Ok((session, target))
        };
        let (session, target) = run.unless_cancelled(Box::pin(ready)).await?;
        Ok(swap::swap(&run, session, target).await)
    };
    let result = run.alive_during(work).await;
    Ok(run.finish(run.result(result)).await)
}

/// The one release that is meant.
fn named(name: &ReleasePrefix, status: &Status) -> Result<ReleaseId> {
    let kept = &status.kept;
    if let Some(exact) = kept
        .iter()
        .find(|kept| kept.release.as_str() == name.as_str())
    {
        return Ok(exact.release.clone());
    }
    let of_commit = |release: &ReleaseId| {
        let mut all = status.recent.iter();
        all.find_map(|past| {
            let is_of = past.outcome.is_live() && past.release.as_ref() == Some(release);
            past.origin.commit.as_ref().filter(|_| is_of)
        })
    };
    let is_meant = |release: &ReleaseId| {
        let commits = status
            .recent
            .iter()
            .filter(|past| past.outcome.is_live() && past.release.as_ref() == Some(release));
        let mut commits = commits.filter_map(|past| past.origin.commit.as_ref());
        release.as_str().starts_with(name.as_str())
            || commits.any(|commit| commit.as_str().starts_with(name.as_str()))
    };
    let described = |releases: &[&ReleaseId]| {
        let one = |release: &&ReleaseId| match of_commit(release) {
            Some(commit) => format!("{release} (commit {})", commit.short()),
            None => release.to_string(),
        };
        releases.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let all: Vec<&ReleaseId> = kept.iter().map(|kept| &kept.release).collect();
    let meant: Vec<&ReleaseId> = all
        .iter()
        .copied()
        .filter(|release| is_meant(release))
        .collect();
    match (meant.as_slice(), name.as_str().parse::<ReleaseId>()) {
        ([one], _) => Ok((*one).clone()),
        // The host knows why it cannot be brought back.
        ([], Ok(release))
            if status
                .recent
                .iter()
                .any(|past| past.release.as_ref() == Some(&release)) =>
        {
            Ok(release)
        }
        ([], _) => {
            let what = format!("no release on the host is called `{name}` or is of such a commit");
            let error = Error::untouched(Reason::NoEarlierRelease, what);
            Err(match all.as_slice() {
                [] => error.hint("nothing was deployed here by pct-deploy yet"),
                all => error.hint(format!("there are: {}", described(all))),
            })
        }
        (several, _) => {
            let what = format!("`{name}` may be any of {}", described(several));
            let hint = "write the whole name of the release";
            Err(Error::untouched(Reason::NoEarlierRelease, what).hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let past = |release: &str, commit: &str, outcome: &str| {
            format!(
                r#"{{"deployment":"20260131T000000Z-3d4e5f","at_ms":1,"outcome":"{outcome}","reason":"","release":"{release}","took_ms":1,"origin":{{"commit":"{commit}","by":null,"url":null}},"note":null}}"#
            )
        };
        let kept = |release: &str| {
            let digest = format!("sha256:{}", "02".repeat(32));
            format!(
                r#"{{"release":"{release}","image":{{"repository":"u/a","digest":"{digest}"}},"at_ms":1}}"#
            )
        };
        let (one, two, three) = ("aaaa000000000001", "bbbb000000000002", "bbbb000000000003");
        let commit = |start: &str| format!("{start}{}", "0".repeat(40 - start.len()));
        let recent = [
            past(three, &commit("cafe3"), "deployed"),
            past(two, &commit("cafe2"), "deployed"),
            past(one, &commit("cafe2"), "rolled-back"),
            past(one, &commit("f00d"), "deployed"),
            past("dddd000000000004", &commit("0ddba11"), "deployed"),
        ];
        let kept = [one, two, three].map(kept);
        let text = format!(
            r#"{{"app":"a","live":null,"slots":[],"lock_holder":null,"kept":[{}],"recent":[{}]}}"#,
            kept.join(","),
            recent.join(",")
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_release_is_found_by_its_commit_and_an_unclear_one_is_listed() {
        let of = |name: &str| {
            let found = named(&name.parse().unwrap(), &status());
            found
                .map(String::from)
                .map_err(|error| format!("{error} / {}", error.hints().join(" ")))
        };
        assert_eq!(of("f00d").as_deref(), Ok("aaaa000000000001"));
        assert_eq!(of("cafe2").as_deref(), Ok("bbbb000000000002"));
        assert_eq!(of("aaaa").as_deref(), Ok("aaaa000000000001"));
        assert_eq!(of("bbbb000000000003").as_deref(), Ok("bbbb000000000003"));
        // Not kept any more: the host says what is gone.
        assert_eq!(of("dddd000000000004").as_deref(), Ok("dddd000000000004"));
        let unclear = of("cafe").unwrap_err();
        assert!(
            unclear.contains(
                "bbbb000000000002 (commit cafe20000000), bbbb000000000003 (commit cafe30000000)"
            ),
            "{unclear}"
        );
        let none = of("0ddba11").unwrap_err();
        assert!(
            none.contains("`0ddba11`") && none.contains("aaaa000000000001 (commit f00d00000000)"),
            "{none}"
        );
    }
}

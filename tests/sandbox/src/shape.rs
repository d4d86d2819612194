//! GitHub's JSON for the things that are everywhere in it: accounts, repositories, labels, commits.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// Where people look at GitHub.
pub(crate) const SITE: &str = "https://github.com";
/// Where programs ask it, unless they ask a stand-in.
pub(crate) const API: &str = "https://api.github.com";

/// Who an account belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    User,
    Bot,
    Organization,
}

impl Account {
    fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Bot => "Bot",
            Self::Organization => "Organization",
        }
    }
}

/// A stable number for a name, beyond 32 bits as GitHub's newer ones are.
pub(crate) fn id(name: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    5_000_000_000 + hash % 1_000_000_000
}

pub(crate) fn user(api: &str, login: &str, account: Account) -> Value {
    let id = id(login);
    let url = format!("{api}/users/{}", encode(login));
    json!({
        "login": login,
        "id": id,
        "node_id": format!("MDQ6VXNlcj{id}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{SITE}/{}", encode(login)),
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": account.name(),
        "user_view_type": "public",
        "site_admin": false,
    })
}

pub(crate) fn organization(api: &str, login: &str) -> Value {
    let id = id(login);
    let url = format!("{api}/orgs/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": format!("O_kgDO{id}"),
        "url": url,
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events"),
        "hooks_url": format!("{url}/hooks"),
        "issues_url": format!("{url}/issues"),
        "members_url": format!("{url}/members{{/member}}"),
        "public_members_url": format!("{url}/public_members{{/member}}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "description": "",
    })
}

/// The addresses that every repository object lists: key, and path below the repository.
const REPOSITORY_URLS: [(&str, &str); 37] = [
    ("forks_url", "/forks"),
    ("keys_url", "/keys{/key_id}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("teams_url", "/teams"),
    ("hooks_url", "/hooks"),
    ("issue_events_url", "/issues/events{/number}"),
    ("events_url", "/events"),
    ("assignees_url", "/assignees{/user}"),
    ("branches_url", "/branches{/branch}"),
    ("tags_url", "/tags"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("trees_url", "/git/trees{/sha}"),
    ("statuses_url", "/statuses/{sha}"),
    ("languages_url", "/languages"),
    ("stargazers_url", "/stargazers"),
    ("contributors_url", "/contributors"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("commits_url", "/commits{/sha}"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("comments_url", "/comments{/number}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("contents_url", "/contents/{+path}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("merges_url", "/merges"),
    ("archive_url", "/{archive_format}{/ref}"),
    ("downloads_url", "/downloads"),
    ("issues_url", "/issues{/number}"),
    ("pulls_url", "/pulls{/number}"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("labels_url", "/labels{/name}"),
    ("releases_url", "/releases{/id}"),
    ("deployments_url", "/deployments"),
    ("url", ""),
];

pub(crate) fn repository(api: &str, owner: &str, name: &str, account: Account) -> Value {
    let full_name = format!("{owner}/{name}");
    let base = format!("{api}/repos/{full_name}");
    let html = format!("{SITE}/{full_name}");
    let urls = REPOSITORY_URLS.map(|(key, path)| (key.to_owned(), format!("{base}{path}").into()));
    let mut repository: Map<String, Value> = urls.into_iter().collect();
    let Value::Object(rest) = json!({
        "id": id(&full_name),
        "node_id": "R_kgDOABCDEF",
        "name": name,
        "full_name": full_name,
        "private": true,
        "owner": user(api, owner, account),
        "html_url": html,
        "description": "The backend",
        "fork": account == Account::User,
        "created_at": "2023-03-01T02:03:04Z",
        "updated_at": "2026-11-22T10:11:12Z",
        "pushed_at": "2026-11-23T08:58:00Z",
        "git_url": format!("git://github.com/{full_name}.git"),
        "ssh_url": format!("git@github.com:{full_name}.git"),
        "clone_url": format!("{html}.git"),
        "svn_url": html,
        "homepage": null,
        "size": 2048,
        "stargazers_count": 3,
        "watchers_count": 3,
        "language": "Java",
        "has_issues": true,
        "has_projects": true,
        "has_downloads": true,
        "has_wiki": true,
        "has_pages": false,
        "has_discussions": false,
        "forks_count": 1,
        "mirror_url": null,
        "archived": false,
        "disabled": false,
        "open_issues_count": 4,
        "license": null,
        "allow_forking": true,
        "is_template": false,
        "web_commit_signoff_required": false,
        "topics": [],
        "visibility": "private",
        "forks": 1,
        "open_issues": 4,
        "watchers": 3,
        "default_branch": "main",
        "allow_squash_merge": true,
        "allow_merge_commit": true,
        "allow_rebase_merge": true,
        "allow_auto_merge": false,
        "delete_branch_on_merge": false,
        "allow_update_branch": false,
    }) else {
        return Value::Null;
    };
    repository.extend(rest);
    Value::Object(repository)
}

pub(crate) fn label(api: &str, repository: &str, name: &str) -> Value {
    let id = id(name);
    json!({
        "id": id,
        "node_id": format!("LA_kwDO{id}"),
        "url": format!("{api}/repos/{repository}/labels/{}", encode(name)),
        "name": name,
        "color": "c5def5",
        "default": false,
        "description": null,
    })
}

/// A commit as `GET commits/{sha}` gives it.
pub(crate) fn commit(
    api: &str,
    repository: &str,
    sha: &str,
    login: &str,
    message: &str,
    parents: &[String],
) -> Value {
    let url = format!("{api}/repos/{repository}/commits/{sha}");
    let html = format!("{SITE}/{repository}/commit/{sha}");
    let git = format!("{api}/repos/{repository}/git");
    let person = json!({
        "name": format!("{login} the Author"),
        "email": format!("{login}@users.noreply.github.com"),
        "date": "2026-11-23T08:57:00Z",
    });
    let tree = "c".repeat(40);
    let parents: Vec<Value> = parents
        .iter()
        .map(|parent| {
            json!({
                "sha": parent,
                "url": format!("{api}/repos/{repository}/commits/{parent}"),
                "html_url": format!("{SITE}/{repository}/commit/{parent}"),
            })
        })
        .collect();
    json!({
        "sha": sha,
        "node_id": "C_kwDOABCDEF",
        "commit": {
            "author": person,
            "committer": person,
            "message": message,
            "tree": {"sha": tree, "url": format!("{git}/trees/{tree}")},
            "url": format!("{git}/commits/{sha}"),
            "comment_count": 0,
            "verification": {
                "verified": false, "reason": "unsigned", "signature": null, "payload": null,
                "verified_at": null,
            },
        },
        "url": url,
        "html_url": html,
        "comments_url": format!("{url}/comments"),
        "author": user(api, login, Account::User),
        "committer": user(api, login, Account::User),
        "parents": parents,
        "stats": {"total": 15, "additions": 12, "deletions": 3},
        "files": [],
    })
}

/// Percent-encodes everything but letters and digits of ASCII.
fn encode(raw: &str) -> String {
    utf8_percent_encode(raw, NON_ALPHANUMERIC).to_string()
}

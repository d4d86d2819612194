//! What to deploy.

use std::path::{Path, PathBuf};

use super::fields::Fields;
use super::parse::Caller;
use super::raw::Raw;
use super::types::{Bounds, BuildConfig, ImageConfig, ImageSource};
use crate::protocol::ids::{AppName, PinnedImage, Repository};

const NAME: &str = "write the image's name, such as `user/pct-backend`";

/// Reads the group; every problem is noted before `None` is returned.
pub(super) fn image(fields: &mut Fields<'_>, caller: Caller) -> Option<ImageConfig> {
    let source = match fields.required("image", NAME) {
        Some(text) if text.contains('@') => pinned(fields, text).map(ImageSource::Existing),
        Some(text) => {
            let repository = repository(fields, text);
            build(fields, repository, caller).map(ImageSource::Build)
        }
        None => {
            // The rest is read for its problems.
            build(fields, None, caller);
            None
        }
    };
    let platform = fields.choice("platform");
    Some(ImageConfig {
        source: source?,
        platform: platform?.to_owned(),
    })
}

/// The name of the app: given, else the last part of the image.
pub(super) fn app(fields: &mut Fields<'_>) -> Option<AppName> {
    if fields.text("app").is_some() {
        return fields.parsed("app", "write a name such as `pct-backend`");
    }
    let text = fields.text("image")?;
    let name = text.split_once('@').map_or(text, |(name, _)| name);
    // A wrong image is a problem of `image`, noted where it is read.
    let repository: Repository = name.parse().ok()?;
    fields.parse(
        "app",
        repository.last_part(),
        "give `app` a name such as `pct-backend`",
    )
}

fn pinned(fields: &mut Fields<'_>, text: &str) -> Option<PinnedImage> {
    fields.parse(
        "image",
        text,
        "write `NAME@sha256:` and 64 hex digits, without a tag",
    )
}

/// The image's name alone. Without one, what it must not hold is said as precisely as possible.
pub(super) fn repository(fields: &mut Fields<'_>, text: &str) -> Option<Repository> {
    let last = text.rsplit('/').next().unwrap_or(text);
    if let Some((_, tag)) = last.split_once(':') {
        let name = text.strip_suffix(&format!(":{tag}")).unwrap_or(text);
        fields.wrong(
            "image",
            format!("`{text}` has a tag"),
            format!("write `{name}` here and `{tag}` in `tags`"),
        );
        return None;
    }
    fields.parse("image", text, NAME)
}

fn build(
    fields: &mut Fields<'_>,
    repository: Option<Repository>,
    caller: Caller,
) -> Option<BuildConfig> {
    let tags = fields.parsed_list(
        "tags",
        "write tags alone, such as `latest`, without the image's name",
    );
    let args = build_args(fields);
    let context = fields.raw.path("context", fields.text("context")?);
    Some(BuildConfig {
        repository: repository?,
        tags: tags?,
        dockerfile: dockerfile(fields.raw, &context)?,
        context,
        target: fields.text("target").map(str::to_owned),
        args: args?,
        bounds: match caller {
            Caller::Action => Bounds::WorkingDirectory,
            Caller::Terminal => Bounds::Anywhere,
        },
        settings_file: fields.raw.file.as_ref().map(PathBuf::from),
    })
}

/// Relative to the context, or to where the settings file is when that names it.
fn dockerfile(raw: &Raw, context: &Path) -> Option<PathBuf> {
    let text = raw.text("dockerfile")?;
    let beside_file = raw.path("dockerfile", text);
    let is_plain = raw.given("dockerfile").is_none() || beside_file == Path::new(text);
    if is_plain || context.join(text).exists() {
        return Some(text.into());
    }
    Some(beside_file.canonicalize().unwrap_or_else(|_| text.into()))
}

fn build_args(fields: &mut Fields<'_>) -> Option<Vec<(String, String)>> {
    let mut args = Vec::new();
    for (index, line) in fields.list("build-args").into_iter().enumerate() {
        match line.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() && !key.trim().contains(' ') => {
                args.push((key.trim().to_owned(), value.to_owned()));
            }
            Some(_) | None => {
                // The value may be private, so only its place is named.
                let what = format!("entry {} is not `KEY=VALUE`", index + 1);
                fields.wrong("build-args", what, "write one `KEY=VALUE` per line");
                return None;
            }
        }
    }
    Some(args)
}

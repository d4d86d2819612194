//! The parents of a commit, from a loose object or a pack.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::pack;
use crate::protocol::ids::Commit;

/// Parents stand at the beginning; a message beyond this is cut off, and that is fine.
const HEADER: usize = 64 * 1024;

/// Reads them; an error says why they cannot be read.
pub(super) fn parents(common: &Path, commit: &Commit) -> Result<Vec<Commit>, String> {
    let objects = common.join("objects");
    let (folder, name) = commit.as_str().split_at(2);
    let loose = objects.join(folder).join(name);
    if loose.is_file() {
        let object = inflate(&head_of(&loose)?)?;
        let end = object.iter().position(|byte| *byte == 0);
        let (kind, body) = object
            .split_at_checked(end.unwrap_or_default())
            .unwrap_or_default();
        return match kind.starts_with(b"commit ") {
            true => listed(body.get(1..).unwrap_or_default()),
            false => Err("it is no commit".to_owned()),
        };
    }
    listed(&pack::commit(&objects.join("pack"), commit)?)
}

fn head_of(path: &Path) -> Result<Vec<u8>, String> {
    let trouble = |error| format!("`{}`: {error}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(trouble)?;
    file.take(HEADER as u64)
        .read_to_end(&mut bytes)
        .map_err(trouble)?;
    Ok(bytes)
}

/// As much as there is: a stream that goes on behind its beginning is cut, a broken one is an error.
pub(super) fn inflate(bytes: &[u8]) -> Result<Vec<u8>, String> {
    match decompress_to_vec_zlib_with_limit(bytes, HEADER) {
        Ok(object) => Ok(object),
        // What was read up to here is whole lines or is refused by `listed`.
        Err(error) if !error.output.is_empty() => Ok(error.output),
        Err(error) => Err(format!("its object is damaged: {error}")),
    }
}

/// `tree`, then one `parent` a line, then `author`: only then the list is known to be whole.
fn listed(commit: &[u8]) -> Result<Vec<Commit>, String> {
    let text = String::from_utf8_lossy(commit);
    let mut lines = text.split_inclusive('\n');
    if !lines.next().is_some_and(|line| line.starts_with("tree ")) {
        return Err("it is no commit".to_owned());
    }
    let mut parents = Vec::new();
    for line in lines {
        if let Some(parent) = line.strip_prefix("parent ") {
            let parent = parent.trim_end().parse();
            parents.push(parent.map_err(|error| format!("it has no usable parent: {error}"))?);
        } else if line.starts_with("author ") {
            return Ok(parents);
        } else {
            break;
        }
    }
    Err("its object is damaged".to_owned())
}

//! Local images, and the download of one.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, CreateImageInfo, ImageInspect, ImageSummary};
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    RemoveImageOptions,
};
use futures_util::TryStreamExt as _;

use super::super::super::error::{HostError, Trouble};
use super::super::super::facts::{ImageFacts, PullProgress};
use super::super::super::{HostResult, Images};
use super::super::LinuxHost;
use super::{errors, platform, within, within_or_none};
use crate::clients::docker::errors::status;
use crate::clients::docker::{Layers, Transfer, credentials, digest_of, server};
use crate::protocol::ids::{Digest, PinnedImage, Repository};
use crate::protocol::wire::RegistryLogin;

/// A registry or a disk that is silent for so long will not come back.
const PULL_SILENCE: Duration = Duration::from_secs(180);
const PULL_DEADLINE: Duration = Duration::from_secs(1800);

impl Images for LinuxHost {
    async fn image(&self, image: &PinnedImage) -> HostResult<Option<ImageFacts>> {
        let docker = self.engine().await?;
        let doing = format!("look for the image `{image}`");
        let found = inspect(docker, &doing, &image.to_string()).await?;
        Ok(found.map(|found| ImageFacts {
            platform: said(found.os.as_deref())
                .zip(said(found.architecture.as_deref()))
                .map(|(os, architecture)| platform(Some(os), Some(architecture))),
            size: found
                .size
                .and_then(|size| size.try_into().ok())
                .unwrap_or(0),
        }))
    }

    async fn images_of(&self, repository: &Repository) -> HostResult<Vec<PinnedImage>> {
        let docker = self.engine().await?;
        let doing = format!("list the images of `{repository}`");
        let options = ListImagesOptionsBuilder::new().digests(true).build();
        let images = within(&doing, docker.list_images(Some(options))).await?;
        let mut found: Vec<_> = images
            .iter()
            .flat_map(|image| digests(image, repository))
            .map(|digest| PinnedImage {
                repository: repository.clone(),
                digest,
            })
            .collect();
        found.sort_unstable_by(|a, b| a.digest.cmp(&b.digest));
        found.dedup();
        Ok(found)
    }

    async fn pull(
        &self,
        image: &PinnedImage,
        login: Option<&RegistryLogin>,
        on_progress: &mut dyn FnMut(PullProgress),
    ) -> HostResult<()> {
        let docker = self.engine().await?;
        let doing = || format!("pull `{image}`");
        let options = CreateImageOptionsBuilder::new()
            .from_image(image.repository.as_str())
            .tag(image.digest.as_str())
            .build();
        let credentials = login.map(|login| credentials(login, server(&image.repository)));
        let mut stream = docker.create_image(Some(options), None, credentials);
        let follow = async {
            let mut layers = Layers::default();
            loop {
                let news = tokio::time::timeout(PULL_SILENCE, stream.try_next()).await;
                match news {
                    Ok(Ok(Some(info))) => {
                        if let Some(progress) = note(&mut layers, &info) {
                            on_progress(progress);
                        }
                    }
                    Ok(Ok(None)) => return Ok(()),
                    Ok(Err(error)) => return Err(errors::host_error(doing(), error)),
                    Err(_elapsed) => {
                        let why = format!("nothing was heard for {} s", PULL_SILENCE.as_secs());
                        return Err(HostError::new(Trouble::TimedOut, doing()).because(why));
                    }
                }
            }
        };
        match tokio::time::timeout(PULL_DEADLINE, follow).await {
            Ok(result) => result,
            Err(_elapsed) => {
                let why = format!("it took longer than {} s", PULL_DEADLINE.as_secs());
                Err(HostError::new(Trouble::TimedOut, doing()).because(why))
            }
        }
    }

    async fn remove_image(&self, image: &PinnedImage) -> HostResult<()> {
        let docker = self.engine().await?;
        let doing = format!("remove the image `{image}`");
        let reference = image.to_string();
        let Some(found) = inspect(docker, &doing, &reference).await? else {
            return Ok(());
        };
        // In the image store where it may be left out, an image's id is its digest.
        let id = found.id.unwrap_or_else(|| image.digest.to_string());
        // With a tag beside the digest the engine would drop the digest of an image in use, and a
        // rollback would no longer find it.
        let filters = HashMap::from([("ancestor", vec![id])]);
        let users = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters)
            .build();
        if !within(&doing, docker.list_containers(Some(users)))
            .await?
            .is_empty()
        {
            return Ok(());
        }
        let removal = async {
            let removed = docker
                .remove_image(&reference, None::<RemoveImageOptions>, None)
                .await;
            match removed {
                Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
                other => other.map(drop),
            }
        };
        within(&doing, removal).await
    }
}

/// What the engine says about an image, which may be nothing: the containerd image store does not fetch a layer that it has
/// unpacked already, and an engine that lacks the bytes of one leaves out what every answer must hold (Docker 28.5). Such
/// an image runs as any other.
async fn inspect(
    docker: &Docker,
    doing: &str,
    reference: &str,
) -> HostResult<Option<ImageInspect>> {
    let answer = async {
        match docker.inspect_image(reference).await {
            Err(Error::JsonDataError { .. }) => Ok(ImageInspect::default()),
            answer => answer,
        }
    };
    within_or_none(doing, answer).await
}

fn said(word: Option<&str>) -> Option<&str> {
    word.filter(|word| !word.is_empty())
}

/// The digests by which an image of a repository is known; of one that [`inspect`] hears nothing about, the engine lists
/// them among the tags.
fn digests(image: &ImageSummary, repository: &Repository) -> Vec<Digest> {
    let references = image.repo_digests.iter().chain(&image.repo_tags);
    let digests = references.filter_map(|reference| digest_of(reference, repository));
    digests.collect()
}

pub(super) async fn image_of_container(
    docker: &Docker,
    container: &ContainerInspectResponse,
) -> HostResult<Option<PinnedImage>> {
    let reference = container
        .config
        .as_ref()
        .and_then(|config| config.image.as_deref());
    if let Some(pinned) = reference.and_then(pinned) {
        return Ok(Some(pinned));
    }
    let Some(id) = container.image.as_deref() else {
        return Ok(None);
    };
    let found = inspect(docker, "look at the image of a container", id).await?;
    let digests = found
        .and_then(|image| image.repo_digests)
        .unwrap_or_default();
    Ok(choose(reference.unwrap_or_default(), &digests))
}

/// A reference with a digest, with or without a tag before it.
fn pinned(reference: &str) -> Option<PinnedImage> {
    let (name, digest) = reference.split_once('@')?;
    Some(PinnedImage {
        repository: without_tag(name).parse().ok()?,
        digest: digest.parse().ok()?,
    })
}

/// The digest that fits a reference such as `user/app:latest`, else the only one there is.
fn choose(reference: &str, digests: &[String]) -> Option<PinnedImage> {
    let of_reference = without_tag(reference)
        .parse::<Repository>()
        .ok()
        .and_then(|repository| {
            let mut fitting = digests
                .iter()
                .filter_map(|text| digest_of(text, &repository));
            let digest = fitting.next()?;
            fitting.next().is_none().then_some(PinnedImage {
                repository: repository.clone(),
                digest,
            })
        });
    of_reference.or_else(|| match digests {
        [only] => pinned(only),
        _ => None,
    })
}

fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        Some(_) | None => name,
    }
}

/// Takes one message of a pull; the new sum when it changed.
fn note(layers: &mut Layers<String>, info: &CreateImageInfo) -> Option<PullProgress> {
    let id = info.id.as_ref()?;
    match info.status.as_deref()? {
        "Downloading" => {
            let detail = info.progress_detail.as_ref()?;
            let done = u64::try_from(detail.current?).ok()?;
            let total = detail.total.and_then(|total| total.try_into().ok());
            let total = total.unwrap_or(done);
            layers.set(id.clone(), Transfer { done, total });
        }
        "Download complete" => layers.complete(id)?,
        _ => return None,
    }
    let Transfer { done, total } = layers.sum();
    Some(PullProgress { done, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(name: &str, digit: char) -> String {
        format!("{name}@sha256:{}", digit.to_string().repeat(64))
    }

    #[test]
    fn a_containers_image_is_what_its_reference_says() {
        let pinned_to = reference("localhost:5000/pct/app", 'a');
        assert_eq!(pinned(&pinned_to).unwrap().to_string(), pinned_to);
        let tagged = pinned_to.replace('@', ":v1@");
        assert_eq!(pinned(&tagged).unwrap().to_string(), pinned_to);
        assert_eq!(pinned("user/app:latest"), None);
    }

    #[test]
    fn an_image_is_known_by_its_digest_in_either_image_store() {
        let wanted = reference("localhost:5000/pct/app", 'a');
        let listed = |digests: &str, tags: &str| -> ImageSummary {
            let json = format!(
                r#"{{"Containers":-1,"Created":0,"Id":"sha256:aa","Labels":null,"ParentId":"","RepoDigests":{digests},"RepoTags":{tags},"SharedSize":-1,"Size":4249}}"#
            );
            serde_json::from_str(&json).unwrap()
        };
        let bare = wanted.split_once('@').unwrap().1;
        for image in [
            listed(&format!("[\"{wanted}\"]"), "[]"),
            listed(&format!("[\"{bare}\"]"), &format!("[\"{wanted}\"]")),
        ] {
            let known = digests(&image, &"localhost:5000/pct/app".parse().unwrap());
            assert_eq!(known, [bare.parse().unwrap()], "{image:?}");
            assert_eq!(digests(&image, &"other/app".parse().unwrap()), []);
        }
    }

    #[test]
    fn a_tag_is_turned_into_the_digest_of_its_repository() {
        let digests = [reference("other/app", 'a'), reference("user/app", 'b')];
        let chosen = choose("user/app:latest", &digests).unwrap();
        assert_eq!(chosen.to_string(), reference("user/app", 'b'));
        assert_eq!(choose("third/app", &digests), None);
        assert_eq!(
            choose("sha256:0123", &digests[..1]).unwrap().to_string(),
            digests[0]
        );
        let twice = [reference("user/app", 'a'), reference("user/app", 'b')];
        assert_eq!(choose("user/app", &twice), None);
    }

    #[test]
    fn progress_is_the_sum_of_the_layers() {
        let mut layers = Layers::default();
        let mut note = |json: &str| {
            let sum = note(&mut layers, &serde_json::from_str(json).unwrap());
            sum.map(|sum| (sum.done, sum.total))
        };
        assert_eq!(
            note(r#"{"status":"Pulling from user/app","id":"latest"}"#),
            None
        );
        assert_eq!(
            note(r#"{"status":"Already exists","progressDetail":{},"id":"l0"}"#),
            None
        );
        let one = r#"{"status":"Downloading","progressDetail":{"current":10,"total":100},"progress":"[> ]","id":"l1"}"#;
        assert_eq!(note(one), Some((10, 100)));
        let two = r#"{"status":"Downloading","progressDetail":{"current":5,"total":50},"id":"l2"}"#;
        assert_eq!(note(two), Some((15, 150)));
        assert_eq!(
            note(r#"{"status":"Download complete","progressDetail":{},"id":"l1"}"#),
            Some((105, 150))
        );
        let extracting =
            r#"{"status":"Extracting","progressDetail":{"current":1,"total":100},"id":"l1"}"#;
        assert_eq!(note(extracting), None);
        assert_eq!(note(r#"{"status":"Digest: sha256:00"}"#), None);
    }
}

//! Images of the Docker engine.

use super::HostResult;
use super::facts::{ImageFacts, PullProgress};
use crate::protocol::ids::{PinnedImage, Repository};
use crate::protocol::wire::RegistryLogin;

/// Downloads and removes images, named by digest alone. No container is touched, and a login is kept nowhere.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Images {
    /// Facts about a local image, `None` when it is not there.
    async fn image(&self, image: &PinnedImage) -> HostResult<Option<ImageFacts>>;
    /// Every local image of a repository that has a digest.
    async fn images_of(&self, repository: &Repository) -> HostResult<Vec<PinnedImage>>;
    /// Downloads an image by digest; credentials go into the API call alone.
    async fn pull(
        &self,
        image: &PinnedImage,
        login: Option<&RegistryLogin>,
        on_progress: &mut dyn FnMut(PullProgress),
    ) -> HostResult<()>;
    /// Removes a local image; one that is in use or gone is fine.
    async fn remove_image(&self, image: &PinnedImage) -> HostResult<()>;
}

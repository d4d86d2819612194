//! The images of the simulated host.

use super::SimHost;
use crate::host::facts::{ImageFacts, PullProgress};
use crate::host::{HostResult, Images};
use crate::protocol::ids::{PinnedImage, Repository};
use crate::protocol::wire::RegistryLogin;

impl Images for SimHost {
    async fn image(&self, image: &PinnedImage) -> HostResult<Option<ImageFacts>> {
        self.call("image")?;
        let here = self.world.borrow().images.contains(&image.to_string());
        Ok(here.then(|| ImageFacts {
            platform: Some("linux/amd64".into()),
            size: 1,
        }))
    }
    async fn images_of(&self, repository: &Repository) -> HostResult<Vec<PinnedImage>> {
        self.call("images_of")?;
        let world = self.world.borrow();
        let all = world
            .images
            .iter()
            .filter_map(|image| image.parse::<PinnedImage>().ok());
        Ok(all
            .filter(|image| image.repository == *repository)
            .collect())
    }
    async fn pull(
        &self,
        image: &PinnedImage,
        _: Option<&RegistryLogin>,
        _: &mut dyn FnMut(PullProgress),
    ) -> HostResult<()> {
        self.change("pull", |world| {
            world.images.insert(image.to_string());
        })
        .await
    }
    async fn remove_image(&self, image: &PinnedImage) -> HostResult<()> {
        self.change("remove_image", |world| {
            world.images.remove(&image.to_string());
        })
        .await
    }
}

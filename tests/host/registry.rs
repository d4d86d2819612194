//! Images between a real registry and a real engine.

use base64::Engine as _;
use pct_deploy::host::error::Trouble;
use pct_deploy::host::facts::PullProgress;
use pct_deploy::host::linux::LinuxHost;
use pct_deploy::host::{Containers as _, HostResult, Images as _};
use pct_deploy::protocol::ids::PinnedImage;
use pct_deploy::protocol::wire::RegistryLogin;
use pct_deploy::secret::Secret;

use super::sandbox::{run, setting, try_run};

const CONTAINER: &str = "pct-host-test-images";

/// Pushes a new image of 3 MiB, and leaves nothing of it in the engine.
fn push(repository: &str) -> PinnedImage {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("client");
    let config = config.to_str().unwrap();
    let mut noise = vec![0; 3 * 1024 * 1024];
    getrandom::fill(&mut noise).unwrap();
    std::fs::write(folder.path().join("noise"), noise).unwrap();
    std::fs::write(
        folder.path().join("Dockerfile"),
        "FROM scratch\nCOPY noise /\n",
    )
    .unwrap();
    let tag = format!("{repository}:test");
    run(
        "docker",
        &["build", "-q", "-t", &tag, folder.path().to_str().unwrap()],
    );
    let (user, password) = (
        setting("SANDBOX_REGISTRY_USER"),
        setting("SANDBOX_REGISTRY_PASSWORD"),
    );
    let auth = base64::prelude::BASE64_STANDARD.encode(format!("{user}:{password}"));
    let registry = setting("SANDBOX_REGISTRY");
    let auths = serde_json::json!({ "auths": { registry: { "auth": auth } } });
    std::fs::create_dir_all(config).unwrap();
    std::fs::write(format!("{config}/config.json"), auths.to_string()).unwrap();
    run("docker", &["--config", config, "push", "-q", &tag]);
    let digests = run(
        "docker",
        &[
            "image",
            "inspect",
            "-f",
            "{{join .RepoDigests \" \"}}",
            &tag,
        ],
    );
    let pinned = digests
        .split(' ')
        .find(|digest| digest.starts_with(repository))
        .unwrap();
    run(
        "docker",
        &[
            "image",
            "rm",
            "-f",
            &run("docker", &["image", "inspect", "-f", "{{.Id}}", &tag]),
        ],
    );
    pinned.parse().unwrap()
}

fn login(password: &str) -> RegistryLogin {
    RegistryLogin {
        username: setting("SANDBOX_REGISTRY_USER"),
        password: Secret::new(password),
    }
}

async fn trouble_of_pull(
    host: &LinuxHost,
    image: &PinnedImage,
    login: Option<&RegistryLogin>,
) -> Option<Trouble> {
    let result: HostResult<()> = host.pull(image, login, &mut |_| {}).await;
    result.err().map(|error| error.trouble)
}

#[tokio::test]
async fn an_image_comes_by_digest_and_goes_when_nothing_uses_it() {
    try_run("docker", &["rm", "-f", CONTAINER]);
    let repository = format!("{}/pct/host-test", setting("SANDBOX_REGISTRY"));
    let image = push(&repository);
    let host = LinuxHost::new().unwrap();
    let right = login(&setting("SANDBOX_REGISTRY_PASSWORD"));

    assert_eq!(host.image(&image).await.unwrap(), None);
    assert_eq!(
        trouble_of_pull(&host, &image, None).await,
        Some(Trouble::Unauthorized)
    );
    // `?` and `~` are what plain base64 writes as `/` and `+`.
    let wrong = login("wrong?>~?>~?>~");
    assert_eq!(
        trouble_of_pull(&host, &image, Some(&wrong)).await,
        Some(Trouble::Unauthorized)
    );
    let unknown = PinnedImage {
        digest: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
        ..image.clone()
    };
    assert_eq!(
        trouble_of_pull(&host, &unknown, Some(&right)).await,
        Some(Trouble::Missing)
    );
    let nowhere = PinnedImage {
        repository: "localhost:9/pct/x".parse().unwrap(),
        ..image.clone()
    };
    assert_eq!(
        trouble_of_pull(&host, &nowhere, None).await,
        Some(Trouble::Unavailable)
    );

    let mut seen: Vec<PullProgress> = Vec::new();
    host.pull(&image, Some(&right), &mut |progress| seen.push(progress))
        .await
        .unwrap();
    let last = seen.last().unwrap();
    assert!(
        last.done == last.total && last.total > 3 * 1024 * 1024,
        "{seen:?}"
    );
    let facts = host.image(&image).await.unwrap().unwrap();
    let platform = host.docker().await.unwrap().platform;
    assert_eq!(facts.platform, Some(platform));
    assert!(facts.size >= 3 * 1024 * 1024);
    assert!(
        host.images_of(&image.repository)
            .await
            .unwrap()
            .contains(&image)
    );

    // In use, and with a tag beside the digest: the engine itself would drop the digest.
    let tag = format!("{repository}:kept");
    run("docker", &["tag", &image.to_string(), &tag]);
    run(
        "docker",
        &["create", "--name", CONTAINER, &image.to_string(), "/none"],
    );
    host.remove_image(&image).await.unwrap();
    assert!(host.image(&image).await.unwrap().is_some());
    run("docker", &["rm", CONTAINER]);
    run("docker", &["image", "rm", &tag]);
    host.remove_image(&image).await.unwrap();
    assert_eq!(host.image(&image).await.unwrap(), None);
    assert!(
        !host
            .images_of(&image.repository)
            .await
            .unwrap()
            .contains(&image)
    );
    host.remove_image(&image).await.unwrap();
}

//! What a deploy needs on this side: settings, Docker, registry, and the workflow.

use super::{tell, telling, workflow};
use crate::config::parse::Readable;
use crate::config::types::{BuildConfig, ImageSource};
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::runner::image;
use crate::runner::run::Invocation;

pub(super) async fn look(by: &Invocation, readable: &Readable) -> Examination {
    let mut seen = Examination::default();
    let notes = |problems: &[crate::config::problems::Problem]| {
        let notes = problems.iter();
        let notes = notes.map(|problem| [problem.what.clone(), problem.cure.clone()]);
        notes.collect::<Vec<_>>()
    };
    seen.note(DoctorCheck::SettingWrong, notes(readable.problems.list()));
    seen.note(DoctorCheck::SettingOdd, notes(&by.settings.warnings));
    let image = readable.image.as_ref();
    if let Some(ImageSource::Build(build)) = image.map(|image| &image.source) {
        tell(
            &mut seen,
            DoctorCheck::BuildFilesMissing,
            image::check_files(build),
        );
        builder(by, build, readable, &mut seen).await;
    }
    workflow::look(&mut seen);
    telling::look(by, readable, &mut seen).await;
    seen
}

/// The daemon that builds and pushes.
async fn builder(
    by: &Invocation,
    build: &BuildConfig,
    readable: &Readable,
    seen: &mut Examination,
) {
    let docker = image::connect(by.docker_host.as_deref()).await;
    let Some(docker) = tell(seen, DoctorCheck::DockerSocket, docker) else {
        return;
    };
    let loses = image::loses_context(&docker).await;
    seen.note(DoctorCheck::BuilderLosesContext, loses);
    let login = readable
        .logins
        .as_ref()
        .and_then(|logins| logins.image.as_ref());
    let missing = login.is_none().then(|| {
        [
            format!("there is no login for the registry of `{}`: the push works only where everybody may", build.repository),
            "give `registry-username` and `registry-password`, or a line in `registries`".to_owned(),
        ]
    });
    seen.note(DoctorCheck::RegistryLoginMissing, missing);
    if let Some(login) = login {
        let tried = image::try_login(&docker, &build.repository, login).await;
        tell(seen, DoctorCheck::RegistryLoginRefused, tried);
    }
}

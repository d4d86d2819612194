//! The repository that a run belongs to.

use super::context::RunContext;
use crate::clients::github::Github;
use crate::config::types::GithubConfig;
use crate::error::Result;

impl Github {
    /// `None` when the run belongs to no repository. Call it inside a runtime.
    pub fn new(config: &GithubConfig, context: &RunContext) -> Result<Option<Self>> {
        let api = context.api_url.as_deref();
        let open = |repository: &String| Self::of(repository, &config.token, api);
        context.repository.as_ref().map(open).transpose()
    }
}

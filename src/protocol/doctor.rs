//! What `doctor` looks at and what it finds. `docs/doctor.md` has a table of it.

use serde::{Deserialize, Serialize};

/// Where something is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckedEnd {
    /// Where `doctor` was typed, with what a deploy from there needs.
    Runner,
    Server,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Fine as it is, and could be better.
    Note,
    /// Deploys work, and one day something will not.
    Warning,
    /// A deploy would be refused, or users are not served.
    Problem,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

macro_rules! checks {
    ($($name:ident = $id:literal, $end:ident, $severity:ident, $fine:literal;)*) => {
        /// Something that `doctor` looks at, called after the fault that it finds. Names are stable; new ones may be added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum DoctorCheck { $(#[serde(rename = $id)] $name,)* }

        impl DoctorCheck {
            /// Every check, in the order of the answer.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            pub fn end(self) -> CheckedEnd {
                match self { $(Self::$name => CheckedEnd::$end,)* }
            }

            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// How it is when nothing is wrong.
            pub fn fine(self) -> &'static str {
                match self { $(Self::$name => $fine,)* }
            }
        }
    };
}

checks! {
    SettingWrong = "setting-wrong", Runner, Problem, "every setting can be read";
    SettingOdd = "setting-odd", Runner, Warning, "no input or variable has a name that means nothing";
    DockerSocket = "docker-socket", Runner, Problem, "the Docker daemon that builds answers";
    BuilderLosesContext = "builder-loses-context", Runner, Warning, "BuildKit finds the build context that it is sent";
    BuildFilesMissing = "build-files-missing", Runner, Problem, "the build context and its Dockerfile can be read";
    RegistryLoginMissing = "registry-login-missing", Runner, Note, "there is a login for the image's registry";
    RegistryLoginRefused = "registry-login-refused", Runner, Problem, "the registry takes the login";
    WebhookUnreachable = "webhook-unreachable", Runner, Warning, "the webhook's server can be connected to; nothing is posted";
    GithubTokenRefused = "github-token-refused", Runner, Problem, "GitHub takes the token for this repository";
    LabelMissing = "label-missing", Runner, Warning, "the repository has the label";
    WorkflowNeverStarts = "workflow-never-starts", Runner, Problem, "the workflow starts when a label is set, or by hand";
    WorkflowLacksPermission = "workflow-lacks-permission", Runner, Warning, "the workflow's token has the permissions that reports and gate need";
    WorkflowLacksCheckout = "workflow-lacks-checkout", Runner, Problem, "the workflow checks the repository out before it deploys";
    ServerUnreachable = "server-unreachable", Runner, Problem, "the server answers";
    HostKeyMismatch = "host-key-mismatch", Runner, Problem, "the server's host key is the one that is expected";
    SshRefused = "ssh-refused", Runner, Problem, "the server takes the SSH user and key";
    AgentRefused = "agent-refused", Runner, Problem, "the agent runs on the server";
    ClockSkew = "clock-skew", Runner, Warning, "both clocks agree";

    DockerUnusable = "docker-unusable", Server, Problem, "Docker answers the SSH user";
    PlatformDiffers = "platform-differs", Server, Problem, "the image is built for the server's processor";
    DockerIsSnap = "docker-is-snap", Server, Problem, "Docker is not a snap";
    DockerEndsContainers = "docker-ends-containers", Server, Warning, "containers outlive the Docker daemon";
    KernelSilent = "kernel-silent", Server, Warning, "the kernel tells of requests without an answer";
    DiskFull = "disk-full", Server, Problem, "there is room for a pull and for our state";
    DiskLow = "disk-low", Server, Warning, "there is room for one more image like the live one";
    InodesLow = "inodes-low", Server, Warning, "there are inodes left";
    MemoryShort = "memory-short", Server, Warning, "memory and swap hold a second slot";
    NoSwap = "no-swap", Server, Note, "a small server has swap";
    SudoRefused = "sudo-refused", Server, Problem, "sudo allows what a deploy needs root for";
    ProjectUnusable = "project-unusable", Server, Problem, "compose reads the project, and both slots are in it";
    VariableUnset = "variable-unset", Server, Problem, "every variable of the compose file is set";
    SlotHasNoLimit = "slot-has-no-limit", Server, Warning, "both slots have a memory limit";
    SlotStaysDown = "slot-stays-down", Server, Warning, "both slots have a restart policy";
    SlotIsPublic = "slot-is-public", Server, Note, "the slots' ports are open to this machine alone";
    SlotsDiffer = "slots-differ", Server, Note, "both slots say the same but for ports and names";
    NoHealthPath = "no-health-path", Server, Note, "a health check is named";
    NginxMissing = "nginx-missing", Server, Problem, "nginx is installed on the server, or runs in a container";
    NginxRefuses = "nginx-refuses", Server, Problem, "nginx accepts its configuration";
    NginxDown = "nginx-down", Server, Problem, "nginx runs";
    IncludeMissing = "include-missing", Server, Problem, "the include can be read";
    FileCache = "file-cache", Server, Problem, "no file cache hides the slot flag from nginx";
    IncludeMisplaced = "include-misplaced", Server, Problem, "the include stands where nginx can look at the flag";
    IncludeUnusable = "include-unusable", Server, Problem, "the include names the slots";
    NoServerBlock = "no-server-block", Server, Problem, "a server block obeys the include";
    IncludeNotLoaded = "include-not-loaded", Server, Problem, "nginx has loaded the include as it is on disk";
    SwitchLosesRequests = "switch-loses-requests", Server, Note, "traffic is switched without a reload";
    NginxFilesEarlier = "nginx-files-earlier", Server, Warning, "nginx's files are those of this version";
    LocationUnmeasured = "location-unmeasured", Server, Warning, "no access log hides requests from the watch";
    SlotsUnclear = "slots-unclear", Server, Problem, "the slots' containers and project can be told";
    OtherProject = "other-project", Server, Warning, "the slots are in the compose project of the folder";
    NetworkMissing = "network-missing", Server, Problem, "every external network is there";
    NetworkLacking = "network-lacking", Server, Warning, "the next slot joins the networks of the live one";
    PortTaken = "port-taken", Server, Problem, "the next slot's port is free";
    LiveSlotDown = "live-slot-down", Server, Problem, "the slot that nginx names runs";
    LiveSlotUnhealthy = "live-slot-unhealthy", Server, Problem, "the live slot is healthy";
    LiveSlotRestarts = "live-slot-restarts", Server, Warning, "Docker has not had to restart the live slot again and again";
    BothSlotsRun = "both-slots-run", Server, Warning, "one slot runs";
    DependencyDown = "dependency-down", Server, Warning, "what the slots depend on runs";
    AppOfAnother = "app-of-another", Server, Problem, "the app is this project's on the server";
    DeployCutShort = "deploy-cut-short", Server, Warning, "no deploy was left open";
    RecordUnreadable = "record-unreadable", Server, Warning, "the records of earlier deploys can be read";
    LiveNotRecorded = "live-not-recorded", Server, Warning, "what is live is what was deployed last";
    ImagesToPrune = "images-to-prune", Server, Note, "no images of releases that are not kept";
    NotKeptWell = "not-kept-well", Server, Warning, "systemd recovers deploys at boot and restarts nginx";
}

/// Something that is not as it should be: what, and what to do about it, a sentence each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorFinding {
    pub check: DoctorCheck,
    pub what: String,
    pub fix: String,
}

/// What a look at one end, or at both, brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    pub findings: Vec<DoctorFinding>,
    /// What was looked at and is fine.
    pub passed: Vec<DoctorCheck>,
    /// What there is, by name, such as the version of nginx.
    pub facts: Vec<[String; 2]>,
}

impl Examination {
    /// Notes what a check found: nothing means that it passed.
    pub fn note(&mut self, check: DoctorCheck, found: impl IntoIterator<Item = [String; 2]>) {
        let before = self.findings.len();
        let found = found
            .into_iter()
            .map(|[what, fix]| DoctorFinding { check, what, fix });
        self.findings.extend(found);
        if self.findings.len() == before && !self.passed.contains(&check) {
            self.passed.push(check);
        }
    }

    /// Notes something that there is.
    pub fn fact(&mut self, name: &str, text: impl Into<String>) {
        self.facts.push([name.to_owned(), text.into()]);
    }

    /// Takes in what another look brought, in the order of the checks.
    pub fn join(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.passed.extend(other.passed);
        self.facts.extend(other.facts);
        self.findings.sort_by_key(|finding| finding.check);
        self.passed.sort_unstable();
    }

    /// The worst of it; `None` when nothing was found.
    pub fn worst(&self) -> Option<Severity> {
        let all = self.findings.iter();
        all.map(|finding| finding.check.severity()).max()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_check_has_one_name_everywhere() {
        let ids: BTreeSet<&str> = DoctorCheck::ALL.iter().map(|check| check.id()).collect();
        assert_eq!(ids.len(), DoctorCheck::ALL.len());
        for check in DoctorCheck::ALL {
            let text = serde_json::to_string(check).unwrap();
            assert_eq!(text, format!("\"{}\"", check.id()));
        }
    }

    #[test]
    fn the_worst_finding_counts() {
        let mut seen = Examination::default();
        seen.note(DoctorCheck::NoSwap, []);
        assert_eq!((seen.worst(), seen.passed.len()), (None, 1));
        let what = || ["it is".to_owned(), "do".to_owned()];
        seen.note(DoctorCheck::DiskFull, [what()]);
        seen.note(DoctorCheck::NoSwap, [what()]);
        assert_eq!(seen.worst(), Some(Severity::Problem));
        let mut first = Examination::default();
        first.note(DoctorCheck::NotKeptWell, [what()]);
        first.join(seen);
        assert_eq!(first.findings[0].check, DoctorCheck::DiskFull);
    }
}

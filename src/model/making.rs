//! How a version came to be, as far as ESA tells it again.

use super::routine::Environment;

/// How far the upload of a version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionStatus {
    /// Its code and assets are still to come.
    Init,
    /// It can be deployed.
    Available,
    /// What came was none of it; something better may still come.
    Failed,
}

impl VersionStatus {
    pub const ALL: [Self; 3] = [Self::Init, Self::Available, Self::Failed];

    pub fn new(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Available => "available",
            Self::Failed => "failed",
        }
    }
}

/// What was said of a version when it was made. Nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Making {
    /// JSON text of the client's; empty when it sent none.
    pub extra_info: String,
    /// The build that it came from; 0 is none.
    pub build_id: u64,
    /// Whose variables it was made with.
    pub deploy_env: Option<Environment>,
    /// Whether there were any.
    pub has_variables: bool,
    /// What becomes of paths that no asset answers, in ESA's words; empty is ESA's
    /// default.
    pub not_found_strategy: String,
    pub assets: Assets,
}

/// How many assets a version has, and how large they are in all. That is all that is
/// kept of them: a version answers at its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Assets {
    pub files: u32,
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_is_written() {
        for status in VersionStatus::ALL {
            assert_eq!(VersionStatus::new(status.as_str()), Some(status));
        }
        assert_eq!(VersionStatus::new("Available"), None);
    }
}

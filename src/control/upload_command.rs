//! Versions whose code and assets come in an upload of their own.

use std::sync::Arc;

use crate::model::{Assets, CodeVersion, Making, RoutineName};

/// What is asked about such a version.
#[derive(Debug, Clone)]
pub enum UploadCommand {
    /// Mints a version that waits for its upload. Whether there are variables is found
    /// out here, by the environment that `making` names.
    Begin { name: RoutineName, description: String, making: Making },
    /// The upload is there: from now on the version can be deployed. `None` has no code.
    Complete {
        name: RoutineName,
        code_version: CodeVersion,
        code: Option<Arc<[u8]>>,
        assets: Assets,
    },
    /// What was uploaded is none. Another upload may follow.
    Fail { name: RoutineName, code_version: CodeVersion },
}

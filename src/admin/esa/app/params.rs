//! Parameters of apps: each has a code of its own when it is missing or malformed.

use std::sync::Arc;

use crate::admin::esa::action::Call;
use crate::admin::esa::error::{Code, EsaError};
use crate::admin::esa::params::Params;
use crate::control::{AppRefused, Refused};
use crate::model::{
    AppId, AppName, EdgeContainerApp, Environment, Percent, RegionName, Timestamp, VersionId,
};

/// The pages' limit.
const REMARKS_MAX_CHARS: usize = 1_024;
/// Regions of one release.
const REGIONS_MAX: usize = 256;

impl Params {
    pub(super) fn app_id(&self) -> Result<AppId, EsaError> {
        let text = self.text("AppId")?.unwrap_or_default();
        AppId::new(&text).map_err(|error| EsaError::new(Code::InvalidAppId, error))
    }

    pub(super) fn version_id(&self) -> Result<VersionId, EsaError> {
        let text = self.text("VersionId")?.unwrap_or_default();
        VersionId::new(&text).map_err(|error| EsaError::new(Code::InvalidVersionId, error))
    }

    pub(super) fn app_name(&self) -> Result<AppName, EsaError> {
        AppName::new(&self.needed("Name")?).map_err(EsaError::invalid)
    }

    /// `prod` and `staging`: routines spell the first one out.
    pub(super) fn publish_env(&self) -> Result<Option<Environment>, EsaError> {
        match self.text("PublishEnv")?.as_deref() {
            None => Ok(None),
            Some("prod") => Ok(Some(Environment::Production)),
            Some("staging") => Ok(Some(Environment::Staging)),
            Some(other) => {
                let reason = format!("PublishEnv must be `prod` or `staging`, not `{other}`");
                Err(EsaError::new(Code::InvalidPublishEnv, reason))
            }
        }
    }

    pub(super) fn percentage(&self) -> Result<Option<Percent>, EsaError> {
        let Some(text) = self.text("Percentage")? else {
            return Ok(None);
        };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let percent = text.parse().ok().filter(|_| digits).and_then(Percent::new);
        let wrong = || {
            let reason = format!("Percentage must be an integer of 1 to 100, not `{text}`");
            EsaError::new(Code::InvalidPercentage, reason)
        };
        percent.map(Some).ok_or_else(wrong)
    }

    pub(super) fn remarks(&self) -> Result<String, EsaError> {
        let remarks = self.text("Remarks")?.unwrap_or_default();
        if remarks.chars().count() > REMARKS_MAX_CHARS {
            let reason = format!("Remarks has more than {REMARKS_MAX_CHARS} characters");
            return Err(EsaError::invalid(reason));
        }
        Ok(remarks)
    }

    /// At least one region; the list is the whole list and adds to none before it.
    pub(super) fn regions(&self) -> Result<Arc<[RegionName]>, EsaError> {
        let list: Vec<String> =
            serde_json::from_value(self.json_if_given("Regions")?.unwrap_or_default())
                .map_err(|error| EsaError::invalid(format!("Regions: {error}")))?;
        if !(1..=REGIONS_MAX).contains(&list.len()) {
            return Err(EsaError::invalid(format!("Regions must name 1 to {REGIONS_MAX} regions")));
        }
        let regions = list.iter().map(|name| RegionName::new(name));
        regions.collect::<Result<_, _>>().map_err(EsaError::invalid)
    }

    pub(super) fn start_time(&self) -> Result<Option<Timestamp>, EsaError> {
        let Some(text) = self.text("StartTime")? else {
            return Ok(None);
        };
        let moment = text.parse::<jiff::Timestamp>().ok().filter(|_| text.ends_with('Z'));
        let nanos = moment.and_then(|moment| i64::try_from(moment.as_nanosecond()).ok());
        let wrong = || {
            let reason = format!("StartTime must be `YYYY-MM-DDThh:mm:ssZ`, not `{text}`");
            EsaError::invalid(reason)
        };
        nanos.map(|nanos| Some(Timestamp(nanos))).ok_or_else(wrong)
    }

    pub(super) fn needed(&self, name: &str) -> Result<String, EsaError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }
}

pub(super) fn missing(name: &str) -> EsaError {
    EsaError::invalid(format!("{name} is missing"))
}

impl Call<'_> {
    /// The app as everything that was answered before has left it.
    pub(super) async fn app(&self) -> Result<Arc<EdgeContainerApp>, EsaError> {
        let id = self.params.app_id()?;
        let catalog = self.admin.control.catalog().await?;
        let found = catalog.app(&id).cloned();
        found.ok_or_else(|| super::failed(Refused::from(AppRefused::NoApp(id)).into()))
    }
}

//! What stands in a row, and the values it means. The disk has shapes of its own.

use std::fmt::Display;
use std::sync::Arc;

use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::model::{
    Assets, CodeVersion, Deployment, DeploymentId, Environment, Making, Origin, Percent, Publish,
    Reach, RegionName, Route, Shares, SiteId, Sticky, Timestamp, VersionId, VersionStatus,
};

/// A row that is being read. Whatever is wrong with it is reported with its table
/// and its key, which stands in its first columns.
pub(super) struct Cells<'a> {
    pub(super) row: &'a Row<'a>,
    pub(super) table: &'static str,
    pub(super) key_columns: usize,
}

impl Cells<'_> {
    pub(super) fn get<T: FromSql>(&self, column: usize) -> Result<T, StoreError> {
        self.row.get(column).map_err(|error| self.corrupt(&error))
    }

    pub(super) fn parse<T, E: Display>(
        &self,
        column: usize,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(text).map_err(|why| self.corrupt(&why))
    }

    pub(super) fn parse_optional<T, E: Display>(
        &self,
        column: usize,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        match self.row.get_ref(column)? {
            ValueRef::Null => Ok(None),
            _ => self.parse(column, parse).map(Some),
        }
    }

    pub(super) fn text(&self, column: usize) -> Result<&str, StoreError> {
        let text = self.row.get_ref(column)?.as_str();
        text.map_err(|error| self.corrupt(&error))
    }

    pub(super) fn site(&self, column: usize) -> Result<SiteId, StoreError> {
        let number: i64 = self.get(column)?;
        SiteId::new(number).ok_or_else(|| self.corrupt(&format!("{number} is no site")))
    }

    pub(super) fn corrupt(&self, why: &dyn Display) -> StoreError {
        let key: Vec<_> = (0..self.key_columns)
            .map(|column| match self.row.get_ref(column) {
                Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
                Ok(ValueRef::Integer(number)) => number.to_string(),
                Ok(_) | Err(_) => "?".to_owned(),
            })
            .collect();
        StoreError::Corrupt { table: self.table, row: key.join(" "), why: why.to_string() }
    }

    /// Columns `id, shares, created`, from `column` on.
    pub(super) fn deployment(&self, column: usize) -> Result<Deployment, StoreError> {
        let id: i64 = self.get(column)?;
        let id = u64::try_from(id).map_err(|error| self.corrupt(&error))?;
        Ok(Deployment {
            id: DeploymentId(id),
            shares: self.parse(column + 1, shares)?,
            created: Timestamp(self.get(column + 2)?),
        })
    }

    /// Columns `extra_info, build_id, deploy_env, has_variables, not_found_strategy,
    /// asset_files, asset_bytes`, from `column` on.
    pub(super) fn making(&self, column: usize) -> Result<Making, StoreError> {
        let (build_id, bytes): (i64, i64) = (self.get(column + 1)?, self.get(column + 6)?);
        let unsigned = |number| u64::try_from(number).map_err(|error| self.corrupt(&error));
        Ok(Making {
            extra_info: self.get(column)?,
            build_id: unsigned(build_id)?,
            deploy_env: self.parse_optional(column + 2, environment)?,
            has_variables: self.get(column + 3)?,
            not_found_strategy: self.get(column + 4)?,
            assets: Assets { files: self.get(column + 5)?, bytes: unsigned(bytes)? },
        })
    }

    /// Columns `id, version, reach, rest, baseline, rollback, remarks, created`, from
    /// `column` on.
    pub(super) fn publish(&self, column: usize) -> Result<Publish, StoreError> {
        let id: i64 = self.get(column)?;
        let id = u64::try_from(id).map_err(|error| self.corrupt(&error))?;
        Ok(Publish {
            id: DeploymentId(id),
            version: self.parse(column + 1, VersionId::new)?,
            reach: self.parse(column + 2, reach)?,
            rest: self.parse_optional(column + 3, VersionId::new)?,
            baseline: self.parse_optional(column + 4, VersionId::new)?,
            rollback: self.get(column + 5)?,
            remarks: self.get(column + 6)?,
            created: Timestamp(self.get(column + 7)?),
        })
    }
}

pub(super) fn environment(text: &str) -> Result<Environment, String> {
    Environment::new(text).ok_or_else(|| format!("there is no environment `{text}`"))
}

pub(super) fn version_status(text: &str) -> Result<VersionStatus, String> {
    VersionStatus::new(text).ok_or_else(|| format!("there is no status `{text}`"))
}

pub(super) fn origin(text: &str) -> Result<Origin, String> {
    Origin::new(text).ok_or_else(|| format!("there is no origin `{text}`"))
}

/// One of a deployment's versions.
#[derive(Serialize, Deserialize)]
struct ShareRow {
    code_version: String,
    percentage: u64,
}

pub(super) fn shares(text: &str) -> Result<Shares, String> {
    let rows: Vec<ShareRow> = parsed(text)?;
    let share = |row: ShareRow| {
        let version = CodeVersion::new(&row.code_version).map_err(|error| error.to_string())?;
        let percent = Percent::new(row.percentage);
        let percent = percent.ok_or_else(|| format!("{} is no percentage", row.percentage))?;
        Ok((version, percent))
    };
    let shares = rows.into_iter().map(share).collect::<Result<_, String>>()?;
    Shares::new(shares).map_err(|error| error.to_string())
}

pub(super) fn text_of_shares(shares: &Shares) -> String {
    let rows = shares.iter().map(|(version, percent)| ShareRow {
        code_version: version.to_string(),
        percentage: percent.get().into(),
    });
    printed(&rows.collect::<Vec<_>>())
}

/// How far a publish goes. Regions without a percentage; `full_release` with them.
#[derive(Serialize, Deserialize)]
struct ReachRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    percentage: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regions: Option<Vec<String>>,
    #[serde(default)]
    full_release: bool,
}

pub(super) fn reach(text: &str) -> Result<Reach, String> {
    let row: ReachRow = parsed(text)?;
    let regions = |names: Vec<String>| {
        let names = names.iter().map(|name| RegionName::new(name));
        names.collect::<Result<Arc<[_]>, _>>().map_err(|error| error.to_string())
    };
    match (row.percentage.map(Percent::new), row.regions, row.full_release) {
        (Some(Some(percent)), None, false) => Ok(Reach::Percent(percent)),
        (None, Some(names), false) => regions(names).map(Reach::Regions),
        (None, Some(names), true) => regions(names).map(Reach::FullRelease),
        _ => Err("it is neither a percentage nor a list of regions".to_owned()),
    }
}

pub(super) fn text_of_reach(reach: &Reach) -> String {
    let names = |names: &[RegionName]| Some(names.iter().map(ToString::to_string).collect());
    let (percentage, regions, full_release) = match reach {
        Reach::Percent(percent) => (Some(percent.get().into()), None, false),
        Reach::Regions(regions) => (None, names(regions), false),
        Reach::FullRelease(regions) => (None, names(regions), true),
    };
    printed(&ReachRow { percentage, regions, full_release })
}

pub(super) fn routes(text: &str) -> Result<Vec<Route>, String> {
    let texts: Vec<String> = parsed(text)?;
    let routes = texts.iter().map(|text| Route::new(text));
    routes.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

pub(super) fn text_of_routes(routes: &[Route]) -> String {
    printed(&routes.iter().map(Route::to_string).collect::<Vec<_>>())
}

pub(super) fn sticky(text: &str) -> Result<Sticky, String> {
    let texts: Vec<String> = parsed(text)?;
    Sticky::parse(texts.iter().map(String::as_str)).map_err(|error| error.to_string())
}

pub(super) fn text_of_sticky(sticky: &Sticky) -> String {
    let sources = sticky.sources().iter();
    printed(&sources.map(ToString::to_string).collect::<Vec<_>>())
}

fn parsed<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn printed(rows: &impl Serialize) -> String {
    serde_json::to_string(rows).expect("lists of texts and numbers print as JSON")
}

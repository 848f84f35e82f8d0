//! Actions about routines as such.

use std::sync::Arc;

use super::action::Call;
use super::error::{Code, EsaError};
use super::wire::{Fields, RoutineInfo, RoutineLine, RoutineList, Status, fields};
use crate::control::{Command, Refused};
use crate::model::{QUOTA_MAX, Routine, RoutineName};

/// What is said where no quota applies.
pub(super) const NO_QUOTA: u32 = QUOTA_MAX;

pub(super) async fn create(call: &Call<'_>) -> Result<Fields, EsaError> {
    let command = Command::CreateRoutine {
        name: call.params.routine_name("Name")?,
        description: call.params.text("Description")?.unwrap_or_default(),
        has_assets: call.params.boolean("HasAssets")?.unwrap_or(false),
    };
    call.admin.control.execute(command).await?;
    Ok(fields(&Status::OK))
}

pub(super) async fn get(call: &Call<'_>) -> Result<Fields, EsaError> {
    let routine = call.routine(&call.params.routine_name("Name")?).await?;
    Ok(fields(&RoutineInfo::new(&routine, &call.admin.account)))
}

/// Without a Description it takes the old one away: an empty value is an absent one.
pub(super) async fn describe(call: &Call<'_>) -> Result<Fields, EsaError> {
    let command = Command::ReviseRoutine {
        name: call.params.routine_name("Name")?,
        description: Some(call.params.text("Description")?.unwrap_or_default()),
        sticky: None,
        cohort: None,
    };
    call.admin.control.execute(command).await?;
    Ok(fields(&Status::OK))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let command = Command::DeleteRoutine { name };
    call.admin.control.execute(command).await?;
    Ok(fields(&Status::OK))
}

pub(super) async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let paging = call.params.paging()?;
    let sought = call.params.text("SearchKeyWord")?.unwrap_or_default();
    let catalog = call.admin.control.catalog().await?;
    let found = || {
        let routines = catalog.routines.values();
        routines.filter(|routine| routine.name.as_str().contains(&sought))
    };
    Ok(fields(&RoutineList {
        routines: paging.of(found().map(|routine| RoutineLine::new(routine, &call.admin.account))),
        page_number: paging.number,
        page_size: paging.size,
        total_count: found().count(),
        quota_routine_number: catalog.quotas.routines.unwrap_or(NO_QUOTA),
        used_routine_number: catalog.routines.len(),
    }))
}

impl Call<'_> {
    /// The routine as everything that was answered before has left it.
    pub(super) async fn routine(&self, name: &RoutineName) -> Result<Arc<Routine>, EsaError> {
        let catalog = self.admin.control.catalog().await?;
        let routine = catalog.routine(name).cloned();
        routine
            .ok_or_else(|| EsaError::new(Code::RoutineNotExist, Refused::NoRoutine(name.clone())))
    }
}

mod allocations;
mod fixtures;
mod routing;
mod table_changes;

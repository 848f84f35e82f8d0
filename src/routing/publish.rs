//! The one swap between the planes. A second `ArcSwap` is a bug report.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::table::RoutingTable;

/// Replaces the routing table. The control plane owns the only one.
pub struct TableWriter(Arc<ArcSwap<RoutingTable>>);

/// Reads the routing table. Every worker has one.
#[derive(Clone)]
pub struct TableReader(Arc<ArcSwap<RoutingTable>>);

/// Publishes `table`: who may replace it, and who may look.
pub fn published(table: RoutingTable) -> (TableWriter, TableReader) {
    let swap = Arc::new(ArcSwap::from_pointee(table));
    (TableWriter(swap.clone()), TableReader(swap))
}

impl TableWriter {
    /// Replaces the table by what `change` makes of it. Requests decide by the old
    /// table or by the new one, never by a mix.
    #[expect(clippy::disallowed_methods, reason = "the one writer starts from what it published")]
    pub fn publish(&mut self, change: impl FnOnce(&RoutingTable) -> RoutingTable) {
        let before = self.0.load();
        let mut next = change(&before);
        next.generation = before.generation() + 1;
        self.0.store(Arc::new(next));
    }
}

impl TableReader {
    /// Lets `decide` look at one consistent table.
    ///
    /// A closure and not a guard: it cannot be held across an `.await`, and one
    /// request cannot see two tables.
    #[expect(clippy::disallowed_methods, reason = "the one place that loads the table")]
    #[inline]
    pub fn read<T>(&self, decide: impl FnOnce(&RoutingTable) -> T) -> T {
        decide(&self.0.load())
    }
}

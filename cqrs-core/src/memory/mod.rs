//! Stores that live in the program's memory: for tests, and for trying things out.
//!
//! [`MemoryEventStore`] and [`MemoryViewStore`] keep every promise of [`EventStore`](crate::store::EventStore) and
//! [`ViewStore`](crate::store::ViewStore), but for the ones about surviving the program. Their handles are cheap to
//! clone; all clones of one are the same store.

mod coordination;
mod events;
mod ledger;
mod log;
mod order;
mod table;
mod views;

pub use events::MemoryEventStore;
pub use views::MemoryViewStore;

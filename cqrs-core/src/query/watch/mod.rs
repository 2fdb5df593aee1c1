//! Views that are watched: an answer now, and one at each later change.
//!
//! However many watch, one task for each projection of a read store looks for changes: when the projection has moved,
//! it loads all watched documents at once, and hands on those that changed. What is handed on is kept once for each key,
//! the newest alone, so a slow reader costs nothing and queues nothing.

mod live_view;
mod observer;
mod observers;
mod sighting;

pub use live_view::LiveView;
pub(crate) use observers::Observers;

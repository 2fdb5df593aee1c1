/// Why a store is not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No store has a name like this.
    #[error("{option} names no known store; use {forms}")]
    Unknown {
        /// The option.
        option: &'static str,
        /// What names look like.
        forms: String,
    },
    /// The file's path is missing.
    #[cfg(feature = "sqlite")]
    #[error("{option} names no file; write `sqlite:PATH`")]
    NoPath {
        /// The option.
        option: &'static str,
    },
    /// A store that keeps no events.
    #[cfg(any(feature = "mongodb", not(all(feature = "sqlite", feature = "postgres", feature = "mongodb"))))]
    #[error("{option} names {server}, which keeps views only; use {forms}")]
    ViewsOnly {
        /// The option.
        option: &'static str,
        /// The kind of server.
        server: &'static str,
        /// What names of stores that keep events look like.
        forms: String,
    },
    /// A store that this program was built without.
    #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mongodb")))]
    #[error(
        "{option} names {store}, which this program was built without; build it with the cargo feature `{feature}`: \
         `cargo run -p order-service --features {feature}`"
    )]
    NotBuiltIn {
        /// The option.
        option: &'static str,
        /// The kind of store.
        store: &'static str,
        /// What brings it.
        feature: &'static str,
    },
    /// The store in a file refuses.
    #[cfg(feature = "sqlite")]
    #[error("{path:?}, which {option} names, can't be opened")]
    File {
        /// The option.
        option: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: cqrs_core::store::Error,
    },
    /// The store on a server refuses, or is away.
    #[cfg(any(feature = "postgres", feature = "mongodb"))]
    #[error("the {server} store that {option} names can't be opened")]
    Server {
        /// The option.
        option: &'static str,
        /// The kind of server.
        server: &'static str,
        /// Why.
        source: cqrs_core::store::Error,
    },
}

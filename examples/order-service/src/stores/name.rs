/// How the stores of one kind are named.
#[derive(Debug)]
pub(crate) struct Name {
    /// The one that is meant where nothing else is said.
    pub(crate) default: &'static str,
    /// What such a name looks like.
    form: &'static str,
}

impl Name {
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres", feature = "mongodb")),
        expect(dead_code, reason = "a program may have stores in memory alone")
    )]
    pub(super) const fn new(form: &'static str, default: &'static str) -> Self {
        Self { default, form }
    }
}

const MEMORY: Name = Name { default: "memory:", form: "memory:" };

/// Stores of events; the first one is the default.
pub(crate) const EVENTS: &[Name] = &[
    #[cfg(all(feature = "sqlite", feature = "write-store"))]
    super::sqlite::EVENTS,
    #[cfg(all(feature = "postgres", feature = "write-store"))]
    super::postgres::EVENTS,
    MEMORY,
];

/// Stores of views; the first one is the default.
pub(crate) const VIEWS: &[Name] = &[
    #[cfg(all(feature = "sqlite", feature = "read-store"))]
    super::sqlite::VIEWS,
    #[cfg(all(feature = "postgres", feature = "read-store"))]
    super::postgres::VIEWS,
    #[cfg(all(feature = "mongodb", feature = "read-store"))]
    super::mongo::VIEWS,
    MEMORY,
];

/// For an option: what it is for, and what may be given to it.
pub(crate) fn help(what: &str, names: &[Name]) -> String {
    format!("{what}: {}", forms(names))
}

/// `` `a`, `b` or `c` ``
pub(super) fn forms(names: &[Name]) -> String {
    let mut forms: Vec<_> = names.iter().map(|name| format!("`{}`", name.form)).collect();
    let last = forms.pop().unwrap_or_default();
    if forms.is_empty() { last } else { format!("{} or {last}", forms.join(", ")) }
}

/// Whether a store is gone with the process, so that no other process can share it.
pub(crate) fn is_private(name: &str) -> bool {
    name == "memory:"
}

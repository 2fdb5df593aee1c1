use super::{Files, blank, service};
use super::{Roles, Source, Stores};
use crate::{Error, name::CrateName, template::text::Answers};

/// What was chosen for a new project.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: CrateName,
    pub(crate) stores: Stores,
    pub(crate) roles: Roles,
    pub(crate) source: Source,
    pub(crate) blank: bool,
}

impl Plan {
    /// All that the project is made of, as it is written down first: rustfmt and cargo have not seen it yet.
    pub(crate) fn files(&self) -> Result<Files, Error> {
        if self.blank { blank::files(self) } else { service::files(self) }
    }

    /// What templates may ask for.
    pub(crate) fn answers(&self) -> Answers {
        let Self { name, stores, roles, source, blank } = self;
        let checkout = source.path().map(|path| path.display().to_string()).unwrap_or_default();
        let git = if let Source::Git { url, .. } = source { url.as_str() } else { "" };
        let processes = *roles == Roles::Three;
        Answers::from([
            ("demo", false.into()),
            ("name", name.as_str().into()),
            ("ident", name.ident().into()),
            ("variable", name.variable().into()),
            ("title", name.title().into()),
            ("write", super::word(&stores.write).into()),
            ("read", super::word(&stores.read).into()),
            ("write_name", stores.write.name().into()),
            ("read_name", stores.read.name().into()),
            ("postgres", stores.postgres().into()),
            ("mongo", stores.mongo().into()),
            ("files", stores.files().into()),
            ("servers", stores.servers().join(" ").into()),
            ("processes", processes.into()),
            // As a link has it.
            ("guides", format!("{}/docs", checkout.replace(' ', "%20")).into()),
            ("checkout", checkout.into()),
            ("git", git.into()),
            ("table", if *blank { "[dependencies]" } else { "[workspace.dependencies]" }.into()),
            ("blank", (*blank).into()),
        ])
    }

    /// Whether anything runs in containers.
    pub(crate) fn composes(&self) -> bool {
        !self.blank && (self.roles == Roles::Three || !self.stores.servers().is_empty())
    }
}

use clap::ValueEnum;

/// Where a project's events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Write {
    /// a file; nothing to install
    Sqlite,
    #[value(help = "a PostgreSQL server")]
    Postgres,
}

/// Where a project's views are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Read {
    /// a file; nothing to install
    Sqlite,
    #[value(help = "a MongoDB server")]
    Mongo,
    #[value(help = "a PostgreSQL server")]
    Postgres,
}

/// Into how many processes a project is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Roles {
    /// one process does all
    One,
    /// one takes commands, one builds views, one answers queries
    Three,
}

/// Where a project keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stores {
    pub(crate) write: Write,
    pub(crate) read: Read,
}

impl Write {
    pub(crate) const ALL: &[Self] = &[Self::Sqlite, Self::Postgres];

    /// The demo's feature that brings it.
    pub(crate) const fn feature(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// As people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Read {
    pub(crate) const ALL: &[Self] = &[Self::Sqlite, Self::Mongo, Self::Postgres];

    /// The demo's feature that brings it.
    pub(crate) const fn feature(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Mongo => "mongodb",
            Self::Postgres => "postgres",
        }
    }

    /// As people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Mongo => "MongoDB",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Stores {
    pub(crate) fn postgres(self) -> bool {
        self.write == Write::Postgres || self.read == Read::Postgres
    }

    pub(crate) fn mongo(self) -> bool {
        self.read == Read::Mongo
    }

    /// Some are files of SQLite.
    pub(crate) fn files(self) -> bool {
        self.write == Write::Sqlite || self.read == Read::Sqlite
    }

    /// The servers, as compose.yaml calls them.
    pub(crate) fn servers(self) -> Vec<&'static str> {
        let servers = [(self.postgres(), "postgres"), (self.mongo(), "mongo")];
        servers.into_iter().filter_map(|(needed, name)| needed.then_some(name)).collect()
    }
}

/// As an option has it.
pub(crate) fn word(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

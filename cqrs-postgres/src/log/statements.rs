//! The statements, each in a file of its own.

use sqlx::SqlStr;

use crate::database::{Format, Schema};

pub(super) const FORMAT: Format = Format {
    kind: "events",
    holds: "a log of events",
    migrations: &[&[
        include_str!("sql/0001/refuse.sql"),
        include_str!("sql/0001/log.sql"),
        include_str!("sql/0001/events.sql"),
        include_str!("sql/0001/commands.sql"),
        include_str!("sql/0001/snapshots.sql"),
        include_str!("sql/0001/append.sql"),
        include_str!("sql/0001/append_one.sql"),
    ]],
};

macro_rules! statements {
    ($($name:ident)+) => {
        /// The statements for one schema.
        #[derive(Debug)]
        pub(super) struct Statements {
            $(pub(super) $name: SqlStr,)+
        }

        impl Statements {
            pub(super) fn new(schema: &Schema) -> Self {
                Self { $($name: schema.sql(include_str!(concat!("sql/", stringify!($name), ".sql"))),)+ }
            }
        }
    };
}

statements! {
    append
    append_one
    command
    drop_snapshots
    filtered_page
    head
    load
    load_with_commands
    log_id
    page
    recorded
    save_snapshot
    snapshot
    stream_after
    stream_before
}

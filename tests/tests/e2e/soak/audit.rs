//! Who wrote each checkpoint, as PostgreSQL's own trigger notes it, and what has to be true of it.

use std::time::Duration;

use crate::sql;

/// Notes each change of a checkpoint in the transaction that makes it, with the clock of the server, and so in the order in
/// which the changes of one row are made. `{key}` are the columns of the table's key.
const INSTALL: &str = "
    CREATE SCHEMA soak;
    CREATE TABLE soak.writes (
        nth bigserial PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        build text NOT NULL,
        position bigint NOT NULL,
        fence bigint NOT NULL,
        writer text NOT NULL DEFAULT current_setting('application_name')
    );
    CREATE TABLE soak.faults (at timestamptz NOT NULL DEFAULT clock_timestamp(), fault text NOT NULL);
    CREATE FUNCTION soak.note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO soak.writes (build, position, fence)
        VALUES (concat_ws(' ', {key}), coalesce(NEW.position, 0), NEW.fence);
        RETURN NULL;
    END
    $$;
    CREATE TRIGGER soak AFTER INSERT OR UPDATE ON cqrs_views.projections
        FOR EACH ROW EXECUTE FUNCTION soak.note();
";

const KEY: &str = "
    SELECT 'NEW.' || quote_ident(attname)
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = 'cqrs_views.projections'::regclass AND indisprimary
    ORDER BY attnum";

/// A checkpoint that a writer with a smaller fencing number changed after one with a greater one.
const STEPS_BACK: &str = "
    SELECT format('%s: %s wrote position %s with the fence %s after %s', build, writer, position, fence, newest)
    FROM (SELECT *, max(fence) OVER (PARTITION BY build ORDER BY nth) AS newest FROM soak.writes) AS writes
    WHERE fence < newest";

/// A checkpoint that went back.
const POSITIONS_BACK: &str = "
    SELECT format('%s: %s went back from %s to %s', build, writer, furthest, position)
    FROM (SELECT *, max(position) OVER (PARTITION BY build ORDER BY nth) AS furthest FROM soak.writes) AS writes
    WHERE position < furthest";

/// A fencing number that several processes wrote with.
const SHARED: &str = "
    SELECT format('%s: the fence %s is that of %s', build, fence, string_agg(DISTINCT writer, ' and '))
    FROM soak.writes
    GROUP BY build, fence
    HAVING count(DISTINCT writer) > 1";

/// A write that ended a breach of `{max_lag}` later than `{limit}` after the last fault before it. The lag before a write, and
/// after it, is the age of the oldest event that was not applied.
const LATE: &str = "
    WITH steps AS (
        SELECT *, lag(position) OVER (PARTITION BY build ORDER BY nth) AS before FROM soak.writes
    ), lags AS (
        SELECT steps.*, steps.at - waited.recorded_at AS lag, steps.at - waits.recorded_at AS left_over
        FROM steps
        JOIN cqrs.events AS waited ON waited.position = steps.before + 1
        LEFT JOIN cqrs.events AS waits ON waits.position = steps.position + 1
    ), ends AS (
        SELECT *, at - (SELECT max(faults.at) FROM soak.faults WHERE faults.at <= lags.at) AS since
        FROM lags
        WHERE lag > interval '{max_lag}' AND coalesce(left_over, interval '0') <= interval '{max_lag}'
    )
    SELECT format('%s: %s ended a lag of %s, %s after the last fault', build, writer, lag, coalesce(since::text, 'never'))
    FROM ends
    WHERE coalesce(since > interval '{limit}', true)";

/// Of one database that holds events and views.
#[derive(Debug)]
pub(super) struct Audit {
    url: String,
}

impl Audit {
    /// Notes all writes from now on. The tables of the views must be there.
    pub(super) fn install(url: &str) -> Self {
        let key: Vec<String> = sql::column(url, KEY).expect("the key of the checkpoints");
        assert!(key.len() >= 3, "a build has a name, a version and a generation: {key:?}");
        sql::execute(url, INSTALL.replace("{key}", &key.join(", "))).expect("a trigger is made");
        Self { url: url.to_owned() }
    }

    /// Notes what is done now.
    pub(super) fn note(&self, fault: &str) {
        sql::execute(&self.url, format!("INSERT INTO soak.faults (fault) VALUES ('{fault}')"))
            .expect("a note");
    }

    /// No two owners have written: the fencing numbers of each checkpoint never went back, and each of them is that of one
    /// process. Nor did a position go back.
    #[track_caller]
    pub(super) fn check_owners(&self) {
        for (rule, query) in [
            ("no owner writes after its successor", STEPS_BACK),
            ("a fencing number is that of one process", SHARED),
            ("a checkpoint does not go back", POSITIONS_BACK),
        ] {
            let broken: Vec<String> = self.column(query);
            assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
        }
    }

    /// A lag of more than `max_lag` was back under it within `limit` of the last fault.
    #[track_caller]
    pub(super) fn check_lag(&self, max_lag: Duration, limit: Duration) {
        let interval = |time: Duration| format!("{} milliseconds", time.as_millis());
        let query = LATE.replace("{max_lag}", &interval(max_lag)).replace("{limit}", &interval(limit));
        let late: Vec<String> = self.column(&query);
        assert!(late.is_empty(), "lag was back too late:\n{}", late.join("\n"));
    }

    /// How many writes there were, and of how many owners.
    pub(super) fn summary(&self) -> String {
        let query = "SELECT format('%s writes of %s checkpoints by %s processes with %s fences', count(*), \
             count(DISTINCT build), count(DISTINCT writer), count(DISTINCT (build, fence))) FROM soak.writes";
        self.column::<String>(query).concat()
    }

    /// How many owners the checkpoint with the most owners had.
    pub(super) fn owners(&self) -> i64 {
        let query = "SELECT count(DISTINCT fence) FROM soak.writes GROUP BY build ORDER BY 1 DESC LIMIT 1";
        self.column(query).pop().unwrap_or(0)
    }

    #[track_caller]
    fn column<T>(&self, query: &str) -> Vec<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sql::column(&self.url, query).expect("the notes can be read")
    }
}

/// The audit bites.
mod postgres {
    use super::Audit;
    use crate::{place::Place, sql, stores::Stores};

    /// Changes checkpoints past the framework, in sessions of these names and with these fencing numbers.
    fn write(writes: &[(&str, u64)]) {
        let place = Place::new(Stores::Postgres);
        // It makes the tables; nobody else is to write then.
        place.start("projector").kill();
        let audit = Audit::install(place.read_store());
        for (writer, fence) in writes {
            let change = format!(
                "SET application_name = '{writer}'; UPDATE cqrs_views.projections SET fence = {fence}"
            );
            sql::execute(place.read_store(), change).expect("a checkpoint can be changed");
        }
        audit.check_owners();
    }

    #[test]
    fn owners_that_write_one_after_the_other_are_let_pass() {
        write(&[("a", 1_001), ("a", 1_001), ("b", 1_002)]);
    }

    #[test]
    #[should_panic(expected = "no owner writes after its successor")]
    fn an_owner_that_writes_after_its_successor_is_found() {
        write(&[("a", 1_001), ("b", 1_002), ("a", 1_001)]);
    }

    #[test]
    #[should_panic(expected = "a fencing number is that of one process")]
    fn two_processes_with_one_fencing_number_are_found() {
        write(&[("a", 1_001), ("b", 1_001)]);
    }
}

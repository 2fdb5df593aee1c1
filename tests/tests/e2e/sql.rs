//! Speaks SQL to PostgreSQL, past the service.

use sqlx::{AssertSqlSafe, Connection as _, Decode, PgConnection, Postgres, Type};

use crate::runtime::block_on;

/// Runs statements, one after the other.
pub(crate) fn execute(url: &str, statements: impl Into<String>) -> Result<(), sqlx::Error> {
    block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::raw_sql(AssertSqlSafe(statements.into())).execute(&mut connection).await?;
        connection.close().await
    })
}

/// The first column of what a query finds.
pub(crate) fn column<T>(url: &str, query: impl Into<String>) -> Result<Vec<T>, sqlx::Error>
where
    T: for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin,
{
    block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        let found = sqlx::query_scalar(AssertSqlSafe(query.into())).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(found)
    })
}

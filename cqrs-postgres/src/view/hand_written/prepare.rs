use cqrs_core::store::{Error, ProjectionId};
use sqlx::{Row as _, SqlSafeStr as _};

use super::SqlProjection;
use crate::{
    database::{Doing as _, LOCK, Schema, Session, Trouble, told},
    view::{projection::bind_id, statements},
};

const DOING: &str = "prepares a projection";

/// Makes room for the projection's checkpoint, and has it create its tables, all or nothing. Of several processes that
/// come at once, one after the other does.
///
/// The session is to be closed after an error.
pub(super) async fn prepare<P: SqlProjection>(
    projection: &P,
    id: &ProjectionId,
    session: &mut Session,
    schema: &Schema,
) -> Result<(), Error> {
    let lock = session.query(&LOCK.into_sql_str()).bind(schema.lock_key());
    let declare = bind_id(session.query(&schema.sql(statements::DECLARE_OWN)), id);
    let mut transaction = session.transaction().await.doing(DOING)?;
    lock.execute(&mut *transaction).await.doing(DOING)?;
    let is_own: bool =
        declare.fetch_one(&mut *transaction).await.and_then(|row| row.try_get(0)).doing(DOING)?;
    if !is_own {
        return Err(Error::invalid(format!(
            "{id} has documents already, which a projection with hand-written SQL has not: give it another name, or a \
             higher version"
        )));
    }
    projection.create(&mut transaction).await.map_err(|error| match Trouble::of(&error) {
        Trouble::Lost | Trouble::Passing | Trouble::Collision => Error::unavailable(DOING, error),
        _ => Error::invalid(format!("{id} can't create its tables: {}", told(&error))),
    })?;
    transaction.commit().await.doing(DOING)
}

use evento::{Executor, ProjectionAggregate as _};
use peers_harness::{Failure, Line, Totals};
use uuid::Uuid;

use crate::domain::{LineAdded, Placed, orders};

/// One command, as the quick start shows it: load, decide, write through the loaded projection.
pub async fn execute<E: Executor>(executor: &E, order: Uuid, number: u32) -> Result<(), Failure> {
    let id = order.to_string();
    let Some(loaded) = orders::<E>().load(&id).execute(executor).await? else {
        Totals::default().expect(number)?;
        evento::append(&id).event(&Placed { line: Line::sample(number) }).commit(executor).await?;
        return Ok(());
    };
    loaded.totals.expect(number)?;
    loaded.write()?.event(&LineAdded { line: Line::sample(number) }).commit(executor).await?;
    Ok(())
}

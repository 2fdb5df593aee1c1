#![allow(clippy::unused_async, reason = "evento's handlers are async, whatever they do")]

use evento::{Executor, Projection, metadata::Event};
use peers_harness::{Line, Totals};

#[evento::aggregate(name = "peers/Order")]
pub enum OrderEvents {
    Placed { line: Line },
    LineAdded { line: Line },
}

/// The write model: streams of six events are faster without snapshots.
#[evento::projection(id = id)]
#[evento::snapshot(none)]
pub struct Order {
    pub id: String,
    pub totals: Totals,
}

#[evento::handler]
async fn on_placed(event: Event<Placed>, order: &mut Order) -> anyhow::Result<()> {
    order.id.clone_from(&event.aggregate_id);
    order.totals.add(&event.data.line);
    Ok(())
}

#[evento::handler]
async fn on_line_added(event: Event<LineAdded>, order: &mut Order) -> anyhow::Result<()> {
    order.totals.add(&event.data.line);
    Ok(())
}

pub(crate) fn orders<E: Executor>() -> Projection<E, Order> {
    Projection::new::<OrderEvents>().handler(on_placed()).handler(on_line_added()).strict()
}

/// The same, with snapshots in the store.
#[evento::projection(id = id, bitcode::Encode, bitcode::Decode)]
pub struct KeptOrder {
    pub id: String,
    pub totals: Totals,
}

mod kept {
    use super::{Event, KeptOrder, LineAdded, Placed};

    #[evento::handler]
    async fn on_placed(event: Event<Placed>, order: &mut KeptOrder) -> anyhow::Result<()> {
        order.id.clone_from(&event.aggregate_id);
        order.totals.add(&event.data.line);
        Ok(())
    }

    #[evento::handler]
    async fn on_line_added(event: Event<LineAdded>, order: &mut KeptOrder) -> anyhow::Result<()> {
        order.totals.add(&event.data.line);
        Ok(())
    }

    pub(super) fn orders<E: evento::Executor>() -> evento::Projection<E, KeptOrder> {
        evento::Projection::new::<super::OrderEvents>().handler(on_placed()).handler(on_line_added()).strict()
    }
}

pub(crate) fn kept_orders<E: Executor>() -> Projection<E, KeptOrder> {
    kept::orders()
}

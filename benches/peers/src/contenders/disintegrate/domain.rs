use ::disintegrate::{Decision, Event, StateMutate, StateQuery};
use peers_harness::{Line, OutOfOrder, Totals};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
pub(crate) enum OrderEvent {
    Placed {
        #[id]
        order_id: Uuid,
        line: Line,
    },
    LineAdded {
        #[id]
        order_id: Uuid,
        line: Line,
    },
}

impl OrderEvent {
    /// The event of an order that has this number.
    pub(crate) fn numbered(order_id: Uuid, number: u32) -> Self {
        let line = Line::sample(number);
        if number == 0 { Self::Placed { order_id, line } } else { Self::LineAdded { order_id, line } }
    }

    pub(crate) fn line(&self) -> &Line {
        let (Self::Placed { line, .. } | Self::LineAdded { line, .. }) = self;
        line
    }
}

#[derive(Clone, Debug, Default, StateQuery, Serialize, Deserialize)]
#[state_query(OrderEvent)]
pub(crate) struct Order {
    #[id]
    pub(crate) order_id: Uuid,
    pub(crate) totals: Totals,
}

impl Order {
    pub(crate) fn new(order_id: Uuid) -> Self {
        Self { order_id, totals: Totals::default() }
    }
}

impl StateMutate for Order {
    fn mutate(&mut self, event: Self::Event) {
        self.totals.add(event.line());
    }
}

/// Places the order, or adds a line to it.
pub(crate) struct AddLine {
    pub(crate) order_id: Uuid,
    pub(crate) number: u32,
}

impl Decision for AddLine {
    type Event = OrderEvent;
    type StateQuery = Order;
    type Error = OutOfOrder;

    fn state_query(&self) -> Order {
        Order::new(self.order_id)
    }

    fn process(&self, order: &Order) -> Result<Vec<OrderEvent>, OutOfOrder> {
        order.totals.expect(self.number)?;
        Ok(vec![OrderEvent::numbered(self.order_id, self.number)])
    }
}

//! The order once more, as most are modelled: its first command creates it, and has nothing to load.

use cqrs_core::prelude::*;

use super::{Full, LineAdded, OrderId, Tally};

/// An order was opened, with its first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OrderOpened(LineAdded);

/// As [`LineAdded`], of an order that was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NextLineAdded(LineAdded);

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
pub(crate) enum OpenedOrderEvent {
    Opened(OrderOpened),
    NextLineAdded(NextLineAdded),
}

#[derive(Aggregate, Debug)]
#[aggregate(event = OpenedOrderEvent)]
pub(crate) struct OpenedOrder {
    tally: Tally,
}

#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = OpenedOrder)]
pub(crate) struct OpenOrder {
    #[command(id)]
    pub(crate) order: OrderId,
    pub(crate) number: u64,
}

#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = OpenedOrder)]
pub(crate) struct AddNextLine {
    #[command(id)]
    pub(crate) order: OrderId,
    pub(crate) number: u64,
}

#[handlers]
impl OpenedOrder {
    #[command_handler]
    fn open(command: &OpenOrder) -> OrderOpened {
        OrderOpened(LineAdded::sample(command.number))
    }

    #[command_handler]
    fn add_line(&self, command: &AddNextLine) -> Result<NextLineAdded, Full> {
        if self.tally.lines < Tally::MOST {
            Ok(NextLineAdded(LineAdded::sample(command.number)))
        } else {
            Err(Full)
        }
    }

    #[event_handler]
    fn on_opened(OrderOpened(line): &OrderOpened) -> Self {
        let mut tally = Tally::default();
        tally.add(line);
        Self { tally }
    }

    #[event_handler]
    fn on_next_line_added(&mut self, NextLineAdded(line): &NextLineAdded) {
        self.tally.add(line);
    }
}

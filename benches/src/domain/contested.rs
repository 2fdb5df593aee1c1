//! The order once more, for commands that another program gets in the way of.

use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_core::prelude::*;

use super::{AddLine, Full, LineAdded, OrderEvent, OrderId, Tally};
use crate::Failure;

/// As [`Order`](super::Order).
#[derive(Aggregate, Debug, Default)]
#[aggregate(event = OrderEvent, default, services = Rival)]
pub(crate) struct ContestedOrder {
    tally: Tally,
}

#[derive(Command, Debug, Serialize, Deserialize)]
#[command(aggregate = ContestedOrder)]
pub(crate) struct AddContestedLine {
    #[command(id)]
    pub(crate) order: OrderId,
    pub(crate) number: u64,
}

/// Another program on the same log, for one command. It adds a line to the same order while the command is decided for
/// the first time.
pub(crate) struct Rival {
    app: Option<App>,
    decided: AtomicU64,
}

impl Rival {
    /// None: the command is left in peace.
    pub(crate) const fn new(app: Option<App>) -> Self {
        Self { app, decided: AtomicU64::new(0) }
    }

    /// How often the command was decided again.
    pub(crate) fn conflicts(&self) -> u64 {
        self.decided.load(Ordering::Relaxed).saturating_sub(1)
    }

    async fn interfere(&self, command: &AddContestedLine) -> Result<(), Failure> {
        if self.decided.fetch_add(1, Ordering::Relaxed) == 0
            && let Some(app) = &self.app
        {
            app.execute(AddLine { order: command.order.clone(), number: command.number }).await?;
        }
        Ok(())
    }
}

/// Why a line was not added.
#[derive(Debug)]
pub(crate) enum Refused {
    Full(Full),
    Rival(Failure),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full(full) => full.fmt(f),
            Self::Rival(failure) => write!(f, "the rival has failed: {failure}"),
        }
    }
}

impl std::error::Error for Refused {}

#[handlers]
impl ContestedOrder {
    #[command_handler]
    async fn add_line(&self, command: &AddContestedLine, rival: &Rival) -> Result<LineAdded, Refused> {
        rival.interfere(command).await.map_err(Refused::Rival)?;
        if self.tally.lines >= Tally::MOST {
            return Err(Refused::Full(Full));
        }
        Ok(LineAdded::sample(command.number))
    }

    #[event_handler]
    fn on_line_added(&mut self, event: &LineAdded) {
        self.tally.add(event);
    }
}

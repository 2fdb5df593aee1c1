//! A result that is wrong is not fast: what was measured is checked.

use std::collections::HashMap;

use cqrs_core::{
    envelope::{Position, StreamId, Version},
    store::{EventFilter, EventStore},
};

use crate::Failure;

/// Checks a log: as many events as were acknowledged, positions and each stream's versions from 1 on, without holes.
pub(crate) async fn log(log: &dyn EventStore, acknowledged: u64) -> Result<(), Failure> {
    let mut streams: HashMap<StreamId, Version> = HashMap::new();
    let mut position = Position::ZERO;
    loop {
        let page = log.read_log(position, &EventFilter::ALL, 5_000).await?;
        for event in &page.events {
            let version = streams.entry(event.stream.clone()).or_default();
            if event.position != position.plus(1) || event.version != version.plus(1) {
                return Err(format!(
                    "the log is wrong: after position {position} comes {}, with version {} of {} after {version}",
                    event.position, event.version, event.stream
                )
                .into());
            }
            (position, *version) = (event.position, event.version);
        }
        if page.through >= page.head {
            break;
        }
    }
    if position.get() == acknowledged {
        Ok(())
    } else {
        Err(format!("the log has {position} events, but {acknowledged} were acknowledged").into())
    }
}

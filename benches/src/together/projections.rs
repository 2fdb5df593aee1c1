//! Ten projections that want the same events.

use std::sync::Arc;

use cqrs_core::{
    app::AppBuilder,
    prelude::*,
    store::{ProjectionId, ViewStore},
};

use crate::{
    Failure,
    domain::{LineAdded, OrderEvent},
};

macro_rules! projections {
    ($($projection:ident $name:literal)*) => {
        $(
            #[derive(Projection, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
            #[projection(name = $name, events(OrderEvent), default)]
            struct $projection {
                lines: u64,
                total_cents: i64,
            }

            #[handlers]
            impl $projection {
                #[event_handler]
                fn on_line_added(&mut self, event: &LineAdded) {
                    self.lines += 1;
                    self.total_cents += i64::from(event.quantity) * event.unit_price_cents;
                }
            }
        )*

        /// Registers the first so many.
        pub(super) fn register(
            builder: AppBuilder,
            views: &Arc<dyn ViewStore>,
            count: usize,
        ) -> AppBuilder {
            let all: [fn(AppBuilder, Arc<dyn ViewStore>) -> AppBuilder; ALL.len()] =
                [$(|builder, views| builder.projection::<$projection>(views)),*];
            all.into_iter().take(count).fold(builder, |builder, add| add(builder, Arc::clone(views)))
        }

        const ALL: [&str; [$($name),*].len()] = [$($name),*];
    };
}

projections! {
    First "first" Second "second" Third "third" Fourth "fourth" Fifth "fifth"
    Sixth "sixth" Seventh "seventh" Eighth "eighth" Ninth "ninth" Tenth "tenth"
}

/// Waits until the first so many have applied all up to a position.
pub(super) async fn applied(views: &dyn ViewStore, count: usize, until: Position) -> Result<(), Failure> {
    for name in ALL.into_iter().take(count) {
        let mut news = views.watch(&ProjectionId::new(name, 1));
        news.wait_for(|checkpoint| checkpoint.is_some_and(|at| at.position >= until)).await?;
    }
    Ok(())
}

/// Checks that each of the first so many has counted all lines of this order.
pub(super) async fn verify(
    views: &dyn ViewStore,
    count: usize,
    order: &str,
    lines: u64,
) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Counted {
        lines: u64,
    }
    for name in ALL.into_iter().take(count) {
        let found = views.load(&ProjectionId::new(name, 1), &[order.to_owned()]).await?;
        let data = found.into_iter().find_map(|document| document.data).ok_or("a view is missing")?;
        let counted: Counted = data.parse()?;
        if counted.lines != lines {
            return Err(format!("{name} has {} of the {lines} lines of {order}", counted.lines).into());
        }
    }
    Ok(())
}

use std::sync::Arc;

use crate::store::{EventFilter, Selector};

/// A filter that picks what any of these picks.
pub(super) fn union(filters: &[Arc<EventFilter>]) -> EventFilter {
    let mut all: Vec<Selector> = Vec::new();
    for filter in filters {
        let Some(selectors) = &filter.any_of else { return EventFilter::ALL };
        for selector in selectors {
            match all.iter_mut().find(|known| known.category == selector.category) {
                None => all.push(selector.clone()),
                Some(known) => match (&mut known.names, &selector.names) {
                    (Some(names), Some(more)) => {
                        for name in more {
                            if !names.contains(name) {
                                names.push(name.clone());
                            }
                        }
                    }
                    (names, _) => *names = None,
                },
            }
        }
    }
    EventFilter { any_of: Some(all) }
}

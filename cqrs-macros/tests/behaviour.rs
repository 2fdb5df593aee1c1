//! What generated code does with commands and events.
#![allow(missing_docs, missing_debug_implementations, clippy::unwrap_used)]

mod behaviour {
    mod decisions;
    mod folds;
    mod indexes;
    mod upcasting;
}

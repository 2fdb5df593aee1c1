//! The page of the order service in a headless Chromium, used as a person would use it.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

macro_rules! shared {
    ($($name:ident = $path:literal,)+) => {
        $(#[path = $path]
        #[allow(dead_code, reason = "the end-to-end tests use the rest")]
        mod $name;)+
    };
}

shared! {
    binary = "../e2e/binary.rs",
    deadline = "../e2e/deadline.rs",
    http = "../e2e/http.rs",
    orders = "../e2e/orders.rs",
    place = "../e2e/place.rs",
    service = "../e2e/service.rs",
}

mod chromium;
mod devtools;
mod page;

use axum::http::StatusCode;

/// A kind of problem: what programs know it by, the HTTP status that goes with it, and what people read.
///
/// The framework's own are constants here; an application makes more of them.
///
/// ```
/// use axum::http::StatusCode;
/// use cqrs_axum::Code;
///
/// const ORDER_NOT_FOUND: Code = Code::new("order_not_found", StatusCode::NOT_FOUND, "Order not found");
/// # assert_eq!(ORDER_NOT_FOUND.name(), "order_not_found");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
}

impl Code {
    /// A kind of problem. The name, in snake case, should never change.
    pub const fn new(name: &'static str, status: StatusCode, title: &'static str) -> Self {
        Self { name, status, title }
    }

    /// For programs.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> StatusCode {
        self.status
    }

    /// For people.
    pub const fn title(self) -> &'static str {
        self.title
    }
}

macro_rules! codes {
    ($($code:ident = $name:literal, $status:ident, $title:literal;)+) => {
        impl Code {
            $(
                #[doc = concat!($title, ": `", $name, "`.")]
                pub const $code: Self = Self::new($name, StatusCode::$status, $title);
            )+

            /// Each kind that this crate answers with.
            pub const ALL: &'static [Self] = &[$(Self::$code,)+];
        }
    };
}

codes! {
    BAD_JSON = "bad_json", BAD_REQUEST, "The body is no JSON";
    BAD_BODY = "bad_body", BAD_REQUEST, "The body can't be read";
    BAD_ID = "bad_id", BAD_REQUEST, "Not an id";
    BAD_IDEMPOTENCY_KEY = "bad_idempotency_key", BAD_REQUEST, "Not an idempotency key";
    BAD_IF_MATCH = "bad_if_match", BAD_REQUEST, "Not a version to match";
    BAD_LIMIT = "bad_limit", BAD_REQUEST, "Not a page size";
    BAD_AFTER = "bad_after", BAD_REQUEST, "Not a place to go on after";
    BAD_TOKEN = "bad_token", BAD_REQUEST, "Not a consistency token";
    BAD_TIMEOUT = "bad_timeout", BAD_REQUEST, "Not a time to wait";
    BAD_MAX_LAG = "bad_max_lag", BAD_REQUEST, "Not a bound on the lag";
    BAD_FALLBACK = "bad_fallback", BAD_REQUEST, "Not a fallback";
    CONTRADICTORY_HEADERS = "contradictory_headers", BAD_REQUEST, "The headers contradict each other";
    NOT_FOUND = "not_found", NOT_FOUND, "Nothing here";
    AGGREGATE_NOT_FOUND = "aggregate_not_found", NOT_FOUND, "Not found";
    METHOD_NOT_ALLOWED = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    BODY_TIMEOUT = "body_timeout", REQUEST_TIMEOUT, "The body took too long to arrive";
    AGGREGATE_EXISTS = "aggregate_exists", CONFLICT, "It exists already";
    FOREIGN_TOKEN = "foreign_token", CONFLICT, "The token is one of another log";
    VERSION_MISMATCH = "version_mismatch", PRECONDITION_FAILED, "It is at another version";
    BODY_TOO_LARGE = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused", UNPROCESSABLE_ENTITY,
        "The idempotency key belongs to another request";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "The service has a fault";
    WRITE_STORE_UNAVAILABLE = "write_store_unavailable", SERVICE_UNAVAILABLE, "The write store is unavailable";
    READ_STORE_UNAVAILABLE = "read_store_unavailable", SERVICE_UNAVAILABLE, "The read store is unavailable";
    TOO_MANY_STREAMS = "too_many_streams", SERVICE_UNAVAILABLE, "Too many live views are watched";
    STOPPING = "stopping", SERVICE_UNAVAILABLE, "The service stops";
    NOT_YET_CONSISTENT = "not_yet_consistent", GATEWAY_TIMEOUT, "The view is not as fresh as asked for";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_has_a_name_of_its_own_that_a_program_can_hold() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.name().bytes().all(|it| it.is_ascii_lowercase() || it == b'_'), "{code:?}");
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
        }
    }
}

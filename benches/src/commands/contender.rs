//! Who is measured.

use serde::{Deserialize, Serialize};

use crate::limit::postgres::RawKind;

/// The framework, or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Contender {
    Limit(RawKind),
    /// The framework that keeps no aggregates in memory: each command loads its stream.
    Loading,
    /// The framework as it is by default.
    Default,
    /// The same, and a program that follows the log.
    Followed,
    /// The same without a notification for those who follow the log.
    Silent,
}

impl Contender {
    pub(super) const ALL: [Self; 11] = [
        Self::Limit(RawKind::Bare),
        Self::Limit(RawKind::Transaction),
        Self::Limit(RawKind::Grouped),
        Self::Limit(RawKind::GroupedAndTold),
        Self::Limit(RawKind::GroupedAndLoaded),
        Self::Limit(RawKind::GroupedAndJoined),
        Self::Limit(RawKind::GroupedAndKept),
        Self::Loading,
        Self::Default,
        Self::Silent,
        Self::Followed,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Limit(RawKind::Bare) => "limit a: bare INSERT",
            Self::Limit(RawKind::Transaction) => "limit b: transaction",
            Self::Limit(RawKind::Grouped) => "limit c: grouped append",
            Self::Limit(RawKind::GroupedAndTold) => "c + NOTIFY, and a listener",
            Self::Limit(RawKind::GroupedAndLoaded) => "c + each load on its own",
            Self::Limit(RawKind::GroupedAndJoined) => "c + loads joined",
            Self::Limit(RawKind::GroupedAndKept) => "c + state in memory",
            Self::Loading => "framework, loading",
            Self::Default => "framework, by default",
            Self::Followed => "framework, followed",
            Self::Silent => "framework, no NOTIFY",
        }
    }

    /// The limit that does the same work, and how it is called.
    pub(super) const fn limit(self) -> Option<(Self, &'static str)> {
        match self {
            Self::Limit(RawKind::GroupedAndTold) => Some((Self::Limit(RawKind::Grouped), "  of c")),
            Self::Limit(_) | Self::Silent => None,
            Self::Followed => Some((Self::Silent, "  of no NOTIFY")),
            Self::Loading => Some((Self::Limit(RawKind::GroupedAndJoined), "  of c + loads joined")),
            Self::Default => Some((Self::Limit(RawKind::GroupedAndKept), "  of c + state in memory")),
        }
    }
}

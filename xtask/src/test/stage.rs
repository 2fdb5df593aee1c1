//! The stages, in the order in which they run: what fails fastest comes first.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Stage {
    /// one Rust version, wherever it is written down
    Msrv,
    /// source is formatted as rustfmt.toml says
    Format,
    /// crates depend on each other only as the design allows
    Deps,
    /// licences, duplicate versions and sources of dependencies
    Deny,
    /// clippy on all targets, warnings denied
    Clippy,
    /// documentation builds, warnings denied
    Docs,
    /// tests of all packages that no other stage claims
    Unit,
    /// examples in the documentation
    DocTests,
    /// the macros' messages to their users (trybuild)
    Ui,
    /// promises of every store
    Conformance,
    /// the whole system, over real HTTP (cqrs-tests)
    #[value(name = "e2e")]
    EndToEnd,
    /// projects that `cargo cqrs` makes, on all pairs of stores
    Scaffold,
    /// the demo's page in a headless Chromium
    Browser,
}

impl Stage {
    pub(super) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    pub(super) fn name(self) -> String {
        self.to_possible_value().expect("no stage is hidden").get_name().to_owned()
    }

    pub(super) fn about(self) -> String {
        let value = self.to_possible_value().expect("no stage is hidden");
        value.get_help().map(ToString::to_string).unwrap_or_default()
    }

    /// A line for `--list`, and the first of a stage that starts.
    pub(super) fn describe(self) -> String {
        format!("{:<11}  {}", self.name(), self.about())
    }

    /// Whether it runs against servers.
    pub(super) fn needs_servers(self) -> bool {
        matches!(self, Self::Conformance | Self::EndToEnd | Self::Scaffold)
    }

    /// The stages to run, each once and in their own order; all of them where none is named.
    pub(super) fn choose(named: &[Self]) -> Vec<Self> {
        Self::all().iter().copied().filter(|stage| named.is_empty() || named.contains(stage)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_says_in_a_short_line_what_it_does() {
        for stage in Stage::all() {
            assert!(!stage.about().is_empty(), "{stage:?} says nothing");
            assert!(stage.describe().len() <= 72, "{stage:?} says too much for 80 columns");
        }
    }

    #[test]
    fn the_guide_for_contributors_knows_each_stage() {
        let guide = include_str!("../../../CONTRIBUTING.md");
        for stage in Stage::all() {
            assert!(
                guide.contains(&format!("\n| `{}` |", stage.name())),
                "{stage:?} is not in CONTRIBUTING.md"
            );
        }
    }

    #[test]
    fn stages_run_once_and_in_their_own_order() {
        assert_eq!(Stage::choose(&[Stage::Unit, Stage::Format, Stage::Unit]), [Stage::Format, Stage::Unit]);
    }

    #[test]
    fn no_name_means_all_stages() {
        assert_eq!(Stage::choose(&[]), Stage::all());
    }
}

//! Licences that a dependency may have.

use spdx::{Expression, Licensee, ParseMode};

use crate::Error;

#[derive(Debug)]
pub(super) struct Allowed(Vec<Licensee>);

impl Allowed {
    pub(super) fn parse(licences: &[String]) -> Result<Self, Error> {
        let parse = |licence: &String| {
            Licensee::parse(licence).map_err(|error| format!("`{licence}`: {}", error.reason))
        };
        Ok(Self(licences.iter().map(parse).collect::<Result<_, _>>()?))
    }

    /// Whether the expression can be met by these licences, or those of an exception.
    pub(super) fn permits(&self, expression: &str, exception: Option<&Self>) -> Result<bool, Error> {
        // Lax: `MIT/Apache-2.0` is how it was written before licences became expressions.
        let expression =
            Expression::parse_mode(expression, ParseMode::LAX).map_err(|error| error.reason.to_string())?;
        let licences = self.0.iter().chain(exception.into_iter().flat_map(|allowed| &allowed.0));
        Ok(expression.evaluate(|required| licences.clone().any(|licence| licence.satisfies(required))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permitted(expression: &str) -> bool {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        let allowed = Allowed::parse(&allowed).expect("these are licences");
        allowed.permits(expression, None).expect("an expression")
    }

    #[test]
    fn one_side_of_or_is_enough_and_both_sides_of_and_are_needed() {
        assert!(permitted("MIT OR GPL-3.0"));
        assert!(!permitted("MIT AND GPL-3.0"));
        assert!(permitted("(MIT OR GPL-3.0) AND Apache-2.0"));
    }

    #[test]
    fn the_old_way_to_write_or_is_understood() {
        assert!(permitted("MIT/Apache-2.0"));
    }

    #[test]
    fn an_exception_to_a_licence_is_part_of_it() {
        assert!(permitted("Apache-2.0 WITH LLVM-exception"));
        assert!(!permitted("MIT AND Apache-2.0 WITH Classpath-exception-2.0"));
    }

    #[test]
    fn what_is_no_licence_is_an_error() {
        assert!(Allowed::parse(&["Mine".to_owned()]).is_err());
        let allowed = Allowed::parse(&["MIT".to_owned()]).expect("a licence");
        assert!(allowed.permits("see file", None).is_err());
    }
}

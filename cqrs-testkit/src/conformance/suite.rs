/// Lists the rules of one kind of store: as functions, as `RULES`, and as the macro that makes tests of them.
macro_rules! suite {
    (
        ($d:tt) $(#[$doc:meta])* $suite:ident, $kind:ident, $store:path;
        $($module:ident { $($rule:ident)+ })+
    ) => {
        $(mod $module;)+
        $(pub use $module::{$($rule),+};)+

        /// What the rules are about.
        pub type Store = dyn $store;

        /// Every rule.
        pub const RULES: &[crate::conformance::Rule<Store>] = &[
            $($(crate::conformance::Rule {
                name: stringify!($rule),
                check: |stores| Box::pin($module::$rule(stores)),
            },)+)+
        ];

        #[doc(hidden)]
        pub fn test(stores: &crate::conformance::Stores<Store>, rule: &str) {
            RULES.iter().find(|known| known.name == rule).expect("the macro lists known rules").test(stores);
        }

        $(#[$doc])*
        #[macro_export]
        macro_rules! $suite {
            ($d fresh:expr) => {
                $($(
                    #[test]
                    fn $rule() {
                        $d crate::conformance::$kind::test(
                            &$d crate::conformance::Stores::<$d crate::conformance::$kind::Store>::new(|| $d fresh),
                            stringify!($rule),
                        );
                    }
                )+)+
            };
        }
    };
}

pub(crate) use suite;

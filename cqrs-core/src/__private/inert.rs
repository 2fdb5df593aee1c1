/// The body of every inert function: code that calls it comes with a compile error, and never runs.
pub fn inert() -> ! {
    unreachable!("a compile error stands before this")
}

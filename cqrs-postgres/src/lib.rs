#![doc = include_str!("../README.md")]

#[cfg(any(feature = "events", feature = "views"))]
#[allow(dead_code, unused_imports, reason = "the stores follow")]
mod database;

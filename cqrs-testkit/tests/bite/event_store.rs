mod broken;
mod faults;

pub(crate) use broken::{Broken, Faults, OwnedLoad, Sound};
pub(crate) use faults::{breaking, unbroken};

//! Hears of signals that would end the program, so that nothing half made stays behind.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGQUIT, SIGXFSZ};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::Error;

/// Notes signals for as long as the process runs, in place of being ended by them.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn listen() -> Result<Self, Error> {
        let requested = Arc::new(AtomicBool::new(false));
        let stops = [
            SIGINT,
            SIGTERM,
            // The terminal is gone.
            #[cfg(unix)]
            SIGHUP,
            #[cfg(unix)]
            SIGQUIT,
        ];
        for signal in stops {
            signal_hook::flag::register(signal, Arc::clone(&requested)).map_err(Error::Signals)?;
        }
        // A file has become larger than it may. Nobody looks at this: what was written to it says so as an error.
        #[cfg(unix)]
        signal_hook::flag::register(SIGXFSZ, Arc::default()).map_err(Error::Signals)?;
        Ok(Self(requested))
    }

    /// An error once there was a signal. To be called between any two steps.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::SeqCst) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

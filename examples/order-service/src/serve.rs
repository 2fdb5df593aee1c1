use std::{io::Write as _, time::Duration};

use axum::serve::ListenerExt as _;
use tokio::{net::TcpListener, signal, sync::watch};

use crate::{Options, Service, StartError, http, metrics};

/// How long requests in flight may take to end once the process was told to stop.
const GRACE: Duration = Duration::from_secs(35);

/// Runs the service until the process is told to stop by SIGTERM or ctrl-c, and finishes what is in flight.
///
/// # Errors
///
/// [`StartError`] where it can't start.
pub async fn serve(options: &Options) -> Result<(), StartError> {
    let stopped = stop_signal();
    let failed = |source| StartError::Listen { address: options.listen, source };
    let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let service = Service::open(options).await?;
    announce(address, &service);

    let mut told = stopped.clone();
    let watched = service.clone();
    let stopping = async move {
        // An error means that nobody listens for signals any more, which is as good as a stop.
        let _: Result<_, _> = told.wait_for(|stop| *stop).await;
        tracing::info!("stopping");
        watched.end_live_views();
    };
    let mut told = stopped;
    let late = async move {
        let _: Result<_, _> = told.wait_for(|stop| *stop).await;
        tokio::time::sleep(GRACE).await;
    };
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "answers on a connection may be delayed"
            );
        }
    });
    let serving = axum::serve(listener, http::router(&service)).with_graceful_shutdown(stopping);
    let served = tokio::select! {
        served = serving => served.map_err(StartError::Serve),
        () = late => {
            tracing::warn!("requests were still in flight {} s after the stop", GRACE.as_secs());
            Ok(())
        }
        () = metrics::upkeep(service.recorder().clone()) => Ok(()),
    };
    service.stop().await;
    served
}

/// Says where the service is: to programs on stdout, to people on stderr.
#[allow(clippy::print_stderr, reason = "a program's own words to the person who started it")]
fn announce(address: std::net::SocketAddr, service: &Service) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "listening on http://{address}").and_then(|()| out.flush()) {
        tracing::warn!(error = &error as &dyn std::error::Error, "stdout is closed");
    }
    if http::has_page(service) {
        eprintln!(
            "order-service: open http://{address}/ in a browser to place orders and to watch them arrive"
        );
    }
}

/// Turns true with the first signal. Listens from the call on.
fn stop_signal() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    #[cfg(unix)]
    let terminate = signal::unix::signal(signal::unix::SignalKind::terminate());
    tokio::spawn(async move {
        let interrupt = async {
            if let Err(error) = signal::ctrl_c().await {
                tracing::error!(error = &error as &dyn std::error::Error, "ctrl-c can't be listened for");
                std::future::pending::<()>().await;
            }
        };
        #[cfg(unix)]
        let terminated = async {
            match terminate {
                Ok(mut terminate) => drop(terminate.recv().await),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "SIGTERM can't be listened for"
                    );
                    std::future::pending::<()>().await;
                }
            }
        };
        #[cfg(not(unix))]
        let terminated = std::future::pending::<()>();
        tokio::select! {
            () = interrupt => {}
            () = terminated => {}
        }
        stop.send_replace(true);
    });
    stopped
}

//! One connection through the proxy: two streams, one in each direction.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    failpoint::{Fate, Points},
    framing::{Framing, Piece},
    network::{Condition, Cut, Side},
};

/// How much is read at once.
const CHUNK: usize = 64 << 10;
/// How many pieces may be on the way before no more is read.
const ON_THE_WAY: usize = 1_024;

/// What a connection can be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Cut(Cut),
    HalfClose(Side),
}

pub(super) struct Link {
    pub(super) framing: Mutex<Box<dyn Framing>>,
    pub(super) conditions: watch::Receiver<Condition>,
    pub(super) points: Arc<Points>,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
}

/// Something on its way.
enum Item {
    /// Bytes, and when they came.
    Bytes(Instant, Vec<u8>),
    /// Nothing more comes.
    End,
}

impl Link {
    pub(super) async fn run(mut self, mut client: TcpStream, server: SocketAddr) {
        let Ok(mut server) = TcpStream::connect(server).await else {
            reset(&client);
            return;
        };
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("a connection can be asked to send at once");
        }
        let cut = self.forward(&mut client, &mut server).await;
        if cut == Cut::Reset {
            reset(&client);
            reset(&server);
        }
    }

    /// Passes on what comes until both ends have nothing more to say, or the connection breaks or is cut.
    async fn forward(&mut self, client: &mut TcpStream, server: &mut TcpStream) -> Cut {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let (close_client, closes_client) = watch::channel(false);
        let (close_server, closes_server) = watch::channel(false);
        let Self { framing, conditions, points, orders } = self;
        let pump = |side, from, to, closed| Pump { side, from, to, closed, framing, conditions, points };
        let streams = async {
            tokio::try_join!(
                pump(Side::Client, from_client, to_server, closes_server).run(),
                pump(Side::Server, from_server, to_client, closes_client).run(),
            )
        };
        let obeying = async {
            loop {
                match orders.recv().await {
                    Some(Order::Cut(cut)) => return cut,
                    Some(Order::HalfClose(Side::Client)) => close_client.send_replace(true),
                    Some(Order::HalfClose(Side::Server)) => close_server.send_replace(true),
                    // Without the proxy there is nothing to be told any more.
                    None => std::future::pending().await,
                };
            }
        };
        tokio::select! {
            ended = streams => if ended.is_ok() { Cut::Finish } else { Cut::Reset },
            cut = obeying => cut,
        }
    }
}

/// Closing the connection tells its end that it is broken.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().expect("a connection can be asked to break");
}

/// One direction.
struct Pump<'l> {
    /// Where it comes from.
    side: Side,
    from: ReadHalf<'l>,
    to: WriteHalf<'l>,
    /// Its end was told that nothing more comes.
    closed: watch::Receiver<bool>,
    framing: &'l Mutex<Box<dyn Framing>>,
    conditions: &'l watch::Receiver<Condition>,
    points: &'l Points,
}

impl Pump<'_> {
    async fn run(self) -> io::Result<()> {
        let Self { side, from, to, closed, framing, conditions, points } = self;
        let (queue, queued) = mpsc::channel(ON_THE_WAY);
        let reading = read(side, from, queue, framing, points);
        tokio::try_join!(reading, write(to, queued, closed, conditions.clone())).map(|((), ())| ())
    }
}

async fn read(
    side: Side,
    mut from: ReadHalf<'_>,
    queue: mpsc::Sender<Item>,
    framing: &Mutex<Box<dyn Framing>>,
    points: &Points,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        let pieces = {
            let mut framing = framing.lock().unwrap_or_else(PoisonError::into_inner);
            match (length, side) {
                (0, side) => vec![Piece::plain(framing.rest(side))],
                (_, Side::Client) => framing.client(&chunk[..length], points),
                (_, Side::Server) => framing.server(&chunk[..length]),
            }
        };
        let came = Instant::now();
        for piece in pieces {
            if let Some(fate) = points.holds(&piece) {
                match fate.await {
                    Ok(Fate::Deliver) => {}
                    Ok(Fate::Lose) | Err(_) => return Err(io::ErrorKind::ConnectionAborted.into()),
                }
            }
            // An error means that writing has failed, which ends this, too.
            let _: Result<(), _> = queue.send(Item::Bytes(came, piece.bytes)).await;
        }
        if length == 0 {
            let _: Result<(), _> = queue.send(Item::End).await;
            return Ok(());
        }
    }
}

async fn write(
    mut to: WriteHalf<'_>,
    mut queue: mpsc::Receiver<Item>,
    mut closed: watch::Receiver<bool>,
    mut conditions: watch::Receiver<Condition>,
) -> io::Result<()> {
    let told = async {
        // An error means that the connection has ended.
        if closed.wait_for(|closed| *closed).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let passing = async {
        while let Some(item) = queue.recv().await {
            let came = match &item {
                Item::Bytes(came, _) => *came,
                Item::End => Instant::now(),
            };
            arrival(came, &mut conditions).await;
            match item {
                Item::Bytes(_, bytes) => to.write_all(&bytes).await?,
                Item::End => break,
            }
        }
        io::Result::Ok(())
    };
    tokio::select! {
        passed = passing => passed?,
        () = told => {}
    }
    to.shutdown().await?;
    // Whatever still comes has nowhere to go.
    while queue.recv().await.is_some() {}
    Ok(())
}

/// Waits as long as the network takes.
async fn arrival(came: Instant, conditions: &mut watch::Receiver<Condition>) {
    loop {
        let condition = *conditions.borrow_and_update();
        let passed = async {
            match condition {
                Condition::Forward | Condition::Refuse => {}
                Condition::Delay(delay) => tokio::time::sleep_until(came + delay).await,
                Condition::BlackHole => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = passed => return,
            // An error means that the proxy has ended.
            changed = conditions.changed() => if changed.is_err() { return },
        }
    }
}

//! Joins what many tasks ask at the same time into one question.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::Failure;

/// Answers several questions at once.
pub(super) trait Answer: Send + Sync + 'static {
    type Question: Send;
    type Answer: Send;

    /// One answer for each question, in order. `lane` is of nobody else meanwhile.
    fn answer(
        &self,
        lane: usize,
        questions: Vec<Self::Question>,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Failure>> + Send;
}

/// Whoever finds a free lane asks at once, without handing anything over; whoever finds none waits, and is asked for
/// together with all others that wait as soon as a lane is free.
pub(super) struct Group<W: Answer> {
    work: W,
    state: Mutex<State<W>>,
}

struct State<W: Answer> {
    waiting: Vec<Waiting<W>>,
    free: Vec<usize>,
}

struct Waiting<W: Answer> {
    question: W::Question,
    answer: oneshot::Sender<Result<W::Answer, String>>,
}

enum Entered<W: Answer> {
    Lane(usize, W::Question),
    Queue(oneshot::Receiver<Result<W::Answer, String>>),
}

/// So many at once: beyond it more gain nothing but delay.
const MOST: usize = 256;

impl<W: Answer> Group<W> {
    pub(super) fn new(work: W, lanes: usize) -> Arc<Self> {
        let state = State { waiting: Vec::new(), free: (0..lanes).collect() };
        Arc::new(Self { work, state: Mutex::new(state) })
    }

    pub(super) async fn ask(self: &Arc<Self>, question: W::Question) -> Result<W::Answer, Failure> {
        let (lane, question) = match self.enter(question) {
            Entered::Lane(lane, question) => (lane, question),
            Entered::Queue(answered) => return Ok(answered.await??),
        };
        let answers = self.work.answer(lane, vec![question]).await;
        if let Some(waiting) = self.next(lane) {
            let group = Arc::clone(self);
            tokio::spawn(async move { group.go_on(lane, waiting).await });
        }
        answers?.pop().ok_or_else(|| "no answer".into())
    }

    fn enter(&self, question: W::Question) -> Entered<W> {
        let mut state = self.state();
        if let Some(lane) = state.free.pop() {
            return Entered::Lane(lane, question);
        }
        let (answer, answered) = oneshot::channel();
        state.waiting.push(Waiting { question, answer });
        Entered::Queue(answered)
    }

    async fn go_on(&self, lane: usize, mut waiting: Vec<Waiting<W>>) {
        loop {
            let (questions, askers): (Vec<_>, Vec<_>) =
                waiting.into_iter().map(|waiting| (waiting.question, waiting.answer)).unzip();
            match self.work.answer(lane, questions).await {
                Ok(answers) => {
                    for (asker, answer) in askers.into_iter().zip(answers) {
                        // A task that has stopped does not wait for its answer.
                        drop(asker.send(Ok(answer)));
                    }
                }
                Err(error) => {
                    for asker in askers {
                        drop(asker.send(Err(error.to_string())));
                    }
                }
            }
            // Those that were answered come back at once: let them, so that the next question is theirs too.
            tokio::task::yield_now().await;
            match self.next(lane) {
                Some(next) => waiting = next,
                None => return,
            }
        }
    }

    /// All that wait; where nobody does, the lane is free.
    fn next(&self, lane: usize) -> Option<Vec<Waiting<W>>> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.free.push(lane);
            return None;
        }
        let count = state.waiting.len().min(MOST);
        Some(state.waiting.drain(..count).collect())
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

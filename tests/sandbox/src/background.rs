//! The one runtime that everything here runs on.
//!
//! It belongs to the process and is never shut down; each handle ends its own tasks.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("sandbox")
        .enable_all()
        .build()
        .expect("a process that can start tests can start two threads")
});

/// Starts a task on the background runtime; callable from anywhere.
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    RUNTIME.spawn(task)
}

/// Runs a short task on the background runtime and blocks the calling thread until it is done.
///
/// Never call it from the background runtime itself.
pub(crate) fn run<F>(task: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (sender, receiver) = std::sync::mpsc::channel();
    drop(RUNTIME.spawn(async move { drop(sender.send(task.await)) }));
    receiver
        .recv()
        .expect("a background task sends its result unless it panicked")
}

/// Locks a mutex; a panic of another test thread does not make its data unreadable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A task that ends when its handle is dropped.
#[derive(Debug)]
pub(crate) struct OwnedTask(pub(crate) JoinHandle<()>);

impl Drop for OwnedTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

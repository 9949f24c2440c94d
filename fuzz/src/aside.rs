//! What user code asks the bus in passing, from wherever it is called. It changes nothing, but it
//! takes every lock that a question of the bus takes: whoever calls user code under one of these
//! hangs.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

type Question = Rc<dyn Fn()>;

thread_local! {
    static QUESTION: RefCell<Option<Question>> = const { RefCell::new(None) };
}

/// From now on, user code on this thread asks this.
pub fn begin(question: impl Fn() + 'static) {
    QUESTION.set(Some(Rc::new(question)));
}

/// From now on, it asks nothing.
pub fn end() {
    QUESTION.take();
}

/// Asks. Called by user code; not by what the question itself calls.
pub fn ask() {
    // A thread that ends asks nothing.
    let question = QUESTION.try_with(RefCell::take).ok().flatten();
    if let Some(question) = question {
        question();
        QUESTION.set(Some(question));
    }
}

/// A share in something, which asks when it is dropped.
pub struct Asking(pub Arc<()>);

impl Drop for Asking {
    fn drop(&mut self) {
        ask();
    }
}

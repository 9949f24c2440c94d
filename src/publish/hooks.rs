//! The hooks that hear of lags.

use crate::mailbox::lag::Lag;
use crate::panics::{Panics, drop_guarded};
use crate::publish::displaced::Displaced;
use crate::sync::{ArcSwap, thread_local};
use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};

/// A hook that was added to a bus, from [`EventBus::on_lag`](crate::EventBus::on_lag). Dropping
/// this leaves the hook where it is.
///
/// Keeps neither the bus nor the hook alive.
#[derive(Clone)]
pub struct LagHook {
    hooks: Weak<Hooks>,
    hook: Weak<Hook>,
}

impl LagHook {
    /// Takes the hook away, and drops it. Removing it again does nothing. A publish that is under
    /// way may still call the hook for a moment; then that publish drops it, at its very end, or
    /// whoever adds or removes a hook next.
    ///
    /// # Panics
    ///
    /// Resumes a panic of what the hook owns, if it is dropped here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{DynEvent, EventBus};
    /// # let bus: EventBus<DynEvent> = EventBus::new(0);
    /// let hook = bus.on_lag(|lag| eprintln!("{} has lost {} events", lag.subscriber, lag.lost));
    /// hook.remove();
    /// ```
    pub fn remove(&self) {
        if let (Some(hooks), Some(hook)) = (self.hooks.upgrade(), self.hook.upgrade()) {
            hooks.remove(hook);
        }
    }
}

impl UnwindSafe for LagHook {}
impl RefUnwindSafe for LagHook {}

impl fmt::Debug for LagHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LagHook(..)")
    }
}

/// A function that hears of every [`Lag`]. `None` only while it is dropped.
pub(crate) struct Hook(Option<Box<Tell>>);

type Tell = dyn Fn(&Lag) + Send + Sync;

impl Drop for Hook {
    fn drop(&mut self) {
        drop_guarded(self.0.take());
    }
}

/// The hooks of a bus, beside its snapshots: so `close` drops them, whatever snapshot a publisher
/// keeps.
pub(crate) struct Hooks {
    list: ArcSwap<List>,
    displaced: Displaced<List>,
}

/// `None` once the bus is closed.
pub(crate) type List = Option<Box<[Arc<Hook>]>>;

thread_local! {
    /// Whether this thread is telling hooks of a lag.
    static REPORTS: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread tells hooks of a lag, until it is dropped.
struct Reporting;

impl Reporting {
    /// Begins, unless this thread is at it already.
    fn begin() -> Option<Self> {
        // A thread that publishes while it ends reports as any other.
        let is_nested = REPORTS.try_with(|reports| reports.replace(true)).unwrap_or_default();
        (!is_nested).then(|| Self)
    }

    fn is_under_way() -> bool {
        REPORTS.try_with(Cell::get).unwrap_or_default()
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        let _ = REPORTS.try_with(|reports| reports.set(false));
    }
}

/// The report of one publish: whom it tells.
pub(crate) struct Report<G> {
    _reporting: Reporting,
    #[cfg(feature = "tracing")]
    is_traced: bool,
    list: G,
}

impl<G: Deref<Target = Arc<List>>> Report<G> {
    /// Tells every hook of a lag. User code.
    pub(crate) fn tell(&self, lag: &Lag, panics: &mut Panics) {
        #[cfg(feature = "tracing")]
        if self.is_traced {
            panics.catch(|| {
                tracing::warn!(
                    target: "ringbus",
                    subscriber = &*lag.subscriber,
                    event_type = lag.event_type.as_str(),
                    lost = lag.lost,
                    "subscriber lags"
                );
            });
        }
        for hook in self.list.iter().flatten() {
            if let Some(tell) = &hook.0 {
                panics.catch(|| tell(lag));
            }
        }
    }
}

impl Hooks {
    pub(crate) fn new() -> Self {
        Self { list: ArcSwap::new(Arc::new(Some(Box::default()))), displaced: Displaced::new() }
    }

    /// Whether anybody may hear of a lag. Nobody does in a publish from inside a hook: it would run
    /// the hooks again, and they it. No user code.
    pub(crate) fn may_listen(&self) -> bool {
        #[cfg(feature = "tracing")]
        let is_traced = tracing::level_filters::LevelFilter::current() >= tracing::Level::WARN;
        #[cfg(not(feature = "tracing"))]
        let is_traced = false;
        !Reporting::is_under_way() && (is_traced || self.list.load().as_deref().is_some_and(|hooks| !hooks.is_empty()))
    }

    /// Begins to report, if anybody listens. User code, with `tracing`.
    pub(crate) fn begin_report(
        &self,
        #[cfg_attr(not(feature = "tracing"), expect(unused, reason = "only `tracing` runs user code here"))]
        panics: &mut Panics,
    ) -> Option<Report<impl Deref<Target = Arc<List>> + use<>>> {
        let reporting = Reporting::begin()?;
        #[cfg(feature = "tracing")]
        let is_traced =
            panics.catch(|| tracing::event_enabled!(target: "ringbus", tracing::Level::WARN)).unwrap_or_default();
        #[cfg(not(feature = "tracing"))]
        let is_traced = false;
        let list = self.list.load();
        (is_traced || list.as_deref().is_some_and(|hooks| !hooks.is_empty())).then_some(Report {
            _reporting: reporting,
            #[cfg(feature = "tracing")]
            is_traced,
            list,
        })
    }

    /// Drops what was taken away while a publish was calling it, and is not called any more.
    pub(crate) fn sweep(&self) {
        self.displaced.sweep();
    }

    /// Adds a hook, unless the bus is closed.
    pub(crate) fn add(self: &Arc<Self>, hook: impl Fn(&Lag) + Send + Sync + 'static) -> LagHook {
        let hook = Arc::new(Hook(Some(Box::new(hook))));
        let added = LagHook { hooks: Arc::downgrade(self), hook: Arc::downgrade(&hook) };
        self.replace(|hooks| hooks.iter().chain([&hook]).cloned().collect());
        added
    }

    fn remove(&self, hook: Arc<Hook>) {
        self.replace(|hooks| hooks.iter().filter(|other| !Arc::ptr_eq(other, &hook)).cloned().collect());
        // The last share, unless it is being called: whose panic that is, is clear.
        drop(hook);
        self.displaced.sweep();
    }

    /// Replaces the list, unless the bus is closed.
    fn replace(&self, change: impl Fn(&[Arc<Hook>]) -> Box<[Arc<Hook>]>) {
        let mut is_changed = false;
        let before = self.list.rcu(|list| {
            is_changed = list.is_some();
            list.as_deref().map_or_else(|| Arc::clone(list), |hooks| Arc::new(Some(change(hooks))))
        });
        match is_changed {
            true => self.displaced.retire(before),
            // Who has closed the bus meanwhile could not drop the list that was looked at here.
            false => self.displaced.sweep(),
        }
    }

    /// Drops the hooks, for good. User code.
    pub(crate) fn close(&self, panics: &mut Panics) {
        if self.list.load().is_none() {
            return;
        }
        let before = self.list.swap(Arc::new(None));
        let hooks: Vec<_> = before.iter().flatten().map(Arc::clone).collect();
        self.displaced.retire(before);
        // The last shares, unless they are being called. (Shares of their own, because this is the
        // caller's bus: a panic is to be seen.)
        for hook in hooks {
            panics.catch(|| drop(hook));
        }
        self.displaced.sweep();
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hooks = self.list.load().as_deref().map_or(0, <[_]>::len);
        f.debug_struct("Hooks").field("hooks", &hooks).finish_non_exhaustive()
    }
}

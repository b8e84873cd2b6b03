//! How old assets may get: of each that has a limit, when it is passed is a timer; that it was
//! passed is told once for each last event, and that it has changed since is told after that.

use std::collections::BTreeMap;

use crate::callback::Told;
use crate::decision::{About, Decision};
use crate::index::Timer;
use crate::types::asset::{AssetEvent, AssetEventKind};
use crate::types::callback::CallbackEvent;
use crate::types::event::Severity;
use crate::types::{AssetName, Timestamp, duration};
use crate::when;

/// What last happened to an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssetNews {
    pub event_id: i64,
    pub timestamp: Timestamp,
    /// It was told that this is too long ago.
    pub is_told: bool,
}

/// The last event of each asset, and the timers that follow from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Freshness {
    pub(super) news: BTreeMap<AssetName, AssetNews>,
    pub(super) timers: BTreeMap<AssetName, Timestamp>,
}

impl Decision<'_> {
    /// An asset has changed: its time begins anew. That something is gone is no news.
    pub(super) fn is_fresh_again(&mut self, event: &AssetEvent) {
        if event.kind == AssetEventKind::Deleted {
            return;
        }
        let news = AssetNews { event_id: event.id, timestamp: event.timestamp, is_told: false };
        let before = self.state.freshness.news.insert(event.name.clone(), news);
        self.set_freshness_timer(&event.name);
        if before.is_some_and(|before| before.is_told) {
            self.tell_fresh(event);
        }
    }

    /// It was told that the asset is stale.
    fn tell_fresh(&mut self, event: &AssetEvent) {
        let (name, at) = (&event.name, when::iso(event.timestamp));
        let message = format!("asset `{name}` is fresh again: it changed at {at}");
        let told = Told {
            event: CallbackEvent::OnFresh,
            state: "fresh",
            reason: Some(&message),
            deadline: None,
        };
        self.call_back_asset(name, told);
        self.log(Severity::Info, "asset.fresh", About(None, None, None), None, message);
    }

    /// Sets the timers of all assets, after the definitions have changed.
    pub(super) fn set_freshness_timers(&mut self) {
        let known = self.state.freshness.news.keys().cloned().collect::<Vec<_>>();
        for name in known {
            self.set_freshness_timer(&name);
        }
    }

    fn set_freshness_timer(&mut self, name: &AssetName) {
        let timer = Timer::Freshness(name.clone());
        if let Some(at) = self.state.freshness.timers.remove(name) {
            self.state.index.timers.remove(&(at, timer.clone()));
        }
        let limit = self.state.deck.assets.get(name).and_then(|asset| asset.freshness);
        let news = self.state.freshness.news.get(name).filter(|news| !news.is_told);
        let (Some(limit), Some(news)) = (limit, news) else { return };
        let at = when::after(news.timestamp, limit);
        self.state.freshness.timers.insert(name.clone(), at);
        self.state.index.timers.insert((at, timer));
    }

    /// An asset is older than it may get.
    pub(super) fn asset_too_old(&mut self, name: &AssetName) {
        self.state.freshness.timers.remove(name);
        let limit = self.state.deck.assets.get(name).and_then(|asset| asset.freshness);
        let news = self.state.freshness.news.get_mut(name);
        let (Some(limit), Some(news)) = (limit, news) else { return };
        news.is_told = true;
        let (event_id, last) = (news.event_id, when::iso(news.timestamp));
        self.draft.put_asset_stale(name.clone(), event_id);
        let limit = duration::text(limit);
        let message =
            format!("asset `{name}` is stale: it last changed at {last}, more than {limit} ago");
        let told = Told {
            event: CallbackEvent::OnStale,
            state: "stale",
            reason: Some(&message),
            deadline: None,
        };
        self.call_back_asset(name, told);
        self.log(Severity::Warning, "asset.stale", About(None, None, None), None, message);
    }
}

//! How much of an image was moved, over all of its layers.

use std::collections::HashMap;
use std::hash::Hash;

/// Bytes of one layer, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// Moved so far.
    pub(crate) done: u64,
    /// To be moved, as far as known.
    pub(crate) total: u64,
}

/// The transfers of one pull or push, by what tells its layers apart.
#[derive(Debug)]
pub(crate) struct Layers<K> {
    by_key: HashMap<K, Transfer>,
}

impl<K> Default for Layers<K> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash> Layers<K> {
    /// Notes how far a layer is.
    pub(crate) fn set(&mut self, key: K, transfer: Transfer) {
        self.by_key.insert(key, transfer);
    }

    /// Notes that all of a layer was moved; `None` when nothing was heard of it before.
    pub(crate) fn complete(&mut self, key: &K) -> Option<()> {
        let layer = self.by_key.get_mut(key)?;
        layer.done = layer.total;
        Some(())
    }

    /// All layers together.
    pub(crate) fn sum(&self) -> Transfer {
        let none = Transfer::default();
        self.by_key.values().fold(none, |sum, layer| Transfer {
            done: sum.done.saturating_add(layer.done),
            total: sum.total.saturating_add(layer.total),
        })
    }
}

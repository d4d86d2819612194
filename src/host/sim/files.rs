//! The files of the simulated host.

use std::path::{Path, PathBuf};

use super::content::names_in;
use super::{Locks, SimHost};
use crate::host::error::{HostError, Trouble};
use crate::host::facts::Inodes;
use crate::host::{Access, Durability, Files, Held, HostResult, LockAttempt, Owner};

#[derive(Debug)]
pub(crate) struct SimLock {
    path: PathBuf,
    locks: Locks,
}
impl Held for SimLock {}
impl Drop for SimLock {
    fn drop(&mut self) {
        self.locks.borrow_mut().remove(&self.path);
    }
}

impl Files for SimHost {
    type Lock = SimLock;

    async fn read(&self, path: &Path) -> HostResult<Option<Vec<u8>>> {
        self.call("read")?;
        let world = self.world.borrow();
        Ok(world.files.get(path).map(|bytes| bytes.to_vec()))
    }
    async fn replace(&self, path: &Path, bytes: &[u8], _: Owner, _: Access) -> HostResult<()> {
        self.write("replace")?;
        self.change_files("replace", &[path], |world| {
            world.files.insert(path.into(), bytes.to_vec().into());
        })
        .await;
        Ok(())
    }
    async fn replace_with(&self, spare: &Path, path: &Path, bytes: &[u8]) -> HostResult<()> {
        self.call("replace_with")?;
        let room = self
            .world
            .borrow()
            .files
            .get(spare)
            .map(|spare| spare.len());
        if room.is_none_or(|room| room < bytes.len()) {
            return Err(HostError::new(Trouble::Missing, "replace_with (simulated)"));
        }
        self.change_files("replace_with", &[spare, path], |world| {
            world.files.remove(spare);
            world.files.insert(path.into(), bytes.to_vec().into());
        })
        .await;
        Ok(())
    }
    async fn remove(&self, path: &Path, _: Owner) -> HostResult<()> {
        self.call("remove")?;
        let reserved = path.iter().any(|part| part == "reserve");
        if reserved && self.world.borrow().files.contains_key(path) {
            self.faults.give_up_room();
        }
        self.change_files("remove", &[path], |world| {
            world.files.remove(path);
        })
        .await;
        Ok(())
    }
    async fn keep_copy(&self, from: &Path, to: &Path, _: Owner) -> HostResult<()> {
        self.write("keep_copy")?;
        self.change_files("keep_copy", &[to], |world| {
            if let Some(bytes) = world.files.get(from).cloned() {
                world.files.insert(to.into(), bytes);
            }
        })
        .await;
        Ok(())
    }
    async fn rename(&self, from: &Path, to: &Path) -> HostResult<()> {
        self.call("rename")?;
        self.change_files("rename", &[from, to], |world| {
            if let Some(bytes) = world.files.remove(from) {
                world.files.insert(to.into(), bytes.to_vec().into());
            }
        })
        .await;
        Ok(())
    }
    async fn append(&self, path: &Path, bytes: &[u8], durability: Durability) -> HostResult<()> {
        let half = bytes.len() / 2;
        if let Err(error) = self.write("append") {
            // A full disk takes a part of it; whoever could not sync has written all of it.
            let left = match error.trouble {
                Trouble::DiskFull => &bytes[..half],
                _ => bytes,
            };
            self.world.borrow_mut().append(path, left);
            return Err(error);
        }
        if durability == Durability::Written {
            // Nobody acts on these lines, so dying around them is no history of its own.
            self.world.borrow_mut().append(path, bytes);
            return Ok(());
        }
        self.point().await;
        self.picture_torn(path, bytes);
        let (first, second) = bytes.split_at(half);
        self.world.borrow_mut().append(path, first);
        self.world.borrow_mut().sync(path);
        // Torn: half of the line is on disk.
        self.point().await;
        self.world.borrow_mut().append(path, second);
        // Whole, not yet synced.
        self.point().await;
        self.world.borrow_mut().sync(path);
        self.point().await;
        Ok(())
    }
    async fn read_from(&self, path: &Path, from: u64, most: usize) -> HostResult<Vec<u8>> {
        let world = self.world.borrow();
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let bytes = world.files.get(path).and_then(|bytes| bytes.get(from..));
        let bytes = bytes.unwrap_or_default().iter();
        Ok(bytes.take(most).copied().collect())
    }
    async fn written_ms(&self, path: &Path) -> HostResult<Option<u64>> {
        // Every file is as old as the simulation: nothing but its absence and its age matter to anybody.
        let is_there = self.world.borrow().files.contains_key(path);
        Ok(is_there.then_some(super::BEGAN_MS))
    }
    async fn empty(&self, path: &Path) -> HostResult<()> {
        self.write("empty")?;
        self.world
            .borrow_mut()
            .files
            .insert(path.into(), Vec::new().into());
        Ok(())
    }
    async fn make_folder(&self, _: &Path) -> HostResult<()> {
        self.call("make_folder")
    }
    async fn make_private(&self, _: &Path) -> HostResult<()> {
        self.call("make_private")
    }
    async fn make_root_folder(&self, _: &Path) -> HostResult<()> {
        self.call("make_root_folder")
    }
    async fn list(&self, path: &Path) -> HostResult<Vec<String>> {
        self.call("list")?;
        Ok(names_in(&self.world.borrow().files, path))
    }
    async fn free_bytes(&self, _: &Path) -> HostResult<u64> {
        self.call("free_bytes")?;
        Ok(self.faults.free_bytes.get().unwrap_or(u64::MAX))
    }
    async fn inodes(&self, _: &Path) -> HostResult<Inodes> {
        self.call("inodes")?;
        let many = Inodes {
            free: 900,
            total: 1000,
        };
        Ok(self.faults.inodes.get().unwrap_or(many))
    }
    async fn try_lock(&self, path: &Path, holder: &str) -> HostResult<LockAttempt<SimLock>> {
        self.call("try_lock")?;
        if let Some(holder) = self.locks.borrow().get(path) {
            return Ok(LockAttempt::HeldBy(holder.clone()));
        }
        let (path, locks) = (path.to_owned(), self.locks.clone());
        locks.borrow_mut().insert(path.clone(), holder.to_owned());
        Ok(LockAttempt::Taken(SimLock { path, locks }))
    }
    async fn resolve(&self, _: &str) -> HostResult<PathBuf> {
        self.call("resolve").map(|()| "/home/u".into())
    }
}

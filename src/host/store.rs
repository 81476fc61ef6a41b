//! The store of a machine on a host: one file, with transactions (redb).

#[cfg(test)]
mod tests;

use std::boxed::Box;
use std::fmt;
use std::format;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::string::{String, ToString};

use redb::{
    Builder, Database, DatabaseError, ReadableTable, StorageBackend, StorageError, TableDefinition,
    TableError, WriteTransaction,
};

use crate::store::{Loaded, RecordKey, Store, StoreError};

const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("farpost.scos.records");

/// Octets of the file that are kept in memory.
const CACHE: usize = 4 << 20;

/// Why a file cannot be used as a store.
#[derive(Debug)]
pub struct OpenError {
    file: PathBuf,
    problem: String,
    in_use: bool,
}

impl OpenError {
    /// Whether another process has it.
    #[must_use]
    pub const fn is_in_use(&self) -> bool {
        self.in_use
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        if self.in_use {
            return write!(f, "{file} is the store of a program that runs");
        }
        write!(f, "{file} cannot be used as a store: {}", self.problem)
    }
}

impl std::error::Error for OpenError {}

/// A store in a file. One process has it at a time.
///
/// What is put and removed is one transaction, which [`Store::sync`] commits: after a
/// loss of power all of it is there or none. It is checked when it is opened after
/// one, and repaired.
///
/// Once the file has failed it is opened anew, for what failed may work again.
pub struct FileStore {
    database: Option<Database>,
    open: Option<Box<WriteTransaction>>,
    file: Option<PathBuf>,
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// Opens a file, or makes it. A file is made under another name and given its own once it
/// is whole: power lost meanwhile leaves none that cannot be opened.
fn create(file: &Path) -> Result<Database, DatabaseError> {
    let failed = |error| DatabaseError::Storage(StorageError::Io(error));
    if !file.try_exists().map_err(failed)? {
        let mut name = file.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.new", process::id()));
        let new = file.with_file_name(name);
        let made = make(&new).and_then(|()| match fs::hard_link(&new, file) {
            // Another process has made it meanwhile.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => synchronise(file.parent()).map_err(failed),
        });
        let removed = fs::remove_file(&new);
        made.and_then(|()| removed.map_err(failed))?;
    }
    builder().create(file)
}

/// Makes an empty store; what was left under its name by a process that died goes.
fn make(new: &Path) -> Result<(), DatabaseError> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DatabaseError::Storage(StorageError::Io(error)))
        }
        _ => builder().create(new).map(drop),
    }
}

/// Makes the names in a directory durable, where the system can.
fn synchronise(directory: Option<&Path>) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let here = Path::new(".");
    let directory = directory.filter(|path| !path.as_os_str().is_empty()).unwrap_or(here);
    fs::File::open(directory)?.sync_all()
}

impl FileStore {
    /// Opens `file`, which is made if it is not there.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        match create(file) {
            Ok(database) => {
                Ok(Self { database: Some(database), open: None, file: Some(file.into()) })
            }
            Err(error) => Err(OpenError {
                file: file.into(),
                in_use: matches!(error, DatabaseError::DatabaseAlreadyOpen),
                problem: error.to_string(),
            }),
        }
    }

    /// A store over something other than a file. It is empty where that has no octets;
    /// power lost before this returns for the first time leaves what is no store.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when what is there is no store, [`StoreError::Failed`]
    /// when it cannot be read.
    pub fn over(backend: impl StorageBackend) -> Result<Self, StoreError> {
        match builder().create_with_backend(backend) {
            Ok(database) => Ok(Self { database: Some(database), open: None, file: None }),
            Err(DatabaseError::Storage(StorageError::Io(_))) => Err(StoreError::Failed),
            Err(_) => Err(StoreError::Foreign),
        }
    }

    fn write(
        &mut self,
        change: impl FnOnce(&mut redb::Table<'_, &[u8], &[u8]>) -> Result<(), StorageError>,
    ) -> Result<(), StoreError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => match self.database()?.begin_write() {
                Ok(open) => Box::new(open),
                Err(_) => return Err(self.failed()),
            },
        };
        let changed = open.open_table(RECORDS).is_ok_and(|mut table| change(&mut table).is_ok());
        if !changed {
            // The whole transaction is given up: what it had is put again.
            drop(open);
            return Err(self.failed());
        }
        self.open = Some(open);
        Ok(())
    }

    fn database(&mut self) -> Result<&Database, StoreError> {
        if let (None, Some(file)) = (&self.database, &self.file) {
            self.database = create(file).ok();
        }
        self.database.as_ref().ok_or(StoreError::Failed)
    }

    /// A database that has failed does nothing more.
    fn failed(&mut self) -> StoreError {
        if self.file.is_some() {
            self.database = None;
        }
        StoreError::Failed
    }
}

impl Store for FileStore {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        let failed = |_| StoreError::Failed;
        let read = self.database()?.begin_read().map_err(|_| StoreError::Failed)?;
        let table = match read.open_table(RECORDS) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Loaded::default()),
            Err(TableError::Storage(_)) => return Err(StoreError::Failed),
            Err(_) => return Err(StoreError::Foreign),
        };
        let mut loaded = Loaded::default();
        for row in table.iter().map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            match key.value().try_into() {
                Ok(key) => each(&RecordKey::new(key), value.value()),
                Err(_) => loaded.damaged = loaded.damaged.saturating_add(1),
            }
        }
        Ok(loaded)
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        self.write(|table| table.insert(key.octets().as_slice(), value).map(|_| ()))
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        self.write(|table| table.remove(key.octets().as_slice()).map(|_| ()))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        match self.open.take() {
            Some(open) => open.commit().map_err(|_| self.failed()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("open", &self.open.is_some()).finish_non_exhaustive()
    }
}

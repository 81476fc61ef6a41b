//! A program that makes changes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is asked whether it has ended: short to begin with, for most are done soon.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LAST_LOOK: Duration = Duration::from_millis(50);

/// A program, run once for each change.
pub(super) struct Program {
    file: PathBuf,
    limit: Duration,
}

impl Program {
    pub(super) fn new(file: &Path, limit: Duration) -> Self {
        Self { file: file.to_owned(), limit }
    }

    /// Runs it with `line` as its standard input, and waits for its end. What it prints
    /// goes to standard error.
    pub(super) fn run(&self, line: &str) -> Result<(), String> {
        let mut child = Command::new(&self.file)
            .stdin(Stdio::piped())
            .stdout(std::io::stderr())
            .spawn()
            .map_err(|error| format!("{}: {error}", self.file.display()))?;
        let input = child.stdin.take();
        let text = format!("{line}\n");
        // It need not read: a pipe that is full holds up none but this thread, until the
        // program has ended.
        let writer = thread::spawn(move || {
            if let Some(mut input) = input {
                let _ = input.write_all(text.as_bytes());
            }
        });
        let ended = self.wait(&mut child);
        let _ = writer.join();
        match ended {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(format!("{}: {status}", self.file.display())),
            Ok(None) => {
                let limit = self.limit.as_secs_f64();
                Err(format!("{}: ended, for it took {limit} s", self.file.display()))
            }
            Err(error) => Err(format!("{}: {error}", self.file.display())),
        }
    }

    /// Its exit status; `None` when it took too long and was ended.
    fn wait(&self, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
        let began = Instant::now();
        let mut look = FIRST_LOOK;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if began.elapsed() >= self.limit {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(look);
            look = (look * 2).min(LAST_LOOK);
        }
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test may stop on anything")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
        let file = directory.join(name);
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    #[test]
    fn its_exit_status_says_whether_the_change_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let (path, limit) = (directory.path(), Duration::from_secs(60));
        let kept = path.join("kept");
        let good = script(path, "good", &format!("cat > {}", kept.display()));
        assert_eq!(Program::new(&good, limit).run(r#"{"event":"apply"}"#), Ok(()));
        assert_eq!(fs::read_to_string(kept).unwrap(), "{\"event\":\"apply\"}\n");
        // Longer than any pipe, and not read.
        let deaf = script(path, "deaf", "exit 0");
        assert_eq!(Program::new(&deaf, limit).run(&"x".repeat(1 << 20)), Ok(()));

        let bad = script(path, "bad", "exit 3");
        let problem = Program::new(&bad, limit).run("{}").unwrap_err();
        assert!(problem.contains("exit status: 3"), "{problem}");
        let problem = Program::new(&path.join("none"), limit).run("{}").unwrap_err();
        assert!(problem.contains("none: "), "{problem}");
        let slow = script(path, "slow", "exec sleep 60");
        let problem = Program::new(&slow, Duration::from_millis(50)).run("{}").unwrap_err();
        assert!(problem.contains("it took 0.05 s"), "{problem}");
    }
}

//! The example `controller`, run as a user runs it: as a process, on real files.

mod common;

use common::example::example;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A manifest that every validator accepts, wherever it is.
const SOUND: &str = "[package]\nname = \"sound\"\nedition = \"2024\"\nlicense = \"MIT\"\nrust-version = \"1.85\"\n";

/// A directory for one test, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("ringbus-controller-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }

    /// Writes a file, and the directories that it is in.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder is writable");
        fs::write(&path, content).expect("the folder is writable");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn controller() -> Command {
    example("controller")
}

/// What a run has printed, and how it ended.
struct Run {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    /// A run that waits for its validators as long as it takes.
    fn of<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self::with(["--timeout", "60000"], arguments)
    }

    fn with<A: AsRef<OsStr>>(
        options: impl IntoIterator<Item = &'static str>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut controller = controller();
        controller.args(options).args(arguments).stdin(Stdio::null());
        Self::from(controller.output().expect("it can be run"))
    }

    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
        let run = Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        assert!(!run.err.contains("panicked"), "it must not panic:\n{}", run.err);
        run
    }

    #[track_caller]
    fn assert_applied(&self, files: usize) {
        assert_eq!(self.status, Some(0), "everything is applied:\n{}{}", self.out, self.err);
        assert_eq!(self.err, "", "a success has nothing to complain about");
        self.assert_says(&format!("{files} applied, 0 refused in "));
    }

    /// Asserts that it failed, and that a line on standard error names the file and the reason.
    #[track_caller]
    fn assert_refused(&self, path: &Path, reason: &str) {
        assert_eq!(self.status, Some(1), "something is refused:\n{}{}", self.out, self.err);
        let path = path.to_str().expect("test paths are UTF-8");
        let told = self.err.lines().any(|line| line.contains(path) && line.contains(reason));
        assert!(told, "{path:?} with {reason:?} is on standard error:\n{}", self.err);
        assert!(self.out.contains(reason), "{reason:?} is in the timeline:\n{}", self.out);
    }

    #[track_caller]
    fn assert_says(&self, text: &str) {
        assert!(self.out.contains(text), "{text:?} is printed:\n{}", self.out);
    }

    /// How many lines of the timeline are events of this type.
    fn count(&self, event_type: &str) -> usize {
        self.out.lines().filter(|line| line.split_whitespace().nth(2) == Some(event_type)).count()
    }
}

#[test]
fn without_arguments_the_manifests_of_this_repository_are_applied_after_a_replay() {
    let run = Run::of::<&str>([]);
    assert_eq!(run.err, "");
    assert_eq!(run.status, Some(0), "{}", run.out);
    let files = run.count("config.loaded");
    assert!(files >= 1, "{}", run.out);
    run.assert_applied(files);
    run.assert_says(&format!("The bus has started: {} events from before are replayed", files + 1));
    assert_eq!(run.count("validation.asked"), files, "one request a file:\n{}", run.out);
    assert_eq!(run.count("verdict.accepted"), 3 * files, "{}", run.out);
    assert_eq!(run.count("rollout.applied"), files, "{}", run.out);
    assert_eq!(run.count("rollout.finished"), 1, "{}", run.out);
}

#[test]
fn missing_file_is_refused() {
    let folder = Folder::new("missing");
    let path = folder.0.join("missing.toml");
    Run::of([&path]).assert_refused(&path, "cannot read this file");
}

#[test]
fn file_that_is_not_utf8_is_refused_with_its_line() {
    let folder = Folder::new("utf8");
    let path = folder.write("latin-1.toml", b"name = \"x\"\ncity = \"K\xf6ln\"\n");
    Run::of([&path]).assert_refused(&path, "not UTF-8: line 2, byte 21 of the file");
}

#[test]
fn file_that_is_not_toml_is_refused_once_with_line_and_column() {
    let folder = Folder::new("syntax");
    let path = folder.write("broken", "# Ä\n[package]\nname = sound\n");
    let run = Run::of([&path]);
    run.assert_refused(&path, "syntax: line 3, column 8: ");
    assert_eq!(run.err.lines().count(), 1, "one reason is enough:\n{}", run.err);
    assert_eq!(run.count("verdict.accepted"), 2, "the other validators answer all the same:\n{}", run.out);
}

#[test]
fn package_that_leaves_something_unstated_is_refused_with_all_that_is_missing() {
    let folder = Folder::new("policy");
    let path = folder.write("Cargo.toml", "[package]\nname = \"terse\"\nedition.workspace = true\n");
    let run = Run::of([&path]);
    run.assert_refused(&path, "policy: [package] does not state a licence");
    run.assert_refused(&path, "policy: [package] does not state `rust-version`");
    assert_eq!(run.err.lines().count(), 2, "the edition is stated by the workspace:\n{}", run.err);
}

#[test]
fn manifest_that_names_paths_which_do_not_exist_is_refused_with_each() {
    let folder = Folder::new("references");
    folder.write("present/Cargo.toml", SOUND);
    folder.write("README.md", "");
    let path = folder.write(
        "Cargo.toml",
        format!(
            "{SOUND}build = \"build.rs\"\nreadme = \"README.md\"\nlicense-file = \"LICENSE\"\n\
             [lib]\npath = \"src/library.rs\"\n\
             [[bin]]\nname = \"b\"\npath = \"src/b.rs\"\n\
             [dependencies]\npresent = {{ path = \"present\" }}\nabsent = {{ path = \"absent\" }}\nserde = \"1\"\n\
             [target.'cfg(unix)'.dev-dependencies]\nunixoid = {{ path = \"unixoid\" }}\n\
             [workspace]\nmembers = [\"present\", \"crates/*\", \"lost\"]\n\
             [workspace.dependencies]\nshared = {{ path = \"shared\" }}\n"
        ),
    );
    let run = Run::of([&path]);
    let missing = [
        "package.build: `build.rs`",
        "package.license-file: `LICENSE`",
        "lib.path: `src/library.rs`",
        "bin.path: `src/b.rs`",
        "dependencies.absent.path: `absent`",
        "target.cfg(unix).dev-dependencies.unixoid.path: `unixoid`",
        "workspace.members `crates/*`: `crates/`",
        "workspace.members: `lost`",
        "workspace.dependencies.shared.path: `shared`",
    ];
    for reason in missing {
        run.assert_refused(&path, &format!("references: {reason}"));
    }
    assert_eq!(run.err.lines().count(), missing.len(), "what exists is not complained about:\n{}", run.err);
}

#[test]
fn one_refusal_does_not_hold_up_the_others() {
    let folder = Folder::new("mixed");
    let sound = folder.write("a.toml", SOUND);
    let broken = folder.write("b.toml", "=");
    let run = Run::of([&sound, &broken]);
    run.assert_refused(&broken, "syntax: line 1, column 1: ");
    run.assert_says("1 applied, 1 refused in ");
    assert_eq!(run.count("rollout.applied"), 1, "{}", run.out);
}

#[test]
fn directory_of_two_hundred_files_is_applied_and_only_the_lossy_gauge_loses_events() {
    let folder = Folder::new("many");
    for number in 0..200 {
        folder.write(&format!("part-{}/config-{number}.toml", number % 7), SOUND);
    }
    folder.write("notes.txt", "not TOML, and not asked for");
    folder.write("target/broken.toml", "=");
    folder.write(".git/broken.toml", "=");
    let run = Run::of([&folder.0]);
    run.assert_applied(200);
    assert_eq!(run.count("config.loaded"), 200, "{}", run.out);
    assert_eq!(run.count("verdict.accepted"), 600, "{}", run.out);
    assert_eq!(run.count("rollout.applied"), 200, "{}", run.out);

    let received = [
        ("syntax", "200"),
        ("references", "200"),
        ("policy", "200"),
        ("reconciler", "201"),
        ("notifier", "1"),
        ("commentator", "1202"),
    ];
    for (subscriber, received) in received {
        let columns = run.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = columns.into_iter().find(|columns| columns.first() == Some(&subscriber)).expect("it is in the table");
        assert_eq!(row[1..3], [received, "0"], "{subscriber} received everything and lost nothing");
    }
}

#[test]
fn file_named_twice_is_rolled_out_once() {
    let folder = Folder::new("twice");
    let path = folder.write("a.toml", SOUND);
    Run::of([&path, &path, &folder.0]).assert_applied(1);
}

#[test]
fn toml_that_is_no_manifest_has_nothing_to_state() {
    let folder = Folder::new("other");
    let other = folder.write("release.toml", "[[package]]\nname = \"x\"\npath = \"nowhere\"\n");
    let empty = folder.write("empty.toml", "");
    let workspace = folder.write("Cargo.toml", "[workspace]\nmembers = [\"*\"]\n");
    Run::of([other, empty, workspace]).assert_applied(3);
}

#[test]
fn empty_directory_is_a_failure_with_a_reason() {
    let folder = Folder::new("empty");
    let run = Run::of([&folder.0]);
    assert_eq!(run.status, Some(1));
    assert_eq!(run.err, "controller: found no configuration to roll out\n");
}

#[test]
fn option_that_is_not_understood_shows_the_usage() {
    let mistakes: [(&[&str], &str); 9] = [
        (&["--frobnicate"], "unknown option --frobnicate"),
        (&["--slow"], "--slow takes the name of a validator: syntax, references or policy"),
        (&["--slow", "nobody"], "--slow takes the name of a validator: syntax, references or policy"),
        (&["--min", "0"], "--min takes a number from 1 to 3"),
        (&["--min", "4"], "--min takes a number from 1 to 3"),
        (&["--min", "two"], "--min takes a number from 1 to 3"),
        (&["--min"], "--min takes a number from 1 to 3"),
        (&["--timeout", "0"], "--timeout takes a number from 1 to 3600000"),
        (&["--timeout", "-1"], "--timeout takes a number from 1 to 3600000"),
    ];
    for (arguments, complaint) in mistakes {
        let run = Run::of(arguments);
        assert_eq!(run.status, Some(2));
        assert!(run.err.contains(complaint), "{arguments:?}: {}", run.err);
        assert!(run.err.contains("Usage: controller"), "{}", run.err);
        assert_eq!(run.out, "");
    }
}

#[test]
fn slow_validator_is_waited_for_until_the_timeout_and_then_missing() {
    let folder = Folder::new("slow");
    let path = folder.write("a.toml", "[package]\nname = \"terse\"\n");
    let run = Run::with(["--slow", "syntax", "--timeout", "2000"], [&path]);
    run.assert_refused(&path, "no response from syntax");
    // The partial result counts: what the others had found is told as well.
    run.assert_refused(&path, "policy: [package] does not state `edition`");
    run.assert_says("0 applied, 1 refused in ");
}

#[test]
fn two_of_three_are_enough_where_that_is_asked_for() {
    let folder = Folder::new("degraded");
    let path = folder.write("a.toml", SOUND);
    let run = Run::with(["--slow", "policy", "--min", "2", "--timeout", "2000"], [&path]);
    run.assert_applied(1);
    let applied = run.out.lines().find(|line| line.contains("rollout.applied")).expect("it is in the timeline");
    assert!(applied.ends_with("no response from policy"), "it is applied, and that is said:\n{}", run.out);
}

#[test]
fn help_is_no_error() {
    let run = Run::of(["--help"]);
    assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    run.assert_says("Usage: controller");
}

#[test]
fn closed_output_does_not_change_the_outcome() {
    let folder = Folder::new("closed-output");
    let sound = folder.write("a.toml", SOUND);
    let broken = folder.write("b.toml", "=");
    for (path, status) in [(sound, 0), (broken, 1)] {
        // A pipe that nobody reads any more: the input of a process that has ended.
        let mut reader =
            controller().arg("--help").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it can be run");
        let pipe = reader.stdin.take().expect("it is piped");
        reader.wait().expect("it was started");
        let output = controller().arg(&path).stdout(pipe).stderr(Stdio::piped()).output().expect("it can be run");
        let run = Run::from(output);
        assert_eq!(run.status, Some(status), "{}", run.err);
    }
}

#[cfg(unix)]
#[test]
fn fifo_is_refused_and_not_waited_for() {
    let folder = Folder::new("fifo");
    let path = folder.0.join("fifo.toml");
    assert!(Command::new("mkfifo").arg(&path).status().expect("every Unix has mkfifo").success());
    Run::of([&path]).assert_refused(&path, "not a regular file");
}

#[cfg(unix)]
#[test]
fn symbolic_link_to_a_parent_directory_is_not_followed() {
    let folder = Folder::new("link");
    folder.write("deep/a.toml", SOUND);
    std::os::unix::fs::symlink(&folder.0, folder.0.join("deep/loop.toml")).expect("links can be made");
    Run::of([&folder.0]).assert_applied(1);
}

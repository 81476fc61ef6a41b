//! The documents under `docs/` name what there is: tests, files and sizes.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop on anything")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The column of a table whose backticked words are names of tests.
const TESTS: &str = "tests";
/// The column that says whether a clause or a requirement is met.
const STATE: &str = "state";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below `directory` whose names end in `.extension`.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The names of all functions that are marked as tests.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in ["src", "tests"].iter().flat_map(|name| files(&root().join(name), "rs")) {
        let mut marked = false;
        for line in text(&path).lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("fn ") {
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                if marked {
                    names.insert(name.to_owned());
                }
                marked = false;
            }
            marked |= line == "#[test]";
        }
    }
    names
}

/// A row of a table, with the heads of its columns.
struct Row {
    line: usize,
    heads: Vec<String>,
    cells: Vec<String>,
}

impl Row {
    fn cell(&self, head: &str) -> Option<&str> {
        let column = self.heads.iter().position(|other| other == head)?;
        self.cells.get(column).map(String::as_str)
    }
}

/// The rows of all tables of a document.
fn rows(document: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut heads: Vec<String> = Vec::new();
    for (number, line) in (1..).zip(document.lines()) {
        let Some(inner) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            heads.clear();
            continue;
        };
        let cells: Vec<String> = inner.split('|').map(|cell| cell.trim().to_owned()).collect();
        if heads.is_empty() {
            heads = cells;
        } else if !inner.chars().all(|letter| matches!(letter, '-' | '|' | ':' | ' ')) {
            rows.push(Row { line: number, heads: heads.clone(), cells });
        }
    }
    rows
}

/// The words of `text` that stand between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_is_named_exists() {
    let known = tests();
    for name in ["conformance.md", "faults.md", "requirements.md"] {
        let (mut named, mut wrong) = (0, Vec::new());
        for row in rows(&text(&root().join("docs").join(name))) {
            let Some(cell) = row.cell(TESTS) else { continue };
            for test in quoted(cell) {
                named += 1;
                if !known.contains(test) {
                    wrong.push(format!("docs/{name}:{}: no test is called {test}", row.line));
                }
            }
        }
        assert!(named > 30, "docs/{name} names {named} tests: was the column renamed?");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn what_is_done_names_a_test() {
    for name in ["conformance.md", "requirements.md"] {
        let mut done = 0;
        for row in rows(&text(&root().join("docs").join(name))) {
            let (Some(state), Some(cell)) = (row.cell(STATE), row.cell(TESTS)) else { continue };
            let at = format!("docs/{name}:{}", row.line);
            assert_eq!(row.cells.len(), row.heads.len(), "{at}: cells of a row");
            assert!(
                ["done", "part", "later", "option", "n/a"].contains(&state),
                "{at}: no state is called {state}"
            );
            if state == "done" {
                done += 1;
                assert!(quoted(cell).next().is_some(), "{at}: done, and no test says so");
            }
        }
        assert!(done > 10, "docs/{name}: {done} rows are done: was the column renamed?");
    }
}

/// The faults of the service, as the code has them: variant and name.
fn faults() -> BTreeSet<(String, String)> {
    let code = text(&root().join("src/ams/service.rs"));
    let body = code.split("pub const fn name(&self)").nth(1).unwrap();
    let arms = body.lines().map(str::trim).skip(2).take_while(|line| line.starts_with("Self::"));
    arms.map(|arm| {
        let (pattern, name) = arm.split_once(" => ").unwrap();
        let variant = pattern.trim_start_matches("Self::").split(['(', ' ']).next().unwrap();
        (variant.to_owned(), name.trim_matches(['"', ',']).to_owned())
    })
    .collect()
}

#[test]
fn every_fault_is_documented_under_its_name() {
    let mut documented = BTreeSet::new();
    for row in rows(&text(&root().join("docs/faults.md"))) {
        let [fault, name] = ["fault", "name"].map(|head| {
            quoted(row.cell(head).unwrap()).next().map(str::to_owned).unwrap_or_default()
        });
        assert!(quoted(row.cell(TESTS).unwrap()).next().is_some(), "line {}: no test", row.line);
        assert!(documented.insert((fault, name)), "line {}: it is there twice", row.line);
    }
    assert!(documented.len() > 20, "{documented:?}");
    assert_eq!(documented, faults());
}

#[test]
fn every_clause_stands_once_and_in_order() {
    let document = text(&root().join("docs/conformance.md"));
    let mut last: Vec<u32> = Vec::new();
    let mut seen = 0;
    for row in rows(&document) {
        let (Some(clause), Some(_)) = (row.cell("clause"), row.cell(STATE)) else { continue };
        let number: Vec<u32> = clause
            .split('.')
            .map(|part| part.parse().unwrap_or_else(|_| panic!("line {}: {clause}", row.line)))
            .collect();
        assert!(number > last, "line {}: {clause} stands behind a later one", row.line);
        last = number;
        seen += 1;
    }
    assert!(seen > 150, "{seen} clauses");
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for path in files(&root().join("docs"), "md") {
        let document = text(&path);
        let targets = document.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let at = path.parent().unwrap().join(file);
            let to = if file.is_empty() { path.clone() } else { at };
            assert!(to.exists(), "{}: {target} leads nowhere", path.display());
            if !section.is_empty() {
                let known = anchors(&text(&to));
                assert!(known.contains(section), "{}: {target} leads nowhere", path.display());
            }
            links += 1;
        }
    }
    assert!(links > 10, "{links} links");
}

/// Who begins reads these as a whole.
#[test]
fn the_first_programs_stay_short() {
    for name in ["minimal.rs", "publisher/main.rs"] {
        let program = text(&root().join("examples/firmware/src/bin").join(name));
        let lines = program.lines().count();
        assert!((50..=100).contains(&lines), "{name} has {lines} lines");
    }
}

/// The anchors of a document's headings.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let letters = line.trim_start_matches('#').trim().to_lowercase();
            let kept =
                letters.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
        })
        .collect()
}

/// What `docs/machines.md` says a slot takes is what it takes. Fewer octets are
/// taken where an address has 32 bits.
#[cfg(all(
    feature = "std",
    feature = "flash",
    feature = "management",
    feature = "southbound",
    target_pointer_width = "64"
))]
#[test]
fn slots_take_what_the_document_says() {
    use farpost::ams::{config_server, gateway, module, registrar};
    use farpost::scos::{self, actor, calendar, ssd, ssm};
    use farpost::storage::Slot;

    let sizes = [
        ("Peer", size_of::<Slot<module::Peer>>()),
        ("Rule", size_of::<Slot<module::Rule>>()),
        ("PendingQuery", size_of::<Slot<module::PendingQuery>>()),
        ("Member", size_of::<Slot<registrar::Member>>()),
        ("OtherRegistrar", size_of::<Slot<registrar::OtherRegistrar>>()),
        ("Dossier", size_of::<Slot<registrar::Dossier>>()),
        ("DossierRule", size_of::<Slot<registrar::DossierRule>>()),
        ("Cell", size_of::<Slot<config_server::Cell>>()),
        ("Neighbour", size_of::<Slot<gateway::Neighbour>>()),
        ("Petition", size_of::<Slot<gateway::Petition>>()),
        ("Parcel", size_of::<Slot<gateway::Parcel>>()),
        ("Block", size_of::<gateway::Block>()),
        ("SsdRecipe", size_of::<Slot<ssd::SsdRecipe>>()),
        ("StoredReport", size_of::<Slot<scos::StoredReport>>()),
        ("Summary", size_of::<scos::Summary>()),
        ("RegisteredDevice", size_of::<Slot<scos::RegisteredDevice>>()),
        ("DeviceMetadata", size_of::<scos::DeviceMetadata>()),
        ("Usage", size_of::<Slot<scos::messages::Usage>>()),
        ("DevicePlan", size_of::<calendar::DevicePlan>()),
        ("RecipeRow", size_of::<Slot<calendar::RecipeRow>>()),
        ("Booking", size_of::<Slot<ssm::Booking>>()),
        ("KnownActor", size_of::<Slot<ssm::KnownActor>>()),
        ("Attempts", size_of::<Slot<scos::Attempts>>()),
        ("ActorRequest", size_of::<Slot<actor::ActorRequest>>()),
        ("FlashRow", size_of::<Slot<farpost::store::flash::FlashRow>>()),
        ("ActorSetting", size_of::<Slot<scos::policy_manager::ActorSetting>>()),
        ("ScheduleRow", size_of::<Slot<farpost::southbound::schedule::ScheduleRow>>()),
        ("Answer", size_of::<farpost::southbound::agent::Answer>()),
        ("RequestRow", size_of::<Slot<farpost::southbound::controller::RequestRow>>()),
        ("Definition", size_of::<Slot<farpost::management::Definition>>()),
        ("Outgoing", size_of::<Slot<farpost::management::agent::Outgoing>>()),
        ("Address", size_of::<Slot<farpost::transport::Address>>()),
        ("KnownAgent", size_of::<Slot<farpost::management::manager::KnownAgent>>()),
        ("Letter", size_of::<Slot<farpost::management::manager::Letter>>()),
        ("Wanted", size_of::<Slot<farpost::management::manager::Wanted>>()),
    ];
    let document = text(&root().join("docs/machines.md"));
    let (mut said, mut wrong) = (BTreeSet::new(), Vec::new());
    for row in rows(&document) {
        let (Some(kind), Some(octets)) = (row.cell("row"), row.cell("octets")) else { continue };
        let kind = quoted(kind).next().unwrap();
        let (_, size) = sizes.iter().find(|(name, _)| *name == kind).unwrap();
        if octets.replace(',', "") != size.to_string() {
            wrong.push(format!("line {}: {kind} is {size}, not {octets}", row.line));
        }
        said.insert(kind.to_owned());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(said.len(), sizes.len(), "{said:?}");
}

//! Every input that is checked in holds what the targets check: without libFuzzer, in any build.

use std::path::Path;

use hss_sync_fuzz::TARGETS;

/// More would be too much to look through, and to check in.
const LARGEST: u64 = 20_000;

#[test]
fn every_input_of_the_corpus_holds() {
    let mut broken = Vec::new();
    for (name, check) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut inputs = 0;
        for entry in std::fs::read_dir(&folder).expect("a folder for each target") {
            let path = entry.expect("readable").path();
            let data = std::fs::read(&path).expect("a file");
            assert!(data.len() as u64 <= LARGEST, "{} has {} bytes", path.display(), data.len());
            if std::panic::catch_unwind(|| check(&data)).is_err() {
                broken.push(path);
            }
            inputs += 1;
        }
        assert!(inputs > 0, "{name} has no corpus");
    }
    assert!(broken.is_empty(), "see the panics above: {broken:#?}");
}

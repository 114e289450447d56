# Short names for the commands that CONTRIBUTING.md explains. `just` is a convenience: every recipe is one plain command.

# Lists the recipes.
default:
    @just --list

# Rehearses the quick start against the built-in simulator.
quickstart:
    cargo run --release -- run plans/quickstart.yaml --simulate

# Runs all tests, or those whose name contains the given words.
test *words:
    cargo test --locked {{ words }}

# What CI holds the code to, without the tests.
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo deny --offline check licenses bans sources

# Everything that CI runs.
ci:
    .ci/run

# All benchmarks, or those named: `just bench parts`, `just bench peers`.
bench *names:
    benches/run {{ names }}

# Prints the schema of plans, reports, events, journals or locks: `just schema report`.
schema what="plan":
    cargo run --locked --quiet -- schema {{ what }}

# Every command of this project. The work is in scripts/, where it can be read and reused.
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run build test end2end dev bench sim lint fmt audit clean

help: ## Show this list
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## Build in release mode and start everything on http://127.0.0.1:3000
	@exec scripts/run

build: ## Build the release server and the browser bundle
	@exec scripts/build

test: ## Run every test: Rust, both databases, browser, SDKs
	@exec scripts/test

end2end: ## Run the browser and SDK tests alone (debug build)
	@exec scripts/end2end

dev: ## Start with automatic rebuild and restart
	@exec scripts/dev

bench: ## Measure the gateway against a bare nginx, on this machine
	@exec scripts/bench

sim: ## Simulate a million requests to providers that fail, in virtual time
	@cargo run --quiet --release --locked --package gateway --features testing --example sim

lint: ## Check format, lints, documentation, spelling, dependencies
	@exec scripts/lint

fmt: ## Format the code
	@cargo fmt --all
	@if command -v leptosfmt >/dev/null; then find app/src -name '*.rs' -exec leptosfmt --quiet {} +; fi

audit: ## Check dependencies against the advisory database (needs the network)
	@cargo deny check advisories

clean: ## Remove everything that was built (not ./data)
	@cargo clean
	@rm -rf end2end/node_modules end2end/.venv end2end/test-results

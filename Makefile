# Graft: build, test, demo. `make help` lists the targets.

SHELL := /bin/bash
PREFIX ?= /usr/local
# The host's own instruction set doubles the speed of elementwise work. A binary for others: make MARCH=x86-64-v3
MARCH ?= native
SWIFT ?= swift
FLAGS := -c release $(if $(MARCH),-Xcc -march=$(MARCH))
GRAFT := .build/release/graft
SOURCES := Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Fuzzing/Package.swift Fuzzing/Sources
PACKAGES := libopenblas-dev libdnnl-dev libicu-dev libsentencepiece-dev zlib1g-dev

.PHONY: help setup build test check format lint parity resilience bench fuzz demo install clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## install the system libraries that are missing
	@scripts/setup $(PACKAGES)

build: setup ## build the program, for this machine
	$(SWIFT) build $(FLAGS) --product graft

test: setup ## install what is missing, build, and run every test
	$(SWIFT) build $(FLAGS)
	$(SWIFT) build $(FLAGS) --build-tests
	$(SWIFT) test $(FLAGS) --skip-build --disable-xctest

check: lint test ## what continuous integration runs: format, build, tests

format: ## rewrite the sources in the project's format
	$(SWIFT) format --in-place --recursive $(SOURCES)

lint: ## check format and rules
	$(SWIFT) format lint --strict --recursive $(SOURCES)

parity: build ## compare files that the program writes with the Python libraries (Tests/Golden/README.md)
	@Tests/Golden/parity $(GRAFT)

bench: build ## time the program beside its peers (Benchmarks/README.md)
	@Benchmarks/run $(GRAFT)

KILLS ?= 10
MODEL ?= all-MiniLM-L6-v2
resilience: build ## kill training KILLS times for each of three methods, resume it, and compare with runs left alone
	@for method in full lora pfeiffer; do \
		echo "$$method"; \
		GRAFT=$(GRAFT) Tests/Resilience/kill-and-resume $(KILLS) $(MODEL) corpora/tiny-sentiment/train.tsv \
			--method $$method --epochs 4 --checkpoint-every 3 || exit 1; \
	done

SECONDS_EACH ?= 60
PARSERS ?= FineTuningData JSON LabelledExamples Merges NPYFile SafeTensors SentencePiece ShardedCheckpoint \
	SpaCyVectors TensorFlowCheckpoint Tokenizer TokenizerConfiguration TorchCheckpoint VectorIndex Verification VocabularyText \
	WordVectors
fuzz: setup ## fuzz every parser of outside files, SECONDS_EACH seconds each
	$(SWIFT) build --package-path Fuzzing -c release --sanitize fuzzer
	for parser in $(PARSERS); do \
		mkdir -p Fuzzing/.build/corpus/$$parser && \
		SWIFT_BACKTRACE=enable=no Fuzzing/.build/release/Fuzz$$parser -max_total_time=$(SECONDS_EACH) -max_len=4096 -timeout=10 \
			-artifact_prefix=Fuzzing/.build/ Fuzzing/.build/corpus/$$parser Fuzzing/Seeds/$$parser || exit 1; \
	done

demo: ## the three jobs on a real model and a real corpus
	@scripts/demo

install: build ## install the program and its shell completions below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -s -m 755 $(GRAFT) $(DESTDIR)$(PREFIX)/bin/graft
	$(GRAFT) --generate-completion-script bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/graft
	$(GRAFT) --generate-completion-script zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_graft
	$(GRAFT) --generate-completion-script fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/graft.fish

clean: ## remove the build
	rm -rf .build

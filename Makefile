# Warder. `make run` starts it, `make test` tests it; both need Go only.

GO ?= go
DATA ?= .warder

.PHONY: run build test race lint generate fuzz bench bench-peers bench-moto coverage e2e reference mutations

run: build ## start Warder on 127.0.0.1:4500 with the embedded store
	./bin/warder serve --data $(DATA)

build:
	$(GO) build -o bin/warder ./cmd/warder

test: ## all tests; what needs a client that is not installed is skipped aloud
	$(GO) test -timeout 45m ./...

race:
	$(GO) test -race -short ./...

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

generate: ## the API shapes from the models
	$(GO) generate ./...

fuzz: ## every fuzz target for a short while: make fuzz FUZZTIME=1m
	./scripts/fuzz.sh $(or $(FUZZTIME),10s)

bench: ## the figures of bench/README.md
	$(GO) test -run '^$$' -bench . -benchmem ./policy ./sigv4 ./internal/wire ./internal/seal ./bench
	$(GO) test -run '^$$' -bench 'Start100k|Reset' -benchtime 3x ./internal/e2e

bench-peers: ## the same decisions on other engines for Go, in a module of its own; two minutes
	cd bench/peers && export GOFLAGS=-mod=mod && $(GO) vet . && $(GO) test . && $(GO) run .

bench-moto: build ## whole requests, against moto's server from PyPI; three minutes
	$(GO) run ./bench/moto

coverage: ## which operations of AWS's APIs are built
	@$(GO) run ./internal/coverage

reference: ## the policy engine against the second evaluator: make reference WARDER_REFERENCE_CASES=10000000
	$(GO) test -count=1 -timeout 0 -run TestAgainstEngine -v ./policy/internal/reference -cases $(or $(WARDER_REFERENCE_CASES),1000000)

mutations: ## breaks the policy engine in some seventy ways; its tests must notice each
	./policy/internal/reference/mutations.sh

e2e:
	$(GO) test -timeout 30m -count=1 -v ./internal/e2e

# `make help` says what there is.
GO ?= go
FUZZTIME ?= 60s
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help run build test check fuzz bench bench-peers bench-million bench-limits bench-choices

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

run: build ## Start the gateway on :8080
	./bin/rookery serve

build: ## Build bin/rookery and bin/bench
	$(GO) build -o bin/rookery ./server/cmd/rookery
	$(GO) build -o bin/bench ./bench

test: ## Run every test, with the race detector
	.ci/setup
	$(GO) test -race -shuffle=on -timeout 12m ./...
	$(GO) test -run Alloc ./codec # what the race detector hides

check: ## gofmt, vet, staticcheck, import rules
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "gofmt would change these"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -run TestImports ./server

fuzz: ## Run each fuzz target for FUZZTIME (60s)
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg || exit 1; \
		done; \
	done

bench: build ## Measure this machine in under 3 minutes, with a report
	./bin/bench all

bench-peers: build ## Compare with other servers: broadcast and capacity
	./bin/bench peers

bench-million: build ## A million connections on this machine
	./bin/bench million

bench-limits: build ## Measure every goal against peers in turn, in about 40 minutes
	./bin/bench limits --json bench/results/limits.json --html bin/limits.html

bench-choices: build ## Compare ways to build and run rookery: loops, processors, build tags
	./bin/bench choices --json bench/results/choices.json --html bin/choices.html

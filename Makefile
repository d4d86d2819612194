# Everything a person types here. Each target installs what it lacks and says when it needs root.
.DEFAULT_GOAL := help
.PHONY: help demo test test-quick mutants chaos bench lint dist sandbox down

# What the scripts tell somebody to type again, with sudo in front.
export SANDBOX_COMMAND := make $(MAKECMDGOALS)$(if $(DEMO_APP), DEMO_APP=$(DEMO_APP))$(if $(FAULT), FAULT=$(FAULT))

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo:  ## deploy a new version with a real act run, under load; DEMO_APP=hello is the quick one
	@scripts/demo

test:  ## formatting, lints, unit, wire and end-to-end tests
	@scripts/test

test-quick:  ## the same without root and without a daemon: formatting, lints, unit and wire tests
	@scripts/test quick

mutants:  ## plant mistakes in the engine, the gate and the watch, one by one, and show that a test catches each
	@scripts/setup
	@scripts/mutants

chaos:  ## every fault at every step of a swap on the real host, as a table; half an hour, FAULT=nginx a part
	@scripts/chaos

bench:  ## figures of the release build: switch, deploy, rollback, memory, requests a second
	@scripts/bench

lint:  ## check what clippy does not: scripts, workflows, dependencies, documentation
	@scripts/setup
	@scripts/lint

dist:  ## build the release binary and the action's image
	@scripts/setup
	@scripts/engine start
	@scripts/images
	@scripts/dist

sandbox:  ## start a registry and three whole servers, each in a container
	@scripts/setup --parking
	@scripts/sandbox up --v1 --v3 --parking

down:  ## remove the sandbox
	@scripts/sandbox down

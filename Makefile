# The everyday commands; `make` prints them. CMake does the building, see CMakePresets.json.
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
ONLY ?=
MODEL ?=

empty :=
space := $(empty) $(empty)
release_build := build/release
THAW := $(CURDIR)/$(release_build)/apps/thaw/thaw
export THAW
export NINJA_STATUS = [%f/%t %es]$(space)

# $(call build,PRESET,TARGETS): configures quietly and builds with progress; in CI a warning is an
# error.
define build
	@cmake --preset $(1) -DTHAW_WERROR=$(if $(CI),ON,OFF) $(3) >/dev/null
	@cmake --build --preset $(1) -j $(JOBS) $(if $(2),--target $(2))
endef

.PHONY: help
help:  ## print this
	@echo 'Thaw, for a Debian 12 machine. What is missing is installed after saying what and why.'
	@echo
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

.PHONY: demo
demo:  ## a forecasting service wakes from zero, answers and sleeps again
	@tools/setup build demo
	$(call build,release,thaw)
	@tools/demo

.PHONY: demo-papers
demo-papers:  ## a worker reads a Redis stream; it, Redis and Thaw are killed, nothing is lost
	@tools/setup build demo papers
	$(call build,release,thaw)
	@tools/demo_papers

.PHONY: image
image:  ## build/image: the model server as an OCI image; MODEL=[NAME=]DIR bakes a model in
	@tools/setup build image
	$(call build,release,thaw)
	@tools/image --program $(THAW) $(if $(MODEL),--model $(MODEL)) build/image

.PHONY: holidays
holidays:  ## build/country_holidays: public holidays of countries; `make install` takes them along
	@tools/setup holidays
	@tools/country-holidays build/country_holidays

.PHONY: demo-batch
demo-batch:  ## files land in a bucket, their forecasts in another
	@tools/setup build demo
	$(call build,release,thaw)
	@tools/demo-batch

.PHONY: demo-qa
demo-qa:  ## a question answerer wakes from zero
	@tools/setup build demo
	$(call build,release,thaw)
	@tools/demo-qa

.PHONY: test
test:  ## build and run every test
	@tools/setup build test
	$(call build,dev)
	@ctest --preset dev -j $(JOBS)

.PHONY: bench
bench:  ## measure beside nginx, haproxy and R's prophet; ONLY="gateway wake" for some
	@tools/setup build bench
	$(call build,release)
	@bench/run $(ONLY)

.PHONY: tidy
tidy:  ## the house rules, and which files clang-format would change
	@tools/setup tidy
	@tools/tidy.py
	@tools/format --check

.PHONY: format
format:  ## lay out every C++ file by .clang-format
	@tools/setup tidy
	@tools/format

.PHONY: lint
lint:  ## clang-tidy over every source file (minutes)
	@tools/setup build test tidy
	@cmake --preset dev >/dev/null
	@git ls-files -co --exclude-standard 'src/*.cc' 'apps/*.cc' 'sim/*.cc' | \
	  xargs -P $(JOBS) -n 4 clang-tidy -p build/dev --quiet

.PHONY: asan
asan:  ## every test, looking for bad memory use and undefined behaviour
	@tools/setup build test
	$(call build,asan)
	@ctest --preset asan -j $(JOBS)

.PHONY: tsan
tsan:  ## every test, looking for data races
	@tools/setup build test
	$(call build,tsan)
	@ctest --preset tsan -j $(JOBS)

.PHONY: fuzz
fuzz:  ## each parser's fuzzer for FUZZ_SECONDS (60)
	@tools/setup build test fuzz
	$(call build,fuzz,fuzzers)
	@fuzz/run build/fuzz/fuzz $(FUZZ_SECONDS)

.PHONY: coverage
coverage:  ## which lines the tests execute; build/coverage/report/index.html
	@tools/setup build test coverage
	$(call build,coverage)
	@find build/coverage -name '*.gcda' -delete
	@ctest --preset coverage -j $(JOBS) --output-on-failure
	@mkdir -p build/coverage/report
	@gcovr --root . --filter 'src/' --exclude '.*_test\.cc' -j $(JOBS) --print-summary \
	  --html-details build/coverage/report/index.html build/coverage

.PHONY: install
install:  ## install under PREFIX (/usr/local), below DESTDIR if set
	@tools/setup build
	$(call build,release,thaw)
	@cmake --install $(release_build) --prefix $(PREFIX) --strip >/dev/null
	@packaging/activate $(PREFIX)

.PHONY: uninstall
uninstall:  ## remove what `make install` put there; data and user stay
	@packaging/uninstall $(release_build)

.PHONY: clean
clean:  ## remove build/
	rm -rf build

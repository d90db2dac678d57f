# SPDX-License-Identifier: Apache-2.0
#
# The front door: `make help` lists what there is. CMake and ninja do the work in build/FLAVOUR.
BUILD ?= build
PREFIX ?= /usr/local
LIBDIR ?= lib
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
CLANG ?= clang-19
GCC ?= gcc
YES ?=
export YES

FLAVOURS = release debug gcc device fuzz

# The compiler of each flavour, and whether warnings are errors. The release build forgives them, so
# that a compiler newer than ours can still build it.
CC_release = $(CLANG)
CC_debug = $(CLANG)
CC_gcc = $(GCC)
CC_device = $(CLANG)
CC_fuzz = $(CLANG)
WERROR ?= ON
WERROR_release = OFF

.PHONY: all $(FLAVOURS) aarch64 unit test test-all demo bench deb install uninstall format clean help deps-build
.DEFAULT_GOAL = all

all: release

# One build at a time: two ninjas in one directory would tread on each other. The lock sits on a file
# descriptor, so that an interrupted build leaves none behind.
LOCK = mkdir -p $(BUILD) && exec 9>$(BUILD)/.lock && { flock -n 9 || \
	{ echo "Waiting for another build in $(BUILD)/." >&2; flock 9; }; }

# $(call ninja,FLAVOUR,TARGETS): builds; configures first when that is new or was asked differently.
options = -DCMAKE_C_COMPILER="$(CC_$(1))" -DCMAKE_INSTALL_LIBDIR="$(LIBDIR)" \
	-DSTINT_WERROR=$(or $(WERROR_$(1)),$(WERROR)) $(CMAKEFLAGS)
define ninja
@$(LOCK) && d=$(BUILD)/$(1) && want='$(subst ','\'',$(call options,$(1)))' && \
	{ test -f $$d/build.ninja && test "$$(cat $$d/options)" = "$$want" || { \
	rm -rf $$d/CMakeCache.txt $$d/CMakeFiles && mkdir -p $$d && \
	cmake -S . -B $$d -G Ninja -DSTINT_FLAVOUR=$(1) $(call options,$(1)) >$$d.log 2>&1 && \
	{ sed -n 's/^-- Note: //p' $$d.log >&2; echo "$$want" >$$d/options; } || { cat $$d.log >&2; exit 1; }; }; } && \
	nice ninja -C $$d -j $(JOBS) $(NINJAFLAGS) $(2)
endef

$(FLAVOURS): deps-build
	$(call ninja,$@,)

# The program for aarch64, linked statically, and what tests run under qemu-user.
aarch64: deps-build
	@$(LOCK) && d=$(BUILD)/aarch64 && mkdir -p $$d && { test -f $$d/build.ninja || \
	cmake -S . -B $$d -G Ninja -DSTINT_FLAVOUR=release -DCMAKE_C_COMPILER="$(CLANG)" \
		-DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/cmake/aarch64.cmake >$$d.log 2>&1 || \
	{ cat $$d.log >&2; exit 1; }; } && nice ninja -C $$d -j $(JOBS) $(NINJAFLAGS) stint run_image

# Compiles the unit tests against the debug build.
unit: deps-build
	$(call ninja,debug,all unit)

# A plain build installs no packages, it only says what is missing. The jobs below install.
deps-build:
	@tools/deps.sh --check build

# A broken unit test is reported by the run, so that the other suites still say how they fare.
define build_for_tests
@tools/deps.sh test
@$(MAKE) --no-print-directory release debug gcc device fuzz aarch64
@$(MAKE) --no-print-directory unit NINJAFLAGS="-k 0" || true
endef

test:
	$(build_for_tests)
	@tests/run --build $(BUILD) $(TESTFLAGS)

test-all:
	@tools/deps.sh long
	$(build_for_tests)
	@tests/run --build $(BUILD) --all $(TESTFLAGS)

demo:
	@tools/deps.sh demo
	@$(MAKE) --no-print-directory release
	@examples/demo.sh

bench:
	@tools/deps.sh bench
	@$(MAKE) --no-print-directory release
	@bench/run $(BENCHFLAGS)

install:
	@test -f $(BUILD)/release/stint || $(MAKE) --no-print-directory release
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD)/release --prefix "$(PREFIX)" --strip

deb: release
	@tools/deb.sh $(BUILD)

# Installs to a scratch folder to learn the names, then removes those, and folders of our own.
uninstall:
	@stage=$$(mktemp -d) && trap 'rm -rf "$$stage"' EXIT && \
	DESTDIR="$$stage" cmake --install $(BUILD)/release --prefix "$(PREFIX)" >/dev/null && \
	cd "$$stage" && find . ! -type d | while read -r path; do \
		rm -f "$(DESTDIR)/$${path#./}" && echo "removed $(DESTDIR)/$${path#./}"; done && \
	for dir in $(LIBDIR)/stint $(LIBDIR)/cmake/stint share/doc/stint; do \
		rmdir "$(DESTDIR)$(PREFIX)/$$dir" 2>/dev/null || true; done

format:
	@tools/deps.sh format
	clang-format-19 -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf $(BUILD)

help:
	@echo 'make             the release program, build/release/stint, and the libraries'
	@echo 'make debug       build/debug/stint with AddressSanitizer and UBSan; make unit: its unit tests'
	@echo 'make gcc         build/gcc/stint;  make device: build/device/stint-device (static, small)'
	@echo 'make aarch64      build/aarch64/stint, cross-compiled and static: for qemu-user'
	@echo 'make fuzz        build/fuzz/fuzz_*, libFuzzer programs'
	@echo 'make demo        builds the examples and runs them'
	@echo 'make test        builds all of the above and runs every suite (TESTFLAGS="-v spec")'
	@echo 'make test-all    the long run: more builds, GC stress, ten minutes of fuzzing each'
	@echo 'make bench       measures; prints a table and writes JSON'
	@echo 'make deb          a Debian package of the release build'
	@echo 'make install     to PREFIX (/usr/local), under DESTDIR; make uninstall removes it'
	@echo 'make format      clang-format;  make clean: removes $(BUILD)/'
	@echo 'demo, test and bench install the packages they need; YES=1 skips the question.'

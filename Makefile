# SPDX-License-Identifier: Apache-2.0
#
# The front door: `make help` lists what there is. CMake and ninja do the work in build/FLAVOUR.
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
CLANG ?= clang-19
GCC ?= gcc
YES ?=
export YES

# Compiler and warnings of each flavour. The release build forgives warnings, so that a compiler
# newer than ours can still build it.
CC_release = $(CLANG)
CC_debug = $(CLANG)
CC_gcc = $(GCC)
CC_device = musl-gcc
CC_fuzz = $(CLANG)
WERROR_release = OFF
WERROR ?= ON

FLAVOURS = release debug gcc device fuzz

.PHONY: all $(FLAVOURS) unit clean help
all: release

# One build at a time: two ninjas in one directory would tread on each other. The lock is a file
# descriptor, so that an interrupted build leaves nothing behind.
LOCK = mkdir -p $(BUILD) && exec 9>$(BUILD)/.lock && { flock -n 9 || \
	{ echo "waiting for another build in $(BUILD)" >&2; flock 9; }; }

# $(call ninja,FLAVOUR,TARGETS): configure once, then build.
define ninja
@$(LOCK) && { test -f $(BUILD)/$(1)/build.ninja || \
	cmake -S . -B $(BUILD)/$(1) -G Ninja -DSTINT_FLAVOUR=$(1) \
	-DCMAKE_C_COMPILER="$(CC_$(1))" -DCMAKE_INSTALL_PREFIX="$(PREFIX)" \
	-DSTINT_WERROR=$(or $(WERROR_$(1)),$(WERROR)) >$(BUILD)/$(1).log 2>&1 || \
	{ cat $(BUILD)/$(1).log >&2; exit 1; }; } && \
	nice ninja -C $(BUILD)/$(1) -j $(JOBS) $(NINJAFLAGS) $(2)
endef

$(FLAVOURS):
	$(call ninja,$@,)

unit:
	$(call ninja,debug,unit)

clean:
	rm -rf $(BUILD)

help:
	@echo help

# SPDX-License-Identifier: GPL-2.0-or-later
# Knobs: V=1 (show commands) DEBUG=1 (ASan+UBSan) WERROR=0 CC=clang BUILD=dir PREFIX= DESTDIR= CORPUS=dir

V      ?= 0
DEBUG  ?= 0
WERROR ?= 1
PREFIX ?= /usr/local
CORPUS ?= $(wildcard ../shared/corpus)
BUILD  ?= build/$(CC)$(if $(filter 1,$(DEBUG)),-debug)
Q      := $(if $(filter 1,$(V)),,@)

CC       = gcc
PKGS     = sqlite3 libarchive jansson libzstd
WARN     = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
           -Wvla -Wformat=2 -Wundef $(if $(filter 1,$(WERROR)),-Werror)
OPT      = $(if $(filter 1,$(DEBUG)),-O1 -fsanitize=address$(COMMA)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer,-O2 -D_FORTIFY_SOURCE=2)
COMMA    = ,
CPPFLAGS += -Iinclude -I$(BUILD)/gen -D_GNU_SOURCE
CFLAGS   += -std=gnu11 -g $(OPT) $(WARN) -fstack-protector-strong -fPIE
LDFLAGS  += -pie $(filter -fsanitize%,$(OPT))
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CPPFLAGS += $(shell pkg-config --cflags $(PKGS) 2>/dev/null)

LIB_SRC  = $(filter-out analyzer/main.c analyzer/cmd_%.c,$(wildcard analyzer/*.c)) $(wildcard collector/*.c)
CMD_SRC  = analyzer/main.c $(wildcard analyzer/cmd_*.c)
TEST_SRC = tests/unit.c $(wildcard tests/test_*.c)
FUZZ     = $(patsubst tests/fuzz_%.c,%,$(wildcard tests/fuzz_*.c))
obj      = $(patsubst %.c,$(BUILD)/%.o,$(1))
say      = @printf '  %-7s %s\n' '$(1)' '$(2)'

.PHONY: all check check-unit clean
all: $(BUILD)/oomlens

$(BUILD)/oomlens: $(call obj,$(CMD_SRC) $(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/unit: $(call obj,$(TEST_SRC) $(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(BUILD)/%.o: %.c | $(BUILD)/gen/schema.inc
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# schema.sql as a C string: the store carries the only DDL with it.
$(BUILD)/gen/schema.inc: schema.sql
	@mkdir -p $(@D)
	$(Q)sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< > $@

check-unit: $(BUILD)/unit
	$(Q)$(BUILD)/unit

check: check-unit

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

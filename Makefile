# SPDX-License-Identifier: GPL-2.0-or-later
# Targets: all demo check check-corpus check-guest lint fuzz bench docs install clean deps deps-check deps-fleet deps-metrics deps-page deps-lint deps-guest
# Knobs:   V=1 (show commands) DEBUG=1 (ASan+UBSan) WERROR=0 CC=clang BUILD=dir PREFIX= DESTDIR= CORPUS=dir SECONDS_PER_FUZZ=n
#          BPF=auto|yes|no TRACE=auto|yes|no (feeds of the recorder; auto = where the libraries are there)
#          JOURNAL=auto|yes|no (binary journals; auto = where libsystemd is) PG=auto|yes|no (PostgreSQL; auto = where libpq is)

V      ?= 0
DEBUG  ?= 0
WERROR ?= 1
JOURNAL ?= auto
PG     ?= auto
PREFIX ?= /usr/local
BPF    ?= auto
TRACE  ?= auto
CORPUS ?= $(wildcard ../shared/corpus)
BUILD  ?= build/$(CC)$(if $(filter 1,$(DEBUG)),-debug)
SECONDS_PER_FUZZ ?= 60
Q      := $(if $(filter 1,$(V)),,@)
COMMA  := ,

CC       = gcc
has_journal := $(shell pkg-config --exists libsystemd && echo yes)
has_pg   := $(shell pkg-config --exists libpq && echo yes)
with_pg   = $(if $(filter no,$(PG)),,$(if $(has_pg),yes,$(if $(filter yes,$(PG)),$(error PG=yes needs libpq))))
with_journal = $(if $(filter no,$(JOURNAL)),,$(if $(has_journal),yes,$(if $(filter yes,$(JOURNAL)),$(error JOURNAL=yes needs libsystemd))))
PKGS     = sqlite3 libarchive jansson libzstd zlib liblzma $(if $(with_journal),libsystemd)
WARN     = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
           -Wvla -Wformat=2 -Wundef $(if $(filter 1,$(WERROR)),-Werror)
SANITIZE = -fsanitize=address$(COMMA)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT      = $(if $(filter 1,$(DEBUG)),-O1 $(SANITIZE),-O2 -D_FORTIFY_SOURCE=2)
CPPFLAGS += -Iinclude -I$(BUILD)/gen -D_GNU_SOURCE $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS   += -std=gnu11 -g -pthread $(OPT) $(WARN) -fstack-protector-strong -fPIE
LDFLAGS  += -pie -pthread $(filter -fsanitize%,$(OPT))
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# Optional feeds: each has a stand-in that says that it was built without.
BPFTOOL  ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool)
BPF_CC   ?= clang
BPF_CFLAGS = -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror -Iinclude $(patsubst %,-idirafter %,$(wildcard /usr/include/$(shell uname -m)-linux-gnu))
has_bpf  := $(shell [ -n "$(BPFTOOL)" ] && pkg-config --exists libbpf && $(BPF_CC) --print-targets 2>/dev/null | grep -qw bpf && echo yes)
has_trace := $(shell pkg-config --exists libtracefs libtraceevent && echo yes)
with_bpf  = $(if $(filter no,$(BPF)),,$(if $(has_bpf),yes,$(if $(filter yes,$(BPF)),$(error BPF=yes needs clang, bpftool and libbpf))))
with_trace = $(if $(filter no,$(TRACE)),,$(if $(has_trace),yes,$(if $(filter yes,$(TRACE)),$(error TRACE=yes needs libtracefs and libtraceevent))))
FEED_PKGS := $(if $(with_bpf),libbpf) $(if $(with_trace),libtracefs libtraceevent)
LDLIBS   += $(if $(strip $(FEED_PKGS)),$(shell pkg-config --libs $(FEED_PKGS)))
PG_CFLAGS = $(if $(with_pg),$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libpq)))
FEED_CFLAGS = $(if $(with_trace),$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libtracefs libtraceevent)))
ABSENT    = collector/bpf$(if $(with_bpf),_none).c collector/census$(if $(with_bpf),_none).c collector/trace$(if $(with_trace),_none).c \
            collector/journal$(if $(with_journal),_none).c analyzer/pg$(if $(with_pg),_none).c

LIB_SRC   = $(filter-out analyzer/main.c analyzer/cmd_%.c $(ABSENT),$(wildcard analyzer/*.c)) \
            $(filter-out %.bpf.c $(ABSENT),$(wildcard collector/*.c))
CMD_SRC   = analyzer/main.c $(wildcard analyzer/cmd_*.c)
TUI_SRC   = $(filter-out tui/oomtop.c tui/term.c,$(wildcard tui/*.c))
TEST_SRC  = tests/unit.c $(wildcard tests/test_*.c)
FUZZ      = $(patsubst tests/fuzz_%.c,%,$(filter-out tests/fuzz_main.c,$(wildcard tests/fuzz_*.c)))
BENCH     = $(patsubst tests/%.c,%,$(wildcard tests/bench_*.c))
obj       = $(patsubst %.c,$(BUILD)/%.o,$(1))
say       = @printf '  %-7s %s\n' '$(1)' '$(2)'

.PHONY: all docs demo check check-unit check-run check-corpus check-guest lint fuzz bench install clean deps \
        deps-check deps-fleet deps-metrics deps-page deps-lint deps-guest
all: $(BUILD)/oomlens $(BUILD)/oomtop

$(BUILD)/oomlens: $(call obj,$(CMD_SRC) $(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/oomtop: $(call obj,tui/oomtop.c tui/term.c $(TUI_SRC) $(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(shell pkg-config --libs ncursesw)

# Every test file has a group of its own; nobody keeps the list.
$(BUILD)/gen/unit_groups.inc: $(wildcard tests/test_*.c)
	@mkdir -p $(@D)
	$(Q)sed -n 's/^int \(test_[a-z0-9_]*\)(void)$$/GROUP(\1)/p' $^ > $@.new
	$(Q)cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(call obj,$(TEST_SRC)): | $(BUILD)/gen/unit_groups.inc
$(BUILD)/tests/unit.o: $(BUILD)/gen/unit_groups.inc

$(BUILD)/unit: $(call obj,$(TEST_SRC) $(TUI_SRC) $(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(BUILD)/kernels: $(BUILD)/tests/kernels.o $(call obj,$(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# A fuzz target with a plain main: replays files that once broke something, built by any compiler.
$(BUILD)/replay_%: $(BUILD)/tests/fuzz_%.o $(BUILD)/tests/fuzz_main.o $(call obj,$(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/bench_%: $(BUILD)/tests/bench_%.o $(call obj,$(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What tests/lexicon.sh learns from.
$(BUILD)/lexicon: $(call obj,tests/lexicon.c $(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Stores of a made-up fleet, for tests and measurements.
$(BUILD)/fleet_gen: $(call obj,tests/fleet_gen.c tests/fleet_text.c $(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What a machine without the optional libraries gets.
STAND_INS = collector/bpf_none.c collector/census_none.c collector/trace_none.c collector/journal_none.c analyzer/pg_none.c
$(BUILD)/oomlens_bare: $(call obj,$(CMD_SRC) $(filter-out $(STAND_INS) $(STAND_INS:%_none.c=%.c),$(LIB_SRC)) $(STAND_INS))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/lab_%: $(BUILD)/tests/lab/%.o $(call obj,$(LIB_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c | $(BUILD)/gen/schema.inc
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The BPF programs travel inside the binary, as a generated header; foreign headers are not ours to warn about.
# ..._old: for kernels before 6.7, see oomwatch_read.h.
define make-skeleton
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(BPF_CC) -target bpf $(BPF_CFLAGS) $(2) -c -o $(@D)/$(1).o $<
	$(Q)$(BPFTOOL) gen object $(@D)/$(1).bpf.o $(@D)/$(1).o
	$(Q)$(BPFTOOL) gen skeleton $(@D)/$(1).bpf.o name $(1)_bpf > $@.new && mv $@.new $@
endef
BPF_HEADERS = collector/oomwatch.h collector/oomwatch_read.h collector/census.h include/oomlens/fact.h
$(BUILD)/gen/oomwatch.skel.h: collector/oomwatch.bpf.c $(BPF_HEADERS)
	$(call make-skeleton,oomwatch)
$(BUILD)/gen/oomwatch_old.skel.h: collector/oomwatch.bpf.c $(BPF_HEADERS)
	$(call make-skeleton,oomwatch_old,-DOOMWATCH_OLD)
$(BUILD)/gen/census.skel.h: collector/census.bpf.c $(BPF_HEADERS)
	$(call make-skeleton,census)
$(BUILD)/gen/census_old.skel.h: collector/census.bpf.c $(BPF_HEADERS)
	$(call make-skeleton,census_old,-DOOMWATCH_OLD)
$(BUILD)/collector/bpf.o: $(BUILD)/gen/oomwatch.skel.h $(BUILD)/gen/oomwatch_old.skel.h
$(BUILD)/collector/census.o: $(BUILD)/gen/census.skel.h $(BUILD)/gen/census_old.skel.h
$(BUILD)/collector/bpf.o $(BUILD)/collector/census.o: CFLAGS += -isystem $(BUILD)/gen -Wno-overlength-strings
$(BUILD)/collector/trace.o: CFLAGS += $(FEED_CFLAGS)
$(BUILD)/analyzer/pg.o: CFLAGS += $(PG_CFLAGS)

# For guests: the feeds alone, static, printing what they see.
$(BUILD)/witness: $(call obj,tests/guest/witness.c analyzer/base.c analyzer/event.c analyzer/fields.c analyzer/safe.c \
                  collector/feeds.c $(filter-out $(ABSENT),collector/bpf.c collector/bpf_none.c collector/trace.c collector/trace_none.c))
	$(call say,LINK,$@)
	$(Q)$(CC) -static -o $@ $^ $(shell pkg-config --static --libs $(FEED_PKGS))

# Text as a C string: schema.sql, since the store carries the only DDL with it, and style and script of the page.
c-string = sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $(1)
$(BUILD)/gen/schema.inc: schema.sql
	@mkdir -p $(@D)
	$(Q)$(call c-string,$<) > $@
$(BUILD)/gen/page_%.inc: analyzer/page.%
	@mkdir -p $(@D)
	$(Q)$(call c-string,$<) > $@
# The page allows its own style and script alone, by their digests.
$(BUILD)/gen/page_%_hash.inc: analyzer/page.%
	@mkdir -p $(@D)
	$(Q)sha256sum < $< | cut -c1-64 | tr a-f A-F | basenc --base16 -d | base64 | sed 's/.*/"&"/' > $@
PAGE_INC = $(foreach f,css js,$(BUILD)/gen/page_$(f).inc $(BUILD)/gen/page_$(f)_hash.inc)
$(BUILD)/analyzer/page.o: $(PAGE_INC)

# The named reports, a file each: name, help (the first line of comment) and text.
$(BUILD)/gen/reports.inc: $(sort $(wildcard analyzer/reports/*.sql))
	@mkdir -p $(@D)
	$(Q)awk 'FNR == 1 { if (NR > 1) print "\t},"; n = FILENAME; sub(/.*\//, "", n); sub(/\.sql$$/, "", n); next } \
		{ gsub(/[\\"]/, "\\\\&") } \
		FNR == 2 { h = $$0; sub(/^-- /, "", h); printf "\t{ \"%s\", \"%s\",\n", n, h } \
		{ printf "\t\"%s\\n\"\n", $$0 } END { print "\t}," }' $^ > $@
$(BUILD)/analyzer/query.o: $(BUILD)/gen/reports.inc

# The dictionary of the store's raw lines, as bytes of an array.
$(BUILD)/gen/lexicon.inc: analyzer/lexicon.zdict
	@mkdir -p $(@D)
	$(Q)od -An -v -tu1 $< | sed 's/  */,/g; s/^,//; s/$$/,/' > $@
$(BUILD)/analyzer/pack.o: $(BUILD)/gen/lexicon.inc

# ---- packages ------------------------------------------------------------------------------------------

DEPS       = gcc libc6-dev pkg-config libsqlite3-dev libarchive-dev libjansson-dev libzstd-dev zlib1g-dev liblzma-dev \
             clang bpftool libbpf-dev libtracefs-dev libtraceevent-dev libsystemd-dev libncurses-dev libpq-dev
DEPS_CHECK = $(DEPS) libcmocka-dev tmux sqlite3 jq zstd xz-utils bzip2
DEPS_FLEET = postgresql openssl
DEPS_METRICS = prometheus
DEPS_GUEST = $(DEPS_CHECK) qemu-system-x86 busybox-static cpio e2fsprogs bsdextrautils libelf-dev
DEPS_PAGE  = $(DEPS_CHECK) chromium chromium-driver curl
DEPS_LINT  = $(DEPS_CHECK) clang-tidy cppcheck libclang-rt-dev shellcheck mandoc time
SUDO       = $(if $(filter 0,$(shell id -u)),,sudo)

# Says what it is about to install; asks apt only for what is missing.
define install-packages
	@missing=; for p in $(1); do \
		dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "Installing with apt-get:$$missing"; \
		$(SUDO) apt-get update -q >/dev/null && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing >/dev/null; \
	fi
endef

deps:
	$(call install-packages,$(DEPS))
deps-check:
	$(call install-packages,$(DEPS_CHECK))
deps-lint:
	$(call install-packages,$(DEPS_LINT))
deps-fleet:
	$(call install-packages,$(DEPS_FLEET))
# promtool comes with the server, which Debian starts: only CI installs it unasked.
deps-metrics:
	$(call install-packages,$(DEPS_METRICS))
deps-guest:
	$(call install-packages,$(DEPS_GUEST))
deps-page:
	$(call install-packages,$(DEPS_PAGE))

# ---- what people run -----------------------------------------------------------------------------------

DEMO = tests/cases/6.12-global/log

demo: deps
	$(Q)$(MAKE) --no-print-directory all
	@rm -f build/demo.db
	@echo; echo '$$ oomlens explain $(DEMO)'; $(BUILD)/oomlens explain $(DEMO)
	@echo; echo '$$ oomlens import --db build/demo.db tests/cases/6.1*/log'
	@$(BUILD)/oomlens import --db build/demo.db tests/cases/6.1*/log
	@echo; echo '$$ oomlens list --db build/demo.db --top 5'; $(BUILD)/oomlens list --db build/demo.db --top 5
	@echo; echo '$$ oomlens query --db build/demo.db "SELECT scope, verdict, count(*) AS events FROM v_event GROUP BY 1, 2"'
	@$(BUILD)/oomlens query --db build/demo.db "SELECT scope, verdict, count(*) AS events FROM v_event GROUP BY 1, 2"

# Guests are played where QEMU is, a fleet where PostgreSQL's server is, pages are opened where Chromium is, and all in CI.
check: $(if $(filter true,$(CI))$(shell command -v qemu-system-x86_64),deps-guest,deps-check) \
       $(if $(filter true,$(CI)),deps-metrics) \
       $(if $(filter true,$(CI))$(wildcard /usr/lib/postgresql/*/bin/initdb),deps-fleet) \
       $(if $(filter true,$(CI))$(shell command -v chromium),deps-page)
	$(Q)$(MAKE) --no-print-directory check-run

check-unit: $(BUILD)/unit
	$(Q)$(BUILD)/unit

# Three builds of the same sources: gcc, clang, and gcc with the sanitizers.
check-run:
	$(Q)$(MAKE) --no-print-directory CC=gcc all build/gcc/unit build/gcc/kernels build/gcc/oomlens_bare build/gcc/fleet_gen build/gcc/bench_gen
	$(Q)$(MAKE) --no-print-directory CC=clang all build/clang/unit
	$(Q)$(MAKE) --no-print-directory CC=gcc DEBUG=1 all build/gcc-debug/unit $(FUZZ:%=build/gcc-debug/replay_%)
	$(Q)CORPUS='$(CORPUS)' FUZZ='$(FUZZ)' tests/run.sh

# The recorder in guests with Debian's kernels: one table of what they did and what was stored.
check-guest: deps-guest
	$(Q)$(MAKE) --no-print-directory CC=gcc BUILD=$(BUILD) all
	$(Q)OOMLENS=$(abspath $(BUILD)/oomlens) tests/guest/check.sh

check-corpus: all
	$(Q)tests/corpus.sh $(BUILD)/oomlens '$(CORPUS)'

lint: deps-lint $(BUILD)/gen/schema.inc $(BUILD)/gen/reports.inc $(BUILD)/gen/lexicon.inc $(PAGE_INC) $(if $(with_bpf),$(foreach o,oomwatch oomwatch_old census census_old,$(BUILD)/gen/$(o).skel.h))
	$(Q)LINT_GEN=$(BUILD)/gen LINT_CFLAGS='-I$(BUILD)/gen $(FEED_CFLAGS) $(PG_CFLAGS)' tests/lint.sh $(LIB_SRC) $(CMD_SRC)

# libFuzzer, each target for a while; what it finds goes to tests/crashes/<target>/ and stays there as a test.
fuzz: deps-lint
	$(Q)for t in $(FUZZ); do tests/fuzz.sh $$t $(SECONDS_PER_FUZZ) || exit 1; done

bench: deps-lint all $(BUILD)/fleet_gen $(BENCH:%=$(BUILD)/%)
	$(Q)tests/bench.sh $(BUILD)

# The page about kernels comes from the tables.
docs: $(BUILD)/kernels
	$(Q)$(BUILD)/kernels > docs/KERNELS.md

install: all
	install -D -m 755 $(BUILD)/oomlens $(DESTDIR)$(PREFIX)/bin/oomlens
	install -D -m 755 $(BUILD)/oomtop $(DESTDIR)$(PREFIX)/bin/oomtop
	for s in 1 5; do for f in docs/*.$$s; do [ ! -e $$f ] || \
		install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/man/man$$s/$${f#docs/}; done; done
	mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -D -m 644 packaging/postgresql-shards.sql $(DESTDIR)$(PREFIX)/share/oomlens/postgresql-shards.sql
	for f in packaging/*.service packaging/*.timer; do sed 's|/usr/local/bin/|$(PREFIX)/bin/|' $$f > \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/$${f#packaging/} || exit; done
	install -m 644 packaging/oomlens.rules.yml packaging/grafana-oomlens.json $(DESTDIR)$(PREFIX)/share/oomlens
	for f in oomlens oomtop; do install -D -m 644 packaging/oomlens.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$f || exit; done

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# Objects of programs made by pattern rules are kept.
.SECONDARY:

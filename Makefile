# haagent: one Makefile, no recursion. `make help` lists the targets.
#
# Everything is built under build/, each variant in its own directory:
#   release  what is installed          asan  gcc with AddressSanitizer, UBSan and fault points (agent/sync/fault.h)
#   clang    the second compiler          fault  release whose syncer has fault points, for tests/system
#   fuzz     clang's libFuzzer            coverage  release, with proto/ counted by gcov
#   lto      release, optimized as a whole: the simulator, which has years to go through
# Overridable: CC CLANG CFLAGS LDFLAGS PREFIX DESTDIR BUILD V=1 (show the commands).

VERSION := 0.2.0
BUILD   ?= build
PREFIX  ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR  ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
CONFDIR ?= /etc/haagent
DOCDIR  ?= $(PREFIX)/share/doc/haagent

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG      ?= clang
CFLAGS     ?= -O2 -g
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
PROVE      ?= prove

Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-7s %s\n' $(1) $(2))

LIBS      := libpcap libmnl libcap-ng libsodium libnftnl libconfuse jansson libcrypto
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS))
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(LIBS))

# The console is a program of its own. What it takes of the agent are the loop, files, lines of the log and the metrics
# of a dump, and what those stand on: out of an archive, so that it is no more than that.
CONSOLE_LIBS   := libmicrohttpd gnutls libconfuse jansson libsodium
CONSOLE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(CONSOLE_LIBS))
CONSOLE_LINK   := $(shell $(PKG_CONFIG) --libs $(CONSOLE_LIBS)) -lpthread

WARN := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wformat=2 -Wvla -Wcast-qual -Wwrite-strings -Wpointer-arith -Wundef \
	-Wimplicit-fallthrough
BASE := -std=gnu11 -D_GNU_SOURCE -DHA_VERSION='"$(VERSION)"' -I. $(WARN) -fstack-protector-strong \
	-fPIE -MMD -MP
LINK := -pie -Wl,-z,relro,-z,now
SAN  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

AGENT_SRC := $(wildcard proto/*.c netlink/*.c agent/*.c agent/sync/*.c)
CONSOLE_SRC  := $(wildcard console/*.c)
PAGES        := $(wildcard console/pages/*)
SIM_SRC   := $(filter-out tests/sim/sim.c,$(wildcard tests/sim/*.c))
UNIT_SRC  := $(wildcard tests/unit/*.c) $(SIM_SRC)
TOOL_SRC  := $(wildcard tests/system/tools/*.c)
TOOLS     := $(patsubst tests/system/tools/%.c,$(BUILD)/tools/%,$(TOOL_SRC))
SYSTEM    := $(sort $(wildcard tests/system/*.t tests/console/*.t))
SAMPLE    := $(firstword $(wildcard agent/*.conf agent/*.conf.sample))
MAN       := $(wildcard agent/*.8 agent/*.5 console/*.8) $(BUILD)/haagent-protocol.7
DOCS      := README.md proto/SPEC.md agent/dump.schema.json agent/haagent.rules.yml console/openapi.yaml
TARGETS   := $(wildcard agent/*.target)
FUZZ      := $(sort $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/seed.c,$(wildcard tests/fuzz/*.c))))
FORMATTED := $(wildcard proto/*.[ch] netlink/*.[ch] agent/*.[ch] agent/sync/*.[ch] console/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all check unit asan clang explore sim system campaign mutate golden lint bench bench-sync fuzz fuzzers coverage dist deb package format install uninstall clean help tools built

all: $(BUILD)/haagent $(BUILD)/haconsole $(BUILD)/haagent-protocol.7 ## the programs, build/haagent and build/haconsole, and the manual made from the specification

$(BUILD)/haagent-protocol.7: proto/SPEC.md agent/haagent.8 scripts/spec2man
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)scripts/spec2man $< "$$(sed -n 's/^\.Dd //p' agent/haagent.8)" > $@

$(BUILD)/pages/%.gz: console/pages/%
	@mkdir -p $(@D)
	$(Q)gzip -9nc $< > $@

# ---- the variants: $(1) = name, $(2) = compiler, $(3) = its flags ----
define variant
$(1)_OBJ  := $$(patsubst %.c,$(BUILD)/$(1)/%.o,$(AGENT_SRC))
$(1)_UNIT := $$(patsubst %.c,$(BUILD)/$(1)/%.o,$(UNIT_SRC))
$(1)_CONSOLE := $$(patsubst %.c,$(BUILD)/$(1)/%.o,$(CONSOLE_SRC))
DEPS += $$($(1)_CONSOLE:.o=.d)
DEPS += $$($(1)_OBJ:.o=.d) $$($(1)_UNIT:.o=.d)

$(BUILD)/$(1)/%.o: %.c Makefile
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(2) $(BASE) $(3) $$(CPPFLAGS) $$(CFLAGS) $$(PKG_CFLAGS) $$(CONSOLE_CFLAGS) -c -o $$@ $$<

$(BUILD)/$(1)/haagent: $$($(1)_OBJ)
	$$(call say,LD,$$@)
	$$(Q)$(2) $(3) $$(CFLAGS) $(LINK) $$(LDFLAGS) -o $$@ $$^ $$(PKG_LIBS)

$(BUILD)/$(1)/agent.a: $$(filter-out $(BUILD)/$(1)/agent/main.o,$$($(1)_OBJ))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $(AR) rcs $$@ $$^

$(BUILD)/$(1)/haconsole: $$($(1)_CONSOLE) $(BUILD)/$(1)/agent.a
	$$(call say,LD,$$@)
	$$(Q)$(2) $(3) $$(CFLAGS) $(LINK) $$(LDFLAGS) -o $$@ $$^ $$(CONSOLE_LINK)

# The pages are a part of it, as they are and compressed.
$(BUILD)/$(1)/console/assets.o: CPPFLAGS += -DHA_PAGES='"$(BUILD)/pages"'
$(BUILD)/$(1)/console/assets.o: $(PAGES) $(PAGES:console/pages/%=$(BUILD)/pages/%.gz)

$(BUILD)/$(1)/unit: $$($(1)_UNIT) $$(filter-out $(BUILD)/$(1)/agent/main.o,$$($(1)_OBJ)) \
		$$(filter-out $(BUILD)/$(1)/console/main.o,$$($(1)_CONSOLE))
	$$(call say,LD,$$@)
	$$(Q)$(2) $(3) $$(CFLAGS) $(LINK) $$(LDFLAGS) -o $$@ $$^ $$(PKG_LIBS) $$(CONSOLE_LINK) -lcriterion
endef

$(eval $(call variant,release,$$(CC),-D_FORTIFY_SOURCE=2))
$(eval $(call variant,lto,$$(CC),-D_FORTIFY_SOURCE=2 -flto=auto))
$(eval $(call variant,asan,$$(CC),$(SAN) -DHA_FAULT_POINTS))
$(eval $(call variant,clang,$$(CLANG),-D_FORTIFY_SOURCE=2))

# The release, but for the processes that the system tests kill at each step of a commit.
FAULT_OBJ := $(patsubst $(BUILD)/release/agent/sync/%,$(BUILD)/fault/agent/sync/%,$(release_OBJ))
DEPS += $(filter $(BUILD)/fault/%.d,$(FAULT_OBJ:.o=.d))

$(BUILD)/fault/%.o: %.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -D_FORTIFY_SOURCE=2 -DHA_FAULT_POINTS $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -c -o $@ $<

$(BUILD)/fault/haagent: $(FAULT_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Whoever is fuzzed is built with all the sanitizers, and an executable for each target.
FUZZ_SAN := $(SAN) -fsanitize=fuzzer-no-link
$(eval $(call variant,fuzz,$$(CLANG),$$(FUZZ_SAN)))
DEPS += $(patsubst %,$(BUILD)/fuzz/tests/fuzz/%.d,$(FUZZ) seed)

$(BUILD)/fuzz/bin/%: $(BUILD)/fuzz/tests/fuzz/%.o $(filter-out $(BUILD)/fuzz/agent/main.o,$(fuzz_OBJ))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(SAN) -fsanitize=fuzzer $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# What the corpora begin with.
$(BUILD)/fuzz/bin/seed: $(BUILD)/fuzz/tests/fuzz/seed.o $(filter-out $(BUILD)/fuzz/agent/main.o,$(fuzz_OBJ))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(SAN) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

.SECONDARY: $(patsubst %,$(BUILD)/fuzz/tests/fuzz/%.o,$(FUZZ))

# The unit tests of the release, but for proto/, which is counted.
COVERAGE_OBJ := $(patsubst $(BUILD)/release/proto/%,$(BUILD)/coverage/proto/%, \
	$(filter-out %/main.o,$(release_OBJ) $(release_CONSOLE)) $(release_UNIT))
DEPS += $(filter $(BUILD)/coverage/%.d,$(COVERAGE_OBJ:.o=.d))

$(BUILD)/coverage/%.o: %.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) --coverage -O0 -g $(CPPFLAGS) $(PKG_CFLAGS) -c -o $@ $<

$(BUILD)/coverage/unit: $(COVERAGE_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) --coverage $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(CONSOLE_LINK) -lcriterion

# Whole pairs in virtual time. Of the agent it takes the guardian's lease, and nothing else.
SIM_OBJ := $(patsubst %.c,$(BUILD)/lto/%.o,$(SIM_SRC) tests/sim/sim.c $(wildcard proto/*.c) agent/hold.c)
DEPS += $(BUILD)/lto/tests/sim/sim.d

$(BUILD)/sim: $(SIM_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -flto=auto $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/haagent $(BUILD)/haconsole: $(BUILD)/%: $(BUILD)/release/%
	$(Q)ln -sf release/$* $@

# ---- what the system tests and the bench use beside the program ----
$(BUILD)/tools/%: tests/system/tools/%.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -D_FORTIFY_SOURCE=2 $(CPPFLAGS) $(CFLAGS) $(LINK) $(LDFLAGS) -MF $@.d -o $@ $<
DEPS += $(addsuffix .d,$(filter-out %/bulkblast,$(TOOLS)))

# One that measures the agent's own code.
$(BUILD)/tools/bulkblast: $(BUILD)/release/tests/system/tools/bulkblast.o \
		$(filter-out $(BUILD)/release/agent/main.o,$(release_OBJ))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
DEPS += $(BUILD)/release/tests/system/tools/bulkblast.d

# ---- every way in which two nodes, or two settings machines, can go on: the shipped objects of proto/, in which the linker puts
# the mutants of tests/explore/mutant.c before some functions ----
EXPLORE_OBJ := $(patsubst %.c,$(BUILD)/release/%.o,$(wildcard tests/explore/*.c))
EXPLORE_WRAP = $(shell sed -nE 's/^WRAPPED.[^,]*, ([a-z_0-9]+),.*/-Wl,--wrap=\1/p' tests/explore/mutant.c)
DEPS += $(EXPLORE_OBJ:.o=.d)

$(BUILD)/explore: $(EXPLORE_OBJ) $(filter $(BUILD)/release/proto/%,$(release_OBJ))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK) $(EXPLORE_WRAP) $(LDFLAGS) -o $@ $^ -lsodium

tools: $(TOOLS) ## the helpers of the system tests, build/tools/

built: all tools fuzzers $(BUILD)/sim $(BUILD)/explore $(BUILD)/fault/haagent $(BUILD)/release/unit $(BUILD)/asan/unit $(BUILD)/clang/haagent \
		$(BUILD)/clang/unit

check: built ## every test: unit, unit under asan, clang, lint, system
	$(Q)scripts/check --built

unit: $(BUILD)/release/unit ## the unit tests
	$(Q)$<

asan: $(BUILD)/asan/unit ## the unit tests under AddressSanitizer and UBSan
	$(Q)$<

sim: $(BUILD)/sim ## simulated pairs from seeds: SEEDS=1000 with sessions, ten times as many without
	$(Q)$< --keep-going --seeds $(or $(SEEDS),1000)
	$(Q)$< --keep-going --plain --seeds $(or $(SEEDS),1000)0

explore: $(BUILD)/explore ## every interleaving of a few faults, as far as the memory goes: an hour, 2 GB
	$(Q)$< --long

clang: $(BUILD)/clang/haagent $(BUILD)/clang/unit ## build everything with the second compiler

system: all tools $(BUILD)/fault/haagent ## the system tests in network namespaces (root); T="tests/system/x.t" for some
	$(Q)$(PROVE) $(or $(T),$(SYSTEM))

console-test: all tools ## the tests of the console and its pages, in a browser (root)
	$(Q)$(PROVE) $(sort $(wildcard tests/console/*.t))

campaign: all tools ## random faults on real network stacks, from a seed (root); N=20 rounds, SEED=
	$(Q)nice tests/campaign $(or $(N),20) $(SEED)

# The unit tests of the failover machine and of the settings': what scripts/mutate links.
MUTATE := $(patsubst %.c,$(BUILD)/release/%.o,$(wildcard proto/*.c tests/unit/node_*.c) $(SIM_SRC) agent/hold.c \
	tests/unit/world_fail.c tests/unit/sync.c tests/unit/sync_rules.c tests/unit/lineage.c tests/unit/flow.c)

mutate: $(MUTATE) ## breaks one rule of proto/ at a time: does a test notice? M="judge.c.*T2" for some
	$(Q)BUILD=$(BUILD) CC='$(CC)' scripts/mutate $(if $(M),'$(M)')

golden: $(BUILD)/release/unit ## renders tests/golden/ anew: look at what has changed
	$(Q)HA_GOLDEN=write $< --filter 'golden/*' --quiet

lint: all ## format, cppcheck, clang-tidy, include rules, symbols, shell, manuals, units
	$(Q)scripts/lint

fuzzers: $(FUZZ:%=$(BUILD)/fuzz/bin/%)

fuzz: $(patsubst %,$(BUILD)/fuzz/bin/%,$(or $(T),$(FUZZ))) ## libFuzzer: T=NAME S=SECONDS of each, 600 by default
	$(Q)tests/fuzz/run $(or $(S),600) $(or $(T),$(FUZZ))

coverage: $(BUILD)/coverage/unit ## lines and branches of proto/ that the unit tests reach; wants 95 % and 90 %
	$(Q)tests/coverage $(BUILD)

bench: all tools ## the numbers of the takeover, beside keepalived (root); N=20 runs of each
	$(Q)tests/bench/run $(or $(N),20)

bench-sync: all tools ## the numbers of the settings sync, beside rsync (root); N=5 runs of each
	$(Q)tests/bench/sync $(or $(N),5)

bench-console: all tools ## what open pages cost the agent, and how soon a change is on them (root); N=200 pages
	$(Q)tests/bench/console $(or $(N),200)

format: ## clang-format over the tree
	$(Q)clang-format -i $(FORMATTED)

install: all ## program, manuals, documents, units and a sample config; PREFIX, DESTDIR
	$(Q)$(INSTALL) -D -m 755 $(BUILD)/release/haagent $(DESTDIR)$(SBINDIR)/haagent
	$(Q)for m in $(MAN); do \
		$(INSTALL) -D -m 644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/} || exit 1; done
	$(Q)mkdir -p $(DESTDIR)$(UNITDIR)
	$(Q)sed 's|/usr/sbin/haagent|$(SBINDIR)/haagent|g' agent/haagent.service \
		> $(DESTDIR)$(UNITDIR)/haagent.service
	$(Q)chmod 644 $(DESTDIR)$(UNITDIR)/haagent.service
	$(Q)$(INSTALL) -D -m 644 agent/haagent.sysusers $(DESTDIR)$(SYSUSERSDIR)/haagent.conf
	$(Q)$(INSTALL) -D -m 644 agent/haagent.tmpfiles $(DESTDIR)$(TMPFILESDIR)/haagent.conf
	$(Q)$(INSTALL) -D -m 644 scripts/haagent.bash $(DESTDIR)$(BASHDIR)/haagent
	$(Q)$(INSTALL) -D -m 755 $(BUILD)/release/haconsole $(DESTDIR)$(SBINDIR)/haconsole
	$(Q)sed 's|/usr/sbin/haconsole|$(SBINDIR)/haconsole|g' console/haconsole.service \
		> $(DESTDIR)$(UNITDIR)/haconsole.service
	$(Q)chmod 644 $(DESTDIR)$(UNITDIR)/haconsole.service
	$(Q)$(INSTALL) -m 644 console/haconsole.socket $(DESTDIR)$(UNITDIR)/haconsole.socket
	$(Q)$(INSTALL) -D -m 644 console/haconsole.sysusers $(DESTDIR)$(SYSUSERSDIR)/haconsole.conf
	$(Q)$(INSTALL) -D -m 644 console/haconsole.conf $(DESTDIR)$(CONFDIR)/haconsole.conf.sample
	$(Q)for d in $(DOCS); do \
		$(INSTALL) -D -m 644 $$d $(DESTDIR)$(DOCDIR)/$${d##*/} || exit 1; done
	$(Q)for t in $(TARGETS); do \
		$(INSTALL) -m 644 $$t $(DESTDIR)$(UNITDIR)/$${t##*/} || exit 1; done
	$(Q)$(INSTALL) -D -m 644 $(SAMPLE) $(DESTDIR)$(CONFDIR)/haagent.conf.sample
	$(Q)$(INSTALL) -d -m 755 $(DESTDIR)$(CONFDIR)/hooks

uninstall: ## what install put there; the configuration and the state stay
	$(Q)rm -f $(DESTDIR)$(SBINDIR)/haagent $(DESTDIR)$(UNITDIR)/haagent.service \
		$(DESTDIR)$(SYSUSERSDIR)/haagent.conf $(DESTDIR)$(TMPFILESDIR)/haagent.conf \
		$(DESTDIR)$(CONFDIR)/haagent.conf.sample $(DESTDIR)$(BASHDIR)/haagent \
		$(DESTDIR)$(SBINDIR)/haconsole $(DESTDIR)$(UNITDIR)/haconsole.service \
		$(DESTDIR)$(UNITDIR)/haconsole.socket $(DESTDIR)$(SYSUSERSDIR)/haconsole.conf \
		$(DESTDIR)$(CONFDIR)/haconsole.conf.sample
	$(Q)for t in $(TARGETS); do rm -f $(DESTDIR)$(UNITDIR)/$${t##*/}; done
	$(Q)for d in $(DOCS); do rm -f $(DESTDIR)$(DOCDIR)/$${d##*/}; done
	$(Q)rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null || true
	$(Q)for m in $(MAN); do rm -f $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}; done

dist: ## the source as a tarball, build/haagent-VERSION.tar.gz: the same wherever it is made
	$(Q)scripts/dist $(VERSION) $(BUILD)

deb: ## the Debian packages, haagent and haconsole, in build/deb/
	$(Q)scripts/deb $(VERSION) $(BUILD)/deb

package: ## the packages in a clean root (root, a mirror): lintian, install, start, upgrade, remove, purge; some minutes
	$(Q)$(PROVE) tests/package

clean: ## remove build/
	$(Q)rm -rf $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' Makefile

-include $(DEPS)

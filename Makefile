# SPDX-License-Identifier: GPL-2.0-or-later
# multipath-iscsi. `make help` lists what there is.

PREFIX      ?= /usr
SYSCONFDIR  ?= /etc
LIBEXECDIR  ?= $(PREFIX)/libexec/mpathiscsi
SBINDIR     ?= $(PREFIX)/sbin
MANDIR      ?= $(PREFIX)/share/man
UNITDIR     ?= /lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
# Where multipathd of this host loads its plugins from.
PLUGINDIR   ?= $(shell packaging/plugin-dir)
DESTDIR     ?=

# make V=1 shows whole commands
Q           := $(if $(V),,@)

# A flavour is a compiler with its options and an object folder of its own.
FLAVOUR     ?= gcc
B           := build/$(FLAVOUR)
LAB_SUITES  ?= bookworm

CC_gcc      := gcc
CC_clang    := clang
CC_asan     := gcc
CC_fuzz     := clang
CC_tsan     := clang
CC_coverage := gcc
CC_analyzer := gcc
CC          := $(CC_$(FLAVOUR))
OPT_gcc     := -O2 -D_FORTIFY_SOURCE=2
OPT_clang   := -O2 -D_FORTIFY_SOURCE=2
OPT_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDOPT_asan  := -fsanitize=address,undefined
OPT_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
LDOPT_fuzz  := -fsanitize=fuzzer,address,undefined
OPT_tsan    := -O1 -fsanitize=thread -fno-omit-frame-pointer
LDOPT_tsan  := -fsanitize=thread
OPT_coverage := -O0 --coverage -fprofile-abs-path
LDOPT_coverage := --coverage
OPT_analyzer := -O1 -fanalyzer

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 \
	-Wundef -Wvla -Werror
PACKAGES := libsystemd libudev devmapper json-c inih libmnl libcap-ng
CFLAGS   += -std=gnu11 -g $(OPT_$(FLAVOUR)) $(WARNINGS) -fPIC -fvisibility=hidden \
	-fstack-protector-strong -ffunction-sections -fdata-sections -fexceptions
CPPFLAGS += -I. -D_GNU_SOURCE -DPLUGINDIR='"$(PLUGINDIR)"' -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LDFLAGS  += $(LDOPT_$(FLAVOUR)) -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--gc-sections
PLUGIN_LDFLAGS := -shared -Wl,-z,nodelete -Wl,-z,defs -Wl,--exclude-libs,ALL
# The plugins call their host through weak, undefined symbols: no -z defs under a sanitizer.
ifneq ($(filter asan tsan,$(FLAVOUR)),)
PLUGIN_LDFLAGS := -shared -Wl,-z,nodelete -Wl,--exclude-libs,ALL
endif
LIBS_DAEMON := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm
LIBS_PROBE  := $(shell pkg-config --libs libiscsi libsystemd libseccomp 2>/dev/null) -lm

FOLDERS  := common policies checker prioritizers daemon daemon/quick
SOURCES  := $(wildcard $(FOLDERS:%=%/*.c))
OBJECTS  := $(SOURCES:%.c=$(B)/%.o)
# Files with a main() or a plugin's entry points stay out of the archive.
MAINS    := daemon/mpathiscsid daemon/mpathiscsi daemon/probe_child daemon/quick/disarm \
	checker/plugin prioritizers/prio_plugin
ARCHIVE  := $(B)/libmpathiscsi.a
PROGRAMS := $(B)/mpathiscsid $(B)/mpathiscsi $(B)/mpathiscsi-probe $(B)/mpathiscsi-disarm
PLUGINS  := $(B)/libcheckiscsi.so $(B)/libprioiscsi.so
UNITS    := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
HOSTS    := $(patsubst tests/hosts/%.c,$(B)/tests/hosts/%,$(wildcard tests/hosts/*.c))
DRIVERS  := $(patsubst tests/integration/%.c,$(B)/tests/integration/%,$(wildcard tests/integration/*.c))
FUZZERS  := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES  := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))
LABTOOLS := $(patsubst tests/lab/tools/%.c,build/lab/tools/%,$(wildcard tests/lab/tools/*.c)) \
	$(patsubst tests/lab/drivers/%.c,build/lab/tools/%,$(wildcard tests/lab/drivers/*.c))
LABTOOLS += $(patsubst tests/lab/tools/checkers/%.c,build/lab/tools/libcheck%.so,$(wildcard tests/lab/tools/checkers/*.c))
MANPAGES := $(wildcard man/*.[1-8])

.PHONY: all
all: $(PROGRAMS) $(PLUGINS)

# What is compiled in: a change of these makes everything anew.
SETTINGS := PREFIX=$(PREFIX) SYSCONFDIR=$(SYSCONFDIR) LIBEXECDIR=$(LIBEXECDIR) \
	PLUGINDIR=$(PLUGINDIR) SBINDIR=$(SBINDIR)
$(B)/settings: FORCE
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>/dev/null)" = '$(SETTINGS)' ] || echo '$(SETTINGS)' > $@
.PHONY: FORCE
FORCE:

$(B)/%.o: %.c Makefile $(B)/settings
	@mkdir -p $(@D)
	$(Q)echo '  CC    $@'; $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(ARCHIVE): $(filter-out $(MAINS:%=$(B)/%.o),$(OBJECTS))
	@rm -f $@
	$(Q)ar crs $@ $^

$(B)/mpathiscsid $(B)/mpathiscsi: $(B)/%: $(B)/daemon/%.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -pie -o $@ $^ $(LIBS_DAEMON)
$(B)/mpathiscsi-probe: $(B)/daemon/probe_child.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -pie -o $@ $^ $(LIBS_PROBE)
$(B)/mpathiscsi-disarm: $(B)/daemon/quick/disarm.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -pie -o $@ $^ $(LIBS_DAEMON)
$(B)/libcheckiscsi.so: $(B)/checker/plugin.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) $(PLUGIN_LDFLAGS) -o $@ $^ -lpthread
$(B)/libprioiscsi.so: $(B)/prioritizers/prio_plugin.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) $(PLUGIN_LDFLAGS) -o $@ $^

# Tests: every unit is one program; hosts are small programs that load our plugins as
# multipathd does; drivers use the real engine against real targets.
TEST_CPPFLAGS := -DTEST_BUILD_DIR='"$(abspath $(B))"' -DTEST_SOURCE_DIR='"$(CURDIR)"'
LIBS_TEST = -Wl,--no-as-needed -lcmocka -Wl,--as-needed $(LIBS_DAEMON) $(LIBS_PROBE) -ldl -lpthread

$(B)/tests/%.o: CPPFLAGS += $(TEST_CPPFLAGS)
$(B)/tests/hosts/%.o: CFLAGS += -fvisibility=default
$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS_TEST)
$(B)/tests/hosts/%: $(B)/tests/hosts/%.o
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -rdynamic -o $@ $^ -ldl -lpthread
$(B)/tests/integration/%: $(B)/tests/integration/%.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS_TEST)
EVIL := $(patsubst %.c,$(B)/%.o,$(wildcard tests/integration/evil/*.c))
$(B)/tests/integration/evil_target: $(B)/tests/integration/evil_target.o $(EVIL) $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS_TEST)
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS_TEST)
# FLAVOUR=fuzz only: libFuzzer brings main().
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS_DAEMON) $(LIBS_PROBE) -lpthread
# The bench of scale: a host for the real daemon, and the kernel's device-mapper below libdevmapper.
SCALE_OBJECTS := $(patsubst %.c,$(B)/%.o,$(filter-out %/dm_kernel.c,$(wildcard tests/bench/scale/*.c)))
$(B)/tests/bench/scale-host: $(SCALE_OBJECTS) $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS_DAEMON) -lpthread
$(B)/tests/bench/dm_kernel.so: $(B)/tests/bench/scale/dm_kernel.o $(B)/tests/bench/scale/maps.o
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -shared -o $@ $^ -ldl -lpthread
# A day of the daemon under a driven clock, on the same host.
DAY_OBJECTS := $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/day/*.c) \
	$(filter-out $(addprefix %/,main.c host.c measure.c trouble.c daemon.c dm_kernel.c),\
	$(wildcard tests/bench/scale/*.c)))
$(B)/tests/bench/day-host: $(DAY_OBJECTS) $(ARCHIVE)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS_DAEMON) -lpthread
$(B)/tests/bench/day_clock.so: $(B)/tests/bench/day/clock.o
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -shared -o $@ $^ -lpthread
# Guests may be older than this host in nothing but the C library: plain C, no sanitizer.
build/lab/tools/%: tests/lab/tools/%.c
	@mkdir -p $(@D)
	$(Q)echo '  CC    $@'; gcc -std=gnu11 -O2 -g -D_GNU_SOURCE $(WARNINGS) -o $@ $< -lpthread $(LIBS_$(@F))
# Parts of the product, driven by hand in a guest.
build/lab/tools/%: $(B)/tests/lab/drivers/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(Q)echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS_DAEMON)
build/lab/tools/pathwatch: LIBS_pathwatch := -ldevmapper
build/lab/tools/libcheck%.so: tests/lab/tools/checkers/%.c
	@mkdir -p $(@D)
	$(Q)echo '  CC    $@'; gcc -std=gnu11 -O2 -g $(WARNINGS) -fPIC -shared -fvisibility=hidden -o $@ $<

.PHONY: units tests-build
tests-build: all $(UNITS) $(HOSTS) $(DRIVERS) $(BENCHES) scale-build day-build
units: tests-build
	@tests/run-units $(B)

# What the unit tests reach; LINES_MIN=, BRANCHES_MIN=: see the script.
.PHONY: coverage coverage-run objects
coverage:
	@$(MAKE) --no-print-directory FLAVOUR=coverage coverage-run
coverage-run: all $(UNITS) $(HOSTS)
	@tests/coverage $(B)
# FLAVOUR=analyzer: gcc reads the product's sources with -fanalyzer.
objects: $(OBJECTS)
# ThreadSanitizer, for those that have threads.
.PHONY: threads threads-run
THREADED := checker_threads path_check lun prio_plugin lingering board_reader
threads:
	@$(MAKE) --no-print-directory FLAVOUR=tsan threads-run
threads-run: $(PLUGINS) $(HOSTS) $(THREADED:%=$(B)/tests/unit/test_%)
	@tests/run-units $(B)
# UNITS_ONLY="test_store test_parse": only these, with the command itself.
.PHONY: valgrind
valgrind: all $(UNITS) $(HOSTS)
	@tests/valgrind $(B) $(UNITS_ONLY)

.PHONY: fuzz fuzzers fuzz-run
# FUZZ_S=: seconds of each; FUZZ_ONLY="store board": only these.
fuzz:
	@$(MAKE) --no-print-directory FLAVOUR=fuzz fuzz-run
fuzzers: $(FUZZERS)
fuzz-run: fuzzers
	@FUZZ_BUILD='$(B)' tests/fuzz/run

-include $(OBJECTS:.o=.d) $(wildcard $(B)/tests/*/*.d $(B)/tests/*/*/*.d)

# What is installed where: source:destination:mode, one line a file.
define INSTALLED
$(B)/mpathiscsid:$(SBINDIR)/mpathiscsid:755
$(B)/mpathiscsi:$(SBINDIR)/mpathiscsi:755
$(B)/mpathiscsi-probe:$(LIBEXECDIR)/mpathiscsi-probe:755
$(B)/mpathiscsi-disarm:$(LIBEXECDIR)/mpathiscsi-disarm:755
$(B)/libcheckiscsi.so:$(PLUGINDIR)/libcheckiscsi.so:644
$(B)/libprioiscsi.so:$(PLUGINDIR)/libprioiscsi.so:644
$(B)/mpathiscsid.service:$(UNITDIR)/mpathiscsid.service:644
$(B)/mpathiscsi-disarm.service:$(UNITDIR)/mpathiscsi-disarm.service:644
packaging/mpathiscsi-disarm.timer:$(UNITDIR)/mpathiscsi-disarm.timer:644
packaging/sysusers.conf:$(SYSUSERSDIR)/mpathiscsi.conf:644
packaging/completion.bash:$(BASHCOMPDIR)/mpathiscsi:644
packaging/policies.conf:$(SYSCONFDIR)/mpathiscsi/policies.conf:644
packaging/mpathiscsid.conf:$(SYSCONFDIR)/mpathiscsi/mpathiscsid.conf:644
$(foreach m,$(MANPAGES),$(m):$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)):644
)
endef
export INSTALLED

SERVICES := $(B)/mpathiscsid.service $(B)/mpathiscsi-disarm.service
$(SERVICES): $(B)/%.service: packaging/%.service.in Makefile $(B)/settings
	@mkdir -p $(@D)
	$(Q)sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' $< > $@

.PHONY: install uninstall
install: all $(SERVICES)
	@DESTDIR='$(DESTDIR)' packaging/install-files install
uninstall:
	@DESTDIR='$(DESTDIR)' SBINDIR='$(SBINDIR)' SYSCONFDIR='$(SYSCONFDIR)' packaging/take-out-of-use
	@DESTDIR='$(DESTDIR)' packaging/install-files uninstall

.PHONY: deps check demo bench-policies bench-failover bench-falsealarm bench-checker lab-product lab-image lab-shell clean help
deps:
	@packaging/deps

# The tree that travels into the guests.
lab-product: $(LABTOOLS)
	@rm -rf build/lab/product
	@$(MAKE) --no-print-directory B=build/lab/gcc install DESTDIR=build/lab/product PREFIX=/usr \
		SYSCONFDIR=/etc PLUGINDIR=/usr/lib/multipath UNITDIR=/usr/lib/systemd/system >/dev/null

lab-image:
	@for suite in $(LAB_SUITES); do tests/lab/image $$suite || exit 1; done
lab-shell: lab-product lab-image
	@tests/lab/shell $(firstword $(LAB_SUITES))

demo:
	@packaging/deps
	@$(MAKE) --no-print-directory lab-product >/dev/null
	@tests/demo $(firstword $(LAB_SUITES))

check:
	@packaging/deps
	@LAB_SUITES='$(LAB_SUITES)' tests/check

# Figures, not tests: measured in one run, printed as RESULT lines.
bench-policies: lab-product $(B)/tests/bench/plan_luns
	@$(B)/tests/bench/plan_luns
	@tests/lab/run $(firstword $(LAB_SUITES)) bench-policies
# CASE=, N=, SETTINGS=, FRESH=1: see the script.
bench-failover: lab-product
	@tests/lab/run-bench-failover $(firstword $(LAB_SUITES))
# S=: seconds of each case; PROFILES=, CASES=.
bench-falsealarm: lab-product
	@tests/lab/run $(firstword $(LAB_SUITES)) bench-falsealarm s=$(or $(S),300) \
		profiles="$(or $(PROFILES),safe default fast off)" $(if $(CASES),cases="$(CASES)")
bench-checker: lab-product
	@tests/lab/run $(firstword $(LAB_SUITES)) bench-checker luns=64
# The targets are assertions; SCALE_STRICT=0: only the growth is. SCALE_IDLE_S=: see the script.
.PHONY: bench-scale scale-build
SCALE_PROGRAMS := $(B)/tests/bench/scale-host $(B)/tests/bench/dm_kernel.so
scale-build: all $(SCALE_PROGRAMS)
bench-scale: scale-build
	@tests/bench/run-scale $(B)
# HOURS=: of simulated time.
.PHONY: day day-build
day-build: scale-build $(B)/tests/bench/day-host $(B)/tests/bench/day_clock.so
day: day-build
	@tests/bench/run-day $(B) $(or $(HOURS),24)

# FAULTS=, CHECKERS=, FRESH=1: see the script.
.PHONY: check-faults
check-faults: lab-product
	@FAULTS='$(FAULTS)' CHECKERS='$(CHECKERS)' tests/lab/check-faults $(firstword $(LAB_SUITES))

clean:
	rm -rf build out

help:
	@sed -n 's/^#H //p' Makefile

#H make [all]        build everything into build/gcc (FLAVOUR=clang|asan: others)
#H make deps         install the Debian packages that building and testing need
#H make install      honours DESTDIR, PREFIX, SYSCONFDIR, PLUGINDIR, UNITDIR
#H make uninstall    takes exactly that away again (changed configuration stays)
#H make demo         boots a guest and shows a LUN failing over and back
#H make check        all tests; LAB_SUITES="bookworm trixie" chooses the guests
#H make bench-policies  least-queue-depth against round-robin; what a change costs
#H make bench-failover  what a fault costs under load, stock and ours; CASE=, N= (40 min)
#H make bench-falsealarm  trouble that must cost nothing; S= seconds a case (300: 4 h)
#H make bench-scale  memory and time at 64 to 16,384 paths, targets asserted (15 min)
#H make day          24 h of the daemon under a driven clock: nothing grows; HOURS= (5 min)
#H make bench-checker  CPU time and NOPs at 256 paths, beside tur and directio (25 min)
#H make check-faults  the fault matrix; FAULTS=, CHECKERS= select (2 to 3 h)
#H make units        only the unit tests of one FLAVOUR
#H make coverage     what the unit tests reach of the pure parts, by file (2 min)
#H make valgrind     the unit tests and the command under valgrind; UNITS_ONLY= (5 min)
#H make threads      those with threads, under ThreadSanitizer
#H make fuzz         every fuzzer for FUZZ_S seconds (30), two at a time; see tests/fuzz/run
#H make lab-image    build the guests' images (cached outside the tree)
#H make lab-shell    a root shell in a guest with the product installed
#H make clean

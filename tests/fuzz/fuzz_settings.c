/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsid.conf, what was measured against it, and the kernel's command line. The first
 * bytes are what was measured; the rest is the file. */
#include "daemon/quick/settings.h"

#include <errno.h>

#include "common/parse.h"
#include "daemon/quick/settings_keys.h"
#include "daemon/quick/switch.h"
#include "tests/fuzz/fuzz.h"

static struct quick_settings settings, untouched, again;

static void check_value(const struct settings_key_info *key, const struct quick_timing *timing)
{
	uint32_t value = settings_key_get(key, &settings, timing), max = key->max;

	if (key->kind != KIND_NUMBER) {
		must(settings_key_word(key, value));
		return;
	}
	/* A floor lifts the others above what may be written. */
	if (key->per_target && timing->floor_ms > max)
		max = timing->floor_ms;
	must(value <= max && (value >= key->min || (key->zero && value == 0)));
}

static void check_timing(const struct quick_timing *t)
{
	for (size_t i = 0; i < KEY_MAX; i++)
		check_value(&settings_keys[i], t);
	must(t->user_timeout_ms <= t->user_timeout_max_ms);
	must(t->connection_dead_ms <= t->target_dead_ms);
	must(!t->lun_dead_ms || t->target_dead_ms <= t->lun_dead_ms);
	must(t->user_timeout_ms >= t->floor_ms && t->connection_dead_ms >= t->floor_ms);
	must(!(t->arm && t->fence));
}

static void print_section(FILE *out, const struct quick_timing *timing, bool of_target)
{
	for (size_t i = 0; i < KEY_MAX; i++) {
		const struct settings_key_info *key = &settings_keys[i];
		uint32_t value = settings_key_get(key, &settings, timing);
		const char *word = settings_key_word(key, value);

		if (of_target && !key->per_target)
			continue;
		if (word)
			fprintf(out, "%s = %s\n", key->name, word);
		else
			fprintf(out, "%s = %u\n", key->name, value);
	}
}

/* Written out in full it says the same. */
static void there_and_back(void)
{
	char message[SETTINGS_MESSAGE_MAX], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	must(out);
	if (*settings.group)
		fprintf(out, "[control]\ngroup = %s\n", settings.group);
	fputs("[timing]\n", out);
	print_section(out, &settings.timing, false);
	for (size_t i = 0; i < settings.n_targets; i++) {
		fprintf(out, "[target %s]\n", settings.targets[i].name);
		print_section(out, &settings.targets[i].timing, true);
	}
	fclose(out);
	must(settings_parse(text, "f", &again, message) == 0);
	must(again.n_targets == settings.n_targets && again.profile == settings.profile);
	must(!strcmp(again.group, settings.group));
	for (size_t i = 0; i < KEY_MAX; i++)
		must(settings_key_get(&settings_keys[i], &again, &again.timing) ==
		     settings_key_get(&settings_keys[i], &settings, &settings.timing));
	free(text);
}

/* What a floor has lifted cannot be written so. */
static bool writable(void)
{
	for (size_t i = 0; i < settings.n_targets; i++)
		if (settings.targets[i].timing.floor_ms)
			return false;
	return !settings.timing.floor_ms;
}

static void check_targets(void)
{
	for (size_t i = 0; i < settings.n_targets; i++) {
		const struct quick_target *target = &settings.targets[i];

		must(fuzz_ends(target->name, sizeof(target->name)) && *target->name);
		for (const char *c = target->name; *c; c++)
			must(*c < 'A' || *c > 'Z');
		must(settings_timing(&settings, target->name) == &target->timing);
		check_timing(&target->timing);
	}
}

static void check_live(struct fuzz_bytes *facts)
{
	char message[SETTINGS_MESSAGE_MAX];
	struct settings_fact fact = {.target = "iqn.a:b", .portal = "10.0.1.2:3260"};
	enum settings_fit fit;

	fuzz_fill(facts, &fact.rtt_us, sizeof(fact.rtt_us));
	fuzz_fill(facts, &fact.rto_us, sizeof(fact.rto_us));
	fuzz_fill(facts, &fact.queueing_ms, sizeof(fact.queueing_ms));
	fact.routes_tuned = fuzz_byte(facts) & 1;
	fit = settings_check_live(&settings, &fact, 1, message);
	must(fit <= SETTINGS_REFUSED && (fit == SETTINGS_FIT) == !*message);
}

static void check_words(const char *text)
{
	char line[SWITCH_TEXT_MAX];
	uint64_t ms = 77;

	switch_cmdline_off(text);
	switch_format(text, 0, 0, text, line);
	must(fuzz_ends(line, sizeof(line)) && !strchr(line, '\n') && !strchr(line, '\033'));
	if (parse_ms(text, 10, 1000, &ms) < 0)
		must(ms == 77);
	else
		must(ms >= 10 && ms <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = {data, size};
	uint8_t measured[17];
	struct fuzz_bytes facts = {measured, sizeof(measured)};
	char message[SETTINGS_MESSAGE_MAX], *text;
	int r;

	fuzz_fill(&bytes, measured, sizeof(measured));
	text = fuzz_rest(&bytes);
	memset(&settings, 0xAA, sizeof(settings));
	memset(&untouched, 0xAA, sizeof(untouched));
	r = settings_parse(text, "f", &settings, message);
	if (r < 0) {
		must(r == -EINVAL && fuzz_names_line(message, "f", text));
		must(!memcmp(&settings, &untouched, sizeof(settings)));
	} else {
		must(!*message);
		check_timing(&settings.timing);
		must(fuzz_printable(settings.group, sizeof(settings.group)));
		must(settings.n_targets <= SETTINGS_TARGETS_MAX);
		check_targets();
		check_live(&facts);
		if (writable())
			there_and_back();
	}
	check_words(text);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/parse.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Digits at the start of 'text': their value and, in *ret_rest, what follows them. */
static int parse_digits(const char *text, uint64_t *ret, const char **ret_rest)
{
	uint64_t value = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (p == text)
		return -EINVAL;
	*ret = value;
	*ret_rest = p;
	return 0;
}

/* Is the whole text decimal digits? Tells "too large" from "not a number". */
static bool all_digits(const char *text, size_t length)
{
	return length > 0 && strspn(text, "0123456789") >= length;
}

int parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	const char *rest;
	uint64_t value;
	int r;

	if (!all_digits(text, strlen(text)))
		return -EINVAL;
	r = parse_digits(text, &value, &rest);
	if (r < 0)
		return r;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

/* Milliseconds in one unit of 'suffix'; 0: no such unit. */
static uint64_t unit_ms(const char *suffix)
{
	if (*suffix == '\0' || strcmp(suffix, "ms") == 0)
		return 1;
	if (strcmp(suffix, "s") == 0)
		return 1000;
	if (strcmp(suffix, "min") == 0)
		return 60 * 1000;
	return 0;
}

int parse_ms(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value, unit;
	const char *rest;
	int r;

	unit = unit_ms(text + strspn(text, "0123456789"));
	if (unit == 0)
		return -EINVAL;
	r = parse_digits(text, &value, &rest);
	if (r < 0)
		return r;
	if (value > UINT64_MAX / unit)
		return -ERANGE;
	value *= unit;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = { "yes", "on", "true", "1" };
	static const char *const no[] = { "no", "off", "false", "0" };
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(text, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcasecmp(text, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

int copy_text(char *dst, size_t size, const char *src)
{
	size_t length = strlen(src);

	if (length >= size)
		return -ENOBUFS;
	memcpy(dst, src, length + 1);
	return 0;
}

uint64_t fnv1a(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < size; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ULL;
	return hash;
}

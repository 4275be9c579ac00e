/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

/*
 * What the fuzzers share. Each is one file, fuzz_NAME.c, with LLVMFuzzerTestOneInput(): it takes
 * any bytes, gives them to code of ours, and checks with must() what has to hold of the result
 * whatever they are. Its seeds are in corpus/NAME/, its words in NAME.dict.
 *
 * `make fuzz` runs all (tests/fuzz/run). To see a crash again:
 *
 *	build/fuzz/tests/fuzz/fuzz_NAME FILE
 *
 * FILE is the reproducer that `make fuzz` named. It belongs into corpus/NAME/ as
 * regression-WHAT, beside the mend: seeds are run first of all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define must(condition)                                                                  \
	((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

static inline _Noreturn void fuzz_broken(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

/* Memory of exactly that size, so that a read beyond it is seen. */
static inline void *fuzz_copy(const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	must(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

/* As a string; a NUL within ends it. */
static inline char *fuzz_text(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	must(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* The bytes as they are used up. */
struct fuzz_bytes {
	const uint8_t *data;
	size_t size;
};

/* 0 when there are none left. */
static inline uint8_t fuzz_byte(struct fuzz_bytes *bytes)
{
	if (!bytes->size)
		return 0;
	bytes->size--;
	return *bytes->data++;
}

/* Up to 'size' of them; the rest of 'buffer' becomes 0. */
static inline size_t fuzz_fill(struct fuzz_bytes *bytes, void *buffer, size_t size)
{
	size_t n = size < bytes->size ? size : bytes->size;

	memset(buffer, 0, size);
	if (n)
		memcpy(buffer, bytes->data, n);
	bytes->data += n;
	bytes->size -= n;
	return n;
}

/* One line, without its end, as a string of its own; "" when there is none. */
static inline char *fuzz_line(struct fuzz_bytes *bytes)
{
	const uint8_t *end = bytes->size ? memchr(bytes->data, '\n', bytes->size) : NULL;
	size_t length = end ? (size_t)(end - bytes->data) : bytes->size;
	char *line = fuzz_text(bytes->data, length);

	bytes->data += length + (end ? 1 : 0);
	bytes->size -= length + (end ? 1 : 0);
	return line;
}

static inline char *fuzz_rest(struct fuzz_bytes *bytes)
{
	char *text = fuzz_text(bytes->data, bytes->size);

	bytes->size = 0;
	return text;
}

static inline bool fuzz_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static inline bool fuzz_printable(const char *text, size_t size)
{
	for (size_t i = 0; i < size && text[i]; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return fuzz_ends(text, size);
}

static inline size_t fuzz_count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* "FILE:LINE: …" with a line that the text has. */
static inline bool fuzz_names_line(const char *message, const char *file, const char *text)
{
	size_t length = strlen(file), line;
	char *end;

	if (strncmp(message, file, length) || message[length] != ':')
		return false;
	line = strtoul(message + length + 1, &end, 10);
	return line >= 1 && line <= fuzz_count_lines(text) && !strncmp(end, ": ", 2) && end[2];
}

#endif

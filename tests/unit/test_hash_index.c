/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "daemon/hash_index.h"

#define ENTRIES 400
#define DEEDS	20000

/* The plain list that the index has to agree with. */
struct model {
	bool in[ENTRIES];
	uint64_t hash[ENTRIES];
};

/* Few different ones, and neighbours: they collide. */
static uint64_t random_hash(unsigned int *seed)
{
	return (uint64_t)(rand_r(seed) % 97) << (rand_r(seed) % 2 ? 0 : 40);
}

static void agrees(const struct hash_index *index, const struct model *model, uint64_t hash)
{
	bool found[ENTRIES] = {false};
	size_t cursor = 0, at;

	while ((at = hash_index_next(index, hash, &cursor)) != HASH_INDEX_NONE) {
		assert_true(at < ENTRIES);
		assert_false(found[at]);
		found[at] = true;
	}
	for (size_t i = 0; i < ENTRIES; i++)
		assert_int_equal(found[i], model->in[i] && model->hash[i] == hash);
}

static void test_random(void **state)
{
	struct hash_index index = {.n = 0};
	struct model model = {.in = {false}};
	unsigned int seed = 1;
	size_t n = 0;

	(void)state;
	for (int deed = 0; deed < DEEDS; deed++) {
		size_t i = (size_t)rand_r(&seed) % ENTRIES;

		if (model.in[i]) {
			hash_index_remove(&index, model.hash[i], i);
			n--;
		} else {
			model.hash[i] = random_hash(&seed);
			assert_int_equal(hash_index_add(&index, model.hash[i], i), 0);
			n++;
		}
		model.in[i] = !model.in[i];
		assert_int_equal(index.n, n);
		agrees(&index, &model, model.hash[i]);
		agrees(&index, &model, random_hash(&seed));
	}
	assert_true(index.size <= 4 * ENTRIES);
	hash_index_free(&index);
}

static void test_edges(void **state)
{
	struct hash_index index = {.n = 0};
	size_t cursor = 0, size;

	(void)state;
	assert_int_equal(hash_index_next(&index, 7, &cursor), HASH_INDEX_NONE);
	hash_index_remove(&index, 7, 0);
	hash_index_clear(&index);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(hash_index_add(&index, UINT64_MAX - i, i), 0);
	hash_index_remove(&index, UINT64_MAX, 1); /* that one stands under another hash */
	assert_int_equal(index.n, 100);
	size = index.size;
	hash_index_clear(&index);
	assert_int_equal(index.n, 0);
	assert_int_equal(index.size, size);
	cursor = 0;
	assert_int_equal(hash_index_next(&index, UINT64_MAX, &cursor), HASH_INDEX_NONE);
	hash_index_free(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

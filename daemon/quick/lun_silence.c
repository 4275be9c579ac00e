/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/lun_silence.h"

#include "common/clock.h"

void silence_step(struct silence *silence, const struct silence_sample *sample)
{
	bool moved = silence->known && sample->completed != silence->completed;

	if (!sample->counted) {
		*silence = (struct silence){.known = false};
		return;
	}
	if (moved)
		silence->moved_ns = sample->now_ns;
	if (!sample->in_flight)
		silence->since_ns = 0;
	else if (moved || !silence->since_ns ||
		 sample->now_ns - silence->since_ns <= sample->lost_ns)
		silence->since_ns = sample->now_ns;
	else
		silence->since_ns += sample->lost_ns;
	silence->known = true;
	silence->completed = sample->completed;
	silence->in_flight = sample->in_flight;
}

static bool silent_for(const struct silence_path *path, uint64_t ms, uint64_t now_ns)
{
	return path->answers && path->limit_ms && path->io.known && path->io.since_ns &&
	       now_ns >= path->io.since_ns && now_ns - path->io.since_ns >= ms * NS_PER_MS;
}

static bool one_group(const struct silence_path *paths, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (paths[i].group != paths[0].group)
			return false;
	return true;
}

/* When the longest silence that is one began; 0: none is. */
static uint64_t begin_of(const struct silence_path *paths, size_t n, uint64_t now_ns)
{
	uint64_t begin = 0;

	for (size_t i = 0; i < n; i++)
		if (silent_for(&paths[i], paths[i].limit_ms, now_ns) &&
		    (!begin || paths[i].io.since_ns < begin))
			begin = paths[i].io.since_ns;
	return begin;
}

static bool group_is_silent(const struct silence_path *paths, size_t n, unsigned int group,
			    uint64_t now_ns)
{
	for (size_t i = 0; i < n; i++)
		if (paths[i].group == group &&
		    silent_for(&paths[i], paths[i].limit_ms, now_ns))
			return true;
	return false;
}

static bool moved_since(const struct silence_path *path, uint64_t since_ns)
{
	return path->io.known && path->io.moved_ns > since_ns;
}

static bool is_hung(const struct silence_path *paths, size_t n, size_t i, uint64_t begin_ns,
		    uint64_t now_ns)
{
	const struct silence_path *path = &paths[i];

	if (silent_for(path, path->limit_ms, now_ns))
		return true;
	if (moved_since(path, begin_ns))
		return false;
	if (one_group(paths, n))
		return silent_for(path, path->limit_ms / 2, now_ns);
	return group_is_silent(paths, n, path->group, now_ns);
}

/* Over a portal of which no I/O hangs? */
static bool other_portal(const struct silence_path *paths, size_t n, const bool *hung, size_t i)
{
	for (size_t j = 0; j < n; j++)
		if (hung[j] && paths[j].io.since_ns && paths[j].portal == paths[i].portal)
			return false;
	return true;
}

static bool is_refuge(const struct silence_path *paths, size_t n, const bool *hung, size_t i)
{
	return !hung[i] && paths[i].usable && paths[i].answers && paths[i].io.known &&
	       other_portal(paths, n, hung, i);
}

static enum silence_verdict look_for_refuge(const struct silence_path *paths, size_t n,
					    const bool *hung, uint64_t begin_ns)
{
	enum silence_verdict verdict = SILENCE_LAST;

	for (size_t i = 0; i < n; i++) {
		if (!is_refuge(paths, n, hung, i))
			continue;
		if (!paths[i].io.in_flight || moved_since(&paths[i], begin_ns))
			return SILENCE_HUNG;
		verdict = SILENCE_EVERYWHERE;
	}
	return verdict;
}

enum silence_verdict silence_judge(const struct silence_path *paths, size_t n, uint64_t now_ns,
				   bool *ret_hung)
{
	uint64_t begin_ns = begin_of(paths, n, now_ns);
	enum silence_verdict verdict = SILENCE_NONE;
	size_t i;

	for (i = 0; i < n; i++)
		ret_hung[i] = begin_ns && is_hung(paths, n, i, begin_ns, now_ns);
	if (begin_ns)
		verdict = look_for_refuge(paths, n, ret_hung, begin_ns);
	for (i = 0; i < n; i++)
		ret_hung[i] = ret_hung[i] && verdict == SILENCE_HUNG;
	return verdict;
}

bool silence_may_free(const struct silence_path *paths, size_t n, const bool *hung,
		      uint64_t failed_ns, uint64_t now_ns)
{
	bool settled = now_ns >= failed_ns && now_ns - failed_ns >= SILENCE_SETTLE_MS * NS_PER_MS;

	for (size_t i = 0; i < n; i++)
		if (is_refuge(paths, n, hung, i) &&
		    (moved_since(&paths[i], failed_ns) || (settled && !paths[i].io.in_flight)))
			return true;
	return false;
}

const char *silence_text(enum silence_verdict verdict)
{
	static const char *const texts[] = {
		[SILENCE_NONE] = "its I/O flows",
		[SILENCE_LAST] = "no other path over another portal is usable",
		[SILENCE_EVERYWHERE] = "I/O on its other paths does not end either",
		[SILENCE_HUNG] = "I/O hangs on some paths only",
	};

	_Static_assert(sizeof(texts) / sizeof(texts[0]) == SILENCE_MAX, "all worded");
	return (unsigned int)verdict < SILENCE_MAX ? texts[verdict] : "unknown";
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A LUN's policy into the fragment, after `mpathiscsi policy set`. */
#include "daemon/enable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "daemon/enable_apply.h"

/* Load, parse, change one LUN, print, store. */
static int update_text(const char *text, const char *wwid, const char *policy,
		       const char *selector, char **ret_text)
{
	bool fits =
		strlen(policy) <= FRAGMENT_PRIO_ARGS_MAX && fragment_text_fits(policy);
	struct fragment f;
	struct fragment_lun *lun;
	unsigned int line;
	int r = fragment_parse(text, &f, &line);

	if (r)
		return r;
	lun = fragment_lun_find(&f, wwid);
	if (lun) {
		(void)copy_text(lun->prio_args, sizeof(lun->prio_args),
				fits ? policy : "");
		(void)copy_text(lun->selector, sizeof(lun->selector), selector);
		r = fragment_print(&f, ret_text);
	} else {
		r = -ENXIO;
	}
	fragment_free(&f);
	return r ? r : fits ? 0 : -E2BIG;
}

int fragment_update(const char *conf_dir, const char *wwid, const char *policy,
		    const char *selector, bool *ret_changed)
{
	char path[FRAGMENT_PATH_MAX];
	char *old = NULL, *text = NULL;
	bool changed = false;
	int stored = 0;
	int r = fragment_path(conf_dir ? conf_dir : ENABLE_CONF_DIR, path, sizeof(path));

	if (!r)
		r = fragment_load(path, &old);
	if (!r && !old)
		r = -ENODATA;
	if (!r)
		r = update_text(old, wwid, policy, selector, &text);
	if (text && strcmp(old, text)) {
		stored = fragment_store(path, text);
		changed = !stored;
	}
	free(old);
	free(text);
	if (!stored && ret_changed && (!r || r == -E2BIG))
		*ret_changed = changed;
	return stored ? stored : r;
}

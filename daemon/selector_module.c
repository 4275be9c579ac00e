/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/selector_module.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define NAME_SHOWN 64 /* longer than any selector's name */

/* Does the list name the file dm-NAME.ko, whatever stands behind it (.xz, a colon)? In the lists
 * a name has either sign, '-' or '_'. -1: it cannot be read. */
static int list_has(const char *path, const char *name)
{
	char *line = NULL, hyphens[NAME_SHOWN + 8], underscores[NAME_SHOWN + 8];
	FILE *file = fopen(path, "re");
	size_t size = 0;
	int found = 0;

	if (!file)
		return -1;
	snprintf(hyphens, sizeof(hyphens), "/dm-%s.ko", name);
	snprintf(underscores, sizeof(underscores), "/dm_%s.ko", name);
	for (char *at = underscores; *at; at++)
		*at = *at == '-' ? '_' : *at;
	while (!found && getline(&line, &size, file) >= 0) {
		line[strcspn(line, ":\n")] = '\0'; /* of modules.dep: not what it needs */
		found = strstr(line, hyphens) || strstr(line, underscores);
	}
	if (ferror(file))
		found = -1;
	free(line);
	fclose(file);
	return found;
}

static int is_loaded(const char *root, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/sys/module/", root);

	n += snprintf(path + n, sizeof(path) - (size_t)n, "dm_%s", name);
	for (char *at = path + n - strlen(name); *at; at++)
		*at = *at == '-' ? '_' : *at;
	return access(path, F_OK) == 0;
}

/* kernel.modules_disabled: what is not loaded now never will be. */
static int loading_is_over(const char *root)
{
	char path[PATH_MAX], answer = '0';
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/sys/kernel/modules_disabled", root);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fread(&answer, 1, 1, file) != 1)
		answer = '0';
	fclose(file);
	return answer == '1';
}

enum selector_presence selector_presence(const char *root, const char *release,
					 const char *selector)
{
	char path[PATH_MAX], name[NAME_SHOWN];
	int built_in, loadable;

	if (strcspn(selector, " ") >= sizeof(name))
		return SELECTOR_UNKNOWN;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(selector, " "), selector);
	if (is_loaded(root, name))
		return SELECTOR_THERE;
	snprintf(path, sizeof(path), "%s/lib/modules/%s/modules.builtin", root, release);
	built_in = list_has(path, name);
	snprintf(path, sizeof(path), "%s/lib/modules/%s/modules.dep", root, release);
	loadable = list_has(path, name);
	if (built_in == 1 || (loadable == 1 && !loading_is_over(root)))
		return SELECTOR_THERE;
	return built_in < 0 || loadable < 0 ? SELECTOR_UNKNOWN : SELECTOR_MISSING;
}

enum selector_presence selector_presence_now(const char *selector)
{
	struct utsname kernel;

	return uname(&kernel) < 0 ? SELECTOR_UNKNOWN :
				    selector_presence("", kernel.release, selector);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_SELECTOR_MODULE_H
#define MPATHISCSI_SELECTOR_MODULE_H

/*
 * Has the kernel a path selector? It lists none of them; but it loads the module "dm-NAME" when
 * a table asks for NAME and it has none of that name (drivers/md/dm-path-selector.c), and of
 * modules there are lists. Asked by the command: the daemon's sandbox hides them.
 */

enum selector_presence {
	SELECTOR_UNKNOWN, /* cannot be told: no lists, or not readable */
	SELECTOR_THERE,	  /* loaded, built in, or there to be loaded */
	SELECTOR_MISSING,
};

/* 'selector': "queue-length 0"; only its name counts. 'root': "" but in tests. 'release': the
 * running kernel's, as uname -r. */
enum selector_presence selector_presence(const char *root, const char *release,
					 const char *selector);

/* The same of the running kernel. */
enum selector_presence selector_presence_now(const char *selector);

#endif

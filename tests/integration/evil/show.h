/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_EVIL_SHOW_H
#define MPATHISCSI_EVIL_SHOW_H

/* Trials side by side on one loop, what holds for any of them, and their lines of the table. */

#include "tests/integration/evil/trial.h"

/* Share of one CPU, in thousandths, that is no matter, however busy the machine is otherwise. */
#define SHOW_CPU_NO_MATTER 20
/* … and of the time in which the machine would have let it run. */
#define SHOW_DEMAND_MAX	   500

/* Turn the loop and count the answers of the healthy portals. */
void show_run(sd_event *event, struct trial *list, size_t n, unsigned int ms);

/* … until all healthy portals are up; false: in 10 s they are not. */
bool show_all_up(sd_event *event, struct trial *list, size_t n);

/* Has the healthy portal no more gaps than the undisturbed one beside it, a few aside? */
bool show_gapless(const struct trial *trial, const struct trial *control);

/* Does the child take more than 'max' thousandths of a CPU, or as much as it can get? */
bool show_too_busy(const struct trial *trial, unsigned int max);

void show_heading(void);
/* 'told': changes of state. 79 columns. */
void show_row(const char *name, const char *phase, const char *verdict, const struct trial *trial,
	      unsigned int told);
/* The line of a trial without evil. */
void show_control(const struct trial *trial);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ANALYZER_H
#define MPATHISCSI_ANALYZER_H

/*
 * Around a function of which gcc -fanalyzer believes that it loses memory, and it does not:
 * gcc 12 forgets what was stored through a pointer that the function was given. Each use says
 * who frees it. Valgrind and the address sanitizer see these leaks if there ever are any.
 */
#ifdef __clang__
#define NO_LEAK_BEGIN
#define NO_LEAK_END
#else
#define NO_LEAK_BEGIN                          \
	_Pragma("GCC diagnostic push")         \
	_Pragma("GCC diagnostic ignored \"-Wanalyzer-malloc-leak\"")
#define NO_LEAK_END _Pragma("GCC diagnostic pop")
#endif

#endif

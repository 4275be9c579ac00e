/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PARSE_H
#define MPATHISCSI_PARSE_H

/* Strict parsing: the whole text or nothing, range checked, result written on success only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal, no sign, no blanks. -EINVAL: not a number; -ERANGE: outside min…max. */
int parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* A duration "250", "250ms", "5s", "2min" in milliseconds; a bare number is ms. */
int parse_ms(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* yes/no, on/off, true/false, 1/0. -EINVAL otherwise. */
int parse_bool(const char *text, bool *ret);

/* strlcpy that tells: copies with NUL, -ENOBUFS (and an untouched dst) if it does not fit. */
int copy_text(char *dst, size_t size, const char *src);

/* 64-bit FNV-1a, continued from 'hash' (start with FNV1A_START). Not for adversaries. */
#define FNV1A_START 0xcbf29ce484222325ULL
uint64_t fnv1a(uint64_t hash, const void *data, size_t size);

#endif

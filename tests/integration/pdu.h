/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PDU_H
#define MPATHISCSI_PDU_H

/*
 * What the targets that the tests play themselves share: whole reads and writes of a
 * blocking socket, numbers as PDUs have them (RFC 7143: big endian), the header of an
 * answer, and random numbers that are the same in each run.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PDU_HEADER 48 /* bytes of the basic header segment */

static inline uint32_t pdu_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void pdu_put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* 31 bits; 'state' is the caller's and begins with whatever he wants. */
static inline uint32_t pdu_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*state >> 33);
}

/* False: the connection has ended before that. */
static inline bool pdu_read_all(int fd, void *to, size_t size)
{
	uint8_t *p = to;

	while (size) {
		ssize_t n = read(fd, p, size);

		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

static inline bool pdu_write_all(int fd, const void *from, size_t size)
{
	const uint8_t *p = from;

	while (size) {
		ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

/* Where a target stands in its connection: the next number of an answer, the last
 * command's, and how many commands the initiator may send ahead. */
struct pdu_place {
	uint32_t stat_sn, cmd_sn, window;
};

/* The header of an answer to the request with header 'asked': its task tag, and the
 * numbers, of which one is used up. */
static inline void pdu_answer(uint8_t *pdu, uint8_t opcode, uint8_t flags,
			      const uint8_t *asked, struct pdu_place *place)
{
	memset(pdu, 0, PDU_HEADER);
	pdu[0] = opcode;
	pdu[1] = flags;
	memcpy(pdu + 16, asked + 16, 4); /* ITT */
	pdu_put32(pdu + 24, place->stat_sn++);
	pdu_put32(pdu + 28, place->cmd_sn + 1);
	pdu_put32(pdu + 32, place->cmd_sn + place->window);
}

#endif

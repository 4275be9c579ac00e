/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_login.h"

#include <errno.h>
#include <string.h>

#define PROOF_KEY "CHAP_R=0x"
#define KEY_WHOLE (sizeof(PROOF_KEY) - 1)
#define KEY_OTHER 0xff

/* RFC 7143, 11.13: T bit, CSG, NSG */
#define TRANSIT	 0x80
#define CSG(f)	 ((f) >> 2 & 3)
#define NSG(f)	 ((f)&3)

#define TAG 16 /* where the header has the Initiator Task Tag */

enum { STAGE_SECURITY, STAGE_OPERATIONAL, STAGE_NONE };

void probe_login_init(struct probe_login *login, bool mutual)
{
	memset(login, 0, sizeof(*login));
	login->mutual = mutual;
}

int probe_login_header(struct probe_login *login, const uint8_t *header)
{
	uint8_t flags = header[1];

	login->matched = 0;
	login->empty = true;
	login->ended = false;
	if (login->begun && memcmp(login->tag, header + TAG, sizeof(login->tag)))
		return -EPROTO;
	login->begun = true;
	memcpy(login->tag, header + TAG, sizeof(login->tag));
	if (header[36]) /* refused or redirected: the flags mean nothing */
		return 0;
	if (CSG(flags) >= STAGE_NONE)
		return -EPROTO;
	if ((flags & TRANSIT) && (NSG(flags) <= CSG(flags) || NSG(flags) == STAGE_NONE))
		return -EPROTO;
	if (login->mutual && !login->secured && CSG(flags) != STAGE_SECURITY)
		return -EACCES;
	login->secured |= (flags & TRANSIT) != 0;
	return 0;
}

static bool is_digit(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
	       (byte >= 'A' && byte <= 'F');
}

static int end_key(struct probe_login *login)
{
	bool nothing = login->matched == KEY_WHOLE && login->proof;

	login->ended |= login->empty;
	login->matched = 0;
	login->empty = true;
	return nothing ? -EACCES : 0;
}

static int take(struct probe_login *login, uint8_t byte)
{
	if (!byte)
		return end_key(login);
	login->empty = false;
	if (login->matched == KEY_WHOLE) {
		/* the library takes other characters for digits too, some of them for zero */
		login->proof &= byte == '0';
		return is_digit(byte) ? 0 : -EACCES;
	}
	if (login->matched != KEY_OTHER)
		login->matched = byte == (uint8_t)PROOF_KEY[login->matched]
					 ? (uint8_t)(login->matched + 1)
					 : KEY_OTHER;
	login->proof = true;
	return 0;
}

int probe_login_data(struct probe_login *login, const uint8_t *bytes, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0 && !login->ended; i++)
		r = take(login, bytes[i]);
	return r;
}

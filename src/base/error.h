/* SPDX-License-Identifier: ISC */
/*
 * Faults of the remote, the input and the output, as values with stable names.
 * Functions that can fail for such a reason return an enum err; E_OK is 0.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum err {
	E_OK = 0,
#define ERR(id, code, phase, retry, exitc, curl, text) id,
#include "base/error_table.h"
#undef ERR
	E_COUNT
};

/* The phase of a fetch in which it failed. */
enum phase {
	PHASE_INPUT,
	PHASE_POLICY,
	PHASE_DNS,
	PHASE_CONNECT,
	PHASE_PROXY,
	PHASE_TLS,
	PHASE_SEND,
	PHASE_TTFB,
	PHASE_HEADERS,
	PHASE_BODY,
	PHASE_DECODE,
	PHASE_REDIRECT,
	PHASE_OUTPUT,
	PHASE_INTERNAL,
	PHASE_STRUCK, /* in the table only: the phase the fetch was in */
};

struct error_info {
	const char *code;
	enum phase phase;
	char retry; /* Y N C - */
	int exit;   /* exit status; 47: 4 before an answer began, 7 after */
	int curl;   /* 0 for E_OK */
	const char *text;
};

/* The row of the table; never NULL. E_OK has code "ok". */
const struct error_info *error_info(enum err e);
/* "dns_nxdomain"; "ok" for E_OK. */
const char *error_code(enum err e);
const char *error_phase_name(enum phase p);
/* "ECONNREFUSED" and so on, from a static table; "errno" if unknown. */
const char *error_errno_name(int errnum);
/* Does the machine lack descriptors, buffers or memory for now? Then the same
 * call may succeed later; the peer is not at fault. */
int error_is_shortage(int errnum);

#endif

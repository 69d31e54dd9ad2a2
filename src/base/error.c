/* SPDX-License-Identifier: ISC */
/* The tables of error codes and phases. */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

static const struct error_info infos[E_COUNT] = {
	[E_OK] = { "ok", PHASE_INTERNAL, '-', 0, 0, "" },
#define ERR(id, code, phase, retry, exitc, curl, text) \
	[id] = { code, phase, retry, exitc, curl, text },
#include "base/error_table.h"
#undef ERR
};

static const char *const phases[] = {
	[PHASE_INPUT] = "input",
	[PHASE_POLICY] = "policy",
	[PHASE_DNS] = "dns",
	[PHASE_CONNECT] = "connect",
	[PHASE_PROXY] = "proxy",
	[PHASE_TLS] = "tls",
	[PHASE_SEND] = "send",
	[PHASE_TTFB] = "ttfb",
	[PHASE_HEADERS] = "headers",
	[PHASE_BODY] = "body",
	[PHASE_DECODE] = "decode",
	[PHASE_REDIRECT] = "redirect",
	[PHASE_OUTPUT] = "output",
	[PHASE_INTERNAL] = "internal",
	[PHASE_STRUCK] = "struck",
};

const struct error_info *
error_info(enum err e)
{
	CHECK(e < E_COUNT);
	return &infos[e];
}

const char *
error_code(enum err e)
{
	return error_info(e)->code;
}

const char *
error_phase_name(enum phase p)
{
	CHECK(p <= PHASE_STRUCK);
	return phases[p];
}

const char *
error_errno_name(int errnum)
{
	const char *name = strerrorname_np(errnum);

	return name != NULL ? name : "errno";
}

int
error_is_shortage(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS ||
	       errnum == ENOMEM || errnum == EAGAIN;
}

/* SPDX-License-Identifier: ISC */
/*
 * The worker's end of the protocol with fetchd (codec/frame): reads messages
 * from descriptor 0 and writes complete answers to 1, until the input ends.
 */
#ifndef WORKER_SERVE_H
#define WORKER_SERVE_H

#include <stdint.h>

#include "codec/frame.h"
#include "worker/sandbox.h"

/* For tests in which a worker misbehaves. */
struct serve_hooks {
	/* Called before a document is handled. Nonzero: it was answered. */
	int (*on_document)(uint64_t id, const struct frame_doc *d);
};

/* Returns the exit status. hooks may be NULL. */
int serve_run(struct sandbox *sb, const struct serve_hooks *hooks);

#endif

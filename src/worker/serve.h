/* SPDX-License-Identifier: ISC */
/*
 * fetchd's side of the worker: messages (codec/frame) from descriptor 0,
 * answers on 1, one document after another until the input ends. Nothing but
 * whole messages is ever written there.
 */
#ifndef WORKER_SERVE_H
#define WORKER_SERVE_H

#include <stdint.h>

#include "codec/frame.h"
#include "worker/sandbox.h"

/* For tests of what a worker can do to fetchd. */
struct serve_hooks {
	/* Before a document is looked at. Nonzero: it has been answered. */
	int (*on_document)(uint64_t id, const struct frame_doc *d);
};

/* Returns the exit status. hooks: or NULL. */
int serve_run(struct sandbox *sb, const struct serve_hooks *hooks);

#endif

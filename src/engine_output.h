/* SPDX-License-Identifier: ISC */
/* The sinks of a filter as the output of its job. */
#ifndef ENGINE_OUTPUT_H
#define ENGINE_OUTPUT_H

#include "core/output/output.h"
#include "core/output/tokens.h"

struct sink;

struct engine_commit;

/* An output over an io/sink and perhaps that of --failed-input, which stay
 * their owner's. A record is durable when both have been written, or when the
 * commit says so. */
struct engine_output {
	struct output output;
	struct sink *sink, *failed;
	struct engine_commit *commit; /* or NULL */
	struct tokens tokens;         /* without a commit */
};

void engine_output_init(struct engine_output *o, struct sink *sink,
    struct sink *failed, struct engine_commit *commit);
void engine_output_fini(struct engine_output *o);

#endif

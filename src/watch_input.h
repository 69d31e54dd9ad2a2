/* SPDX-License-Identifier: ISC */
/* Warnings of likely mistakes in the input, one of each kind in a run. */
#ifndef WATCH_INPUT_H
#define WATCH_INPUT_H

struct buf;
struct job;

/* All-zero: nothing was printed. */
struct watch_input {
	int said_two_urls, said_method_case, said_left_out;
};

/* Appends the warnings that are due. */
void
watch_input_put(struct watch_input *w, const struct job *j, struct buf *out);

#endif

/* SPDX-License-Identifier: ISC */
/* Warnings of odd lines in the input, one a run of each kind. */
#ifndef WATCH_INPUT_H
#define WATCH_INPUT_H

struct buf;
struct job;

/* All-zero: nothing has been said. */
struct watch_input {
	int said_two_urls, said_method_case, said_left_out;
};

/* Appends what is to be said now. */
void
watch_input_put(struct watch_input *w, const struct job *j, struct buf *out);

#endif

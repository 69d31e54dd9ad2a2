/* SPDX-License-Identifier: ISC */
/* Where the lines of an item are appended, and as far as there is room. */
#ifndef CORE_OUTPUT_OUTPUT_H
#define CORE_OUTPUT_OUTPUT_H

struct buf;
struct fetch;

/*
 * The buffer f's lines go to: the sink's, or with --keep-order what waits for
 * its turn. output_close when they are appended; nothing in between.
 */
struct buf *output_open(struct fetch *f);
void output_close(struct fetch *f);
/* Is there room for more of f's lines? */
int output_has_room(const struct fetch *f);
/* They go to what waits for its turn. */
int output_is_stored(const struct fetch *f);
/* Is the output in the midst of another item's record? */
int output_is_blocked(const struct fetch *f);

#endif

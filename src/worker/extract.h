/* SPDX-License-Identifier: ISC */
/*
 * Extracts from documents: runs the jobs of a CONFIG message on each of them
 * and writes the JSON object of a RESULT.
 */
#ifndef WORKER_EXTRACT_H
#define WORKER_EXTRACT_H

#include "base/buf.h"
#include "base/parse_error.h"
#include "base/span.h"
#include "codec/frame.h"

struct extract;

/* NULL with a message in `why`: "--css price: unclosed string at 3". Opens all
 * files that will ever be needed. */
struct extract *extract_new(struct span config, struct buf *why);
void extract_free(struct extract *e);

/*
 * Appends a JSON object with a key for each job, in order, to out.
 * PARSE_FAILED: there is no tree (nothing appended), or a job failed (its value
 * is null, the others are valid). PARSE_TOO_LARGE: the object would exceed
 * FRAME_RESULT_MAX - 1 bytes (nothing appended).
 */
enum parse_error
extract_document(struct extract *e, const struct frame_doc *d, struct buf *out);

#endif

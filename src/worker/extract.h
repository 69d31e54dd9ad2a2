/* SPDX-License-Identifier: ISC */
/*
 * What was asked for, taken from one document after another: the jobs of a
 * CONFIG message to the JSON object of a RESULT.
 */
#ifndef WORKER_EXTRACT_H
#define WORKER_EXTRACT_H

#include "base/buf.h"
#include "base/parse_error.h"
#include "base/span.h"
#include "codec/frame.h"

struct extract;

/* NULL with a text for people in why: "--css price: what is wrong". Opens all
 * files there will ever be need of. */
struct extract *extract_new(struct span config, struct buf *why);
void extract_free(struct extract *e);

/*
 * Appends a JSON object with a key for each job, in their order, to out.
 * PARSE_FAILED: no tree could be made of it (nothing appended), or a job failed
 * (its value is null then, the others stand). PARSE_TOO_LARGE: the object would
 * be more than FRAME_RESULT_MAX - 1 bytes (nothing appended).
 */
enum parse_error
extract_document(struct extract *e, const struct frame_doc *d, struct buf *out);

#endif

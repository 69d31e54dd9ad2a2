/* SPDX-License-Identifier: ISC */
/*
 * --failed-input: the lines of items that failed, as they came in, for another
 * run. All but failed_input_put do nothing without the option.
 */
#ifndef CORE_OUTPUT_FAILED_INPUT_H
#define CORE_OUTPUT_FAILED_INPUT_H

#include <stddef.h>

#include "base/error.h"

struct fetch;
struct job;

/* Its record is complete: its line goes out if that has an error. */
void failed_input_put(const struct fetch *f);
void failed_input_flush(struct job *j);
/* Its reader does not keep up: nothing new may start. */
int failed_input_is_full(const struct job *j);
/* Bytes that are not written yet. */
size_t failed_input_pending(const struct job *j);
/* E_OK, or E_OUTPUT_*: nothing is written any more. */
enum err failed_input_error(const struct job *j);

#endif

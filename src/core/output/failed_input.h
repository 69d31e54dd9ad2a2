/* SPDX-License-Identifier: ISC */
/*
 * --failed-input: writes the input lines of items that failed, for another run.
 * Without the option all functions do nothing.
 */
#ifndef CORE_OUTPUT_FAILED_INPUT_H
#define CORE_OUTPUT_FAILED_INPUT_H

#include <stddef.h>

#include "base/error.h"

struct fetch;
struct job;

/* f's record is complete: writes its line if it failed. */
void failed_input_put(const struct fetch *f);
void failed_input_flush(struct job *j);
/* Is its buffer full, so that no new item may start? */
int failed_input_is_full(const struct job *j);
/* Bytes that are not written yet. */
size_t failed_input_pending(const struct job *j);
/* E_OK, or the E_OUTPUT_* that has ended writing. */
enum err failed_input_error(const struct job *j);

#endif

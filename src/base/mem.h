/* SPDX-License-Identifier: ISC */
/*
 * Allocation that does not fail: sizes are capped before memory is taken, so
 * running out is the machine's state, not an item's fault, and fatal.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Owned by the caller, released with free(). A size of 0 gives 1 byte. */
void *mem_alloc(size_t size);
/* Zeroed; n * size is checked for overflow. */
void *mem_zalloc(size_t n, size_t size);
void *mem_realloc(void *p, size_t size);
/* A NUL-terminated copy of n bytes. */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);

/* There is no memory for n * size bytes: ends the program. fetchd says so on
 * stderr, exit 1; a worker tells it by its exit status (worker/mem_setup.c). */
_Noreturn void mem_exhausted(size_t n, size_t size);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Allocation that ends the program instead of failing. Callers check sizes
 * against their caps first, so running out of memory is the fault of the
 * machine, not of an item.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Owned by the caller, released with free(). A size of 0 gives 1 byte. */
void *mem_alloc(size_t size);
/* Zeroed; n * size is checked for overflow. */
void *mem_zalloc(size_t n, size_t size);
void *mem_realloc(void *p, size_t size);
/*
 * Makes room for one more element after the n elements of an array: returns v,
 * or a larger copy of it with *cap elements. v may be NULL with *cap 0. `size`
 * is the size of an element.
 */
void *mem_grow(void *v, size_t n, size_t *cap, size_t size);
/* A NUL-terminated copy of n bytes. */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);

/* Ends the program because n * size bytes could not be allocated. fetchd prints
 * a message and exits with 1; fetchd-worker exits with FRAME_EXIT_OOM. */
_Noreturn void mem_exhausted(size_t n, size_t size);

#endif

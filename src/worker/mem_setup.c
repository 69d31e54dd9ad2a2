/* SPDX-License-Identifier: ISC */
/*
 * Running out of memory as an exit status, for our own code, libxml2 and
 * whoever else allocates by base/mem. mem_exhausted here is taken in place of
 * base's because serve.c needs the rest of this file: the linker has it before
 * it comes to base.
 */
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>

#include "base/mem.h"
#include "codec/frame.h"
#include "worker/mem_setup.h"

/* Blocks of that size are mapped, and unmapped when they are freed. */
#define MAPPED_BYTES (4 << 20)
/* As much of the heap is kept from one document to the next. */
#define KEPT_BYTES (32 << 20)
/* A document that may have left holes in it. */
#define LARGE_BYTES (2 << 20)

/* Nothing is said and nothing cleaned up: there is no memory for either. */
_Noreturn void
mem_exhausted(size_t n, size_t size)
{
	(void)n;
	(void)size;
	_exit(FRAME_EXIT_OOM);
}

void
mem_setup(void)
{
	/*
	 * One arena: when that one is full there is no memory, and malloc need
	 * not go for another, of 64 MiB of address space each.
	 */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	xmlMemSetup(free, mem_alloc, mem_realloc, mem_strdup);
	xmlInitParser();
}

void
mem_settle(size_t bytes)
{
	if (bytes >= LARGE_BYTES)
		malloc_trim(KEPT_BYTES);
}

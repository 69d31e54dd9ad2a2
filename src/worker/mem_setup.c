/* SPDX-License-Identifier: ISC */
/*
 * Sets up malloc for one document after another under a memory limit, and
 * makes libxml2 allocate by base/mem, so that running out of memory has one
 * outcome.
 */
#include <malloc.h>
#include <stdlib.h>

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>

#include "base/mem.h"
#include "worker/mem_setup.h"

/* Blocks of this size are mapped, and unmapped when freed. */
#define MAPPED_BYTES (4 << 20)
/* The heap keeps this much from one document to the next. */
#define KEPT_BYTES (32 << 20)
/* A document of this size may leave the heap fragmented. */
#define LARGE_BYTES (2 << 20)

void
mem_setup(void)
{
	/*
	 * One arena: when it is full, memory is exhausted. A second arena
	 * would only reserve another 64 MiB of address space.
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

/* SPDX-License-Identifier: ISC */
/*
 * The worker's mem_exhausted: reports by the exit status that memory ran out.
 * Linked into the program itself, so it takes the place of the one in base.
 */
#include <unistd.h>

#include "base/mem.h"
#include "codec/frame.h"

/* Prints nothing and cleans nothing up: both would need memory. */
_Noreturn void
mem_exhausted(size_t n, size_t size)
{
	(void)n;
	(void)size;
	_exit(FRAME_EXIT_OOM);
}

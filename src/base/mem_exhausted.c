/* SPDX-License-Identifier: ISC */
/*
 * Ends the program when memory runs out. In a file of its own so that a program
 * can define its own mem_exhausted, which the linker then prefers.
 */
#include "base/check.h"
#include "base/mem.h"

_Noreturn void
mem_exhausted(size_t n, size_t size)
{
	fatalx("out of memory (%zu * %zu bytes)", n, size);
}

/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a program that runs out of memory. In a file of its own, so
 * that a program can bring its own mem_exhausted and the linker takes that one.
 */
#include "base/check.h"
#include "base/mem.h"

_Noreturn void
mem_exhausted(size_t n, size_t size)
{
	fatalx("out of memory (%zu * %zu bytes)", n, size);
}

/* SPDX-License-Identifier: ISC */
/*
 * Is this a build with AddressSanitizer? It maps terabytes, makes system calls
 * of its own, and at the end a helper traces the process to look for leaks: no
 * limit of memory, no filter of system calls, and the process must be
 * traceable (dumpable).
 */
#ifndef BASE_SANITISED_H
#define BASE_SANITISED_H

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITISED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITISED 1
#endif
#endif
#ifndef IS_SANITISED
#define IS_SANITISED 0
#endif

#endif
